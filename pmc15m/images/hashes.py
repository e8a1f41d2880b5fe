"""Hashes by which near duplicates are found, from the grey of an image.

Two hashes of 256 bits an image: of the whole and of its content box, the part without a plain
frame. They compare by the number of bits that differ. Whoever changes a step of them (a filter,
a size, Pillow's resampling) changes every hash and has to change `HASH_VERSION` with it.
"""

import math

import numpy as np
import numpy.typing as npt
import scipy.fft
from PIL import Image

from pmc15m.images.resize import Pixels, resize_rows_first, shrink

HASH_VERSION = "dct256-2"

Box = tuple[int, int, int, int]
"""Left, top, right, bottom in px; right and bottom are outside."""

_HASH_SIDE = 16
_DCT_SIDE = 64
_TRIM_SIDE_PX = 512
_TRIM_TOLERANCE = 40
_TRIM_PASSES = 5  # frames in frames: a white border round a black line round a margin
_MIN_TRIM_SIDE_PX = 8
_MIN_FRAME_SHARE = 0.5
_MIN_CONTENT_SHARE = 0.004
_MIN_BOX_SHARE = 0.1  # a smaller box is no picture


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

    Looked for on a copy of at most 512 px, so that JPEG ringing does not count as content, frame by frame
    until there is none; each side that moves is set to the pixel on the image itself.
    """
    grey = _grey(grey)
    width, height = grey.size
    scale = min(1.0, _TRIM_SIDE_PX / max(width, height))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    small = np.asarray(resize_rows_first(grey, size, Image.Resampling.BOX))
    pixels = np.asarray(grey)
    box = (0, 0, width, height)
    for _ in range(_TRIM_PASSES):
        trimmed = _trim(pixels, small, box)
        if trimmed == box:
            break
        box = trimmed
    # Of a pale micrograph nothing may be left but its scale bar, which is that of others too.
    area = (box[2] - box[0]) * (box[3] - box[1])
    return box if area >= _MIN_BOX_SHARE * width * height else (0, 0, width, height)


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


def _trim(pixels: Pixels, small: Pixels, box: Box) -> Box:
    """Return the box of what differs from the outer frame of a box; the same box if that is not plain.

    Args:
        pixels: of the image, `[H, W]`.
        small: of a copy.
        box: where to look, in px of the image.
    """
    height, width = pixels.shape
    small_height, small_width = small.shape
    # Pixels of the copy that lie in the box whole: others are a mixture with what was trimmed.
    left, top = -(-box[0] * small_width // width), -(-box[1] * small_height // height)
    right, bottom = box[2] * small_width // width, box[3] * small_height // height
    inner = small[top:bottom, left:right]
    if min(inner.shape) < _MIN_TRIM_SIDE_PX:
        return box
    frame = np.concatenate([inner[0], inner[-1], inner[1:-1, 0], inner[1:-1, -1]])
    plain = float(np.median(frame))
    if np.count_nonzero(_differs(frame, plain)) / frame.size > 1 - _MIN_FRAME_SHARE:
        return box
    differs = _differs(inner, plain)
    rows, columns = _content(differs), _content(differs.T)
    if not rows.size or not columns.size:
        return box
    reach_px = -(-max(height, width) // max(small_height, small_width)) + 1
    found = (
        (left + int(columns[0])) * width // small_width if columns[0] else box[0],
        (top + int(rows[0])) * height // small_height if rows[0] else box[1],
        -(-(left + int(columns[-1]) + 1) * width // small_width) if columns[-1] + 1 < inner.shape[1] else box[2],
        -(-(top + int(rows[-1]) + 1) * height // small_height) if rows[-1] + 1 < inner.shape[0] else box[3],
    )
    return _refine(pixels, box, found, plain, reach_px)


def _content(differs: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
    """Return the rows with enough in them to count as content."""
    counts = np.add.reduce(differs.view(np.uint8), axis=1, dtype=np.uint32)  # several times faster than count_nonzero
    return np.flatnonzero(counts / differs.shape[1] >= _MIN_CONTENT_SHARE)


def _differs(pixels: Pixels, plain: float) -> npt.NDArray[np.bool_]:
    low, high = max(0, math.ceil(plain - _TRIM_TOLERANCE)), min(255, math.floor(plain + _TRIM_TOLERANCE))
    return (pixels - np.uint8(low)) > np.uint8(high - low)  # whole numbers wrap round: below `low` is large too


def _refine(pixels: Pixels, box: Box, found: Box, plain: float, reach_px: int) -> Box:
    """Return a box that was found in a box with each side that moved at the outermost line that differs."""
    left, top, right, bottom = found
    rows, columns = pixels[:, left:right], pixels[top:bottom].T
    height, width = pixels.shape
    if left > box[0]:
        left = _edge(columns, left, box[0], plain, reach_px)
    if right < box[2]:
        right = width - _edge(columns[::-1], width - right, width - box[2], plain, reach_px)
    if top > box[1]:
        top = _edge(rows, top, box[1], plain, reach_px)
    if bottom < box[3]:
        bottom = height - _edge(rows[::-1], height - bottom, height - box[3], plain, reach_px)
    return left, top, right, bottom


def _edge(lines: Pixels, at: int, first: int, plain: float, reach_px: int) -> int:
    """Return the first line that differs from the frame among those near `at`, from `first` on."""
    start = max(first, at - reach_px)
    near = _content(_differs(lines[start : at + reach_px + 1], plain))
    return start + int(near[0]) if near.size else at
