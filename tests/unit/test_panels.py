"""Panels: grids on white are counted, single pictures and plots are one."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from pmc15m.images.panels import estimate_num_panels


def photo(width: int, height: int, seed: int) -> Image.Image:
    """Return a picture that is nowhere white."""
    coarse = np.random.RandomState(seed).randint(0, 180, (5, 6)).astype(np.uint8)
    return Image.fromarray(coarse).resize((width, height), Image.Resampling.BILINEAR)


def plot(width: int, height: int, seed: int) -> Image.Image:
    """Return a framed plot with a curve, tick marks outside the frame and white inside."""
    pixels = np.full((height, width), 255, np.uint8)
    left, bottom = width // 10, height - height // 10
    pixels[4:bottom, [left, left + 1, width - 3, width - 4]] = 0
    pixels[[4, 5, bottom - 2, bottom - 1], left : width - 2] = 0
    curve = np.cumsum(np.random.RandomState(seed).randn(width - left - 8))
    curve = (curve - curve.min()) / (np.ptp(curve) + 1e-9) * (bottom - 40) + 20
    pixels[curve.astype(int), np.arange(left + 2, width - 6)] = 30
    for tick in range(5):
        pixels[10 + tick * (bottom - 20) // 5 : 14 + tick * (bottom - 20) // 5, 1 : left - 4] = 0
        pixels[bottom + 3 : height - 2, left + tick * (width - left - 20) // 5 :][:, :6] = 0
    return Image.fromarray(pixels)


def grid(rows: int, columns: int, gutter: int, kind: str = "photo", side: int = 200) -> Image.Image:
    """Return a grid of panels on white."""
    draw = {"photo": photo, "plot": plot}[kind]
    size = (columns * side + (columns - 1) * gutter, rows * side + (rows - 1) * gutter)
    image = Image.new("L", size, 255)
    for row in range(rows):
        for column in range(columns):
            panel = draw(side, side, row * columns + column)
            image.paste(panel, (column * (side + gutter), row * (side + gutter)))
    return image


@pytest.mark.parametrize("kind", ["photo", "plot"])
@pytest.mark.parametrize(("rows", "columns"), [(1, 1), (1, 2), (2, 1), (2, 2), (1, 3), (3, 1), (2, 3), (3, 2), (4, 4)])
def test_grids_are_counted(rows: int, columns: int, kind: str) -> None:
    assert estimate_num_panels(grid(rows, columns, 24, kind)) == rows * columns


def test_a_grid_in_colour_with_a_margin_is_counted() -> None:
    image = Image.new("RGB", (700, 500), "white")
    image.paste(grid(2, 2, 20), (60, 40))
    assert estimate_num_panels(image) == 4


def test_rows_of_unequal_grids_are_counted() -> None:
    image = Image.new("L", (620, 420), 255)
    image.paste(grid(1, 3, 10), (0, 0))
    image.paste(photo(300, 200, 7), (0, 220))
    image.paste(photo(300, 200, 8), (320, 220))
    assert estimate_num_panels(image) == 5


@pytest.mark.parametrize("seed", range(10))
def test_single_images_are_one(seed: int) -> None:
    assert estimate_num_panels(photo(500, 400, seed)) == 1
    assert estimate_num_panels(plot(500, 400, seed)) == 1


def test_panels_that_touch_are_not_seen() -> None:
    assert estimate_num_panels(grid(2, 2, 0)) == 1


@pytest.mark.parametrize(("gutter", "expected"), [(4, 1), (8, 2)])
def test_a_gutter_has_to_be_a_share_of_the_side(gutter: int, expected: int) -> None:
    assert estimate_num_panels(grid(1, 2, gutter, side=298)) == expected


@pytest.mark.parametrize(("width", "expected"), [(100, 1), (160, 2)])
def test_a_piece_has_to_be_a_share_of_the_side(width: int, expected: int) -> None:
    image = Image.new("L", (600, 300), 255)
    image.paste(photo(width, 300, 1), (0, 0))
    image.paste(photo(600 - width - 30, 300, 2), (width + 30, 0))
    assert estimate_num_panels(image) == expected


@pytest.mark.parametrize("size", [(1, 1), (1, 900), (2000, 3)])
@pytest.mark.parametrize("grey", [0, 255])
def test_plain_and_thin_images_are_one(size: tuple[int, int], grey: int) -> None:
    assert estimate_num_panels(Image.new("L", size, grey)) == 1


def test_a_copy_twice_as_large_has_as_many() -> None:
    image = grid(2, 3, 24)
    assert estimate_num_panels(image.resize((image.width * 2, image.height * 2))) == 6


@settings(deadline=None, max_examples=100)
@given(st.integers(1, 700), st.integers(1, 700), st.integers(0, 2**31 - 1), st.floats(0, 1))
def test_there_are_at_least_one_and_at_most_sixteen(width: int, height: int, seed: int, blank: float) -> None:
    random = np.random.RandomState(seed)
    pixels = np.zeros((height, width), np.uint8)
    pixels[random.rand(height) < blank] = 255
    pixels[:, random.rand(width) < blank] = 255
    assert 1 <= estimate_num_panels(Image.fromarray(pixels)) <= 16
