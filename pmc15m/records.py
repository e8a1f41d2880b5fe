"""The records that flow between steps: frozen, complete when made, text and numbers only.

A record never holds pixels, open files or XML elements. `key` is for ever:
`PMC4991227_0004_01` is the pmcid, the ordinal of the fig in document order and the ordinal of
the graphic in that fig, both counted before any judgement, so that a change of rule never
renames a sample. It holds no dot, because webdataset cuts a key at the first one.
"""

import re
from dataclasses import dataclass
from enum import StrEnum

MAX_DETAIL_CHARS = 500
"""Longest `Reject.detail`; what is longer is cut there, since a detail is never a payload."""

KEY_PATTERN = re.compile(r"^PMC\d+_\d{4,}_\d{2,}$")
ARTICLE_KEY_PATTERN = re.compile(r"^PMC\d+\.\d+$")


class Stage(StrEnum):
    """The DAG that a reject comes from."""

    FETCH = "fetch"
    EXTRACT = "extract"
    CURATE = "curate"
    SHARD = "shard"


class Reason(StrEnum):
    """Why something did not go on: one closed list. README.md explains each."""

    # fetch, of an index row, an article or one of its files
    INDEX_ROW = "index_row"
    FETCH_FAILED = "fetch_failed"
    FETCH_TIMEOUT = "fetch_timeout"
    FORBIDDEN = "forbidden"
    REDIRECT = "redirect"
    CONTENT_ENCODING = "content_encoding"
    TAR_MEMBER = "tar_member"
    TAR_LIMIT = "tar_limit"
    TAR_CORRUPT = "tar_corrupt"
    NOT_SELECTED = "not_selected"
    # fetch or extract, of a whole article
    NOT_FOUND = "not_found"
    METADATA_INVALID = "metadata_invalid"
    METADATA_MISMATCH = "metadata_mismatch"
    MD5_MISMATCH = "md5_mismatch"  # of the XML, or of one image
    SUPERSEDED = "superseded"
    RETRACTED = "retracted"
    TOO_LARGE = "too_large"
    XML_SYNTAX = "xml_syntax"
    NO_FIGURES = "no_figures"
    # extract, of a fig or one of its graphics (jats/RULES.md)
    NOT_A_FIGURE = "not_a_figure"
    NO_GRAPHIC = "no_graphic"
    NO_CAPTION = "no_caption"
    NOT_LICENSED = "not_licensed"
    GRAPHIC_NOT_IN_PACKAGE = "graphic_not_in_package"
    # extract, of an image
    IMAGE_NOT_FOUND = "image_not_found"
    IMAGE_FORMAT = "image_format"
    IMAGE_TOO_LARGE = "image_too_large"
    IMAGE_TOO_COMPLEX = "image_too_complex"
    IMAGE_TRUNCATED = "image_truncated"
    IMAGE_UNREADABLE = "image_unreadable"
    IMAGE_TIMEOUT = "image_timeout"
    DECODER_CRASHED = "decoder_crashed"
    # curate
    LICENSE = "license"
    RIGHTS_FLAG = "rights_flag"
    IMAGE_TOO_SMALL = "image_too_small"
    IMAGE_ASPECT = "image_aspect"
    IMAGE_BLANK = "image_blank"
    BOILERPLATE_CAPTION = "boilerplate_caption"
    CAPTION_TOO_SHORT = "caption_too_short"
    CAPTION_TOO_LONG = "caption_too_long"
    DUPLICATE_FILE = "duplicate_file"
    DUPLICATE_PIXELS = "duplicate_pixels"
    DUPLICATE_IMAGE = "duplicate_image"  # near, not equal
    DUPLICATE_ARTICLE = "duplicate_article"
    REPEATED_IMAGE = "repeated_image"
    WOULD_LEAK = "would_leak"
    EVAL_OVERLAP = "eval_overlap"
    # shard
    NO_DERIVATIVES = "no_derivatives"
    SOURCE_CHANGED = "source_changed"
    WITHDRAWN = "withdrawn"


FAULTS = frozenset(
    (Reason.FETCH_FAILED, Reason.FETCH_TIMEOUT, Reason.FORBIDDEN, Reason.REDIRECT, Reason.CONTENT_ENCODING)
)
"""Reasons that speak of a server rather than of an article: the next run tries again."""


@dataclass(frozen=True, slots=True)
class ArticleRef:
    """One article version of the index."""

    pmcid: str  # "PMC4991227", prefix kept, no version
    version: int  # from 1
    location: str  # folder of its files, relative to the source: "PMC4991227.1"
    etag: str | None = None  # of its metadata JSON, where an inventory tells
    updated: str | None = None  # when that was last changed, ISO 8601, where an inventory tells

    @property
    def key(self) -> str:
        """The article's key, `PMC4991227.1`."""
        return f"{self.pmcid}.{self.version}"


@dataclass(frozen=True, slots=True)
class MediaFile:
    """One media file of a package."""

    name: str  # base name as it lies in the store
    md5: str | None  # 32 lower-case hex digits, from the metadata; None if it gives none


@dataclass(frozen=True, slots=True)
class Package:
    """The files of one article version, and what its metadata JSON says of it."""

    ref: ArticleRef
    xml_md5: str | None
    media: tuple[MediaFile, ...]  # sorted by name
    doi: str | None
    pmid: int | None
    title: str | None
    citation: str | None
    license: str | None  # class by the metadata, "none" where PMC found no licence; None: no metadata
    is_open_access: bool
    is_retracted: bool
    is_manuscript: bool


