"""E-utilities: which articles answer a query, in windows of at most 9,999 ids split by date.

A service asks for three requests a second, ten with a key; its errors come with status 200 too, so
that the body decides (pmc.ncbi.nlm.nih.gov: ESearch of db=pmc).
"""

import datetime
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from pmc15m.acquire.http import FetchError, HttpClient
from pmc15m.errors import BrokenWorldError

SERVICE = "https://eutils.ncbi.nlm.nih.gov/entrez/eutils"
MAX_IDS = 9_999
MAX_ANSWER_BYTES = 4 * 2**20
FIRST_DAY = datetime.date(1900, 1, 1)
REQUESTS_PER_S = 3.0
REQUESTS_PER_S_WITH_KEY = 10.0

LICENSE_FILTERS = {
    "CC0": "cc0_license[filter]",
    "CC BY": "cc_by_license[filter]",
    "CC BY-SA": "cc_by-sa_license[filter]",
    "CC BY-ND": "cc_by-nd_license[filter]",
    "CC BY-NC": "cc_by-nc_license[filter]",
    "CC BY-NC-SA": "cc_by-nc-sa_license[filter]",
    "CC BY-NC-ND": "cc_by-nc-nd_license[filter]",
}
"""The filter of each licence class that ESearch knows."""


class QueryError(BrokenWorldError):
    """The service refuses a query, or does not answer with one."""


@dataclass(frozen=True, slots=True)
class Query:
    """What to search for."""

    term: str = ""  # any ESearch term, joined with the rest by AND
    licenses: tuple[str, ...] = ()
    journals: tuple[str, ...] = ()
    mesh: tuple[str, ...] = ()
    first_day: datetime.date = FIRST_DAY  # of release in PMC
    last_day: datetime.date | None = None  # None: the first day is the only bound

    @property
    def text(self) -> str:
        """The term that is sent."""
        parts = ["open_access[filter]"]
        parts += [f"({self.term})"] if self.term else []
        has_filters = set(self.licenses) <= LICENSE_FILTERS.keys()  # else the metadata decides later
        for names in (
            [LICENSE_FILTERS[name] for name in self.licenses if has_filters],
            [f'"{name}"[journal]' for name in self.journals],
            [f'"{name}"[mesh]' for name in self.mesh],
        ):
            parts += [f"({' OR '.join(names)})"] if names else []
        return " AND ".join(parts)


@dataclass(frozen=True, slots=True)
class Service:
    """Where to ask, and as whom."""

    url: str = SERVICE
    contact: str | None = None  # e-mail address, sent along as the service asks
    api_key: str | None = None


def search_pmcids(client: HttpClient, query: Query, service: Service, last_day: datetime.date) -> Iterator[str]:
    """Yield the PMCIDs of all articles that answer a query, by date windows, each once.

    Args:
        client: its rate is the service's.
        query: what to search for.
        service: where.
        last_day: end of the last window where the query has none.

    Raises:
        QueryError: the service refuses the query or does not answer, or one day alone has more ids than it gives.
    """
    seen: set[str] = set()
    windows = [(query.first_day, query.last_day or last_day)]
    while windows:
        first, last = windows.pop()
        count, ids = _search(client, query, service, first, last)
        if count <= MAX_IDS:
            if len(ids) != count:
                raise QueryError(f"ESearch says {count} articles from {first} to {last} and names {len(ids)}")
            fresh = [pmcid for pmcid in ids if pmcid not in seen]
            seen.update(fresh)
            yield from fresh
            continue
        if first == last:
            raise QueryError(f"{count} articles on {first} alone: the service gives {MAX_IDS}; narrow the query")
        middle = first + (last - first) // 2
        windows += [(middle + datetime.timedelta(days=1), last), (first, middle)]


def _search(
    client: HttpClient, query: Query, service: Service, first: datetime.date, last: datetime.date
) -> tuple[int, list[str]]:
    """Return how many articles of a window answer a query, and their PMCIDs, as far as the service gives them."""
    fields = {
        "db": "pmc",
        "term": f"{query.text} AND {first:%Y/%m/%d}:{last:%Y/%m/%d}[pmcrdat]",  # as the bucket's README has it
        "retmode": "json",
        "retmax": str(MAX_IDS),
        "tool": "pmc15m",
    }
    fields |= {"email": service.contact} if service.contact else {}
    fields |= {"api_key": service.api_key} if service.api_key else {}
    url = f"{service.url}/esearch.fcgi?{urlencode(fields)}"
    try:
        data = client.get(url, max_bytes=MAX_ANSWER_BYTES, check=_why_again).data
    except FetchError as error:
        raise QueryError(f"ESearch does not answer: {error.detail}") from error
    try:
        answer: dict[str, Any] = json.loads(data, strict=False)["esearchresult"]  # errors hold line breaks as they are
        if (refusal := answer.get("ERROR")) is not None:
            raise QueryError(f"ESearch refuses the query: {str(refusal)[:200]}")
        return int(answer["count"]), [f"PMC{int(number)}" for number in answer["idlist"]]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise QueryError(f"ESearch does not answer a query: {data[:200]!r}") from error


def _why_again(data: bytes) -> str | None:
    """Return why an answer with status 200 is to be asked for again, or None."""
    if b'"error"' in data[:200] and b"rate limit" in data[:400]:
        return "the service says that its rate limit is exceeded"
    if b'"ERROR"' in data[:400] and b"Search Backend failed" in data[:400]:
        return "the service says that its search backend failed"
    return None
