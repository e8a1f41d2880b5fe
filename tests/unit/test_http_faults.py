"""A server that misbehaves: every way of the fault matrix ends in the object or in the right reason."""

import gzip
import socket
from typing import Any

import pytest

from pmc15m.acquire.http import FetchError, HttpClient, HttpPolicy
from pmc15m.acquire.wire import MAX_LINE_BYTES
from pmc15m.records import Reason
from tests.unit.scripted import (
    DATA,
    Act,
    answer,
    chunked,
    fast_client,
    md5_of,
    raw,
    reset,
    scripted,
)

MD5 = md5_of(DATA)
OPEN_END = b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
TWO_LINES_OF_ONE = b"HTTP/1.1 200 OK\r\nX: " + b"x" * (MAX_LINE_BYTES - 3) + b"Content-Length: 4\r\n\r\nevil"
HTML = b"<!DOCTYPE html>\n<html><head><title>Checking your browser</title></head></html>"
MANY_FIELDS = "\r\n".join(f"X-{number}: y" for number in range(500))


def refusal_of(
    *acts: Act, md5: str | None = MD5, max_bytes: int = 10_000, key: str = "a.jpg"
) -> tuple[FetchError, int]:
    """Return the error, and how many requests it took."""
    with scripted(*acts) as server:
        client, _ = fast_client()
        with pytest.raises(FetchError) as caught:
            client.get(f"{server.url}/{key}?api_key=secret", max_bytes=max_bytes, md5=md5)
        assert caught.value.detail.startswith(f"{server.url}/{key}: ")
        assert "secret" not in caught.value.detail
        return caught.value, len(server.requests)


PASSING = {
    "row 1: wrong md5 once": answer(b"x" * len(DATA)),
    "row 2: short body": answer(DATA, length=len(DATA) + 1, close=True),
    "row 2: no body": answer(b"", length=len(DATA), close=True),
    "row 3: short chunked": raw(CHUNKED + b"400\r\n" + DATA[:100], close=True),
    "row 3: no last chunk": chunked(DATA, end=b"", close=True),
    "row 3: cut in a length, which reads as the last chunk": raw(CHUNKED + b"5\r\nThe m\r\n0", close=True),
    "row 3: negative chunk": raw(CHUNKED + b"-5\r\nThe m\r\n0\r\n\r\n"),
    "row 3: chunk without end": raw(CHUNKED + b"-1\r\nThe m\r\n0\r\n\r\n", close=True),
    "row 3: chunk of no number": raw(CHUNKED + b"mill\r\nThe m\r\n0\r\n\r\n"),
    "row 4: cut, no length": raw(OPEN_END + DATA[:-1], close=True),
    "row 10: 500": answer(b"<Error><Code>InternalError</Code></Error>", "500 Internal Server Error"),
    "row 10: 502": answer(b"", "502 Bad Gateway"),
    "row 10: 504": answer(b"", "504 Gateway Timeout"),
    "408": answer(b"", "408 Request Timeout"),
    "row 14: reset before headers": reset(),
    "row 15: reset in headers": reset(b"HTTP/1.1 200 OK\r\nContent-Le"),
    "row 15: reset in the body": reset(b"HTTP/1.1 200 OK\r\nContent-Length: 920\r\n\r\n" + DATA[:500]),
    "row 16: empty reply": raw(b"", close=True),
    "row 17: garbage status": raw(b"SSH-2.0-OpenSSH_9.6\r\n\x00\xff\r\n\r\n", close=True),
    "row 17: no three digits": raw(b"HTTP/1.1 20 OK\r\nContent-Length: 0\r\n\r\n"),
    "row 17: HTTP of another time": raw(b"HTTP/2 200\r\nContent-Length: 0\r\n\r\n"),
    "row 26: huge header": answer(DATA, "200 OK", f"X-Pad: {'x' * 20_000}"),
    "row 26: many headers": answer(DATA, "200 OK", MANY_FIELDS),
    "row 26: headers without end": raw(b"HTTP/1.1 100 Continue\r\nX: y\r\n\r\n" * 50_000, close=True),
    "cut in the headers": raw(b"HTTP/1.1 200 OK\r\nContent-Length: 920\r\n", close=True),
    "header without colon": answer(DATA, "200 OK", "what is this"),
    "folded header": answer(DATA, "200 OK", "X-A: b\r\n c"),
    "NUL in a header": answer(DATA, "200 OK", "X-A: b\0c"),
    "blank before the colon": answer(DATA, "200 OK", "Content-Encoding : gzip"),
}


