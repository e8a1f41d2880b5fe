"""Records to Parquet rows and back: the dataclass is the schema.

A row file holds records in the order of a digest of their key, in small row groups, so that a
reader who wants a range of digests reads only the row groups that overlap it. Shards are such
ranges: no record ever passes through a shuffle to reach its shard. A file's name is its content's
digest, so that two attempts of one bundle write the same file.
"""

import functools
import hashlib
import types
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path
from typing import Any, TypeVar, cast, get_args, get_origin, get_type_hints

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pmc15m.store import Store

T = TypeVar("T")
_Reader = Callable[[dict[str, Any]], Any]

ORDER_BITS = 62
"""Bits of `order_of`: it and the end of its range are int64."""

ROW_GROUP_ROWS = 512
_ORDER = "order"
_CONTENT_MODULUS = 1 << 128


@dataclass(frozen=True, slots=True)
class RowFile:
    """One Parquet file of rows."""

    name: str
    num_rows: int
    num_bytes: int
    sha256: str
    content: str  # sum of the digests of its rows, see `content_of`


def content_of(files: Iterable[RowFile]) -> str:
    """Return one digest of all rows of some files: the same however they were dealt to files."""
    return f"{sum(int(file.content, 16) for file in files) % _CONTENT_MODULUS:032x}"


def order_of(key: str) -> int:
    """Return the digest of a key by which rows are ordered and samples are dealt to shards."""
    return int.from_bytes(hashlib.sha256(key.encode()).digest()[:8]) >> (64 - ORDER_BITS)


