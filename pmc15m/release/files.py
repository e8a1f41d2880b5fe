"""The files of a release, as its manifest lists them."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from pmc15m.store import Store


@dataclass(frozen=True, slots=True)
class Shard:
    """One tar of samples and the Parquet of its rows."""

    name: str  # "pmc15m-train-000000"
    split: str
    num_samples: int
    num_bytes: int  # of the tar
    sha256: str
    table_num_bytes: int  # of the Parquet
    table_sha256: str


@dataclass(frozen=True, slots=True)
class ReleaseFile:
    """One file of a release, as the manifest lists it."""

    path: str  # relative to the release
    num_bytes: int
    sha256: str
    num_rows: int | None  # samples of a tar, rows of a table; None for other files


def put_small_file(store: Store, name: str, data: bytes) -> ReleaseFile:
    """Write a file of a release whose bytes are at hand, and return its line of the manifest."""
    store.put_bytes(data, name)
    return ReleaseFile(name, len(data), hashlib.sha256(data).hexdigest(), None)


def put_large_file(store: Store, local: Path, name: str, num_rows: int | None) -> ReleaseFile:
    """Put a finished local file into a release, and return its line of the manifest."""
    num_bytes = local.stat().st_size
    with local.open("rb") as stream:
        sha256 = hashlib.file_digest(stream, "sha256").hexdigest()
    store.put_file(local, name)
    return ReleaseFile(name, num_bytes, sha256, num_rows)
