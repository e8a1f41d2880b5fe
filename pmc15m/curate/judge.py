"""All candidates against each other, on one worker: same works, repeated art, copies, splits, leaks.

The order of the reasons: the article is another's work, caption or picture are everywhere, the pair is a
copy, an evaluation holds it, it would leak into another split. Each row ends once. The outcome is a
function of the set of rows, of the config, and of the lists and earlier splits that are given.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from pmc15m.config import DatasetConfig
from pmc15m.curate.arrays import Bools, Candidates, Ints, read_arrays
from pmc15m.curate.candidates import read_caption_at
from pmc15m.curate.clusters import components
from pmc15m.curate.copies import Copies, find_copies, first_of
from pmc15m.curate.decontaminate import EvalList, find_overlaps
from pmc15m.curate.identity import Identities, find_identities
from pmc15m.curate.leaks import Rows, leak_report
from pmc15m.curate.near import Edges, find_edges, find_matches
from pmc15m.curate.splits import (
    SPLITS,
    Assignment,
    assign_splits,
    find_leaks,
    find_split_groups,
    join_edges,
)
from pmc15m.curate.verdicts import Verdicts
from pmc15m.records import Decision, Reason, Reject, Tally

NO_PIXELS = -1
"""Joins nothing: a badge says nothing of the articles that bear it."""


@dataclass(frozen=True, slots=True)
class JudgeJob:
    """Where candidates are read from, and what they are held against."""

    pairs: str  # folder of the row files of extract, for captions
    candidates: str  # folder of the row files of candidates
    config: DatasetConfig
    previous: Mapping[str, str]  # split of each article of an earlier release, by pmcid
    lists: tuple[EvalList, ...]


@dataclass(frozen=True, slots=True)
class ArticleSplit:
    """The split of one article: a row of the table that the next release is given."""

    key: str  # the pmcid
    split: str
    split_group: str  # anchor pmcid of its component


@dataclass(frozen=True, slots=True)
class LeakReport:
    """What crosses splits, and the largest groups, as JSON has it."""

    findings: Mapping[str, Any]


def judge(names: list[str], job: JudgeJob) -> Iterator[Decision | ArticleSplit | LeakReport | Reject | Tally]:
    """Yield what becomes of the candidates of some row files.

    Rejects: `duplicate_article`, `boilerplate_caption`, `repeated_image`, `duplicate_file`,
    `duplicate_pixels`, `duplicate_image`, `eval_overlap`, `would_leak`. Tallies: `pairs/kept`,
    `splits/<name>`, `near/edges`, `near/capped`.
    """
    config = job.config
    rows = read_arrays(job.candidates, names)
    verdicts = Verdicts(rows)
    identities = find_identities(rows.facts)
    rank = _rank_old_first(rows, job.previous)
    _drop_works(rows, identities, verdicts)
    joins = verdicts.is_open.copy()  # a picture leaks whatever its caption
    _drop_captions(rows, rank, config, verdicts)
    joins &= ~_drop_badges(rows, joins, config, verdicts)
    edges = _near_edges(rows, rank, first_of(rows.pixels, rank, joins), joins, config)
    copies = _find_copies(rows, edges, rank, identities, verdicts, job)
    verdicts.drop_copies(copies)
    yield from (Tally("near/edges", len(edges.left)), Tally("near/capped", edges.num_capped))

    article_edges = join_edges(identities.edges, rows.article_of, np.where(joins, rows.pixels, NO_PIXELS), edges)
    groups = find_split_groups(rows.pmcids, article_edges, config.splits)
    assignment = assign_splits(rows.pmcids, groups, config.splits, job.previous)
    _drop_overlaps(rows, copies, assignment, job, verdicts)
    is_in = verdicts.is_open | assignment.is_old[rows.article_of]  # what was tested with is not trained on later
    crossing = _edges_across(rows, is_in, assignment, edges, bool(job.previous or groups.oversize), config)
    for row, article in find_leaks(rows.pmcids, identities.edges, assignment, rows.article_of, crossing).items():
        verdicts.drop(row, Reason.WOULD_LEAK, f"{rows.pmcids[article]} is in {SPLITS[assignment.split[article]]}")
    yield from verdicts.rejects()
    yield from _decisions(rows, copies, assignment, verdicts, job)
    stay = _rows_of(rows, np.flatnonzero(verdicts.is_open))
    compared = config.splits.max_distance
    yield LeakReport(leak_report(stay, rows.pmcids, identities.edges, article_edges, groups, assignment, compared))


def _rows_of(rows: Candidates, some: Ints) -> Rows:
    """Return some of the rows as the leak report looks at them."""
    return Rows(
        [rows.key(row) for row in some.tolist()],
        rows.article_of[some],
        rows.pixels[some],
        [one[some] for one in rows.hashes],
        [one[some] for one in rows.usable],
    )


def _drop_works(rows: Candidates, identities: Identities, verdicts: Verdicts) -> None:
    """Reject the pairs of articles that are another one's manuscript, preprint or copy."""
    for dropped, kept in sorted(identities.superseded.items()):
        start, stop = np.searchsorted(rows.article_of, [dropped, dropped + 1])
        verdicts.drop_all(np.arange(start, stop), Reason.DUPLICATE_ARTICLE, f"{rows.pmcids[kept]} is the same work")