def order_range(index: int, count: int) -> tuple[int, int]:
    """Return the half-open range of digests of share `index` of `count` equal shares."""
    whole = 1 << ORDER_BITS
    return -(-index * whole // count), -(-(index + 1) * whole // count)


# --- schema ---------------------------------------------------------------------------------------


@functools.cache
def schema(cls: type[Any]) -> pa.Schema:
    """Return the Arrow schema of a record; nested records are flattened, so their names must differ."""
    return pa.schema(list(_arrow_fields(cls)))


def _arrow_fields(cls: type[Any]) -> Iterator[Any]:
    hints = get_type_hints(cls)
    for item in fields(cls):
        hint, nullable = _strip_none(hints[item.name])
        if is_dataclass(hint):
            yield from _arrow_fields(hint)  # type: ignore[arg-type]
        else:
            yield pa.field(item.name, _arrow_type(hint), nullable=nullable)


def _arrow_type(hint: Any) -> pa.DataType:
    if get_origin(hint) is tuple:
        inner = get_args(hint)[0]
        if is_dataclass(inner):
            return pa.list_(pa.struct(list(_arrow_fields(inner))))  # type: ignore[arg-type]
        return pa.list_(_arrow_type(inner))
    if hint is bytes:
        return pa.binary()
    for kind, arrow in ((bool, pa.bool_()), (int, pa.int64()), (float, pa.float64()), (str, pa.string())):
        if isinstance(hint, type) and issubclass(hint, kind):
            return arrow
    raise TypeError(f"no Arrow type for {hint!r}")


def _strip_none(hint: Any) -> tuple[Any, bool]:
    if isinstance(hint, types.UnionType):
        (kept,) = (kind for kind in get_args(hint) if kind is not types.NoneType)
        return kept, True
    return hint, False


# --- record <-> row -------------------------------------------------------------------------------


def to_row(record: Any) -> dict[str, Any]:
    """Return a record as a flat row."""
    row: dict[str, Any] = {}
    for item in fields(record):
        value = getattr(record, item.name)
        if is_dataclass(value):
            row.update(to_row(value))
        elif isinstance(value, tuple):
            row[item.name] = [to_row(part) if is_dataclass(part) else part for part in value]
        else:
            row[item.name] = value
    return row


def from_row(cls: type[T], row: dict[str, Any]) -> T:
    """Return the record that a row was made from."""
    readers: list[tuple[str, _Reader]] = _readers(cast(Any, cls))
    return cls(**{name: read(row) for name, read in readers})


@functools.cache
def _readers(cls: type[Any]) -> list[tuple[str, _Reader]]:
    hints = get_type_hints(cls)
    return [(item.name, _reader(item.name, _strip_none(hints[item.name])[0])) for item in fields(cls)]


def _reader(name: str, hint: Any) -> _Reader:
    if is_dataclass(hint):
        return lambda row: from_row(cast(type[Any], hint), row)
    if get_origin(hint) is tuple:
        inner = get_args(hint)[0]
        if is_dataclass(inner):
            return lambda row: tuple(from_row(cast(type[Any], inner), part) for part in row[name])
        return lambda row: tuple(row[name])
    if isinstance(hint, type) and issubclass(hint, str) and hint is not str:  # a StrEnum
        return lambda row: hint(row[name])
    return lambda row: row[name]


# --- files ----------------------------------------------------------------------------------------


PARQUET_OPTIONS: dict[str, Any] = {
    "compression": "zstd",
    "compression_level": 3,
    "write_page_checksum": True,  # without them 144 of 300 bit flips were read as data
    "store_schema": True,
    "version": "2.6",
}
"""How every table is written."""


def write_table(table: pa.Table, path: Path, row_group_rows: int = ROW_GROUP_ROWS) -> None:
    """Write Parquet with page checksums."""
    pq.write_table(table, path, row_group_size=row_group_rows, **PARQUET_OPTIONS)


def write_rows(records: Iterable[Any], cls: type[Any], store: Store, prefix: str) -> RowFile:
    """Write records, which have a `key`, in digest order as one row file."""
    rows = [(order_of(record.key), record.key, to_row(record)) for record in records]
    ordered = sorted(((order, key, repr(row), row) for order, key, row in rows), key=lambda item: item[:3])
    full = pa.schema([pa.field(_ORDER, pa.int64(), nullable=False), *schema(cast(Any, cls))])
    table = pa.Table.from_pylist([{_ORDER: order, **row} for order, _, _, row in ordered], schema=full)
    with store.scratch_folder() as folder:
        path = Path(folder) / "rows.parquet"
        write_table(table, path)
        sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
        name = f"{prefix}-{sha256[:20]}.parquet"
        content = _content(text for _, _, text, _ in ordered)
        row_file = RowFile(name, table.num_rows, path.stat().st_size, sha256, content)
        store.put_file(path, row_file.name)
    return row_file


def _content(texts: Iterable[str]) -> str:
    total = sum(int.from_bytes(hashlib.sha256(text.encode()).digest()[:16]) for text in texts)
    return f"{total % _CONTENT_MODULUS:032x}"


def read_tables(store: Store, name: str, columns: Sequence[str]) -> Iterator[pa.Table]:
    """Yield some columns of a row file, one row group at a time, in the file's order."""
    with store.open_file(name) as stream, pq.ParquetFile(stream, page_checksum_verification=True) as file:
        for index in range(file.num_row_groups):
            yield file.read_row_group(index, columns=list(columns))


def read_range(
    store: Store,
    names: Iterable[str],
    cls: type[T],
    low: int,
    high: int,
    where: tuple[str, str] | None = None,
    keys: Collection[str] | None = None,
) -> Iterator[T]:
    """Yield the records whose digest lies in [low, high), reading only the row groups that overlap it.

    Args:
        store: the folder of the files.
        names: the row files.
        cls: the record.
        low: first digest.
        high: digest after the last.
        where: a column and the value it must have.
        keys: the keys wanted; None: all.
    """
    condition = (pc.field(_ORDER) >= low) & (pc.field(_ORDER) < high)
    if where is not None:
        condition &= pc.field(where[0]) == where[1]
    if keys is not None:
        condition &= pc.field("key").isin(pa.array(sorted(keys), pa.string()))
    for name in names:
        with store.open_file(name) as stream, pq.ParquetFile(stream, page_checksum_verification=True) as file:
            for index in range(file.num_row_groups):
                row_group = file.metadata.row_group(index)
                statistics: Any = row_group.column(0).statistics
                if not row_group.num_rows or statistics.max < low or statistics.min >= high:
                    continue
                for row in file.read_row_group(index).filter(condition).to_pylist():
                    yield from_row(cls, row)
