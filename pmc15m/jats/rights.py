"""Licences in JATS: evidence, class, and which of several holds.

Evidence stands in four places, all of which are read: `license/@xlink:href`, `ali:license_ref`,
`ext-link` in `license-p`, and prose, which counts only where no URL does. `license-type="open-access"`
decides nothing. Of several the stricter wins; "CC0 for the data" beside CC BY is thus CC BY.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

from lxml import etree

from pmc15m.jats.figs import XLINK_HREF, first_child, raw_text
from pmc15m.licenses import LICENSE_CLASSES, NO_LICENSE

_Element = etree._Element

_CC_URL = re.compile(
    r"creativecommons\.org/(?:"
    r"licen[sc]es/(?P<terms>(?:by|nc|nd|sa)(?:[-_+./]?(?:nc|nd|sa))*)(?![-_+.]?[a-z])"  # "sampling+" is none
    r"|publicdomain/(?P<dedication>zero|mark))",
    re.IGNORECASE,
)
_CC_CODE = re.compile(
    r"\bCC[\s_\u2010-\u2015-]?(?:BY((?:[\s_/\u2010-\u2015\u2212-]?(?:NC|ND|SA))*)(?![A-Za-z])|(0|ZERO)\b)",
    re.IGNORECASE,
)
_CC_WORDS = re.compile(
    r"Creative\s+Commons?\W+(?:[\w'\u2019]+\s+){0,2}?"
    r"(?:Attribution((?:\W{1,3}(?:Non\W?Commercial|No\W?Deriv\w*|Share\W?Alike))*)"
    r"|(?:CC0|Zero|Public\s+Domain))",
    re.IGNORECASE,
)
_CC_URL_IN_TEXT = re.compile(r"https?://(?:www\.)?creativecommons\.org/[\w/.-]*[\w/]", re.IGNORECASE)
_NON_COMMERCIAL = re.compile(r"\bnon\W?commercial", re.IGNORECASE)
_TERM = re.compile("nc|nd|sa")
_PUBLIC_DOMAIN = re.compile(r"\b(?:in|into|to)\s+the\s+public\s+domain\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Rights:
    """A licence as the XML gives it."""

    license: str  # one of licenses.LICENSE_CLASSES
    url: str | None  # with the version, where a URL gives it
    is_conflicting: bool = False  # the places name more than one class
    is_prose: bool = False  # words alone say so
    names_license: bool = True  # False: permissions without any licence, all rights reserved


ALL_RIGHTS_RESERVED = Rights(NO_LICENSE, None, names_license=False)


def stricter(classes: Iterable[str]) -> str:
    """Return the least permissive of some classes."""
    return max(classes, key=LICENSE_CLASSES.index)


@lru_cache(maxsize=1024)
def class_of_url(url: str) -> str | None:
    """Return the class that a Creative Commons URL names, or None for any other URL."""
    match = _CC_URL.search(url)
    if match is None:
        return None
    if match["dedication"]:
        return "CC0" if match["dedication"].lower() == "zero" else "public domain"
    return _class_of_terms(set(_TERM.findall(match["terms"].lower())))


def class_of_prose(text: str) -> str | None:
    """Return the strictest Creative Commons class that words name, or None.

    Words weigh less than a URL, so they are read strictly: "non-commercial" anywhere makes it NC.
    """
    text = " ".join(text.split())  # a name may be broken over indented lines
    classes = [
        "CC0" if match.group(2) else _class_of_terms(set(_TERM.findall((match.group(1) or "").lower())))
        for match in _CC_CODE.finditer(text)
    ]
    for match in _CC_WORDS.finditer(text):
        words = match.group(1)
        classes.append("CC0" if words is None else _class_of_terms(_terms_in(words)))
    if not classes and _PUBLIC_DOMAIN.search(text):
        classes.append("public domain")
    if classes and _NON_COMMERCIAL.search(text):
        classes += [_class_of_terms({"nc", *_TERM.findall(name.lower())}) for name in classes]
    return stricter(classes) if classes else None


def _terms_in(words: str) -> set[str]:
    words = words.lower()
    return {term for term, word in (("nc", "commercial"), ("nd", "deriv"), ("sa", "share")) if word in words}


def _class_of_terms(terms: set[str]) -> str:
    nc, nd, sa = ("-NC" if "nc" in terms else ""), "nd" in terms, "sa" in terms
    return f"CC BY{nc}{'-ND' if nd else '-SA' if sa else ''}"


def read_rights(holder: _Element | None) -> Rights | None:
    """Return the rights that a `permissions` names.

    Returns:
        None where there is no element at all: then the object inherits.
    """
    if holder is None:
        return None
    references = [element.text or "" for element in holder.iter("{*}license_ref")]
    return _weigh(list(holder.iter("license")), references, list(holder.iter("copyright-statement")))


def article_rights(article: _Element) -> Rights:
    """Return the rights of the whole article; none named is all rights reserved (JATS4R)."""
    meta = first_child(article, "front", "article-meta")
    if meta is None:
        return ALL_RIGHTS_RESERVED
    found = [rights for holder in meta.iterchildren("permissions") if (rights := read_rights(holder)) is not None]
    if not found:  # NLM 2: `license` and `copyright-statement` stand in article-meta itself
        return _weigh(list(meta.iterchildren("license")), [], list(meta.iterchildren("copyright-statement")))
    return max(found, key=lambda rights: LICENSE_CLASSES.index(rights.license))


def _weigh(licenses: list[_Element], references: list[str], statements: list[_Element]) -> Rights:
    """Return what some evidence comes to: the stricter of several URLs, words where there is no URL."""
    urls = [url.strip() for url in _urls_of(licenses, references) if url.strip()]
    found = {url: license_class for url in urls if (license_class := class_of_url(url))}
    if found:
        license_class = stricter(found.values())
        url = next(url for url, named in found.items() if named == license_class)
        # A waiver for the data ("CC0 applies to the data made available in this article") is no conflict.
        others = set(found.values()) - {license_class, "CC0"}
        return Rights(license_class, url, is_conflicting=bool(others))
    prose = " ".join(raw_text(element) for element in (*licenses, *statements))
    types = " ".join(str(element.get("license-type", "")) for element in licenses)
    worded = class_of_prose(prose) or class_of_prose(types)
    if worded:
        return Rights(worded, None, is_prose=True)
    if urls:  # terms of the publisher's own, behind a link
        return Rights(NO_LICENSE, urls[0])
    return ALL_RIGHTS_RESERVED


def _urls_of(licenses: list[_Element], references: list[str]) -> Iterator[str]:
    """Yield the URLs of the three places, in the order of their weight, and those that stand in the text."""
    for element in licenses:
        yield str(element.get(XLINK_HREF) or element.get("href") or "")
    yield from references
    for element in licenses:
        for link in element.iter("ext-link", "uri"):
            href = str(link.get(XLINK_HREF) or link.get("href") or "")
            if class_of_url(href):  # others lead to the publisher, not to a licence
                yield href
        text = raw_text(element)
        if "creativecommons" in text.lower():
            yield from _CC_URL_IN_TEXT.findall(text)


def credits_of(objects: Iterable[_Element]) -> Iterator[str]:
    """Yield the credit lines and the copyright statements of a figure, which are no text of its caption.

    Args:
        objects: graphic, fig, groups.
    """
    for element in objects:
        for child in element.iterchildren("attrib", "permissions", "caption"):
            lines = [child] if child.tag == "attrib" else child.iter("attrib", "copyright-statement", "license-p")
            yield from (" ".join(raw_text(line).split()) for line in lines)


def object_rights(objects: Iterable[_Element]) -> Rights | None:
    """Return the rights of the innermost object with `permissions` of its own, or None.

    Args:
        objects: graphic, fig, groups from the inside out.
    """
    for element in objects:
        rights = read_rights(first_child(element, "permissions"))
        if rights is not None:
            return rights
    return None
