"""What the measurements are made on: generated articles, grown to the size and the markup of real ones."""

import random
import re
from dataclasses import dataclass

from lxml import etree

from pmc15m.acquire.metadata import parse_metadata
from pmc15m.records import ArticleRef, Package
from pmc15m.synth.articles import SynthArticle, make_article
from pmc15m.synth.config import SynthConfig

SMALL_IMAGES = SynthConfig(seed=15, image_scale=0.05)
"""Images of some 15 to 60 pixels: what is read of them is all there, and drawing them is quick."""

# Medians of 180 real articles of 75 to 250 kB: 114 kB, 2,125 elements, 60 paragraphs of which 7 mention a figure,
# with 991 characters each, 417 in a caption; 108 links, 27 sub and sup, 69 italics, 51 references; half is text.
PARAGRAPH_CHARS = 950
CAPTION_CHARS = 200  # on top of what is there
NUM_SECTIONS = 6  # likewise; the first paragraph of each mentions a figure
PARAGRAPHS_PER_SECTION = 7
NUM_REFERENCES = 46  # likewise

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


@dataclass(frozen=True, slots=True)
class Article:
    """One article to parse."""

    package: Package
    xml: bytes
    generated: SynthArticle


def xml_articles(count: int) -> list[Article]:
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
        articles.append(Article(package, grow(root, random.Random(number)), generated))
    return articles


def grow(article: etree._Element, dice: random.Random) -> bytes:
    """Return an article of real size: paragraphs and captions as long as real ones, and more paragraphs and references.

    The figs stay as they are, and every caption and every paragraph that mentions one begins as before; some more
    paragraphs mention one.
    """
    fig_ids = [str(fig.get("id")) for fig in article.iter("fig")]
    for paragraph in [p for p in article.iter("p") if _parent_tag(p) == "sec"]:
        _lengthen(paragraph, PARAGRAPH_CHARS, dice)
    for caption in [caption for caption in article.iter("caption") if _parent_tag(caption) == "fig"]:
        _lengthen(etree.SubElement(caption, "p"), CAPTION_CHARS, dice)
    for body in article.findall("body"):
        for number in range(NUM_SECTIONS):
            sec = etree.SubElement(body, "sec", id=f"grown{number}")
            etree.SubElement(sec, "title").text = f"More of the same, part {number}"
            first, *others = (etree.SubElement(sec, "p") for _ in range(PARAGRAPHS_PER_SECTION))
            if fig_ids:
                first.text = "Again, see "
                etree.SubElement(first, "xref", {"ref-type": "fig", "rid": fig_ids[number % len(fig_ids)]}).text = "there"
            for paragraph in (first, *others):
                _lengthen(paragraph, PARAGRAPH_CHARS, dice)
    for references in [*article.iter("ref-list")][:1]:
        references.extend(etree.fromstring(_reference(number, dice)) for number in range(1, NUM_REFERENCES + 1))
    return bytes(etree.tostring(article.getroottree(), xml_declaration=True, encoding="UTF-8"))


def _parent_tag(element: etree._Element) -> str:
    parent = element.getparent()
    return "" if parent is None else str(parent.tag)


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
