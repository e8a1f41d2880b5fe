"""Photographs: objects on a bench, and landscapes."""

import math
from dataclasses import dataclass

from PIL import Image, ImageChops, ImageDraw

from pmc15m.synth import words
from pmc15m.synth.dice import Dice
from pmc15m.synth.pool import OBJECT_SHAPES, Pool, Rgb, Size, add_grain, crop, font, haze, stretch, tint

GROUNDS: dict[str, Rgb] = {
    "a pale grey": (205, 207, 210),
    "a white": (243, 243, 240),
    "a dark": (44, 46, 52),
    "a sandy": (214, 190, 146),
    "a dark blue": (34, 52, 104),
    "a pale green": (196, 218, 190),
    "a wooden": (168, 118, 72),
}
ARRANGEMENTS = ("in a row", "in a circle", "scattered over the bench")
LIGHTS = ("left", "right")
MIN_CONTRAST = 45
"""Between objects and ground: what hardly shows makes look-alikes of its background."""
FIELDS: dict[str, Rgb] = {
    "green": (92, 140, 62),
    "yellow": (196, 172, 78),
    "brown": (126, 92, 60),
    "white": (232, 234, 238),
}
SKIES: dict[str, Rgb] = {
    "blue": (106, 160, 224),
    "grey": (172, 176, 182),
    "orange": (240, 170, 98),
    "violet": (142, 118, 188),
}
_FOLIAGE: dict[str, Rgb] = {"dark green": (32, 84, 40), "red": (170, 58, 36), "yellow": (212, 172, 44)}


