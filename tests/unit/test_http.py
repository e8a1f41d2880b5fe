"""The client where nothing is wrong: what it asks, what it returns, how many connections it takes."""

import os
import socket
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from pmc15m.acquire.http import Counts, FetchError, HttpClient, HttpPolicy, client_of, object_url
from pmc15m.records import Reason
from tests.unit.scripted import DATA, Scripted, answer, chunked, fast_client, md5_of, raw, scripted

PROXY_NAMES = ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")


def test_an_object_comes_whole_with_what_its_headers_say() -> None:
    act = answer(DATA, "200 OK", 'ETag: "0123"', "Last-Modified: Tue, 24 Nov 2026 10:00:00 GMT")
    with scripted(act) as server:
        fetched = HttpClient(HttpPolicy()).get(f"{server.url}/PMC1.1/a.jpg", max_bytes=len(DATA), md5=md5_of(DATA))
    assert (fetched.data, fetched.etag, fetched.num_requests) == (DATA, "0123", 1)
    assert fetched.last_modified == "Tue, 24 Nov 2026 10:00:00 GMT"


@pytest.mark.parametrize(
    ("fields", "etag"), [([], None), (['ETag: W/"a"'], "a"), (["etag: plain"], "plain"), (['ETag: ""'], None)]
)
def test_etag_comes_without_its_quotes(fields: list[str], etag: str | None) -> None:
    with scripted(answer(DATA, "200 OK", *fields)) as server:
        fetched = HttpClient(HttpPolicy()).get(server.url, max_bytes=10_000)
    assert (fetched.etag, fetched.last_modified) == (etag, None)


@pytest.mark.parametrize("size", [0, 1, 8_191, 65_536, 300_001])
def test_bodies_of_any_size_come_whole(size: int) -> None:
    data = os.urandom(size)
    with scripted(answer(data), chunked(data) if size else chunked()) as server:
        client = HttpClient(HttpPolicy())
        for _ in range(2):
            assert client.get(f"{server.url}/x", max_bytes=size).data == data
        assert server.num_connections == 1


def test_chunks_of_any_size_come_whole_with_extensions_and_trailers() -> None:
    head = b"HTTP/1.1 200 OK\r\ntransfer-encoding: Chunked\r\n\r\n"
    body = b"5;name=value\r\nhello\r\n00006\r\n world\r\n0\r\nX-Sum: 1\r\n\r\n"
    with scripted(raw(head + body)) as server:
        client = HttpClient(HttpPolicy())
        assert [client.get(server.url, max_bytes=11).data for _ in range(2)] == [b"hello world"] * 2
        assert server.num_connections == 1


def test_it_asks_for_plain_bytes_and_says_who_it_is() -> None:
    with scripted() as server:
        HttpClient(HttpPolicy(contact="mailto:a@b.example")).get(f"{server.url}/PMC1.1/a%20b.jpg?x=1", max_bytes=1_000)
    (request,) = server.requests
    assert request.target == "/PMC1.1/a%20b.jpg?x=1"
    assert request.fields == {
        "host": server.url.removeprefix("http://"),
        "user-agent": "pmc15m/0.1.0 (+mailto:a@b.example)",
        "accept-encoding": "identity",
    }


def test_answers_before_the_answer_are_passed_over() -> None:
    early = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
    with scripted(raw(early + b"HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nok")) as server:
        assert HttpClient(HttpPolicy()).get(server.url, max_bytes=2).data == b"ok"


def test_an_old_server_is_understood() -> None:
    head = b"HTTP/1.0 200 OK\nContent-Length: 2\n\n"
    with scripted(raw(head + b"ok", close=True)) as server:
        client = HttpClient(HttpPolicy())
        assert [client.get(server.url, max_bytes=2).data for _ in range(2)] == [b"ok"] * 2
        assert (server.num_connections, client.counts.num_retries) == (2, 0)


def test_connections_are_kept_and_after_errors_too() -> None:
    missing = chunked(b"<Error><Code>NoSuchKey</Code></Error>", status="404 Not Found")
    with scripted(answer(), missing, answer(b"no", "403 Forbidden"), answer()) as server:
        client = HttpClient(HttpPolicy())
        client.get(server.url, max_bytes=1_000)
        for reason in (Reason.NOT_FOUND, Reason.FORBIDDEN):
            with pytest.raises(FetchError) as caught:
                client.get(server.url, max_bytes=1_000)
            assert caught.value.reason == reason
        client.get(server.url, max_bytes=1_000)
        assert (len(server.requests), server.num_connections) == (4, 1)


