"""The geometry of charts: columns in percent of the width, so that they fit a phone, and a scale of round numbers."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

from pmc15m.release.pages.histograms import Bin

PLOT_HEIGHT_PX = 180
YEAR = ""
"""Years are numbers without a unit and without commas."""

_GAP = 0.16  # of a column, left and right together
_MAX_LABELS = 12
_UNITS = ((10**9, "G"), (10**6, "M"), (10**3, "k"))


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a chart, and the mark below it."""

    x: str  # per cent of the width, as SVG has it
    width: str
    y_px: int
    height_px: int
    mark: str  # text below; empty: none
    mark_x: str
    is_minor: bool  # the mark goes where the screen is narrow
    text: str  # "256 to 383: 1,234 (5.6%)"


@dataclass(frozen=True, slots=True)
class Chart:
    """A column chart: three lines of a scale, and columns."""

    columns: tuple[Column, ...]
    scale: tuple[str, str, str]  # top, middle, bottom
    unit: str


def column_chart(bins: Sequence[Bin], unit: str, is_of_edges: bool = True) -> Chart:
    """Return the chart of some bins.

    Args:
        bins: in order, without gaps.
        unit: of the values: "px", or YEAR.
        is_of_edges: marks stand where a column begins; else below its middle, and name all that it has.
    """
    top = round_up(max((one.count for one in bins), default=1))
    total = sum(one.count for one in bins) or 1
    every = -(-len(bins) // _MAX_LABELS)
    columns = []
    for index, one in enumerate(bins):
        left, wide = 100 * index / len(bins), 100 / len(bins)
        height_px = round(PLOT_HEIGHT_PX * one.count / top)
        height_px = max(height_px, 1) if one.count else 0
        columns.append(
            Column(
                x=percent(left + wide * _GAP / 2),
                width=percent(wide * (1 - _GAP)),
                y_px=PLOT_HEIGHT_PX - height_px,
                height_px=height_px,
                mark="" if index % every else _mark(one, unit, is_of_edges),
                mark_x=percent(left if is_of_edges else left + wide / 2),
                is_minor=bool(index // every % 2),
                text=f"{range_text(one, unit)}: {one.count:,} ({share(one.count, total)})",
            )
        )
    return Chart(tuple(columns), (short(top), short(top / 2), "0"), unit)


def _mark(one: Bin, unit: str, is_of_edges: bool) -> str:
    if is_of_edges:
        return short(one.low)
    if unit == YEAR:
        return str(one.low)
    if one.stop is None:
        return f"{one.low}+"
    return str(one.low) if one.stop - one.low == 1 else f"{one.low}–{one.stop - 1}"  # noqa: RUF001  a range


def range_text(one: Bin, unit: str) -> str:
    """Return the values of a bin in words: "256 to 383 px", "2019", "4,096 px and more"."""
    number = str if unit == YEAR else "{:,}".format
    tail = f" {unit}" if unit else ""
    if one.stop is None:
        return f"{number(one.low)}{tail} and more"
    if one.stop - one.low == 1:
        return f"{number(one.low)}{tail}"
    return f"{number(one.low)} to {number(one.stop - 1)}{tail}"


def round_up(value: int) -> int:
    """Return the next number of one digit and zeros that has a half: 2, 4, 6, 8, 10, 20, 30, 40, 50, 60, 80, 100 ..."""
    tops = (digit * int(10**power) for power in itertools.count() for digit in (1, 2, 3, 4, 5, 6, 8))
    return next(top for top in tops if top >= max(2, value) and top % 2 == 0)


def percent(value: float) -> str:
    """Return a length of SVG in per cent."""
    return f"{value:.2f}%"


def share(count: int, total: int) -> str:
    """Return a share in words: "12.3%", and "<0.1%" of what is there but rounds to nothing."""
    if not total:
        return "–"  # noqa: RUF001  a dash stands where there is no number
    if count and count * 1000 < total:
        return "<0.1%"
    return f"{100 * count / total:.1f}%"


def short(value: float) -> str:
    """Return a number in at most five characters: "950", "1.5k", "12M"."""
    for size, unit in _UNITS:
        if value >= size:
            scaled = value / size
            return f"{scaled:.0f}{unit}" if scaled >= 100 or scaled == int(scaled) else f"{scaled:.1f}{unit}"
    return f"{value:.0f}" if value == int(value) else f"{value:.1f}"
