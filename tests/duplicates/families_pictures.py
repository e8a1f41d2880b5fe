"""Pictures in series: gels, slices, projections, sections, fluorescence."""

import math
from functools import lru_cache

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageChops, ImageDraw, ImageFilter

from pmc15m.synth.dice import Dice
from pmc15m.synth.pool import Size, font, tint
from tests.duplicates.scene import Scene, cloud, grained, pool

Volume = npt.NDArray[np.float32]

_STAINS = (
    ((244, 226, 236), (120, 60, 140)),
    ((250, 232, 238), (196, 70, 130)),
    ((238, 236, 240), (70, 80, 140)),
    ((246, 240, 232), (140, 84, 40)),
)
_BILINEAR = Image.Resampling.BILINEAR


def draw_gel(scene: Scene) -> Image.Image:
    """Draw lanes with bands; lanes, their names and the ground are those of the series."""
    look, data, (width, height) = scene.look, scene.data, scene.size
    num_lanes, num_rows, is_blot = look.between(6, 12), look.between(2, 5), look.chance(0.6)
    top, ground = round(height * 0.12), look.uniform(15, 50)
    image = cloud(data, scene.size, ground, ground + 25)
    lane_px, row_px = width * 0.96 / num_lanes, (height - top) / num_rows
    for lane in range(num_lanes):
        for row in range(num_rows):
            strength = data.rng.beta(0.7, 0.9)
            wide, high = lane_px * data.uniform(0.6, 0.9), row_px * data.uniform(0.16, 0.4)
            x = width * 0.02 + lane * lane_px + (lane_px - wide) / 2
            y = top + (row + data.uniform(0.25, 0.7) - 0.2 if not is_blot else row + 0.35) * row_px
            mask = pool().band.resize((max(2, round(wide)), max(2, round(high))), _BILINEAR)
            image.paste(round(ground + 15 + strength * (235 - ground)), (round(x), round(y)), mask)
    image = ImageChops.invert(grained(image, data, 0.2)) if is_blot else grained(image, data, 0.2)
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, 0, width, top), fill=255)
    for row in range(1, num_rows if is_blot else 1):
        draw.rectangle((0, top + row * row_px - 3, width, top + row * row_px + 3), fill=255)
    for lane in range(num_lanes):
        x = width * 0.02 + (lane + 0.5) * lane_px
        draw.text((x, top / 2), look.pick("+-") if is_blot else str(lane + 1), fill=0, font=font(16), anchor="mm")
    return image.convert("RGB")


