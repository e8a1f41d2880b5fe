"""Line charts, bar charts and scatter plots: what they say, and how they are drawn."""

import math
from dataclasses import dataclass

import numpy as np
from PIL import Image

from pmc15m.synth import axes, words
from pmc15m.synth.dice import Dice
from pmc15m.synth.pool import Field, Pool, Size

TRENDS = ("rises", "falls", "rises and then falls", "falls and then rises", "stays flat", "swings up and down")
MARKERS = ("circles", "squares", "triangles", "crosses")


def quantity(label: str) -> str:
    """Return an axis label without its unit: "Time (h)" is "time"."""
    return label.partition(" (")[0].lower()


def curve(trend: str, x: Field, dice: Dice) -> Field:
    """Return a curve of that trend with values from 0 to 1."""
    low, high = dice.uniform(0.08, 0.3), dice.uniform(0.65, 0.93)
    bend, peak = dice.uniform(0.6, 1.8), dice.uniform(0.35, 0.65)
    hill = np.where(x < peak, x / peak, (1 - x) / (1 - peak))
    shapes = {
        "rises": x**bend,
        "falls": 1 - x**bend,
        "rises and then falls": np.sin(hill * math.pi / 2),
        "falls and then rises": 1 - np.sin(hill * math.pi / 2),
        "stays flat": np.full_like(x, dice.uniform(0.1, 0.9)) + 0.03 * np.sin(9 * x),
        "swings up and down": 0.5 + 0.45 * np.sin(x * dice.uniform(11, 24) + dice.uniform(0, 6)),
    }
    return low + (high - low) * shapes[trend]


@dataclass(frozen=True, slots=True)
class LineChart:
    """Some coloured lines over a common axis."""

    series: tuple[tuple[str, str], ...]  # (colour, trend)
    marker: str  # "" for none
    x_label: str
    y_label: str
    title: str

    @property
    def summary(self) -> str:
        """The first sentence of the caption."""
        lines = "one line" if len(self.series) == 1 else f"{words.count_word(len(self.series))} lines"
        return f"Line chart of {quantity(self.y_label)} against {quantity(self.x_label)} with {lines}"

    @property
    def details(self) -> tuple[str, ...]:
        """More sentences, the most telling first."""
        trends = words.list_words([f"the {colour} line {trend}" for colour, trend in self.series])
        marks = (f"{self.marker.capitalize()} mark the measured values",) if self.marker else ()
        return (trends[0].upper() + trends[1:], *marks)

    def draw(self, size: Size, dice: Dice, _pool: Pool) -> Image.Image:
        """Draw it."""
        plot = axes.open_plot(size, dice, self.title)
        axes.draw_axes(plot, dice, self.x_label, self.y_label)
        num_points = dice.between(5, 14)
        x = np.linspace(0, 1, num_points if self.marker else 60)
        entries = []
        for colour, trend in self.series:
            ink = words.shade(dice.rng, colour)
            y = curve(trend, x, dice) + dice.rng.normal(0, 0.012, x.size)
            points = [plot.at(float(u), float(v)) for u, v in zip(x, y.clip(0.02, 0.98), strict=True)]
            plot.draw.line(points, fill=ink, width=plot.line_px + 1, joint="curve")
            if self.marker:
                for point in points:
                    axes.draw_marker(plot, self.marker, point, plot.line_px * 2.5, ink)
            entries.append((colour, ink))
        if len(entries) > 1:
            axes.draw_legend(plot, dice, entries)
        return plot.image


@dataclass(frozen=True, slots=True)
class BarChart:
    """Bars in one colour, one of them the highest."""

    num_groups: int
    colour: str
    highest: int  # from 1
    has_whiskers: bool
    y_label: str
    title: str

    @property
    def summary(self) -> str:
        """The first sentence of the caption."""
        return f"Bar chart of {quantity(self.y_label)} in {words.count_word(self.num_groups)} groups in {self.colour}"

    @property
    def details(self) -> tuple[str, ...]:
        """More sentences, the most telling first."""
        whiskers = ("Whiskers show one standard deviation",) if self.has_whiskers else ()
        return (f"The {words.ORDINALS[self.highest]} bar is the highest", *whiskers)

    def draw(self, size: Size, dice: Dice, _pool: Pool) -> Image.Image:
        """Draw it."""
        plot = axes.open_plot(size, dice, self.title)
        names = tuple(dice.sample(words.GROUPS, self.num_groups))
        heights = dice.rng.uniform(0.18, 0.68, self.num_groups)
        heights[self.highest - 1] = dice.uniform(0.8, 0.9)
        fill, gap = words.shade(dice.rng, self.colour), dice.uniform(0.1, 0.3) / self.num_groups
        for index, height in enumerate(heights):
            x0, y0 = plot.at(index / self.num_groups + gap, 0)
            x1, y1 = plot.at((index + 1) / self.num_groups - gap, float(height))
            plot.draw.rectangle((x0, y1, x1, y0), fill=fill, outline=axes.INK if gap > 0.03 else None)
            if self.has_whiskers:
                reach = dice.uniform(0.02, 0.07) * (plot.bottom - plot.top)
                middle, cap = (x0 + x1) / 2, (x1 - x0) / 5
                for line in (
                    (middle, y1 - reach, middle, y1 + reach),
                    (middle - cap, y1 - reach, middle + cap, y1 - reach),
                ):
                    plot.draw.line(line, fill=axes.INK, width=plot.line_px)
        axes.draw_axes(plot, dice, "", self.y_label, names)
        return plot.image


