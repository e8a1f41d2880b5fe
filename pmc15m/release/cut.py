"""A release cut of another: fewer samples, the same rows, images and splits, and a reject for each that does not stay.

What is left as it was is linked or copied byte for byte. What is written anew is read one shard at a time.
"""

import contextlib
import os
import shutil
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pmc15m.records import Reason, Stage
from pmc15m.release.files import ReleaseFile, Shard, put_large_file
from pmc15m.release.reading import READ_BYTES, DamagedError, Release, check_file, orders_of, read_table
from pmc15m.release.shards import IMAGE_EXTENSION, TABLE_ROW_GROUP_ROWS, table_name, tar_name
from pmc15m.release.table import REJECTS_SCHEMA
from pmc15m.release.tar import BLOCK_BYTES, TarFile, make_header
from pmc15m.rows import write_table
from pmc15m.store import Store

Bools = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Choice:
    """Which rows of a shard stay."""

    shard: Shard
    stays: Bools  # [N], in the order of the rows
    low: int  # smallest digest of its keys
    high: int  # largest

    @property
    def num_samples(self) -> int:
        """How many stay."""
        return int(np.count_nonzero(self.stays))


@dataclass(frozen=True, slots=True)
class Cut:
    """What is cut of a release, and why."""

    parent: Release
    out: str
    reason: Reason
    detail: str  # of each reject
    is_fast: bool = False  # tars are not compared with the manifest before images are taken of them


def keys_of(table: pa.Table) -> list[str]:
    """Return the keys of a table's rows."""
    return [str(key) for key in table["key"].to_pylist()]


def choose_rows(shard: Shard, keys: list[str], chosen: Bools) -> Choice:
    """Return a choice of the rows of a shard."""
    orders = orders_of(keys)
    return Choice(shard, chosen, int(orders.min()), int(orders.max()))


# --- files ----------------------------------------------------------------------------------------


def pass_on(release: Release, path: str, out: Store) -> ReleaseFile:
    """Put a file of a release into another as it is: a link where both lie on one disk, or else a copy.

    Raises:
        DamagedError: it is not there, or has another size than the manifest says.
    """
    file = release.files[path]
    with out.scratch_folder() as folder:
        local = Path(folder) / "whole"
        if not (release.store.is_local and _linked(release.store.local_path / path, local)):
            check_file(release, path)
            with release.store.open_file(path) as source, local.open("wb") as target:
                shutil.copyfileobj(source, target, READ_BYTES)
        if (num_bytes := local.stat().st_size) != file.num_bytes:
            raise DamagedError(path, f"has {num_bytes:,} bytes, wanted {file.num_bytes:,}")
        out.put_file(local, path)
    return file


def _linked(path: Path, local: Path) -> bool:
    """Return whether a file could be linked, as it is: a link has owner and mode of its file."""
    state = path.stat() if path.exists() else None
    if state is None or (state.st_uid, state.st_mode & 0o777) != (os.geteuid(), 0o644):
        return False
    with contextlib.suppress(OSError):  # another disk, or a file system without links: it is copied
        os.link(path, local)
    return local.exists()


# --- shards ---------------------------------------------------------------------------------------


def write_cut_shard(
    cut: Cut, name: str, split: str, sources: list[tuple[Shard, Bools]], columns: tuple[str, ...]
) -> tuple[Shard, dict[str, Counter[str]]] | None:
    """Write a shard of some rows of others; return it and its samples by column and value, or None if it has none.

    Args:
        cut: what is cut, and where to.
        name: of the shard.
        split: of the shard and of its sources.
        sources: shards, and which of their rows go into it.
        columns: by whose values samples are counted.
    """
    store = Store(cut.out)
    with store.scratch_folder() as folder:
        tables, tar_path, table_path = [], Path(folder) / "shard.tar", Path(folder) / "shard.parquet"
        with (Path(folder) / "images").open("w+b") as spool:
            for source, chosen in sources:
                if chosen.any():
                    tables.append(_gather(cut, source, chosen, spool))
            if not tables:
                return None
            table = pa.concat_tables(tables)
            table = table.take(np.argsort(np.array(keys_of(table), np.str_), kind="stable"))
            with tar_path.open("wb") as target:
                tar = TarFile(target)
                offsets = [_add_sample(tar, key, place, spool) for key, place in _places(table)]
                sha256 = tar.close()
        table = _moved(table.drop_columns(_SPOOLED), name, offsets)
        write_table(table, table_path, TABLE_ROW_GROUP_ROWS)
        shard = Shard(name, split, table.num_rows, tar.num_bytes, sha256, 0, "")
        file = put_large_file(store, table_path, table_name(shard), table.num_rows)
        store.put_file(tar_path, tar_name(shard))
    return replace(shard, table_num_bytes=file.num_bytes, table_sha256=file.sha256), count_values(table, columns)