@lru_cache(maxsize=4)
def _noise_volume(seed: int, side: int) -> Volume:
    """Return smooth noise in three dimensions, 0 to 1, of two scales."""
    dice = Dice(seed, side, "volume")
    total = np.zeros((side, side, side), np.float32)
    for cells, weight in ((side // 16, 0.5), (side // 7, 1.0)):
        volume = dice.rng.random((cells, cells, cells), dtype=np.float32)
        for axis in range(3):
            place = np.linspace(0, cells - 1.001, side)
            low = place.astype(int)
            share = (place - low).astype(np.float32).reshape([-1 if i == axis else 1 for i in range(3)])
            volume = np.take(volume, low, axis) * (1 - share) + np.take(volume, low + 1, axis) * share
        total += weight * volume
    scaled: Volume = (total - total.min()) / (total.max() - total.min())
    return scaled


def draw_slice(scene: Scene) -> Image.Image:
    """Draw a slice of a head, 1 of 150 layers above the one before it."""
    side = 150
    noise = _noise_volume(int(scene.subject.rng.integers(1 << 30)), side)
    squash, ventricle = scene.subject.uniform(0.75, 0.9), scene.subject.uniform(0.1, 0.16)
    layer = side // 2 + round(scene.member - scene.num_members / 2)
    z = (layer + 0.5) / side * 2 - 1
    axis = ((np.arange(side) + 0.5) / side * 2 - 1).astype(np.float32)
    x, y = np.meshgrid(axis, axis)
    texture = noise[layer]
    far = np.sqrt((x / squash) ** 2 + y**2 + (z * 0.95) ** 2) / 0.9
    cortex = far + 0.1 * (texture - 0.5)
    grey = np.where(cortex < 0.74, 105 + 75 * (texture > 0.5) + 25 * (texture - 0.5), 35)
    for sign in (-1, 1):
        hollow = np.hypot((x - sign * (0.14 + 0.1 * abs(z))) / ventricle, (y + 0.25 * z) / (0.42 - 0.3 * abs(z)))
        grey = np.where(hollow + 0.4 * (texture - 0.5) < 1, 22, grey)
    grey = np.where((abs(x) < 0.014) & (cortex < 0.74) & (abs(y) > 0.4), 30, grey)
    grey = np.where((far > 0.86) & (far < 0.97), 200 + 40 * (texture - 0.5), np.where(far >= 0.97, 6, grey))
    image = Image.fromarray(grey.clip(0, 255).astype(np.uint8)).resize((480, 480), Image.Resampling.BICUBIC)
    return grained(image, scene.data, 0.2).convert("RGB")


def draw_projection(scene: Scene) -> Image.Image:
    """Draw the sum along the view of bones and soft parts, turned by 2 degrees from the one before."""
    subject, side = scene.subject, 120
    turn = math.radians(2 * scene.member)
    axis = (np.arange(side) + 0.5) / side * 2 - 1
    x, y = np.meshgrid(axis, axis)
    total = 1.1 * np.exp(-((x / 0.62) ** 4)) * np.exp(-((y / 1.1) ** 6))
    for index in range(90):
        is_bone = index >= 30
        angle, reach = subject.uniform(0, math.tau), 0.55 * math.sqrt(subject.uniform(0, 1))
        height, size = (
            subject.uniform(-0.9, 0.9),
            subject.uniform(0.02, 0.06) if is_bone else subject.uniform(0.1, 0.25),
        )
        depth, long = subject.uniform(0.3, 1.0), subject.uniform(1, 3.5)
        centre = reach * math.cos(angle + turn)
        total += depth * np.exp(-(((x - centre) / size) ** 2) - (((y - height) / (size * long)) ** 2))
    grey = 235 * (1 - np.exp(-0.75 * total))
    image = Image.fromarray(grey.clip(0, 255).astype(np.uint8)).resize((440, 440), Image.Resampling.BICUBIC)
    return grained(image, scene.data, 0.15).convert("RGB")


def draw_histology(scene: Scene) -> Image.Image:
    """Draw a stained section: the stain and the kind of cell of the series, a place of its own."""
    return _draw_section(scene.size, scene.look, scene.data)


def _draw_section(size: Size, look: Dice, data: Dice) -> Image.Image:
    pale, dark = look.pick(_STAINS)
    shape, mean_px = look.pick(("round", "elongated", "star-shaped")), look.uniform(9, 16)
    tissue = cloud(data, size, 0, 255, look.between(3, 6))
    depth = tissue.point(lambda value: 30 + value * 0.4)
    _strew(depth, data, shape, mean_px, size[0] * size[1] / (mean_px * mean_px * 6), tissue)
    for _ in range(data.between(2, 7)):  # vessels and glands
        side = round(data.uniform(0.08, 0.25) * size[0])
        hole = _cell("round").resize((side, round(side * data.uniform(0.5, 1.4))))
        depth.paste(6, (data.between(-side // 2, size[0]), data.between(-side // 2, size[1])), hole)
    return tint(grained(depth.filter(ImageFilter.BoxBlur(0.8)), data, 0.25), pale, dark)


def draw_overlapping_field(scene: Scene) -> Image.Image:
    """Draw a field of one stained slide, which shows two thirds of the field before it."""
    width, height = 420, 340
    slide = _slide(scene.subject.between(0, 10**9), scene.num_members)
    left = scene.member * width // 3
    return slide.crop((left, 0, left + width, height))


@lru_cache(maxsize=2)
def _slide(number: int, num_fields: int) -> Image.Image:
    size = (420 + 140 * (num_fields - 1), 340)
    dice = Dice(number, 0, "slide")
    depth = cloud(dice, size, 20, 110, 9)
    _strew(depth, dice, "round", 13, size[0] * size[1] / 900, cloud(dice, size, 0, 255, 8))
    return tint(grained(depth, dice, 0.3), (232, 232, 240), (120, 70, 30))


def draw_fluorescence(scene: Scene) -> Image.Image:
    """Draw glowing cells; the first series is a film."""
    look, data = scene.look, scene.data
    is_film, shape = scene.series == 0, look.pick(("round", "star-shaped", "ring-shaped", "elongated"))
    ink = look.pick(((60, 250, 90), (250, 70, 60), (240, 70, 230), (90, 160, 250)))
    count, mean_px = look.between(14, 46), look.uniform(28, 60)
    places = look if is_film else data
    image = cloud(data, scene.size, 2, 18)
    for _ in range(count):
        x, y, speed_x, speed_y = (places.uniform(-1, 1) for _ in range(4))
        side, light = round(mean_px * places.uniform(0.6, 1.3)), places.uniform(0.4, 1)
        steps = scene.member if is_film else 0
        left = round((x * 1.05 + 1) / 2 * scene.size[0] + speed_x * 9 * steps - side / 2)
        top = round((y * 1.05 + 1) / 2 * scene.size[1] + speed_y * 9 * steps - side / 2)
        sprite = _cell(shape).rotate(places.uniform(0, 180), _BILINEAR).resize((side, side), _BILINEAR)
        image.paste(round(255 * light), (left, top), sprite)
    return tint(grained(image.filter(ImageFilter.BoxBlur(1.5)), data, 0.25), (2, 2, 6), ink)


def _strew(image: Image.Image, dice: Dice, shape: str, mean_px: float, count: float, where: Image.Image) -> None:
    """Draw dark cells where the map of the tissue is dense."""
    turned = [_cell(shape).rotate(angle, _BILINEAR) for angle in range(0, 180, 20)]
    for _ in range(round(count)):
        x, y = dice.between(0, image.width - 1), dice.between(0, image.height - 1)
        if where.getpixel((x, y)) < dice.uniform(40, 200):  # type: ignore[operator] # grey has one number a pixel
            continue
        side = round(mean_px * dice.uniform(0.7, 1.4))
        sprite = dice.pick(turned).resize((side, side), _BILINEAR)
        image.paste(dice.between(170, 250), (x - side // 2, y - side // 2), sprite)


def _cell(shape: str) -> Image.Image:
    mask = {"round": "disc", "elongated": "rod", "star-shaped": "leaf", "ring-shaped": "ring"}[shape]
    return pool().shapes[mask]