@dataclass(frozen=True, slots=True)
class Objects:
    """Some objects of one shape and colour."""

    num_objects: int
    shape: str
    colour: str
    arrangement: str
    ground: str
    light: str
    has_ruler: bool

    @property
    def summary(self) -> str:
        """The first sentence of the caption."""
        what = f"one {self.colour} {self.shape}"
        if self.num_objects > 1:
            plural = {"leaf": "leaves"}.get(self.shape, f"{self.shape}s")
            what = f"{words.count_word(self.num_objects)} {self.colour} {plural} {self.arrangement}"
        return f"Photograph of {what} on {self.ground} ground"

    @property
    def details(self) -> tuple[str, ...]:
        """More sentences, the most telling first."""
        ruler = ("A ruler lies along the lower edge",) if self.has_ruler else ()
        return (*ruler, f"Light falls from the {self.light}")

    def draw(self, size: Size, dice: Dice, pool: Pool) -> Image.Image:
        """Draw it."""
        ground = _shifted(GROUNDS[self.ground], dice)
        depth = dice.uniform(0.5, 0.75)
        dark = (round(ground[0] * depth), round(ground[1] * depth), round(ground[2] * depth))
        grey = add_grain(haze(pool, dice.rng, size), pool, dice.rng, dice.uniform(0.1, 0.5))
        slope = pool.slopes[self.light].resize(size, Image.Resampling.BILINEAR)
        image = tint(ImageChops.multiply(grey, slope.point(stretch(dice.uniform(70, 190), 255))), dark, ground)
        side = self._side(size) * dice.uniform(0.66 if self.num_objects == 1 else 0.78, 1.0)
        mask_side = max(8, round(side))
        ink = words.shade(dice.rng, self.colour, 22)
        for x, y in self._places(size, dice):
            turned = pool.shapes[self.shape].rotate(dice.uniform(0, 360), Image.Resampling.BILINEAR)
            mask = turned.resize((mask_side, mask_side), Image.Resampling.BILINEAR)
            corner, shift = (
                (round(x - side / 2), round(y - side / 2)),
                round(side * 0.07) * (1 if self.light == "left" else -1),
            )
            image.paste(dark, (corner[0] + shift, corner[1] + round(side * 0.06)), mask)
            image.paste(ink, corner, mask)
            if self.shape != "ring":
                inner = mask.resize((max(4, mask_side * 2 // 3),) * 2).point(stretch(0, 50))
                image.paste((255, 255, 255), (corner[0] + mask_side // 6 - shift, corner[1] + mask_side // 9), inner)
        if self.has_ruler:
            _draw_ruler(image, dice)
        return image

    def _side(self, size: Size) -> float:
        width, height = size
        if self.num_objects == 1:
            return min(width, height) * 0.6
        if self.arrangement == "in a row":
            return min(width * 0.9 / self.num_objects, height * 0.5)
        if self.arrangement == "in a circle":
            return (
                min(width, height) * 0.62 * math.sin(math.pi / self.num_objects)
                if self.num_objects > 2
                else height * 0.3
            )
        columns = self._columns(size)
        return 0.8 * min(width / columns, height * 0.9 / math.ceil(self.num_objects / columns))

    def _columns(self, size: Size) -> int:
        return max(2, math.ceil(math.sqrt(self.num_objects * size[0] / size[1])))

    def _places(self, size: Size, dice: Dice) -> list[tuple[float, float]]:
        """Return the centres of the objects."""
        width, height = size
        count, base = self.num_objects, dice.uniform(0.38, 0.52) * height
        if count == 1:
            return [(width * dice.uniform(0.28, 0.72), height * dice.uniform(0.32, 0.62))]
        if self.arrangement == "in a row":
            step = width * 0.94 / count
            return [(width * 0.03 + (i + 0.5) * step, base + dice.uniform(-0.04, 0.04) * height) for i in range(count)]
        if self.arrangement == "in a circle":
            radius, start = min(width, height) * 0.31, dice.uniform(0, math.tau)
            angles = [start + math.tau * i / count for i in range(count)]
            return [(width / 2 + radius * math.cos(a), height * 0.46 + radius * math.sin(a)) for a in angles]
        columns = self._columns(size)
        rows = math.ceil(count / columns)
        cells = dice.sample(range(columns * rows), count)
        spots = [(c % columns + dice.uniform(0.42, 0.58), c // columns + dice.uniform(0.42, 0.58)) for c in cells]
        return [(x * width / columns, y * height * 0.9 / rows) for x, y in spots]


@dataclass(frozen=True, slots=True)
class Landscape:
    """Sky above a field with trees."""

    sky: str
    field: str
    num_trees: int
    foliage: str

    @property
    def summary(self) -> str:
        """The first sentence of the caption."""
        count = words.count_word(self.num_trees)
        trees = f"{count} {self.foliage} {'tree' if self.num_trees == 1 else 'trees'}"
        return (
            f"View of the study site: {trees} in a {self.field} field under {words.article_of(self.sky)} {self.sky} sky"
        )

    @property
    def details(self) -> tuple[str, ...]:
        """More sentences, the most telling first."""
        return ()

    def draw(self, size: Size, dice: Dice, pool: Pool) -> Image.Image:
        """Draw it."""
        width, height = size
        horizon = round(height * dice.uniform(0.4, 0.62))
        sky = _shifted(SKIES[self.sky], dice)
        pale = (round(sky[0] * 0.4 + 150), round(sky[1] * 0.4 + 150), round(sky[2] * 0.4 + 150))
        image = tint(crop(dice.pick(pool.clouds), dice.rng, size), sky, pale)
        field = _shifted(FIELDS[self.field], dice)
        dark = (round(field[0] * 0.6), round(field[1] * 0.6), round(field[2] * 0.6))
        soil = add_grain(crop(dice.pick(pool.clouds), dice.rng, (width, height - horizon)), pool, dice.rng, 0.6)
        image.paste(tint(soil, dark, field), (0, horizon))
        step, draw = width / self.num_trees, ImageDraw.Draw(image)
        for index in range(self.num_trees):
            tall = height * dice.uniform(0.2, 0.34)
            x, y = (index + dice.uniform(0.3, 0.7)) * step, horizon + height * dice.uniform(0.02, 0.25)
            draw.rectangle((x - tall * 0.05, y - tall * 0.5, x + tall * 0.05, y), fill=(74, 52, 36))
            side = max(8, round(min(tall * 0.8, step * 1.05)))
            crown = pool.shapes["disc"].resize((side, round(side * dice.uniform(0.8, 1.2))))
            image.paste(_shifted(_FOLIAGE[self.foliage], dice), (round(x - side / 2), round(y - tall * 1.05)), crown)
        return image


def _shifted(colour: Rgb, dice: Dice, spread: int = 10) -> Rgb:
    """Return a colour a little changed."""
    red, green, blue = (
        max(0, min(255, c + int(s))) for c, s in zip(colour, dice.rng.integers(-spread, spread, 3), strict=True)
    )
    return red, green, blue


def brightness(colour: Rgb) -> float:
    """Return how bright a colour is, from 0 to 255."""
    return 0.3 * colour[0] + 0.59 * colour[1] + 0.11 * colour[2]


def _draw_ruler(image: Image.Image, dice: Dice) -> None:
    draw, (width, height) = ImageDraw.Draw(image), image.size
    top = round(height * 0.9)
    draw.rectangle((0, top, width, height), fill=(244, 236, 196))
    step, start = width / dice.between(14, 30), dice.between(0, 12)
    for index in range(math.ceil(width / step)):
        long = height * (0.05 if index % 5 == 0 else 0.025)
        draw.line((index * step, top, index * step, top + long), fill=(30, 30, 30))
        if index % 5 == 0:
            draw.text((index * step + 2, height - 2), str(start + index), fill=(30, 30, 30), font=font(9), anchor="ls")


def make_objects(dice: Dice) -> Objects:
    """Return a photograph of objects."""
    count, shape = dice.between(1, 9), dice.pick(OBJECT_SHAPES)
    ground = dice.pick(tuple(GROUNDS))
    light_of_ground = brightness(GROUNDS[ground])
    colours = [c for c in words.COLOUR_NAMES if abs(brightness(words.COLOURS[c]) - light_of_ground) > MIN_CONTRAST]
    arrangement, light = dice.pick(ARRANGEMENTS), dice.pick(LIGHTS)
    return Objects(count, shape, dice.pick(colours), arrangement, ground, light, dice.chance(0.3))


def make_landscape(dice: Dice) -> Landscape:
    """Return a landscape."""
    return Landscape(dice.pick(tuple(SKIES)), dice.pick(tuple(FIELDS)), dice.between(1, 8), dice.pick(tuple(_FOLIAGE)))
