"""A release straight from a bucket: one pass, and the same bytes as through a store."""

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import pytest

from pipelines.cli import main
from pipelines.commands import CONFIGS
from pmc15m.acquire import article_fetch
from pmc15m.acquire import fetch as fetch_module
from pmc15m.config import XmlConfig
from pmc15m.jats.article import parse_article
from pmc15m.records import Figure, Package, Reject
from tests.faults.wanted import (
    EVERYTHING,
    PLAIN,
    articles_of,
    be_quick,
    command,
    fetch,
    files_of,
    folder_of,
    kill_after,
    objects,
    pmcid_of,
    rejects_of,
    serving,
    wanted,
)
from tests.server import Server

pytestmark = pytest.mark.usefixtures("quick", "log_as_before")

SMALL = f"--config={CONFIGS / 'small.toml'}"
PATIENT = "--max-fault-rate=1"


def build(source: str | Path, out: Path, *words: str) -> int:
    return main(["build", "--source", str(source), "--out", str(out), SMALL, *words])


def bytes_of(release: Path) -> dict[str, str]:
    return {
        str(path.relative_to(release)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in release.rglob("*")
        if path.is_file()
    }


@pytest.fixture(scope="module")
def through_a_store(tmp_path_factory: pytest.TempPathFactory, server_of_everything: Server) -> Path:
    """A release of everything, fetched first and built then."""
    folder = tmp_path_factory.mktemp("store")
    with pytest.MonkeyPatch.context() as patch:
        be_quick(patch)
        assert fetch(server_of_everything, folder / "store", SMALL, PATIENT) == 0
        assert build(folder / "store", folder / "release") == 0
    return folder


def test_release_straight_from_the_bucket_is_that_of_a_store(
    everything: Server, through_a_store: Path, tmp_path: Path
) -> None:
    assert build(everything.url, tmp_path / "release", PATIENT) == 0
    assert bytes_of(tmp_path / "release") == bytes_of(through_a_store / "release")
    assert not list(tmp_path.rglob("*.xml")), "nothing is kept of the articles"


def test_one_pass_through_a_store_gives_the_same_store_and_release(
    everything: Server, through_a_store: Path, tmp_path: Path
) -> None:
    assert build(everything.url, tmp_path / "release", f"--store={tmp_path / 'store'}", PATIENT) == 0
    assert bytes_of(tmp_path / "release") == bytes_of(through_a_store / "release")
    assert files_of(tmp_path / "store") == wanted(EVERYTHING).files
    assert rejects_of(tmp_path / "store") == rejects_of(through_a_store / "store")
    assert (tmp_path / "store/fetched.json").read_bytes() == (through_a_store / "store/fetched.json").read_bytes()


def test_one_pass_asks_for_each_object_once_and_parses_each_article_once(
    plain: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parsed = []
    parse = parse_article

    def note(package: Package, xml: bytes, config: XmlConfig) -> list[Figure | Reject]:
        parsed.append(package.ref.key)
        return parse(package, xml, config)

    monkeypatch.setattr(article_fetch, "parse_article", note)
    assert build(plain.url, tmp_path / "release", f"--store={tmp_path / 'store'}") == 0
    assert set(objects(plain.counters().requests).values()) == {1}
    assert sorted(parsed) == sorted(version.folder for version in wanted(PLAIN).versions.values())


def test_account_of_the_fetch_is_in_the_release(through_a_store: Path) -> None:
    report = json.loads((through_a_store / "release/report.json").read_bytes())
    right = wanted(EVERYTHING)
    flow = report["flows"][0]
    assert (flow["stage"], flow["in"], flow["out"]) == ("fetch", len(right.versions), len(right.stored))
    assert sum(flow["rejects_by_reason"].values()) == len(right.rejects)
    manifest = json.loads((through_a_store / "release/manifest.json").read_bytes())
    assert manifest["source"]["kind"] == "fetched"
    assert manifest["source"]["inventory_date"] == "2026-11-01T01-00Z"


def test_build_of_articles_by_name_reads_those_alone(plain: Server, tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_text(f"{pmcid_of(1)}\n{pmcid_of(2)}\n")
    assert build(plain.url, tmp_path / "release", f"--pmcids={tmp_path / 'list.txt'}") == 0
    asked = {key.partition("/")[0] for key in objects(plain.counters().requests)}
    assert asked == {folder_of(1), folder_of(2)}


def test_second_build_with_a_store_asks_for_no_object(plain: Server, tmp_path: Path) -> None:
    words = (f"--store={tmp_path / 'store'}",)
    assert build(plain.url, tmp_path / "one", *words) == 0
    plain.reset()
    assert build(plain.url, tmp_path / "two", *words) == 0
    assert objects(plain.counters().requests) == {}
    assert bytes_of(tmp_path / "one") == bytes_of(tmp_path / "two")


def test_harvest_that_was_killed_goes_on_to_the_same_release(through_a_store: Path, tmp_path: Path) -> None:
    store, out = tmp_path / "store", tmp_path / "release"
    with serving(replace(EVERYTHING, latency_s=0.005)) as server:
        words = command(server, store)
        ours = ["build", "--source", server.url, "--store", str(store), "--out", str(out), SMALL, PATIENT]
        killed = [kill_after(moment, server, [*words[: words.index("fetch")], *ours]) for moment in (30, 150, 250)]
        assert sum(killed) >= 2
        assert main(ours) == 0
    assert bytes_of(out) == bytes_of(through_a_store / "release")


def test_release_is_not_made_where_too_much_could_not_be_had(tmp_path: Path) -> None:
    config = replace(PLAIN, articles=10, fault_map={f"{folder_of(3)}/{folder_of(3)}.xml": "error_500@5"})
    with serving(config) as server:
        words = (f"--store={tmp_path / 'store'}",)
        assert build(server.url, tmp_path / "release", *words) == 3
        assert not (tmp_path / "release").exists()
        assert build(server.url, tmp_path / "release", *words) == 0
    assert folder_of(3) in articles_of(tmp_path / "store")
    assert (tmp_path / "release/manifest.json").exists()


def test_worker_gives_up_where_a_server_is_ill(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(fetch_module, "MIN_ARTICLES", 5)
    faults = {f"{folder_of(number)}/{folder_of(number)}.json": "forbidden" for number in range(60)}
    with serving(replace(PLAIN, articles=60, fault_map=faults)) as server:
        assert fetch(server, tmp_path / "store", "--connections=1") == 3
        assert server.counters().total < 20
    said = capfd.readouterr().err
    assert "articles not asked for: what was fetched is kept, the same command tries the rest again" in said


@pytest.mark.parametrize("words", [["--pmcids=list.txt"], ["--day=2026-11-01"], ["--term=mills"]])
def test_words_that_choose_from_a_bucket_are_refused_for_a_folder(
    tmp_path: Path, words: list[str], capfd: pytest.CaptureFixture[str]
) -> None:
    assert build(tmp_path, tmp_path / "release", *words) == 2
    assert "--source is none, no https://" in capfd.readouterr().err


def test_store_is_refused_for_a_folder_of_articles(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "articles/PMC7.1").mkdir(parents=True)
    assert build(tmp_path / "articles", tmp_path / "release", f"--store={tmp_path / 'store'}") == 2
    assert "this source has articles" in capfd.readouterr().err
