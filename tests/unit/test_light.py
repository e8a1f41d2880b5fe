"""Light labels: shares that can be counted by hand, and the same numbers for ever."""

from dataclasses import astuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from pmc15m.images.light import Light, describe_light, edge_fraction, num_colors, white_cells_fraction


def describe(image: Image.Image) -> Light:
    grey = image.convert("L")
    return describe_light(image, grey, grey.histogram())


def plot(width: int = 900, height: int = 700) -> Image.Image:
    """Return a line plot: axes, ticks and two curves on white."""
    image = Image.new("RGB", (width, height), "white")
    draw = ImageDraw.Draw(image)
    draw.line([(90, 40), (90, height - 80), (width - 30, height - 80)], fill=0, width=3)
    for number, colour in enumerate([(200, 30, 30), (30, 30, 200)]):
        points = [(x, height - 100 - (x * (number + 2) // 7 + x * x % 61)) for x in range(95, width - 40, 9)]
        draw.line(points, fill=colour, width=3)
    return image


def tissue(width: int = 640, height: int = 480) -> Image.Image:
    """Return a picture without white: whole numbers only, so that it is the same everywhere."""
    y, x = np.mgrid[:height, :width]
    waves = [(x * x // (7 + band) + y * (3 + band) + x * y // 31) % 180 + 20 for band in range(3)]
    return Image.fromarray(np.dstack(waves).astype(np.uint8))


def test_numbers_of_this_version_are_fixed() -> None:
    light = [describe(image) for image in (plot(), tissue(), tissue(31, 700), plot().convert("L"))]
    assert light == [
        Light(0.9751253968253968, 0.8408203125, 0.9751253968253968, 0.050742857142857145, 4),
        Light(0.0, 0.0, 0.009827473958333333, 0.4343489583333333, 4007),
        Light(0.0, 0.0, 0.010829493087557604, 0.2960714285714286, 1963),
        Light(0.9751253968253968, 0.8408203125, 0.9751253968253968, 0.050742857142857145, 4),
    ]
    assert {type(value) for value in astuple(light[0])} == {float, int}, "no kind of numpy's"


def test_line_art_is_told_from_a_dense_picture() -> None:
    assert describe(plot()).white_cells_fraction > 0.35
    assert describe(tissue()).white_cells_fraction == 0


@pytest.mark.parametrize(
    ("grey", "white", "white_cells"), [(255, 1, 1), (245, 1, 1), (244, 0, 1), (243, 0, 1), (242, 0, 0)]
)
def test_plain_image_is_white_from_245_and_its_cells_from_243(grey: int, white: int, white_cells: int) -> None:
    light = describe(Image.new("L", (300, 200), grey))
    assert light == Light(white, white_cells, mode_fraction=1, edge_fraction=0, num_colors=1)


def test_shares_are_of_pixels() -> None:
    pixels = np.full((100, 100), 200, np.uint8)
    pixels[:, :30] = 255
    pixels[:5] = 10
    light = describe(Image.fromarray(pixels))
    assert light.white_fraction == 95 * 30 / 10_000
    assert light.mode_fraction == 95 * 70 / 10_000


def test_cells_are_a_grid_of_32_whatever_the_size() -> None:
    pixels = np.zeros((320, 64), np.uint8)
    pixels[:10, :2] = 255
    assert white_cells_fraction(pixels) == 1 / 1024
    pixels[9, 1] = 14  # 255 * 20 - 241 = 243 * 20 - 1
    assert white_cells_fraction(pixels) == 0
    pixels[9, 1] = 15
    assert white_cells_fraction(pixels) == 1 / 1024


@given(st.integers(1, 150), st.integers(1, 150), st.integers(0, 2**31 - 1))
def test_cells_are_what_a_plain_loop_finds(width: int, height: int, seed: int) -> None:
    pixels = np.random.RandomState(seed).choice(np.array([0, 240, 243, 255, 255, 255], np.uint8), (height, width))
    count = 0
    for row in range(32):
        for column in range(32):
            top, left = row * height // 32, column * width // 32
            bottom, right = max((row + 1) * height // 32, top + 1), max((column + 1) * width // 32, left + 1)
            cell = pixels[top:bottom, left:right]
            count += int(cell.sum()) >= 243 * cell.size
    assert white_cells_fraction(pixels) == count / 1024


def test_edges_are_steps_of_32_to_the_right_or_down() -> None:
    pixels = np.full((10, 10), 100, np.uint8)
    assert edge_fraction(pixels) == 0
    pixels[:, 5:] = 131
    assert edge_fraction(pixels) == 0
    pixels[:, 5:] = 132
    assert edge_fraction(pixels) == 10 / 100
    pixels[5:] = 0
    assert edge_fraction(pixels) == (5 + 10 - 1) / 100, "the corner counts once"
    pixels[5:] = 255
    assert edge_fraction(pixels) == (5 + 10 - 1) / 100, "dark and bright alike"


def test_checkerboard_is_all_edges_but_for_its_last_pixel() -> None:
    board = np.indices((16, 20)).sum(axis=0) % 2 * 255
    assert edge_fraction(board.astype(np.uint8)) == (16 * 20 - 1) / (16 * 20)


def test_edges_are_looked_for_at_512_px() -> None:
    board = Image.fromarray((np.indices((1024, 1024)).sum(axis=0) % 2 * 255).astype(np.uint8))
    assert describe(board).edge_fraction == 0, "blocks of 2 x 2 are one grey"
    assert describe(board.crop((0, 0, 512, 512))).edge_fraction > 0.99


def test_one_pixel_has_no_neighbour() -> None:
    assert describe(Image.new("L", (1, 1), 9)) == Light(0, 0, 1, 0, 1)


@pytest.mark.parametrize(("width", "height"), [(64, 64), (128, 64), (8, 8), (700, 3)])
def test_colors_are_counted_at_64_px(width: int, height: int) -> None:
    pixels = np.arange(width * height * 3).reshape(height, width, 3) * 7 % 251
    image = Image.fromarray(pixels.astype(np.uint8))
    rows, columns = ((2 * np.arange(64) + 1) * side // 128 for side in (height, width))
    samples = pixels[rows][:, columns].reshape(-1, 3)
    assert num_colors(image) == len(np.unique(samples, axis=0))


def test_colors_of_a_picture_of_all_colors_are_no_more_than_its_samples() -> None:
    colours = np.arange(64 * 64).reshape(64, 64)
    image = Image.fromarray(np.dstack([colours % 256, colours // 256, colours % 7]).astype(np.uint8))
    assert num_colors(image) == 4096


def test_grey_and_the_same_grey_as_colour_agree() -> None:
    assert describe(tissue().convert("L")) == describe(tissue().convert("L").convert("RGB"))
