"""Object stores as pyarrow has them, and what it takes to use them as folders.

Where a store is and who asks come from the environment, as for other tools (`AWS_ENDPOINT_URL`,
`AWS_ACCESS_KEY_ID`, `GOOGLE_APPLICATION_CREDENTIALS`, ...). `anonymous@` before the bucket is for one that
all may read: `s3://anonymous@bucket/folder`.
"""

import contextlib
import functools
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pyarrow as pa
from pyarrow import fs

from pmc15m.errors import BrokenWorldError, UsageError

SCHEMES = ("s3://", "gs://", "hdfs://", "file://")

_COPY_BYTES = 8 * 2**20
_ANONYMOUS = "anonymous@"
_ATTEMPTS = 5
"""Requests for one thing of S3: a store that says SlowDown must not cost a run of hours."""


class StoreError(BrokenWorldError):
    """An object store does not do what it is asked for: no way to it, no right, no such bucket."""


def open_uri(uri: str) -> tuple[fs.FileSystem, str]:
    """Return the file system of a folder, and the folder's path in it.

    Raises:
        UsageError: it is no address of a folder in an object store.
        StoreError: there is no way to its bucket.
    """
    scheme, _, rest = uri.partition("://")
    if scheme not in {"s3", "gs"}:
        return connect(uri)
    owner, _, folder = rest.partition("/")
    bucket = owner.removeprefix(_ANONYMOUS)
    if not bucket or "@" in bucket or "?" in uri:
        raise UsageError(f"{uri} is no folder of an object store: wanted {scheme}://bucket/folder and no more")
    return connect(f"{scheme}://{owner}")[0], f"{bucket}/{folder}".rstrip("/")


@functools.cache
def connect(uri: str) -> tuple[fs.FileSystem, str]:
    """Connect once; cached in a function, since an S3 file system must not outlive exit."""
    try:
        if uri.startswith("s3://"):
            return _connect_s3(uri.removeprefix("s3://")), ""
        filesystem, path = fs.FileSystem.from_uri(uri)
    except OSError as error:
        raise StoreError(f"{uri}: {error}") from error
    return filesystem, path.rstrip("/")


def _connect_s3(owner: str) -> fs.FileSystem:
    """Return S3, where an object of some MB is one request: what is opened late is sent when it is closed."""
    plain, _ = fs.FileSystem.from_uri(f"s3://{owner.removeprefix(_ANONYMOUS)}")  # finds the region
    return fs.S3FileSystem(  # type: ignore[call-arg]  # newer than its stubs
        region=cast(fs.S3FileSystem, plain).region,
        anonymous=owner.startswith(_ANONYMOUS),
        endpoint_override=os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL"),
        allow_delayed_open=True,
        retry_strategy=fs.AwsStandardS3RetryStrategy(max_attempts=_ATTEMPTS),
    )


def list_folder(filesystem: fs.FileSystem, path: str) -> Iterator[fs.FileInfo]:
    """Yield what a folder holds, in no order; nothing where there is no such folder.

    GCS names a folder only where an object stands for it, which no one needs to make: there all that lies
    below at any depth is read, and its folders are told from that.
    """
    is_flat = filesystem.type_name == "gcs"
    folders = set()
    for info in filesystem.get_file_info(fs.FileSelector(path, allow_not_found=True, recursive=is_flat)):
        name, _, below = info.path.rstrip("/").removeprefix(f"{path}/").partition("/")
        if not is_flat or (not below and info.type == fs.FileType.File):
            yield info
        else:
            folders.add(name)
    yield from (fs.FileInfo(f"{path}/{name}", fs.FileType.Directory) for name in folders)


@contextlib.contextmanager
def open_sized(filesystem: fs.FileSystem, path: str) -> Iterator[tuple[pa.NativeFile, int]]:
    """Open a file to be read from its start; the value is a stream and how many bytes there are.

    Of GCS it is no random access file: that one makes its first request with Python's lock in hand.

    Raises:
        FileNotFoundError: there is no such file, or a folder of that name.
    """
    if filesystem.type_name == "gcs":
        info = filesystem.get_file_info(path)
        if info.type != fs.FileType.File:
            raise FileNotFoundError(f"no object {path}")
        with filesystem.open_input_stream(path, compression=None) as stream:
            yield stream, info.size
        return
    if filesystem.type_name == "local" and os.path.isdir(path):
        raise FileNotFoundError(f"{path} is a folder")
    with filesystem.open_input_file(path) as file:
        yield file, file.size()


def delete_path(filesystem: fs.FileSystem, path: str) -> None:
    """Delete a file or a folder with all that it holds; nothing happens where it is not there."""
    kind = filesystem.get_file_info(path).type
    if kind == fs.FileType.File:
        filesystem.delete_file(path)
    elif kind == fs.FileType.Directory:
        with contextlib.suppress(FileNotFoundError):  # GCS, when all is gone, minds that nothing stands for the folder
            filesystem.delete_dir(path)


def upload(filesystem: fs.FileSystem, local: Path, path: str) -> None:
    """Make an object of a local file, its very bytes; one that was there before stays if that fails.

    Without word of compression pyarrow packs what is called `.gz`, also what is packed already.

    Raises:
        OSError: it failed.
    """
    num_bytes, num_sent = local.stat().st_size, 0
    try:
        with local.open("rb") as source, filesystem.open_output_stream(path, compression=None) as target:
            try:
                shutil.copyfileobj(source, target, _COPY_BYTES)
            finally:
                num_sent = target.tell()
    except BaseException:  # a stream that is closed is an object, half or whole
        with contextlib.suppress(OSError):
            if num_sent < num_bytes and filesystem.get_file_info(path).size == num_sent:
                filesystem.delete_file(path)
        raise
    num_there = filesystem.get_file_info(path).size
    if num_there != num_bytes:
        filesystem.delete_file(path)
        raise OSError(f"{path} holds {num_there} bytes after the upload, not {num_bytes}")
