"""What would be dropped as a copy, and whether its leader shows the same figure.

Published are the originals and, of a part of them, the transforms that hashes are meant for; how
many of those come to one original decides the numbers as much as the hashes do, so it is fixed.
"""

from collections import Counter
from dataclasses import dataclass
from types import SimpleNamespace
from typing import cast

import numpy as np
from numpy.typing import NDArray

from pmc15m.config import DuplicatesConfig
from pmc15m.curate.arrays import Candidates
from pmc15m.curate.captions import normalise_caption
from pmc15m.curate.clusters import star_clusters
from pmc15m.curate.copies import find_copies
from pmc15m.curate.near import Edges, find_edges
from pmc15m.synth import words
from pmc15m.synth.dice import Dice
from tests.duplicates.benchmark import Benchmark, Features
from tests.duplicates.families import Original
from tests.duplicates.transforms import TRANSFORMS

COPIES = tuple(name for name in TRANSFORMS if name not in {"rotation", "mirror"})
COPIES_PER_ORIGINAL = 2.3
"""As in the study that the bars come from."""

_SERIES_OF_ONE_ARTICLE = {"slice", "projection", "overlap", "fluorescence", "panels"}


@dataclass(frozen=True, slots=True)
class Published:
    """Images of articles, a row each: first the originals, then transforms of some of them."""

    features: Features
    source: NDArray[np.int64]  # the original that it shows
    family: NDArray[np.str_]
    article: list[str]
    caption: list[str]


@dataclass(frozen=True, slots=True)
class Drops:
    """How many images are dropped, and those whose leader shows another figure, by family."""

    num_dropped: int
    wrong: Counter[str]
    wrong_within: Counter[str]  # of those the ones whose leader is in the same article

    @property
    def num_right(self) -> int:
        """How many are dropped for what is the same figure."""
        return self.num_dropped - self.wrong.total()

    @property
    def right_fraction(self) -> float:
        """Share of dropped images whose leader shows the same figure."""
        return self.num_right / self.num_dropped


def publish(bench: Benchmark) -> Published:
    """Give every image an article and a caption."""
    wanted = COPIES_PER_ORIGINAL * len(bench.originals) / len(COPIES)
    ranks = np.arange(0, len(bench.chosen), max(1, round(len(bench.chosen) / wanted)))
    parts = [bench.features, *(bench.transformed[name].take(ranks) for name in COPIES)]
    source = np.concatenate([np.arange(len(bench.originals)), *(bench.chosen[ranks] for _ in COPIES)])
    articles = [_article_of(original) for original in bench.originals]
    captions = [_caption_of(original, index) for index, original in enumerate(bench.originals)]
    for number, index in enumerate(source[len(bench.originals) :].tolist()):
        dice = Dice(bench.originals[0].seed, number, "copy")
        is_of_same = dice.chance(0.5)
        articles.append(articles[index] if is_of_same else f"reprint {number}")
        captions.append(_reworded(captions[index], dice, is_close=is_of_same))
    return Published(_stack(parts), source, bench.families[source], articles, captions)


def find_drops(published: Published, max_distance: int, *, is_gated: bool) -> Drops:
    """Cluster, and compare what is dropped with its leader."""
    features, num_rows = published.features, len(published.source)
    edges = find_edges(features.hashes, features.usable, max_distance)
    rank = np.argsort(np.argsort(-features.num_pixels, kind="stable"), kind="stable")
    if is_gated:
        leader = _follow_captions(published, edges, rank)
    else:
        leader = star_clusters(num_rows, edges.left, edges.right, rank)
    dropped = np.flatnonzero(leader != np.arange(num_rows))
    wrong = dropped[published.source[leader[dropped]] != published.source[dropped]]
    within = [row for row in wrong.tolist() if published.article[row] == published.article[leader[row]]]
    family = published.family
    return Drops(len(dropped), Counter(family[wrong].tolist()), Counter(family[within].tolist() if within else ()))


def _follow_captions(published: Published, edges: Edges, rank: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the leader of each row by hash and caption, as the release has it."""
    _, article_of = np.unique(np.array(published.article), return_inverse=True)
    _, caption = np.unique([normalise_caption(text) for text in published.caption], return_inverse=True)
    rows = np.arange(len(rank))
    white_cells = published.features.white_cells_fraction
    read = SimpleNamespace(article_of=article_of, fig=rows, caption=caption, white_cells=white_cells)
    candidates = cast(Candidates, read)  # no more of them is read
    work = np.arange(len(rank))
    return find_copies(candidates, rows, edges, rank, work, published.caption.__getitem__, DuplicatesConfig()).leader


def _article_of(original: Original) -> str:
    """Return the article: slices of one head are in one, curves in the style of a journal in many."""
    family, series = original.family.name, f"{original.family.name} {original.series}"
    is_together = family in _SERIES_OF_ONE_ARTICLE or original.series % 2 == 0
    return series if is_together else f"{series} {original.member}"


def _caption_of(original: Original, index: int) -> str:
    """Return a caption of its own, with a last sentence that figures of one article share."""
    dice = Dice(original.seed, index, "caption")
    first = f"{original.family.phrase} {dice.pick(words.MEASURES)} of {dice.pick(words.HOSTS)}"
    first += f" after {dice.pick(words.TREATMENTS)} at {dice.pick(words.PLACES)}."
    second = f"{dice.pick(words.TISSUES).capitalize()} of {dice.between(3, 400)} {dice.pick(words.HOSTS)}"
    second += f" was kept for {dice.between(2, 90)} days with {dice.pick(words.TREATMENTS)}."
    shared = Dice(original.seed, 0, _article_of(original))
    last = f"Error bars show {shared.pick(('one standard deviation', 'the standard error', 'the range'))}"
    return f"Figure {original.member + 1}. {first} {second} {last} of {shared.between(3, 60)} runs."


def _reworded(caption: str, dice: Dice, *, is_close: bool) -> str:
    """Return the caption as the same article repeats it, or as another one tells it."""
    _, first, second, last = (f"{part}." for part in caption.removesuffix(".").split(". "))
    if is_close:
        return (
            f"Graphical abstract. {first} {second} {last}" if dice.chance(0.5) else f"FIG. 9. {first} {second} {last}"
        )
    if dice.chance(0.5):
        return f"Figure 2. {first} Redrawn from earlier work on {dice.pick(words.TISSUES)}."
    return f"Figure 3. As others saw: {first[0].lower()}{first[1:]} {second}"


def _stack(parts: list[Features]) -> Features:
    first, second = (np.concatenate([part.hashes[kind] for part in parts]) for kind in (0, 1))
    is_first, is_second = (np.concatenate([part.usable[kind] for part in parts]) for kind in (0, 1))
    num_pixels = np.concatenate([part.num_pixels for part in parts])
    white_cells = np.concatenate([part.white_cells_fraction for part in parts])
    return Features((first, second), (is_first, is_second), num_pixels, white_cells)
