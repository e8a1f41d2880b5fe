"""Scenes that come in series: one template, other data; and pictures that are no figures.

What is of the template comes from draws by its number, what is of the data from the draws of the figure.
All are drawn on pure white, or on nothing white at all, so that a rule on white paper has no doubt.
"""

import math
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw

from pmc15m.synth import axes, words
from pmc15m.synth.dice import Dice
from pmc15m.synth.plots import TRENDS, curve, quantity
from pmc15m.synth.pool import Field, Pool, Size, add_grain, crop, font, haze, stretch

_WHITE = (255, 255, 255)


def _template(number: int) -> Dice:
    return Dice(number, 0, "template")


@dataclass(frozen=True, slots=True)
class Curves:
    """Coloured lines over the axes of a template."""

    template: int
    colours: tuple[str, ...]
    x_label: str
    y_label: str

    @property
    def summary(self) -> str:
        """The first sentence of the caption."""
        return (
            f"{quantity(self.y_label).capitalize()} by {quantity(self.x_label)} for {words.list_words([*self.colours])}"
        )

    @property
    def details(self) -> tuple[str, ...]:
        """More sentences, the most telling first."""
        return ("Each line is the mean of one group",)

    def draw(self, size: Size, dice: Dice, _pool: Pool) -> Image.Image:
        """Draw it."""
        layout, (width, height) = _template(self.template), size
        image = Image.new("RGB", size, _WHITE)
        box = (round(width * 0.14), round(height * 0.07), round(width * 0.94), round(height * 0.83))
        plot = axes.Plot(image, ImageDraw.Draw(image), *box, max(11, height // 26), max(1, height // 240))
        axes.draw_axes(plot, layout, self.x_label, self.y_label)
        x = np.linspace(0, 1, 50)
        entries = []
        for colour in self.colours:
            ink = words.shade(layout.rng, colour)
            entries.append((colour, ink))
            y = curve(dice.pick(TRENDS), x, dice) + dice.rng.normal(0, 0.012, x.size)
            points = [plot.at(float(u), float(v)) for u, v in zip(x, y.clip(0.02, 0.98), strict=True)]
            plot.draw.line(points, fill=ink, width=plot.line_px + 2, joint="curve")
        axes.draw_legend(plot, layout, entries)
        return image


@dataclass(frozen=True, slots=True)
class CountChart:
    """A flow of boxes with numbers: nothing but the numbers differs between two of one template."""

    template: int

    @property
    def summary(self) -> str:
        """The first sentence of the caption."""
        return "Flow of participants from first contact to the last visit"

    @property
    def details(self) -> tuple[str, ...]:
        """More sentences, the most telling first."""
        return ("Those who left are counted at the right",)

    def draw(self, size: Size, dice: Dice, _pool: Pool) -> Image.Image:
        """Draw it."""
        layout, (width, height) = _template(self.template), size
        image = Image.new("RGB", size, _WHITE)
        draw = ImageDraw.Draw(image)
        num_boxes, letters = layout.between(3, 5), font(max(11, height // 28))
        steps = layout.sample(("Asked", "Screened", "Enrolled", "Treated", "Followed", "Analysed"), num_boxes)
        pitch, count = height / num_boxes, dice.between(400, 990)
        left, right = round(width * layout.uniform(0.06, 0.14)), round(width * layout.uniform(0.48, 0.56))
        for index, step in enumerate(steps):
            top, bottom = round((index + 0.14) * pitch), round((index + 0.72) * pitch)
            draw.rectangle((left, top, right, bottom), outline=axes.INK, width=2)
            draw.text(((left + right) // 2, (top + bottom) // 2), f"{step} (n = {count})", 0, letters, "mm")
            if index + 1 < num_boxes:
                lost, middle = dice.between(11, 70), (left + right) // 2
                draw.line((middle, bottom, middle, round((index + 1.14) * pitch)), fill=axes.INK, width=2)
                draw.text((right + 14, bottom), f"left: {lost}", 0, letters, "lm")
                count -= lost
        return image


@dataclass(frozen=True, slots=True)
class Slice:
    """One level of a volume: the next one looks almost the same."""

    volume: int
    level: int  # from 0

    @property
    def summary(self) -> str:
        """The first sentence of the caption."""
        return f"Slice {self.level + 1} through the volume"

    @property
    def details(self) -> tuple[str, ...]:
        """More sentences, the most telling first."""
        return ()

    def draw(self, size: Size, dice: Dice, pool: Pool) -> Image.Image:
        """Draw it, in grey."""
        fixed, (width, height), along = _template(self.volume), size, self.level * 0.07
        image = Image.new("L", size, 6)
        rx = width * (fixed.uniform(0.33, 0.37) + 0.03 * along)
        ry = height * (fixed.uniform(0.38, 0.41) + 0.03 * along)
        mask = Image.new("L", size)
        middle = (width / 2, height / 2)
        oval = (middle[0] - rx, middle[1] - ry, middle[0] + rx, middle[1] + ry)
        ImageDraw.Draw(mask).ellipse(oval, fill=255)
        near, far = (crop(pool.clouds[int(i)], fixed.rng, size) for i in fixed.rng.permutation(len(pool.clouds))[:2])
        image.paste(Image.blend(near, far, min(0.9, 0.2 + along)).point(stretch(60, 190)), (0, 0), mask)
        draw = ImageDraw.Draw(image)
        draw.ellipse(oval, outline=225, width=max(3, min(size) // 40))
        start, count = fixed.uniform(0, math.tau), fixed.between(3, 5)
        for index in range(count):
            angle, reach = start + math.tau * index / count + 0.3 * along, fixed.uniform(0.3, 0.45)
            a, b = rx * fixed.uniform(0.1, 0.16) * (1 + along), ry * fixed.uniform(0.1, 0.18) * (1 + along)
            x, y = middle[0] + reach * rx * math.cos(angle), middle[1] + reach * ry * math.sin(angle)
            draw.ellipse((x - a, y - b, x + a, y + b), fill=30)
        return add_grain(image, pool, dice.rng, 0.25)


@dataclass(frozen=True, slots=True)
class Badge:
    """What a publisher sets beside articles: the same everywhere."""

    text: str
    summary: str = "Badge of the journal"
    details: tuple[str, ...] = ()

    def draw(self, size: Size, _dice: Dice, _pool: Pool) -> Image.Image:
        """Draw it."""
        width, height = size
        image = Image.new("RGB", size, (24, 92, 120))
        draw = ImageDraw.Draw(image)
        draw.ellipse((height * 0.1, height * 0.1, height * 0.9, height * 0.9), fill=(240, 200, 60))
        draw.rectangle((height * 0.42, height * 0.3, height * 0.58, height * 0.7), fill=(24, 92, 120))
        draw.text((width * 0.96, height * 0.5), self.text, _WHITE, font(max(11, height // 4)), "rm")
        return image


@dataclass(frozen=True, slots=True)
class Blank:
    """Nothing, or next to nothing: one grey, with the faintest noise."""

    grey: int
    noise: float  # standard deviation
    summary: str = "Empty field of view"
    details: tuple[str, ...] = ("Nothing was seen before the first count",)

    def draw(self, size: Size, dice: Dice, _pool: Pool) -> Image.Image:
        """Draw it, in grey."""
        values: Field = self.grey + dice.rng.normal(0, self.noise, size[::-1])
        return Image.fromarray(values.clip(0, 255).round().astype(np.uint8))


@dataclass(frozen=True, slots=True)
class Ramp:
    """Grey that grows from one side to the other: sound, and with hardly anything for a hash to hold."""

    low: int
    high: int
    is_upright: bool
    summary: str = "Wedge of grey for the scale of the detector"
    details: tuple[str, ...] = ("The steps are even",)

    def draw(self, size: Size, _dice: Dice, _pool: Pool) -> Image.Image:
        """Draw it, in grey."""
        steps = np.linspace(self.low, self.high, size[1 if self.is_upright else 0]).round().astype(np.uint8)
        return Image.fromarray(np.broadcast_to(steps[:, None] if self.is_upright else steps, size[::-1]).copy())


@dataclass(frozen=True, slots=True)
class Strip:
    """A band of texture that can be drawn at any size."""

    summary: str = "Strip along the cut edge"
    details: tuple[str, ...] = ("Dark parts are wet",)

    def draw(self, size: Size, dice: Dice, pool: Pool) -> Image.Image:
        """Draw it, in grey."""
        return haze(pool, dice.rng, size)