def count_values(table: pa.Table, columns: tuple[str, ...]) -> dict[str, Counter[str]]:
    """Return the samples of a shard by column and value, as the report counts them."""
    values = {column: table[column].to_pylist() for column in columns}
    return {
        column: Counter("unknown" if value is None else str(value) for value in of_column)
        for column, of_column in values.items()
    }


_SPOOLED = ["spool_offset", "json_num_bytes", "txt_num_bytes"]
_Place = tuple[int, int, int, int]  # in the spool: offset; bytes of image, JSON and text, one after the other


def _gather(cut: Cut, shard: Shard, chosen: Bools, spool: BinaryIO) -> pa.Table:
    """Append the members of some rows of a shard to the spool; return the rows, with where they lie."""
    release, path = cut.parent, tar_name(shard)
    if not cut.is_fast:
        check_file(release, path)
    table = read_table(release, table_name(shard))
    offsets, keys = np.array(table["image_offset"].to_pylist(), np.int64), keys_of(table)
    sizes, places = table["image_num_bytes"].to_pylist(), []
    ends = [*(offsets[1:] - BLOCK_BYTES).tolist(), shard.num_bytes]
    with release.store.open_file(path) as stream:
        for row in np.flatnonzero(chosen).tolist():
            stream.seek(int(offsets[row]))
            data = stream.read(ends[row] - int(offsets[row]))
            image, json_data, txt = _members(path, keys[row], data, int(sizes[row] or 0))
            places.append((spool.tell(), len(json_data), len(txt)))
            spool.write(image + json_data + txt)
    table = table.filter(pa.array(chosen))
    for name, column in zip(_SPOOLED, zip(*places, strict=True), strict=True):
        table = table.append_column(name, pa.array(column, pa.int64()))
    return table


def _members(path: str, key: str, data: bytes, image_num_bytes: int) -> tuple[bytes, bytes, bytes]:
    """Return the three members of a sample from the bytes between its image and the next sample.

    Raises:
        DamagedError: they are not there.
    """
    members, start = [data[:image_num_bytes]], image_num_bytes + -image_num_bytes % BLOCK_BYTES
    for extension in ("json", "txt"):
        header = data[start : start + BLOCK_BYTES]
        size = int(header[124:135], 8) if header[124:135].isdigit() else 0
        if header != make_header(f"{key}.{extension}", size):
            raise DamagedError(path, f"{key}.{extension} is not where the table says")
        start += BLOCK_BYTES
        members.append(data[start : start + size])
        start += size + -size % BLOCK_BYTES
    return members[0], members[1], members[2]


def _places(table: pa.Table) -> Iterator[tuple[str, _Place]]:
    columns = (table[name].to_pylist() for name in ("key", "spool_offset", "image_num_bytes", *_SPOOLED[1:]))
    for key, *place in zip(*columns, strict=True):
        offset, *sizes = map(int, place)
        yield str(key), (offset, sizes[0], sizes[1], sizes[2])


def _add_sample(tar: TarFile, key: str, place: _Place, spool: BinaryIO) -> int:
    """Add the three members of a sample; return where its image lies."""
    at, *sizes = place
    spool.seek(at)
    image, json_data, txt = (spool.read(size) for size in sizes)
    offset = tar.add(f"{key}.{IMAGE_EXTENSION}", image)
    tar.add(f"{key}.json", json_data)
    tar.add(f"{key}.txt", txt)
    return offset


def _moved(table: pa.Table, name: str, offsets: list[int]) -> pa.Table:
    """Return rows that lie in another shard."""
    for column, values in (("shard", [name] * table.num_rows), ("image_offset", offsets)):
        index = table.schema.get_field_index(column)
        field: Any = table.schema.field(index)
        table = table.set_column(index, field, pa.array(values, field.type))
    return table.combine_chunks()


# --- rejects --------------------------------------------------------------------------------------


def gone_rows(cut: Cut, choices: list[Choice], low: int, high: int) -> pa.Table:
    """Return the rejects of what does not stay and has a digest in [low, high)."""
    tables = [REJECTS_SCHEMA.empty_table()]
    for choice in choices:
        if choice.stays.all() or choice.high < low or choice.low >= high:
            continue
        rows = read_table(cut.parent, table_name(choice.shard), ("key", "pmcid", "version", "fig_id"))
        rows = rows.filter(pa.array(~choice.stays))
        orders = orders_of(keys_of(rows))
        rows = rows.filter(pa.array((orders >= low) & (orders < high)))
        told = {"stage": str(Stage.SHARD), "reason": str(cut.reason), "detail": cut.detail}
        for column, text in told.items():
            rows = rows.append_column(column, pa.array([text] * rows.num_rows, pa.string()))
        tables.append(rows.select(REJECTS_SCHEMA.names).cast(REJECTS_SCHEMA))
    return pa.concat_tables(tables)
