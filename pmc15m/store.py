"""The one door to storage: a folder, local or in an object store, and what may be done with it.

Local writes are whole: temporary name beside the target, fsync, rename. An object is uploaded in
one go from a finished local file: a stream that an exception could commit half is never opened.

Folders of an object store are the beginnings of its keys. Where it is and who asks come from the
environment, as for other tools (`AWS_ENDPOINT_URL`, `AWS_ACCESS_KEY_ID`, ...); `anonymous@` before the
bucket is for one that all may read: `s3://anonymous@bucket/folder`.
"""

import contextlib
import functools
import hashlib
import itertools
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import pyarrow as pa
from pyarrow import fs

from pmc15m.errors import BrokenWorldError, UsageError

SCHEMES = ("s3://", "gs://", "hdfs://", "file://")
SCRATCH_PREFIX = ".making-"
"""Start of the names of what is not finished: a run that was killed may leave it behind."""

_COPY_BYTES = 8 * 2**20
_ANONYMOUS = "anonymous"
_ATTEMPTS = 5
"""Requests for one thing of S3: a store that says SlowDown must not cost a run of hours."""

_LISTS_AT_ONCE = 16
_LISTS_AHEAD = 1_000


class TooLargeError(ValueError):
    """A file is larger than the limit it was to be read with."""


class Md5MismatchError(ValueError):
    """A file is not the one that the metadata names."""


class StoreError(BrokenWorldError):
    """An object store does not do what it is asked for: no way to it, no right, no such bucket."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing in a folder."""

    name: str
    is_folder: bool
    num_bytes: int
    changed_ns: int  # 0 where the store does not tell


@dataclass(frozen=True, slots=True)
class Store:
    """A folder. It pickles as its URI and connects when first used."""

    uri: str

    @property
    def is_local(self) -> bool:
        """Whether the folder lies on this machine's file system."""
        return isinstance(_open(self.uri)[0], fs.LocalFileSystem)

    @property
    def local_path(self) -> Path:
        """The folder as a path; only for a local store."""
        return Path(_open(self.uri)[1])

    def read_bytes(self, name: str, max_bytes: int, md5: str | None = None) -> bytes:
        """Return the bytes of a file, name relative to the folder.

        Raises:
            FileNotFoundError: there is no such file, or a folder of that name.
            TooLargeError: it holds more than max_bytes.
            Md5MismatchError: its bytes have not the md5 that was given.
        """
        filesystem, path = self._locate(name)
        if isinstance(filesystem, fs.LocalFileSystem) and os.path.isdir(path):
            raise FileNotFoundError(f"{name} is a folder")
        with self._asked(name), filesystem.open_input_file(path) as stream:
            num_bytes = stream.size()
            if num_bytes > max_bytes:
                raise TooLargeError(f"{name} has {num_bytes:,} bytes, more than {max_bytes:,}")
            data = bytes(stream.read(num_bytes))
        if md5 is not None and (got := hashlib.md5(data, usedforsecurity=False).hexdigest()) != md5:
            raise Md5MismatchError(f"{name} has md5 {got}, the metadata says {md5}")
        return data

    def open_file(self, name: str) -> pa.NativeFile:
        """Return a file opened for random reading, for Parquet."""
        filesystem, path = self._locate(name)
        with self._asked(name):
            return filesystem.open_input_file(path)

    def list(self, name: str = "") -> Iterator[Entry]:
        """Yield what a folder holds, sorted by name; nothing where there is no such folder."""
        filesystem, path = self._locate(name)
        is_flat = filesystem.type_name == "gcs"  # lists no folder that has no object of its own
        with self._asked(name):
            infos = filesystem.get_file_info(fs.FileSelector(path, allow_not_found=True, recursive=is_flat))
        entries = _entries_below(path, infos) if is_flat else map(_entry_of, infos)
        yield from sorted(entries, key=lambda entry: entry.name)

    def list_each(self, names: Iterable[str]) -> Iterator[tuple[Entry, ...]]:
        """Yield what each of some folders holds, in their order; an object store is asked for several at once."""
        if self.is_local:
            yield from (tuple(self.list(name)) for name in names)
            return
        left = iter(names)
        with ThreadPoolExecutor(_LISTS_AT_ONCE, thread_name_prefix="list") as pool:
            while batch := tuple(itertools.islice(left, _LISTS_AHEAD)):
                yield from pool.map(lambda name: tuple(self.list(name)), batch)

    def exists(self, name: str = "") -> bool:
        """Return whether there is a file or folder of that name."""
        filesystem, path = self._locate(name)
        with self._asked(name):
            return bool(filesystem.get_file_info(path).type != fs.FileType.NotFound)

    def put_file(self, local: Path, name: str) -> None:
        """Put a finished local file, whole or not at all; the local file may be moved away."""
        filesystem, path = self._locate(name)
        if isinstance(filesystem, fs.LocalFileSystem):
            _move_whole(local, Path(path))
            return
        with self._asked(name):
            _upload(filesystem, local, path)

    def put_bytes(self, data: bytes, name: str) -> None:
        """Put some bytes as a file, whole or not at all."""
        with self.scratch_folder() as folder:
            local = Path(folder) / "whole"
            local.write_bytes(data)
            self.put_file(local, name)

    def delete(self, name: str) -> None:
        """Delete a file or a folder with all that it holds; nothing happens where it is not there."""
        filesystem, path = self._locate(name)
        with self._asked(name):
            kind = filesystem.get_file_info(path).type
            if kind == fs.FileType.File:
                filesystem.delete_file(path)
            elif kind == fs.FileType.Directory:
                _delete_folder(filesystem, path)

    def _scratch(self) -> str | None:
        """Return where finished files are made: beside a local target, so that a rename is enough."""
        if not self.is_local:
            return None
        self.local_path.mkdir(parents=True, exist_ok=True)
        return str(self.local_path)

    def scratch_folder(self) -> "tempfile.TemporaryDirectory[str]":
        """Return a temporary folder in which to build files for `put_file`."""
        return tempfile.TemporaryDirectory(prefix=SCRATCH_PREFIX, dir=self._scratch())

    @contextlib.contextmanager
    def _asked(self, name: str) -> Iterator[None]:
        """Tell in one sentence of trouble with an object store; what is not there is none."""
        try:
            yield
        except FileNotFoundError:
            raise
        except OSError as error:
            if self.is_local:
                raise
            raise StoreError(f"{self.uri}/{name}: {error}".replace("/:", ":")) from error

    def _locate(self, name: str) -> tuple[fs.FileSystem, str]:
        filesystem, root = _open(self.uri)
        return filesystem, f"{root}/{name}" if name else root


