"""Textures, cells and shapes that figures are cut from: made once per process and seed."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageChops, ImageFilter, ImageFont

from pmc15m.synth.dice import make_rng

Grey: TypeAlias = Image.Image
Rgb: TypeAlias = tuple[int, int, int]
Size: TypeAlias = tuple[int, int]
Field: TypeAlias = npt.NDArray[np.float64]
Font: TypeAlias = ImageFont.FreeTypeFont | ImageFont.ImageFont

TEXTURE_SIZE = (1408, 1056)
SPRITE_PX = 96
CELL_SHAPES = ("round", "elongated", "star-shaped", "ring-shaped")
DENSITIES = {"few": 44, "many": 170, "crowded": 520}
OBJECT_SHAPES = ("disc", "square", "triangle", "ring", "leaf", "rod")
_BILINEAR = Image.Resampling.BILINEAR


@dataclass(frozen=True, slots=True)
class Pool:
    """Grey images, 0 to 255. Draw from them by `crop`; never change them."""

    clouds: tuple[Grey, ...]
    grains: tuple[Grey, ...]
    cells: dict[tuple[str, str], Grey]  # (shape, density): bodies, white on black
    nuclei: dict[tuple[str, str], Grey]  # their nuclei
    slopes: dict[str, Grey]  # light that falls from the left or the right, 256 x 4 px
    shapes: dict[str, Grey]  # masks of SPRITE_PX
    band: Grey  # mask of one band of a gel


@lru_cache(maxsize=2)
def build_pool(seed: int) -> Pool:
    """Make the images of a seed: a second of work, and some 55 MB."""
    clouds = tuple(_cloud(make_rng(seed, i, "cloud"), 3 + i % 6) for i in range(10))
    grains = tuple(_grain(make_rng(seed, i, "grain")) for i in range(3))
    cells, nuclei = {}, {}
    for shape in CELL_SHAPES:
        for density, count in DENSITIES.items():
            rng = make_rng(seed, count, f"cells {shape}")
            cells[shape, density], nuclei[shape, density] = _cell_layer(rng, shape, count)
    shapes = {name: _mask(_OBJECT_FIELDS[name]) for name in OBJECT_SHAPES}
    slope = Image.linear_gradient("L").crop((0, 0, 4, 256)).transpose(Image.Transpose.ROTATE_90)
    slopes = {"right": slope, "left": slope.transpose(Image.Transpose.FLIP_LEFT_RIGHT)}
    return Pool(clouds, grains, cells, nuclei, slopes, shapes, _band())


def crop(texture: Grey, rng: np.random.Generator, size: Size, zoom: float = 1.0) -> Grey:
    """Return a random window of a texture, perhaps mirrored, at a size; zoom 2 shows half the width."""
    width, height = texture.size
    shrink = min(1.0, 0.8 * width * zoom / size[0], 0.8 * height * zoom / size[1]) / zoom
    u, v, mirror = rng.random(3)
    if shrink == 1:
        x, y = int(u * (width - size[0])), int(v * (height - size[1]))
        image = texture.crop((x, y, x + size[0], y + size[1]))
    else:
        window_w, window_h = size[0] * shrink, size[1] * shrink
        left, top = u * (width - window_w), v * (height - window_h)
        image = texture.resize(size, _BILINEAR, box=(left, top, left + window_w, top + window_h))
    turn = int(mirror * 4)
    if turn & 1:
        image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    return image.transpose(Image.Transpose.FLIP_TOP_BOTTOM) if turn & 2 else image


def tint(image: Grey, dark: Rgb, light: Rgb, middle: Rgb | None = None) -> Image.Image:
    """Return a grey image in colours: black becomes `dark`, white `light`."""
    steps = np.linspace(0, 1, 256)[:, None]
    if middle is None:
        table = np.array(dark) * (1 - steps) + np.array(light) * steps
    else:
        low = np.array(dark) * (1 - 2 * steps) + np.array(middle) * 2 * steps
        high = np.array(middle) * (2 - 2 * steps) + np.array(light) * (2 * steps - 1)
        table = np.where(steps < 0.5, low, high)
    indexed = Image.frombytes("P", image.size, image.tobytes())
    indexed.putpalette(table.astype(np.uint8).tobytes())
    return indexed.convert("RGB")


@lru_cache(maxsize=64)
def font(size_px: int) -> Font:
    """Return Pillow's own font at a size; its simple layout, which is the same wherever Pillow runs."""
    own = ImageFont.load_default(size_px)
    return own.font_variant(layout_engine=ImageFont.Layout.BASIC) if isinstance(own, ImageFont.FreeTypeFont) else own


