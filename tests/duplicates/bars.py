"""The bars, each a number of the benchmark and what it must be."""

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from tests.duplicates.benchmark import DROP, SPLIT, Benchmark, match_originals, match_sharing, mean_recall, recall
from tests.duplicates.families import CLEAR_FAMILIES, HARD_FAMILIES
from tests.duplicates.stars import find_drops, publish
from tests.duplicates.transforms import CORE

STRICT = 8
_SENSES: Mapping[str, Callable[[float, float], bool]] = {">=": operator.ge, "<=": operator.le}


@dataclass(frozen=True, slots=True)
class Bar:
    """A number, and what it must be."""

    name: str
    measure: Callable[[Benchmark], float]
    sense: str
    limit: float

    def is_met(self, value: float) -> bool:
        """Return whether a value is good enough."""
        return _SENSES[self.sense](value, self.limit)


def _found(transform: str, max_distance: int, sense: str, limit: float) -> Bar:
    name = f"{transform} found, U <= {max_distance}"
    return Bar(name, lambda bench: recall(bench, transform, max_distance), sense, limit)


def _core(max_distance: int, limit: float) -> Bar:
    return Bar(f"core found, U <= {max_distance}", lambda bench: mean_recall(bench, CORE, max_distance), ">=", limit)


def _matched(family: str) -> Bar:
    return Bar(f"{family} matched, U <= {DROP}", lambda bench: match_originals(bench, DROP).rate([family]), "<=", 0)


def _all_matched(bench: Benchmark) -> float:
    return match_originals(bench, DROP).rate(set(bench.families.tolist()) - HARD_FAMILIES)


def _right(max_distance: int, limit: float) -> Bar:
    name = f"right of what is dropped by hash, U <= {max_distance}"
    return Bar(
        name,
        lambda bench: find_drops(publish(bench), max_distance, is_gated=False).right_fraction,
        *(">=", limit),
    )


def _right_by_caption(bench: Benchmark) -> float:
    return find_drops(publish(bench), DROP, is_gated=True).right_fraction


def _kept_by_caption(bench: Benchmark) -> float:
    published = publish(bench)
    gated, free = (find_drops(published, DROP, is_gated=is_gated) for is_gated in (True, False))
    return gated.num_right / free.num_right


def _hard_within(bench: Benchmark) -> float:
    wrong = find_drops(publish(bench), DROP, is_gated=True).wrong_within
    return sum(wrong[family] for family in HARD_FAMILIES)


BARS = (
    _core(DROP, 0.90),
    _core(SPLIT, 0.95),
    *(_found(name, 16, ">=", 0.95) for name in ("JPEG 50", "x 0.5", "x 2", "thumbnail 256")),
    Bar(f"look-alikes but the hard matched, U <= {DROP}", _all_matched, "<=", 0.0015),
    *(_matched(family) for family in sorted(CLEAR_FAMILIES)),
    Bar(
        f"pairs of different families matched, U <= {SPLIT}",
        lambda bench: len(match_originals(bench, SPLIT).matches_different),
        *("<=", 0),
    ),
    Bar("pairs of different families", lambda bench: match_originals(bench, SPLIT).num_different, ">=", 1_000_000),
    _right(STRICT, 0.95),
    _right(DROP, 0.90),
    Bar(f"right of what is dropped by hash and caption, U <= {DROP}", _right_by_caption, ">=", 0.99),
    Bar("copies that the caption lets drop", _kept_by_caption, ">=", 0.90),
    Bar("slices, projections, charts dropped in one article", _hard_within, "<=", 0),
)
"""What must be reached."""

GAPS = (
    _found("crop 3 %", 16, ">=", 0.15),
    _found("crop 3 %", 16, "<=", 0.65),
    *(_found(name, SPLIT, "<=", 0.05) for name in ("strip", "rotation", "mirror")),
    Bar(f"figures with half their panels in common matched, U <= {SPLIT}", match_sharing, "<=", 0.25),
)
"""What is documented not to be found: whoever closes a gap changes the documents with it."""
