"""What a figure shows: one scene knows both its caption and its picture, so that they agree."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from PIL import Image, ImageDraw

from pmc15m.synth import words
from pmc15m.synth.charts import make_heat_map, make_histogram, make_pie_chart
from pmc15m.synth.dice import Dice
from pmc15m.synth.gels import make_gel
from pmc15m.synth.micrographs import make_micrograph
from pmc15m.synth.photos import make_landscape, make_objects
from pmc15m.synth.plots import make_bar_chart, make_line_chart, make_scatter_plot
from pmc15m.synth.pool import Pool, Size, font
from pmc15m.synth.scans import make_scan


class Scene(Protocol):
    """Something that can be told and drawn."""

    @property
    def summary(self) -> str:
        """The first sentence of the caption, without a stop."""

    @property
    def details(self) -> tuple[str, ...]:
        """More sentences, without stops, the most telling first."""

    def draw(self, size: Size, dice: Dice, pool: Pool) -> Image.Image:
        """Draw it: an image of mode RGB or L."""


_SINGLE: tuple[tuple[Callable[[Dice], Scene], float], ...] = (
    (make_line_chart, 11),
    (make_bar_chart, 9),
    (make_scatter_plot, 8),
    (make_histogram, 4),
    (make_heat_map, 4),
    (make_pie_chart, 2),
    (make_gel, 11),
    (make_micrograph, 22),
    (make_objects, 12),
    (make_landscape, 4),
    (make_scan, 9),
)
PANELS_FRACTION = 0.2
MAX_PANEL_CHARS = 480  # of the sentences about the panels


@dataclass(frozen=True, slots=True)
class Panels:
    """Two to six scenes with letters."""

    scenes: tuple[Scene, ...]
    letters: str
    num_columns: int

    @property
    def summary(self) -> str:
        """The first sentence of the caption."""
        return f"Overview in {words.count_word(len(self.scenes))} panels"

    @property
    def details(self) -> tuple[str, ...]:
        """Nothing: the panels speak for themselves, see `captions`."""
        return ()

    def draw(self, size: Size, dice: Dice, pool: Pool) -> Image.Image:
        """Draw the panels in rows."""
        width, height = size
        num_rows = math.ceil(len(self.scenes) / self.num_columns)
        gap, strip = max(4, width // dice.between(60, 110)), max(14, round(height / num_rows * 0.09))
        cell_w = (width - gap) // self.num_columns
        cell_h = (height - gap) // num_rows
        sheet = Image.new("RGB", size, (255, 255, 255))
        draw = ImageDraw.Draw(sheet)
        for index, scene in enumerate(self.scenes):
            x = gap + index % self.num_columns * cell_w
            y = gap + index // self.num_columns * cell_h
            panel = scene.draw((cell_w - gap, cell_h - gap - strip), dice, pool)
            sheet.paste(panel, (x, y + strip))
            draw.text((x + 1, y + strip - 2), self.letters[index], fill=(0, 0, 0), font=font(strip), anchor="ls")
        return sheet


def make_single(dice: Dice) -> Scene:
    """Return a scene without panels."""
    return dice.weigh(_SINGLE)(dice)


def make_panels(dice: Dice) -> Panels:
    """Return two to six scenes, often of the same kind."""
    count = dice.between(2, 6)
    if dice.chance(0.4):
        maker = dice.weigh(_SINGLE)
        scenes = tuple(maker(dice) for _ in range(count))
    else:
        scenes = tuple(make_single(dice) for _ in range(count))
    while sum(len(scene.summary) + 6 for scene in scenes) > MAX_PANEL_CHARS:
        scenes = scenes[:-1]
    count = len(scenes)
    columns = {2: dice.between(1, 2), 3: dice.pick((1, 3)), 4: 2, 5: 3, 6: dice.pick((2, 3))}[count]
    return Panels(scenes, dice.pick(("ABCDEF", "ABCDEF", "abcdef")), columns)


def make_scene(dice: Dice) -> Scene:
    """Return what one figure shows."""
    return make_panels(dice) if dice.chance(PANELS_FRACTION) else make_single(dice)


def pick_size(scene: Scene, dice: Dice, scale: float) -> Size:
    """Return the size of the image in pixels; `scale` 1 gives some 300 to 1,200 pixels of width."""
    low, high = dice.weigh((((320, 480), 30), ((480, 780), 55), ((780, 1200), 15)))
    width = dice.between(low, high)
    ratio = dice.uniform(0.62, 0.98)
    floor = (128, 96)
    if isinstance(scene, Panels):
        num_rows = math.ceil(len(scene.scenes) / scene.num_columns)
        ratio = dice.uniform(0.72, 0.9) * num_rows / scene.num_columns
        width = round(max(width, 480) / max(1.0, ratio))
        floor = (110 * scene.num_columns, 100 * num_rows)
    return max(floor[0], round(width * scale)), max(floor[1], round(width * ratio * scale))
