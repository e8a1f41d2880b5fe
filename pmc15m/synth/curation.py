"""What curation is tried with: duplicates, look-alikes, rejects, each kind in a few articles that belong together.

Curated articles are every so-manieth. In the order of their numbers they are dealt to the kinds of the
list, to each as many as it needs, and from the start again; so the members of a group are neighbours,
and the group of an article follows from its number alone.
"""

from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

BADGE_EVERY = 5
"""Every so-manieth curated article has the badge of its publisher, whatever its kind."""


class Curation(StrEnum):
    """One kind of thing to decide."""

    # a figure used again in another article
    REUSED_FILE = "reused_file"
    REUSED_PIXELS = "reused_pixels"
    NEAR_ALIKE = "near_alike"  # altered, the caption the same or hardly changed
    NEAR_DENSE = "near_dense"  # altered, another caption: photographs, scans
    NEAR_LINE = "near_line"  # altered, another caption, line art: no duplicate without looking at the data
    CHAIN = "chain"  # articles linked one to the next by shared figures
    # in one article
    ABSTRACT_COPY = "abstract_copy"
    PRINT_COPY = "print_copy"
    PAGE_COPY = "page_copy"
    SLICES = "slices"
    SERIES = "series"
    # one template, other data, in several articles
    LOOKALIKE_CURVES = "lookalike_curves"
    LOOKALIKE_COUNTS = "lookalike_counts"
    # the same article twice
    VERSIONS = "versions"
    SAME_DOI = "same_doi"
    PREPRINT_LINK = "preprint_link"
    PREPRINT_TITLE = "preprint_title"
    TRIPLE = "triple"  # preprint, author manuscript, article
    SAME_TITLE = "same_title"  # of other authors: two articles
    # captions
    BOILERPLATE = "boilerplate"
    COMMON_CAPTION = "common_caption"
    RARE_CAPTION = "rare_caption"  # in as many articles as are allowed
    CONTINUED = "continued"
    LICENSE_TAIL = "license_tail"
    REPRODUCED = "reproduced"
    ADAPTED = "adapted"
    # images
    BADGE = "badge"
    BLANK = "blank"
    RAMP = "ramp"
    ASPECT = "aspect"
    SMALL = "small"


NUM_ARTICLES: dict[Curation, int] = {
    **dict.fromkeys(Curation, 1),
    Curation.REUSED_FILE: 2,
    Curation.REUSED_PIXELS: 2,
    Curation.NEAR_ALIKE: 2,
    Curation.NEAR_DENSE: 2,
    Curation.NEAR_LINE: 2,
    Curation.CHAIN: 4,
    Curation.LOOKALIKE_CURVES: 3,
    Curation.LOOKALIKE_COUNTS: 3,
    Curation.SAME_DOI: 2,
    Curation.PREPRINT_LINK: 2,
    Curation.PREPRINT_TITLE: 2,
    Curation.TRIPLE: 3,
    Curation.SAME_TITLE: 2,
    Curation.COMMON_CAPTION: 5,
    Curation.RARE_CAPTION: 3,
    Curation.RAMP: 2,
}
"""How many articles a group of each kind has."""


@dataclass(frozen=True, slots=True)
class Part:
    """The part that one article has in a group."""

    kind: Curation
    cycle: int  # the how-manieth group of its kind, from 0
    member: int  # which of the articles it is, from 0
    numbers: tuple[int, ...]  # of all articles of the group
    has_badge: bool


@dataclass(frozen=True, slots=True)
class Note:
    """What is known of a figure that is there to be curated."""

    kind: Curation
    detail: str = ""
    outcomes: tuple[str, ...] = ()  # of the figure by itself, the best first; empty: it is a pair
    rights_flags: tuple[str, ...] = ()  # what the caption says of rights
    caption: str = ""  # without its sentence about the licence, where it has one
    is_continued: bool = False  # it goes on with the figure before it, whose caption it has


def parse_curations(text: str) -> tuple[str, ...]:
    """Return the kinds of a list like "chain,blank", or all of them for "all".

    Raises:
        ValueError: an unknown name; the message lists the known ones.
    """
    if text == "all":
        return tuple(kind.value for kind in Curation)
    names = tuple(name.strip() for name in text.split(",") if name.strip())
    known = [kind.value for kind in Curation]
    for name in names:
        if name not in known:
            raise ValueError(f"unknown curation {name!r}; known: all, {', '.join(known)}")
    return names


@lru_cache(maxsize=16)
def _deal(names: tuple[str, ...]) -> tuple[tuple[Curation, int], ...]:
    """Return kind and member of every place of one round."""
    return tuple((kind, member) for kind in map(Curation, names) for member in range(NUM_ARTICLES[kind]))


def part_of(names: tuple[str, ...], every: int, number: int) -> Part | None:
    """Return the part of article n, None if it is no curated one."""
    if not names or not every or number % every != every - 1:
        return None
    places = _deal(names)
    ordinal = number // every
    cycle, place = divmod(ordinal, len(places))
    kind, member = places[place]
    first = ordinal - member
    numbers = tuple((first + i) * every + every - 1 for i in range(NUM_ARTICLES[kind]))
    has_badge = kind == Curation.BADGE or (Curation.BADGE in names and ordinal % BADGE_EVERY == BADGE_EVERY - 1)
    return Part(kind, cycle, member, numbers, has_badge)