@pytest.mark.parametrize("act", PASSING.values(), ids=PASSING.keys())
def test_what_may_pass_is_asked_for_again_and_then_given_up(act: Act) -> None:
    with scripted(act, answer()) as server:
        client, clock = fast_client()
        fetched = client.get(f"{server.url}/a.jpg", max_bytes=10_000, md5=MD5)
        assert (fetched.data, fetched.num_requests, len(server.requests)) == (DATA, 2, 2)
        assert len(clock.sleeps) == 1
        assert 0 <= clock.sleeps[0] <= 0.1
    error, num_requests = refusal_of(act)
    if error.reason == Reason.MD5_MISMATCH:
        assert (error.is_fault, num_requests) == (False, 2)
    else:
        assert (error.reason, error.is_fault, num_requests) == (Reason.FETCH_FAILED, True, 5)
        assert error.detail.endswith("; given up after 5 requests")


@pytest.mark.parametrize(
    ("act", "words"),
    [
        (raw(CHUNKED + b"5\r\nThe m\r\n0", close=True), "cut after 5 bytes of chunks"),
        (chunked(DATA, end=b"0\r\n" + b"X: y\r\n" * 300_000 + b"\r\n"), "far more bytes than the body may have"),
        (raw(CHUNKED + b"1" + b";x" * 1_000_000), "got more than 65536 bytes when reading chunk size"),
        (raw(TWO_LINES_OF_ONE, close=True), "malformed header: b'X: xxx"),
        (answer(DATA, "200 OK", MANY_FIELDS), "more than 100 headers"),
        (answer(DATA, "200 OK", *[f"X-{n}: {'y' * 9_000}" for n in range(50)]), "headers of more than 65,536 bytes"),
    ],
)
def test_row_26_framing_that_cannot_be_trusted_is_refused_without_an_md5_too(act: Act, words: str) -> None:
    error, num_requests = refusal_of(act, md5=None)
    assert (error.reason, error.is_fault, num_requests) == (Reason.FETCH_FAILED, True, 5)
    assert words in error.detail


