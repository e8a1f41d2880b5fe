"""What an answer is worth: its status, its headers, its body, and the errors in place of one."""

import hashlib
import re
import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

from urllib3 import BaseHTTPResponse
from urllib3.exceptions import ConnectTimeoutError, HTTPError, NewConnectionError, ProxyError, ReadTimeoutError

from pmc15m.acquire.retry import Failure, Kind, parse_retry_after
from pmc15m.acquire.wire import LENGTH, Exchange
from pmc15m.records import Reason

PIECE_BYTES = 64 * 2**10
MAX_ERROR_BYTES = 16 * 2**10
"""An error's body is read up to here, for its code and so that the connection can go on."""

BUSY_STATUSES = frozenset({429, 503})
PASSING_STATUSES = frozenset({408, 500, 502, 504})

_CODE = re.compile(rb"<Code>(\w{1,64})</Code>")
_HTML = re.compile(rb"(?:\xef\xbb\xbf)?\s*(?:<\?xml[^>]*>\s*)?(?:<!doctype\s+html|<html)[\s>]", re.IGNORECASE)
_MAX_WORDS_CHARS = 200


@dataclass(frozen=True, slots=True)
class Order:
    """What is asked for."""

    url: str
    max_bytes: int
    md5: str | None
    check: Callable[[bytes], str | None] | None
    may_be_html: bool


def judge_status(answer: BaseHTTPResponse, exchange: Exchange, wall_s: float) -> None:
    """Return if the answer is the object.

    Raises:
        Failure: it is something else.
    """
    status = answer.status
    if status == 200:
        return
    if 300 <= status < 400:
        target = describe(exchange.field("location") or "nowhere")
        raise Failure(Kind.FINAL, Reason.REDIRECT, f"status {status}, to {target}; not followed")
    sentence = f"status {status}{_error_code(answer, exchange)}"
    if status in {404, 410}:
        raise Failure(Kind.FINAL, Reason.NOT_FOUND, sentence)
    if status in {401, 403}:
        raise Failure(Kind.FINAL, Reason.FORBIDDEN, sentence)
    if status in BUSY_STATUSES:
        asked_s = parse_retry_after(exchange.field("retry-after"), exchange.field("date"), wall_s)
        raise Failure(Kind.BUSY, Reason.FETCH_FAILED, sentence, asked_s)
    if status in PASSING_STATUSES:
        raise Failure(Kind.PASSING, Reason.FETCH_FAILED, sentence)
    raise Failure(Kind.FINAL, Reason.FETCH_FAILED, f"{sentence}, which was not asked for")


def judge_headers(exchange: Exchange, max_bytes: int) -> int | None:
    """Return the length of the body, None where it is not said.

    Raises:
        Failure: the body would be too long, or its end or its coding is not clear.
    """
    codings = [coding for coding in exchange.fields_of("content-encoding") if coding.lower() not in {"", "identity"}]
    transfers = [coding.lower() for coding in exchange.fields_of("transfer-encoding")]
    lengths = exchange.fields_of("content-length")
    if codings or transfers not in ([], ["chunked"]):
        names = clean(", ".join(codings + transfers))
        raise Failure(Kind.FINAL, Reason.CONTENT_ENCODING, f"encoded as {names}, against what was asked for")
    if not lengths:
        return None
    if len(lengths) > 1 or transfers or not LENGTH.fullmatch(lengths[0]):
        words = clean(", ".join(lengths + transfers))
        raise Failure(Kind.FINAL, Reason.FETCH_FAILED, f"contradictory or malformed length: {words}")
    length = int(lengths[0])
    if length > max_bytes:
        raise Failure(Kind.FINAL, Reason.TOO_LARGE, f"{length:,} bytes, more than {max_bytes:,}; not read")
    return length


def read_body(answer: BaseHTTPResponse, length: int | None, order: Order, exchange: Exchange) -> bytes:
    """Return the whole body, checked in every way that there is.

    Raises:
        Failure: it is cut, too long, not the right one.
        HTTPError: the connection broke.
    """
    is_chunked = bool(exchange.fields_of("transfer-encoding"))
    if length is not None:
        data = answer.read(max(length, 1), decode_content=False)
        if len(data) < length:
            raise Failure(Kind.PASSING, Reason.FETCH_FAILED, f"cut after {len(data):,} of {length:,} bytes")
    else:
        data = _read_to_end(answer, order.max_bytes)
        if is_chunked and exchange.is_at_end:
            raise Failure(Kind.PASSING, Reason.FETCH_FAILED, f"cut after {len(data):,} bytes of chunks")
    _judge_body(data, order, exchange)
    if order.md5 is None and exchange.has_extra:
        raise Failure(Kind.FINAL, Reason.FETCH_FAILED, f"more bytes than the {len(data):,} that it says")
    if order.md5 is None and length is None and not is_chunked:
        words = "neither length nor md5: nobody could tell whether it is cut"
        raise Failure(Kind.PASSING, Reason.FETCH_FAILED, words)
    return data


