"""E-utilities: queries in windows of dates, errors that come with status 200, and no article lost in between."""

import datetime
import json
import re
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pmc15m.acquire import eutils
from pmc15m.acquire.eutils import FIRST_DAY, LICENSE_FILTERS, Query, QueryError, Service, search_pmcids
from pmc15m.acquire.http import HttpPolicy
from pmc15m.licenses import LICENSE_CLASSES
from pmc15m.records import Reason
from tests.server import Collection, ServerConfig, running_server
from tests.server.eutils import error_body, limit_body
from tests.unit.canned import MAX_ATTEMPTS, Answer, Canned
from tests.unit.scripted import fast_client

SERVICE = Service("http://eutils.test/entrez/eutils")
TODAY = datetime.date(2026, 11, 25)
_WINDOW = re.compile(r" AND (\d{4}/\d\d/\d\d):(\d{4}/\d\d/\d\d)\[pmcrdat\]$")


def day(text: str) -> datetime.date:
    return datetime.date.fromisoformat(text.replace("/", "-"))


def window_of(query: Mapping[str, str]) -> tuple[datetime.date, datetime.date]:
    """Return the first and the last day that a request asks for."""
    match = _WINDOW.search(query["term"])
    assert match
    return day(match[1]), day(match[2])


def answer(ids: list[int], count: int | None = None) -> bytes:
    found = {"count": str(len(ids) if count is None else count), "retmax": str(len(ids)), "idlist": list(map(str, ids))}
    return json.dumps({"header": {}, "esearchresult": found}).encode()


def service_with(articles: Mapping[int, str], most: int) -> Canned:
    """Return a client of a service with articles by the day of their release, that gives so many ids at once."""

    def reply(path: str, query: dict[str, str]) -> Answer:
        first, last = window_of(query)
        ids = sorted((uid for uid, released in articles.items() if first <= day(released) <= last), reverse=True)
        return answer(ids[:most], len(ids))

    return Canned(reply)


def search(client: Canned, query: Query | None = None, last_day: datetime.date = TODAY) -> list[str]:
    return list(search_pmcids(client, query or Query(), SERVICE, last_day))


@pytest.fixture
def three_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(eutils, "MAX_IDS", 3)


# Terms


@pytest.mark.parametrize(
    ("query", "text"),
    [
        (Query(), "open_access[filter]"),
        (Query("mill OR wheel"), "open_access[filter] AND (mill OR wheel)"),
        (Query(licenses=("CC0", "CC BY")), "open_access[filter] AND (cc0_license[filter] OR cc_by_license[filter])"),
        (Query(licenses=("CC BY", "TDM")), "open_access[filter]"),
        (Query(licenses=("none",)), "open_access[filter]"),
        (Query(journals=("J Mill", "Mills")), 'open_access[filter] AND ("J Mill"[journal] OR "Mills"[journal])'),
        (
            Query("a", ("CC0",), ("B",), ("C",)),
            'open_access[filter] AND (a) AND (cc0_license[filter]) AND ("B"[journal]) AND ("C"[mesh])',
        ),
    ],
)
def test_query_is_joined_to_one_term(query: Query, text: str) -> None:
    assert query.text == text


def test_filters_and_dates_are_those_of_the_readme_of_the_bucket(shared: Path) -> None:
    readme = (shared / "samples" / "pmc-oa-opendata_README.txt").read_text()
    words = set(re.findall(r"[\w-]+\[\w+\]", readme.casefold()))
    assert {*LICENSE_FILTERS.values(), "open_access[filter]"} <= words
    assert re.search(r"2026/1/14:2026/1/31\[pmcrdat\]", readme)
    assert set(LICENSE_FILTERS) <= set(LICENSE_CLASSES)


def test_request_says_what_the_service_asks_for() -> None:
    client = service_with({}, 9)
    service = Service("http://eutils.test/eutils", "mill@example.org", "k3y")
    assert list(search_pmcids(client, Query("wheel & stone"), service, TODAY)) == []
    assert client.asked == [
        (
            "/eutils/esearch.fcgi",
            {
                "db": "pmc",
                "term": "open_access[filter] AND (wheel & stone) AND 1900/01/01:2026/11/25[pmcrdat]",
                "retmode": "json",
                "retmax": "9999",
                "tool": "pmc15m",
                "email": "mill@example.org",
                "api_key": "k3y",
            },
        )
    ]


# Windows


def test_days_of_the_query_bound_the_window() -> None:
    client = service_with({}, 9)
    search(client, Query(first_day=day("2026/01/14"), last_day=day("2026/01/31")))
    search(client, Query(first_day=day("2026/01/14")))
    assert [window_of(query) for _, query in client.asked] == [
        (day("2026/01/14"), day("2026/01/31")),
        (day("2026/01/14"), TODAY),
    ]


@pytest.mark.usefixtures("three_at_once")
def test_window_of_too_many_articles_is_split_by_date() -> None:
    articles = {number: f"2026/03/{number + 1:02}" for number in range(1, 11)} | {77: "1999/01/01", 88: "2026/11/25"}
    client = service_with(articles, 3)
    found = search(client)
    assert sorted(found) == sorted(f"PMC{number}" for number in articles)
    windows = [window_of(query) for _, query in client.asked]
    assert windows[0] == (FIRST_DAY, TODAY)
    assert len(windows) == len(set(windows))
    assert len(windows) < 40