FINAL = {
    "row 12: 404": (answer(b"<Error><Code>NoSuchKey</Code></Error>", "404 Not Found"), Reason.NOT_FOUND, "NoSuchKey"),
    "410": (answer(b"", "410 Gone"), Reason.NOT_FOUND, "status 410"),
    "row 13: 403": (chunked(b"<Code>AccessDenied</Code>", status="403 Forbidden"), Reason.FORBIDDEN, "AccessDenied"),
    "401": (answer(b"", "401 Unauthorized"), Reason.FORBIDDEN, "status 401"),
    "row 21: huge length": (answer(b"", length=10**13), Reason.TOO_LARGE, "10,000,000,000,000 bytes, more than 10,000"),
    "row 21: one byte too many": (answer(b"x" * 10_001), Reason.TOO_LARGE, "10,001 bytes, more than 10,000; not read"),
    "row 21: chunks without end": (chunked(*[b"x" * 9_000] * 30), Reason.TOO_LARGE, "more than 10,000 bytes"),
    "row 21: no length, no end": (raw(OPEN_END + b"x" * 10_001), Reason.TOO_LARGE, "more than 10,000 bytes"),
    "row 22: negative length": (answer(length=-1), Reason.FETCH_FAILED, "malformed length: -1"),
    "row 22: two lengths": (answer(DATA, "200 OK", "Content-Length: 7"), Reason.FETCH_FAILED, "length: 920, 7"),
    "row 22: the same twice": (answer(DATA, "200 OK", "Content-Length: 920"), Reason.FETCH_FAILED, "920, 920"),
    "row 22: no number": (answer(length="0x10"), Reason.FETCH_FAILED, "malformed length: 0x10"),
    "row 22: a list": (answer(length="920, 920"), Reason.FETCH_FAILED, "malformed length: 920, 920"),
    "row 22: endless number": (answer(length="9" * 5_000), Reason.FETCH_FAILED, "malformed length: 999"),
    "row 22: length and chunks": (
        answer(b"0\r\n\r\n", "200 OK", "Transfer-Encoding: chunked"),
        Reason.FETCH_FAILED,
        "contradictory or malformed length: 5, chunked",
    ),
    "row 23: gzip": (
        answer(gzip.compress(DATA), "200 OK", "Content-Encoding: gzip"),
        Reason.CONTENT_ENCODING,
        "encoded as gzip, against",
    ),
    "row 23: gzip for transport": (
        raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n"),
        Reason.CONTENT_ENCODING,
        "encoded as gzip, chunked",
    ),
    "row 24: other host": (
        answer(b"", "302 Found", "Location: http://u:secret@other.example/x?api_key=secret"),
        Reason.REDIRECT,
        "status 302, to http://other.example/x; not followed",
    ),
    "row 24: file": (
        answer(b"", "301 Moved", "Location: file:///etc/passwd"),
        Reason.REDIRECT,
        "to file:///etc/passwd;",
    ),
    "row 24: loop": (answer(b"", "307 Temporary", "Location: /a.jpg"), Reason.REDIRECT, "to /a.jpg"),
    "row 24: nowhere": (
        answer(b"", "308 Permanent", "Location: http://[x"),
        Reason.REDIRECT,
        "an address that is none",
    ),
    "304": (raw(b"HTTP/1.1 304 Not Modified\r\n\r\n"), Reason.REDIRECT, "status 304, to nowhere"),
    "row 25: 206": (
        answer(DATA, "206 Partial Content", "Content-Range: bytes 0-919/9999"),
        Reason.FETCH_FAILED,
        "status 206, which was not asked for",
    ),
    "204": (raw(b"HTTP/1.1 204 No Content\r\n\r\n"), Reason.FETCH_FAILED, "status 204, which was not"),
    "101": (raw(b"HTTP/1.1 101 Switching\r\n\r\n"), Reason.FETCH_FAILED, "status 101, which was not"),
    "400": (answer(b"\0\r\n", "400 Bad Request"), Reason.FETCH_FAILED, "status 400, which was not"),
}


@pytest.mark.parametrize(("act", "reason", "words"), FINAL.values(), ids=FINAL.keys())
def test_an_answer_that_counts_is_not_asked_for_again(act: Act, reason: Reason, words: str) -> None:
    error, num_requests = refusal_of(act)
    assert (error.reason, num_requests) == (reason, 1)
    assert words in error.detail
    assert error.is_fault == (reason == Reason.FETCH_FAILED)


def test_identity_is_no_encoding() -> None:
    with scripted(answer(DATA, "200 OK", "Content-Encoding: identity")) as server:
        assert HttpClient(HttpPolicy()).get(server.url, max_bytes=1_000).data == DATA


@pytest.mark.parametrize("told", [len(DATA) - 1, 100])
def test_row_5_a_body_longer_than_its_length_is_no_object(told: int) -> None:
    error, num_requests = refusal_of(answer(DATA, length=told))
    assert (error.reason, error.is_fault, num_requests) == (Reason.MD5_MISMATCH, False, 2)
    error, num_requests = refusal_of(answer(DATA, length=told), md5=None)
    assert (error.reason, error.is_fault, num_requests) == (Reason.FETCH_FAILED, True, 1)
    assert f"more bytes than the {told} that it says" in error.detail


