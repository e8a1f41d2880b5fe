"""Scans: an oval outline in grey on black, with a bright spot."""

import math
from dataclasses import dataclass

from PIL import Image, ImageDraw, ImageFilter

from pmc15m.synth import words
from pmc15m.synth.dice import Dice
from pmc15m.synth.pool import Pool, Size, add_grain, crop, font, stretch

PLANES = ("Axial", "Coronal", "Sagittal")
QUARTERS = ("upper left", "upper right", "lower left", "lower right")


@dataclass(frozen=True, slots=True)
class Scan:
    """A slice of something oval."""

    plane: str
    num_cavities: int
    spot: str  # the quarter with the bright spot; "" for none
    has_arrow: bool

    @property
    def summary(self) -> str:
        """The first sentence of the caption."""
        count = words.count_word(self.num_cavities)
        cavities = f"{count} dark {'cavity' if self.num_cavities == 1 else 'cavities'}"
        return f"{self.plane} scan in grey with {cavities} inside a bright rim"

    @property
    def details(self) -> tuple[str, ...]:
        """More sentences, the most telling first."""
        if not self.spot:
            return ("No bright spot is seen",)
        arrow = " (arrow)" if self.has_arrow else ""
        return (f"A bright spot lies in the {self.spot} quarter{arrow}",)

    def draw(self, size: Size, dice: Dice, pool: Pool) -> Image.Image:
        """Draw it, in grey."""
        width, height = size
        image = Image.new("L", size, dice.between(3, 14))
        rx, ry = width * dice.uniform(0.32, 0.44), height * dice.uniform(0.36, 0.45)
        x, y = width * dice.uniform(0.47, 0.53), height * dice.uniform(0.48, 0.52)
        mask = Image.new("L", size)
        ImageDraw.Draw(mask).ellipse((x - rx, y - ry, x + rx, y + ry), fill=255)
        low, high = dice.uniform(50, 90), dice.uniform(40, 90)
        flesh = crop(dice.pick(pool.clouds), dice.rng, size)
        image.paste(flesh.point(stretch(low, low + high)), (0, 0), mask)
        draw = ImageDraw.Draw(image)
        rim = max(3, round(min(size) * dice.uniform(0.015, 0.04)))
        draw.ellipse((x - rx, y - ry, x + rx, y + ry), outline=dice.between(200, 245), width=rim)
        start = dice.uniform(0, math.tau)
        for index in range(self.num_cavities):
            angle, far = start + math.tau * index / self.num_cavities, dice.uniform(0.25, 0.42)
            a, b = rx * dice.uniform(0.1, 0.19), ry * dice.uniform(0.1, 0.22)
            u, v = x + far * rx * math.cos(angle), y + far * ry * math.sin(angle)
            draw.ellipse((u - a, v - b, u + a, v + b), fill=dice.between(15, 40))
        if self.spot:
            self._draw_spot(draw, (x, y, rx, ry), dice)
        return add_grain(image.filter(ImageFilter.BoxBlur(1.2)), pool, dice.rng, dice.uniform(0.2, 0.5))

    def _draw_spot(self, draw: ImageDraw.ImageDraw, oval: tuple[float, float, float, float], dice: Dice) -> None:
        x, y, rx, ry = oval
        u = x + rx * dice.uniform(0.4, 0.58) * (1 if "right" in self.spot else -1)
        v = y + ry * dice.uniform(0.4, 0.58) * (1 if "lower" in self.spot else -1)
        radius = min(rx, ry) * dice.uniform(0.07, 0.15)
        draw.ellipse((u - radius, v - radius, u + radius, v + radius), fill=dice.between(225, 255))
        if self.has_arrow:
            arm = min(rx, ry) * 0.3
            tip = (u - radius * 1.3, v)
            draw.line((tip[0] - arm, v, *tip), fill=255, width=3)
            draw.polygon((tip, (tip[0] - arm * 0.4, v - arm * 0.2), (tip[0] - arm * 0.4, v + arm * 0.2)), fill=255)
        draw.text((x - rx, y - ry), "R", fill=230, font=font(max(10, round(ry * 0.09))))


def make_scan(dice: Dice) -> Scan:
    """Return a scan."""
    spot = dice.pick(QUARTERS) if dice.chance(0.7) else ""
    return Scan(dice.pick(PLANES), dice.between(1, 5), spot, bool(spot) and dice.chance(0.5))
