"""From an archive to the store's layout: XML, the media that its figures name, and last the metadata JSON.

The JSON has the fields and the form of the Cloud Service, made from the list of packages and from the
XML; an article without it is incomplete. Bytes depend on the files of the archive alone, not on
their order or on how they were packed.
"""

import hashlib
import json
import re
from dataclasses import dataclass
from typing import Any

from lxml import etree

from pmc15m.acquire.file_list import FileListRow, license_class
from pmc15m.acquire.members import DEFAULT_CAPS, Archive, ArchiveRefused, Caps
from pmc15m.acquire.metadata import MAX_BYTES
from pmc15m.jats.facts import bare_package, read_facts
from pmc15m.jats.figs import find_figs
from pmc15m.jats.links import Links
from pmc15m.jats.media import MediaIndex, split_name
from pmc15m.jats.reader import read_article
from pmc15m.jats.rights import article_rights, stricter
from pmc15m.licenses import NO_LICENSE
from pmc15m.records import Article, ArticleRef, Reason
from pmc15m.store import Store, TooLargeError

_Element = etree._Element

BUCKET = "s3://pmc-oa-opendata"
"""Start of the URLs in the JSON: the form is the bucket's, the files lie in the store."""

SYNTHETIC_DIGITS = 14
"""Digits after the 9 of a made-up PMCID: PMC900000000000000 and up, far beyond what PMC gives."""

