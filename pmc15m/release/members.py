"""A shard held against its rows: every member of the tar, byte for byte where a row says what it must be."""

import hashlib
import itertools
import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pmc15m.images.encode import shrunk_size
from pmc15m.records import KEY_PATTERN
from pmc15m.release.files import Shard
from pmc15m.release.reading import READ_BYTES, DamagedError, Release, orders_of, read_table
from pmc15m.release.shards import IMAGE_EXTENSION, table_name, tar_name
from pmc15m.release.tar import BLOCK_BYTES, RECORD_BYTES, make_header
from pmc15m.store import Store

_SHARED = (
    "key",
    "pmcid",
    "version",
    "fig_id",
    "label",
    "kind",
    "license",
    "license_url",
    "doi",
    "citation",
    "article_url",
)
"""What the JSON of a sample and its row both say."""

_COLUMNS = (
    *_SHARED, "caption", "changes", "width_px", "height_px", "cluster", "split_group", "split", "shard",
    "image_offset", "image_num_bytes", "caption_num_chars",
)  # fmt: skip
_MAX_TEXT_BYTES = 2**24
_ROWS_AT_ONCE = 1_000


@dataclass(frozen=True, slots=True)
class Splits:
    """splits.parquet as arrays, by the number of the article."""

    numbers: npt.NDArray[np.int64]  # [A], ascending
    split: npt.NDArray[np.int64]  # [A], position in names
    group: npt.NDArray[np.int64]  # [A], number of the group's anchor
    names: tuple[str, ...]

    def of(self, pmcid: str) -> tuple[str, str] | None:
        """Return split and group of an article, or None where it has none."""
        number = int(pmcid.removeprefix("PMC"))
        index = int(np.searchsorted(self.numbers, number))
        if index == len(self.numbers) or self.numbers[index] != number:
            return None
        return self.names[int(self.split[index])], f"PMC{self.group[index]}"


@dataclass(slots=True)
class Seen:
    """What a shard that is sound tells for the sums and for what holds between shards."""

    shard: Shard
    low: int  # smallest digest of a key
    high: int  # largest
    counts: dict[str, dict[str, int]] = field(default_factory=dict)  # samples by column and value
    clusters: npt.NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))
    """Digests of the clusters that are named after another key."""
    strangers: list[tuple[str, str]] = field(default_factory=list)
    """Of these the ones named after a key of an article in another split, and that split."""


def check_shard(release: Release, shard: Shard, splits: Splits, short_side_px: int, columns: tuple[str, ...]) -> Seen:
    """Hold a shard against its rows, its rows against splits.parquet, and both against the manifest.

    Args:
        release: that it is of.
        shard: by the manifest.
        splits: of all articles.
        short_side_px: that images were shrunk to.
        columns: by whose values samples are counted.

    Raises:
        DamagedError: something is not what it must be.
    """
    path = table_name(shard)
    table = read_table(release, path)
    missing = sorted({*_COLUMNS, *columns} - set(table.column_names))
    if missing:
        raise DamagedError(path, f"has no column {', '.join(missing)}")
    keys = [str(key) for key in table["key"].to_pylist()]
    _check_keys(keys, path)
    orders = orders_of(keys)
    seen = Seen(shard, int(orders.min()), int(orders.max()))
    for column in columns:
        values = table[column].to_pylist()
        seen.counts[column] = Counter("unknown" if value is None else str(value) for value in values)
    with _Tar(release.store, tar_name(shard)) as tar:
        names: tuple[str, ...] | None = None
        clusters: list[str] = []
        for row in _rows(table):
            _check_row(row, shard, splits, path)
            said = _check_sample(tar, row, short_side_px)
            names = names or tuple(said)
            if tuple(said) != names:
                raise DamagedError(tar.path, f"{row['key']}.json has {', '.join(said)}, others {', '.join(names)}")
            if row["cluster"] != row["key"]:
                clusters.append(row["cluster"])
        tar.end(shard)
    seen.clusters = orders_of(clusters)
    for cluster in clusters:
        home = splits.of(cluster.split("_")[0])
        if home is not None and home[0] != shard.split:
            seen.strangers.append((cluster, home[0]))
    return seen


