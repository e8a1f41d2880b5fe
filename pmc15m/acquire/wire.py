"""What arrives, watched: every byte counted, every wait bounded, headers read by the letter.

A timeout of a socket bounds one silence, not the sum of them: a server that sends a byte a second
holds a plain client for ever, in its headers as well as in its body. Here every read of the
socket, whatever is being read, first looks at the clock of its exchange.
"""

import contextlib
import http.client
import io
import re
import socket
import threading
from typing import Any

from pmc15m.acquire.pace import Clock
from pmc15m.acquire.policy import HttpPolicy

MAX_HEADER_BYTES = 64 * 2**10  # all of them
MAX_LINE_BYTES = 16 * 2**10
MAX_FIELDS = 100
BUFFER_BYTES = 32 * 2**10
"""What is read at once while headers are looked for; the body goes past this buffer."""

_MAX_FRAMING_BYTES = 2**20

# RFC 9112 4 and RFC 9110 5; folded lines, which it forbids, are refused.
_STATUS = re.compile(rb"HTTP/1\.([01]) ([1-9][0-9]{2})(?: [^\r\n]*)?\r?\n")
_NAME = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_NOT_IN_VALUES = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")
LENGTH = re.compile("[0-9]{1,18}")


class Exchange:
    """One request and its answer: how long it may take, how much it may bring, what was seen.

    Args:
        policy: deadline and rate.
        clock: the time.
        max_bytes: most that the body may hold.
    """

    def __init__(self, policy: HttpPolicy, clock: Clock, max_bytes: int) -> None:
        self.num_bytes = 0  # received, headers and framing included
        self.is_late = False  # the deadline passed
        self.is_at_end = False  # the server closed the connection
        self.has_extra = False  # more had arrived than belongs to the answer
        self.fields: dict[str, list[str]] | None = None  # headers by lower-case name, once they are read
        self._max_bytes = 2 * max_bytes + _MAX_FRAMING_BYTES
        self._rate = policy.deadline_bytes_per_s
        self._clock = clock
        self._end_s = clock.now() + policy.deadline_s

    def field(self, name: str) -> str | None:
        """Return the value of a header by its lower-case name; where there are several, the first."""
        values = self.fields.get(name) if self.fields else None
        return values[0] if values else None

    def fields_of(self, name: str) -> list[str]:
        """Return all values of a header by its lower-case name."""
        return self.fields.get(name, []) if self.fields else []

    def left_s(self) -> float:
        """Return the seconds that are left.

        Raises:
            TimeoutError: none are.
        """
        left_s = self._end_s + self.num_bytes / self._rate - self._clock.now()
        if left_s <= 0:
            self.is_late = True
            raise TimeoutError("the deadline passed")
        return left_s

    def receive(self, num_bytes: int) -> None:
        """Count what arrived.

        Raises:
            HTTPException: it is more than any answer that could be taken.
        """
        self.num_bytes += num_bytes
        self.is_at_end |= not num_bytes
        if self.fields is None and self.num_bytes > MAX_HEADER_BYTES + BUFFER_BYTES:
            raise http.client.HTTPException(f"headers of more than {MAX_HEADER_BYTES:,} bytes")
        if self.num_bytes > self._max_bytes:
            raise http.client.HTTPException("far more bytes than the body may have")


class _Current(threading.local):
    """The exchange that a thread is in: a pool hands a connection to a thread, and tells it nothing."""

    exchange: Exchange | None = None


CURRENT = _Current()


