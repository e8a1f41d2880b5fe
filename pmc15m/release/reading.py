"""A release as its readers see it: the manifest first, and nothing that it does not vouch for."""

import hashlib
import io
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from pmc15m.errors import BrokenWorldError
from pmc15m.release.closing import FIRST_VERSION, MANIFEST, SCHEMA_VERSION, SEAL, seal
from pmc15m.release.files import ReleaseFile, Shard
from pmc15m.rows import order_of
from pmc15m.stages import OutputError
from pmc15m.store import Store, TooLargeError

READ_BYTES = 8 * 2**20
"""How much of a large file is read at a time."""

PAIRS_FOLDER, REJECTS_FOLDER = "pairs", "rejects"

_MAX_MANIFEST_BYTES = 2**28
_PATH = re.compile(r"\w[\w.-]*(/\w[\w.-]*)*", re.ASCII)
_TABLE = re.compile(r"pairs/(pmc15m-([a-z]+)-\d{6})\.parquet")


class DamagedError(BrokenWorldError):
    """A file of a release is not what it has to be."""

    def __init__(self, path: str, what: str) -> None:
        """Name the file and say what is wrong with it."""
        super().__init__(path, what)
        self.path, self.what = path, what

    def __str__(self) -> str:
        """Say both in one sentence."""
        return f"{self.path}: {self.what}"


@dataclass(frozen=True, slots=True)
class Release:
    """A complete release, by its manifest."""

    store: Store
    manifest: dict[str, Any]
    manifest_bytes: int
    files: dict[str, ReleaseFile]  # by path, without the manifest
    shards: tuple[Shard, ...]  # by name

    @property
    def seal(self) -> str:
        """Digest of all that the manifest says: which release this is."""
        return str(self.manifest[SEAL])

    @property
    def version(self) -> str:
        """Version of the data."""
        return str(self.manifest.get("version", FIRST_VERSION))

    def paths(self, folder: str) -> list[str]:
        """Return the tables of a folder, in order."""
        return sorted(path for path in self.files if path.startswith(f"{folder}/") and path.endswith(".parquet"))


def open_release(uri: str) -> Release:
    """Return a release.

    Raises:
        OutputError: there is none.
        DamagedError: its manifest is not as it was written.
    """
    store = Store(uri)
    try:
        data = store.read_bytes(MANIFEST, _MAX_MANIFEST_BYTES)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise OutputError(f"{uri} holds no release: no {MANIFEST}") from error
    except TooLargeError as error:
        raise DamagedError(MANIFEST, str(error)) from error
    manifest = _parse(data)
    files = {item["path"]: ReleaseFile(**item) for item in manifest["files"]}
    for path in files:
        if not _PATH.fullmatch(path):
            raise DamagedError(MANIFEST, f"{path!r} is no path in a release")
    return Release(store, manifest, len(data), files, tuple(_shards(files)))


def _parse(data: bytes) -> dict[str, Any]:
    """Return what a manifest says, if these are the bytes that it was written with.

    Raises:
        DamagedError: they are not.
    """
    try:
        manifest = json.loads(data)
    except ValueError as error:
        raise DamagedError(MANIFEST, f"no JSON: {error}") from error
    if not isinstance(manifest, dict) or SEAL not in manifest:
        raise DamagedError(MANIFEST, f"no object with a {SEAL}")
    try:
        wanted = seal(manifest)
    except UnicodeEncodeError as error:  # a lone surrogate, which JSON lets pass
        raise DamagedError(MANIFEST, f"text that is none: {error}") from error
    if wanted != data:
        raise DamagedError(
            MANIFEST, f"{SEAL} is {manifest[SEAL]!r}, of what it says it is {json.loads(wanted)[SEAL]!r}, or its form"
            " is not that of pmc15m"
        )  # fmt: skip
    if manifest.get("schema_version") != SCHEMA_VERSION:
        raise DamagedError(
            MANIFEST, f"schema_version {manifest.get('schema_version')}, this pmc15m reads {SCHEMA_VERSION}"
        )
    return manifest


