"""What the tables of rejects show: some examples of every reason, and which pairs stand for the most copies."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from pmc15m.records import ARTICLE_KEY_PATTERN, KEY_PATTERN, Reason
from pmc15m.rows import order_of, read_tables
from pmc15m.store import Store

_COLUMNS = ("key", "pmcid", "stage", "reason", "detail")
_COPIES = (Reason.DUPLICATE_FILE, Reason.DUPLICATE_PIXELS, Reason.DUPLICATE_IMAGE)
Cause = tuple[str, str, str]  # stage, "articles" or "figures", reason
Row = dict[str, Any]
_Ranked = tuple[int, str, str, Row]  # digest of the key, key, detail


@dataclass(frozen=True, slots=True)
class Cluster:
    """A pair, and copies of it that were rejected for it."""

    key: str  # of the pair that stands for all
    num_copies: int
    copies: tuple[Row, ...]  # some of them, by key


def find_examples(store: Store, names: Sequence[str], num_examples: int) -> dict[Cause, list[Row]]:
    """Return some rejects by cause: those whose keys have the smallest digests, in their order.

    Tables are shares of the range of digests, in its order: once a table has filled a cause, the ones
    after it have nothing for it, and the rows of frequent causes are not even looked at.

    Args:
        store: the release.
        names: of its tables of rejects, in the order of their shares.
        num_examples: at most, of each cause.
    """
    found: dict[Cause, list[_Ranked]] = {}
    for name in names:
        full = {cause for cause, rows in found.items() if len(rows) >= num_examples}
        for table in read_tables(store, name, _COLUMNS):
            for row in _without(table, full).to_pylist():
                _add(found.setdefault(_cause(row), []), row, num_examples)
        for rows in found.values():
            _keep_first(rows, num_examples)
    return {cause: [row for *_, row in rows] for cause, rows in sorted(found.items())}


def _add(rows: list[_Ranked], row: Row, number: int) -> None:
    """Add a row to some of which a number is wanted: they stay few."""
    rows.append((order_of(row["key"]), row["key"], row["detail"], row))
    if len(rows) > 2 * number + 100:
        _keep_first(rows, number)


def _keep_first(rows: list[_Ranked], number: int) -> None:
    """Keep the rows of the smallest digests."""
    rows[:] = sorted(rows, key=lambda item: item[:3])[:number]


def _cause(row: Row) -> Cause:
    unit = "articles" if ARTICLE_KEY_PATTERN.match(row["key"]) else "figures"
    return row["stage"], unit, row["reason"]


def _without(table: pa.Table, causes: Iterable[Cause]) -> pa.Table:
    """Return the rows of other causes."""
    is_article = pc.match_substring(pc.field("key"), ".")
    for stage, unit, reason in causes:
        is_of_unit = is_article if unit == "articles" else ~is_article
        table = table.filter(~((pc.field("stage") == stage) & (pc.field("reason") == reason) & is_of_unit))
    return table


def find_clusters(store: Store, names: Sequence[str], num_clusters: int, num_copies: int) -> list[Cluster]:
    """Return the pairs with the most copies, the most first; 8 bytes a copy are held.

    Args:
        store: the release.
        names: of its tables of rejects.
        num_clusters: at most.
        num_copies: of each that are named, at most.
    """
    leaders = [_digests(table) for name in names for table in _copies(store, name)]
    values, counts = np.unique(np.concatenate([np.empty(0, np.int64), *leaders]), return_counts=True)
    order = np.lexsort((values, -counts))[:num_clusters]
    wanted = {int(values[index]): int(counts[index]) for index in order}
    copies: dict[str, list[_Ranked]] = {}
    for name in names:
        for table in _copies(store, name):
            is_wanted = np.isin(_digests(table), list(wanted))
            for row in table.filter(pa.array(is_wanted)).to_pylist():
                _add(copies.setdefault(_leader(row["detail"]), []), row, num_copies)
    found = []
    for key, rows in copies.items():
        _keep_first(rows, num_copies)
        some = sorted((row for *_, row in rows), key=lambda row: str(row["key"]))
        found.append(Cluster(key, wanted[order_of(key)], tuple(some)))
    return sorted(found, key=lambda cluster: (-cluster.num_copies, order_of(cluster.key)))


def _copies(store: Store, name: str) -> Iterator[pa.Table]:
    """Yield the rejects of a table that name the pair that stays instead."""
    for table in read_tables(store, name, _COLUMNS):
        copies = table.filter(pc.field("reason").isin(pa.array([str(reason) for reason in _COPIES])))
        is_named = [KEY_PATTERN.match(leader) is not None for leader in _leaders(copies)]
        yield copies.filter(pa.array(is_named, pa.bool_()))


def _digests(table: pa.Table) -> npt.NDArray[np.int64]:
    return np.fromiter(map(order_of, _leaders(table)), np.int64, table.num_rows)


def _leaders(table: pa.Table) -> list[str]:
    return [_leader(str(detail)) for detail in table["detail"].to_pylist()]


def _leader(detail: str) -> str:
    """Return the key that the detail of a copy begins with (see curate.verdicts)."""
    return detail.partition(" ")[0]