def _drop_captions(rows: Candidates, rank: Ints, config: DatasetConfig, verdicts: Verdicts) -> None:
    """Reject captions that stand under many pictures; of the copies of a picture with one caption one counts."""
    limits = config.filters
    if limits.allow_boilerplate:
        return
    both = rows.pixels * (rows.caption.max(initial=0) + 1) + rows.caption
    is_first = first_of(both, rank, verdicts.is_open) == np.arange(len(both))
    counted = np.flatnonzero(verdicts.is_open & is_first)
    num_articles = _num_distinct(rows.caption[counted], rows.article_of[counted], rows.caption)
    num_figs = _num_distinct(rows.caption[counted], rows.fig[counted], rows.caption)
    is_over = (num_articles > limits.max_caption_articles) | (num_figs > limits.max_caption_figs)
    for row in np.flatnonzero(is_over & verdicts.is_open).tolist():
        detail = f"under {num_figs[row]} figs of {num_articles[row]} articles, with other pictures"
        verdicts.drop(row, Reason.BOILERPLATE_CAPTION, detail)


def _drop_badges(rows: Candidates, joins: Bools, config: DatasetConfig, verdicts: Verdicts) -> Bools:
    """Reject pictures that stand in many articles, whatever their captions, and return which these are, `[N]`."""
    counted = np.flatnonzero(joins)
    num_articles = _num_distinct(rows.pixels[counted], rows.article_of[counted], rows.pixels)
    is_badge: Bools = num_articles > config.filters.max_image_articles
    for row in np.flatnonzero(is_badge & verdicts.is_open).tolist():
        verdicts.drop(row, Reason.REPEATED_IMAGE, f"the same picture in {num_articles[row]} articles")
    return is_badge


