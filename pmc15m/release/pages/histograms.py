"""Counts of whole numbers: their bins, and their quantiles, exact because every value is counted."""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

SIDE_EDGES_PX = (1, 64, 96, 128, 192, 256, 384, 512, 768, 1_024, 1_536, 2_048, 3_072, 4_096, 6_144, 8_192)
CAPTION_EDGES_CHARS = (1, 20, 30, 50, 70, 100, 150, 200, 300, 500, 700, 1_000, 1_500, 2_000, 3_000, 5_000, 10_000)
FILE_EDGES_KB = (0, 2, 5, 10, 15, 20, 30, 40, 60, 80, 120, 160, 240, 320, 640)
_MAX_YEAR_BINS = 40
PANEL_EDGES = (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 15, 20)


@dataclass(frozen=True, slots=True)
class Bin:
    """How many values lie from `low` up to, not including, `stop`."""

    low: int
    stop: int | None  # None: no end
    count: int


def bin_counts(counts: Mapping[int, int], edges: Sequence[int]) -> list[Bin]:
    """Return the bins from the first to the last that is not empty.

    Args:
        counts: how often each value is there.
        edges: rising; the first bin takes what is below it too, the last what is above.
    """
    totals = [0] * len(edges)
    for value, count in counts.items():
        totals[max(0, sum(edge <= value for edge in edges) - 1)] += count
    filled = [index for index, total in enumerate(totals) if total]
    stops = [*edges[1:], None]
    return [Bin(edges[i], stops[i], totals[i]) for i in range(filled[0], filled[-1] + 1)] if filled else []


def year_bins(counts: Mapping[int, int]) -> list[Bin]:
    """Return a bin a year from the first to the last, or several years where there are too many."""
    if not counts:
        return []
    first, last = min(counts), max(counts)
    steps = (digit * 10**power for power in itertools.count() for digit in (1, 2, 5))
    step = next(step for step in steps if last // step - first // step < _MAX_YEAR_BINS)
    starts = range(first - first % step, last + 1, step)
    return [
        Bin(low, low + step, sum(count for year, count in counts.items() if low <= year < low + step)) for low in starts
    ]


def quantile(counts: Mapping[int, int], fraction: float) -> int | None:
    """Return the smallest value that at least a fraction of the values do not exceed; None of nothing."""
    left = fraction * sum(counts.values())
    found: int | None = None
    for value in sorted(counts):
        found = value
        left -= counts[value]
        if left <= 0:
            break
    return found
