"""An estimate of how many panels a figure has, for a column of the release; nothing is cropped.

A recursive XY cut on white rows and columns. It sees grids on white. It
does not see panels that touch or stand on a dark ground, and takes a table set wide for panels.
"""

import numpy as np
from PIL import Image

_SIDE_PX = 600  # at least, of the longer side, of what is looked at
_BLANK_GREY = 227
_MIN_GUTTER = 0.012  # of the side of the image
_MIN_PIECE = 0.22  # of the side of the image

_Blank = np.ndarray[tuple[int, ...], np.dtype[np.bool_]]


def estimate_num_panels(grey: Image.Image) -> int:
    """Return the number of pieces between white gutters, at least 1."""
    grey = grey if grey.mode == "L" else grey.convert("L")
    factor = max(grey.size) // _SIDE_PX
    blank = np.asarray(grey.reduce(factor) if factor > 1 else grey) >= _BLANK_GREY
    return max(1, _count_pieces(blank, blank.shape))


def _count_pieces(blank: _Blank, sides: tuple[int, ...]) -> int:
    """Return the number of pieces of a part of an image whose sides (height, width) are given."""
    rows = np.flatnonzero(~blank.all(axis=1))
    if not rows.size:
        return 0
    columns = np.flatnonzero(~blank.all(axis=0))
    part = blank[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    gutters = [gutter for axis in (0, 1) for gutter in _find_gutters(part, axis, sides[axis])]
    if not gutters:
        return 1
    _, axis, start, end = max(gutters, key=lambda gutter: gutter[0])  # the widest; of equals the first
    first, last = (part[:start], part[end:]) if axis == 0 else (part[:, :start], part[:, end:])
    return _count_pieces(first, sides) + _count_pieces(last, sides)


def _find_gutters(part: _Blank, axis: int, side: int) -> list[tuple[int, int, int, int]]:
    """Return (width, axis, start, end) of blank runs wide enough, with enough on both sides."""
    is_blank = part.all(axis=1 - axis).astype(np.int8)
    edges = np.flatnonzero(np.diff(is_blank))  # a trimmed part neither starts nor ends blank
    length, min_piece = part.shape[axis], _MIN_PIECE * side
    return [
        (end - start, axis, start, end)
        for start, end in zip((edges[::2] + 1).tolist(), (edges[1::2] + 1).tolist(), strict=True)
        if end - start >= _MIN_GUTTER * side and start >= min_piece and length - end >= min_piece
    ]