@dataclass(frozen=True, slots=True)
class ScatterPlot:
    """Points, with or without a trend, and perhaps a fitted line."""

    num_points: int
    colour: str
    marker: str
    trend: str  # "rising", "falling" or "no"
    line_colour: str  # "" for no line
    x_label: str
    y_label: str
    title: str

    @property
    def summary(self) -> str:
        """The first sentence of the caption."""
        return (
            f"Scatter plot of {self.num_points} {self.colour} {self.marker}, "
            f"{quantity(self.y_label)} against {quantity(self.x_label)}"
        )

    @property
    def details(self) -> tuple[str, ...]:
        """More sentences, the most telling first."""
        line = (f"The {self.line_colour} line is the fit",) if self.line_colour else ()
        return (
            f"The points show {words.article_of(self.trend) + ' ' if self.trend != 'no' else ''}{self.trend} trend",
            *line,
        )

    def draw(self, size: Size, dice: Dice, _pool: Pool) -> Image.Image:
        """Draw it."""
        plot = axes.open_plot(size, dice, self.title)
        axes.draw_axes(plot, dice, self.x_label, self.y_label)
        slope = {"rising": 1.0, "falling": -1.0, "no": 0.0}[self.trend] * dice.uniform(0.5, 0.75)
        x = dice.rng.uniform(0.04, 0.96, self.num_points)
        noise = dice.rng.normal(0, 0.07 if slope else 0.2, self.num_points)
        y = (0.5 + slope * (x - 0.5) + noise).clip(0.03, 0.97)
        ink, radius = words.shade(dice.rng, self.colour), (plot.line_px + 0.6) * dice.uniform(1.8, 2.8)
        for u, v in zip(x, y, strict=True):
            axes.draw_marker(plot, self.marker, plot.at(float(u), float(v)), radius, ink)
        if self.line_colour:
            ends = (*plot.at(0.03, 0.5 - 0.47 * slope), *plot.at(0.97, 0.5 + 0.47 * slope))
            plot.draw.line(ends, fill=words.shade(dice.rng, self.line_colour), width=plot.line_px + 1)
        return plot.image


def make_line_chart(dice: Dice) -> LineChart:
    """Return a line chart."""
    colours = dice.sample(words.BRIGHT_NAMES, dice.between(1, 4))
    x_label, y_label = axes.axis_names(dice)
    marker = dice.pick(MARKERS) if dice.chance(0.5) else ""
    series = tuple((colour, dice.pick(TRENDS)) for colour in colours)
    return LineChart(series, marker, x_label, y_label, axes.plot_title(dice))


def make_bar_chart(dice: Dice) -> BarChart:
    """Return a bar chart."""
    num_groups = dice.between(3, 9)
    highest, colour = dice.between(1, num_groups), dice.pick(words.COLOUR_NAMES)
    return BarChart(num_groups, colour, highest, dice.chance(0.5), dice.pick(words.Y_AXES), axes.plot_title(dice))


def make_scatter_plot(dice: Dice) -> ScatterPlot:
    """Return a scatter plot."""
    colour, line = dice.sample(words.BRIGHT_NAMES, 2)
    x_label, y_label = axes.axis_names(dice)
    trend = dice.pick(("rising", "falling", "no"))
    line_colour = line if trend != "no" and dice.chance(0.6) else ""
    count, marker = dice.between(20, 160), dice.pick(MARKERS)
    return ScatterPlot(count, colour, marker, trend, line_colour, x_label, y_label, axes.plot_title(dice))
