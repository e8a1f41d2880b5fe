"""What the measurements are made on: generated articles, grown to the size and the markup of real ones."""

import gzip
import json
import os
import random
import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

from lxml import etree

from pmc15m.acquire.metadata import parse_metadata
from pmc15m.jats.figs import href_of
from pmc15m.records import ArticleRef, MediaFile, Package
from pmc15m.synth.articles import SynthArticle, make_article
from pmc15m.synth.config import SynthConfig, pmcid_of
from pmc15m.synth.write import write_article

SMALL_IMAGES = SynthConfig(seed=15, image_scale=0.05)
"""Images of some 15 to 60 pixels: all that is read of them is there, and drawing them is quick."""

SHARED = Path(__file__).resolve().parents[2].parent / "shared"
"""Real articles, where they lie beside the repository."""

# Medians of 180 real articles of 75 to 250 kB: 114 kB, 2,125 elements, 60 paragraphs of which 7 mention a figure,
# with 991 characters each, 417 in a caption; 108 links, 27 sub and sup, 69 italics, 51 references; half is text.
PARAGRAPH_CHARS = 950
CAPTION_CHARS = 200  # on top of what is there
NUM_SECTIONS = 6  # likewise; the first paragraph of each mentions a figure
PARAGRAPHS_PER_SECTION = 6
NUM_REFERENCES = 46  # likewise
TABLE_ROWS, TABLE_COLUMNS = 14, 6  # one table in every second section