def test_threads_share_connections_and_never_open_more() -> None:
    together = threading.Barrier(4)

    def act(connection: socket.socket) -> bool | None:
        together.wait(10)  # only four at once get past it
        return answer()(connection)

    with scripted(act) as server:
        client = HttpClient(HttpPolicy(connections=4))
        with ThreadPoolExecutor(16) as threads:
            got = list(threads.map(lambda n: client.get(f"{server.url}/{n}", max_bytes=1_000).data, range(64)))
        assert got == [DATA] * 64
        assert (server.max_open, server.num_connections) == (4, 4)
        assert client.counts.num_requests == 64


def test_each_thread_gets_the_object_that_it_asked_for() -> None:
    with scripted() as server:
        server.acts = [lambda connection: answer(server_target(server, connection).encode() * 1_000)(connection)]
        client = HttpClient(HttpPolicy(connections=8))
        with ThreadPoolExecutor(16) as threads:
            got = threads.map(lambda n: client.get(f"{server.url}/{n}", max_bytes=100_000).data, range(200))
            assert list(got) == [f"/{n}".encode() * 1_000 for n in range(200)]


def server_target(server: Scripted, connection: socket.socket) -> str:
    """Return what the newest request on a connection asked for."""
    port = connection.getpeername()[1]
    return next(request.target for request in reversed(server.requests) if request.client_port == port)


def test_a_rate_is_kept_by_all_threads_together() -> None:
    with scripted() as server:
        client, clock = fast_client(HttpPolicy(requests_per_s=10.0))
        start_s = clock.now_s
        for _ in range(21):
            client.get(server.url, max_bytes=1_000)
        assert clock.now_s - start_s == pytest.approx(2.0)


def test_retries_count_for_the_rate() -> None:
    with scripted(answer(b"", "500 No"), answer(b"", "500 No"), answer()) as server:
        client, clock = fast_client(HttpPolicy(requests_per_s=1.0, backoff_s=0.0))
        start_s = clock.now_s
        client.get(server.url, max_bytes=1_000)
        assert clock.now_s - start_s == pytest.approx(2.0)


def test_it_counts_what_it_did() -> None:
    with scripted(answer(b"", "503 Slow Down"), answer(b"", "500 No"), answer()) as server:
        client, _ = fast_client()
        assert client.get(server.url, max_bytes=1_000).num_requests == 3
        assert client.counts == Counts(3, 2, 1, client.counts.num_bytes)
        assert len(DATA) < client.counts.num_bytes < len(DATA) + 300


def test_there_is_one_client_for_a_policy() -> None:
    assert client_of(HttpPolicy(connections=3)) is client_of(HttpPolicy(connections=3))
    assert client_of(HttpPolicy(connections=3)) is not client_of(HttpPolicy(connections=4))


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_fork_gets_sockets_of_its_own() -> None:
    with scripted() as server:
        client = client_of(HttpPolicy(connections=5))
        client.get(f"{server.url}/parent", max_bytes=1_000)
        if (child := os.fork()) == 0:
            is_fresh = client.counts == Counts()
            data = client_of(HttpPolicy(connections=5)).get(f"{server.url}/child", max_bytes=1_000).data
            os._exit(0 if is_fresh and data == DATA else 1)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        client.get(f"{server.url}/parent", max_bytes=1_000)
        ports = {target: set[int]() for target in ("/parent", "/child")}
        for request in server.requests:
            ports[request.target].add(request.client_port)
    assert len(ports["/parent"]) == len(ports["/child"]) == 1
    assert ports["/parent"].isdisjoint(ports["/child"])


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_fork_in_the_middle_of_a_request_does_not_hang() -> None:
    client = HttpClient(HttpPolicy(connections=1))
    seen: list[int] = []

    def act(connection: socket.socket) -> bool | None:
        if not seen:
            seen.append(os.fork())  # the only permit is taken, and a lock may be
            if seen == [0]:
                with scripted() as other:
                    got = client.get(other.url, max_bytes=1_000).data
                    os._exit(0 if got == DATA else 1)
        return answer()(connection)

    with scripted(act) as server:
        assert client.get(server.url, max_bytes=1_000).data == DATA
        assert os.waitstatus_to_exitcode(os.waitpid(seen[0], 0)[1]) == 0


