"""An answer as it goes over the wire, and what each fault makes of a sound one."""

import gzip
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import Enum, auto
from functools import lru_cache
from http.client import responses
from typing import TypeAlias
from xml.sax.saxutils import escape

from tests.server.faults import Fault

BOMB_MIB = 512
_MEMBER_MIB = 16
_HTML = b"<!DOCTYPE html>\n<html><head><title>Checking your browser</title></head><body>reCAPTCHA</body></html>\n"
_GATEWAY = b"<html><head><title>%d %s</title></head><body><center><h1>%d %s</h1></center></body></html>\r\n"

Headers: TypeAlias = tuple[tuple[str, str], ...]


class Ending(Enum):
    """What becomes of the connection."""

    KEEP = auto()
    CLOSE = auto()
    RESET = auto()
    HOLD = auto()  # nothing more comes until the other side gives up


class Drip(Enum):
    """Which part goes out byte by byte."""

    NOTHING = auto()
    HEAD = auto()
    BODY = auto()


@dataclass(frozen=True, slots=True)
class Answer:
    """Status, headers and body; what the headers say of the length need not be true."""

    status: int
    headers: Headers
    body: bytes
    ending: Ending = Ending.KEEP
    drip: Drip = Drip.NOTHING
    raw_head: bytes | None = None  # in place of status line and headers

    @property
    def head(self) -> bytes:
        """Status line and headers."""
        if self.raw_head is not None:
            return self.raw_head
        lines = [f"HTTP/1.1 {self.status} {responses.get(self.status, 'Unknown')}"]
        lines += [f"{name}: {value}" for name, value in self.headers]
        lines += ["Connection: close"] if self.ending != Ending.KEEP else []
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")

    def with_headers(self, **changes: str | None) -> "Answer":
        """Return the answer with other headers: `content_length="5"`; None takes one away."""
        named = {name.replace("_", "-").lower(): value for name, value in changes.items()}
        kept = tuple((name, value) for name, value in self.headers if name.lower() not in named)
        added = tuple((name.title(), value) for name, value in named.items() if value is not None)
        return replace(self, headers=kept + added)


def make_answer(status: int, body: bytes, content_type: str, headers: Headers = ()) -> Answer:
    """Return a sound answer."""
    base = (("Content-Type", content_type), ("Content-Length", str(len(body))), ("Server", "AmazonS3"))
    return Answer(status, headers + base, body)


def make_error(status: int, code: str, message: str, key: str = "") -> Answer:
    """Return an error as S3 words it."""
    named = f"<Key>{escape(key)}</Key>" if key else ""
    body = (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>{code}</Code><Message>{escape(message)}</Message>{named}'
        "<RequestId>0A1B2C3D4E5F6071</RequestId><HostId>dGVzdCBzZXJ2ZXI=</HostId></Error>"
    )
    return make_answer(status, body.encode(), "application/xml")


def no_such_key(key: str) -> Answer:
    """Return the answer for a key that there is not."""
    return make_error(404, "NoSuchKey", "The specified key does not exist.", key)


