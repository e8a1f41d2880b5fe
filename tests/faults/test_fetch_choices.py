"""`pmc15m fetch` of a part: a list, a query, a sample, and a plan before anything is fetched."""

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tests.faults.wanted import (
    EVERYTHING,
    PLAIN,
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
DAY_S = 86_400


def listing(folder: Path, text: str) -> str:
    """Return the flag for a list of that text."""
    path = folder / "list.txt"
    path.write_text(text, encoding="utf-8")
    return f"--pmcids={path}"


# A plan


def test_dry_run_asks_for_the_inventory_alone(plain: Server, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert fetch(plain, tmp_path, "--dry-run") == 0
    assert capfd.readouterr().out.startswith("24 articles, about 132 requests and 0.0 GB, less what ")
    asked = plain.counters().requests
    assert asked
    assert not [key for key in asked if not key.removeprefix("list:").startswith(ROOT)]
    assert articles_of(tmp_path) == set()
    assert fetch(plain, tmp_path) == 0
    assert files_of(tmp_path) == wanted(PLAIN).files


# Lists


def test_list_names_articles_in_all_forms(everything: Server, tmp_path: Path) -> None:
    right = wanted(EVERYTHING)
    two = next(folder for folder, ending in right.endings.items() if ending == "superseded").partition(".")[0]
    text = (
        f"\ufeff# of mills\n{pmcid_of(0)}, {pmcid_of(2)[3:]}\n"
        f"https://pmc.ncbi.nlm.nih.gov/articles/{pmcid_of(6)}/#F1\n{two}\n"
        f"{pmcid_of(8)}.1; {pmcid_of(10)}.2 {pmcid_of(0)}\nPMC12345\n"
    )
    store = tmp_path / "store"
    assert fetch(everything, store, listing(tmp_path, text)) == 0
    assert articles_of(store) == {*map(folder_of, (0, 2, 6, 8)), f"{two}.2"}
    assert files_of(store).items() <= right.files.items()
    not_there = {f"{pmcid_of(10)}.2": "not_found", "PMC12345.0": "not_found"}
    assert rejects_of(store, "index") == not_there
    assert rejects_of(store) == {f"{two}.1": "superseded", **not_there}
    listings = [key for key in everything.counters().requests if key.startswith("list:")]
    assert sorted(listings) == sorted(f"list:{one}." for one in (*map(pmcid_of, (0, 2, 6, 8, 10)), two, "PMC12345"))


def test_articles_that_are_not_there_are_told(plain: Server, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert fetch(plain, tmp_path / "store", listing(tmp_path, "PMC1\nPMC2\n")) == 0
    assert f"index: 2 rejects not_found, see {tmp_path}/store/index" in capfd.readouterr().err
    assert rejects_of(tmp_path / "store", "index") == {"PMC1.0": "not_found", "PMC2.0": "not_found"}


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"PMC1\nPMID:7\n", "line 2: 'PMID:7' is no PMCID"),
        (b"# none\n", "list.txt names no article"),
        (b"\xff\xfe", "can't decode"),
    ],
)
def test_list_that_is_none_is_refused_before_anything_is_asked(
    plain: Server, tmp_path: Path, capfd: pytest.CaptureFixture[str], data: bytes, said: str
) -> None:
    (tmp_path / "list.txt").write_bytes(data)
    assert fetch(plain, tmp_path / "store", f"--pmcids={tmp_path / 'list.txt'}") == 2
    assert said in capfd.readouterr().err
    assert plain.counters().total == 0


def test_list_adds_to_the_store_and_takes_nothing_away(plain: Server, tmp_path: Path) -> None:
    store = tmp_path / "store"
    for text in (f"{pmcid_of(1)}\n{pmcid_of(2)}", pmcid_of(3)):
        assert fetch(plain, store, listing(tmp_path, text)) == 0
    there = {folder_of(number) for number in (1, 2, 3)}
    assert articles_of(store) == there
    plain.reset()
    assert fetch(plain, store) == 0
    assert files_of(store) == wanted(PLAIN).files
    assert not [key for key in objects(plain.counters().requests) if key.partition("/")[0] in there]


def test_list_is_asked_for_again_by_the_next_fetch(plain: Server, tmp_path: Path) -> None:
    store = tmp_path / "store"
    old, new = wanted(PLAIN), wanted(PLAIN, 1)
    (gone,) = old.versions.keys() - new.versions.keys()
    words = listing(tmp_path, "\n".join(version.pmcid for version in old.versions.values()))
    assert fetch(plain, store, words) == 0
    plain.set_day(1)
    assert fetch(plain, store, words) == 0
    assert files_of(store) == {path: sha for path, sha in new.files.items() if path.partition("/")[0] in old.versions}
    assert rejects_of(store, "index") == {f"{gone.partition('.')[0]}.0": "not_found"}


def test_listing_that_failed_is_asked_for_again_and_its_article_stays(tmp_path: Path) -> None:
    store = tmp_path / "store"
    words = listing(tmp_path, f"{pmcid_of(1)} {pmcid_of(2)}")
    config = replace(PLAIN, articles=4)
    both = {folder_of(1), folder_of(2)}
    with serving(config) as server:
        assert fetch(server, store, words) == 0
    with serving(replace(config, fault_map={f"list:{pmcid_of(1)}.": "error_500@5"})) as server:
        assert (fetch(server, store, words), articles_of(store)) == (3, both)
        assert (fetch(server, store, words), articles_of(store)) == (0, both)
        server.reset()
        assert (fetch(server, store, words, "--max-fault-rate=1"), articles_of(store)) == (0, both)


