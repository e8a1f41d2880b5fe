"""What the words of a figure say of its rights: reprinted from whom, with whose permission, whose copyright.

Figures hardly ever carry `permissions` of their own, not even in reviews that reprint most of them:
the words of caption and credit line are the only sign. A verb alone is none ("results were
reproduced in three experiments", "cells adapted to cold"): it counts where a source, a permission,
a licence or a copyright follows it.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import zip_longest

from pmc15m.jats.rights import class_of_prose, class_of_url, stricter
from pmc15m.licenses import OPEN_LICENSES

MAX_PHRASE_CHARS = 120
"""Longest item of `rights_phrases`: enough to judge by, not a second caption."""

_PASSAGE_CHARS = 240  # permission and copyright may stand so far after their verb
_CLAUSE_CHARS = 80  # what makes a verb an attribution is nearer

# Most captions hold none of these, and are not looked at any further.
_VERBS = ("reprod", "re-prod", "reprint", "re-print", "republ", "re-publ", "taken from")
_CHANGES = ("adapted", "modified", "redrawn", "re-drawn")
_NAMES_OF_RIGHTS = ("copyright", "\u00a9", "all rights", "courtesy", "credit", "photo", "illustration")
_REPRODUCED = re.compile(
    r"\b(?:(re-?produced)|(re-?printed)|(re-?published)"
    r"|(?:figure|image|picture|photo|photograph|illustration|diagram|map)s?\s+(?:(?:is|are|was|were)\s+)?taken(?=\s+from))\b",
    re.IGNORECASE,
)
_ADAPTED = re.compile(r"\b(?:adapted|modified|re-?drawn)\b", re.IGNORECASE)
_FROM = re.compile(r"[^.;]{0,60}?\b(?:from|after)\s+", re.IGNORECASE)
_BEFORE_SOURCE = re.compile(  # words that stand between "from" and what names the source
    r"(?:(?:the|an?|our|their|his|her|original|data|work|study|paper|article|results?|figures?|figs?\.?|panels?|of|by|in|and)\b\s*"
    r"|\d{1,2}[a-z]?\s+(?:of|in|from)\s+)*",
    re.IGNORECASE,
)
_REFERENCE = re.compile(
    r"[\[(]?\s*(?:refs?\b|references?\b|qv:|doi\b|https?:|www\.|previous|earlier\b|prior\b|publi(?:shed|cation))"
    r"|[\[(]\s*\d|\[[^\]]*\d|\([A-Z][^()]*\b(?:1[89]|20)\d\d|\d{1,3}\s*(?:[.,;)\u2010-\u2015-]|$)",
    re.IGNORECASE,
)
_CAPITAL = r"[^\W\d_a-z][\w'\u2019\u2010-]*\.?"
_NAMES = re.compile(rf"{_CAPITAL}(?:,?\s+(?:(?:&|and|van|von|de|der|of|for|the)\s+)*{_CAPITAL})*")
_NO_NAME = re.compile(r"\s+(?!et\s+al\b|and\s+co|with\b|under\b|by\b|website\b|database\b|licensed\b|copyright\b)[a-z]")
_PERMISSION = re.compile(
    r"\b(?:with|by|under)\s+(?:[\w'\u2019]+\s+){0,4}?permissions?\b"
    r"(?!\s+(?:of|from|by)\s+(?:[\w'\u2019]+\s+){0,3}?"  # of those who are in it, not of those who drew it
    r"(?:patient|parent|guardian|famil|participant|subject|ethic|committee|board|authorit|ministry|owner))",
    re.IGNORECASE,
)
_OF_PATIENT = re.compile(r"\b(?:patient|parent|participant|subject|famil|consent|ethic)", re.IGNORECASE)
_USE = re.compile(
    r"(?:\b(?:re)?(?:produced|printed|published|used|shown|included|provided|drawn)|\b(?:adapted|modified|taken"
    r"|(?:image|figure|photo|photograph|picture|illustration)s?))\b[^.;]{0,60}$|(?:^|[(\[])\s*$",
    re.IGNORECASE,
)
_WE = re.compile(r"\bwe\b")
_COPYRIGHT = re.compile(
    r"(?:(?i:\bcopyright)[\s,]*(?:\u00a9|\([cC]\)|@)?|(?<!\w)\u00a9)"  # "(C) 2011" alone is a panel
    r"[\s,:]*(?:(?i:(?:held|owned)\s+)?(?i:by|of)\s+)?(?:(?:1[89]|20)\d\d|(?i:the)\s+[^\W\d_a-z]|[^\W\d_a-z]\w)[^.;]{0,40}"
    r"|(?i:\ball\s+rights\s+reserved)"
)
_OF_AUTHORS = re.compile(r"\bauthors?\b", re.IGNORECASE)
_LICENSED = re.compile(r"\b(?:under|licen[sc]ed)\b.{0,60}?\b(?:licen[sc]e|terms|creative|cc)\b", re.IGNORECASE)
_LICENSES = ("ommons", "OMMONS", "CC", "ublic ", "UBLIC ")
_COMMONS = re.compile(
    r"(?i:creative\s*commons)|\bCC[ \u2010-]BY\b|\bCC0\s+(?:1\.0|[Ll]icen)|(?i:public\s+domain\s+(?:dedication|mark))"
)
_COURTESY = re.compile(
    rf"(?i:\bcourtesy\s*(?::|of\b|from\b|by\b)\s*)[^.;)]{{2,60}}"
    rf"|(?i:\b(?:image|photo|photograph|picture|figure)s?\s+courtesy\s+){_CAPITAL}"
)
_CREDIT = re.compile(
    rf"(?i:\b(?:(?:photo|photograph|image|picture|illustration|figure)s?\s+credits?\s*:?"
    rf"|(?:photo|photograph|photographer|illustration)s?\s*(?::|by\b)))\s*{_CAPITAL}\w[^.;)]{{0,40}}"
)
_SENTENCE_END = re.compile(r"[.;]\s+(?=[^\W\d_a-z])")


@dataclass(frozen=True, slots=True)
class Phrase:
    """One thing that the words say."""

    flag: str  # one of licenses.RIGHTS_FLAGS
    words: str

    def __str__(self) -> str:
        """Return the phrase as the column `rights_phrases` holds it."""
        return f"{self.flag}: {self.words}"[:MAX_PHRASE_CHARS].rstrip()


def screen_phrases(text: str) -> tuple[Phrase, ...]:
    """Return what the words of a figure say of its rights: of each flag the first phrase, in order of flag.

    `reproduced_with_permission` stands for the whole passage: a verb of reproduction, and after it a
    permission, or the copyright of others than the authors, that no open licence in it sets free.

    Args:
        text: caption, credit line and copyright statement, clean.
    """
    low = text.lower()
    found: dict[str, Phrase] = {}
    for stems, search in _SEARCHES:
        if any(stem in low for stem in stems):
            for phrase in search(text):
                found.setdefault(phrase.flag, phrase)
    return tuple(found[flag] for flag in sorted(found))


def license_in(text: str) -> str | None:
    """Return the strictest Creative Commons class that a caption names for a part of its figure, or None."""
    if not any(word in text for word in _LICENSES) or _COMMONS.search(text) is None:
        return None
    classes = [name for name in (class_of_prose(text), class_of_url(text)) if name is not None]
    return stricter(classes) if classes else None


def _reproduced(text: str) -> Iterator[Phrase]:
    matches = list(_REPRODUCED.finditer(text))
    for match, after in zip_longest(matches, matches[1:]):
        end = min(match.end() + _PASSAGE_CHARS, after.start() if after else len(text))
        passage = text[match.end() : end]
        if not _is_attribution(passage):
            continue
        kind = ("reproduced", "reprinted", "republished", "reproduced")[(match.lastindex or 4) - 1]
        yield Phrase(kind, _words(text, match.start(), match.end() + _clause_end(passage)))
        clause_start = _clause_start(text, match.start())
        granted = _PERMISSION.search(passage) or _PERMISSION.search(text, clause_start, match.start())
        owned = next((found for found in _COPYRIGHT.finditer(passage) if not _is_of_authors(found.group())), None)
        if (granted or owned) and license_in(passage) not in OPEN_LICENSES:
            last = owned.end() if owned else match.end() + _clause_end(passage) - match.end()
            yield Phrase("reproduced_with_permission", _words(text, match.start(), match.end() + last))


def _adapted(text: str) -> Iterator[Phrase]:
    for match in _ADAPTED.finditer(text):
        passage = text[match.end() : match.end() + _PASSAGE_CHARS]
        source = _FROM.match(passage)
        clause = passage[: _clause_end(passage)]
        if (source and _names_source(passage[source.end() :])) or _PERMISSION.match(clause.lstrip(" ,;(")):
            yield Phrase("adapted", _words(text, match.start(), match.end() + len(clause)))


def _permissions(text: str) -> Iterator[Phrase]:
    for match in _PERMISSION.finditer(text):
        start = _clause_start(text, match.start())
        end = match.end() + _clause_end(text[match.end() : match.end() + _CLAUSE_CHARS])
        is_of_use = _USE.search(text[start : match.start()]) and not _OF_PATIENT.search(match.group())
        if is_of_use and not _WE.search(text, match.end(), end):  # "With the permission of the owners we ..."
            yield Phrase("with_permission", _words(text, match.start(), end))


def _named(text: str) -> Iterator[Phrase]:
    for flag, pattern in (("copyright_statement", _COPYRIGHT), ("courtesy", _COURTESY), ("credit", _CREDIT)):
        for match in pattern.finditer(text):
            yield Phrase(flag, _words(text, match.start(), match.end()))


def _is_attribution(passage: str) -> bool:
    """Return whether what follows a verb of reproduction says from whom or by what right."""
    near = passage[:_CLAUSE_CHARS]
    source = _FROM.match(passage)
    if source is not None and _names_source(passage[source.end() :]):
        return True
    clause = near[: _clause_end(near)]
    return any(pattern.search(clause) for pattern in (_PERMISSION, _LICENSED, _COURTESY, _COPYRIGHT))


def _names_source(text: str) -> bool:
    """Return whether a text begins with a reference, a publication, or the names of people or works."""
    skipped = _BEFORE_SOURCE.match(text)
    rest = text[skipped.end() :] if skipped else text
    if _REFERENCE.match(rest):
        return True
    names = _NAMES.match(rest)
    return names is not None and _NO_NAME.match(rest, names.end()) is None  # "HeLa cells" is no source


def _is_of_authors(words: str) -> bool:
    return _OF_AUTHORS.search(words) is not None


def _clause_start(text: str, end: int) -> int:
    """Return where the sentence begins in which a match stands."""
    start = max(0, end - _CLAUSE_CHARS)
    return max((found.end() for found in _SENTENCE_END.finditer(text, start, end)), default=start)


def _clause_end(passage: str) -> int:
    """Return the length of a passage up to the end of its sentence."""
    found = _SENTENCE_END.search(passage)
    return found.start() + 1 if found else len(passage)


def _words(text: str, start: int, end: int) -> str:
    return text[start:end][:MAX_PHRASE_CHARS].strip(" ;,")


_SEARCHES = (
    (_VERBS, _reproduced),
    (_CHANGES, _adapted),
    (("permission",), _permissions),
    (_NAMES_OF_RIGHTS, _named),
)