def _judge_body(data: bytes, order: Order, exchange: Exchange) -> None:
    if order.md5 is not None:
        got = hashlib.md5(data, usedforsecurity=False).hexdigest()
        if got != order.md5.lower():
            raise Failure(Kind.PASSING, Reason.MD5_MISMATCH, f"md5 {got}, wanted {clean(order.md5)}")
    elif not order.may_be_html:
        kind = (exchange.field("content-type") or "").partition(";")[0].strip().lower()
        if kind in {"text/html", "application/xhtml+xml"} or _HTML.match(data[:1024]):
            raise Failure(Kind.FINAL, Reason.FETCH_FAILED, "a web page in place of the object, with status 200")
    if order.check is not None and (complaint := order.check(data)) is not None:
        raise Failure(Kind.BUSY, Reason.FETCH_FAILED, clean(complaint))


def _read_to_end(answer: BaseHTTPResponse, max_bytes: int) -> bytes:
    pieces = []
    num_bytes = 0
    try:
        while piece := answer.read(min(PIECE_BYTES, max_bytes + 1 - num_bytes), decode_content=False):
            pieces.append(piece)
            num_bytes += len(piece)
            if num_bytes > max_bytes:
                raise Failure(Kind.FINAL, Reason.TOO_LARGE, f"more than {max_bytes:,} bytes")
    except ValueError as error:  # http.client takes a chunk of -5 bytes for a length
        raise Failure(Kind.PASSING, Reason.FETCH_FAILED, "malformed chunks") from error
    return b"".join(pieces)


def _error_code(answer: BaseHTTPResponse, exchange: Exchange) -> str:
    """Return the code that S3 gives with an error, in brackets, and nothing where there is none."""
    length = exchange.field("content-length") or ""
    is_short = LENGTH.fullmatch(length) and int(length) <= MAX_ERROR_BYTES
    if not is_short and not exchange.fields_of("transfer-encoding"):
        return ""
    try:
        match = _CODE.search(answer.read(MAX_ERROR_BYTES, decode_content=False))
    except (HTTPError, ValueError):  # the status is enough
        return ""
    return f" ({match.group(1).decode()})" if match else ""


def failure_of(error: HTTPError, exchange: Exchange) -> Failure:
    """Return what an error of urllib3 means."""
    causes = _causes(error)
    for cause in causes:
        if isinstance(cause, ssl.SSLCertVerificationError):
            words = f"the server's certificate is not to be trusted: {clean(cause.verify_message)}"
            return Failure(Kind.FINAL, Reason.FETCH_FAILED, words)
    if exchange.is_late:
        sentence = f"the deadline passed after {exchange.num_bytes:,} bytes"
        return Failure(Kind.PASSING, Reason.FETCH_TIMEOUT, sentence)
    words = clean(str(causes[-1]) or type(causes[-1]).__name__)
    if isinstance(error, ReadTimeoutError):
        return Failure(Kind.PASSING, Reason.FETCH_TIMEOUT, f"no answer in time after {exchange.num_bytes:,} bytes")
    if isinstance(error, ConnectTimeoutError) and not isinstance(error, NewConnectionError):  # which is one, too
        return Failure(Kind.BUSY, Reason.FETCH_TIMEOUT, "no connection in time")
    if isinstance(error, NewConnectionError | ProxyError):
        is_unknown = isinstance(causes[-1], socket.gaierror) and causes[-1].errno == socket.EAI_NONAME
        kind = Kind.PASSING if is_unknown else Kind.BUSY
        return Failure(kind, Reason.FETCH_FAILED, f"no connection: {words}")
    return Failure(Kind.PASSING, Reason.FETCH_FAILED, f"the connection broke: {words}")


def _causes(error: BaseException) -> list[BaseException]:
    """Return an error and what it comes from, innermost last: urllib3 keeps that in args or as the cause."""
    causes = [error]
    while len(causes) < 10:
        last = causes[-1]
        inner = next((arg for arg in reversed(last.args) if isinstance(arg, BaseException)), last.__cause__)
        if inner is None or inner in causes:
            break
        causes.append(inner)
    return causes


def clean(text: str) -> str:
    """Return the words of others fit for one line of a log."""
    return "".join(char if char.isprintable() else "?" for char in text[:_MAX_WORDS_CHARS])


def describe(url: str) -> str:
    """Return an address without user, password, query and control characters."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return "an address that is none"
    scheme = f"{parts.scheme}:" if parts.scheme else ""
    host = f"//{parts.netloc.rpartition('@')[2]}" if parts.netloc or scheme else ""
    return clean(f"{scheme}{host}{parts.path}")
