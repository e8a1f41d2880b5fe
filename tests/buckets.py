"""Object stores on loopback: S3 as moto has it, GCS as gcp-storage-emulator has it.

What a test looks at comes past the code under test: by boto3, and by plain requests.
"""

import json
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from functools import partial
from http.server import HTTPServer
from typing import Any, Protocol
from urllib.parse import quote

import boto3
import pytest
import urllib3
from gcp_storage_emulator.server import RequestHandler
from gcp_storage_emulator.storage import Storage
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import WSGIRequestHandler, make_server

from pmc15m.objects import connect
from tests.conftest import ROOT

BUCKET = "mills"
Request = tuple[str, str]  # method, and the key or "" for the bucket


class Bucket(Protocol):
    """A bucket of such a store."""

    uri: str

    def put(self, key: str, data: bytes) -> None:
        """Make an object."""

    def read(self, folder: str) -> dict[str, bytes]:
        """Return all objects below a folder by their keys in it, but for marks of empty folders."""
        ...


class S3:
    """A bucket of S3, which notes what it is asked and may be told not to do it."""

    def __init__(self, url: str, log: list[Request]) -> None:
        self.uri, self.log = f"s3://{BUCKET}", log
        self.refuses: Callable[[str, str], bool] = lambda _method, _key: False
        self.client: Any = boto3.client("s3", endpoint_url=url)
        self.client.create_bucket(Bucket=BUCKET)

    def put(self, key: str, data: bytes) -> None:
        self.client.put_object(Bucket=BUCKET, Key=key, Body=data)

    def read(self, folder: str) -> dict[str, bytes]:
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix=f"{folder}/")
        keys = [item["Key"] for page in pages for item in page.get("Contents", ()) if not item["Key"].endswith("/")]
        bodies = {key: self.client.get_object(Bucket=BUCKET, Key=key)["Body"].read() for key in keys}
        return {key.removeprefix(f"{folder}/"): body for key, body in bodies.items()}


class Gcs:
    """A bucket of GCS that all may read and write: the emulator knows nobody."""

    def __init__(self, url: str) -> None:
        self.uri = f"gs://anonymous@{BUCKET}"
        self._url, self._pool = url, urllib3.PoolManager(retries=False)
        self._ask("POST", "/storage/v1/b?project=mills", json.dumps({"name": BUCKET}).encode(), "application/json")

    def put(self, key: str, data: bytes) -> None:
        self._ask("POST", f"/upload/storage/v1/b/{BUCKET}/o?uploadType=media&name={quote(key, safe='')}", data)

    def read(self, folder: str) -> dict[str, bytes]:
        listed = json.loads(self._ask("GET", f"/storage/v1/b/{BUCKET}/o?prefix={quote(folder)}/"))
        assert "nextPageToken" not in listed
        keys = [item["name"] for item in listed.get("items", ()) if not item["name"].endswith("/")]
        url = f"/storage/v1/b/{BUCKET}/o/{{}}?alt=media"
        return {key.removeprefix(f"{folder}/"): self._ask("GET", url.format(quote(key, safe=""))) for key in keys}

    def close(self) -> None:
        """Close the connections."""
        self._pool.clear()

    def _ask(self, method: str, path: str, body: bytes | None = None, kind: str = "application/octet-stream") -> bytes:
        answer = self._pool.request(method, self._url + path, body=body, headers={"Content-Type": kind})
        assert answer.status == 200, (answer.status, path)
        return answer.data


class _Silent(WSGIRequestHandler):
    protocol_version = "HTTP/1.1"

    def log(self, *_: Any) -> None:
        pass


@contextmanager
def s3_bucket() -> Iterator[S3]:
    """Run S3 with one bucket, and have the environment name it."""
    moto = DomainDispatcherApplication(create_backend_app)
    log: list[Request] = []
    refuses: list[S3] = []

    def serve(environ: dict[str, Any], start_response: Any) -> Any:
        path = environ["PATH_INFO"].encode("latin-1").decode()
        request = environ["REQUEST_METHOD"], path.removeprefix(f"/{BUCKET}").lstrip("/")
        log.append(request)
        if refuses and refuses[0].refuses(*request):
            environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
            start_response("503 Slow Down", [("Content-Length", "0")])
            return [b""]
        return moto(environ, start_response)

    server = make_server("127.0.0.1", 0, serve, threaded=True, request_handler=_Silent)
    url = f"http://127.0.0.1:{server.server_port}"
    words = {
        "AWS_ENDPOINT_URL": url,
        "AWS_ACCESS_KEY_ID": "miller",
        "AWS_SECRET_ACCESS_KEY": "flour",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    with _serving(server.serve_forever, server.shutdown), _environment(words):
        bucket = S3(url, log)
        refuses.append(bucket)
        yield bucket
    server.server_close()


@contextmanager
def gcs_bucket() -> Iterator[Gcs]:
    """Run GCS with one bucket in a process of its own, and have the environment name it.

    Of its own, since pyarrow asks GCS for some things with Python's lock in hand: a thread could not answer.
    """
    process = subprocess.Popen([sys.executable, "-W", "ignore", "-m", __name__], cwd=ROOT, stdout=subprocess.PIPE)
    assert process.stdout is not None
    with process, process.stdout:
        url = f"http://127.0.0.1:{int(process.stdout.readline())}"
        try:
            with _environment({"CLOUD_STORAGE_EMULATOR_ENDPOINT": url}), closing(Gcs(url)) as bucket:
                yield bucket
        finally:
            process.kill()


def _serve_gcs() -> None:
    with HTTPServer(("127.0.0.1", 0), partial(RequestHandler, Storage(use_memory_fs=True))) as server:
        print(server.server_port, flush=True)  # noqa: T201, to who started this process
        server.serve_forever()


@contextmanager
def _serving(serve: Callable[[], None], stop: Callable[[], None]) -> Iterator[None]:
    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop()
        thread.join()


@contextmanager
def _environment(words: dict[str, str]) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in words.items():
            patch.setenv(name, value)
        connect.cache_clear()
        yield
    connect.cache_clear()


if __name__ == "__main__":
    _serve_gcs()
