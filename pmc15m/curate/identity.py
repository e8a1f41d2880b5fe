"""Which articles are one work: by DOI, by ids that they name as their own, by title and first author.

All that are linked go to one split. Pairs of an article are dropped only where the study of
duplicates found it safe: the author's manuscript beside the publisher's article, the preprint
beside the article. Twins that two journals printed are linked and no more: their equal pictures
are found as pictures, and a report that keeps its title from year to year keeps its figures.
"""

import hashlib
import itertools
import re
import unicodedata
from collections.abc import Collection, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pmc15m.records import article_order

IDENTITY_KINDS = ("same_doi", "same_title", "related")
"""Evidence that two articles are one work; `related`: both name the same id, or one the other."""

MIN_TITLE_WORDS = 5
"""A shorter title ("Editorial", "Author correction") identifies nothing."""

MAX_WORK_ARTICLES = 4
"""More articles of one id or title are a supplement or a series: linked, none of them dropped."""

IndexPairs = npt.NDArray[np.int64]
"""[M, 2], the smaller index first, sorted, each once."""

_DOI = re.compile(r"10\.\d{4,9}/\S*[^\s.,;)\]]")
_PREPRINT_VERSION = re.compile(r"(?<=\d)v\d+$")
_PREPRINT_PREFIX = "10.1101/"  # bioRxiv and medRxiv
_WORD = re.compile(r"[^\W_]+")


@dataclass(frozen=True, slots=True)
class ArticleFacts:
    """What tells which work an article is."""

    pmcid: str
    doi: str | None  # as the metadata writes it
    title_digest: bytes | None  # see `title_digest`
    first_author: str | None  # surname, or name of the group
    related: tuple[str, ...]  # other ids of the same work: "doi:10.1101/...", "pmcid:PMC7"
    is_preprint: bool
    is_manuscript: bool  # the author's; False where nothing says so
    num_pairs: int


@dataclass(frozen=True, slots=True)
class Identities:
    """What is one work, in indices of the articles."""

    edges: Mapping[str, IndexPairs]  # by kind, all kinds; within a group each with its smallest pmcid
    superseded: Mapping[int, int]  # whose pairs are dropped: the article that is kept instead


def title_digest(title: str | None) -> bytes | None:
    """Return 16 bytes that are equal for titles equal but for case, accents and punctuation; None if too short."""
    words = _WORD.findall(_plain(title or ""))
    if len(words) < MIN_TITLE_WORDS:
        return None
    return hashlib.sha256(" ".join(words).encode()).digest()[:16]


def find_identities(articles: Sequence[ArticleFacts]) -> Identities:
    """Link the articles that are one work and say whose pairs another has.

    Args:
        articles: each pmcid once.
    """
    marks = [_marks(article) for article in articles]
    by_doi = _groups([mark.doi for mark in marks])
    by_title = _groups([(mark.title, mark.author) if mark.title and mark.author else None for mark in marks])
    named = {name for mark in marks for name in mark.named}  # few: most articles name nobody and are not named
    by_id = _groups_of_any([mark.named | (mark.own & named) for mark in marks])
    groups = {"same_doi": by_doi, "same_title": by_title, "related": by_id}
    edges = {kind: _index_pairs(_stars(groups[kind], marks)) for kind in IDENTITY_KINDS}
    works = itertools.chain(
        (pair for pair in _within(by_doi) if _agree(marks[pair[0]], marks[pair[1]])),
        (pair for pair in _within(by_title + by_id) if _is_one_text(marks[pair[0]], marks[pair[1]])),
    )
    return Identities(edges, _superseded(works, marks))


@dataclass(frozen=True, slots=True)
class _Marks:
    """Facts of an article as they are compared."""

    rank: tuple[bool, bool, int]  # of two the lesser is kept: article, then manuscript, then preprint
    doi: str | None
    own: frozenset[str]  # its ids
    named: frozenset[str]  # other ids of the same work
    title: bytes | None
    author: str
    is_preprint: bool
    is_manuscript: bool
    has_pairs: bool


