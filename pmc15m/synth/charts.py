"""Histograms, heat maps and pie charts: what they say, and how they are drawn."""

import math
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw

from pmc15m.synth import axes, words
from pmc15m.synth.dice import Dice
from pmc15m.synth.plots import quantity
from pmc15m.synth.pool import Pool, Size, tint

HISTOGRAM_SHAPES = ("one peak in the middle", "one peak at the left", "one peak at the right", "two peaks")
CORNERS = ("upper left", "upper right", "lower left", "lower right")
HEAT_COLOURS = ("blue", "red", "green", "purple", "orange", "teal")


@dataclass(frozen=True, slots=True)
class Histogram:
    """Narrow bars of a distribution."""

    shape: str
    colour: str
    num_bins: int
    x_label: str
    title: str

    @property
    def summary(self) -> str:
        """The first sentence of the caption."""
        return f"Histogram of {quantity(self.x_label)} in {self.colour} with {self.shape}"

    @property
    def details(self) -> tuple[str, ...]:
        """More sentences, the most telling first."""
        return (f"The range is cut into {self.num_bins} bins",)

    def draw(self, size: Size, dice: Dice, _pool: Pool) -> Image.Image:
        """Draw it."""
        plot = axes.open_plot(size, dice, self.title)
        centres = {"one peak in the middle": (0.5,), "one peak at the left": (0.18,), "one peak at the right": (0.82,)}
        x = (np.arange(self.num_bins) + 0.5) / self.num_bins
        height = np.full(self.num_bins, 0.03)
        for centre in centres.get(self.shape, (0.27, 0.74)):
            width, top = dice.uniform(0.07, 0.15), dice.uniform(0.6, 0.85)
            height += top * np.exp(-(((x - centre - dice.uniform(-0.05, 0.05)) / width) ** 2))
        height = (height * dice.rng.uniform(0.8, 1.1, self.num_bins)).clip(0.01, 0.97)
        fill = words.shade(dice.rng, self.colour)
        for index, value in enumerate(height):
            x0, y0 = plot.at(index / self.num_bins, 0)
            x1, y1 = plot.at((index + 1) / self.num_bins, float(value))
            plot.draw.rectangle((x0, y1, x1, y0), fill=fill, outline=(255, 255, 255))
        axes.draw_axes(plot, dice, self.x_label, "Count")
        return plot.image


@dataclass(frozen=True, slots=True)
class HeatMap:
    """A grid of coloured cells, strongest in one corner."""

    num_rows: int
    num_columns: int
    colour: str
    corner: str

    @property
    def summary(self) -> str:
        """The first sentence of the caption."""
        return f"Heat map of {self.num_rows} rows and {self.num_columns} columns in {self.colour}"

    @property
    def details(self) -> tuple[str, ...]:
        """More sentences, the most telling first."""
        return (f"Values are highest in the {self.corner} corner", "The bar at the right gives the scale")

    def draw(self, size: Size, dice: Dice, _pool: Pool) -> Image.Image:
        """Draw it."""
        image = axes.blank(size, dice)
        width, height = size
        x = np.linspace(0, 1, self.num_columns)[None, :]
        y = np.linspace(0, 1, self.num_rows)[:, None]
        far = np.hypot(x - ("right" in self.corner), y - ("lower" in self.corner)) / math.sqrt(2)
        values = (1 - far) ** dice.uniform(0.9, 1.9) + dice.rng.normal(0, 0.12, far.shape)
        grid = Image.fromarray((values.clip(0, 1) * 255).astype(np.uint8))
        left, top = round(width * dice.uniform(0.06, 0.14)), round(height * dice.uniform(0.05, 0.12))
        right, bottom = round(width * dice.uniform(0.8, 0.86)), round(height * dice.uniform(0.86, 0.95))
        light, dark = (248, 248, 240), words.shade(dice.rng, self.colour)
        image.paste(tint(grid.resize((right - left, bottom - top), Image.Resampling.NEAREST), light, dark), (left, top))
        scale = Image.linear_gradient("L").transpose(Image.Transpose.FLIP_TOP_BOTTOM)
        bar = scale.resize((max(6, width // 30), (bottom - top) // 2))
        image.paste(tint(bar, light, dark), (round(width * 0.9), top))
        ImageDraw.Draw(image).rectangle((left - 1, top - 1, right, bottom), outline=axes.INK)
        return image


@dataclass(frozen=True, slots=True)
class PieChart:
    """Coloured sectors, one of them the largest."""

    colours: tuple[str, ...]  # the first has the largest sector

    @property
    def summary(self) -> str:
        """The first sentence of the caption."""
        return f"Pie chart with {words.count_word(len(self.colours))} sectors"

    @property
    def details(self) -> tuple[str, ...]:
        """More sentences, the most telling first."""
        return (f"The largest sector is {self.colours[0]}; the others are {words.list_words(list(self.colours[1:]))}",)

    def draw(self, size: Size, dice: Dice, _pool: Pool) -> Image.Image:
        """Draw it."""
        image = axes.blank(size, dice)
        draw, (width, height) = ImageDraw.Draw(image), size
        radius = min(width, height) * dice.uniform(0.34, 0.44)
        x, y = width * dice.uniform(0.42, 0.58), height * dice.uniform(0.47, 0.53)
        others = dice.rng.dirichlet(np.full(len(self.colours) - 1, 6.0))
        largest = dice.uniform(0.42, 0.62)
        angle = dice.uniform(0, 360)
        for colour, share in zip(self.colours, (largest, *(others * (1 - largest))), strict=True):
            box, ink = (x - radius, y - radius, x + radius, y + radius), words.shade(dice.rng, colour)
            draw.pieslice(box, angle, angle + 360 * share, fill=ink, outline=(255, 255, 255), width=2)
            angle += 360 * share
        return image


def make_histogram(dice: Dice) -> Histogram:
    """Return a histogram."""
    shape, colour = dice.pick(HISTOGRAM_SHAPES), dice.pick(words.COLOUR_NAMES)
    return Histogram(shape, colour, dice.between(12, 34), dice.pick(words.X_AXES), axes.plot_title(dice))


def make_heat_map(dice: Dice) -> HeatMap:
    """Return a heat map."""
    return HeatMap(dice.between(5, 16), dice.between(5, 20), dice.pick(HEAT_COLOURS), dice.pick(CORNERS))


def make_pie_chart(dice: Dice) -> PieChart:
    """Return a pie chart."""
    return PieChart(tuple(dice.sample(words.COLOUR_NAMES, dice.between(3, 6))))
