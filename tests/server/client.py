"""A plain client for tests of the server itself: no retries, no redirects, whatever comes is shown."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlencode

import urllib3

from tests.server.config import ServerConfig
from tests.server.running import Server, running_server


class Client:
    """Asks one server."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._pool = urllib3.PoolManager(maxsize=16, retries=False)

    def get(self, path: str, method: str = "GET", **headers: str) -> urllib3.BaseHTTPResponse:
        """Return the answer; headers are given like `if_none_match="x"`."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self._pool.request(method, self._server.url + path, headers=named, redirect=False)

    def list_all(self, **query: str) -> tuple[list[str], list[str], int]:
        """Return all keys and common prefixes of a listing, and of how many pages it is."""
        keys: list[str] = []
        prefixes: list[str] = []
        token = ""
        for pages in range(1, 1_000):
            more = {"continuation-token": token} if token else {}
            data = self.get("/?" + urlencode({"list-type": "2"} | query | more)).data
            keys += texts(data, "Key")
            prefixes += re.findall("<CommonPrefixes><Prefix>([^<]*)<", data.decode())
            if texts(data, "IsTruncated") == ["false"]:
                return keys, prefixes, pages
            (token,) = texts(data, "NextContinuationToken")
        raise AssertionError("a listing without an end")

    def close(self) -> None:
        """Close the connections."""
        self._pool.clear()


def texts(data: bytes, tag: str) -> list[str]:
    """Return what stands in all elements of a name, in XML without nesting."""
    return re.findall(f"<{tag}>([^<]*)</{tag}>", data.decode())


@contextmanager
def asked_server(config: ServerConfig) -> Iterator[tuple[Server, Client]]:
    """Run a server, and a client of it."""
    with running_server(config) as server:
        client = Client(server)
        try:
            yield server, client
        finally:
            client.close()
