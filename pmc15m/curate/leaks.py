"""The leak report: what a release shares across its splits, counted again without the search.

Of equal pixels and of one work, all rows are looked at; of near figures a sample, by the exact
number of bits, every pair of it. Every count of a crossing should be 0; one of `near` is a pair
that the search, which misses few above nine bits, did miss.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from pmc15m.curate.clusters import components
from pmc15m.curate.near import Hashes
from pmc15m.curate.splits import EDGE_KINDS, SPLITS, ArticleEdges, Assignment, SplitGroups
from pmc15m.rows import order_of

MAX_ROWS = 20_000
NUM_EXAMPLES = 20
NUM_GROUPS = 20
_BLOCK_ROWS = 64

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
Near = tuple[str, str, int]  # two keys, bits between them


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows that stay, in any order."""

    keys: Sequence[str]  # [N]
    article_of: Ints  # [N]
    pixels: Ints  # [N], equal where the pixels of two rows are
    hashes: Sequence[Hashes]  # [N, 4] each
    usable: Sequence[Bools]  # [N] each


def leak_report(
    rows: Rows,
    pmcids: Sequence[str],
    identities: Mapping[str, Ints],
    edges: ArticleEdges,
    groups: SplitGroups,
    assignment: Assignment,
    max_distance: int,
    max_rows: int = MAX_ROWS,
) -> dict[str, Any]:
    """Return what crosses splits, and the largest groups, as JSON has it.

    Args:
        rows: of the release.
        pmcids: of all articles.
        identities: index pairs [M, 2] of articles by kind; an article without rows crosses nothing.
        edges: between all articles, for the groups.
        groups: of all articles.
        assignment: of all articles.
        max_distance: bits up to which two figures are one.
        max_rows: rows that are compared.
    """
    num_pairs = np.bincount(rows.article_of, minlength=len(pmcids))
    split = assignment.split
    split_of_row = split[rows.article_of]
    sample = _sample(rows.keys, split_of_row, max_rows)
    near, num_compared = _near_across(rows, sample, split_of_row, max_distance)
    return {
        "crossings": {
            **_works_across(identities, split, np.flatnonzero(num_pairs)),
            "same_pixels": _num_shared(rows.pixels, split_of_row),
            "near": len(near),
        },
        "examples": [list(pair) for pair in near[:NUM_EXAMPLES]],
        "compared": {
            "max_distance": max_distance,
            "num_rows": {name: int(np.count_nonzero(split_of_row[sample] == i)) for i, name in enumerate(SPLITS)},
            "num_pairs": num_compared,
        },
        **_largest(pmcids, edges, groups, num_pairs, split),
        "oversize_groups": [asdict(group) for group in groups.oversize],
    }


def _works_across(identities: Mapping[str, Ints], split: Ints, articles: Ints) -> dict[str, int]:
    """Return how many works some articles have in more than one split, by kind of identity and by all of them."""
    found: dict[str, int] = {}
    for kind, pairs in [*sorted(identities.items()), ("same_work", np.concatenate(list(identities.values())))]:
        work = components(len(split), pairs[:, 0], pairs[:, 1])
        found[kind] = _num_shared(work[articles], split[articles])
    return found


def _num_shared(values: Ints, split: Ints) -> int:
    """Return how many of the values are in more than one split."""
    order = np.lexsort((split, values))
    is_same = values[order[1:]] == values[order[:-1]]
    is_across = split[order[1:]] != split[order[:-1]]
    return int(np.unique(values[order[1:]][is_same & is_across]).size)


def _sample(keys: Sequence[str], split: Ints, max_rows: int) -> Ints:
    """Return the rows to compare, by the digest of their key: val and test, at most half, the rest of train."""
    is_train = split == SPLITS.index("train")
    digests = np.fromiter((order_of(key) for key in keys), np.int64, len(keys))
    order = np.argsort(digests, kind="stable")
    held, train = order[~is_train[order]], order[is_train[order]]
    held = held[: max_rows - min(train.size, max_rows // 2)]
    return np.concatenate([held, train[: max_rows - held.size]])


def _near_across(rows: Rows, sample: Ints, split: Ints, max_distance: int) -> tuple[list[Near], int]:
    """Return the near pairs of the sample across splits, by key, and how many pairs were compared."""
    found: list[Near] = []
    num_compared = 0
    num_held = int(np.count_nonzero(split[sample] != SPLITS.index("train")))  # they come first
    for start in range(0, num_held, _BLOCK_ROWS):
        block, rest = sample[start : min(start + _BLOCK_ROWS, num_held)], sample[start:]
        bits = np.full((block.size, rest.size), max_distance + 1, np.int64)
        for hashes, usable in zip(rows.hashes, rows.usable, strict=True):
            differ = np.bitwise_count(hashes[block][:, None] ^ hashes[rest][None]).sum(axis=2, dtype=np.int64)
            is_usable = usable[block][:, None] & usable[rest][None]
            bits = np.where(is_usable, np.minimum(bits, differ), bits)
        # Pairs within the block stand there twice.
        is_across = np.triu(split[block][:, None] != split[rest][None])
        num_compared += int(np.count_nonzero(is_across))
        for one, other in np.argwhere(is_across & (bits <= max_distance)):
            left, right = sorted((rows.keys[block[one]], rows.keys[rest[other]]))
            found.append((left, right, int(bits[one, other])))
    return sorted(found), num_compared


def _largest(
    pmcids: Sequence[str], edges: ArticleEdges, groups: SplitGroups, num_pairs: Ints, split: Ints
) -> dict[str, Any]:
    """Return how many groups have more than one article, and the largest."""
    sizes = np.bincount(groups.anchor, minlength=len(pmcids))
    anchors = np.flatnonzero(sizes > 1)
    ordered = sorted(
        (int(index) for index in anchors), key=lambda index: (-sizes[index], len(pmcids[index]), pmcids[index])
    )
    pairs_of = np.bincount(groups.anchor, weights=num_pairs, minlength=len(pmcids)).astype(np.int64)
    is_inner = groups.anchor[edges.left] == groups.anchor[edges.right]  # others were cut
    largest = []
    for anchor in ordered[:NUM_GROUPS]:
        is_of = is_inner & (groups.anchor[edges.left] == anchor)
        kinds = np.bincount(edges.kind[is_of], minlength=len(EDGE_KINDS))
        largest.append(
            {
                "anchor": pmcids[anchor],
                "splits": [SPLITS[code] for code in np.unique(split[groups.anchor == anchor])],
                "num_articles": int(sizes[anchor]),
                "num_pairs": int(pairs_of[anchor]),
                "edges": {kind: int(kinds[code]) for code, kind in enumerate(EDGE_KINDS)},
            }
        )
    return {"num_groups": int(np.count_nonzero(sizes)), "num_joined_groups": len(ordered), "largest_groups": largest}
