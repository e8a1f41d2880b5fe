"""Splits by groups of articles that share a work or a picture, so that nothing is in two of them.

A group is a component of the articles under all edges; its split is a pure function of the salt
and of its anchor, the smallest pmcid: no order, no count of articles or workers. What an earlier
release decided stays; what would then lie in two splits is rejected (study of duplicates, §5).
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pmc15m.config import SplitsConfig
from pmc15m.curate.bands import is_first
from pmc15m.curate.clusters import components
from pmc15m.curate.identity import IDENTITY_KINDS
from pmc15m.curate.near import Edges
from pmc15m.errors import UsageError
from pmc15m.records import article_order

SPLITS = ("train", "val", "test")
"""From the least to the most protected: of two figures that may not both stay the former goes."""

EDGE_KINDS = (*IDENTITY_KINDS, "same_pixels", "near")
_BUCKETS = 1_000_000
_CODES = {split: code for code, split in enumerate(SPLITS)}

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]


def split_of(anchor: str, config: SplitsConfig) -> str:
    """Return the split of an article component, "test", "val" or "train".

    Args:
        anchor: smallest pmcid of the component.
        config: salt and fractions, exact to one in a million.
    """
    digest = hashlib.sha256(f"{config.salt}:{anchor}".encode()).digest()
    bucket = int.from_bytes(digest[:8]) % _BUCKETS
    test = round(config.test_fraction * _BUCKETS)
    val = test + round(config.val_fraction * _BUCKETS)
    return "test" if bucket < test else "val" if bucket < val else "train"


# --- edges ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ArticleEdges:
    """Edges between articles, by index: `left` the smaller, each pair once a kind, sorted by kind and pair."""

    left: Ints  # [M]
    right: Ints  # [M]
    kind: Ints  # [M], position in EDGE_KINDS
    distance: Ints  # [M], bits between the nearest figures; 0 for kinds other than `near`


def join_edges(identities: Mapping[str, Ints], article_of: Ints, pixels: Ints, near: Edges) -> ArticleEdges:
    """Return all edges between articles: of identity, of equal pixels, of near figures.

    Args:
        identities: index pairs [M, 2] of articles by kind, all kinds.
        article_of: [N], article of each row.
        pixels: [N], equal where the pixels of two rows are; below 0: the row joins nothing.
        near: edges between rows.
    """
    rows = np.flatnonzero(pixels >= 0)
    rows = rows[np.lexsort((article_of[rows], pixels[rows]))]
    same = np.flatnonzero(pixels[rows[1:]] == pixels[rows[:-1]])
    ends = {kind: (identities[kind][:, 0], identities[kind][:, 1]) for kind in IDENTITY_KINDS}
    ends["same_pixels"] = article_of[rows[same]], article_of[rows[same + 1]]
    ends["near"] = article_of[near.left], article_of[near.right]
    columns = []
    for code, kind in enumerate(EDGE_KINDS):
        bits = near.distance.astype(np.int64) if kind == "near" else np.zeros(ends[kind][0].size, np.int64)
        left, right, bits = _nearest(*ends[kind], bits)
        columns.append((left, right, np.full(left.size, code, np.int64), bits))
    return ArticleEdges(*map(np.concatenate, zip(*columns, strict=True)))


def _nearest(one: Ints, other: Ints, bits: Ints) -> tuple[Ints, Ints, Ints]:
    """Return the edges between different articles, of each pair the one of fewest bits, sorted."""
    left, right = np.minimum(one, other), np.maximum(one, other)
    order = np.lexsort((bits, right, left))
    order = order[left[order] != right[order]]
    left, right = left[order], right[order]
    is_new = np.ones(left.size, np.bool_)
    is_new[1:] = (left[1:] != left[:-1]) | (right[1:] != right[:-1])
    return left[is_new], right[is_new], bits[order][is_new]


# --- groups ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Oversize:
    """A group that was too large, and what was done about it."""

    anchor: str  # smallest pmcid
    num_articles: int
    done: str  # "cut to 12 bits", "cut to equal pixels", "to train"


@dataclass(frozen=True, slots=True)
class SplitGroups:
    """The groups of articles, before splits."""

    anchor: Ints  # [A], article of the smallest pmcid in each article's group
    is_for_train: Bools  # [A], in a group that stayed too large
    oversize: tuple[Oversize, ...]  # step by step, by anchor


def find_split_groups(pmcids: Sequence[str], edges: ArticleEdges, config: SplitsConfig) -> SplitGroups:
    """Return the components of the articles.

    A component above `max_group_articles` keeps of its near edges only those within `cut_distance`,
    then none; one that is too large even so goes to train as a whole. The bound is a number and no
    share of all articles: a share would move groups when unrelated articles come. Edges that were
    cut may cross splits: `find_leaks` has to see them.
    """
    order = np.argsort(_numbers(pmcids), kind="stable")
    rank = np.empty_like(order)
    rank[order] = np.arange(order.size)

    def anchors(mask: Bools) -> Ints:
        return order[components(order.size, rank[edges.left[mask]], rank[edges.right[mask]])[rank]]

    is_near = edges.kind == EDGE_KINDS.index("near")
    anchor = anchors(~is_near | (edges.distance <= config.max_distance))
    steps = (
        (f"cut to {config.cut_distance} bits", ~is_near | (edges.distance <= config.cut_distance)),
        ("cut to equal pixels", ~is_near),
        ("to train", None),
    )
    oversize: list[Oversize] = []
    is_large = np.zeros(order.size, np.bool_)
    for done, mask in steps:
        sizes = np.bincount(anchor, minlength=order.size)
        is_large = sizes[anchor] > config.max_group_articles
        large = order[np.flatnonzero(sizes[order] > config.max_group_articles)]
        oversize += [Oversize(pmcids[index], int(sizes[index]), done) for index in large]
        if mask is None or not large.size:
            break
        anchor = np.where(is_large, anchors(mask & is_large[edges.left]), anchor)
    return SplitGroups(anchor, is_large, tuple(oversize))


def _numbers(pmcids: Sequence[str]) -> Ints:
    return np.fromiter(map(article_order, pmcids), np.int64, len(pmcids))


# --- splits ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Assignment:
    """The split of every article."""

    split: Ints  # [A], position in SPLITS
    group: Ints  # [A], smallest pmcid among those of the component that share the split
    is_old: Bools  # [A], decided by the earlier release

    @property
    def weight(self) -> Ints:
        """[A], of two articles that may not both stay the lighter goes: new before old, train before test."""
        return self.split + len(SPLITS) * self.is_old


def assign_splits(
    pmcids: Sequence[str], groups: SplitGroups, config: SplitsConfig, previous: Mapping[str, str]
) -> Assignment:
    """Deal the groups to splits.

    An article that is in `previous` stays where it was. A new one joins the old ones of its group;
    where these are in several splits it joins the least protected.

    Args:
        pmcids: of the articles.
        groups: of the articles.
        config: salt and fractions.
        previous: split of each article of the earlier release, by pmcid.

    Raises:
        UsageError: `previous` names a split that is none.
    """
    if unknown := sorted(set(previous.values()) - _CODES.keys()):
        raise UsageError(f"the earlier release names a split {unknown[0]!r}; known: {', '.join(SPLITS)}")
    nowhere = len(SPLITS)
    old = np.fromiter((_CODES[previous[name]] if name in previous else nowhere for name in pmcids), np.int64)
    is_old = old < nowhere
    by_anchor = np.full(len(pmcids), nowhere, np.int64)
    np.minimum.at(by_anchor, groups.anchor[is_old], old[is_old])
    for anchor in np.unique(groups.anchor[by_anchor[groups.anchor] == nowhere]):
        by_anchor[anchor] = _CODES[split_of(pmcids[anchor], config)]
    split = np.where(groups.is_for_train, _CODES["train"], by_anchor[groups.anchor])
    split = np.where(is_old, old, split)
    part = groups.anchor * nowhere + split
    return Assignment(split, _firsts(part, np.lexsort((_numbers(pmcids), part))), is_old)


def _firsts(part: Ints, order: Ints) -> Ints:
    """Return for each article the first of its part in an order that keeps parts together."""
    is_new = is_first(part[order])
    first = np.empty_like(order)
    first[order] = order[is_new][np.cumsum(is_new) - 1]
    return first


def find_leaks(
    pmcids: Sequence[str], identities: Mapping[str, Ints], assignment: Assignment, article_of: Ints, near: Edges
) -> dict[int, int]:
    """Return the rows that would leak into another split, and the article that each touches there.

    Of an edge across splits the row of the lighter article goes (`Assignment.weight`): what is left
    has no such edge. All articles of one work belong to the split of the heaviest of them.

    Args:
        pmcids: of the articles.
        identities: index pairs [M, 2] of articles by kind.
        assignment: of the articles.
        article_of: [N], article of each row.
        near: edges between rows that would stay, or were there once. Of many equal rows `find_edges` gives
            few pairs; those of `find_matches`, each split against the others, miss no row.
    """
    split, weight, numbers = assignment.split, assignment.weight, _numbers(pmcids)
    pairs = np.concatenate([np.empty((0, 2), np.int64), *(identities[kind] for kind in sorted(identities))])
    work = components(len(pmcids), pairs[:, 0], pairs[:, 1])
    chief = _firsts(work, np.lexsort((numbers, -weight, work)))
    is_out = split != split[chief]
    leaks = {int(row): int(chief[article_of[row]]) for row in np.flatnonzero(is_out[article_of])}

    left, right = article_of[near.left], article_of[near.right]
    crosses = np.flatnonzero((split[left] != split[right]) & ~is_out[left] & ~is_out[right])
    is_left = weight[left[crosses]] < weight[right[crosses]]
    rows = np.where(is_left, near.left[crosses], near.right[crosses])
    touched = np.where(is_left, right[crosses], left[crosses])
    for index in np.lexsort((numbers[touched], rows)):
        leaks.setdefault(int(rows[index]), int(touched[index]))
    return dict(sorted(leaks.items()))
