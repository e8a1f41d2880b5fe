"""Some pairs of a release with all that a page shows of them: by the digest of the key, or by key."""

import re
from collections.abc import Collection, Iterable, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from pmc15m.rows import order_of, read_tables
from pmc15m.store import Store

_TABLE = re.compile(r"pairs/pmc15m-(\w+)-\d+\.parquet")
_COLUMNS = (
    "key", "label", "caption", "license", "license_url", "citation", "title", "journal", "year", "article_url",
    "caption_language", "width_px", "height_px", "format", "rights_flags", "other_captions", "changes",
    "split", "shard", "image_offset", "image_num_bytes",
)  # fmt: skip
Row = dict[str, Any]


def tables_by_split(names: Iterable[str]) -> dict[str, list[str]]:
    """Return the tables of pairs of each split, in the order of their shards."""
    found: dict[str, list[str]] = {}
    for name in sorted(names):
        if match := _TABLE.fullmatch(name):
            found.setdefault(match[1], []).append(name)
    return found


def draw_pairs(store: Store, names: Sequence[str], number: int) -> list[Row]:
    """Return the pairs of a split whose keys have the smallest digests: a fair draw that no one chose.

    Shards are shares of the range of digests, so that the first few have them all.

    Args:
        store: the release.
        names: tables of the split, in the order of their shards.
        number: of pairs, at most.
    """
    keys: list[str] = []
    for name in names:
        found = [str(key) for table in read_tables(store, name, ("key",)) for key in table["key"].to_pylist()]
        keys += sorted(found, key=lambda key: (order_of(key), key))[: number - len(keys)]
        if len(keys) >= number:
            break
    rows = find_pairs(store, names, keys)
    return [rows[key] for key in keys]


def find_pairs(store: Store, names: Iterable[str], keys: Collection[str]) -> dict[str, Row]:
    """Return the rows of some keys; what is not in the release is not there."""
    wanted = pa.array(sorted(keys), pa.string())
    found: dict[str, Row] = {}
    for name in names if len(wanted) else ():
        if len(found) == len(wanted):
            break
        is_here = any(pc.any(pc.is_in(table["key"], wanted)).as_py() for table in read_tables(store, name, ("key",)))
        for table in read_tables(store, name, _COLUMNS) if is_here else ():
            found.update({row["key"]: row for row in table.filter(pc.is_in(table["key"], wanted)).to_pylist()})
    return found
