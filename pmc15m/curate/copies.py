"""Which pairs are copies of others: of the same picture, or of one that hardly differs.

Equal pixels are one picture. Near pictures are copies only where their captions say so too: slices,
projections, flow charts and spectra of one template differ in few bits of any hash (study of
duplicates, §2 and §4). A copy is dropped for a leader that it is near itself, never for a chain.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from pmc15m.config import DuplicatesConfig
from pmc15m.curate.arrays import Bools, Candidates, Ints
from pmc15m.curate.bands import is_first
from pmc15m.curate.captions import caption_similarity
from pmc15m.curate.clusters import star_clusters
from pmc15m.curate.near import Edges

CaptionOf = Callable[[int], str]
"""Returns the caption of a row."""


@dataclass(frozen=True, slots=True)
class Copies:
    """What each row is a copy of."""

    leader: Ints  # [N], the row that stays in the end


def first_of(pixels: Ints, rank: Ints, is_in: Bools) -> Ints:
    """Return for each row the one of lowest rank that has its pixels, `[N]`; itself for a row that is out."""
    first = np.arange(len(pixels))
    rows = np.flatnonzero(is_in)
    rows = rows[np.lexsort((rank[rows], pixels[rows]))]
    is_new = is_first(pixels[rows])
    first[rows] = rows[is_new][np.cumsum(is_new) - 1]
    return first


def find_copies(
    rows: Candidates,
    first: Ints,
    edges: Edges,
    rank: Ints,
    work: Ints,
    caption_of: CaptionOf,
    config: DuplicatesConfig,
) -> Copies:
    """Return what each row is a copy of.

    Args:
        rows: the candidates.
        first: of equal pixels the row that stays, `[N]`.
        edges: between those rows, the near ones.
        rank: of copies the lowest stays, `[N]`.
        work: `[A]`, the same number for articles that are one work.
        caption_of: reads the caption of a row.
        config: distances and similarities.
    """
    close = edges.distance.astype(np.int64) <= config.drop_distance
    left, right = edges.left[close], edges.right[close]
    is_copy = np.fromiter(
        (
            _is_copy(rows, one, other, work, caption_of, config)
            for one, other in zip(left.tolist(), right.tolist(), strict=True)
        ),
        np.bool_,
        len(left),
    )
    leader = star_clusters(len(first), left[is_copy], right[is_copy], rank)
    return Copies(leader[first])


def _is_copy(
    rows: Candidates, one: int, other: int, work: Ints, caption_of: CaptionOf, config: DuplicatesConfig
) -> bool:
    article, its = rows.article_of[one], rows.article_of[other]
    if rows.fig[one] == rows.fig[other]:  # the graphics of a fig share its caption, and are not the same
        return False
    if rows.caption[one] == rows.caption[other]:
        return True
    if article == its:
        return caption_similarity(caption_of(one), caption_of(other)) >= config.min_similarity_within
    if work[article] == work[its]:
        return True
    if max(rows.white_cells[one], rows.white_cells[other]) <= config.max_dense_white_fraction:
        return True
    return caption_similarity(caption_of(one), caption_of(other)) >= config.min_similarity_across