_PMC_ID = re.compile(r"(?:PMC)?([1-9]\d{0,17})(?:\.\d+)?", re.ASCII | re.IGNORECASE)
_MANUSCRIPT_ID = re.compile(r"(?:NIHMS|NIHPA|EMS|UKMS|HHMIMS|HHMIPA|CAMS|VAPA)-?\d+", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Repacked:
    """One article that was put into the store."""

    ref: ArticleRef
    files: tuple[str, ...]  # relative to the store, sorted; the JSON was written last


@dataclass(frozen=True, slots=True)
class _Identity:
    """Under which name an article goes into the store."""

    pmcid: str
    version: int
    is_synthetic: bool

    @property
    def key(self) -> str:
        return f"{self.pmcid}.{self.version}"


def repack(
    archive: Archive,
    store: Store,
    pmcid: str | None = None,
    row: FileListRow | None = None,
    version: int | None = None,
    caps: Caps = DEFAULT_CAPS,
) -> Repacked:
    """Put one article into the store; what was there under its name is replaced.

    Args:
        archive: one article.
        store: where to.
        pmcid: whose it is; None for what the XML says, failing that one made up from the DOI.
        row: what the list of packages says of it.
        version: None for what the archive says, failing that 1.
        caps: as the archive was read with.

    Raises:
        ArchiveRefused: a file of it is damaged, or it is the archive of another article.
        XmlRefused: the XML cannot be read; nothing was written.
    """
    article = read_article(archive.xml, caps.max_xml_bytes)
    identity = _identify(article, archive, pmcid, version)
    if identity.is_synthetic:
        _check_free(store, identity, _article_id(article, "doi"))
    folder, json_name = identity.key, f"{identity.key}.json"
    store.delete(f"{folder}/{json_name}")
    files = {f"{folder}.xml": _md5(archive.xml)}
    store.put_bytes(archive.xml, f"{folder}/{folder}.xml")
    for name, data in archive.read(media_of_figures(article, archive.names)):
        files[name] = _md5(data)
        store.put_bytes(data, f"{folder}/{name}")
    store.put_bytes(json.dumps(_metadata(identity, article, row, files)).encode(), f"{folder}/{json_name}")
    ref = ArticleRef(identity.pmcid, identity.version, folder, updated=row.updated if row else None)
    return Repacked(ref, tuple(sorted(f"{folder}/{name}" for name in (*files, json_name))))


def media_of_figures(article: _Element, names: tuple[str, ...]) -> frozenset[str]:
    """Return the files that the figures of an article come to, the form that extract would take of each.

    A package has a `.gif` beside each `.jpg`, a thumbnail of 100 pixels: it counts where it is alone.
    """
    stems = {split_name(name)[0].casefold() for name in names if split_name(name)[1] in {"jpg", "jpeg"}}
    full = [name for name in names if split_name(name)[1] != "gif" or split_name(name)[0].casefold() not in stems]
    units = [
        [unit for unit in fig.units if not unit.is_thumbnail] or fig.units
        for fig in find_figs(article, MediaIndex(full)).figs
        if not fig.exclusion
    ]
    return frozenset(unit.media for of_fig in units for unit in of_fig if unit.media is not None)


def synthetic_pmcid(doi: str) -> str:
    """Return the PMCID that is made up for an article without one: the same for the same DOI, case apart."""
    digest = int.from_bytes(hashlib.sha256(doi.casefold().encode()).digest()[:16])
    return f"PMC9{digest % 10**SYNTHETIC_DIGITS:0{SYNTHETIC_DIGITS}d}"


def _identify(article: _Element, archive: Archive, pmcid: str | None, version: int | None) -> _Identity:
    own = next((match.group(1) for match in map(_PMC_ID.fullmatch, _pmc_ids(article)) if match), None)
    own_pmcid = f"PMC{own}" if own else None
    if pmcid is not None and own_pmcid not in {None, pmcid}:
        raise ArchiveRefused(Reason.METADATA_MISMATCH, f"the XML is that of {own_pmcid}, not of {pmcid}")
    number = version or archive.version or 1
    known = pmcid or own_pmcid
    if known is not None:
        return _Identity(known, number, is_synthetic=False)
    doi = _article_id(article, "doi")
    if doi is None:
        raise ArchiveRefused(Reason.METADATA_INVALID, "neither PMCID nor DOI: no name to keep it under")
    return _Identity(synthetic_pmcid(doi), number, is_synthetic=True)


def _check_free(store: Store, identity: _Identity, doi: str | None) -> None:
    """Refuse to replace another article under a made-up PMCID: a million DOIs meet so with odds of 1 to 200."""
    try:
        known = json.loads(store.read_bytes(f"{identity.key}/{identity.key}.json", MAX_BYTES)).get("doi")
    except (FileNotFoundError, TooLargeError, ValueError):
        return
    if str(known).casefold() != str(doi).casefold():
        detail = f"{doi}: its {identity.key} is taken by {known}"
        raise ArchiveRefused(Reason.METADATA_MISMATCH, detail)


def _metadata(identity: _Identity, article: _Element, row: FileListRow | None, files: dict[str, str]) -> dict[str, Any]:
    """Return the fields of the metadata JSON, in the order of the Cloud Service."""
    facts = _facts(article)
    license_code = _license_code(article, row)
    manuscript_id = next((text for text in _ids(article, "manuscript", "manuscript-id") if _is_manuscript(text)), None)
    xml_name, *media = sorted(files, key=lambda name: (name != f"{identity.key}.xml", name))
    urls = [f"{BUCKET}/{identity.key}/{name}?md5={files[name]}" for name in (xml_name, *media)]
    return {
        "pmcid": identity.pmcid,
        "version": identity.version,
        "pmid": row.pmid if row and row.pmid else facts.pmid,
        "doi": facts.doi,
        "mid": manuscript_id,
        "title": facts.title,
        "citation": _citation(row, facts),
        "is_pmc_openaccess": not identity.is_synthetic or license_code is not None,
        "is_manuscript": manuscript_id is not None,
        "is_historical_ocr": False,
        "is_retracted": row is not None and row.is_retracted,
        "license_code": license_code,
        "xml_url": urls[0],
        "text_url": None,
        **({"media_urls": urls[1:]} if media else {}),
        **({"synthetic_pmcid": True} if identity.is_synthetic else {}),
    }


def _license_code(article: _Element, row: FileListRow | None) -> str | None:
    """Return the stricter of what list and XML say; who says nothing does not count."""
    rights = article_rights(article)
    listed = license_class(row.license) if row and row.license else None
    if listed is None or not rights.names_license:
        found = listed or rights.license
    else:
        found = stricter((listed, rights.license))
    return None if found == NO_LICENSE else found


def _citation(row: FileListRow | None, facts: Article) -> str | None:
    """Return the citation of the list with the DOI, as the Cloud Service ends it."""
    if row is None or row.citation is None:
        return None
    if facts.doi is None or "doi:" in row.citation.lower():
        return row.citation
    return f"{row.citation.rstrip('.')}. doi: {facts.doi}"


def _facts(article: _Element) -> Article:
    """Return the facts as the XML alone gives them."""
    return read_facts(article, bare_package(ArticleRef("PMC0", 1, "")), Links(article))


def _ids(article: _Element, *kinds: str) -> list[str]:
    """Return the ids of an article of some kinds, in document order."""
    elements = article.iterfind("front/article-meta/article-id")
    return [(element.text or "").strip() for element in elements if element.get("pub-id-type") in kinds]


def _pmc_ids(article: _Element) -> list[str]:
    return _ids(article, "pmc", "pmcid", "pmcid-ver")


def _article_id(article: _Element, kind: str) -> str | None:
    return next((text for text in _ids(article, kind) if text), None)


def _is_manuscript(text: str) -> bool:
    return _MANUSCRIPT_ID.fullmatch(text) is not None


def _md5(data: bytes) -> str:
    return hashlib.md5(data, usedforsecurity=False).hexdigest()
