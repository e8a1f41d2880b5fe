"""Two releases side by side: samples that came, went and changed, and what step of the version that is.

Both are read in the order of the digests of their keys, some shards at a time; what is held is what differs.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from pmc15m.records import ARTICLE_KEY_PATTERN, Reason
from pmc15m.release.changes import ADDED_SCHEMA, CHANGED_SCHEMA, REMOVED_SCHEMA, WITHDRAWN, sorted_by_key
from pmc15m.release.files import Shard
from pmc15m.release.reading import PAIRS_FOLDER, REJECTS_FOLDER, Release, orders_of, read_table
from pmc15m.release.shards import table_name, tar_name
from pmc15m.release.splits import SPLITS_FILE
from pmc15m.rows import order_range

PLACES = frozenset(("shard", "image_offset"))
"""Columns that say where a sample lies: packing, not data."""

_REASONS = ("key", "pmcid", "version", "reason", "detail")
_SHOWN = ("key", "pmcid", "split", "sha256")


@dataclass(frozen=True, slots=True)
class Difference:
    """What makes two releases differ."""

    added: pa.Table  # ADDED_SCHEMA
    removed: pa.Table  # REMOVED_SCHEMA
    changed: pa.Table  # CHANGED_SCHEMA
    num_same: int
    columns_added: tuple[str, ...]
    columns_removed: tuple[str, ...]
    num_recoded: int  # tars with other bytes for the same rows


def compare_releases(old: Release, new: Release) -> Difference:
    """Return what differs between two releases.

    Raises:
        DamagedError: a table is not what its manifest says.
    """
    sides = _Side(old), _Side(new)
    count = max(1, *(side.most_shards for side in sides))
    added, removed = (
        [ADDED_SCHEMA.empty_table()],
        [pa.schema([REMOVED_SCHEMA.field(name) for name in _SHOWN]).empty_table()],
    )
    changed: list[dict[str, Any]] = []
    num_same = 0
    for index in range(count):
        rows_of_old, rows_of_new = (side.take(*order_range(index, count)) for side in sides)
        both = _Both(rows_of_old, rows_of_new)
        removed.append(both.gone.select(_SHOWN).cast(removed[0].schema))
        added.append(both.came.select(ADDED_SCHEMA.names).cast(ADDED_SCHEMA))
        edits = list(both.edits())
        changed += edits
        num_same += both.num_common - len(edits)
    names_of_old, names_of_new = (side.columns for side in sides)
    return Difference(
        sorted_by_key(pa.concat_tables(added)),
        sorted_by_key(_with_reasons(pa.concat_tables(removed), new)),
        sorted_by_key(pa.Table.from_pylist(changed, CHANGED_SCHEMA)),
        num_same,
        tuple(name for name in names_of_new if names_of_old and name not in names_of_old),
        tuple(name for name in names_of_old if names_of_new and name not in names_of_new),
        _num_recoded(old, new),
    )


def _num_recoded(old: Release, new: Release) -> int:
    """Return how many tars hold other bytes though their rows are the same."""
    tars = {shard.name: (shard.table_sha256, shard.sha256) for shard in old.shards}
    return sum(
        tars[shard.name][0] == shard.table_sha256 and tars[shard.name][1] != shard.sha256
        for shard in new.shards
        if shard.name in tars
    )


# --- rows -----------------------------------------------------------------------------------------


class _Side:
    """The rows of a release by ranges of digests that ascend."""

    def __init__(self, release: Release) -> None:
        self.columns: list[str] = []
        by_split: dict[str, list[Shard]] = {}
        for shard in sorted(release.shards, key=lambda shard: shard.name):
            by_split.setdefault(shard.split, []).append(shard)
        self.most_shards = max(map(len, by_split.values()), default=0)
        self._queues = [_Queue(release, shards) for shards in by_split.values()]

    def take(self, low: int, high: int) -> pa.Table:
        """Return the rows in [low, high), of all splits, in the order of their keys."""
        tables = [table for queue in self._queues for table in queue.take(low, high)]
        if not tables:
            return pa.table({name: pa.array([], pa.string()) for name in _SHOWN})
        self.columns = self.columns or tables[0].column_names
        return sorted_by_key(pa.concat_tables(tables))


@dataclass(slots=True)
class _Queue:
    """The shards of one split, of which some are open: their ranges ascend."""

    release: Release
    waiting: list[Shard]
    open: list[tuple[pa.Table, npt.NDArray[np.int64]]] = field(default_factory=list)

    def take(self, low: int, high: int) -> Iterator[pa.Table]:
        while self.waiting and not any(orders.min() >= high for _, orders in self.open):
            table = read_table(self.release, table_name(self.waiting.pop(0)))
            self.open.append((table, orders_of([str(key) for key in table["key"].to_pylist()])))
        for table, orders in self.open:
            yield table.filter(pa.array((orders >= low) & (orders < high)))
        self.open = [(table, orders) for table, orders in self.open if orders.max() >= high]


class _Both:
    """Rows of two releases, joined by their keys."""

    def __init__(self, old: pa.Table, new: pa.Table) -> None:
        before, after = (np.array(side["key"].to_pylist(), np.str_) for side in (old, new))
        _, left, right = np.intersect1d(before, after, assume_unique=True, return_indices=True)
        self.num_common = len(left)
        self.gone = old.filter(pa.array(~np.isin(before, after)))
        self.came = new.filter(pa.array(~np.isin(after, before)))
        self._old, self._new = old.take(left), new.take(right)

    def edits(self) -> Iterator[dict[str, Any]]:
        """Yield the rows that differ, with the columns in which they do."""
        columns: dict[int, list[str]] = {}
        for name in self._new.column_names:
            if name in PLACES or name not in self._old.column_names:
                continue
            left, right = self._old[name], self._new[name]
            if left.equals(right):
                continue
            for row, (one, other) in enumerate(zip(left.to_pylist(), right.to_pylist(), strict=True)):
                if one != other:
                    columns.setdefault(row, []).append(name)
        keys, pmcids = self._new["key"], self._new["pmcid"]
        for row, names in sorted(columns.items()):
            yield {"key": keys[row].as_py(), "pmcid": pmcids[row].as_py(), "columns": names}


# --- reasons --------------------------------------------------------------------------------------


def _with_reasons(removed: pa.Table, new: Release) -> pa.Table:
    """Return the rows that went, each with why: by its own reject, that of its article, or the list of withdrawals."""
    keys, pmcids = removed["key"], removed["pmcid"]
    of_key: dict[str, tuple[str, str]] = {}
    of_article: dict[str, tuple[int, str, str]] = {}
    for path in new.paths(REJECTS_FOLDER) if removed.num_rows else ():
        table = read_table(new, path, _REASONS)
        wanted: Any = pc.or_(
            pc.is_in(table["key"], keys.combine_chunks()), pc.is_in(table["pmcid"], pmcids.combine_chunks())
        )
        for row in table.filter(wanted).to_pylist():
            if ARTICLE_KEY_PATTERN.match(row["key"]):  # the newest version decides
                newest = (row["version"], row["reason"], row["detail"])
                of_article[row["pmcid"]] = max(newest, of_article.get(row["pmcid"], newest))
            else:
                of_key[row["key"]] = row["reason"], row["detail"]
    known: set[str] = set()
    if removed.num_rows and SPLITS_FILE in new.files:
        known = set(map(str, read_table(new, SPLITS_FILE, ("pmcid",))["pmcid"].to_pylist()))
    if removed.num_rows and WITHDRAWN in new.files:
        for row in read_table(new, WITHDRAWN).to_pylist():
            of_key.setdefault(row["key"], (row["reason"], row["detail"]))
    told = []
    for key, pmcid in zip(map(str, keys.to_pylist()), map(str, pmcids.to_pylist()), strict=True):
        missing = "its article has no such figure now" if pmcid in known else "its article is not in the source now"
        told.append(of_key.get(key) or of_article.get(pmcid, (0, str(Reason.NOT_FOUND), missing))[1:])
    for name, index in (("reason", 0), ("detail", 1)):
        removed = removed.append_column(name, pa.array([one[index] for one in told], pa.string()))
    return removed.select(REMOVED_SCHEMA.names).cast(REMOVED_SCHEMA)


# --- versions -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Step:
    """The part of a version that has to grow, and why."""

    part: str  # "major", "minor", "patch", or "" where nothing differs
    why: str

    def after(self, version: str) -> str:
        """Return the version that follows."""
        major, minor, patch = numbers_of(version)
        return {
            "major": f"{major + 1}.0.0",
            "minor": f"{major}.{minor + 1}.0",
            "patch": f"{major}.{minor}.{patch + 1}",
            "": version,
        }[self.part]


def numbers_of(version: str) -> tuple[int, int, int]:
    """Return the numbers of a version, without what may follow them."""
    major, minor, patch = (int(number) for number in version.partition("-")[0].split("."))
    return major, minor, patch


def step_of(difference: Difference, old: Release, new: Release) -> Step:
    """Return the step by Croissant's rule: patch, the same data; minor, more of it; major, other data."""
    sizes = {
        "removed": difference.removed.num_rows,
        "changed": difference.changed.num_rows,
    }
    major = [f"samples {what}: {count:,}" for what, count in sizes.items() if count]
    if difference.columns_removed:
        major.append(f"columns removed: {', '.join(difference.columns_removed)}")
    if difference.num_recoded:
        major.append(f"tars with other images of the same rows: {difference.num_recoded:,}")
    if major:
        return Step("major", "; ".join(major))
    more = [f"samples added: {difference.added.num_rows:,}"] if difference.added.num_rows else []
    if difference.columns_added:
        more.append(f"columns added: {', '.join(difference.columns_added)}")
    tars = {tar_name(shard): shard.sha256 for shard in new.shards}
    is_kept = all(tars.get(tar_name(shard)) == shard.sha256 for shard in old.shards)
    if more and not is_kept:
        return Step("major", "; ".join([*more, "the shards of the older release are not there as they were"]))
    if more:
        return Step("minor", "; ".join(more))
    if old.files != new.files:
        return Step(
            "patch", f"the same samples in other files than those of {PAIRS_FOLDER}/" if not is_kept else "other files"
        )
    return Step("", "nothing differs")