def _marks(article: ArticleFacts) -> _Marks:
    doi = _plain_doi(article.doi)
    pmcid = f"pmcid:{article.pmcid}"
    return _Marks(
        rank=(article.is_preprint, article.is_manuscript, article_order(article.pmcid)),
        doi=doi,
        own=frozenset((doi, pmcid) if doi else (pmcid,)),
        named=frozenset(_plain_doi(name) or name for name in article.related),
        title=article.title_digest,
        author="".join(_WORD.findall(_plain(article.first_author or ""))),
        is_preprint=article.is_preprint,
        is_manuscript=article.is_manuscript,
        has_pairs=article.num_pairs > 0,
    )


def _agree(one: _Marks, other: _Marks) -> bool:
    """Return whether title or first author is the same or unknown: a mistaken DOI makes no work."""
    is_other_title = one.title and other.title and one.title != other.title
    is_other_author = one.author and other.author and one.author != other.author
    return not (is_other_title and is_other_author)


def _is_one_text(one: _Marks, other: _Marks) -> bool:
    """Return whether two of one title or id are preprint and article, or manuscript and publisher's."""
    if one.is_preprint != other.is_preprint:
        return _agree(one, other)
    is_other_doi = one.doi and other.doi and one.doi != other.doi
    return one.is_manuscript != other.is_manuscript and not is_other_doi and _agree(one, other)


def _superseded(works: Iterable[tuple[int, int]], marks: Sequence[_Marks]) -> dict[int, int]:
    """Return which article is dropped for which; one that has no pairs replaces nothing."""

    def rank(index: int) -> tuple[bool, bool, int]:
        return marks[index].rank

    # Two articles of one preprint are no work by that: each article looks only at what is better than it.
    best: dict[int, int] = {}
    for pair in works:
        kept, dropped = sorted(pair, key=rank)
        if marks[kept].has_pairs and marks[dropped].has_pairs:
            best[dropped] = min(best.get(dropped, kept), kept, key=rank)
    superseded = {}
    for dropped in sorted(best):
        kept = best[dropped]
        while kept in best:  # the rank gets better with every turn
            kept = best[kept]
        superseded[dropped] = kept
    return superseded


def _plain(text: str) -> str:
    """Return a text without case, accents and compatibility forms."""
    decomposed = unicodedata.normalize("NFKD", text).casefold()
    return "".join(char for char in decomposed if not unicodedata.combining(char))


def _plain_doi(text: str | None) -> str | None:
    """Return a DOI in lower case, without the address before it and the version of a preprint; None if it is none."""
    found = _DOI.search((text or "").lower())
    if found is None:
        return None
    return _PREPRINT_VERSION.sub("", found.group()) if found.group().startswith(_PREPRINT_PREFIX) else found.group()


def _groups(values: Sequence[Hashable]) -> list[list[int]]:
    """Return the indices of each value that more than one has; None is no value."""
    return _groups_of_any([() if value is None else (value,) for value in values])


def _groups_of_any(values: Sequence[Collection[Hashable]]) -> list[list[int]]:
    """Return the indices of each value that more than one has among its own."""
    first: dict[Hashable, int] = {}
    groups: dict[Hashable, list[int]] = {}  # lists only where there are several
    for index, own in enumerate(values):
        for value in own:
            if value in first:
                groups.setdefault(value, [first[value]]).append(index)
            else:
                first[value] = index
    return list(groups.values())


def _stars(groups: Iterable[list[int]], marks: Sequence[_Marks]) -> Iterator[tuple[int, int]]:
    """Yield a pair of the smallest pmcid and each other of its group."""
    for group in groups:
        anchor = min(group, key=lambda index: marks[index].rank[-1])
        yield from ((anchor, index) for index in group if index != anchor)


def _within(groups: Iterable[list[int]]) -> Iterator[tuple[int, int]]:
    """Yield every pair of the groups that are small enough to be one work."""
    for group in groups:
        if len(group) <= MAX_WORK_ARTICLES:
            yield from itertools.combinations(group, 2)


def _index_pairs(pairs: Iterable[tuple[int, int]]) -> IndexPairs:
    ordered = sorted({(min(pair), max(pair)) for pair in pairs})
    return np.array(ordered, dtype=np.int64).reshape(-1, 2)
