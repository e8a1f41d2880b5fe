"""Micrographs: cells with light on dark, or stained on a pale ground."""

from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageChops, ImageDraw

from pmc15m.synth import words
from pmc15m.synth.dice import Dice, make_rng
from pmc15m.synth.pool import CELL_SHAPES, DENSITIES, Pool, Size, add_grain, crop, font, haze, stretch, tint

GLOWS = ("green", "red", "magenta", "yellow", "teal", "orange")
STAINS = ("purple", "pink", "brown", "blue", "teal")
PALE = {
    "white": (246, 246, 242),
    "pale pink": (248, 222, 230),
    "pale yellow": (248, 240, 208),
    "pale grey": (214, 216, 218),
}
DENSITY_WORDS = {"few": "A few", "many": "Many", "crowded": "Crowded"}


@dataclass(frozen=True, slots=True)
class Micrograph:
    """Cells of one shape and colour."""

    shape: str
    density: str
    colour: str
    ground: str  # "black", or a pale ground of a stained section
    nuclei: str  # their colour; "" if not seen
    num_arrows: int
    bar: str  # what the scale bar says; "" for none

    @property
    def summary(self) -> str:
        """The first sentence of the caption."""
        kind = "Fluorescence micrograph" if self.ground == "black" else "Micrograph of a stained section"
        return f"{kind} with {DENSITY_WORDS[self.density].lower()} {self.shape} {self.colour} cells on {self.ground}"

    @property
    def details(self) -> tuple[str, ...]:
        """More sentences, the most telling first."""
        nuclei = (f"Nuclei are {self.nuclei}",) if self.nuclei else ()
        one = self.num_arrows == 1
        arrows = (
            f"{words.count_word(self.num_arrows).capitalize()} {'arrow points' if one else 'arrows point'} at cells"
        )
        arrows += " of note"
        bar = (f"Scale bar, {self.bar}",) if self.bar else ()
        return (*nuclei, *((arrows,) if self.num_arrows else ()), *bar)

    def draw(self, size: Size, dice: Dice, pool: Pool) -> Image.Image:
        """Draw it."""
        zoom = 1.0 if 400 <= size[0] <= 820 else size[0] / dice.uniform(430, 800)
        view = dice.between(0, 2**62)  # the same window of both layers
        body = crop(pool.cells[self.shape, self.density], make_rng(view, 0, "view"), size, zoom)
        nuclei = crop(pool.nuclei[self.shape, self.density], make_rng(view, 0, "view"), size, zoom)
        image = (
            self._glow(body, nuclei, dice, pool) if self.ground == "black" else self._stain(body, nuclei, dice, pool)
        )
        self._mark(image, dice)
        return image

    def _glow(self, body: Image.Image, nuclei: Image.Image, dice: Dice, pool: Pool) -> Image.Image:
        glow = crop(dice.pick(pool.clouds), dice.rng, body.size).point(stretch(0, dice.uniform(18, 50)))
        light = crop(dice.pick(pool.clouds), dice.rng, body.size).point(stretch(255, dice.uniform(130, 210)))
        lit = add_grain(
            ImageChops.lighter(ImageChops.multiply(body, light), glow), pool, dice.rng, dice.uniform(0.1, 0.4)
        )
        image = tint(lit, (4, 4, 6), _bright(words.shade(dice.rng, self.colour)))
        if self.nuclei:
            image = ImageChops.lighter(image, tint(nuclei, (0, 0, 0), _bright(words.shade(dice.rng, self.nuclei))))
        return image

    def _stain(self, body: Image.Image, nuclei: Image.Image, dice: Dice, pool: Pool) -> Image.Image:
        ground = haze(pool, dice.rng, body.size).point(stretch(5, dice.uniform(40, 70)))
        depth = ImageChops.lighter(body.point(stretch(0, dice.uniform(170, 235))), ground)
        depth = add_grain(depth, pool, dice.rng, dice.uniform(0.3, 0.8))
        pale = PALE[self.ground]
        image = tint(depth, (pale[0], pale[1], pale[2]), words.shade(dice.rng, self.colour))
        if self.nuclei:
            image.paste(words.shade(dice.rng, self.nuclei), (0, 0), nuclei.point(stretch(0, 215)))
        return image

    def _mark(self, image: Image.Image, dice: Dice) -> None:
        """Draw arrows and the scale bar."""
        draw, (width, height) = ImageDraw.Draw(image), image.size
        ink = (250, 250, 250) if self.ground == "black" else (15, 15, 15)
        arm = min(width, height) * 0.09
        for _ in range(self.num_arrows):
            x, y, turn = dice.uniform(0.15, 0.85) * width, dice.uniform(0.15, 0.8) * height, dice.uniform(0, 6.283)
            u, v = np.cos(turn) * arm, np.sin(turn) * arm
            draw.line((x + u, y + v, x, y), fill=ink, width=max(2, round(arm / 9)))
            head = (
                (x, y),
                (x + 0.4 * u - 0.25 * v, y + 0.4 * v + 0.25 * u),
                (x + 0.4 * u + 0.25 * v, y + 0.4 * v - 0.25 * u),
            )
            draw.polygon(head, fill=ink)
        if self.bar:
            long, thick = width * dice.uniform(0.12, 0.22), max(3, height // 80)
            x, y = width * 0.95 - long, height * 0.94
            draw.rectangle((x, y - thick, x + long, y), fill=ink)
            label = self.bar.replace("\u00b5", "u")
            draw.text((x + long / 2, y - thick - 3), label, fill=ink, font=font(max(9, height // 22)), anchor="mb")


def _bright(colour: tuple[int, int, int]) -> tuple[int, int, int]:
    """Return the colour as light: as bright as it can be."""
    factor = 250 / max(colour)
    return round(colour[0] * factor), round(colour[1] * factor), round(colour[2] * factor)


def make_micrograph(dice: Dice) -> Micrograph:
    """Return a micrograph."""
    shape, density = dice.pick(CELL_SHAPES), dice.pick(tuple(DENSITIES))
    arrows = dice.between(1, 4) if dice.chance(0.35) else 0
    bar = f"{dice.pick((5, 10, 20, 50, 100, 200))} \u00b5m" if dice.chance(0.7) else ""
    if dice.chance(0.55):
        nuclei = "blue" if dice.chance(0.5) else ""
        return Micrograph(shape, density, dice.pick(GLOWS), "black", nuclei, arrows, bar)
    colour, nuclei = dice.sample(STAINS, 2)
    grounds = [ground for ground in PALE if colour not in ground]
    return Micrograph(shape, density, colour, dice.pick(grounds), nuclei if dice.chance(0.5) else "", arrows, bar)