def test_row_5_what_is_left_of_a_long_body_is_nobodys_answer() -> None:
    smuggled = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil"
    with scripted(answer(DATA + smuggled, length=len(DATA)), answer()) as server:
        client = HttpClient(HttpPolicy())
        assert client.get(server.url, max_bytes=1_000, md5=MD5).data == DATA
        assert client.get(server.url, max_bytes=1_000).data == DATA
        assert server.num_connections == 2


@pytest.mark.parametrize(
    "body", [HTML, b"\xef\xbb\xbf\n <HTML>", b'<?xml version="1.0"?>\n<!doctype HTML PUBLIC "x">', b"<html lang='en'>"]
)
def test_row_6_a_web_page_with_status_200_is_refused(body: bytes) -> None:
    error, num_requests = refusal_of(answer(body), md5=None)
    assert (error.reason, error.is_fault, num_requests) == (Reason.FETCH_FAILED, True, 1)
    assert "a web page in place of the object" in error.detail
    error, num_requests = refusal_of(answer(body))
    assert (error.reason, num_requests) == (Reason.MD5_MISMATCH, 2)


def test_row_6_a_web_page_is_known_by_its_type_too() -> None:
    error, _ = refusal_of(answer(b"Busy", "200 OK", "content-type: Text/HTML; charset=utf-8"), md5=None)
    assert error.reason == Reason.FETCH_FAILED


@pytest.mark.parametrize("body", [b"<article/>", b"<!DOCTYPE article>", b"<html5>", b"<htmlish/>", b"\xff\xd8 <html>"])
def test_row_6_what_is_no_web_page_is_taken(body: bytes) -> None:
    with scripted(answer(body)) as server:
        assert HttpClient(HttpPolicy()).get(server.url, max_bytes=1_000).data == body


def test_row_6_a_web_page_that_was_asked_for_is_taken() -> None:
    with scripted(answer(HTML, "200 OK", "Content-Type: text/html")) as server:
        assert HttpClient(HttpPolicy()).get(f"{server.url}/x.HTML?y=z", max_bytes=1_000).data == HTML


def test_row_4_without_length_and_md5_nobody_knows_whether_it_is_whole() -> None:
    error, num_requests = refusal_of(raw(OPEN_END + DATA, close=True), md5=None)
    assert (error.reason, num_requests) == (Reason.FETCH_FAILED, 5)
    with scripted(raw(OPEN_END + DATA, close=True)) as server:
        assert HttpClient(HttpPolicy()).get(server.url, max_bytes=1_000, md5=MD5).data == DATA


def test_row_27_a_name_that_cannot_be_looked_up_for_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    client, clock = fast_client()
    lookup, start_s = socket.getaddrinfo, clock.now_s

    def fail(*args: Any, **options: Any) -> Any:
        if clock.now_s < start_s + 30:
            raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
        return lookup(*args, **options)

    monkeypatch.setattr(socket, "getaddrinfo", fail)
    with scripted() as server:
        assert client.get(server.url, max_bytes=1_000).data == DATA


def test_row_27_a_name_that_does_not_exist_is_given_up_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*args: Any, **options: Any) -> Any:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", fail)
    client, clock = fast_client()
    with pytest.raises(
        FetchError, match=r"http://nowhere\.example/x: no connection: .*Name or service not known"
    ) as caught:
        client.get("http://nowhere.example/x", max_bytes=1)
    assert (caught.value.reason, caught.value.is_fault) == (Reason.FETCH_FAILED, True)
    assert (client.counts.num_requests, sum(clock.sleeps) < 2) == (5, True)


def test_a_port_where_nobody_listens_is_a_fault() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    client, clock = fast_client()
    with pytest.raises(FetchError, match=r"no connection: .*refused") as caught:
        client.get(f"http://127.0.0.1:{port}/", max_bytes=1)
    assert (caught.value.reason, caught.value.is_fault) == (Reason.FETCH_FAILED, True)
    assert sum(clock.sleeps) >= 60  # it may come back
