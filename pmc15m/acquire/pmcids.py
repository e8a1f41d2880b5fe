"""Lists of PMCIDs in any usual form: `PMC123`, `123`, `PMC123.2`, a URL."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

_NUMBERS = r"([1-9][0-9]{0,15})(?:\.([1-9][0-9]{0,3}))?"
_WORD = re.compile(rf"(?:PMC)?{_NUMBERS}", re.IGNORECASE)
_IN_URL = re.compile(rf"/PMC{_NUMBERS}(?=[/?.]|$)", re.IGNORECASE)  # a bare number there may be of a figure


@dataclass(frozen=True, slots=True)
class Wanted:
    """An article asked for by name."""

    pmcid: str  # "PMC123"
    version: int | None  # None: the one that the version rule picks


def parse_pmcid(text: str) -> Wanted:
    """Return what one word asks for.

    Raises:
        ValueError: it is no PMCID in any usual form.
    """
    word = text.strip()
    match = _IN_URL.search(word) if "/" in word else _WORD.fullmatch(word)
    if match is None:
        raise ValueError(f"{word!r} is no PMCID: wanted PMC123, 123, PMC123.2 or a URL with one")
    return Wanted(f"PMC{int(match.group(1))}", int(match.group(2)) if match.group(2) else None)


def read_pmcids(text: str) -> Iterator[Wanted]:
    """Yield what a list asks for: one a line or separated by commas or blanks; `#` starts a comment.

    What stands twice is yielded once.

    Raises:
        ValueError: a word is no PMCID; the message names its line.
    """
    seen = set()
    for number, line in enumerate(text.splitlines(), 1):
        for word in re.split(r"[\s,;]+", line.partition("#")[0].strip()):
            if not word:
                continue
            try:
                wanted = parse_pmcid(word)
            except ValueError as error:
                raise ValueError(f"line {number}: {error}") from error
            if wanted not in seen:
                seen.add(wanted)
                yield wanted
