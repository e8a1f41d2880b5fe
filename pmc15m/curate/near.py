"""Near duplicates: pairs of rows whose hashes differ in few bits, found on one worker.

A row has one hash of 256 bits a kind (whole image, content box); the distance of two rows is the
smallest over the kinds in which both are usable. Each hash is cut into ten bands, and rows that are
equal in one band of one kind are compared: but for the caps below, no pair at a distance under ten is
missed. Further apart few are: of 6,400 changed figures (JPEG, scale, crop, border, gamma) 99.97 % of
those up to 12 bits are found, 99.6 % of those up to 24, and of the ones between these two 92 %.

Rows with the same hashes are one *node*, and only nodes are searched. Two limits keep skewed data cheap:

- A bucket (nodes equal in a band) above `bands.MAX_BUCKET` is not compared pair by pair but cut again
  by band i xor band i+1, and each of its nodes is compared with the next `bands.NUM_NEIGHBOURS` in the
  order of that, then of the whole hash. Pairs can be missed there; `Edges.num_capped` tells.
- A node of up to `MAX_GROUP` rows gives all its pairs. In a larger one every row is linked to the first
  alone, and between two larger ones the first of each to every row of the other; all other pairs stay.
  Components are those of all pairs. So are star clusters where rows come best first: rows of a node
  have the same neighbours, so that whoever leads one of them leads all, and none but a first ever leads.
  Where edges are left out for another cause than their distance, copies in such a node may go unlinked.

But for the choice of that first, what is found is a function of the set of rows, not of their order.
"""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pmc15m.curate.bands import (
    MAX_BAND_BITS,
    NUM_BANDS,
    Kind,
    Pairs,
    band_values,
    distinct,
    is_first,
    pack,
    search,
    unpack,
)

Hashes = NDArray[np.uint64]
"""256 bits a row, `[N, 4]`; the first bit is the highest of the first word."""

Column: TypeAlias = "pa.Array[Any] | pa.ChunkedArray[Any]"

HASH_BYTES = 32
MIN_STD = 3.0
MIN_BITS = 24
"""Fewer bits set, or less grey, and a hash says nothing of its picture: blanks and ramps are all alike."""

MAX_GROUP = 100

_WORDS = HASH_BYTES // 8
_BLOCK = 1 << 20  # pairs at a time

_Ints = NDArray[np.int64]
_Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Edges:
    """Pairs of rows that are near, each once, sorted by (left, right)."""

    left: NDArray[np.int64]
    right: NDArray[np.int64]
    distance: NDArray[np.uint16]  # bits, the smallest over the kinds
    num_capped: int  # rows in buckets above the cap, summed over bands and kinds


@dataclass(frozen=True, slots=True)
class _Spans:
    """Runs in an array of rows, one a node."""

    starts: _Ints
    sizes: _Ints

    def of(self, nodes: _Ints | _Bools) -> "_Spans":
        return _Spans(self.starts[nodes], self.sizes[nodes])

    def heads(self) -> "_Spans":
        """Return the runs, of the long ones the first row alone."""
        return _Spans(self.starts, np.where(self.sizes > MAX_GROUP, 1, self.sizes))


def pack_hashes(hashes: "Sequence[bytes] | Column") -> Hashes:
    """Return hashes of 32 bytes as rows of four words.

    Args:
        hashes: bytes, or a binary column of pyarrow, which is read without an object a row.

    Raises:
        ValueError: where one is missing or has another length.
    """
    if isinstance(hashes, pa.ChunkedArray):
        return np.concatenate([np.empty((0, _WORDS), np.uint64), *(pack_hashes(chunk) for chunk in hashes.chunks)])
    data: memoryview | bytes = b""
    if isinstance(hashes, pa.Array):
        if hashes.null_count:
            raise ValueError(f"{hashes.null_count} hashes are missing")
        values = hashes.cast(pa.binary(HASH_BYTES))  # raises a ValueError of its own for another length
        if buffer := values.buffers()[1]:
            data = memoryview(buffer)[values.offset * HASH_BYTES :][: len(values) * HASH_BYTES]
    else:
        if any(len(value) != HASH_BYTES for value in hashes):
            raise ValueError(f"a hash has {HASH_BYTES} bytes")
        data = b"".join(hashes)
    return np.frombuffer(data, ">u8").reshape(-1, _WORDS).astype(np.uint64)