def _rows(table: pa.Table) -> Iterator[dict[str, Any]]:
    for batch in table.select(_COLUMNS).to_batches(_ROWS_AT_ONCE):
        yield from batch.to_pylist()


def _check_keys(keys: list[str], path: str) -> None:
    if not keys:
        raise DamagedError(path, "has no rows: a shard without samples is not written")
    for key in keys:
        if not KEY_PATTERN.fullmatch(key):
            raise DamagedError(path, f"{key!r} is no key")
    for before, after in itertools.pairwise(keys):
        if before >= after:
            raise DamagedError(path, f"{after} stands after {before}: keys ascend, each once")


def _check_row(row: Mapping[str, Any], shard: Shard, splits: Splits, path: str) -> None:
    pmcid = row["key"].split("_")[0]
    wanted = {"pmcid": pmcid, "split": shard.split, "shard": shard.name, "caption_num_chars": len(row["caption"])}
    found = splits.of(pmcid)
    if found is None:
        raise DamagedError(path, f"{row['key']}: splits.parquet does not know {pmcid}")
    if found[0] != shard.split:
        raise DamagedError(path, f"{row['key']}: {pmcid} is in {found[0]} by splits.parquet, got {shard.split}")
    wanted["split_group"] = found[1]
    for name, value in wanted.items():
        if row[name] != value:
            raise DamagedError(path, f"{row['key']}: {name} is {row[name]!r}, wanted {value!r}")
    if not row["caption"]:
        raise DamagedError(path, f"{row['key']}: the caption is empty")


def _check_sample(tar: "_Tar", row: Mapping[str, Any], short_side_px: int) -> dict[str, Any]:
    """Hold the three members of a sample against its row; return what the JSON says."""
    key = row["key"]
    if tar.at + BLOCK_BYTES != row["image_offset"]:
        raise DamagedError(
            tar.path, f"{key}.{IMAGE_EXTENSION} begins at {tar.at + BLOCK_BYTES}, its row says {row['image_offset']}"
        )
    tar.header(f"{key}.{IMAGE_EXTENSION}", row["image_num_bytes"])
    tar.skip(row["image_num_bytes"])
    data = tar.text(f"{key}.json")
    said: Any
    try:
        said = json.loads(data)
        is_ours = isinstance(said, dict) and json.dumps(said, ensure_ascii=False).encode() == data
    except ValueError as error:
        raise DamagedError(tar.path, f"{key}.json is no JSON: {error}") from error
    if not is_ours:
        raise DamagedError(tar.path, f"{key}.json is not written as pmc15m writes it")
    size = (row["width_px"], row["height_px"])
    size = size if row["changes"] == "none" else shrunk_size(size, short_side_px)
    wanted = {name: "" if row[name] is None else row[name] for name in _SHARED}
    for name, value in (wanted | {"width": size[0], "height": size[1]}).items():
        if (got := said.get(name)) != value or type(got) is not type(value):
            raise DamagedError(tar.path, f"{key}.json: {name} is {got!r}, its row says {value!r}")
    for name, value in said.items():
        if not isinstance(value, str | int | float):
            raise DamagedError(tar.path, f"{key}.json: {name} is {value!r}, wanted a flat scalar")
    if tar.text(f"{key}.txt") != row["caption"].encode():
        raise DamagedError(tar.path, f"{key}.txt is not the caption of its row")
    return dict(said)