def _num_distinct(values: Ints, others: Ints, of: Ints) -> Ints:
    """Return for each of `of` how many different others stand beside it in `values`."""
    size = others.max(initial=0) + 1
    pairs = np.unique(values * size + others)
    counts: Ints = np.bincount(pairs // size, minlength=int(of.max(initial=0)) + 1)[of]
    return counts


def _rank_old_first(rows: Candidates, previous: Mapping[str, str]) -> Ints:
    """Return the rank with the articles of the earlier release first, of these the most protected.

    A newcomer replaces none of their pictures, and what was tested with is not trained on, though a copy
    came into train since.
    """
    places = {split: -code for code, split in enumerate(SPLITS)}
    place = np.fromiter((places.get(previous.get(pmcid, ""), 1) for pmcid in rows.pmcids), np.int64, len(rows.pmcids))
    order = np.lexsort((rows.rank, place[rows.article_of]))
    rank = np.empty(len(order), np.int64)
    rank[order] = np.arange(len(order))
    return rank


def _near_edges(rows: Candidates, rank: Ints, first: Ints, joins: Bools, config: DatasetConfig) -> Edges:
    """Return the near pairs of pictures that are not equal.

    The best rows come first: of very many equal hashes the search joins all to the first.
    """
    is_first = joins & (first == np.arange(len(first)))
    order = np.argsort(rank, kind="stable")
    usable = [(one & is_first)[order] for one in rows.usable]
    max_distance = max(config.splits.max_distance, config.duplicates.drop_distance)
    edges = find_edges([one[order] for one in rows.hashes], usable, max_distance)
    return replace(edges, left=order[edges.left], right=order[edges.right])


def _find_copies(
    rows: Candidates, edges: Edges, rank: Ints, identities: Identities, verdicts: Verdicts, job: JudgeJob
) -> Copies:
    """Return what each row that may stay is a copy of."""
    first = first_of(rows.pixels, rank, verdicts.is_open)
    # Between the rows that lead now: those that led among all that join may have been rejected.
    lead = np.full(int(rows.pixels.max()) + 1 if len(first) else 0, -1)
    leads = np.flatnonzero(verdicts.is_open & (first == np.arange(len(first))))
    lead[rows.pixels[leads]] = leads
    left, right = lead[rows.pixels[edges.left]], lead[rows.pixels[edges.right]]
    both = (left >= 0) & (right >= 0)
    moved = replace(edges, left=left[both], right=right[both], distance=edges.distance[both])
    pairs = np.concatenate([np.empty((0, 2), np.int64), *identities.edges.values()])
    work = components(len(rows.pmcids), pairs[:, 0], pairs[:, 1])

    def caption_of(row: int) -> str:
        return _caption(rows, row, job.pairs)

    return find_copies(rows, first, moved, rank, work, caption_of, job.config.duplicates)


def _caption(rows: Candidates, row: int, pairs: str) -> str:
    return read_caption_at(pairs, rows.files[rows.file[row]], int(rows.row_group[row]), int(rows.row[row]))


def _drop_overlaps(rows: Candidates, copies: Copies, assignment: Assignment, job: JudgeJob, verdicts: Verdicts) -> None:
    """Reject what an evaluation holds, itself or as a copy that was dropped for it, but for pairs of the test split."""
    if not job.lists:
        return
    is_test = assignment.split[rows.article_of] == SPLITS.index("test")
    held = np.flatnonzero((verdicts.is_open & ~is_test)[copies.leader])
    held = held[np.argsort(copies.leader[held] != held, kind="stable")]  # what a pair is itself is told first
    pmcids = [rows.pmcids[article] for article in rows.article_of[held].tolist()]
    hashes, usable = [one[held] for one in rows.hashes], [one[held] for one in rows.usable]
    for row, name in find_overlaps(hashes, usable, pmcids, job.lists, job.config.decontaminate.max_distance):
        verdicts.drop(int(copies.leader[held[row]]), Reason.EVAL_OVERLAP, name)


def _edges_across(
    rows: Candidates, is_in: Bools, assignment: Assignment, edges: Edges, is_cut: bool, config: DatasetConfig
) -> Edges:
    """Return the near pairs across splits among some rows: those that would stay, and those of an earlier release.

    There are none where every group lies in one split. With an earlier release, or where a group was too
    large, each split is held against the others, since of many equal rows `find_edges` gives few pairs.
    """
    both = is_in[edges.left] & is_in[edges.right] & (edges.distance <= config.splits.max_distance)
    found = [(edges.left[both], edges.right[both], edges.distance[both])]
    split = assignment.split[rows.article_of]
    for code in range(1, len(SPLITS)) if is_cut else ():
        ours, others = np.flatnonzero(is_in & (split == code)), np.flatnonzero(is_in & (split < code))
        sides = [([one[side] for one in rows.hashes], [one[side] for one in rows.usable]) for side in (ours, others)]
        matches = find_matches(*sides[0], *sides[1], config.splits.max_distance)
        found.append((ours[matches.left], others[matches.right], matches.distance))
    left, right, distance = (np.concatenate(column) for column in zip(*found, strict=True))
    return Edges(np.minimum(left, right), np.maximum(left, right), distance, edges.num_capped)


def _decisions(
    rows: Candidates, copies: Copies, assignment: Assignment, verdicts: Verdicts, job: JudgeJob
) -> Iterator[Decision | ArticleSplit | Tally]:
    """Yield the pairs that stay, and the split of every article."""
    copied: dict[int, list[int]] = {}
    clustered = np.flatnonzero(copies.leader != np.arange(len(copies.leader)))
    for row in clustered.tolist():
        copied.setdefault(int(copies.leader[row]), []).append(row)
    for row in np.flatnonzero(verdicts.is_open).tolist():
        article = rows.article_of[row]
        split = SPLITS[assignment.split[article]]
        members = copied.get(row, [])
        captions: set[str] = set()
        if members:
            own = _caption(rows, row, job.pairs)
            captions = {_caption(rows, member, job.pairs) for member in members} - {own}
        cluster = rows.key(min([row, *members]))
        yield Decision(rows.key(row), split, cluster, rows.pmcids[assignment.group[article]], tuple(sorted(captions)))
        yield from (Tally("pairs/kept", 1), Tally(f"splits/{split}", 1))
    for article, pmcid in enumerate(rows.pmcids):
        split = SPLITS[assignment.split[article]]
        yield ArticleSplit(pmcid, split, rows.pmcids[assignment.group[article]])
    for pmcid in sorted(job.previous.keys() - set(rows.pmcids)):  # should it come again, it is where it was
        yield ArticleSplit(pmcid, job.previous[pmcid], pmcid)
