"""Pairs of near hashes by sorting: equal in one of ten bands, then compared in blocks of numpy.

What is searched are *nodes*, distinct rows of hashes numbered in the order of their content, so that
neither the order of the rows nor a tie in a sort shows in what is found.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

NUM_BANDS = 10
MAX_BUCKET = 2_000
NUM_NEIGHBOURS = 50

_WORD_BITS, _WORDS = 64, 4
_STARTS = [band * _WORD_BITS * _WORDS // NUM_BANDS for band in range(NUM_BANDS + 1)]
MAX_BAND_BITS = -(-_WORD_BITS * _WORDS // NUM_BANDS)
_BLOCK = 1 << 17  # comparisons at a time: what they need stays in the second cache
_CHUNKS = 16  # of a bucket: more waste less below the diagonal, fewer call numpy less often
_OPEN_FRACTION = 1 / 8  # of comparisons not yet decided: above it, going on with all of them is faster
_NODE_BITS, _SIDE_BITS = 32, 1

Words = NDArray[np.uint64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
Pairs = NDArray[np.uint64]
"""Two numbers below 2**32 in one word, the first in its upper half: they sort as pairs do."""


@dataclass(frozen=True, slots=True)
class Kind:
    """The hashes of one kind, as they are searched."""

    hashes: Words  # of rows, [N, 4]
    rows: Ints  # one row of each node
    nodes: Ints  # those that may be compared in this kind, ascending
    is_probe: Bools  # of all nodes: a pair holds at least one probe


@dataclass(frozen=True, slots=True)
class Buckets:
    """Nodes that are equal in a key, bucket after bucket: in each the probes first, then in order."""

    nodes: Ints
    keys: Words  # of each node
    starts: Ints  # of the buckets that can hold a pair
    sizes: Ints
    num_probes: Ints

    @property
    def is_within(self) -> Bools:
        """Which buckets are compared in full: those that cost no more than one at the cap."""
        return self.sizes * self.num_probes <= MAX_BUCKET**2


def pack(first: Ints, second: Ints) -> Pairs:
    """Return pairs of two arrays of numbers."""
    return (first.astype(np.uint64) << np.uint64(_NODE_BITS)) | second.astype(np.uint64)


def unpack(pairs: Pairs) -> tuple[Ints, Ints]:
    """Return the two arrays of numbers that make up pairs."""
    return (pairs >> np.uint64(_NODE_BITS)).view(np.int64), (pairs & np.uint64(2**_NODE_BITS - 1)).view(np.int64)


def distinct(pairs: Pairs) -> Pairs:
    """Return pairs sorted and each once; what was handed over is sorted in place."""
    pairs.sort()
    return pairs[is_first(pairs)]


def is_first(values: Words | NDArray[np.int64]) -> Bools:
    """Return which of sorted values differ from the one before."""
    found = np.ones(len(values), np.bool_)
    found[1:] = values[1:] != values[:-1]
    return found


def band_values(hashes: Words, band: int) -> Words:
    """Return the 25 or 26 bits of a band of each row."""
    start, stop = _STARTS[band], _STARTS[band + 1]
    (word, bit), last = divmod(start, _WORD_BITS), (stop - 1) // _WORD_BITS
    values: Words = hashes[:, word] << np.uint64(bit) >> np.uint64(_WORD_BITS - (stop - start))
    if last != word:
        tail: Words = hashes[:, last] >> np.uint64((last + 1) * _WORD_BITS - stop)
        values |= tail
    return values


def search(kind: Kind, max_distance: int) -> Iterator[tuple[Pairs, Ints]]:
    """Yield, band by band, pairs of nodes that are near, and the nodes that sat in buckets above the cap.

    A pair comes once in a band, either way round, and again in every other band that it is equal in.
    """
    for band in range(NUM_BANDS):
        keys = band_values(kind.hashes, band)[kind.rows[kind.nodes]]
        buckets = _bucket(keys, kind.nodes, kind.is_probe)
        found = list(_compare_buckets(kind, buckets, band, max_distance))
        capped = _members(buckets, ~buckets.is_within)
        if capped.size:
            nodes = buckets.nodes[capped]
            following = band_values(kind.hashes[kind.rows[nodes]], (band + 1) % NUM_BANDS)
            again = _bucket(buckets.keys[capped] ^ following, nodes, kind.is_probe)
            found += _compare_buckets(kind, again, band, max_distance)
            found += _compare_neighbours(kind, again.nodes, band, max_distance)
            capped = nodes
        yield np.concatenate([np.empty(0, np.uint64), *found]), capped


def _bucket(keys: Words, nodes: Ints, is_probe: Bools) -> Buckets:
    """Sort nodes by key: one sort of whole words, which leaves nothing to chance."""
    words = keys << np.uint64(_NODE_BITS + _SIDE_BITS)
    words |= (~is_probe[nodes]).astype(np.uint64) << np.uint64(_NODE_BITS)
    words |= nodes.astype(np.uint64)
    words.sort()
    keys = words >> np.uint64(_NODE_BITS + _SIDE_BITS)
    starts = np.flatnonzero(is_first(keys))
    sizes = np.diff(starts, append=len(keys))
    several = sizes > 1
    starts, sizes = starts[several], sizes[several]
    nodes = (words & np.uint64(2**_NODE_BITS - 1)).astype(np.int64)
    probes_before = np.append(0, np.cumsum(is_probe[nodes]))
    num_probes = probes_before[starts + sizes] - probes_before[starts]
    holds = num_probes > 0
    return Buckets(nodes, keys, starts[holds], sizes[holds], num_probes[holds])


def _members(buckets: Buckets, chosen: Bools) -> Ints:
    """Return where the members of some buckets lie."""
    starts, sizes = buckets.starts[chosen], buckets.sizes[chosen]
    return np.repeat(starts - np.cumsum(sizes) + sizes, sizes) + np.arange(sizes.sum())


def _compare_buckets(kind: Kind, buckets: Buckets, band: int, max_distance: int) -> Iterator[Pairs]:
    """Yield near pairs of the buckets within the cap, buckets of one shape together."""
    within = buckets.is_within
    starts, shapes = buckets.starts[within], pack(buckets.sizes[within], buckets.num_probes[within])
    order = np.argsort(shapes, kind="stable")
    starts, shapes = starts[order], shapes[order]
    bounds = np.flatnonzero(is_first(shapes))
    for start, stop in zip(bounds.tolist(), [*bounds[1:].tolist(), len(shapes)], strict=False):
        size, num_probes = (int(part[0]) for part in unpack(shapes[start : start + 1]))
        height = max(1, min(size // _CHUNKS, _BLOCK // size))
        step = max(1, _BLOCK // (height * size))
        for first in range(start, stop, step):
            members = starts[first : min(first + step, stop), None] + np.arange(size)
            nodes = buckets.nodes[members]
            words = _words(kind, nodes, band)
            for row in range(0, num_probes, height):
                above = slice(row, min(row + height, num_probes))
                near = _near(words[:, :, above, None], words[:, :, None, row + 1 :], max_distance)
                bucket, i, j = near[0], near[1] + row, near[2] + row + 1
                upper = j > i
                if upper.any():
                    bucket, i, j = bucket[upper], i[upper], j[upper]
                    yield pack(nodes[bucket, i], nodes[bucket, j])


def _compare_neighbours(kind: Kind, nodes: Ints, band: int, max_distance: int) -> Iterator[Pairs]:
    """Yield near pairs of nodes that lie close in an order."""
    words, is_probe = _words(kind, nodes, band), kind.is_probe[nodes]
    for step in range(1, min(NUM_NEIGHBOURS + 1, len(nodes))):
        (at,) = _near(words[:, :-step], words[:, step:], max_distance)
        at = at[is_probe[at] | is_probe[at + step]]
        yield pack(nodes[at], nodes[at + step])


def _words(kind: Kind, nodes: Ints, band: int) -> Words:
    """Return the hashes of nodes word by word, first what is farthest from the band that is equal anyway."""
    first = _STARTS[band] // _WORD_BITS
    order = [(first + step) % _WORDS for step in (2, 3, 1, 0)]
    return np.ascontiguousarray(np.moveaxis(kind.hashes[kind.rows[nodes]], -1, 0)[order])


def _near(ours: Words, theirs: Words, max_distance: int) -> tuple[Ints, ...]:
    """Return where hashes that are broadcast against one another, `[4, ...]`, differ in few enough bits.

    Words are compared one by one, all pairs at once, until few pairs are left to decide.
    Pairs that differ in all 256 bits would count as equal: whoever calls measures what is found.
    """
    counts = np.bitwise_count(ours[0] ^ theirs[0])
    near = np.flatnonzero(counts <= max_distance)
    word = 1
    while word < _WORDS and near.size > counts.size * _OPEN_FRACTION:
        counts += np.bitwise_count(ours[word] ^ theirs[word])
        near = np.flatnonzero(counts <= max_distance)
        word += 1
    at = np.unravel_index(near, counts.shape)
    if word < _WORDS and near.size:
        ours, theirs = np.broadcast_arrays(ours[word:], theirs[word:])
        differing = [one[at] ^ two[at] for one, two in zip(ours, theirs, strict=True)]
        left = counts.ravel()[near] + sum(np.bitwise_count(word) for word in differing)
        at = tuple(part[left <= max_distance] for part in at)
    return at
