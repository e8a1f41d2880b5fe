"""What can be wrong with an article on request, and what a right pipeline says to each."""

from enum import StrEnum
from typing import TypeAlias

from pmc15m.records import Reason, Stage

Outcome: TypeAlias = tuple[Stage, Reason]


class Fault(StrEnum):
    """One thing wrong, or odd, in one article."""

    # of the article's files
    XML_TRUNCATED = "xml_truncated"
    XML_HTML = "xml_html"
    XML_EMPTY = "xml_empty"
    XML_ENTITY = "xml_entity"
    XML_MISSING = "xml_missing"
    XML_MD5 = "xml_md5"
    JSON_MISSING = "json_missing"
    JSON_BROKEN = "json_broken"
    JSON_OTHER = "json_other"
    RETRACTED = "retracted"
    SUPERSEDED = "superseded"
    NO_FIGURES = "no_figures"
    # of one fig
    NO_CAPTION = "no_caption"
    NO_GRAPHIC = "no_graphic"
    TABLE_LABEL = "table_label"
    SHORT_CAPTION = "short_caption"
    OWN_RIGHTS = "own_rights"
    OWN_NC = "own_nc"
    # of the article's licence
    LICENSE_NC = "license_nc"
    LICENSE_ND = "license_nd"
    # of one image
    MEDIA_UNLISTED = "media_unlisted"
    MEDIA_LOST = "media_lost"
    IMAGE_MD5 = "image_md5"
    IMAGE_TRUNCATED = "image_truncated"
    IMAGE_EMPTY = "image_empty"
    IMAGE_HTML = "image_html"
    IMAGE_EPS = "image_eps"
    IMAGE_PDF = "image_pdf"
    IMAGE_TINY = "image_tiny"
    IMAGE_BOMB = "image_bomb"
    IMAGE_SCANS = "image_scans"
    # odd, but right
    IMAGE_CMYK = "image_cmyk"
    IMAGE_16BIT = "image_16bit"
    IMAGE_ROTATED = "image_rotated"
    IMAGE_MPO = "image_mpo"
    IMAGE_ANIMATED = "image_animated"
    IMAGE_ALPHA = "image_alpha"


ARTICLE_OUTCOMES: dict[Fault, Outcome] = {
    Fault.XML_TRUNCATED: (Stage.EXTRACT, Reason.XML_SYNTAX),
    Fault.XML_HTML: (Stage.EXTRACT, Reason.XML_SYNTAX),
    Fault.XML_EMPTY: (Stage.EXTRACT, Reason.XML_SYNTAX),
    Fault.XML_ENTITY: (Stage.EXTRACT, Reason.XML_SYNTAX),
    Fault.XML_MISSING: (Stage.EXTRACT, Reason.NOT_FOUND),
    Fault.XML_MD5: (Stage.EXTRACT, Reason.MD5_MISMATCH),
    Fault.JSON_MISSING: (Stage.EXTRACT, Reason.NOT_FOUND),
    Fault.JSON_BROKEN: (Stage.EXTRACT, Reason.METADATA_INVALID),
    Fault.JSON_OTHER: (Stage.EXTRACT, Reason.METADATA_MISMATCH),
    Fault.RETRACTED: (Stage.EXTRACT, Reason.RETRACTED),
    Fault.NO_FIGURES: (Stage.EXTRACT, Reason.NO_FIGURES),
}
"""Faults that reject the whole article. `SUPERSEDED` rejects its older version only."""

FIGURE_OUTCOMES: dict[Fault, Outcome] = {
    Fault.NO_CAPTION: (Stage.EXTRACT, Reason.NO_CAPTION),
    Fault.NO_GRAPHIC: (Stage.EXTRACT, Reason.NO_GRAPHIC),
    Fault.TABLE_LABEL: (Stage.EXTRACT, Reason.NOT_A_FIGURE),
    Fault.SHORT_CAPTION: (Stage.CURATE, Reason.CAPTION_TOO_SHORT),
    Fault.OWN_RIGHTS: (Stage.EXTRACT, Reason.NOT_LICENSED),
    Fault.OWN_NC: (Stage.CURATE, Reason.LICENSE),
    Fault.MEDIA_UNLISTED: (Stage.EXTRACT, Reason.GRAPHIC_NOT_IN_PACKAGE),
    Fault.MEDIA_LOST: (Stage.EXTRACT, Reason.IMAGE_NOT_FOUND),
    Fault.IMAGE_MD5: (Stage.EXTRACT, Reason.MD5_MISMATCH),
    Fault.IMAGE_TRUNCATED: (Stage.EXTRACT, Reason.IMAGE_TRUNCATED),
    Fault.IMAGE_EMPTY: (Stage.EXTRACT, Reason.IMAGE_UNREADABLE),
    Fault.IMAGE_HTML: (Stage.EXTRACT, Reason.IMAGE_FORMAT),
    Fault.IMAGE_EPS: (Stage.EXTRACT, Reason.IMAGE_FORMAT),
    Fault.IMAGE_PDF: (Stage.EXTRACT, Reason.IMAGE_FORMAT),
    Fault.IMAGE_TINY: (Stage.CURATE, Reason.IMAGE_TOO_SMALL),
    Fault.IMAGE_BOMB: (Stage.EXTRACT, Reason.IMAGE_TOO_LARGE),
    Fault.IMAGE_SCANS: (Stage.EXTRACT, Reason.IMAGE_TOO_COMPLEX),
}
"""Faults that reject one figure of the article."""

EXTENSIONS: dict[Fault, str] = {
    Fault.IMAGE_BOMB: "png",
    Fault.IMAGE_16BIT: "png",
    Fault.IMAGE_ALPHA: "png",
    Fault.IMAGE_ANIMATED: "gif",
}
"""The extension of the image of a fault, where it is not jpg."""

LICENSE_CODES: dict[Fault, str] = {Fault.LICENSE_NC: "CC BY-NC", Fault.LICENSE_ND: "CC BY-ND"}

_OF_ARTICLE = frozenset(ARTICLE_OUTCOMES) | {Fault.SUPERSEDED} | frozenset(LICENSE_CODES)


def has_target(fault: Fault | None) -> bool:
    """Return whether a fault, or oddity, is in one figure of the article."""
    return fault is not None and fault not in _OF_ARTICLE


def is_of_image(fault: Fault | None) -> bool:
    """Return whether the bytes of one image are made by `fault_images.make_odd_image`."""
    return fault is not None and fault.value.startswith("image_") and fault != Fault.IMAGE_MD5


def parse_faults(text: str) -> tuple[str, ...]:
    """Return the faults of a list like "xml_empty,image_tiny", or all of them for "all".

    Raises:
        ValueError: an unknown name; the message lists the known ones.
    """
    if text == "all":
        return tuple(fault.value for fault in Fault)
    names = tuple(name.strip() for name in text.split(",") if name.strip())
    known = [fault.value for fault in Fault]
    for name in names:
        if name not in known:
            raise ValueError(f"unknown fault {name!r}; known: all, {', '.join(known)}")
    return names