class _Tar:
    """Walks through a tar from its start, with the digest of what it has passed."""

    def __init__(self, store: Store, path: str) -> None:
        self.path, self.at = path, 0
        self._store, self._digest = store, hashlib.sha256()
        self._buffer, self._start = b"", 0

    def __enter__(self) -> "_Tar":
        try:
            self._stream = self._store.open_file(self.path)
        except FileNotFoundError as error:
            raise DamagedError(self.path, "is not there, the manifest lists it") from error
        return self

    def __exit__(self, *_: object) -> None:
        self._stream.close()

    def header(self, name: str, num_bytes: int) -> None:
        """Pass the header that a member must have."""
        got, wanted = self._take(BLOCK_BYTES), make_header(name, num_bytes)
        if got != wanted:
            raise DamagedError(self.path, f"header at {self.at - BLOCK_BYTES}: {_difference(got, wanted)}")

    def text(self, name: str) -> bytes:
        """Pass a member of a size that its header says, and return it."""
        got = self._take(BLOCK_BYTES)
        size = _number(got)
        if size is None or not 0 < size <= _MAX_TEXT_BYTES:
            raise DamagedError(
                self.path, f"header at {self.at - BLOCK_BYTES}: wanted {name}, got {got[:100].rstrip(bytes(1))!r}"
            )
        wanted = make_header(name, size)
        if got != wanted:
            raise DamagedError(self.path, f"header at {self.at - BLOCK_BYTES}: {_difference(got, wanted)}")
        data = self._take(size)
        self._pad(size)
        return data

    def skip(self, num_bytes: int) -> None:
        """Pass the bytes of a member."""
        left = num_bytes
        while left:
            left -= len(self._take(min(left, READ_BYTES)))
        self._pad(num_bytes)

    def end(self, shard: Shard) -> None:
        """Pass the end, and compare size and digest of the whole."""
        wanted = 2 * BLOCK_BYTES
        wanted += -(self.at + wanted) % RECORD_BYTES
        if self._take(wanted) != bytes(wanted) or self._start < len(self._buffer) or self._stream.read(1):
            raise DamagedError(self.path, f"goes on at {self.at - wanted}, after the last sample of its table")
        if self.at != shard.num_bytes:
            raise DamagedError(self.path, f"has {self.at:,} bytes, wanted {shard.num_bytes:,}")
        if (got := self._digest.hexdigest()) != shard.sha256:
            raise DamagedError(self.path, f"has sha256 {got}, wanted {shard.sha256}")

    def _pad(self, num_bytes: int) -> None:
        padding = -num_bytes % BLOCK_BYTES
        if self._take(padding) != bytes(padding):
            raise DamagedError(self.path, f"padding at {self.at - padding} is not of zeros")

    def _take(self, num_bytes: int) -> bytes:
        while (left := len(self._buffer) - self._start) < num_bytes:
            piece = self._stream.read(READ_BYTES)
            if not piece:
                raise DamagedError(self.path, f"ends at {self.at + left:,}, within a member or before its end")
            self._digest.update(piece)
            self._buffer, self._start = self._buffer[self._start :] + piece, 0
        taken = self._buffer[self._start : self._start + num_bytes]
        self._start += num_bytes
        self.at += num_bytes
        return taken


def _number(header: bytes) -> int | None:
    try:
        return int(header[124:135], 8)
    except ValueError:
        return None


_FIELDS = {
    "name": (0, 100), "mode": (100, 108), "uid": (108, 116), "gid": (116, 124), "size": (124, 136), "mtime": (136, 148),
    "checksum": (148, 156), "type": (156, 157), "link": (157, 257), "magic": (257, 265),
}  # fmt: skip


def _difference(got: bytes, wanted: bytes) -> str:
    """Say in which field two headers differ."""
    for name, (start, end) in _FIELDS.items():
        if got[start:end] != wanted[start:end]:
            one, other = (part[start:end].rstrip(b"\0 ").decode("ascii", "backslashreplace") for part in (got, wanted))
            return f"{name} is {one!r}, wanted {other!r}"
    return "its last fields are not those of pmc15m"