@pytest.mark.usefixtures("three_at_once")
def test_article_that_moves_between_two_windows_is_given_once() -> None:
    replies = iter([answer([1], 4), answer([1, 2, 3]), answer([3, 4])])
    assert search(Canned(lambda path, query: next(replies))) == ["PMC1", "PMC2", "PMC3", "PMC4"]


@pytest.mark.usefixtures("three_at_once")
def test_day_of_too_many_articles_is_an_error() -> None:
    client = service_with(dict.fromkeys(range(1, 5), "2026/03/01"), 3)
    with pytest.raises(QueryError, match="4 articles on 2026-03-01 alone: the service gives 3; narrow the query"):
        search(client)


@pytest.mark.usefixtures("three_at_once")
def test_full_window_is_not_split() -> None:
    client = service_with(dict.fromkeys(range(1, 4), "2026/03/01"), 3)
    assert search(client) == ["PMC3", "PMC2", "PMC1"]
    assert len(client.asked) == 1


@given(st.dictionaries(st.integers(1, 99), st.dates(FIRST_DAY, TODAY), max_size=30), st.integers(1, 4))
def test_windows_find_every_article_once(released: dict[int, datetime.date], most: int) -> None:
    articles = {uid: f"{when:%Y/%m/%d}" for uid, when in released.items()}
    client = service_with(articles, most)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(eutils, "MAX_IDS", most)
        try:
            found = search(client)
        except QueryError:
            days = list(released.values())
            assert max(map(days.count, days)) > most
            return
    assert sorted(found) == sorted(f"PMC{uid}" for uid in released)


# Errors


def test_too_many_requests_with_status_200_are_asked_again() -> None:
    replies = iter([limit_body(), limit_body(4), answer([7])])
    assert search(Canned(lambda path, query: next(replies))) == ["PMC7"]


def test_backend_that_failed_with_status_200_is_asked_again() -> None:
    replies = iter([error_body("Search Backend failed: the backend is not there"), answer([7])])
    assert search(Canned(lambda path, query: next(replies))) == ["PMC7"]


@pytest.mark.parametrize(
    ("data", "said"),
    [(limit_body(), "rate limit is exceeded"), (error_body("Search Backend failed: x"), "backend failed")],
)
def test_error_that_stays_is_an_error_that_says_so(data: bytes, said: str) -> None:
    client = Canned(lambda path, query: data)
    with pytest.raises(QueryError, match=f"ESearch does not answer: .*{said}"):
        search(client)
    assert len(client.asked) == MAX_ATTEMPTS


def test_service_that_does_not_answer_is_an_error() -> None:
    with pytest.raises(QueryError, match=r"ESearch does not answer: /entrez/eutils/esearch\.fcgi: fetch_failed"):
        search(Canned(lambda path, query: Reason.FETCH_FAILED))


def test_query_that_is_refused_is_told_in_the_words_of_the_service() -> None:
    data = error_body('Exception:\n"retstart" cannot be larger than 9998')
    with pytest.raises(
        QueryError, match='ESearch refuses the query: Exception:\n"retstart" cannot be larger than 9998'
    ):
        search(Canned(lambda path, query: data))


@pytest.mark.parametrize(
    "data",
    [
        b"", b"[]", b"<html></html>", b"null", b'"x"', b"\xff", b'{"esearchresult": "x"}', b'{"esearchresult": []}',
        b'{"esearchresult": null}', b'{"esearchresult": {}}', b'{"esearchresult": {"count": "1"}}',
        b'{"esearchresult": {"idlist": []}}', b'{"esearchresult": {"count": "many", "idlist": []}}',
        b'{"esearchresult": {"count": "1", "idlist": ["x"]}}', b'{"esearchresult": {"count": "1", "idlist": 7}}',
    ],
)  # fmt: skip
def test_answer_to_something_else_is_an_error(data: bytes) -> None:
    with pytest.raises(QueryError, match="ESearch does not answer a query"):
        search(Canned(lambda path, query: data))


def test_answer_with_fewer_ids_than_it_counts_is_an_error() -> None:
    with pytest.raises(QueryError, match="ESearch says 3 articles from 1900-01-01 to 2026-11-25 and names 2"):
        search(Canned(lambda path, query: answer([1, 2], 3)))


# The real client


def test_server_answers_a_query_after_errors_with_status_200() -> None:
    config = ServerConfig(articles=12, fault_map={"eutils:esearch": "limit_body@2"}, image_scale=0.05)
    client, _ = fast_client(HttpPolicy(connections=1))
    with running_server(config) as server:
        found = list(search_pmcids(client, Query(), Service(server.eutils_url), day("2026/12/31")))
        assert server.counters().faults == {"limit_body": 2}
    versions = Collection(config).versions(0).values()
    assert sorted(found) == sorted({version.pmcid for version in versions})
