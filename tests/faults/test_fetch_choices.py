"""`pmc15m fetch` of a part: a list, a query, a sample, and a plan before anything is fetched."""

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tests.faults.wanted import (
    PLAIN,
    EVERYTHING,
    articles_of,
    fetch,
    files_of,
    folder_of,
    objects,
    pmcid_of,
    rejects_of,
    serving,
    wanted,
)
from tests.server import Server, running_server
from tests.server.inventory import ROOT
from tests.server.terms import has_mesh

pytestmark = pytest.mark.usefixtures("quick", "log_as_before")

UNTIL = "--until=2026-12-31"

# What to fetch


def test_dry_run_asks_for_the_inventory_alone(
    server: Server, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert fetch(server, tmp_path, "--dry-run") == 0
    out = capfd.readouterr().out
    assert out.startswith("24 articles, about 132 requests and 0.0 GB, less what ")
    assert {key.removeprefix("list:").startswith(ROOT) for key in server.counters().requests} == {True}
    assert not list(tmp_path.glob("PMC*"))
    assert fetch(server, tmp_path) == 0
    assert files_of(tmp_path) == wanted(PLAIN).files


def pmcid(number: int) -> str:
    return f"PMC{80_000_000 + number}"


def listed(tmp_path: Path, text: str) -> str:
    path = tmp_path / "list.txt"
    path.write_text(text, encoding="utf-8")
    return f"--pmcids={path}"


def articles_of(store: Path) -> set[str]:
    return {path.name for path in store.glob("PMC*")}


def test_list_names_articles_in_all_forms(everything: Server, tmp_path: Path) -> None:
    everything.reset()
    right = wanted(EVERYTHING)
    two = next(folder for folder, ending in right.endings.items() if ending == "superseded").partition(".")[0]
    text = (
        f"\ufeff# of mills\n{pmcid(0)}, {pmcid(2)[3:]}\nhttps://pmc.ncbi.nlm.nih.gov/articles/{pmcid(6)}/#F1\n"
        f"{two}\n{pmcid(8)}.1; {pmcid(10)}.2 {pmcid(0)}\nPMC12345\n"
    )
    store = tmp_path / "store"
    assert fetch(everything, store, listed(tmp_path, text)) == 0
    assert articles_of(store) == {f"{pmcid(number)}.1" for number in (0, 2, 6, 8)} | {f"{two}.2"}
    assert files_of(store).items() <= right.files.items()
    assert rejects_of(store) == {f"{two}.1": "superseded"}
    assert rejects_of(store, "index") == {f"{pmcid(10)}.2": "not_found", "PMC12345.0": "not_found"}
    listings = [key for key in everything.counters().requests if key.startswith("list:")]
    assert sorted(listings) == sorted(f"list:{one}." for one in (*map(pmcid, (0, 2, 6, 8, 10)), two, "PMC12345"))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("PMC1\nPMID:7\n", "line 2: 'PMID:7' is no PMCID"),
        ("# none\n", "list.txt names no article"),
        ("\udcff", "decode"),
    ],
)
def test_list_that_is_none_is_refused_before_anything_is_asked(
    server: Server, tmp_path: Path, capfd: pytest.CaptureFixture[str], text: str, said: str
) -> None:
    (tmp_path / "list.txt").write_bytes(text.encode("utf-8", "surrogateescape"))
    assert fetch(server, tmp_path / "store", f"--pmcids={tmp_path / 'list.txt'}") == 2
    assert said in capfd.readouterr().err
    assert server.counters().total == 0


def test_list_adds_to_the_store_and_takes_nothing_away(server: Server, tmp_path: Path) -> None:
    store = tmp_path / "store"
    assert fetch(server, store, listed(tmp_path, f"{pmcid(1)}\n{pmcid(2)}")) == 0
    assert fetch(server, store, listed(tmp_path, f"{pmcid(3)}")) == 0
    assert articles_of(store) == {folder_of(number) for number in (1, 2, 3)}
    server.reset()
    assert fetch(server, store) == 0
    assert files_of(store) == wanted(PLAIN).files
    asked = objects(server.counters().requests)
    assert not [key for key in asked if key.startswith(tuple(folder_of(number) for number in (1, 2, 3)))]


def test_list_is_asked_for_again_by_the_next_fetch(server: Server, tmp_path: Path) -> None:
    store = tmp_path / "store"
    right = wanted(PLAIN, 1)
    gone = next(iter(wanted(PLAIN).versions.keys() - right.versions.keys()))
    words = listed(tmp_path, "\n".join(version.pmcid for version in wanted(PLAIN).versions.values()))
    assert fetch(server, store, words) == 0
    server.set_day(1)
    assert fetch(server, store, words) == 0
    added = right.versions.keys() - wanted(PLAIN).versions.keys()
    assert articles_of(store) == right.versions.keys() - added
    assert rejects_of(store, "index") == {f"{gone.partition('.')[0]}.0": "not_found"}