# Queries


def journal_of(folder: str) -> str:
    right = wanted(PLAIN)
    return right.collection.facts(right.versions[folder].number).journal.name


def license_of(folder: str) -> str | None:
    right = wanted(PLAIN)
    return right.collection.license_of(right.versions[folder])


def released(folder: str) -> str:
    return time.strftime("%Y-%m-%d", time.gmtime(wanted(PLAIN).versions[folder].updated))


JOURNAL = journal_of(folder_of(0))
SINCE = sorted(map(released, wanted(PLAIN).versions))[12]
QUERIES: dict[str, tuple[list[str], Callable[[str], bool]]] = {
    "journal": ([f"--journal={JOURNAL}"], lambda folder: journal_of(folder) == JOURNAL),
    "since": ([f"--since={SINCE}"], lambda folder: released(folder) >= SINCE),
    "term": (
        [f"--term={pmcid_of(3)}[uid] OR {pmcid_of(4)}[uid]"],
        lambda folder: folder in {folder_of(3), folder_of(4)},
    ),
    "mesh": (["--mesh=Heart"], lambda folder: has_mesh("Heart", int(folder.partition(".")[0][3:]))),
    "license": (["--since=2020-01-01", "--config=select.toml"], lambda folder: license_of(folder) == "CC BY"),
}


@pytest.mark.parametrize("kind", QUERIES)
def test_query_picks_what_it_says(plain: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    monkeypatch.chdir(tmp_path)
    Path("select.toml").write_text('[select]\nlicenses = ["CC BY"]\n')
    words, is_picked = QUERIES[kind]
    assert fetch(plain, tmp_path / "store", f"--eutils={plain.eutils_url}", UNTIL, *words) == 0
    right = wanted(PLAIN)
    picked = set(filter(is_picked, right.versions))
    assert 0 < len(picked) < 24
    assert files_of(tmp_path / "store") == {
        path: sha for path, sha in right.files.items() if path.partition("/")[0] in picked
    }
    asked = plain.counters().requests
    assert asked["eutils:esearch"] == 1
    assert {key for key in asked if key.startswith("list:")} == {f"list:{one.partition('.')[0]}." for one in picked}


@pytest.mark.parametrize(
    ("fault", "term", "code", "said"),
    [
        ("limit_body@2", "all[filter]", 0, ""),
        ("search_error@2", "all[filter]", 0, ""),
        ("limit_body@inf", "all[filter]", 1, "its rate limit is exceeded"),
        ("html", "all[filter]", 1, "a web page in place of the object"),
        ("", "2026[nonsense]", 1, "ESearch refuses the query: there is no field 'nonsense'"),
        ("", "nonesuch", 2, "no article answers the query"),
    ],
)
def test_query_that_fails_is_asked_again_or_says_so(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], fault: str, term: str, code: int, said: str
) -> None:
    config = replace(PLAIN, articles=3, fault_map={"eutils:esearch": fault} if fault else {})
    with running_server(config) as server:
        assert fetch(server, tmp_path, f"--eutils={server.eutils_url}", UNTIL, f"--term={term}") == code
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
    plain: Server, tmp_path: Path, words: list[str]
) -> None:
    assert fetch(plain, tmp_path / "store", *words) == 2
    assert plain.counters().total == 0
    assert not (tmp_path / "store").exists()


# Days and samples


def test_inventory_of_a_day_may_be_chosen(plain: Server, tmp_path: Path) -> None:
    plain.set_day(2)
    assert fetch(plain, tmp_path, "--day=2026-11-01") == 0, "that of the first day"
    first, now = wanted(PLAIN), wanted(PLAIN, 2)
    assert files_of(tmp_path) == {
        path: sha for path, sha in now.files.items() if path.partition("/")[0] in first.versions
    }
    assert rejects_of(tmp_path) == dict.fromkeys(first.versions.keys() - now.versions.keys(), "not_found")


def test_sample_grows_without_asking_for_anything_again(plain: Server, tmp_path: Path) -> None:
    store, config = tmp_path / "store", tmp_path / "sample.toml"
    small: set[str] = set()
    for most in (4, 9):
        config.write_text(f"[select]\nmax_articles = {most}\n")
        plain.reset()
        assert fetch(plain, store, f"--config={config}") == 0
        assert len(articles_of(store)) == most
        assert small < articles_of(store)
        asked = {key.partition("/")[0] for key in objects(plain.counters().requests)}
        assert asked == articles_of(store) - small
        small = articles_of(store)


def test_smaller_sample_takes_nothing_from_the_store(plain: Server, tmp_path: Path) -> None:
    assert fetch(plain, tmp_path / "store") == 0
    (tmp_path / "sample.toml").write_text("[select]\nmax_articles = 5\n")
    assert fetch(plain, tmp_path / "store", f"--config={tmp_path / 'sample.toml'}") == 0
    assert files_of(tmp_path / "store") == wanted(PLAIN).files