class _WatchedSocket(io.RawIOBase):
    """What a response reads from."""

    def __init__(self, raw: io.RawIOBase, sock: Any, exchange: Exchange) -> None:
        super().__init__()
        self.is_stopped = False  # then it reads nothing any more, as at the end
        self.exchange = exchange
        self.sock = sock
        self._raw = raw  # keeps the socket open, as any file made of it
        self._timeout_s: float | None = sock.gettimeout()
        self._silence_s = float("inf") if self._timeout_s is None else self._timeout_s

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if self.is_stopped:
            return 0
        timeout_s = min(self._silence_s, self.exchange.left_s())
        if timeout_s != self._timeout_s:
            self.sock.settimeout(timeout_s)
            self._timeout_s = timeout_s
        try:
            num_bytes = int(self.sock.recv_into(buffer))
        except TimeoutError:
            self.exchange.left_s()  # notes that it was the deadline, if it was
            raise
        self.exchange.receive(num_bytes)
        return num_bytes

    def close(self) -> None:
        if not self.closed:
            self._raw.close()
            super().close()


class _WatchedReader(io.BufferedReader):
    """Tells at its end whether the answer had more bytes than it said, and lets nobody read on after them."""

    def __init__(self, source: _WatchedSocket) -> None:
        super().__init__(source, BUFFER_BYTES)
        self._source = source

    def close(self) -> None:
        if not self.closed:
            self._source.is_stopped = True
            if self.peek(1):
                self._source.exchange.has_extra = True
                with contextlib.suppress(OSError):  # closed before
                    self._source.sock.shutdown(socket.SHUT_RDWR)
        super().close()


class WatchedResponse(http.client.HTTPResponse):
    """An answer whose every byte goes through its exchange."""

    def __init__(self, sock: Any, debuglevel: int = 0, method: str | None = None, url: str | None = None) -> None:
        super().__init__(sock, debuglevel, method, url)
        if CURRENT.exchange is None:
            raise RuntimeError("nobody watches this connection")
        self._exchange = CURRENT.exchange
        self.fp = _WatchedReader(_WatchedSocket(self.fp.detach(), sock, self._exchange))

    def begin(self) -> None:
        """Read status and headers, by the letter.

        What urllib3 makes of headers nobody needs: they go to the exchange, and it is handed none.
        """
        if self.headers is not None:
            return
        status, fields = 100, {}
        while 100 <= status < 200 and status != 101:  # "go on" and "early hints" come before the answer
            self.version, status, self.reason = self._read_status_line()
            fields = self._read_fields()
        self.headers = self.msg = http.client.HTTPMessage()
        self.code = self.status = status
        self.chunked = [coding.lower() for coding in fields.get("transfer-encoding", ())] == ["chunked"]
        self.chunk_left = None
        self.length = None
        length = fields.get("content-length", ("",))[0]
        if status in {204, 304}:
            self.length = 0
        elif not self.chunked and LENGTH.fullmatch(length):
            self.length = int(length)
        connection = ",".join(fields.get("connection", ())).lower()
        stays = "close" not in connection if self.version == 11 else "keep-alive" in connection
        self.will_close = not stays or (self.length is None and not self.chunked)
        self._exchange.fields = fields

    def _read_status_line(self) -> tuple[int, int, str]:
        line = self.fp.readline(MAX_LINE_BYTES)
        if not line:
            raise http.client.RemoteDisconnected("closed without an answer")
        match = _STATUS.fullmatch(line)
        if match is None:
            raise http.client.BadStatusLine(ascii(line[:80]))
        return 10 + int(match.group(1)), int(match.group(2)), ""

    def _read_fields(self) -> dict[str, list[str]]:
        fields: dict[str, list[str]] = {}
        for _ in range(MAX_FIELDS + 1):
            line = self.fp.readline(MAX_LINE_BYTES)
            if line in {b"\r\n", b"\n"}:
                return fields
            name, _, value = line.partition(b":")  # without a colon the name ends in a line feed, or not at all
            value = value.strip(b" \t\r\n")
            if not line.endswith(b"\n") or not _NAME.fullmatch(name) or _NOT_IN_VALUES.search(value):
                raise http.client.HTTPException(f"malformed header: {line[:80]!a}")
            fields.setdefault(name.decode("ascii").lower(), []).append(value.decode("latin-1"))
        raise http.client.HTTPException(f"more than {MAX_FIELDS} headers")