@dataclass(frozen=True, slots=True)
class Article:
    """What every figure of an article says of its article."""

    pmcid: str
    version: int
    doi: str | None
    pmid: int | None
    title: str | None
    journal: str | None
    year: int | None  # earliest year of publication that the XML gives
    article_type: str | None  # article/@article-type
    citation: str  # ready for attribution; made from the parts when the metadata has none
    article_url: str
    first_author: str | None  # surname, or the name of a group of authors
    related: tuple[str, ...]  # other ids of the same work: "doi:10.1101/...", "pmcid:PMC7", sorted
    is_preprint: bool
    is_manuscript: bool  # the author's, by the metadata


@dataclass(frozen=True, slots=True)
class Figure:
    """One graphic of one fig, with all that the XML says of it."""

    key: str  # "PMC4991227_0004_01"
    article: Article
    fig_id: str | None  # fig/@id
    label: str | None  # fig/label, cleaned
    caption: str  # clean text, never empty
    mentions: tuple["Mention", ...]  # document order
    kind: str  # "figure" or "graphical_abstract"
    graphic: str  # media file name in the package
    graphic_md5: str | None
    location: str  # folder of the package, relative to the source
    part: int  # position among the graphics of the fig, from 1
    num_parts: int
    license: str  # class: "CC BY"; "none" where no licence is known
    license_url: str | None
    article_license: str  # class; a figure's own permissions may be freer, and both have to be wanted
    rights_flags: tuple[str, ...]  # of licenses.RIGHTS_FLAGS, sorted
    rights_phrases: tuple[str, ...]  # "reprinted: Reprinted from ref. 4", sorted
    panel_labels: tuple[str, ...]  # "A", "B": marks of panels found in the caption
    caption_language: str | None  # ISO 639-1; None where nothing is sure


@dataclass(frozen=True, slots=True)
class Mention:
    """A paragraph that links to the figure."""

    text: str  # cleaned like a caption
    section: str | None  # titles from outermost to innermost, joined by " > "


@dataclass(frozen=True, slots=True)
class ImageInfo:
    """What one full decode of an image tells. Hashes: see `images.hashes`."""

    format: str  # "JPEG", "PNG", "GIF" or "TIFF", by content
    mode: str  # Pillow's mode of the file: "RGB", "L", "P", "I;16", ...
    width_px: int  # of the upright image, after EXIF orientation
    height_px: int
    is_upright: bool  # False: EXIF asks for a turn
    num_bytes: int  # of the file
    sha256: str  # of the file
    pixel_sha256: str  # of size and decoded RGB pixels, see images.decode
    phash: bytes  # 32 bytes, whole image
    phash_content: bytes  # 32 bytes, content box
    grey_std: float  # standard deviation of grey, 0 to 127.5
    white_fraction: float  # of pixels of grey 245 and more; this and the next four: see images.light
    white_cells_fraction: float  # of a grid of 32 x 32; line art has more than 0.35
    mode_fraction: float  # of the most frequent grey
    edge_fraction: float  # of pixels unlike their neighbour, at 512 px
    num_colors: int  # at 64 px, 1 to 4096
    num_panels_estimate: int  # from 1


@dataclass(frozen=True, slots=True)
class Pair:
    """A figure and its image."""

    figure: Figure
    image: ImageInfo

    @property
    def key(self) -> str:
        """The figure's key."""
        return self.figure.key


@dataclass(frozen=True, slots=True)
class Decision:
    """What curate decided for a pair that stays."""

    key: str
    split: str  # "train", "val" or "test"
    cluster: str  # smallest key of its duplicate cluster
    split_group: str  # anchor pmcid of its article component
    other_captions: tuple[str, ...]  # captions of dropped duplicates that differ, sorted


@dataclass(frozen=True, slots=True)
class Reject:
    """One thing that did not go on, and why."""

    key: str  # "PMC4991227.1" for an article, "PMC4991227_0004_01" for a pair
    pmcid: str
    version: int
    fig_id: str | None
    stage: Stage
    reason: Reason
    detail: str  # at most MAX_DETAIL_CHARS

    def __post_init__(self) -> None:
        """Cut the detail."""
        object.__setattr__(self, "detail", self.detail[:MAX_DETAIL_CHARS])

    @property
    def is_article(self) -> bool:
        """Whether a whole article was rejected."""
        return ARTICLE_KEY_PATTERN.match(self.key) is not None


@dataclass(frozen=True, slots=True)
class Tally:
    """A number for the report, summed over a stage by name."""

    name: str
    count: int


def make_key(pmcid: str, fig_ordinal: int, graphic_ordinal: int) -> str:
    """Return the key of a pair: `make_key("PMC7", 4, 1)` is `PMC7_0004_01`."""
    return f"{pmcid}_{fig_ordinal:04d}_{graphic_ordinal:02d}"


def article_order(pmcid: str) -> int:
    """Return the number of a pmcid: articles are ordered by it, not by text."""
    return int(pmcid.removeprefix("PMC"))


def key_order(key: str) -> tuple[int, ...]:
    """Return the sort value of a pair's key: by article number, fig, graphic."""
    pmcid, fig, graphic = key.split("_")
    return article_order(pmcid), int(fig), int(graphic)
