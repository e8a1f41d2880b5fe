"""The files of a release, as its manifest lists them."""

from dataclasses import dataclass


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