def test_listing_that_failed_is_asked_for_again_and_its_article_stays(tmp_path: Path) -> None:
    store = tmp_path / "store"
    words = listed(tmp_path, f"{pmcid(1)} {pmcid(2)}")
    rules = {f"list:{pmcid(1)}.": "error_500@5"}
    with serving(replace(PLAIN, articles=4)) as server:
        assert fetch(server, store, words) == 0
    with serving(replace(PLAIN, articles=4, fault_map=rules)) as server:
        assert fetch(server, store, words) == 3
        assert articles_of(store) == {folder_of(1), folder_of(2)}
        assert fetch(server, store, words) == 0
        server.reset()
        assert fetch(server, store, words, "--max-fault-rate=1") == 0
        assert articles_of(store) == {folder_of(1), folder_of(2)}


Choice = Callable[[Wanted, str], bool]


def journal_of(right: Wanted, folder: str) -> str:
    return right.collection.facts(right.versions[folder].number).journal.name


@pytest.mark.parametrize(
    "kind",
    ["journal", "since", "term", "mesh", "license"],
)
def test_query_picks_what_it_says(server: Server, tmp_path: Path, kind: str) -> None:
    right = wanted(PLAIN)
    journal = journal_of(right, folder_of(0))
    middle = sorted(version.updated for version in right.versions.values())[12]
    since = time.strftime("%Y-%m-%d", time.gmtime(middle))
    (tmp_path / "cc_by.toml").write_text('[select]\nlicenses = ["CC BY"]\n')
    words = {
        "journal": [f"--journal={journal}"],
        "since": [f"--since={since}"],
        "term": [f"--term={pmcid(3)}[uid] OR {pmcid(4)}[uid]"],
        "mesh": ["--mesh=Heart"],
        "license": ["--since=2020-01-01", f"--config={tmp_path / 'cc_by.toml'}"],
    }[kind]
    from tests.server.terms import has_mesh

    picked = {
        "journal": lambda folder: journal_of(right, folder) == journal,
        "since": lambda folder: right.versions[folder].updated >= middle - middle % 86_400,
        "term": lambda folder: folder in {folder_of(3), folder_of(4)},
        "mesh": lambda folder: has_mesh("Heart", int(folder[3:11])),
        "license": lambda folder: right.collection.license_of(right.versions[folder]) == "CC BY",
    }[kind]
    store = tmp_path / "store"
    assert fetch(server, store, f"--eutils={server.eutils_url}", UNTIL, *words) == 0
    chosen = {folder for folder in right.versions if picked(folder)}
    assert 0 < len(chosen) < 24
    assert files_of(store) == {path: sha for path, sha in right.files.items() if path.partition("/")[0] in chosen}
    keys = server.counters().requests
    assert keys["eutils:esearch"] == 1
    assert {key.partition(".")[0] for key in keys if key.startswith("list:")} == {f"list:{one[:11]}" for one in chosen}


@pytest.mark.parametrize(
    ("fault", "words", "code", "said"),
    [
        ("limit_body@2", ["--term=all[filter]"], 0, ""),
        ("search_error@2", ["--term=all[filter]"], 0, ""),
        ("limit_body@inf", ["--term=all[filter]"], 1, "its rate limit is exceeded"),
        ("html", ["--term=all[filter]"], 1, "a web page in place of the object"),
        ("", ["--term=x[nonsense]"], 1, "ESearch refuses the query: there is no field 'nonsense'"),
        ("", ["--term=nonesuch"], 2, "no article answers the query"),
    ],
)
def test_query_that_fails_says_so(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], fault: str, words: list[str], code: int, said: str
) -> None:
    rules = {"eutils:esearch": fault} if fault else {}
    with running_server(replace(PLAIN, articles=3, fault_map=rules)) as server:
        assert fetch(server, tmp_path, f"--eutils={server.eutils_url}", UNTIL, *words) == code
    assert said in capfd.readouterr().err
    assert len(articles_of(tmp_path)) == (0 if code else 3)


@pytest.mark.parametrize(
    "words",
    [
        ["--pmcids=x", "--day=2026-11-01"],
        ["--term=x", "--day=2026-11-01"],
        ["--term=x", "--pmcids=x"],
        ["--requests-per-s=0"],
        ["--requests-per-s=-1"],
        ["--connections=0"],
        ["--contact=m\u00fchle"],
        ["--proxy=nowhere"],
    ],
)
def test_words_that_make_no_sense_are_refused_before_anything_is_asked(
    server: Server, tmp_path: Path, words: list[str]
) -> None:
    assert fetch(server, tmp_path / "store", *words) == 2
    assert server.counters().total == 0
    assert not (tmp_path / "store").exists()


def test_sample_grows_without_asking_for_anything_again(server: Server, tmp_path: Path) -> None:
    store = tmp_path / "store"
    found = []
    for most in (4, 9):
        (tmp_path / "sample.toml").write_text(f"[select]\nmax_articles = {most}\n")
        server.reset()
        assert fetch(server, store, f"--config={tmp_path / 'sample.toml'}") == 0
        found.append((articles_of(store), objects(server.counters().requests)))
    (small, _), (big, asked) = found
    assert (len(small), len(big)) == (4, 9)
    assert small < big
    assert not [key for key in asked if key.partition("/")[0] in small]
