"""The facts of an article: what attribution and the tables of a release need."""

import re
from collections.abc import Iterable, Iterator

from lxml import etree

from pmc15m.jats.figs import first_child, href_of, raw_text
from pmc15m.jats.links import Links
from pmc15m.jats.text import clean_text
from pmc15m.records import Article, ArticleRef, MediaFile, Package, article_order

_Element = etree._Element

_YEAR = re.compile(r"1[6-9]\d\d|2[01]\d\d")
_PMID = re.compile(r"\d{1,18}")  # fits 64 bits

_DOI = re.compile(r"10\.\d{4,9}/\S+")
_DOI_END = re.compile(r"[.,;)\]]+$")
_PREPRINT_VERSION = re.compile(r"(?<=\d)v\d+(?:\.full|\.abstract)?$")  # of bioRxiv and medRxiv: 10.1101/...v2
_PMCID = re.compile(r"(?:^|\bPMC)(\d{1,18})(?:\.\d+)?/?$", re.IGNORECASE)

# @related-article-type, or a type of a related-object, that means another form of the very same work. Not
# "companion" (another article), "article-reference", "peer-reviewed-article" (of a report), corrections, comments.
_SAME_WORK = frozenset(
    "preprint reviewed-preprint published-article published-version article-version version version-of-record "
    "accepted-manuscript author-manuscript republished-article".split()
)
_TYPES = ("related-article-type", "content-type", "document-type", "object-type", "link-type")

MAX_AUTHORS = 3
"""Authors named in a citation before "et al."."""

ARTICLE_URL = "https://pmc.ncbi.nlm.nih.gov/articles/{pmcid}/"
DOI_URL = "https://doi.org/{doi}"

MADE_UP_FROM = 10**12
"""Numbers from here on are no PMCIDs of PMC: preprints of archives get them (acquire.repack)."""


def bare_package(ref: ArticleRef, media: Iterable[str] = ()) -> Package:
    """Return the package of an article of which there is no metadata, only the names of its media."""
    return Package(
        ref=ref,
        xml_md5=None,
        media=tuple(MediaFile(name, None) for name in sorted(set(media))),
        doi=None,
        pmid=None,
        title=None,
        citation=None,
        license=None,
        is_open_access=True,
        is_retracted=False,
        is_manuscript=False,
    )


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
    authors = _authors(meta, links)
    return Article(
        pmcid=package.ref.pmcid,
        version=package.ref.version,
        doi=doi,
        pmid=pmid,
        title=title,
        journal=journal_text,
        year=year,
        article_type=str(article.get("article-type")) if article.get("article-type") else None,
        citation=_citation(_named(authors), title, package.citation or _source(journal_text, year, doi)),
        article_url=_url(package.ref.pmcid, doi),
        first_author=authors[0][0] if authors else None,
        related=tuple(sorted(set(_related(meta)) - {f"doi:{(doi or '').lower()}", f"pmcid:{package.ref.pmcid}"})),
        is_preprint=_is_preprint(article, meta, package.ref.pmcid),
        is_manuscript=package.is_manuscript,
    )


def _is_preprint(article: _Element, meta: _Element, pmcid: str) -> bool:
    if article.get("article-type") == "preprint" or article_order(pmcid) >= MADE_UP_FROM:
        return True
    properties = (custom for group in meta.iterchildren("custom-meta-group") for custom in group)
    return any(
        [" ".join(raw_text(part).split()) for part in custom] == ["pmc-prop-preprint", "yes"] for custom in properties
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


def _authors(meta: _Element, links: Links) -> list[tuple[str, str]]:
    """Return surname, or name of a group, and initials of the authors, and no more than a citation needs."""
    names: list[tuple[str, str]] = []
    contribs = (contrib for group in meta.iterchildren("contrib-group") for contrib in group.iterchildren("contrib"))
    for contrib in contribs:
        if contrib.get("contrib-type", "author") != "author":
            continue
        if surname := _text(first_child(contrib, "name", "surname"), links):
            given = _text(first_child(contrib, "name", "given-names"), links)
            initials = "".join(part[0] for part in (given or "").replace("-", " ").split())
            names.append((surname, initials))
        elif collab := _text(first_child(contrib, "collab"), links):
            names.append((collab, ""))
        if len(names) > MAX_AUTHORS:
            break
    return names


def _named(authors: list[tuple[str, str]]) -> str:
    names = [f"{surname} {initials}".strip() for surname, initials in authors[:MAX_AUTHORS]]
    return ", ".join(names + ["et al"] * (len(authors) > MAX_AUTHORS))


def _related(meta: _Element) -> Iterator[str]:
    """Yield the other ids of the work: links that say so, the history of its publication, DOIs of versions."""
    for link in meta.iterchildren("related-article", "related-object"):
        if any(link.get(name, "").lower() in _SAME_WORK for name in _TYPES):
            texts = [href_of(link), *(link.get(name, "") for name in ("document-id", "object-id"))]
            texts += [raw_text(child) for child in link.iter("pub-id", "object-id")]
            yield from _ids(texts, link.get("ext-link-type", "").startswith("pmc"))
    history = first_child(meta, "pub-history")
    for event in history.iterchildren("event") if history is not None else ():
        for uri in event.iterchildren("self-uri"):  # eLife, JATS4R: the preprint is an event of the article
            if uri.get("content-type", "").lower() in _SAME_WORK:
                yield from _ids([href_of(uri)])
        if event.get("event-type", "").lower().replace("pre-print", "preprint") in _SAME_WORK:
            yield from _ids(raw_text(child) for child in event.iterchildren("article-id"))
    for child in meta.iterchildren("article-id"):
        if child.get("pub-id-type") == "doi":
            yield from _ids([raw_text(child)])


def _ids(texts: Iterable[str], is_pmc: bool = False) -> Iterator[str]:
    """Yield "doi:10.1101/..." or "pmcid:PMC7" for every text that holds one; DOIs have no case."""
    for text in texts:
        if doi := _DOI.search(text):
            bare = _DOI_END.sub("", doi.group().lower())
            yield f"doi:{_PREPRINT_VERSION.sub('', bare) if bare.startswith('10.1101/') else bare}"
        elif (pmcid := _PMCID.search(text.strip())) and (is_pmc or "pmc" in text.lower()):
            yield f"pmcid:PMC{int(pmcid[1])}"


def _source(journal: str | None, year: int | None, doi: str | None) -> str:
    parts = [journal, str(year) if year else None, f"doi: {doi}" if doi else None]
    return ". ".join(part for part in parts if part)


def _citation(authors: str, title: str | None, source: str) -> str:
    """Return authors, title and source as sentences: what CC BY asks to be named."""
    parts = (part.strip().rstrip(".") for part in (authors, title or "", source) if part and part.strip())
    return ". ".join(parts)
