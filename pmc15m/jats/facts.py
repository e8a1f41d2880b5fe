"""The facts of an article: what attribution and the tables of a release need."""

import re

from lxml import etree

from pmc15m.jats.figs import first_child
from pmc15m.jats.links import Links
from pmc15m.jats.text import clean_text
from pmc15m.records import Article, Package, article_order

_Element = etree._Element

_YEAR = re.compile(r"1[6-9]\d\d|2[01]\d\d")
_PMID = re.compile(r"\d{1,18}")  # fits 64 bits

MAX_AUTHORS = 3
"""Authors named in a citation before "et al."."""

ARTICLE_URL = "https://pmc.ncbi.nlm.nih.gov/articles/{pmcid}/"
DOI_URL = "https://doi.org/{doi}"

MADE_UP_FROM = 10**12
"""Numbers from here on are no PMCIDs of PMC: preprints of archives get them (acquire.repack)."""


def read_facts(article: _Element, package: Package, links: Links) -> Article:
    """Return the facts, from the metadata where it has them and from the XML where it has not."""
    meta = first_child(article, "front", "article-meta")
    if meta is None:
        meta = etree.Element("article-meta")
    title = package.title or _text(first_child(meta, "title-group", "article-title"), links)
    journal_meta = first_child(article, "front", "journal-meta")
    journal = next(journal_meta.iter("journal-title"), None) if journal_meta is not None else None
    journal_text = _text(journal, links)
    year = _year(meta)
    doi = package.doi or _article_id(meta, "doi")
    pmid = package.pmid
    if pmid is None and _PMID.fullmatch(digits := _article_id(meta, "pmid") or ""):
        pmid = int(digits)
    return Article(
        pmcid=package.ref.pmcid,
        version=package.ref.version,
        doi=doi,
        pmid=pmid,
        title=title,
        journal=journal_text,
        year=year,
        article_type=str(article.get("article-type")) if article.get("article-type") else None,
        citation=_citation(_authors(meta, links), title, package.citation or _source(journal_text, year, doi)),
        article_url=_url(package.ref.pmcid, doi),
    )


def _url(pmcid: str, doi: str | None) -> str:
    is_made_up = article_order(pmcid) >= MADE_UP_FROM and doi is not None
    return DOI_URL.format(doi=doi) if is_made_up else ARTICLE_URL.format(pmcid=pmcid)


def _text(element: _Element | None, links: Links) -> str | None:
    return (clean_text(element, links) or None) if element is not None else None


def _article_id(meta: _Element, kind: str) -> str | None:
    for element in meta.iterchildren("article-id"):
        if element.get("pub-id-type") == kind and element.text and element.text.strip():
            return str(element.text.strip())
    return None


def _year(meta: _Element) -> int | None:
    """Return the earliest year of publication; the date of release in PMC is none."""
    years = []
    for date in meta.iterchildren("pub-date"):
        year = first_child(date, "year")
        text = (year.text or "").strip() if year is not None else ""
        if date.get("pub-type") != "pmc-release" and _YEAR.fullmatch(text):
            years.append(int(text))
    return min(years, default=None)


def _authors(meta: _Element, links: Links) -> str:
    names: list[str] = []
    contribs = (contrib for group in meta.iterchildren("contrib-group") for contrib in group.iterchildren("contrib"))
    for contrib in contribs:
        if contrib.get("contrib-type", "author") != "author":
            continue
        if surname := _text(first_child(contrib, "name", "surname"), links):
            given = _text(first_child(contrib, "name", "given-names"), links)
            initials = "".join(part[0] for part in (given or "").replace("-", " ").split())
            names.append(f"{surname} {initials}".strip())
        elif collab := _text(first_child(contrib, "collab"), links):
            names.append(collab)
        if len(names) > MAX_AUTHORS:
            return ", ".join([*names[:MAX_AUTHORS], "et al"])
    return ", ".join(names)


def _source(journal: str | None, year: int | None, doi: str | None) -> str:
    parts = [journal, str(year) if year else None, f"doi: {doi}" if doi else None]
    return ". ".join(part for part in parts if part)


def _citation(authors: str, title: str | None, source: str) -> str:
    """Return authors, title and source as sentences: what CC BY asks to be named."""
    parts = (part.strip().rstrip(".") for part in (authors, title or "", source) if part and part.strip())
    return ". ".join(parts)
