"""ESearch, EFetch and the ID converter, as far as clients can tell."""

import json
from datetime import date
from typing import Any
from urllib.parse import urlencode

import pytest
from lxml import etree

from tests.server import Collection, ServerConfig, Variant
from tests.server.client import asked_server
from tests.server.eutils import MAX_IDS, Eutils, RateLimit
from tests.server.recorded import Recorded
from tests.server.terms import Row, TermError, has_mesh, parse_date, parse_term

MADE = Collection(ServerConfig(articles=80, variants_every=4))
EUTILS = Eutils(MADE, Recorded(None))
ROW = Row(
    uid=80_000_007,
    title="Wound closure in the root of goats",
    journals=frozenset({"wharf medicine", "wharf med"}),
    published=date(2020, 2, 29),
    released=date(2026, 1, 18),
    filters=frozenset({"open_access", "cc_by_license"}),
)


def search(term: str = "all[filter]", day: int = 0, **query: Any) -> dict[str, Any]:
    fields = {"db": "pmc", "retmode": "json", "term": term} | {name: str(value) for name, value in query.items()}
    found: dict[str, Any] = json.loads(EUTILS.search(fields, day), strict=False)["esearchresult"]
    return found


@pytest.mark.parametrize(
    ("term", "is_met"),
    [
        ("open_access[filter]", True),
        ("OPEN_ACCESS[Filter] AND cc_by_license [Filter]", True),
        ("author_manuscript[filter]", False),
        ("cc0_license[filter] OR cc_by_license[filter]", True),
        ("author_manuscript[filter] AND x OR open_access[filter]", True),
        ("open_access[filter] OR x AND y", False),
        ("open_access[filter] NOT cc_by_license[filter]", False),
        ("NOT author_manuscript[filter]", True),
        ("(author_manuscript[filter] OR (open_access[filter]))", True),
        ('2026/01/18[pmcrdat] AND "(open_access[Filter] OR author_manuscript[Filter])"', True),
        ("2026/1/14:2026/1/31[pmcrdat]", True),
        ('"2026/01/19"[edat] : "2026/01/31"[edat]', False),
        ("2026/1/18[crdt]", False),
        ("2020:2020[pdat]", True),
        ("2020/02:2020/02[pdat]", True),
        ("2020/03:2021[dp]", False),
        ('"Wharf Medicine"[journal]', True),
        ('"Wharf Med"[ta]', True),
        ('"Wharf"[journal]', False),
        ("wound closure", True),
        ("wound stitches", False),
        ('"closure in"[title]', True),
        ("PMC80000007[uid]", True),
    ],
)
def test_a_term_asks_for_what_it_says(term: str, is_met: bool) -> None:
    assert parse_term(term)(ROW) == is_met


@pytest.mark.parametrize("term", ["", "(a", "a)", "a[nonsense]", "AND", "[x]", "2020/13/1[pdat]", "()", '"a'])
def test_a_term_that_makes_no_sense_is_refused(term: str) -> None:
    with pytest.raises(TermError):
        parse_term(term)


def test_dates_end_with_their_month_or_year() -> None:
    assert [parse_date(text, is_end=True) for text in ("2020", "2020/2", "2020/12", "2020/2/3")] == [
        date(2020, 12, 31), date(2020, 2, 29), date(2020, 12, 31), date(2020, 2, 3),
    ]  # fmt: skip
    assert [parse_date(text) for text in ("2020", "2020/2")] == [date(2020, 1, 1), date(2020, 2, 1)]


def test_a_quarter_of_the_articles_has_a_mesh_term() -> None:
    share = sum(has_mesh("Heart", uid) for uid in range(2_000)) / 2_000
    assert 0.2 < share < 0.3
    assert has_mesh("Heart", 5) == has_mesh("heart", 5)
    mesh = search('"Heart"[mesh]', retmax=99)["idlist"]
    assert mesh == [uid for uid in search(retmax=99)["idlist"] if has_mesh("heart", int(uid))]


def test_pages_of_ids_add_up() -> None:
    whole = search(retmax=9_999)
    assert (whole["count"], whole["retmax"], whole["retstart"]) == ("80", "80", "0")
    assert whole["idlist"] == [str(80_000_079 - n) for n in range(80)]
    pages = [search(retmax=30, retstart=start)["idlist"] for start in (0, 30, 60, 90)]
    assert [uid for page in pages for uid in page] == whole["idlist"]
    assert len(search()["idlist"]) == 20
    assert search("nonesuch")["warninglist"]["outputmessages"] == ["No items found."]


