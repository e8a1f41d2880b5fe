"""What is the same in two figures by the way they were made, and how alike two captions are."""

import re
from collections.abc import Hashable

from pmc15m.synth.alterations import Alteration
from pmc15m.synth.plan import Media

_WORD = re.compile(r"\w+")
_DENSE = {"Landscape", "Scan", "Micrograph", "Objects", "Slice"}


def file_of(media: Media) -> Hashable:
    """Return what is equal for equal files."""
    extension = "jpg" if media.extension == "jpeg" else media.extension
    encoding = (media.mode, media.quality, media.is_progressive, media.is_repacked, media.alteration)
    return extension, picture_of(media), media.size, encoding


def pixels_of(media: Media) -> Hashable:
    """Return what is equal for equal pixels, however they are packed."""
    is_jpeg = media.is_repacked or media.extension in {"jpg", "jpeg"}
    if is_jpeg:
        is_changed = media.alteration not in {Alteration.NONE, Alteration.COMMENT}
        return "jpg", picture_of(media), media.size, media.quality, media.alteration if is_changed else ""
    is_raw = media.extension in {"tif", "tiff"} or (media.extension == "png" and media.mode == "RGB")
    return "raw" if is_raw else (media.extension, media.mode), picture_of(media), media.size


def picture_of(media: Media) -> tuple[int, str]:
    """Return what is equal for forms of one picture: near duplicates."""
    return media.number, media.purpose


def likeness(one: str, other: str) -> float:
    """Return the Jaccard likeness of two captions, by runs of three words."""
    left, right = (_shingles(words_of(text)) for text in (one, other))
    return len(left & right) / len(left | right)


def words_of(text: str) -> tuple[str, ...]:
    """Return the words of a text, without regard to case and punctuation."""
    return tuple(_WORD.findall(text.casefold()))


def _shingles(words: tuple[str, ...]) -> set[tuple[str, ...]]:
    return {words[i : i + 3] for i in range(max(1, len(words) - 2))}


def is_dense(media: Media) -> bool:
    """Return whether a picture covers its sheet, as photographs and scans do. Of what `casts` draws as dense."""
    return type(media.scene).__name__ in _DENSE
