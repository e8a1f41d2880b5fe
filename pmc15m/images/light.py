"""Five numbers that tell line art, dense pictures and blanks apart without a model, as columns of a release.

Sums of whole numbers and one division each, so that every host gives the same bits: an image is
made smaller by `Image.reduce`, which averages square blocks in integers, never by a filter.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image

_WHITE_GREY = 245
_WHITE_CELL_GREY = 243
_NUM_CELLS = 32  # a side
_SIDE_PX = 512  # at most, of the longer side, of the copy that cells and edges are looked for on
_EDGE_STEP = 32  # of grey, between neighbours
_NUM_SAMPLES = 64  # a side


@dataclass(frozen=True, slots=True)
class Light:
    """What can be told of an image without a model."""

    white_fraction: float  # share of pixels of grey 245 and more
    white_cells_fraction: float
    mode_fraction: float  # share of the most frequent grey
    edge_fraction: float
    num_colors: int


def describe_light(image: Image.Image, grey: Image.Image, counts: list[int]) -> Light:
    """Describe an image.

    Args:
        image: canonical pixels, "RGB" or "L".
        grey: the same in mode "L".
        counts: pixels of each grey value, as `Image.histogram` gives them.
    """
    num_pixels = sum(counts)
    factor = -(-max(grey.size) // _SIDE_PX)
    small = np.asarray(grey.reduce(factor) if factor > 1 else grey)
    return Light(
        white_fraction=sum(counts[_WHITE_GREY:]) / num_pixels,
        white_cells_fraction=white_cells_fraction(small),
        mode_fraction=max(counts) / num_pixels,
        edge_fraction=edge_fraction(small),
        num_colors=num_colors(image),
    )


def white_cells_fraction(pixels: Any) -> float:
    """Return the share of white cells of a grid of 32 x 32: above 0.35 it is line art, below a dense picture.

    A cell is white if its mean is at least 243. On a side of fewer than 32 pixels cells repeat pixels.

    Args:
        pixels: grey, uint8 [height, width].
    """
    sums, sizes = pixels, 1
    for axis, length in enumerate(pixels.shape):
        starts = np.arange(_NUM_CELLS) * length // _NUM_CELLS
        lengths = np.maximum(np.diff(starts, append=length), 1)
        sums = np.add.reduceat(sums, starts, axis=axis, dtype=np.int64)
        sizes = sizes * (lengths if axis else lengths[:, np.newaxis])
    return int(np.count_nonzero(sums >= _WHITE_CELL_GREY * sizes)) / _NUM_CELLS**2


def edge_fraction(pixels: Any) -> float:
    """Return the share of pixels that differ by 32 or more from the one right of or below them.

    Args:
        pixels: grey, uint8 [height, width].
    """
    is_edge = np.zeros(pixels.shape, np.bool_)
    is_edge[:, :-1] = _differs(pixels[:, :-1], pixels[:, 1:])
    is_edge[:-1] |= _differs(pixels[:-1], pixels[1:])
    return int(np.count_nonzero(is_edge)) / is_edge.size


def num_colors(image: Image.Image) -> int:
    """Return the number of different colours of 64 x 64 pixels, evenly spaced: 1 to 4096.

    They are those in the middle of 64 equal parts of a side, whose bounds are exact in floating point.
    """
    samples = np.asarray(image.resize((_NUM_SAMPLES, _NUM_SAMPLES), Image.Resampling.NEAREST), np.int32)
    if samples.ndim == 3:
        samples = samples @ np.array([1 << 16, 1 << 8, 1], np.int32)
    return len(np.unique(samples))


def _differs(left: Any, right: Any) -> Any:
    return np.maximum(left, right) - np.minimum(left, right) >= _EDGE_STEP
