"""The network is out of reach of tests, and loopback is not."""

import socket
import urllib.request

import pytest

from tests.conftest import NetworkError


def test_a_socket_cannot_reach_another_machine() -> None:
    for address in ("192.0.2.1", "example.org", "169.254.169.254"):
        with socket.socket() as stream, pytest.raises(NetworkError):
            stream.connect((address, 80))
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagrams, pytest.raises(NetworkError):
            datagrams.sendto(b"x", (address, 53))


def test_a_name_cannot_be_looked_up() -> None:
    with pytest.raises(NetworkError, match=r"example\.org"):
        socket.getaddrinfo("example.org", 443)
    with pytest.raises(NetworkError):
        urllib.request.urlopen("http://example.org/")


def test_loopback_is_reached() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as client:
        server.accept()[0].close()
        assert client.recv(1) == b""