@pytest.mark.parametrize(
    ("key", "path"),
    [
        ("PMC1.1/a b.jpg", "PMC1.1/a%20b.jpg"),
        ("PMC1.1/\u00b5m#1?.jpg", "PMC1.1/%C2%B5m%231%3F.jpg"),
        ("a%2e%2e/b", "a%252e%252e/b"),
        ("a\\..\\b+&=;~", "a%5C..%5Cb%2B%26%3D%3B~"),
        ("..a/.b", "..a/.b"),
        ("PMC1.1/", "PMC1.1/"),
    ],
)
def test_a_key_is_quoted_once(key: str, path: str) -> None:
    assert object_url("https://bucket.example/", key) == f"https://bucket.example/{path}"


@pytest.mark.parametrize(
    "key", ["", ".", "..", "a/../b", "./a", "a/.", "a\x00b", "a\r\nb", "a\x7f", "a\x85", "a\ud800"]
)
def test_a_key_that_would_arrive_as_another_is_refused(key: str) -> None:
    with pytest.raises(ValueError, match=r"key|dot segments"):
        object_url("https://bucket.example", key)


@pytest.mark.parametrize("key", ["PMC1.1/a b.jpg", "PMC1.1/\u00b5m#1?%41.jpg", "..a//.b~", "a%2f/b"])
def test_a_key_arrives_as_it_is(key: str) -> None:
    with scripted() as server:
        HttpClient(HttpPolicy()).get(object_url(server.url, key), max_bytes=1_000)
    (request,) = server.requests
    assert request.target == object_url("", key)


@pytest.mark.parametrize(
    "url", ["file:///etc/passwd", "ftp://127.0.0.1/x", "/x", "http://", "http://[::1", "http:///x"]
)
def test_what_is_no_address_is_an_error_of_the_caller(url: str) -> None:
    with pytest.raises(ValueError, match=r".") as caught:
        HttpClient(HttpPolicy()).get(f"{url}?api_key=secret", max_bytes=1)
    assert "secret" not in str(caught.value)


def test_a_check_can_ask_for_another_try() -> None:
    with scripted(answer(b'{"error": "limit"}'), answer(b"{}")) as server:
        client, _ = fast_client()
        fetched = client.get(server.url, max_bytes=100, check=lambda data: "limit" if b"error" in data else None)
    assert (fetched.data, fetched.num_requests, client.counts.num_throttled) == (b"{}", 2, 1)


def test_nothing_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: os.PathLike[str]) -> None:
    netrc = os.path.join(tmp_path, "netrc")
    with open(netrc, "w") as file:
        file.write("machine 127.0.0.1 login me password secret\n")
    monkeypatch.setenv("NETRC", netrc)
    monkeypatch.setenv("HOME", str(tmp_path))
    os.link(netrc, os.path.join(tmp_path, ".netrc"))
    with scripted() as proxy, scripted() as server:
        for name in PROXY_NAMES:
            monkeypatch.setenv(name, proxy.url)
        for name in ("REQUESTS_CA_BUNDLE", "SSL_CERT_FILE", "CURL_CA_BUNDLE"):
            monkeypatch.setenv(name, "/nonexistent")
        HttpClient(HttpPolicy()).get(server.url, max_bytes=1_000)
        assert (len(proxy.requests), len(server.requests)) == (0, 1)
    assert "authorization" not in server.requests[0].fields


def test_a_proxy_is_asked_where_one_is_given() -> None:
    with scripted() as proxy:
        client = HttpClient(HttpPolicy(proxy=proxy.url.replace("//", "//us%20er:pass@")))
        assert client.get("http://bucket.example/a%20b?x=1", max_bytes=1_000).data == DATA
    (request,) = proxy.requests
    assert request.target == "http://bucket.example/a%20b?x=1"
    assert request.fields["proxy-authorization"] == "Basic dXMgZXI6cGFzcw=="
    assert request.fields["accept-encoding"] == "identity"
