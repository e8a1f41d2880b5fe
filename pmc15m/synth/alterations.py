"""What becomes of a figure that is used again: the very pixels in another file, or a picture that looks the same."""

import io
from enum import StrEnum

from PIL import Image, ImageOps

BORDER_PX = 20
_QUALITIES = {"jpeg75": 75, "jpeg90": 90}
_QUALITY = 92  # where the alteration is not the quality itself
_COMMENT = b"Made for the web edition"


class Alteration(StrEnum):
    """One thing done to a JPEG before it is used again."""

    NONE = ""
    COMMENT = "comment"  # other bytes, the same pixels
    JPEG75 = "jpeg75"
    JPEG90 = "jpeg90"
    HALF = "half"
    THREE_QUARTERS = "three_quarters"
    BORDER = "border"
    GREY_HALF = "grey_half"


NEAR = (Alteration.JPEG75, Alteration.JPEG90, Alteration.HALF, Alteration.THREE_QUARTERS, Alteration.BORDER)
"""Alterations that leave a picture a near duplicate of the original, in colour."""

_SCALES = {Alteration.HALF: (1, 2), Alteration.GREY_HALF: (1, 2), Alteration.THREE_QUARTERS: (3, 4)}


def altered_size(size: tuple[int, int], alteration: Alteration) -> tuple[int, int]:
    """Return the size of an altered picture."""
    if alteration == Alteration.BORDER:
        return size[0] + 2 * BORDER_PX, size[1] + 2 * BORDER_PX
    times, by = _SCALES.get(alteration, (1, 1))
    return size[0] * times // by, size[1] * times // by


def alter_jpeg(jpeg: bytes, alteration: Alteration) -> bytes:
    """Return the JPEG that an alteration makes of another, as one who has nothing but the file would."""
    if alteration == Alteration.COMMENT:
        return jpeg[:2] + b"\xff\xfe" + (len(_COMMENT) + 2).to_bytes(2, "big") + _COMMENT + jpeg[2:]
    with Image.open(io.BytesIO(jpeg), formats=("JPEG",)) as image:
        size = altered_size(image.size, alteration)
        altered: Image.Image = image
        if alteration == Alteration.BORDER:
            altered = ImageOps.expand(image, BORDER_PX, "white")
        elif size != image.size:
            altered = image.resize(size, Image.Resampling.LANCZOS)
        if alteration == Alteration.GREY_HALF:
            altered = altered.convert("L")
        out = io.BytesIO()
        altered.save(out, "JPEG", quality=_QUALITIES.get(alteration, _QUALITY))
    return out.getvalue()
