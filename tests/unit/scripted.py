"""A server on loopback that does what a test wrote down, byte by byte, and a clock that waits for nobody."""

import contextlib
import hashlib
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TypeAlias

from pmc15m.acquire.http import HttpClient, HttpPolicy
from pmc15m.acquire.pace import Clock

DATA = b"The mill stands still. " * 40
LINGER_NOTHING = struct.pack("ii", 1, 0)  # close with a reset

Act: TypeAlias = Callable[[socket.socket], bool | None]  # True: the connection goes on


def answer(
    body: bytes = DATA, status: str = "200 OK", *fields: str, length: int | str | None = None, close: bool = False
) -> Act:
    """Answer like S3; length None: the true one."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body) if length is None else length}", *fields]
    return raw("\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body, close=close)


def raw(data: bytes, close: bool = False) -> Act:
    def act(connection: socket.socket) -> bool:
        connection.sendall(data)
        return not close

    return act


def chunked(*chunks: bytes, end: bytes = b"0\r\n\r\n", status: str = "200 OK", close: bool = False) -> Act:
    parts = b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks)
    return raw(f"HTTP/1.1 {status}\r\nTransfer-Encoding: chunked\r\n\r\n".encode() + parts + end, close=close)


def reset(data: bytes = b"") -> Act:
    def act(connection: socket.socket) -> bool:
        connection.sendall(data)
        if data:
            time.sleep(0.01)  # so that it arrives before the reset
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_NOTHING)
        return False

    return act


def drip(data: bytes, at_once: int = 0, interval_s: float = 0.01) -> Act:
    """Send a byte now and then until the other side has enough."""

    def act(connection: socket.socket) -> bool:
        connection.sendall(data[:at_once])
        for number in range(at_once, len(data)):
            time.sleep(interval_s)
            connection.sendall(data[number : number + 1])
        return True

    return act


def silence(connection: socket.socket) -> bool:
    """Say nothing until the other side hangs up."""
    while connection.recv(1024):
        pass
    return False


@dataclass(frozen=True, slots=True)
class Request:
    """What was asked."""

    target: str
    fields: dict[str, str]  # by lower-case name
    client_port: int


@dataclass
class Scripted:
    """A running server. The acts are played in order, one a request, the last one again and again."""

    acts: list[Act]
    url: str = ""
    requests: list[Request] = field(default_factory=list)
    num_open: int = 0
    max_open: int = 0
    tls: ssl.SSLContext | None = None
    greeting: bytes = b""  # said first, and nothing after it
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def num_connections(self) -> int:
        """How many connections brought a request."""
        return len({request.client_port for request in self.requests})

    def serve(self, connection: socket.socket) -> None:
        """Answer on one connection until its end."""
        with contextlib.suppress(OSError), connection:
            if self.greeting:
                connection.sendall(self.greeting)
                return
            if self.tls is not None:
                connection = self.tls.wrap_socket(connection, server_side=True)
            with connection:
                while (request := _read_request(connection)) is not None:
                    with self.lock:
                        act = self.acts[min(len(self.requests), len(self.acts) - 1)]
                        self.requests.append(request)
                        self.num_open += 1
                        self.max_open = max(self.max_open, self.num_open)
                    try:
                        goes_on = act(connection)
                    finally:
                        with self.lock:
                            self.num_open -= 1
                    if not goes_on:
                        return


def _read_request(connection: socket.socket) -> Request | None:
    data = b""
    while b"\r\n\r\n" not in data:
        piece = connection.recv(65536)
        if not piece:
            return None
        data += piece
    first, *lines = data.partition(b"\r\n\r\n")[0].decode("latin-1").split("\r\n")
    fields = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    return Request(first.split(" ")[1], fields, connection.getpeername()[1])


@contextmanager
def scripted(*acts: Act, tls: ssl.SSLContext | None = None, greeting: bytes = b"") -> Iterator[Scripted]:
    """Run a server; without acts it answers DATA."""
    server = Scripted(list(acts) or [answer()], tls=tls, greeting=greeting)
    with socket.create_server(("127.0.0.1", 0), backlog=128) as listener:
        server.url = f"{'https' if tls else 'http'}://127.0.0.1:{listener.getsockname()[1]}"

        def accept() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                threading.Thread(target=server.serve, args=(connection,), daemon=True).start()

        acceptor = threading.Thread(target=accept, daemon=True)
        acceptor.start()
        try:
            yield server
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            acceptor.join(5)


class FastClock:
    """Time that passes by sleeping alone, and without waiting."""

    def __init__(self) -> None:
        self.now_s = 1_000.0
        self.sleeps: list[float] = []
        self._lock = threading.Lock()

    def now(self) -> float:
        return self.now_s

    def sleep(self, seconds: float) -> None:
        with self._lock:
            self.now_s += seconds
            self.sleeps.append(seconds)

    @property
    def clock(self) -> Clock:
        return Clock(self.now, self.sleep, lambda: 1_800_000_000.0)


def fast_client(policy: HttpPolicy | None = None) -> tuple[HttpClient, FastClock]:
    """Return a client whose waits take no time."""
    clock = FastClock()
    return HttpClient(policy or HttpPolicy(), clock.clock), clock


def md5_of(data: bytes) -> str:
    return hashlib.md5(data, usedforsecurity=False).hexdigest()