@lru_cache(maxsize=1)
def make_bomb() -> bytes:
    """Return half a MB that unpacks to half a GB of zeros."""
    return gzip.compress(bytes(_MEMBER_MIB * 2**20), 9, mtime=0) * (BOMB_MIB // _MEMBER_MIB)


def spoil(fault: Fault, sound: Answer, key: str, target: str, port: int) -> Answer:
    """Return what a fault makes of an answer; of one that this module does not know, the answer itself."""
    if fault in _SPOILERS:
        return _SPOILERS[fault](sound)
    if fault in {Fault.NOT_FOUND, Fault.GONE}:
        return no_such_key(key)
    places = {
        Fault.REDIRECT_HOST: f"http://localhost:{port}/_elsewhere{target}",
        Fault.REDIRECT_FILE: "file:///etc/hostname",
        Fault.REDIRECT_LOOP: target,
    }
    if fault in places:
        return make_answer(302, b"", "text/plain", (("Location", places[fault]),))
    return sound


def _half(sound: Answer) -> bytes:
    return sound.body[: len(sound.body) // 2]


def _flip(sound: Answer) -> Answer:
    middle = len(sound.body) // 2
    body = (
        sound.body[:middle] + bytes(byte ^ 0xFF for byte in sound.body[middle : middle + 1]) + sound.body[middle + 1 :]
    )
    return replace(sound, body=body)


def _short(sound: Answer) -> Answer:
    return replace(sound, body=_half(sound), ending=Ending.CLOSE)


def _short_chunked(sound: Answer) -> Answer:
    half = _half(sound)
    chunk = b"%x\r\n%s\r\n" % (len(half), half) if half else b""
    made = sound.with_headers(content_length=None, transfer_encoding="chunked")
    return replace(made, body=chunk, ending=Ending.CLOSE)


def _cut(sound: Answer) -> Answer:
    return replace(sound.with_headers(content_length=None), body=_half(sound), ending=Ending.CLOSE)


def _long(sound: Answer) -> Answer:
    return replace(sound.with_headers(content_length=str(len(sound.body) // 2)), ending=Ending.CLOSE)


def _slow_down(_: Answer) -> Answer:
    return make_error(503, "SlowDown", "Please reduce your request rate.")


def _too_many(seconds: int) -> Callable[[Answer], Answer]:
    body = b'{"error":"too many requests"}'
    return lambda _: make_answer(429, body, "application/json", (("Retry-After", str(seconds)),))


def _gateway(status: int) -> Callable[[Answer], Answer]:
    words = responses[status].encode()
    return lambda _: make_answer(status, _GATEWAY % (status, words, status, words), "text/html")


def _nothing(ending: Ending, raw: bytes = b"") -> Callable[[Answer], Answer]:
    """Return what answers with nothing, or with bytes that are no HTTP."""
    return lambda _: Answer(0, (), b"", ending, raw_head=raw)


def _partial(sound: Answer) -> Answer:
    half = _half(sound)
    told = f"bytes 0-{max(len(half) - 1, 0)}/{len(sound.body)}"
    return replace(sound.with_headers(content_length=str(len(half)), content_range=told), status=206, body=half)


def _lying(length: str, ending: Ending = Ending.CLOSE) -> Callable[[Answer], Answer]:
    return lambda sound: replace(sound.with_headers(content_length=length), ending=ending)


def _two_lengths(sound: Answer) -> Answer:
    return replace(sound, headers=(*sound.headers, ("Content-Length", str(len(sound.body) + 7))), ending=Ending.CLOSE)


def _bomb(sound: Answer) -> Answer:
    body = make_bomb()
    return replace(sound.with_headers(content_length=str(len(body)), content_encoding="gzip"), body=body)


def _padded(more: Headers) -> Callable[[Answer], Answer]:
    return lambda sound: replace(sound, headers=more + sound.headers, ending=Ending.CLOSE)


_SPOILERS: dict[Fault, Callable[[Answer], Answer]] = {
    Fault.MD5_ONCE: _flip,
    Fault.MD5_ALWAYS: _flip,
    Fault.SHORT_BODY: _short,
    Fault.SHORT_CHUNKED: _short_chunked,
    Fault.CUT_BODY: _cut,
    Fault.LONG_BODY: _long,
    Fault.HTML: lambda _: make_answer(200, _HTML, "text/html; charset=utf-8"),
    **dict.fromkeys((Fault.SLOW_DOWN_3, Fault.STORM, Fault.SLOW_DOWN), _slow_down),
    Fault.ERROR_500: lambda _: make_error(500, "InternalError", "We encountered an internal error. Please try again."),
    Fault.ERROR_502: _gateway(502),
    Fault.ERROR_504: _gateway(504),
    Fault.RETRY_AFTER_LONG: _too_many(99_999),
    Fault.RETRY_AFTER_1: _too_many(1),
    Fault.FORBIDDEN: lambda _: make_error(403, "AccessDenied", "Access Denied"),
    Fault.RESET_EARLY: _nothing(Ending.RESET),
    Fault.RESET_IN_BODY: lambda sound: replace(sound, body=_half(sound), ending=Ending.RESET),
    Fault.EMPTY_REPLY: _nothing(Ending.CLOSE),
    Fault.GARBAGE_STATUS: _nothing(Ending.CLOSE, b"SSH-2.0-OpenSSH_9.6\r\n\x00\xff no HTTP at all\r\n\r\n"),
    Fault.DRIP_BODY: lambda sound: replace(sound, drip=Drip.BODY, ending=Ending.CLOSE),
    Fault.DRIP_HEADERS: lambda sound: replace(sound, drip=Drip.HEAD, ending=Ending.CLOSE),
    Fault.SILENT: _nothing(Ending.HOLD),
    Fault.HUGE_LENGTH: _lying(str(10**13), Ending.HOLD),
    Fault.NEGATIVE_LENGTH: _lying("-1"),
    Fault.TWO_LENGTHS: _two_lengths,
    Fault.GZIP_BOMB: _bomb,
    Fault.PARTIAL: _partial,
    Fault.HUGE_HEADER: _padded((("X-Amz-Meta-Padding", "x" * 100_000),)),
    Fault.MANY_HEADERS: _padded(tuple((f"X-Amz-Meta-{n}", "x") for n in range(500))),
}