def _open(uri: str) -> tuple[fs.FileSystem, str]:
    """Return file system and root.

    Raises:
        UsageError: the address of an object store is none.
    """
    if not uri.startswith(SCHEMES):
        return fs.LocalFileSystem(), os.path.abspath(uri)
    scheme, _, rest = uri.partition("://")
    if scheme not in {"s3", "gs"}:
        return _connect(uri)
    owner, _, folder = rest.partition("/")
    bucket = owner.removeprefix(f"{_ANONYMOUS}@")
    if not bucket or "@" in bucket or "?" in uri:
        raise UsageError(
            f"{uri} is no folder of an object store: wanted {scheme}://bucket/folder, all else by environment"
        )
    return _connect(f"{scheme}://{owner}")[0], f"{bucket}/{folder}".rstrip("/")


@functools.cache
def _connect(uri: str) -> tuple[fs.FileSystem, str]:
    """Connect once; cached in a function, since an S3 file system must not outlive exit."""
    if uri.startswith("s3://"):
        return _connect_s3(uri), ""
    filesystem, path = fs.FileSystem.from_uri(uri)
    return filesystem, path.rstrip("/")


def _connect_s3(uri: str) -> fs.FileSystem:
    """Return S3, where an object of some MB is one request: what is opened late is sent when it is closed."""
    bucket = uri.removeprefix("s3://")
    try:
        plain, _ = fs.FileSystem.from_uri(f"s3://{bucket.removeprefix(f'{_ANONYMOUS}@')}")  # finds the region
    except OSError as error:
        raise StoreError(f"{uri}: {error}") from error
    return fs.S3FileSystem(  # type: ignore[call-arg]  # newer than its stubs
        region=cast(fs.S3FileSystem, plain).region,
        anonymous=bucket.startswith(f"{_ANONYMOUS}@"),
        endpoint_override=os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL"),
        allow_delayed_open=True,
        retry_strategy=fs.AwsStandardS3RetryStrategy(max_attempts=_ATTEMPTS),
    )


def _entry_of(info: fs.FileInfo) -> Entry:
    return Entry(info.base_name, info.type == fs.FileType.Directory, info.size or 0, info.mtime_ns or 0)


def _entries_below(folder: str, infos: Iterable[fs.FileInfo]) -> Iterator[Entry]:
    """Yield what a folder holds, of all that lies below it at any depth."""
    folders: set[str] = set()
    for info in infos:
        name, _, below = info.path.rstrip("/").removeprefix(f"{folder}/").partition("/")
        if below or info.type == fs.FileType.Directory:
            folders.add(name)
        else:
            yield _entry_of(info)
    yield from (Entry(name, True, 0, 0) for name in folders)


def _delete_folder(filesystem: fs.FileSystem, path: str) -> None:
    """Delete a folder; GCS looks for an object of its name when all in it is gone, and minds that there is none."""
    with contextlib.suppress(FileNotFoundError):
        filesystem.delete_dir(path)


def _upload(filesystem: fs.FileSystem, local: Path, path: str) -> None:
    """Make an object of a local file; one that was there before stays if that fails."""
    num_bytes, num_sent = local.stat().st_size, 0
    try:
        with local.open("rb") as source, filesystem.open_output_stream(path) as target:
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


def _move_whole(local: Path, target: Path) -> None:
    """Move a finished file to its name: flushed to disk, then renamed within one file system."""
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.parent / f"{SCRATCH_PREFIX}{os.getpid()}-{target.name}"
    try:
        shutil.move(local, temporary)
        with temporary.open("rb") as stream:
            os.fsync(stream.fileno())
        os.chmod(temporary, 0o644)  # whatever the umask and the temporary folder's habit
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)
    descriptor = os.open(target.parent, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
