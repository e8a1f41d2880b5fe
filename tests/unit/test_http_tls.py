"""TLS: certificates are checked, always, and a wrong one is said in a sentence and not tried again."""

import shutil
import socket
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread

import pytest

from pmc15m.acquire.http import FetchError, HttpClient, HttpPolicy
from pmc15m.records import Reason
from tests.unit.scripted import DATA, answer, drip, fast_client, md5_of, raw, scripted, silence

HERE = "IP:127.0.0.1"


def make_certificate(folder: Path, name: str) -> Path:
    """Return a file with a key and a certificate that it signed itself."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("there is no openssl to make a certificate with")
    path = folder / "certificate.pem"
    key = folder / "key.pem"
    options = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
    names = ["-subj", "/CN=test", "-addext", f"subjectAltName={name}"]
    command = [openssl, "req", "-x509", *options, *names, "-keyout", str(key), "-out", str(path)]
    subprocess.run(command, check=True, capture_output=True)
    path.write_bytes(path.read_bytes() + key.read_bytes())
    return path


def server_context(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_certificate(tmp_path_factory.mktemp("here"), HERE)


def test_row_28_a_certificate_that_nobody_vouches_for_is_refused_at_once(certificate: Path) -> None:
    with scripted(tls=server_context(certificate)) as server:
        client, clock = fast_client()
        with pytest.raises(FetchError) as caught:
            client.get(f"{server.url}/x?api_key=secret", max_bytes=1_000)
        assert server.requests == []
    assert (caught.value.reason, caught.value.is_fault) == (Reason.FETCH_FAILED, True)
    words = "the server's certificate is not to be trusted: self-signed certificate"
    assert caught.value.detail == f"{server.url}/x: {words}"
    assert (client.counts.num_requests, clock.sleeps) == (1, [])


def test_a_certificate_that_the_policy_trusts_is_taken(certificate: Path) -> None:
    with scripted(tls=server_context(certificate)) as server:
        client = HttpClient(HttpPolicy(ca_file=str(certificate)))
        for _ in range(2):
            assert client.get(server.url, max_bytes=1_000, md5=md5_of(DATA)).data == DATA
        assert server.num_connections == 1


def test_row_28_a_certificate_of_another_host_is_refused(tmp_path: Path) -> None:
    certificate = make_certificate(tmp_path, "DNS:other.example")
    with scripted(tls=server_context(certificate)) as server:
        client, _ = fast_client(HttpPolicy(ca_file=str(certificate)))
        with pytest.raises(FetchError, match="not to be trusted: IP address mismatch"):
            client.get(server.url, max_bytes=1_000)
    assert client.counts.num_requests == 1


def test_what_is_no_tls_is_tried_again() -> None:
    client, _ = fast_client()
    with scripted(greeting=b"SSH-2.0-OpenSSH_9.6\r\n") as server, pytest.raises(FetchError) as caught:
        client.get(server.url.replace("http:", "https:"), max_bytes=1_000)
    assert ": the connection broke: " in caught.value.detail
    assert (caught.value.is_fault, client.counts.num_requests) == (True, 5)


def test_a_handshake_that_never_comes_is_ended() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        client = HttpClient(HttpPolicy(attempts=2, backoff_s=0.0, connect_timeout_s=0.05))
        with pytest.raises(FetchError, match="in time") as caught:
            client.get(f"https://127.0.0.1:{listener.getsockname()[1]}/", max_bytes=1)
    assert (caught.value.reason, client.counts.num_requests) == (Reason.FETCH_TIMEOUT, 2)


def test_a_cut_is_seen_and_drips_are_ended_inside_tls_too(certificate: Path) -> None:
    cut = answer(DATA, length=len(DATA) + 1, close=True)
    slow = drip(b"HTTP/1.1 200 OK\r\nContent-Length: 920\r\n\r\n" + DATA, 45)
    policy = HttpPolicy(backoff_s=0.0, deadline_s=0.2, deadline_bytes_per_s=1e9, ca_file=str(certificate))
    with scripted(cut, slow, silence, answer(), tls=server_context(certificate)) as server:
        fetched = HttpClient(policy).get(server.url, max_bytes=1_000)
    assert (fetched.data, fetched.num_requests) == (DATA, 4)


def test_by_way_of_a_proxy_the_certificate_is_the_servers(certificate: Path) -> None:
    with scripted(tls=server_context(certificate)) as server, connect_proxy() as (proxy, asked):
        client, _ = fast_client(HttpPolicy(proxy=proxy))
        with pytest.raises(FetchError, match="not to be trusted: self-signed"):
            client.get(server.url, max_bytes=1_000)
        client = HttpClient(HttpPolicy(proxy=proxy, ca_file=str(certificate)))
        assert client.get(f"{server.url}/a%20b", max_bytes=1_000).data == DATA
        assert [request.target for request in server.requests] == ["/a%20b"]
    host = server.url.removeprefix("https://")
    assert [line.split()[:2] for line in asked] == [[b"CONNECT", host.encode()]] * 2


def test_a_proxy_that_lets_nobody_in_is_a_fault() -> None:
    with scripted(raw(b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n", close=True)) as proxy:
        client, _ = fast_client(HttpPolicy(proxy=proxy.url.replace("//", "//user:secret@"), max_retry_after_s=0.0))
        with pytest.raises(FetchError, match=r"no connection: .*407") as caught:
            client.get("https://bucket.example/", max_bytes=1_000)
    assert caught.value.is_fault
    assert "secret" not in caught.value.detail


@contextmanager
def connect_proxy() -> Iterator[tuple[str, list[bytes]]]:
    """Run a proxy that tunnels; yield its address and what it is asked."""
    asked: list[bytes] = []
    threads: list[Thread] = []

    def pump(source: socket.socket, target: socket.socket) -> None:
        try:
            while data := source.recv(65536):
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def serve(client: socket.socket) -> None:
        with client:
            asked.append(client.recv(65536))
            host, _, port = asked[-1].split(b" ")[1].decode().rpartition(":")
            with socket.create_connection((host, int(port))) as server:
                client.sendall(b"HTTP/1.1 200 Connection established\r\nX: y\r\n\r\n")
                back = Thread(target=pump, args=(server, client), daemon=True)
                back.start()
                pump(client, server)
                back.join(5)

    def accept(listener: socket.socket) -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            threads.append(Thread(target=serve, args=(client,), daemon=True))
            threads[-1].start()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threads.append(Thread(target=accept, args=(listener,), daemon=True))
        threads[0].start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}", asked
        listener.shutdown(socket.SHUT_RDWR)
        threads[0].join(5)