def is_comparable(hashes: Hashes, grey_std: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return which hashes say something of their picture, `[N]`."""
    has_bits: NDArray[np.bool_] = np.bitwise_count(hashes).sum(axis=1) >= MIN_BITS
    return has_bits & (grey_std >= MIN_STD)


def distance(hashes: Hashes, left: NDArray[np.int64], right: NDArray[np.int64]) -> NDArray[np.uint16]:
    """Return how many bits differ in each pair of rows."""
    found = np.empty(len(left), np.uint16)
    for start in range(0, len(left), _BLOCK):
        block = slice(start, start + _BLOCK)
        found[block] = np.bitwise_count(hashes[left[block]] ^ hashes[right[block]]).sum(axis=1)
    return found


def find_edges(hashes: Sequence[Hashes], usable: Sequence[NDArray[np.bool_]], max_distance: int) -> Edges:
    """Find the pairs of rows that are near.

    Args:
        hashes: hashes of all rows, one array a kind.
        usable: which of them may be compared, `[N]` a kind.
        max_distance: bits that may differ, 0 to 255.

    Returns:
        Edges with left < right.
    """
    rows, nodes = _collapse(hashes, usable)
    pairs, num_capped = _search(hashes, usable, rows, nodes, np.ones(len(nodes.sizes), np.bool_), max_distance)
    heads = nodes.heads()
    is_large = nodes.sizes > heads.sizes
    several = np.flatnonzero(nodes.sizes > 1)
    joined = list(_join(rows, heads.of(several), nodes.of(several)))
    for one, two in _blocks(pairs):
        hubs = is_large[one] & is_large[two]
        joined += _join(rows, nodes.of(one[~hubs]), nodes.of(two[~hubs]))
        joined += _join(rows, heads.of(one[hubs]), nodes.of(two[hubs]))
        joined += _join(rows, nodes.of(one[hubs]), heads.of(two[hubs]))
    del pairs
    for at, found in enumerate(joined):
        left, right = unpack(found)
        joined[at] = pack(np.minimum(left, right), np.maximum(left, right))[left != right]
    return _measure(joined, hashes, usable, max_distance, num_capped)


def find_matches(
    hashes: Sequence[Hashes],
    usable: Sequence[NDArray[np.bool_]],
    other_hashes: Sequence[Hashes],
    other_usable: Sequence[NDArray[np.bool_]],
    max_distance: int,
) -> Edges:
    """Find the pairs, as `find_edges`, of a row and one of another set: a list of images to keep out.

    Args:
        hashes: hashes of all rows, one array a kind.
        usable: which of them may be compared, `[N]` a kind.
        other_hashes: hashes of the other set, the same kinds.
        other_usable: which of those may be compared, `[M]` a kind.
        max_distance: bits that may differ, 0 to 255.

    Returns:
        Edges from a row to one of the other set; of more than `MAX_GROUP` equal rows there, to the first.
    """
    ours = np.flatnonzero(_meets(hashes, usable, other_hashes, other_usable))
    hashes = [np.concatenate([one[ours], two]) for one, two in zip(hashes, other_hashes, strict=True)]
    usable = [np.concatenate([one[ours], two]) for one, two in zip(usable, other_usable, strict=True)]
    rows, nodes = _collapse(hashes, usable)
    num_left = np.diff(np.append(0, np.cumsum(rows < len(ours)))[np.append(nodes.starts, len(rows))])
    left = _Spans(nodes.starts, num_left)
    right = _Spans(nodes.starts + num_left, nodes.sizes - num_left)
    pairs, num_capped = _search(hashes, usable, rows, nodes, right.sizes > 0, max_distance)
    right = right.heads()
    joined = list(_join(rows, left, right))
    for one, two in _blocks(pairs):
        joined += _join(rows, left.of(one), right.of(two))
        joined += _join(rows, left.of(two), right.of(one))
    edges = _measure(joined, hashes, usable, max_distance, num_capped)
    return replace(edges, left=ours[edges.left], right=edges.right - len(ours))


def _collapse(hashes: Sequence[Hashes], usable: Sequence[_Bools]) -> tuple[_Ints, _Spans]:
    """Return the rows that are usable in any kind, in the order of their hashes, and the runs of equal ones.

    Equal rows come by index. Sorted by one word first: few rows are left that the other words must part.
    """
    flags = np.zeros(len(usable[0]), np.uint64)
    for kind, is_usable in enumerate(usable):
        flags |= is_usable.astype(np.uint64) << np.uint64(kind)
    rows = np.flatnonzero(flags)
    first = np.where(usable[0][rows], hashes[0][rows, 0], np.uint64(0))
    order = np.argsort(first)
    rows, first = rows[order], first[order]
    is_new = is_first(first)
    tied = np.flatnonzero(~is_new | ~np.append(is_new[1:], True)[: len(rows)])
    some = rows[tied]
    columns = [
        np.where(is_usable[some], words[some, word], np.uint64(0))
        for words, is_usable in zip(hashes, usable, strict=True)
        for word in range(_WORDS)
    ]
    columns.append(flags[some])
    order = np.lexsort([some, *columns[::-1]])
    rows[tied] = some[order]
    is_new[tied[1:]] = np.any([column[order][1:] != column[order][:-1] for column in columns], axis=0)
    starts = np.flatnonzero(is_new)
    return rows, _Spans(starts, np.diff(starts, append=len(rows)))


def _search(
    hashes: Sequence[Hashes],
    usable: Sequence[_Bools],
    rows: _Ints,
    nodes: _Spans,
    is_probe: _Bools,
    max_distance: int,
) -> tuple[Pairs, int]:
    """Return the pairs of nodes that are near in a kind, and the number of rows above the cap."""
    found, num_capped = np.empty(0, np.uint64), 0
    first = rows[nodes.starts]
    for words, is_usable in zip(hashes, usable, strict=True):
        kind = Kind(words, first, np.flatnonzero(is_usable[first]), is_probe)
        for pairs, capped in search(kind, max_distance):
            one, two = unpack(pairs)
            found = distinct(np.concatenate([found, pack(np.minimum(one, two), np.maximum(one, two))]))
            num_capped += int(nodes.sizes[capped].sum())
    return found, num_capped


def _meets(
    hashes: Sequence[Hashes], usable: Sequence[_Bools], others: Sequence[Hashes], other_usable: Sequence[_Bools]
) -> _Bools:
    """Return which rows are equal to one of the other set in any band: all others are left alone."""
    found = np.zeros(len(usable[0]), np.bool_)
    for words, is_usable, other, is_other in zip(hashes, usable, others, other_usable, strict=True):
        for band in range(NUM_BANDS):
            is_held = np.zeros(1 << MAX_BAND_BITS, np.bool_)
            is_held[band_values(other, band)[is_other]] = True
            found |= is_held[band_values(words, band)] & is_usable
    return found


def _blocks(pairs: Pairs) -> Iterator[tuple[_Ints, _Ints]]:
    """Yield both ends of pairs, so many at a time that memory does not matter."""
    for start in range(0, len(pairs), _BLOCK):
        yield unpack(pairs[start : start + _BLOCK])


def _join(rows: _Ints, one: _Spans, two: _Spans) -> Iterator[Pairs]:
    """Yield each row of a run of `one` with each of the run beside it in `two`."""
    counts = one.sizes * two.sizes
    starts = np.cumsum(counts) - counts
    bounds = np.searchsorted(starts, np.arange(0, counts.sum(), _BLOCK))
    for start, stop in itertools.pairwise(np.unique(np.append(bounds, len(counts))).tolist()):
        pair = np.repeat(np.arange(start, stop), counts[start:stop])
        number = np.arange(starts[start], starts[start] + len(pair)) - starts[pair]
        i, j = np.divmod(number, two.sizes[pair])
        yield pack(rows[one.starts[pair] + i], rows[two.starts[pair] + j])


def _measure(
    joined: list[Pairs], hashes: Sequence[Hashes], usable: Sequence[_Bools], max_distance: int, num_capped: int
) -> Edges:
    """Return pairs of rows, each once, with their distance; the list is emptied."""
    pairs = np.concatenate([np.empty(0, np.uint64), *joined])
    joined.clear()
    pairs = distinct(pairs)
    found = np.concatenate([np.empty(0, np.uint16), *(_smallest(*ends, hashes, usable) for ends in _blocks(pairs))])
    near = found <= max_distance  # all but pairs that differ in every bit, see bands
    pairs, found = pairs[near], found[near]
    return Edges(*unpack(pairs), found, num_capped)


def _smallest(left: _Ints, right: _Ints, hashes: Sequence[Hashes], usable: Sequence[_Bools]) -> NDArray[np.uint16]:
    """Return the distance of pairs over the kinds in which both rows are usable."""
    found = np.full(len(left), np.iinfo(np.uint16).max, np.uint16)
    for words, is_usable in zip(hashes, usable, strict=True):
        both = is_usable[left] & is_usable[right]
        found[both] = np.minimum(found[both], distance(words, left[both], right[both]))
    return found