def test_filters_are_of_the_licence_and_dates_of_publication_or_release() -> None:
    for code, name in (("CC BY", "cc_by_license"), ("CC0", "cc0_license"), ("CC BY-NC", "cc_by-nc_license")):
        wanted = {v.pmcid for v in MADE.versions(0).values() if MADE.license_of(v) == code}
        assert {f"PMC{uid}" for uid in search(f"{name}[filter]", retmax=99)["idlist"]} == wanted
    manuscripts = {v.pmcid for v in MADE.versions(0).values() if MADE.variant_of(v.number) == Variant.TDM}
    assert {f"PMC{uid}" for uid in search("author_manuscript[filter]", retmax=99)["idlist"]} == manuscripts
    published = search(datetype="pdat", mindate="2012", maxdate="2016/06", retmax=99)["idlist"]
    assert published == search("2012:2016/06[pdat]", retmax=99)["idlist"]
    assert 0 < len(published) < 80
    assert search(datetype="pmcrdat", mindate="2026/11/03", maxdate="2026/11/03", day=2)["idlist"]


@pytest.mark.parametrize(
    ("query", "error"),
    [
        ({"retstart": 9_999}, "'retstart' cannot be larger than 9998"),
        ({"db": "pubmed"}, "Invalid db name"),
        ({"retmax": "x"}, "retmax is no number"),
        ({"mindate": "then"}, "no date"),
        ({"mindate": "2020", "datetype": "nonsense"}, "no field"),
        ({"term": "(a"}, "not closed"),
    ],
)
def test_an_error_stands_in_the_body(query: dict[str, Any], error: str) -> None:
    assert error in search(**query)["ERROR"]


def test_the_error_of_a_far_page_is_no_strict_json() -> None:
    data = EUTILS.search({"db": "pmc", "retmode": "json", "term": "x", "retstart": str(MAX_IDS)}, 0)
    with pytest.raises(json.JSONDecodeError):
        json.loads(data)
    xml = EUTILS.search({"db": "pmc", "term": "x", "retstart": str(MAX_IDS)}, 0)
    assert "larger than 9998" in (etree.fromstring(xml).findtext("ERROR") or "")


def test_no_answer_goes_beyond_a_number_of_ids(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.server.eutils.MAX_IDS", 70)
    whole, last = search(retmax=20_000), search(retmax=20_000, retstart=69)
    assert (whole["count"], len(whole["idlist"])) == ("80", 70)
    assert last["idlist"] == ["80000010"]
    assert last["warninglist"]["outputmessages"] == ["Restrictions achieved. start and count adjusted to 69, 1"]
    assert "ERROR" in search(retstart=70)


def test_three_requests_a_second_are_allowed_and_ten_with_a_key() -> None:
    now = 0.0
    limit = RateLimit(lambda: now)
    assert [limit.count("") for _ in range(5)] == [0, 0, 0, 4, 5]
    assert [limit.count("key") for _ in range(11)] == [0] * 10 + [11]
    now = 1.0
    assert limit.count("") == 0


def test_limit_and_faults_come_with_status_200() -> None:
    faults = {"eutils:esearch": "limit_body", "eutils:efetch": "search_error"}
    with asked_server(ServerConfig(articles=1, fault_map=faults)) as (server, client):
        path = "/entrez/eutils/{}.fcgi?" + urlencode({"db": "pmc", "term": "all[filter]", "retmode": "json"})
        answers = [client.get(path.format(name)) for name in ("esearch", "efetch", *["esearch"] * 20)]
        assert {answer.status for answer in answers} == {200}
        assert answers[0].data == b'{"error":"API rate limit exceeded","count":"11"}'
        assert "ERROR" in answers[1].json()["esearchresult"]
        assert answers[2].json()["esearchresult"]["idlist"] == ["80000000"]
        assert any(answer.json() == {"error": "API rate limit exceeded", "count": "4"} for answer in answers[3:])
        assert client.get(path.format("esearch") + "&api_key=mine").json()["esearchresult"]["count"] == "1"
        assert [record.fault for record in server.log()][:3] == ["limit_body", "search_error", None]


def test_efetch_gives_the_front_alone_of_what_is_not_open() -> None:
    closed = next(n for n in range(80) if MADE.variant_of(n) == Variant.TDM)
    data = EUTILS.fetch({"id": f"{80_000_000 + closed},PMC80000000,1"}, 0)
    assert data.startswith(b'<?xml version="1.0"  ?><!DOCTYPE pmc-articleset ')
    assert data.count(b"does not allow downloading of the full text in XML form") == 1
    parser = etree.XMLParser(load_dtd=False, no_network=True, resolve_entities=False)
    articles = etree.fromstring(data, parser).findall("article")
    assert [article.find("body") is not None for article in articles] == [False, True]


def test_id_converter_tells_what_is_not_live_yet_and_what_is_not_there() -> None:
    answer = json.loads(EUTILS.convert({"ids": "pmc80000000,PMC80000080,PMC1"}, 0))
    live, coming, absent = answer["records"]
    assert (live["pmcid"], live["requested-id"], "live" in live) == ("PMC80000000", "pmc80000000", False)
    assert (coming["live"], coming["release-date"]) == (False, "2026-11-02")
    assert absent == {"requested-id": "PMC1", "status": "error", "errmsg": "Identifier not found in PMC"}
