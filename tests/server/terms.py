"""A small part of the query language of PMC: AND, OR, NOT from left to right, parentheses, fields, date ranges."""

import hashlib
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import TypeAlias

FILTERS = {
    "CC0": "cc0_license",
    "CC BY": "cc_by_license",
    "CC BY-SA": "cc_by-sa_license",
    "CC BY-ND": "cc_by-nd_license",
    "CC BY-NC": "cc_by-nc_license",
    "CC BY-NC-ND": "cc_by-nc-nd_license",
    "CC BY-NC-SA": "cc_by-nc-sa_license",
}
"""The filter of each licence."""

MESH_SHARE = 4
"""Every so-manieth article, more or less, has a given MeSH term."""

_TOKEN = re.compile(
    r"""\s*(?: (?P<mark>[()])
      | (?P<low>"?[\d/]+"?) \s* (?:\[[^\]]*\])? \s* : \s* (?P<high>"?[\d/]+"?) \s* \[(?P<range_field>[^\]]*)\]
      | (?P<text>"[^"]*"|[^\s()"\[\]]+) (?:\s*\[(?P<field>[^\]]*)\])? )""",
    re.VERBOSE,
)
_DATE = re.compile(r"(\d{4})(?:/(\d{1,2}))?(?:/(\d{1,2}))?")
_PUBLISHED = frozenset({"pdat", "dp", "publication date", "date - publication", "ppdat", "epdat"})
_RELEASED = frozenset({"pmcrdat", "edat", "pmc live date", "pmclivedate"})
_MESH = frozenset({"mesh", "mh", "mesh terms", "majr", "mesh major topic"})
_JOURNAL = frozenset({"journal", "ta", "jour"})
_WORDS = frozenset({"", "all", "all fields", "title", "ti", "text word"})


@dataclass(frozen=True, slots=True)
class Row:
    """What can be asked of an article."""

    uid: int  # without "PMC"
    title: str
    journals: frozenset[str]  # its names, in lower case
    published: date
    released: date
    filters: frozenset[str]


Test: TypeAlias = Callable[[Row], bool]


class TermError(ValueError):
    """A query that makes no sense; `field` is one that there is not."""


def parse_date(text: str, is_end: bool = False) -> date:
    """Return a day, or the first, or last, of a month or year like "2026/1".

    Raises:
        TermError: it is none.
    """
    match = _DATE.fullmatch(text.strip('"'))
    try:
        if match is None:
            raise TermError(f"{text!r} is no date")
        year, month, day = (int(part) if part else 0 for part in match.groups())
        if is_end and not day:
            following = date(year + (not month or month == 12), month % 12 + 1 if month else 1, 1)
            return date.fromordinal(following.toordinal() - 1)
        return date(year, month or 1, day or 1)
    except ValueError as error:
        raise TermError(f"{text!r} is no date") from error


def has_mesh(term: str, uid: int) -> bool:
    """Return whether an article has a MeSH term: by a hash that is the same for every seed."""
    return hashlib.sha256(f"{term.casefold()}|{uid}".encode()).digest()[0] % MESH_SHARE == 0


def parse_term(text: str) -> Test:
    """Return the test that a query is.

    Raises:
        TermError: it cannot be read, or asks for a field that there is not.
    """
    tokens = list(_split(text))
    test, rest = _read(tokens)
    if rest:
        raise TermError("a parenthesis too many")
    return test


def _split(text: str) -> Iterator[re.Match[str]]:
    place = 0
    text = text.rstrip()
    while place < len(text):
        match = _TOKEN.match(text, place)
        if match is None:
            raise TermError(f"cannot read {text[place:]!r}")
        yield match
        place = match.end()


def _read(tokens: list[re.Match[str]]) -> tuple[Test, list[re.Match[str]]]:
    """Return the test of the tokens up to a closing parenthesis, and what is left from there on."""
    total: Test | None = None
    operator = "AND"
    while tokens and tokens[0]["mark"] != ")":
        token, *tokens = tokens
        if token["text"] in {"AND", "OR", "NOT"} and token["field"] is None:
            operator = token["text"]
            continue
        if token["mark"] == "(":
            test, tokens = _read(tokens)
            if not tokens:
                raise TermError("a parenthesis is not closed")
            tokens = tokens[1:]
        else:
            test = _atom(token)
        total = _join(total, operator, test)
        operator = "AND"
    if total is None:
        raise TermError("nothing is asked for")
    return total, tokens


def _join(left: Test | None, operator: str, right: Test) -> Test:
    if left is None:
        return (lambda row: not right(row)) if operator == "NOT" else right
    if operator == "OR":
        return lambda row: left(row) or right(row)
    if operator == "NOT":
        return lambda row: left(row) and not right(row)
    return lambda row: left(row) and right(row)


def _atom(token: re.Match[str]) -> Test:
    if token["low"]:
        return date_test(token["range_field"], parse_date(token["low"]), parse_date(token["high"], is_end=True))
    value, field = token["text"].strip('"'), (token["field"] or "").strip().casefold()
    if value.startswith("(") and not field:
        return parse_term(value)  # as the README of the service quotes its filters
    folded = value.casefold()
    if field == "filter" or field == "sb":
        return lambda row: folded == "all" or folded in row.filters
    if field in _JOURNAL:
        return lambda row: folded in row.journals
    if field in _MESH:
        return lambda row: has_mesh(value, row.uid)
    if field in _WORDS:
        return lambda row: folded == "all" or folded in row.title.casefold()
    if field in {"uid", "pmcid", "accn"}:
        return lambda row: folded.removeprefix("pmc") == str(row.uid)
    return date_test(field, parse_date(value), parse_date(value, is_end=True))


def date_test(field: str, low: date, high: date) -> Test:
    """Return the test of a range of dates, both ends in it.

    Raises:
        TermError: the field is no date.
    """
    name = field.strip().casefold()
    if name in _PUBLISHED:
        return lambda row: low <= row.published <= high
    if name in _RELEASED:
        return lambda row: low <= row.released <= high
    if name == "crdt":
        return lambda row: False  # as the service answers
    raise TermError(f"there is no field {field!r}")
