"""What a figure is drawn from: a series gives its look, its number in the series gives its data."""

from dataclasses import dataclass

import numpy as np
from PIL import Image

from pmc15m.synth import axes, words
from pmc15m.synth.dice import Dice
from pmc15m.synth.pool import Field, Pool, Rgb, Size, add_grain, build_pool

POOL_SEED = 1


@dataclass(frozen=True, slots=True)
class Scene:
    """One figure to draw. Draws of `look` are the same for a whole series, those of `data` are its own."""

    size: Size
    look: Dice
    data: Dice
    subject: Dice  # as `look`, for drawings that take from both by turns
    member: int  # number in the series
    num_members: int
    seed: int
    series: int

    def open_plot(self, *, title: str = "", x: str = "", y: str = "", names: tuple[str, ...] = ()) -> axes.Plot:
        """Return axes with ticks and words, the same for the whole series."""
        plot = axes.open_plot(self.size, self.look, title or axes.plot_title(self.look))
        x_label, y_label = axes.axis_names(self.look)
        axes.draw_axes(plot, self.look, x or ("" if names else x_label), y or y_label, names)
        return plot

    def inks(self, count: int) -> list[Rgb]:
        """Return colours that differ, the same for the whole series."""
        return [words.shade(self.look.rng, name) for name in self.look.sample(words.BRIGHT_NAMES, count)]


def make_scene(seed: int, family: str, series: int, member: int, num_members: int) -> Scene:
    """Return the scene of a figure: a function of its arguments alone."""
    look = Dice(seed, series, f"{family} look")
    width = look.between(400, 560)
    size = (width, round(width * look.uniform(0.68, 0.92)))
    data = Dice(seed, series * 10_000 + member, f"{family} data")
    return Scene(size, look, data, Dice(seed, series, f"{family} subject"), member, num_members, seed, series)


def pool() -> Pool:
    """Return the textures that figures are cut from."""
    return build_pool(POOL_SEED)


def cloud(dice: Dice, size: Size, low: float, high: float, cells: int = 5) -> Image.Image:
    """Return smooth grey noise that no other figure has."""
    total = np.zeros((cells * 8, cells * 8), np.float32)
    for octave, weight in enumerate((1.0, 0.5, 0.25)):
        side = cells * 2**octave
        noise = Image.fromarray(dice.rng.random((side, side), dtype=np.float32))
        total += weight * np.asarray(noise.resize(total.shape, Image.Resampling.BICUBIC))
    total = (total - total.min()) / (total.max() - total.min())
    grey = Image.fromarray((low + (high - low) * total).clip(0, 255).astype(np.uint8))
    return grey.resize(size, Image.Resampling.BICUBIC)


def grained(image: Image.Image, dice: Dice, strength: float) -> Image.Image:
    """Return a grey image with speckle of a strength from 0 to 1."""
    return add_grain(image, pool(), dice.rng, strength)


def colour_map(values: Field, stops: tuple[Rgb, ...]) -> Image.Image:
    """Return values from 0 to 1 in colours between the stops."""
    steps = np.linspace(0, len(stops) - 1, 256)
    table = np.stack([np.interp(steps, range(len(stops)), [stop[i] for stop in stops]) for i in range(3)], axis=1)
    indexed = (values.clip(0, 1) * 255).astype(np.uint8)
    return Image.fromarray(table.round().astype(np.uint8)[indexed])