def _cloud(rng: np.random.Generator, cells: int) -> Grey:
    """Return smooth noise of three scales."""
    width, height = TEXTURE_SIZE
    total = np.zeros((height // 2, width // 2), np.float32)
    for octave, weight in enumerate((1.0, 0.45, 0.2)):
        side = cells * 3**octave
        small = Image.fromarray(rng.integers(0, 256, (side, side * 4 // 3), dtype=np.uint8))
        total += weight * np.asarray(small.resize((width // 2, height // 2), Image.Resampling.BICUBIC), np.float32)
    low, high = total.min(), total.max()
    grey = Image.fromarray(((total - low) * (255 / (high - low))).astype(np.uint8))
    return grey.resize(TEXTURE_SIZE, _BILINEAR)


def _grain(rng: np.random.Generator) -> Grey:
    """Return fine noise around mid grey."""
    width, height = TEXTURE_SIZE
    noise = Image.fromarray(rng.normal(128, 46, (height, width)).clip(0, 255).astype(np.uint8))
    return noise.filter(ImageFilter.BoxBlur(0.7))


def _grid() -> tuple[Field, Field]:
    axis = (np.arange(SPRITE_PX) + 0.5) / SPRITE_PX * 2 - 1
    return np.meshgrid(axis, axis)


def _mask(field: Callable[[Field, Field], Field], softness: float = 14.0) -> Grey:
    """Return a mask of the points where the field is below 1, with a soft edge."""
    x, y = _grid()
    return Image.fromarray((((1 - field(x, y)) * softness).clip(0, 1) * 255).astype(np.uint8))


def _disc(x: Field, y: Field) -> Field:
    return np.hypot(x, y) / 0.92


def _square(x: Field, y: Field) -> Field:
    return np.maximum(abs(x), abs(y)) / 0.8


def _triangle(x: Field, y: Field) -> Field:
    return np.maximum(y / 0.75, (abs(x) * 1.75 - y) / 1.0)


def _ring(x: Field, y: Field) -> Field:
    return abs(np.hypot(x, y) - 0.65) / 0.24


def _leaf(x: Field, y: Field) -> Field:
    return np.hypot(x, abs(y) + 0.55) / 1.02


def _rod(x: Field, y: Field) -> Field:
    return np.hypot(np.maximum(abs(x) - 0.68, 0), y) / 0.22


def _ellipse(x: Field, y: Field) -> Field:
    return np.hypot(x / 0.95, y / 0.36)


def _star(x: Field, y: Field) -> Field:
    reach = 0.42 + 0.5 * abs(np.cos(2.5 * np.arctan2(y, x))) ** 3
    far: Field = np.hypot(x, y) / reach.astype(np.float64)
    return far


_OBJECT_FIELDS = {"disc": _disc, "square": _square, "triangle": _triangle, "ring": _ring, "leaf": _leaf, "rod": _rod}
_CELL_FIELDS = {"round": _disc, "elongated": _ellipse, "star-shaped": _star, "ring-shaped": _ring}


def _band() -> Grey:
    x, y = _grid()
    edge = (1 - abs(x) ** 8).clip(0, 1) * np.exp(-((y / 0.42) ** 4))
    return Image.fromarray((edge * 255).astype(np.uint8))


def _cell_layer(rng: np.random.Generator, shape: str, count: int) -> tuple[Grey, Grey]:
    """Return cells strewn over a texture, and their nuclei."""
    body, nucleus = _mask(_CELL_FIELDS[shape], 2.2), _mask(_disc, 3.0)
    cells, nuclei = Image.new("L", TEXTURE_SIZE), Image.new("L", TEXTURE_SIZE)
    columns = math.ceil(math.sqrt(count * 4 / 3))
    step_x, step_y = TEXTURE_SIZE[0] / columns, TEXTURE_SIZE[1] / math.ceil(count / columns)
    base = min(step_x, step_y, 110.0)
    for index in range(count):
        u, v, turn, size, light = (float(value) for value in rng.random(5))
        side = round(base * (0.62 + 0.42 * size))
        x = round((index % columns + 0.1 + 0.8 * u) * step_x) - side // 2
        y = round((index // columns + 0.1 + 0.8 * v) * step_y) - side // 2
        sprite = body.rotate(turn * 180, _BILINEAR).resize((side, side), _BILINEAR)
        cells.paste(round(140 + 115 * light), (x, y), sprite)
        small = max(6, side * 2 // 5)
        offset = (side - small) // 2
        nuclei.paste(round(170 + 85 * light), (x + offset, y + offset), nucleus.resize((small, small), _BILINEAR))
    return cells.filter(ImageFilter.BoxBlur(1)), nuclei


def add_grain(image: Grey, pool: Pool, rng: np.random.Generator, strength: float) -> Grey:
    """Return a grey image with speckle of a strength from 0 to 1."""
    noise = crop(pool.grains[int(rng.random() * len(pool.grains))], rng, image.size)
    return ImageChops.multiply(image, noise.point(stretch(255 * (1 - strength), 255)))


def haze(pool: Pool, rng: np.random.Generator, size: Size) -> Grey:
    """Return smooth noise that no other figure has: two clouds, one over the other."""
    first, second = (pool.clouds[int(i)] for i in rng.permutation(len(pool.clouds))[:2])
    return ImageChops.multiply(crop(first, rng, size).point(stretch(70, 255)), crop(second, rng, size))


def stretch(low: float, high: float) -> list[int]:
    """Return the table that maps 0 to `low` and 255 to `high`."""
    table: list[int] = np.linspace(low, high, 256).round().astype(int).tolist()
    return table