_SUBJECTS = ("The second series", "Growth of the controls", "The mean of all plots", "Each section", "A model of flow")
_VERBS = ("did not differ from", "was measured before and after", "followed the course of", "is in line with")
_OBJECTS = (
    "what had been expected of it at the beginning of the season",
    "the samples that were taken in spring, when the water was still cold",
    "that of earlier work on the same sites and with the same instruments",
)
_ASIDES = (
    " (<italic>p</italic>&#160;=&#160;0.03)",
    " (mean &#177; s.d., <italic>n</italic> = 26)",
    ", as in <italic>Arabidopsis thaliana</italic>",
    " at 4&#8201;&#176;C",
    " in 10<sup>5</sup> cells",
    " under CO<sub>2</sub>",
    " &#8211; against all odds &#8211;",
    *[" over the whole of the summer", " in every single one of the years", ""] * 6,
)
_REFERENCE = (
    '<ref id="G{n}"><label>{n}</label><element-citation publication-type="journal" publication-format="print">'
    '<person-group person-group-type="author">{names}</person-group><article-title>{title}</article-title>'
    '<source>Fen Letters</source><year iso-8601-date="{year}">{year}</year><volume>{n}</volume><fpage>{n}1</fpage>'
    '<lpage>{n}9</lpage><pub-id pub-id-type="doi">10.99999/fen.{year}.{n}</pub-id>'
    '<pub-id pub-id-type="pmid">7{year}{n}</pub-id></element-citation></ref>'
)
_SURNAMES = ("Adderley", "M&#252;llner", "Vexley", "Bramwell", "Lindqvar", "O&#8217;Rourke")
_NAME = "<name><surname>{}</surname><given-names>{}</given-names></name>"
_IMAGE = re.compile(r"\.(jpe?g|png|tiff?|gif)$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Article:
    """One article to parse."""

    package: Package
    xml: bytes
    generated: SynthArticle | None  # None for a real one


def generated_articles(count: int) -> list[Article]:
    """Return grown articles that bare lxml can read: those with named entities it cannot."""
    articles: list[Article] = []
    number = 0
    while len(articles) < count:
        generated = make_article(SMALL_IMAGES, number)
        number += 1
        try:
            root = etree.fromstring(generated.files[f"{generated.folder}.xml"])
        except etree.XMLSyntaxError:
            continue
        ref = ArticleRef(generated.pmcid, generated.version, generated.folder)
        package = parse_metadata(ref, generated.files[f"{generated.folder}.json"])
        articles.append(Article(package, _grow(root, random.Random(number)), generated))
    return articles


def real_articles(max_count: int) -> list[Article]:
    """Return real articles of usual size that bare lxml can read; none where there are none."""
    articles: list[Article] = []
    for path in [*sorted(SHARED.glob("corpus/*/*.xml")), *sorted(SHARED.glob("corpus_xml/*.xml.gz"))]:
        xml = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        try:
            root = etree.fromstring(xml)
        except etree.XMLSyntaxError:
            continue
        if root.tag == "article" and 75_000 <= len(xml) <= 250_000:
            articles.append(Article(_package_around(root, len(articles) + 1), xml, None))
    return articles[:: -(-len(articles) // max_count) or 1]


def _package_around(root: etree._Element, number: int) -> Package:
    """Return a package that holds the file of every graphic, without metadata."""
    hrefs = {unquote(href_of(graphic)).rpartition("/")[2] for graphic in root.iter("graphic")}
    names = sorted(href if _IMAGE.search(href) else f"{href}.jpg" for href in hrefs if href)
    pmcid = f"PMC{number}"
    return Package(
        ref=ArticleRef(pmcid, 1, f"{pmcid}.1"),
        xml_md5=None,
        media=tuple(MediaFile(name, None) for name in names),
        doi=None,
        pmid=None,
        title=None,
        citation=None,
        license=None,
        is_open_access=True,
        is_retracted=False,
        is_manuscript=False,
    )


def write_source(folder: Path, count: int, num_distinct: int) -> None:
    """Write articles as the pipeline reads them; beyond the distinct ones they differ by their number alone."""
    for number in range(min(count, num_distinct)):
        write_article(make_article(SMALL_IMAGES, number), folder)
    for number in range(num_distinct, count):
        source = folder / f"{pmcid_of(number % num_distinct)}.1"
        _clone(source, folder / f"{pmcid_of(number)}.1")


def _clone(source: Path, target: Path) -> None:
    target.mkdir()
    for path in source.iterdir():
        if path.suffix == ".json":
            metadata = {**json.loads(path.read_bytes()), "pmcid": target.stem}
            (target / f"{target.name}.json").write_text(json.dumps(metadata), encoding="utf-8")
        else:
            os.link(path, target / path.name.replace(source.name, target.name))


def _grow(article: etree._Element, dice: random.Random) -> bytes:
    """Return an article of real size: longer paragraphs and captions, and more paragraphs, tables and references.

    The figs stay as they are, and every caption and every paragraph that mentions one begins as before; some more
    paragraphs mention one.
    """
    fig_ids = [str(fig.get("id")) for fig in article.iter("fig")]
    for paragraph in [p for p in article.iter("p") if _parent_tag(p) == "sec"]:
        _lengthen(paragraph, PARAGRAPH_CHARS, dice)
    for caption in [caption for caption in article.iter("caption") if _parent_tag(caption) == "fig"]:
        _lengthen(etree.SubElement(caption, "p"), CAPTION_CHARS, dice)
    for body in article.findall("body"):
        body.extend([_section(number, fig_ids, dice) for number in range(NUM_SECTIONS)])
    for references in [*article.iter("ref-list")][:1]:
        references.extend(etree.fromstring(_reference(number, dice)) for number in range(1, NUM_REFERENCES + 1))
    return bytes(etree.tostring(article.getroottree(), xml_declaration=True, encoding="UTF-8"))


def _parent_tag(element: etree._Element) -> str:
    parent = element.getparent()
    return "" if parent is None else str(parent.tag)


def _section(number: int, fig_ids: list[str], dice: random.Random) -> etree._Element:
    sec = etree.Element("sec", id=f"grown{number}")
    etree.SubElement(sec, "title").text = f"More of the same, part {number}"
    first, *others = (etree.SubElement(sec, "p") for _ in range(PARAGRAPHS_PER_SECTION))
    if fig_ids:
        first.text = "Again, see "
        link = {"ref-type": "fig", "rid": fig_ids[number % len(fig_ids)]}
        etree.SubElement(first, "xref", link).text = "there"
    for paragraph in (first, *others):
        _lengthen(paragraph, PARAGRAPH_CHARS, dice)
    if number % 2:
        cells = f"<td align='left'>{number}.5</td>" * TABLE_COLUMNS
        rows = f"<tr>{cells}</tr>" * TABLE_ROWS
        sec.append(etree.fromstring(f"<table-wrap id='T{number}'><table><tbody>{rows}</tbody></table></table-wrap>"))
    return sec


def _lengthen(block: etree._Element, num_chars: int, dice: random.Random) -> None:
    """Append sentences to a paragraph until it has so many characters."""
    sentences, num_left = [], num_chars - len("".join(block.itertext()))
    while num_left > 0:
        sentence = _sentence(dice)
        sentences.append(sentence)
        num_left -= len(re.sub("<[^>]*>|&#[0-9]+", "", sentence))
    more = etree.fromstring(f"<p>{''.join(sentences)}</p>")
    if len(block):
        block[-1].tail = (block[-1].tail or "") + (more.text or "")
    else:
        block.text = (block.text or "") + (more.text or "")
    block.extend(list(more))


def _sentence(dice: random.Random) -> str:
    number = dice.randint(1, NUM_REFERENCES)
    cite = f' [<xref ref-type="bibr" rid="G{number}">{number}</xref>]' if dice.random() < 0.25 else ""
    words = f"{dice.choice(_SUBJECTS)}{dice.choice(_ASIDES)} {dice.choice(_VERBS)} {dice.choice(_OBJECTS)}"
    return f" {words}{dice.choice(_ASIDES)}{cite}."


def _reference(number: int, dice: random.Random) -> str:
    names = "".join(_NAME.format(dice.choice(_SURNAMES), dice.choice("ABEHKM")) for _ in range(dice.randint(3, 7)))
    title = f"{dice.choice(_SUBJECTS)} and {dice.choice(_OBJECTS)}"
    return _REFERENCE.format(n=number, names=names, title=title, year=1990 + number % 30)
