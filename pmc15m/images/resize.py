"""Resizing that gives the same bits whatever the version of Pillow.

Pillow resizes rows and columns one after the other, each in fixed point. Which comes first changes some
pixels by one, and Pillow 13 takes columns first for tall images where 12 did not.

`shrink` is Pillow 12's Lanczos filter to a small square, bit for bit, some three times as fast for grey. Weights
have 22 bits; the sums are whole numbers below 2**53, so that a matrix product of doubles has them
exactly, in whatever order it adds. A row of weights is short beside the image: outputs are made four
at a time from the pixels that they need, over bands of rows that stay in the cache.
"""

from functools import lru_cache
from typing import Any, TypeAlias

import numpy as np
from PIL import Image

_LOBES = 3  # of the filter, on either side
_BITS = 22  # of a weight
_GROUP = 4
_BAND_ROWS = 256
_TALL = 100  # times as high as wide

Pixels: TypeAlias = "np.ndarray[tuple[int, ...], np.dtype[np.uint8]]"


def resize_rows_first(image: Image.Image, size: tuple[int, int], resampling: Image.Resampling) -> Image.Image:
    """Return an image of another size in px: rows were resized, then columns."""
    return image.resize((size[0], image.height), resampling).resize(size, resampling)


def shrink(pixels: Pixels, side_px: int) -> Pixels:
    """Return grey pixels [height, width] as a square, what `Image.resize` of Pillow 12 makes of them with LANCZOS."""
    height, width = pixels.shape
    if height > _TALL * width and height > side_px:  # Pillow 12 takes columns first there
        return _filter(_filter(pixels.T, height, side_px).T, width, side_px)
    bands = [pixels[top : top + _BAND_ROWS] for top in range(0, height, _BAND_ROWS)]
    rows = np.concatenate([_filter(band, width, side_px) for band in bands])
    return _filter(rows.T, height, side_px).T


def _filter(pixels: Pixels, length: int, side_px: int) -> Pixels:
    """Return rows of pixels [rows, length] as rows of `side_px`."""
    exact = pixels.astype(np.float64)
    sums = np.empty((len(pixels), side_px))
    for first, start, weights in _weights(length, side_px):
        sums[:, first : first + _GROUP] = exact[:, start : start + len(weights)] @ weights
    rounded: Pixels = np.clip(sums.astype(np.int64) + (1 << _BITS - 1) >> _BITS, 0, 255).astype(np.uint8)
    return rounded


@lru_cache(maxsize=8)
def _weights(length: int, side_px: int) -> list[tuple[int, int, Any]]:
    """Return (first output, first pixel, weights [pixels, outputs]) of each group of outputs."""
    scale = length / side_px
    stretch = max(scale, 1.0)
    centers = (np.arange(side_px) + 0.5) * scale
    starts = np.maximum((centers - _LOBES * stretch + 0.5).astype(np.int64), 0)
    ends = np.minimum((centers + _LOBES * stretch + 0.5).astype(np.int64), length)
    places = starts[:, np.newaxis] + np.arange((ends - starts).max())
    wave = _lanczos((places - centers[:, np.newaxis] + 0.5) * (1.0 / stretch))
    wave[places >= ends[:, np.newaxis]] = 0.0
    wave /= np.cumsum(wave, axis=1)[:, -1:]  # added one after the other, as Pillow does
    fixed = np.trunc(wave * (1 << _BITS) + np.copysign(0.5, wave))
    groups = []
    for first in range(0, side_px, _GROUP):
        outputs = range(first, min(first + _GROUP, side_px))
        start, end = int(starts[first]), int(ends[outputs[-1]])
        weights = np.zeros((end - start, len(outputs)))
        for column, output in enumerate(outputs):
            count = int(ends[output] - starts[output])
            weights[starts[output] - start :][:count, column] = fixed[output, :count]
        groups.append((first, start, weights))
    return groups


def _lanczos(x: Any) -> Any:
    """Return the filter at x; numpy's `sinc` is sin(pi x) / (pi x)."""
    return np.where((x >= -_LOBES) & (x < _LOBES), np.sinc(x) * np.sinc(x / _LOBES), 0.0)
