"""Fetch: the client with md5 and writing against a loop with requests, and against urllib3 with neither.

The server is a child process that sends the same object from memory to whoever asks. Files are
written in memory too where there is a folder for that: the client is measured, not a file system.
"""

import asyncio
import hashlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import requests
import urllib3

from pmc15m.acquire.http import HttpClient, HttpPolicy
from tests.bench.measure import Bar, Measurement, interleave

MIN_OF_REQUESTS = 1.3
MIN_OF_URLLIB3 = 0.5

_OBJECT = bytes(range(256)) * 390 + b"=" * 160  # 100,000 bytes
_MD5 = hashlib.md5(_OBJECT, usedforsecurity=False).hexdigest()
_HEAD = (
    "HTTP/1.1 200 OK\r\nx-amz-id-2: zBnYkq2W5yYv0mS1C7hJ8Q==\r\nx-amz-request-id: 0A1B2C3D4E5F6071\r\n"
    "Date: Wed, 25 Nov 2026 12:00:00 GMT\r\nLast-Modified: Tue, 24 Nov 2026 12:00:00 GMT\r\n"
    f'ETag: "{_MD5}"\r\nAccept-Ranges: bytes\r\nContent-Type: binary/octet-stream\r\nServer: AmazonS3\r\n'
    f"Content-Length: {len(_OBJECT)}\r\n\r\n"
).encode()
_MEMORY = Path("/dev/shm")  # noqa: S108 - a folder in memory, used by way of tempfile


def make_bars(folder: Path, *, is_smoke: bool) -> list[Bar]:
    """Return the bars, once all cases were found to fetch and write the same."""
    num_objects = 20 if is_smoke else 400
    rounds = 2 if is_smoke else 9

    def bar(peer: str, limit: float) -> Bar:
        return Bar("fetch, md5, write", peer, lambda: _measure(folder, peer, num_objects, rounds), limit=limit)

    return [bar("requests.Session", MIN_OF_REQUESTS), bar("urllib3, bytes only", MIN_OF_URLLIB3)]


def _measure(folder: Path, peer: str, num_objects: int, rounds: int) -> Measurement:
    place = _MEMORY if os.access(_MEMORY, os.W_OK) else folder
    with serving() as url, tempfile.TemporaryDirectory(dir=place) as written, requests.Session() as session:
        urls = [f"{url}/PMC{number}.1/a.jpg" for number in range(num_objects)]
        client, pool = HttpClient(HttpPolicy()), urllib3.PoolManager()
        cases: dict[str, Callable[[], object]] = {
            "ours": lambda: fetch(client, urls, Path(written) / "ours"),
            "requests.Session": lambda: fetch_with_requests(session, urls, Path(written) / "theirs"),
            "urllib3, bytes only": lambda: fetch_with_urllib3(pool, urls),
        }
        assert {name: case() for name, case in cases.items()} == dict.fromkeys(cases, num_objects * len(_OBJECT))
        check_files(Path(written), num_objects)
        best = interleave({"peer": cases[peer], "ours": cases["ours"], "again": cases[peer]}, rounds)
        pool.clear()
    return Measurement(
        ratio=best["peer"] / best["ours"],
        control=best["again"] / best["peer"],
        num_items=num_objects,
        num_bytes=num_objects * len(_OBJECT),
        ours=best["ours"],
        peer=best["peer"],
    )


def fetch(client: HttpClient, urls: list[str], folder: Path) -> int:
    """Fetch, check and write as the pipeline does; return the bytes."""
    folder.mkdir(exist_ok=True)
    num_bytes = 0
    for number, url in enumerate(urls):
        num_bytes += _write(folder, number, client.get(url, max_bytes=2**26, md5=_MD5).data)
    return num_bytes


def fetch_with_requests(session: requests.Session, urls: list[str], folder: Path) -> int:
    """Do the same the plain way."""
    folder.mkdir(exist_ok=True)
    num_bytes = 0
    for number, url in enumerate(urls):
        response = session.get(url, timeout=(10, 30))
        response.raise_for_status()
        if hashlib.md5(response.content, usedforsecurity=False).hexdigest() != _MD5:
            raise ValueError(f"{url} has another md5")
        num_bytes += _write(folder, number, response.content)
    return num_bytes


def fetch_with_urllib3(pool: urllib3.PoolManager, urls: list[str]) -> int:
    """Get the bytes and let them go."""
    return sum(len(pool.request("GET", url).data) for url in urls)


def _write(folder: Path, number: int, data: bytes) -> int:
    with open(f"{folder}/{number}", "wb") as target:
        return target.write(data)


def check_files(folder: Path, num_objects: int) -> None:
    """Assert that the files are the objects."""
    for name in ("ours", "theirs"):
        files = sorted((folder / name).iterdir())
        assert len(files) == num_objects
        assert {file.read_bytes() for file in files} == {_OBJECT}


@contextmanager
def serving() -> Iterator[str]:
    """Run the server in a process of its own; yield its address."""
    command = [sys.executable, "-m", "tests.bench.bars_fetch"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        if process.stdin is None or process.stdout is None:
            raise RuntimeError("the server has no pipes")
        try:
            yield f"http://127.0.0.1:{int(process.stdout.readline())}"
        finally:
            process.stdin.close()  # then it ends


class _Sender(asyncio.Protocol):
    """Answers every request of a connection with the object."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._asked = b""

    def data_received(self, data: bytes) -> None:
        *requests_, self._asked = (self._asked + data).split(b"\r\n\r\n")
        for _ in requests_:
            self._transport.write(_HEAD + _OBJECT)


async def serve() -> None:
    """Serve until the standard input ends."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(_Sender, "127.0.0.1", 0)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    ended = asyncio.Event()
    loop.add_reader(sys.stdin.fileno(), ended.set)
    await ended.wait()
    server.close()


if __name__ == "__main__":
    asyncio.run(serve())