def _shards(files: dict[str, ReleaseFile]) -> Iterator[Shard]:
    """Yield the shards, each a table and its tar.

    Raises:
        DamagedError: one has no other, or they differ in their number of samples.
    """
    tars = {path for path in files if path.endswith(".tar")}
    for path, table in files.items():
        match = _TABLE.fullmatch(path)
        if match is None:
            continue
        name, split = match.groups()
        tar = files.get(f"{split}/{name}.tar")
        if tar is None or tar.num_rows != table.num_rows or table.num_rows is None:
            raise DamagedError(MANIFEST, f"{path} has {table.num_rows} rows, its tar {tar and tar.num_rows}")
        tars.discard(tar.path)
        yield Shard(name, split, table.num_rows, tar.num_bytes, tar.sha256, table.num_bytes, table.sha256)
    if tars:
        raise DamagedError(MANIFEST, f"{min(tars)} has no table")


def read_checked(release: Release, path: str) -> bytes:
    """Return the bytes of a listed file, compared with size and digest of the manifest.

    Raises:
        DamagedError: they are others, or the file is not there.
    """
    file = release.files[path]
    try:
        data = release.store.read_bytes(path, file.num_bytes)
    except FileNotFoundError as error:
        raise DamagedError(path, "is not there, the manifest lists it") from error
    except TooLargeError as error:
        raise DamagedError(path, f"{error}, wanted {file.num_bytes:,}") from error
    if len(data) != file.num_bytes:
        raise DamagedError(path, f"has {len(data):,} bytes, wanted {file.num_bytes:,}")
    if (got := hashlib.sha256(data).hexdigest()) != file.sha256:
        raise DamagedError(path, f"has sha256 {got}, wanted {file.sha256}")
    return data


def check_file(release: Release, path: str) -> None:
    """Compare a listed file with size and digest of the manifest, a piece at a time.

    Raises:
        DamagedError: it is another, or is not there.
    """
    file, digest, num_bytes = release.files[path], hashlib.sha256(), 0
    try:
        with release.store.open_file(path) as stream:
            while piece := stream.read(READ_BYTES):
                digest.update(piece)
                num_bytes += len(piece)
    except FileNotFoundError as error:
        raise DamagedError(path, "is not there, the manifest lists it") from error
    if num_bytes != file.num_bytes:
        raise DamagedError(path, f"has {num_bytes:,} bytes, wanted {file.num_bytes:,}")
    if digest.hexdigest() != file.sha256:
        raise DamagedError(path, f"has sha256 {digest.hexdigest()}, wanted {file.sha256}")


def read_table(release: Release, path: str, columns: Sequence[str] | None = None) -> pa.Table:
    """Return a listed table, or some of its columns, whose bytes are those of the manifest.

    Raises:
        DamagedError: they are others, or no Parquet, or there is no such column.
    """
    data = read_checked(release, path)
    try:
        with pq.ParquetFile(io.BytesIO(data), page_checksum_verification=True) as file:
            if columns is not None and (missing := sorted(set(columns) - set(file.schema_arrow.names))):
                raise DamagedError(path, f"has no column {', '.join(missing)}")
            table = file.read(columns=list(columns) if columns is not None else None)
    except (pa.ArrowException, OSError) as error:
        raise DamagedError(path, f"no Parquet: {error}") from error
    if table.num_rows != release.files[path].num_rows:
        raise DamagedError(path, f"has {table.num_rows:,} rows, wanted {release.files[path].num_rows}")
    return table


def orders_of(keys: Sequence[str]) -> npt.NDArray[np.int64]:
    """Return the digests of some keys, by which samples are dealt to shards."""
    return np.fromiter(map(order_of, keys), np.int64, len(keys))
