"""The index of a fetch: which article versions there are, as row files in the order of a digest of the pmcid.

The order makes a sample fair, a small sample the start of a bigger one, and a share of the work a
range of digests.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby

import numpy as np

from pmc15m.acquire.http import FetchError, HttpPolicy, client_of
from pmc15m.acquire.inventory import InventoryShard, read_shard
from pmc15m.acquire.listing import list_versions
from pmc15m.acquire.pmcids import Wanted
from pmc15m.records import FAULTS, ArticleRef, Reason, Reject, Stage, Tally
from pmc15m.rows import ORDER_BITS, order_of, order_range, read_range, read_tables
from pmc15m.store import Store

ARTICLES_PER_RANGE = 256
"""Mean articles of one range: what one worker fetches side by side before it takes the next."""

MAX_RANGES = 4_096
"""Each range opens every file of the index, so there are no more of them than spread the work well."""

MD5 = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True, slots=True)
class IndexRow:
    """One article version of the index."""

    key: str  # the pmcid: versions of an article lie together
    version: int
    etag: str | None  # of the metadata JSON
    updated: str | None  # when that was last changed

    @property
    def ref(self) -> ArticleRef:
        """The article version."""
        return ArticleRef(self.key, self.version, f"{self.key}.{self.version}", self.etag, self.updated)

    @property
    def json_md5(self) -> str | None:
        """The md5 of the metadata JSON, where the ETag is one: that of an upload in parts is not."""
        return self.etag if self.etag is not None and MD5.fullmatch(self.etag) else None


def read_inventory_shard(shard: InventoryShard, bucket: str, policy: HttpPolicy) -> Iterator[IndexRow | Reject | Tally]:
    """Yield the rows of one shard of an inventory; rejects: `index_row`."""
    for item in read_shard(client_of(policy), bucket, shard):
        if isinstance(item, Reject):
            yield item
        else:
            yield IndexRow(item.pmcid, item.version, item.etag, item.updated)


def find_versions(wanted: Wanted, bucket: str, policy: HttpPolicy) -> Iterator[IndexRow | Reject | Tally]:
    """Yield the versions that a bucket has of an article asked for.

    Rejects: `not_found`, and why the bucket could not be asked. Tallies: `faults`.
    """
    try:
        refs = list_versions(client_of(policy), bucket, wanted.pmcid)
    except FetchError as error:
        yield _reject(wanted, error.reason, error.within(bucket).detail)
        yield from [Tally("faults", 1)] if error.reason in FAULTS else []
        return
    refs = [ref for ref in refs if wanted.version in (None, ref.version)]
    if not refs:
        yield _reject(wanted, Reason.NOT_FOUND, "the bucket has no such article")
    for ref in refs:
        yield IndexRow(ref.pmcid, ref.version, None, None)


def _reject(wanted: Wanted, reason: Reason, detail: str) -> Reject:
    version = wanted.version or 0
    return Reject(f"{wanted.pmcid}.{version}", wanted.pmcid, version, None, Stage.FETCH, reason, detail)


@dataclass(frozen=True, slots=True)
class Index:
    """The row files of an index, and how far a selection goes."""

    folder: str
    files: tuple[str, ...]
    end: int  # digests from here on are not taken
    num_ranges: int

    def range(self, number: int) -> tuple[int, int]:
        """Return the half-open range of digests of one share of the work."""
        low, high = order_range(number, self.num_ranges)
        return low * self.end >> ORDER_BITS, high * self.end >> ORDER_BITS

    def read(self, number: int) -> list[tuple[IndexRow, ...]]:
        """Return the articles of one range, each with all its versions in numeric order."""
        rows = read_range(Store(self.folder), self.files, IndexRow, *self.range(number))
        ordered = sorted(set(rows), key=lambda row: (order_of(row.key), row.key, row.version))
        return [tuple(versions) for _, versions in groupby(ordered, key=lambda row: row.key)]


def make_index(folder: str, files: Iterable[str], max_articles: int) -> tuple[Index, int]:
    """Return the index of some row files, and how many articles it takes.

    Args:
        folder: where the files lie.
        files: their names.
        max_articles: those of the smallest digests; 0: all.
    """
    names = tuple(sorted(files))
    store = Store(folder)
    orders = [np.asarray(table["order"]) for name in names for table in read_tables(store, name, ["order"])]
    digests = np.unique(np.concatenate(orders)) if orders else np.empty(0, np.int64)
    taken = digests[:max_articles] if max_articles else digests
    is_part = 0 < len(taken) < len(digests)
    end = int(digests[len(taken)]) if is_part else 1 << ORDER_BITS
    return Index(folder, names, end, _num_ranges(len(taken))), len(taken)


def _num_ranges(num_articles: int) -> int:
    return min(max(1, round(num_articles / ARTICLES_PER_RANGE)), MAX_RANGES)
