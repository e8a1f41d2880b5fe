"""A tiny source, made by hand: seven article versions and a stranger that give every kind of ending."""

import hashlib
import json
from collections.abc import Callable, Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from tests.some import article_xml, fig_xml, permissions_xml

CC = "https://creativecommons.org/licenses/{}/4.0/"

CONFIG = """
[filters]
licenses = ["CC0", "CC BY", "CC BY-ND"]
min_caption_words = 2

[splits]
salt = "tiny-5"
val_fraction = 0.2
test_fraction = 0.2

[encode]
short_side_px = 100

[shards]
samples_per_shard = 32
"""


def picture(seed: int, width: int = 160, height: int = 120) -> Image.Image:
    """Return a soft colour picture."""
    coarse = np.random.RandomState(seed).randint(0, 256, (6, 8, 3)).astype(np.uint8)
    return Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC)


def packed(image: Image.Image, image_format: str) -> bytes:
    """Return the bytes of an image file."""
    out = BytesIO()
    image.save(out, image_format)
    return out.getvalue()


def write_article(
    source: Path, pmcid: str, xml: bytes, media: Mapping[str, bytes | None], version: int = 1, /, **metadata: Any
) -> None:
    """Write an article version in the layout of the Cloud Service; media of None are listed and not there."""
    name = f"{pmcid}.{version}"
    folder = source / name
    folder.mkdir(parents=True)
    root = f"s3://pmc-oa-opendata/{name}"
    fields = {
        "pmcid": pmcid,
        "version": version,
        "pmid": None,
        "doi": f"10.5555/{name}",
        "title": f"On mills, part {pmcid}",
        "citation": None,
        "is_pmc_openaccess": True,
        "is_manuscript": False,
        "is_retracted": False,
        "license_code": "CC BY",
        "xml_url": f"{root}/{name}.xml?md5={md5(xml)}",
        "media_urls": [f"{root}/{file}" + (f"?md5={md5(data)}" if data else "") for file, data in media.items()],
    }
    files = {f"{name}.xml": xml, f"{name}.json": json.dumps(fields | metadata).encode(), **media}
    for file, data in files.items():
        if data is not None:
            (folder / file).write_bytes(data)


def md5(data: bytes) -> str:
    """Return the md5 as the metadata gives it."""
    return hashlib.md5(data, usedforsecurity=False).hexdigest()


MILL = packed(picture(1), "JPEG")
WHEEL = packed(picture(2), "PNG")
STONE = packed(picture(3, 90, 140), "PNG")


def _one(source: Path) -> None:
    """Two figs, three graphics, a mention of each fig."""
    body = (
        '<sec><title>Results</title><p>A mill is in <xref ref-type="fig" rid="F1">Figure 1</xref>.</p>'
        '<p>Its parts: <xref ref-type="fig" rid="F2">Figure 2</xref>.</p></sec>'
        + fig_xml(caption="Mill, 10<sup>2</sup> years old.", hrefs=("mill",))
        + fig_xml("F2", "Figure 2.", "Wheel and stone of the mill.", ("wheel", "stone.png"))
    )
    xml = article_xml(body, permissions_xml(CC.format("by")), "<pub-date><year>2019</year></pub-date>")
    write_article(source, "PMC1001", xml, {"mill.jpg": MILL, "wheel.png": WHEEL, "stone.png": STONE})


def _two(source: Path) -> None:
    """The mill again, byte for byte under another caption, and the wheel again in another format."""
    body = fig_xml(caption="The same mill seen again.", hrefs=("copy",)) + fig_xml(
        "F2", "Figure 2.", "Wheel and stone of the mill.", ("again",)
    )
    media = {"copy.jpg": MILL, "again.tif": packed(picture(2), "TIFF")}
    write_article(source, "PMC1002", article_xml(body, permissions_xml(CC.format("by"))), media)


def _three_old(source: Path) -> None:
    """A version that a newer one replaces."""
    write_article(source, "PMC1003", article_xml(), {})


def _three(source: Path) -> None:
    """A graphical abstract under a licence that the config does not want."""
    meta = f'<abstract abstract-type="graphical"><p>{fig_xml()}</p></abstract>'
    xml = article_xml(permissions=permissions_xml(CC.format("by-nc")), meta=meta)
    media = {"mill.jpg": packed(picture(4), "JPEG")}
    write_article(source, "PMC1003", xml, media, 2, license_code="CC BY-NC")


def _four(source: Path) -> None:
    """XML that is cut."""
    write_article(source, "PMC1004", article_xml(fig_xml())[:-30], {"mill.jpg": MILL})


def _five(source: Path) -> None:
    """An article that was retracted."""
    xml = article_xml(fig_xml(), permissions_xml())
    write_article(source, "PMC1005", xml, {"mill.jpg": MILL}, is_retracted=True)


def _six(source: Path) -> None:
    """No fig, and a picture that no fig owns."""
    xml = article_xml('<p><graphic xlink:href="ornament.gif"/></p>', permissions_xml())
    write_article(source, "PMC1006", xml, {"ornament.gif": packed(picture(5), "GIF")})


def _seven(source: Path) -> None:
    """Every fault of a fig, and pictures under a licence that allows no change."""
    figs = (
        fig_xml("F1", "Figure 1.", "A dam above the mill."),
        fig_xml("F2", "Figure 2.", ""),
        fig_xml("F3", "Figure 3.", "Not in the package.", ("absent",)),
        fig_xml("F4", "Figure 4.", "Listed, but lost.", ("lost",)),
        fig_xml("F5", "Figure 5.", "Cut in the middle.", ("cut",)),
        fig_xml("F6", "Figure 6.", "A stamp of the mill.", ("stamp",)),
        fig_xml("F7", "Figure 7.", "Word", ("word",)),
    )
    media = {
        "mill.jpg": packed(picture(6), "JPEG"),
        "lost.jpg": None,
        "cut.jpg": packed(picture(7), "JPEG")[:1500],
        "stamp.png": packed(picture(8, 40, 30), "PNG"),
        "word.jpg": packed(picture(9), "JPEG"),
    }
    xml = article_xml("".join(figs), permissions_xml(CC.format("by-nd")))
    write_article(source, "PMC1007", xml, media, license_code="CC BY-ND")


def _eight(source: Path) -> None:
    """An article without metadata, and things that are no articles."""
    (source / "PMC1008.1").mkdir(parents=True)
    (source / "PMC1008.1" / "PMC1008.1.xml").write_bytes(article_xml(fig_xml()))
    (source / "PMC12").mkdir()
    (source / "README.txt").write_text("mills")


ARTICLES: tuple[Callable[[Path], None], ...] = (_one, _two, _three_old, _three, _four, _five, _six, _seven, _eight)


def write_source(source: Path, backwards: bool = False) -> None:
    """Write the source; backwards, the same files come to lie in another order."""
    source.mkdir(parents=True)
    for write in reversed(ARTICLES) if backwards else ARTICLES:
        write(source)
