"""Captions as they are compared: a normal form, a digest, a similarity, and what says nothing of a figure.

Nothing here rewrites a caption. Label, punctuation and the licence at its end are left out of the
comparison alone (study of duplicates, §4).
"""

import hashlib
import re
import unicodedata
from collections.abc import Sequence

MIN_WORDS_LEFT = 3
"""A caption of fewer words beside its licence or its "in colour online" says nothing of the figure."""

_SHINGLE_WORDS = 3
_TAILS_CHARS = 1_000  # all sentences about rights are in so many characters at the end
_BOILERPLATE_CHARS = 150  # a longer caption says something

_SKIPPED = re.compile(r"[^\w\s+<>=\u00b1\u00d7\u2212]|_")  # signs that tell captions apart stay: p < 0.05, CD4+
_LABEL = re.compile(
    r"(?:(?:supplementary|supplemental|supporting|extended data|appendix|online|web) )?"
    r"(?:figures?|figs?|schemes?|charts?|plates?|graphs?|images?|abbildung|abb|figura|photos?) "
    r"(?:[a-z]?\d+[a-z]?|[ivx]+)\b(?: figure supplement \d+)?"
)
_SENTENCE_END = re.compile(r"(?<!\bal\.)(?<!\brefs\.)(?<!\bref\.)(?<!\bfig\.)(?<=[.;)\]])\s+", re.IGNORECASE)

# A sentence at the end of a caption that speaks of rights, print or tools. Matched at its beginning.
_TAIL = re.compile(
    r"[\s(\[]*(?:"
    r"(?:(?:figure|image|photo|picture)s?\s+)?(?:re-?produced|re-?printed|re-?published|adapted|modified|used)\W+(?:\w+\W+){0,4}?"
    r"(?:permission|licen[sc]e|from\W+refs?\b)"
    r"|(?:with|by)\s+(?:the\s+)?(?:kind\s+)?permission\b|(?:photo|image|picture|figure)s?\W+(?:credit|courtesy)"
    r"|(?:copyright\W*(?:\u00a9|\(c\)|@|(?:19|20)\d\d|(?:by|held|owned|the)\b)|\u00a9|\(c\)\s*(?:19|20)\d\d)"
    r"|all rights reserved|for permissions?\b|permission to re"
    r"|(?:this|an?|the)\s+(?:is\s+an?\s+)?(?:open.access|article (?:is|was)\b|(?:work|image|figure) is licen)"
    r"|(?:licen[sc]ed|distributed|published|released|available) under\b|creative commons|cc[ -]by\b"
    r"|https?://creativecommons"
    r"|for interpretation of the references? to colou?r|the reader is referred to the (?:web|online) version"
    r"|(?:this figure |figure )?(?:appears |available |is |can be )?(?:in |viewed )?colou?r (?:figure |version )?"
    r"(?:online|available|can be|is )"
    r"|(?:(?:this |the )?(?:figure|image)s? (?:was |were |is )?)?(?:made|created|drawn|generated) "
    r"(?:with|in|using) biorender"
    r"|click here (?:for|to)\b"
    r")",
    re.IGNORECASE,
)

# Whole captions in normal form.
_BOILERPLATE = re.compile(
    r"(?:the )?(?:graphical|visual|graphic|video|central) (?:abstract|illustration|summary)(?: image| figure)?"
    r"|(?:toc|table of contents?)(?: (?:graphics?|images?|figures?|entry|abstract))*"
    r"|(?:click here (?:for|to) )?(?:additional|supplementary|supplemental|supporting)"
    r"(?: (?:data|information|material|materials|files?|figures?|images?|tables?|content|[a-z]?\d+[a-z]?))*"
    r"|(?:please )?(?:see|refer to) (?:the )?(?:main |article |following )?"
    r"(?:text|legend|caption|next page|next|page|manuscript|body)(?: (?:for|on|of|in)(?: \w+){1,4})?"
    r"|(?:no|without) (?:caption|legend|title|description)(?: (?:available|provided|given))?"
    r"|(?:caption|legend|title)(?: (?:not available|on next page|missing|here))?"
    r"|(?:to be )?(?:continued|cont d|contd|cont)(?: (?:from|on) (?:the )?(?:previous|last|next) page)?"
    r"|(?:an )?(?:untitled|unlabelled|unlabeled|unnumbered)(?: figure| image)?"
    r"|(?:a )?(?:figure|fig|image|picture|photo|photograph|graphic|illustration|scheme|chart|graph|plate|panel)s?"
    r"(?: \w{0,3}\d*)?"
    r"|(?:full size|enlarged|high resolution|large) (?:image|figure|view|version)s?"
    r"|(?:authors?|cover|header|banner|logo|orcid|journal)(?: s)?(?: (?:photo|photograph|image|picture|logo|art|id))*"
)


def normalise_caption(text: str) -> str:
    """Return the form in which captions are compared: NFKC, lower case, without label and punctuation."""
    plain = " ".join(_SKIPPED.sub(" ", unicodedata.normalize("NFKC", text).casefold()).split())
    label = _LABEL.match(plain)
    return plain[label.end() :].lstrip() if label else plain


def caption_digest(text: str) -> bytes:
    """Return 16 bytes that are equal where the normal forms of two captions are."""
    return hashlib.sha256(normalise_caption(text).encode()).digest()[:16]


def cut_tails(text: str) -> str:
    """Return a caption without the sentences at its end that speak of rights, print or tools."""
    end = len(text)
    ends = [match.end() for match in _SENTENCE_END.finditer(text, max(0, end - _TAILS_CHARS))]
    for start in [*reversed(ends), 0]:
        if _TAIL.match(text, start, end) is None:
            break
        end = start
    return text[:end].rstrip()


def is_boilerplate(text: str) -> bool:
    """Return whether a caption says nothing of its figure, whole or but for a licence at its end."""
    kept = cut_tails(text)
    if len(kept) > _BOILERPLATE_CHARS:
        return False
    plain = normalise_caption(kept)
    if len(kept) < len(text.rstrip()) and len(plain.split()) < MIN_WORDS_LEFT:
        return True
    return not plain or _BOILERPLATE.fullmatch(plain) is not None


def caption_similarity(one: str, other: str) -> float:
    """Return the Jaccard index of the word 3-shingles of two captions, in [0, 1]; 1.0 for equal ones.

    Of captions of one or two words the shingles are as long as the shorter.
    """
    left, right = normalise_caption(one).split(), normalise_caption(other).split()
    if left == right:
        return 1.0
    size = min(_SHINGLE_WORDS, len(left), len(right))
    if not size:
        return 0.0
    shingles, others = _shingles(left, size), _shingles(right, size)
    return len(shingles & others) / len(shingles | others)


def _shingles(words: Sequence[str], size: int) -> set[tuple[str, ...]]:
    return {tuple(words[start : start + size]) for start in range(len(words) - size + 1)}
