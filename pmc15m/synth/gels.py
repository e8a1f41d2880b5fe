"""Gels and blots: lanes and bands."""

from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw, ImageOps

from pmc15m.synth import words
from pmc15m.synth.dice import Dice
from pmc15m.synth.pool import Field, Pool, Size, add_grain, crop, font, stretch

PATTERNS = (
    "fading to the right",
    "growing stronger to the right",
    "of equal strength",
    "strongest in lane {}",
    "missing in lane {}",
)


@dataclass(frozen=True, slots=True)
class Gel:
    """Lanes with bands in one or more rows."""

    num_lanes: int
    num_rows: int
    is_dark_ground: bool
    pattern: str
    lane: int  # the lane that the pattern names, from 1
    has_numbers: bool

    @property
    def summary(self) -> str:
        """The first sentence of the caption."""
        bands, ground = ("bright", "dark") if self.is_dark_ground else ("dark", "light")
        pattern = self.pattern.format(self.lane)
        return f"Gel with {words.count_word(self.num_lanes)} lanes and {bands} bands on a {ground} ground, {pattern}"

    @property
    def details(self) -> tuple[str, ...]:
        """More sentences, the most telling first."""
        rows = "One row of bands is" if self.num_rows == 1 else f"{words.count_word(self.num_rows)} rows of bands are"
        numbers = ("Lanes are numbered from the left",) if self.has_numbers else ()
        return (f"{rows[0].upper()}{rows[1:]} seen", *numbers)

    def strengths(self, dice: Dice) -> Field:
        """Return how strong the bands of each lane are, from 0 to 1."""
        count = self.num_lanes
        if self.pattern.startswith("fading"):
            level = np.linspace(1, 0.15, count)
        elif self.pattern.startswith("growing"):
            level = np.linspace(0.15, 1, count)
        else:
            level = np.full(count, 0.8 if "strongest" not in self.pattern else 0.4)
            level[self.lane - 1] = {"s": 1.0, "m": 0.0}.get(self.pattern[0], level[self.lane - 1])
        return (level * dice.rng.uniform(0.92, 1.0, count)).clip(0, 1)

    def draw(self, size: Size, dice: Dice, pool: Pool) -> Image.Image:
        """Draw it, in grey."""
        width, height = size
        floor, spread = dice.uniform(8, 45), dice.uniform(18, 60)
        ground = crop(dice.pick(pool.clouds), dice.rng, size)
        image = ground.point(stretch(floor, floor + spread))
        margin = round(height * 0.13) if self.has_numbers else round(height * 0.05)
        lane_w = width * 0.94 / self.num_lanes
        rows = (np.arange(self.num_rows) + dice.rng.uniform(0.2, 0.8, self.num_rows)) / self.num_rows
        thickness = min(height * dice.uniform(0.05, 0.1), (height - margin) * 0.8 / self.num_rows)
        skew = dice.uniform(-0.03, 0.03) * height
        glow = dice.uniform(215, 250)
        for lane, strength in enumerate(self.strengths(dice)):
            fill = round(floor + spread / 2 + float(strength) * (glow - floor - spread / 2))
            for row in rows if strength else ():
                wide, high = lane_w * dice.uniform(0.66, 0.86), thickness * dice.uniform(0.8, 1.25)
                x = width * 0.03 + lane * lane_w + (lane_w - wide) / 2
                y = margin + row * (height - margin) * 0.9 + skew * lane / self.num_lanes
                mask = pool.band.resize((max(2, round(wide)), max(2, round(high))))
                image.paste(fill, (round(x), round(y)), mask)
        image = add_grain(image, pool, dice.rng, 0.25)
        image = image if self.is_dark_ground else ImageOps.invert(image)
        if self.has_numbers:
            self._number_lanes(image, lane_w, margin)
        return image

    def _number_lanes(self, image: Image.Image, lane_w: float, margin: int) -> None:
        draw, text_px = ImageDraw.Draw(image), max(9, min(22, round(margin * 0.55)))
        draw.rectangle((0, 0, image.width, round(margin * 0.8)), fill=255)
        for lane in range(self.num_lanes):
            x = image.width * 0.03 + (lane + 0.5) * lane_w
            draw.text((x, margin * 0.4), str(lane + 1), fill=0, font=font(text_px), anchor="mm")


def make_gel(dice: Dice) -> Gel:
    """Return a gel."""
    num_lanes = dice.between(4, 12)
    lane, pattern = dice.between(1, num_lanes), dice.pick(PATTERNS)
    return Gel(num_lanes, dice.between(1, 4), dice.chance(0.4), pattern, lane, dice.chance(0.5) or "{}" in pattern)
