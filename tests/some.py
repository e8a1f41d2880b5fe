"""Some record of each kind, complete; a test names the values that it is about."""

import hashlib
from dataclasses import replace
from typing import Any

from pmc15m.curate.candidates import Candidate
from pmc15m.jats.reader import read_article
from pmc15m.records import (
    Article,
    ArticleRef,
    Decision,
    Figure,
    ImageInfo,
    MediaFile,
    Mention,
    Package,
    Pair,
    Reason,
    Reject,
    Stage,
)

BY = "https://creativecommons.org/licenses/by/4.0/"
XLINK = 'xmlns:xlink="http://www.w3.org/1999/xlink"'


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def article(**changes: Any) -> Article:
    made = Article(
        pmcid="PMC7",
        version=1,
        doi="10.5555/mill.7",
        pmid=70,
        title="Mills of the north",
        journal="Journal of Mills",
        year=2019,
        article_type="research-article",
        citation="Miller A. Mills of the north. Journal of Mills. 2019",
        article_url="https://pmc.ncbi.nlm.nih.gov/articles/PMC7/",
        first_author="Miller",
        related=(),
        is_preprint=False,
        is_manuscript=False,
    )
    return replace(made, **changes)


def figure(key: str = "PMC7_0001_01", **changes: Any) -> Figure:
    made = Figure(
        key=key,
        article=article(pmcid=key.split("_", maxsplit=1)[0]),
        fig_id="F1",
        label="Figure 1",
        caption="A mill by the river in early spring.",
        mentions=(Mention("Figure 1 shows a mill.", "Results > Mills"), Mention("See Figure 1.", None)),
        kind="figure",
        graphic="mill.jpg",
        graphic_md5=None,
        location="PMC7.1",
        part=1,
        num_parts=1,
        license="CC BY",
        license_url=BY,
        article_license="CC BY",
        rights_flags=(),
        rights_phrases=(),
        panel_labels=("A", "B"),
        caption_language="en",
    )
    return replace(made, **changes)


def image(**changes: Any) -> ImageInfo:
    made = ImageInfo(
        format="JPEG",
        mode="RGB",
        width_px=640,
        height_px=480,
        is_upright=True,
        num_bytes=12_345,
        sha256=digest("file"),
        pixel_sha256=digest("pixels"),
        phash=bytes(range(32)),
        phash_content=bytes(range(32, 64)),
        grey_std=41.5,
        white_fraction=0.25,
        white_cells_fraction=0.125,
        mode_fraction=0.0625,
        edge_fraction=0.03125,
        num_colors=1_234,
        num_panels_estimate=2,
    )
    return replace(made, **changes)


def pair(key: str = "PMC7_0001_01", **changes: Any) -> Pair:
    """Return a pair; changes may be of its figure or of its image."""
    of_image = {name: changes.pop(name) for name in list(changes) if name in ImageInfo.__slots__}
    return Pair(figure(key, **changes), image(**of_image))


def decision(key: str = "PMC7_0001_01", **changes: Any) -> Decision:
    return replace(Decision(key, "train", key, key.split("_", maxsplit=1)[0], ()), **changes)


def reject(key: str = "PMC7_0001_01", **changes: Any) -> Reject:
    made = Reject(key, "PMC7", 1, "F1", Stage.EXTRACT, Reason.NO_CAPTION, "graphic 'mill.jpg'")
    return replace(made, **changes)


def candidate(key: str = "PMC7_0001_01", **changes: Any) -> Candidate:
    made = Candidate(
        key=key,
        pmcid=key.split("_", maxsplit=1)[0],
        version=1,
        fig_id="F1",
        kind="figure",
        license="CC BY",
        article_license="CC BY",
        rights_flags=(),
        rights_phrases=(),
        format="JPEG",
        width_px=640,
        height_px=480,
        sha256=digest("file"),
        pixel_sha256=digest("pixels"),
        phash=bytes(range(32)),
        phash_content=bytes(range(32, 64)),
        grey_std=41.5,
        white_cells_fraction=0.125,
        mode_fraction=0.0625,
        doi="10.5555/mill.7",
        title_digest=None,
        first_author="Miller",
        related=(),
        is_preprint=False,
        is_manuscript=False,
        caption_digest=bytes(range(16)),
        is_boilerplate=False,
        num_chars=36,
        num_words=8,
        file="pairs-0.parquet",
        row_group=0,
        row=0,
    )
    return replace(made, **changes)


def package(media: tuple[str, ...] = ("mill.jpg",), **changes: Any) -> Package:
    made = Package(
        ref=ArticleRef("PMC7", 1, "PMC7.1"),
        xml_md5=None,
        media=tuple(MediaFile(name, None) for name in sorted(media)),
        doi=None,
        pmid=None,
        title=None,
        citation=None,
        license="CC BY",
        is_open_access=True,
        is_retracted=False,
        is_manuscript=False,
    )
    return replace(made, **changes)


def element(inside: str, name: str = "p") -> Any:
    """Return an element of that content, out of an article that declares the usual prefixes."""
    xml = (
        f'<article {XLINK} xmlns:mml="http://www.w3.org/1998/Math/MathML" xmlns:ali="http://www.niso.org/schemas/ali/1.0/">'
        f"<{name}>{inside}</{name}></article>"
    )
    return read_article(xml.encode(), 2**24)[0]


def article_xml(body: str = "", permissions: str = "", meta: str = "", attributes: str = "") -> bytes:
    """Return an article with these parts."""
    return (
        f'<article {XLINK} xmlns:ali="http://www.niso.org/schemas/ali/1.0/" {attributes}>'
        "<front><journal-meta><journal-title-group><journal-title>Journal of Mills</journal-title>"
        f"</journal-title-group></journal-meta><article-meta>{meta}{permissions}</article-meta></front><body>{body}</body></article>"
    ).encode()


def fig_xml(
    fig_id: str = "F1",
    label: str = "Figure 1.",
    caption: str = "A mill by the river in early spring.",
    hrefs: tuple[str, ...] = ("mill",),
    more: str = "",
) -> str:
    """Return a fig."""
    graphics = "".join(f'<graphic xlink:href="{href}"/>' for href in hrefs)
    text = f"<caption><p>{caption}</p></caption>" if caption else ""
    return f'<fig id="{fig_id}"><label>{label}</label>{text}{graphics}{more}</fig>'


def permissions_xml(url: str = BY) -> str:
    """Return permissions that name a licence by its URL."""
    return f'<permissions><license xlink:href="{url}"><license-p>See the link.</license-p></license></permissions>'
