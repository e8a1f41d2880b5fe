"""Hashes by which near duplicates are found, from the grey of an image.

Two hashes of 256 bits an image: of the whole and of its content box, the part without a plain
frame. They compare by the number of bits that differ. Whoever changes a step of them (a filter,
a size, Pillow's resampling) changes every hash and has to change `HASH_VERSION` with it.
"""

import math

import numpy as np
import scipy.fft
from PIL import Image

from pmc15m.images.resize import Pixels, resize_rows_first, shrink

HASH_VERSION = "dct256-1"

Box = tuple[int, int, int, int]
"""Left, top, right, bottom in px; right and bottom are outside."""

_HASH_SIDE = 16
_DCT_SIDE = 64
_TRIM_SIDE_PX = 512
_TRIM_TOLERANCE = 40
_TRIM_PASSES = 2  # a black line round a white margin
_MIN_FRAME_SHARE = 0.6
_MIN_CONTENT_SHARE = 0.004


def dct_hash(grey: Image.Image) -> bytes:
    """Return 32 bytes, 16 x 16 bits row by row: low DCT coefficients above their median.

    Bit for bit `imagehash.phash(image, hash_size=16)` on Pillow 12; an image without structure sets fewer
    than 24 bits, a sound one 128, an exactly symmetric one 64 or 32.
    """
    return _hash(np.asarray(_grey(grey)))


def _hash(pixels: Pixels) -> bytes:
    small = shrink(pixels, _DCT_SIDE).astype(np.float64)
    low = scipy.fft.dct(scipy.fft.dct(small, axis=0), axis=1)[:_HASH_SIDE, :_HASH_SIDE]
    return np.packbits(low > np.median(low)).tobytes()


def content_hash(grey: Image.Image) -> bytes:
    """Return the `dct_hash` of the content box."""
    return hash_pair(grey)[1]


def hash_pair(grey: Image.Image) -> tuple[bytes, bytes]:
    """Return `dct_hash` and `content_hash`, which are one where there is no plain frame."""
    grey = _grey(grey)
    pixels = np.asarray(grey)
    whole = _hash(pixels)
    left, top, right, bottom = box = content_box(grey)
    return whole, whole if box == (0, 0, *grey.size) else _hash(pixels[top:bottom, left:right])


def content_box(grey: Image.Image) -> Box:
    """Return the box without a plain frame, the whole image if there is none.

    Measured on a copy of at most 512 px, so that JPEG ringing does not count as content.
    """
    grey = _grey(grey)
    width, height = grey.size
    scale = min(1.0, _TRIM_SIDE_PX / max(width, height))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    small = resize_rows_first(grey, size, Image.Resampling.BOX)
    left, top, right, bottom = 0, 0, small.width, small.height
    pixels = np.asarray(small)
    for _ in range(_TRIM_PASSES):
        inner = _trim(pixels[top:bottom, left:right])
        left, top, right, bottom = left + inner[0], top + inner[1], left + inner[2], top + inner[3]
    return (
        left * width // small.width,
        top * height // small.height,
        -(-right * width // small.width),
        -(-bottom * height // small.height),
    )


def grey_std(counts: list[int]) -> float:
    """Return the standard deviation of grey, 0 to 127.5, from whole numbers: the same everywhere.

    Args:
        counts: pixels of each grey value, as `Image.histogram` gives them.
    """
    num_pixels = sum(counts)
    total = sum(value * count for value, count in enumerate(counts))
    squares = sum(value * value * count for value, count in enumerate(counts))
    return math.sqrt(num_pixels * squares - total * total) / num_pixels


def _grey(image: Image.Image) -> Image.Image:
    return image if image.mode == "L" else image.convert("L")


def _trim(pixels: Pixels) -> Box:
    """Return the box of what differs from the outer frame; all if the frame is not plain or nothing differs."""
    height, width = pixels.shape
    whole = (0, 0, width, height)
    frame = np.concatenate([pixels[0], pixels[-1], pixels[1:-1, 0], pixels[1:-1, -1]])
    plain = float(np.median(frame))
    low, high = max(0, math.ceil(plain - _TRIM_TOLERANCE)), min(255, math.floor(plain + _TRIM_TOLERANCE))
    if np.count_nonzero((frame >= low) & (frame <= high)) / frame.size < _MIN_FRAME_SHARE:
        return whole
    differs = (pixels < low) | (pixels > high)
    rows = np.flatnonzero(np.count_nonzero(differs, axis=1) / width >= _MIN_CONTENT_SHARE)
    columns = np.flatnonzero(np.count_nonzero(differs, axis=0) / height >= _MIN_CONTENT_SHARE)
    if not rows.size or not columns.size:
        return whole
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1
