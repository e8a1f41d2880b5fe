"""Axes, ticks and words of a plot, drawn with Pillow's own font."""

from dataclasses import dataclass

from PIL import Image, ImageDraw

from pmc15m.synth import words
from pmc15m.synth.dice import Dice
from pmc15m.synth.pool import Rgb, Size, font

INK = (20, 20, 20)
_PAPERS: tuple[tuple[Rgb, float], ...] = (
    ((255, 255, 255), 8.0),
    ((250, 250, 246), 1.0),
    ((238, 240, 244), 1.0),
    ((255, 252, 238), 0.6),
)


@dataclass(slots=True)
class Plot:
    """A canvas with a frame; data go from 0 to 1 on both axes."""

    image: Image.Image
    draw: ImageDraw.ImageDraw
    left: int
    top: int
    right: int
    bottom: int
    text_px: int
    line_px: int

    def at(self, x: float, y: float) -> tuple[float, float]:
        """Return the pixel of a point."""
        return self.left + x * (self.right - self.left), self.bottom - y * (self.bottom - self.top)

    def write(self, xy: tuple[float, float], text: str, anchor: str, colour: Rgb = INK) -> None:
        """Write a word at a pixel."""
        self.draw.text(xy, text, fill=colour, font=font(self.text_px), anchor=anchor)


def blank(size: Size, dice: Dice) -> Image.Image:
    """Return an empty sheet of paper."""
    return Image.new("RGB", size, dice.weigh(_PAPERS))


def open_plot(size: Size, dice: Dice, title: str = "") -> Plot:
    """Return an empty plot with room for words at the left, below and, if there is a title, above."""
    width, height = size
    text_px = max(9, min(26, round(min(width, height) * dice.uniform(0.036, 0.05))))
    image = blank(size, dice)
    left = round(text_px * dice.uniform(3.4, 4.6) + width * dice.uniform(0, 0.05))
    right = width - round(width * dice.uniform(0.03, 0.1))
    top = round(height * dice.uniform(0.04, 0.09)) + (round(text_px * 1.5) if title else 0)
    bottom = height - round(text_px * dice.uniform(3.0, 3.8))
    right, bottom = max(right, left + 12), max(bottom, top + 12)
    line_px = max(1, min(width, height) // dice.between(190, 290))
    plot = Plot(image, ImageDraw.Draw(image), left, top, right, bottom, text_px, line_px)
    if title:
        plot.write(((left + right) / 2, top - text_px * 0.5), title, "mb")
    return plot


def draw_axes(plot: Plot, dice: Dice, x_label: str, y_label: str, x_names: tuple[str, ...] = ()) -> None:
    """Draw the frame, ticks with numbers or names, the words of both axes, and perhaps a grid."""
    has_grid, has_box = dice.chance(0.35), dice.chance(0.4)
    left, top, right, bottom = plot.left, plot.top, plot.right, plot.bottom
    if has_box:
        plot.draw.rectangle((left, top, right, bottom), outline=INK, width=plot.line_px)
    else:
        plot.draw.line((left, top, left, bottom, right, bottom), fill=INK, width=plot.line_px)
    tick = max(3, plot.text_px // 3)
    y_step, y_count = dice.pick((1, 2, 5, 10, 20, 25, 0.1, 0.5)), dice.between(3, 6)
    for index in range(y_count + 1):
        _, y = plot.at(0, index / y_count)
        if has_grid and index:
            plot.draw.line((left, y, right, y), fill=(205, 205, 205))
        plot.draw.line((left - tick, y, left, y), fill=INK, width=plot.line_px)
        plot.write((left - tick - 2, y), f"{index * y_step:.3g}", "rm")
    if x_names:
        for index, name in enumerate(x_names):
            plot.write((plot.at((index + 0.5) / len(x_names), 0)[0], bottom + 3), name, "mt")
    else:
        _number_x(plot, dice, tick, has_grid)
    plot.write(((left + right) / 2, bottom + plot.text_px * 1.5), x_label, "mt")
    _write_upright(plot, y_label)


def _number_x(plot: Plot, dice: Dice, tick: int, has_grid: bool) -> None:
    step, count = dice.pick((1, 2, 4, 5, 6, 10, 12, 24)), dice.between(3, 7)
    for index in range(count + 1):
        x, _ = plot.at(index / count, 0)
        if has_grid and index:
            plot.draw.line((x, plot.top, x, plot.bottom), fill=(215, 215, 215))
        plot.draw.line((x, plot.bottom, x, plot.bottom + tick), fill=INK, width=plot.line_px)
        plot.write((x, plot.bottom + tick + 1), str(index * step), "mt")


def _write_upright(plot: Plot, label: str) -> None:
    """Write the word of the y axis, turned by a quarter."""
    letters = font(plot.text_px)
    width = round(letters.getlength(label)) + 2
    strip = Image.new("L", (width, round(plot.text_px * 1.3)))
    ImageDraw.Draw(strip).text((0, 0), label, fill=255, font=letters)
    turned = strip.rotate(90, expand=True)
    y = (plot.top + plot.bottom - turned.height) // 2
    plot.image.paste(INK, (max(0, round(plot.text_px * 0.25)), y), turned)


def draw_legend(plot: Plot, dice: Dice, entries: list[tuple[str, Rgb]]) -> None:
    """Draw coloured squares with names in a corner."""
    side = plot.text_px
    widest = max(font(side).getlength(name) for name, _ in entries) + side * 2
    x = dice.pick((plot.left + side, round(plot.right - widest)))
    for index, (name, colour) in enumerate(entries):
        y = plot.top + round(side * (0.4 + 1.3 * index))
        plot.draw.rectangle((x, y, x + side - 2, y + side - 2), fill=colour)
        plot.write((x + side + 3, y + side / 2 - 1), name, "lm")


def draw_marker(plot: Plot, shape: str, xy: tuple[float, float], radius: float, colour: Rgb) -> None:
    """Draw one point: circles, squares, triangles or crosses."""
    x, y = xy
    box = (x - radius, y - radius, x + radius, y + radius)
    if shape == "circles":
        plot.draw.ellipse(box, fill=colour)
    elif shape == "squares":
        plot.draw.rectangle(box, fill=colour)
    elif shape == "triangles":
        plot.draw.polygon((x, y - radius, x + radius, y + radius, x - radius, y + radius), fill=colour)
    else:
        plot.draw.line((x - radius, y - radius, x + radius, y + radius), fill=colour, width=plot.line_px + 1)
        plot.draw.line((x - radius, y + radius, x + radius, y - radius), fill=colour, width=plot.line_px + 1)


def plot_title(dice: Dice) -> str:
    """Return a short title for some plots, "" for the others."""
    if not dice.chance(0.45):
        return ""
    return f"{dice.pick(('Series', 'Trial', 'Site', 'Batch', 'Run'))} {dice.pick('ABCDEFGHKM')}{dice.between(1, 99)}"


def axis_names(dice: Dice) -> tuple[str, str]:
    """Return the words of an x and a y axis."""
    return dice.pick(words.X_AXES), dice.pick(words.Y_AXES)
