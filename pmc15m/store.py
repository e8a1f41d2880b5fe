"""The one door to storage: a folder, local or in an object store, and what may be done with it.

Local writes are whole: temporary name beside the target, fsync, rename. An object is uploaded in
one go from a finished local file: a stream that an exception could commit half is never opened.
"""

import contextlib
import hashlib
import itertools
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
from pyarrow import fs

from pmc15m.objects import SCHEMES, StoreError, delete_path, list_folder, open_sized, open_uri, upload

SCRATCH_PREFIX = ".making-"
"""Start of the names of what is not finished: a run that was killed may leave it behind."""

_LISTS_AT_ONCE = 16
_LISTS_AHEAD = 1_000


class TooLargeError(ValueError):
    """A file is larger than the limit it was to be read with."""


class Md5MismatchError(ValueError):
    """A file is not the one that the metadata names."""


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
        with self._asked(name), open_sized(filesystem, path) as (stream, num_bytes):
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
        with self._asked(name):
            infos = sorted(list_folder(filesystem, path), key=lambda info: str(info.base_name))
        for info in infos:
            is_folder = info.type == fs.FileType.Directory
            yield Entry(info.base_name, is_folder, info.size or 0, info.mtime_ns or 0)

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
            upload(filesystem, local, path)

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
            delete_path(filesystem, path)

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
    """Return file system and root."""
    return open_uri(uri) if uri.startswith(SCHEMES) else (fs.LocalFileSystem(), os.path.abspath(uri))


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
