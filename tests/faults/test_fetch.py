"""`pmc15m fetch` against a server that misbehaves: what can be had is in the store, whatever happened on the way."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from pipelines import fetching
from pipelines.cli import main
from pmc15m.acquire.changes import Change
from pmc15m.synth import write_articles
from tests.dags.rows import read_all
from tests.faults.wanted import (
    EVERYTHING,
    PLAIN,
    STORED,
    articles_of,
    command,
    fetch,
    files_of,
    folder_of,
    kill_after,
    objects,
    rejects_of,
    repeats,
    serving,
    wanted,
)
from tests.server import Collection, Server, ServerConfig, Variant
from tests.server.inventory import ROOT
from tests.tree import digests, states

pytestmark = pytest.mark.usefixtures("quick", "log_as_before")

PROCESSES = ("--", "--direct_num_workers=2", "--direct_running_mode=multi_processing")
SMALL_IMAGES = "[filters]\nmin_side_px = 8\n[splits]\nval_fraction = 0.2\n[shards]\nsamples_per_shard = 32\n"


# Undisturbed


def test_undisturbed_fetch_brings_what_is_wanted_and_asks_for_nothing_else(everything: Server, tmp_path: Path) -> None:
    everything.reset()
    right = wanted(EVERYTHING)
    assert {right.collection.variant_of(number) for number in range(60)} == {None, *Variant}
    assert set(right.endings.values()) == {
        STORED, "not_found", "md5_mismatch", "metadata_invalid", "metadata_mismatch", "retracted", "superseded",
    }  # fmt: skip
    assert fetch(everything, tmp_path, "--contact", "mill@example.org") == 0
    assert files_of(tmp_path) == right.files
    assert rejects_of(tmp_path) == right.rejects
    asked = everything.counters()
    assert set(objects(asked.requests)) == right.keys
    assert {key for key, count in asked.requests.items() if count > 1} <= {
        key
        for key in right.keys
        if "md5" in str(right.collection.synth_of(int(key[3:11]) - 80_000_000).fault_of(int(key[3:11]) - 80_000_000))
    }
    assert {record.user_agent.partition(" ")[2] for record in everything.log()} == {"(+mill@example.org)"}


def test_second_fetch_asks_for_the_metadata_of_what_is_not_settled_alone(everything: Server, tmp_path: Path) -> None:
    right = wanted(EVERYTHING)
    assert fetch(everything, tmp_path) == 0
    before = states(tmp_path)
    everything.reset()
    assert fetch(everything, tmp_path) == 0
    pmcids = {folder.partition(".")[0] for folder in right.rejects}
    asked = set(objects(everything.counters().requests))
    assert {key.partition(".")[0] for key in asked} <= pmcids
    assert not [key for key in asked for version in right.stored if key.startswith(version.folder)]
    after = states(tmp_path)
    assert {path: state for path, state in after.items() if "/PMC" in path} == {
        path: state for path, state in before.items() if "/PMC" in path
    }
    assert rejects_of(tmp_path) == right.rejects


def test_second_fetch_of_sound_articles_asks_for_no_object(server: Server, tmp_path: Path) -> None:
    assert fetch(server, tmp_path) == 0
    assert files_of(tmp_path) == wanted(PLAIN).files
    server.reset()
    assert fetch(server, tmp_path) == 0
    assert objects(server.counters().requests) == {}


def test_no_more_requests_are_under_way_than_there_are_connections(tmp_path: Path) -> None:
    with serving(replace(PLAIN, latency_s=0.01)) as server:
        assert fetch(server, tmp_path, "--connections", "3") == 0
        assert server.counters().max_in_flight == 3
        assert files_of(tmp_path) == wanted(PLAIN).files


def test_rate_is_kept_whatever_the_number_of_connections(server: Server, tmp_path: Path) -> None:
    rate = 60
    assert fetch(server, tmp_path, "--requests-per-s", str(rate)) == 0
    times = [record.time for record in server.log()]
    assert len(times) > rate
    for first in range(len(times)):
        in_a_second = sum(times[first] <= when < times[first] + 1 for when in times[first:])
        assert in_a_second <= rate + 3, "starts are spaced, arrivals a little less so"
    assert times[-1] - times[0] >= (len(times) - 4) / rate


def test_workers_in_processes_of_their_own_bring_the_same(server: Server, tmp_path: Path) -> None:
    assert fetch(server, tmp_path, *PROCESSES) == 0
    assert files_of(tmp_path) == wanted(PLAIN).files
    assert rejects_of(tmp_path) == {}
    assert max(objects(server.counters().requests).values()) == 1


# Transient faults

TRANSIENT = (
    *("md5_once", "short_body", "short_chunked", "cut_body", "slow_down_3", "error_500", "error_502", "error_504"),
    *("retry_after_long", "retry_after_1", "reset_early", "reset_in_body", "empty_reply", "garbage_status"),
    *("drip_body", "drip_headers", "silent", "huge_header", "many_headers"),
)


def test_transient_faults_leave_no_trace(tmp_path: Path) -> None:
    config = replace(EVERYTHING, faults=TRANSIENT, fault_rate=0.05)
    with serving(config) as server:
        assert fetch(server, tmp_path) == 0
        counters = server.counters()
    right = wanted(EVERYTHING)
    assert files_of(tmp_path) == right.files
    assert rejects_of(tmp_path) == right.rejects
    asked = objects(counters.requests)
    assert set(asked) == right.keys
    assert len(counters.faults) >= 8
    assert sum(asked.values()) / len(asked) <= 1.2


def test_storm_that_passes_leaves_no_trace(tmp_path: Path) -> None:
    with serving(replace(PLAIN, fault_map={"PMC*/*": "storm@60"})) as server:
        assert fetch(server, tmp_path) == 0
        assert server.counters().faults == {"storm": 60}
    assert files_of(tmp_path) == wanted(PLAIN).files


# A broken world


def test_too_many_faults_end_with_3_and_the_next_fetch_goes_on(tmp_path: Path) -> None:
    rules = {f"{folder_of(number)}/*.xml": "error_500@5" for number in range(5)}
    with serving(replace(PLAIN, fault_map=rules)) as server:
        assert fetch(server, tmp_path) == 3
        assert not (tmp_path / "fetched.json").exists()
        kept = files_of(tmp_path)
        assert kept.items() <= wanted(PLAIN).files.items()
        assert len({path.partition("/")[0] for path in kept}) == 24 - 5
        server.reset()
        assert fetch(server, tmp_path) == 3, "the server forgot that it had been asked"
        assert fetch(server, tmp_path) == 0
    assert files_of(tmp_path) == wanted(PLAIN).files
    assert rejects_of(tmp_path) == {}


def test_forbidden_bucket_is_too_many_faults(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with serving(replace(PLAIN, articles=6, fault_map={"PMC*/*": "forbidden"})) as server:
        assert fetch(server, tmp_path) == 3
    assert (
        "6 faults in 6 articles: what was fetched is kept, the same command tries the rest again"
        in capfd.readouterr().err
    )


def test_media_that_failed_are_asked_for_again_by_the_next_fetch(tmp_path: Path) -> None:
    with serving(replace(PLAIN, fault_map={f"{folder_of(3)}/*.jpg": "error_500@5"})) as server:
        assert fetch(server, tmp_path, "--max-fault-rate", "1") == 0
        lacking = wanted(PLAIN).files.keys() - files_of(tmp_path).keys()
        assert lacking
        server_had = objects(server.counters().requests)
        assert fetch(server, tmp_path) == 0
        again = {key for key, count in objects(server.counters().requests).items() if count > server_had[key]}
        assert again == lacking
        assert files_of(tmp_path) == wanted(PLAIN).files
        server.reset()


@pytest.mark.parametrize("fault", ["error_500@inf", "forbidden", "md5_always"])
def test_article_that_cannot_be_had_any_more_stays_in_the_store(tmp_path: Path, fault: str) -> None:
    changed = next(
        folder
        for folder, version in Collection(PLAIN).versions(1).items()
        if version.change and not version.updated == Collection(PLAIN).versions(0)[folder].updated
    )
    with serving(PLAIN) as server:
        assert fetch(server, tmp_path) == 0
    with serving(replace(PLAIN, day=1, fault_map={f"{changed}/*.json": fault})) as server:
        assert fetch(server, tmp_path, "--max-fault-rate", "1") == 0
    files, before, after = files_of(tmp_path), wanted(PLAIN).files, wanted(PLAIN, 1).files
    assert {path: sha for path, sha in files.items() if path.startswith(changed)} == {
        path: sha for path, sha in before.items() if path.startswith(changed)
    }
    with serving(replace(PLAIN, day=1)) as server:
        assert fetch(server, tmp_path) == 0
    assert files_of(tmp_path) == after


@pytest.mark.parametrize(
    ("config", "said"),
    [
        (replace(PLAIN, fault_map={"list:*": "forbidden"}), "the inventory cannot be read: "),
        (replace(PLAIN, fault_map={"*/manifest.json": "html"}), "the inventory cannot be read: "),
        (replace(PLAIN, fault_map={"list:*": "html"}), "a web page in place of the object"),
        (replace(PLAIN, fault_map={"list:*": "repeated_token"}), "in a circle"),
        (replace(PLAIN, corrupt_shard="md5"), "wanted "),
        (replace(PLAIN, corrupt_shard="gzip"), "cannot be read"),
    ],
    ids=["forbidden", "manifest", "listing", "circle", "shard-md5", "shard-gzip"],
)
def test_inventory_that_cannot_be_trusted_ends_with_1_and_one_sentence(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], config: ServerConfig, said: str
) -> None:
    with running_server(replace(config, articles=4)) as server:
        assert fetch(server, tmp_path / "store") == 1
    *_, last = capfd.readouterr().err.splitlines()
    assert last.startswith("pmc15m: ")
    assert said in last
    assert not list((tmp_path / "store").glob("PMC*"))


def test_shard_that_fails_once_is_fetched_again(tmp_path: Path) -> None:
    config = replace(PLAIN, articles=4, fault_map={f"{ROOT}data/*": "md5_once", f"{ROOT}*": "error_500"})
    with serving(config) as server:
        assert fetch(server, tmp_path) == 0
        assert server.counters().faults["md5_once"] == 2
    assert files_of(tmp_path) == wanted(replace(PLAIN, articles=4)).files


def test_rows_that_are_none_cost_themselves_alone(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with serving(replace(PLAIN, articles=4, bad_rows=True)) as server:
        assert fetch(server, tmp_path) == 0
    assert files_of(tmp_path) == wanted(replace(PLAIN, articles=4)).files
    assert rejects_of(tmp_path, "index") == {"PMC0.0": "index_row"}
    said = capfd.readouterr().err
    assert "index: 4 rejects index_row, see " in said
    assert "the inventory of 2026-11-02T01-00Z is not complete, 2026-11-01T01-00Z is taken" in said


# Kills


def test_killed_fetch_goes_on_where_it_was(tmp_path: Path) -> None:
    config = replace(EVERYTHING, latency_s=0.005)
    right = wanted(EVERYTHING)
    num_kills = 0
    with serving(config) as server:
        words = command(server, tmp_path, "--connections", "2")
        for moment in (2, 30, 110, 200, 270):
            num_kills += kill_after(moment, server, words)
        seen = server.counters().total
        assert fetch(server, tmp_path, "--connections", "2") == 0
        log = server.log()
    assert num_kills >= 4
    assert files_of(tmp_path) == right.files
    assert rejects_of(tmp_path) == right.rejects
    assert len(log) > seen
    repeated = repeats([record.key for record in log if record.status == 200], right)
    assert repeated <= 0.05 * len(right.keys) * num_kills


def test_fetch_killed_while_it_commits_goes_on(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def die(*args: object) -> None:
        raise KeyboardInterrupt

    assert fetch(server, tmp_path) == 0
    server.set_day(2)
    with monkeypatch.context() as patch:
        patch.setattr(fetching, "commit_fetch", die)
        with pytest.raises(KeyboardInterrupt):
            fetch(server, tmp_path)
    before = objects(server.counters().requests)
    assert fetch(server, tmp_path) == 0
    assert files_of(tmp_path) == wanted(PLAIN, 2).files
    assert objects(server.counters().requests) == before, "all was there"


def test_second_fetch_to_the_same_store_is_refused(server: Server, tmp_path: Path) -> None:
    codes: list[int] = []
    with serving(replace(PLAIN, articles=4, latency_s=0.2)) as slow:
        words = command(slow, tmp_path)
        process = subprocess.Popen(words, env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while not (tmp_path / "index").exists() and process.poll() is None:
            time.sleep(0.01)
        codes.append(fetch(server, tmp_path))
        codes.append(process.wait(PATIENCE_S))
    assert codes == [2, 0]


# Days


def changes_of(store: Path, names: set[str]) -> dict[str, str]:
    """Return the kind of change by pmcid of some tables."""
    return {change.key: change.change for change in read_all(Change, str(store / "changes"), names)}


def test_days_change_the_store_as_they_change_the_bucket(tmp_path: Path) -> None:
    config = replace(PLAIN, day_changes=("xml", "retracted", "license"))
    with serving(config) as server:
        assert fetch(server, tmp_path) == 0
        first = {path.name for path in (tmp_path / "changes").iterdir()}
        server.set_day(3)
        server.reset()
        assert fetch(server, tmp_path) == 0
        asked = set(objects(server.counters().requests))
    old, new = wanted(config), wanted(config, 3)
    assert files_of(tmp_path) == new.files
    assert rejects_of(tmp_path) == new.rejects
    kinds = {"xml": "changed", "retracted": "retracted", "license": "license"}
    right = {version.pmcid: kinds[version.change] for version in new.versions.values() if version.change}
    right |= {folder.partition(".")[0]: "gone" for folder in old.versions.keys() - new.versions.keys()}
    right |= {folder.partition(".")[0]: "new" for folder in new.versions.keys() - old.versions.keys()}
    assert Counter(right.values()) == {"gone": 3, "new": 3, "changed": 1, "retracted": 1, "license": 1}
    assert changes_of(tmp_path, {path.name for path in (tmp_path / "changes").iterdir()} - first) == right
    differing = {path for path, sha in new.files.items() if old.files.get(path) != sha}
    assert asked == differing | {f"{folder}/{folder}.json" for folder in new.rejects}


def test_inventory_that_lags_behind_the_bucket_does_no_harm(tmp_path: Path) -> None:
    config = replace(PLAIN, lag_days=2, day=2, day_changes=("xml", "license"))
    with serving(config) as server:
        assert fetch(server, tmp_path) == 0
        now = wanted(config, 2)
        old = wanted(config)
        assert files_of(tmp_path) == {
            path: sha for path, sha in now.files.items() if path.partition("/")[0] in old.versions
        }
        assert rejects_of(tmp_path) == dict.fromkeys(old.versions.keys() - now.versions.keys(), "not_found")
        server.set_day(4)
        server.reset()
        assert fetch(server, tmp_path) == 0
        assert files_of(tmp_path).items() >= now.files.items() & wanted(config, 4).files.items()


# A damaged store


def test_damaged_files_are_repaired_by_a_fresh_fetch(server: Server, tmp_path: Path) -> None:
    assert fetch(server, tmp_path) == 0
    right = wanted(PLAIN).files
    damaged = [next(path for path in right if path.endswith(end)) for end in (".json", ".xml", ".jpg")]
    for path in damaged:
        data = bytearray((tmp_path / path).read_bytes())
        data[len(data) // 2] ^= 1
        (tmp_path / path).write_bytes(data)
    lost = next(path for path in right if path.endswith(".jpg") and path not in damaged)
    (tmp_path / lost).unlink()
    server.reset()
    assert fetch(server, tmp_path, "--fresh") == 0
    assert files_of(tmp_path) == right
    assert objects(server.counters().requests) == dict.fromkeys((*damaged, lost), 1)


def test_fresh_fetch_keeps_what_cannot_be_had(tmp_path: Path) -> None:
    with serving(PLAIN) as server:
        assert fetch(server, tmp_path) == 0
    damaged = tmp_path / folder_of(2) / f"{folder_of(2)}.xml"
    damaged.write_bytes(b"<article>")
    with serving(replace(PLAIN, fault_map={"PMC*/*": "forbidden"})) as server:
        assert fetch(server, tmp_path, "--fresh", "--max-fault-rate", "1") == 0
    assert articles_of(tmp_path) == set(wanted(PLAIN).versions)


# A release


def test_release_of_the_store_is_that_of_the_folder_it_was_served_from(tmp_path: Path) -> None:
    config = replace(EVERYTHING, articles=48, variants_every=0, duplicates_every=7)
    (tmp_path / "small.toml").write_text(SMALL_IMAGES)
    with serving(config) as server:
        assert fetch(server, tmp_path / "store") == 0
    write_articles(config.synth, range(48), tmp_path / "articles")
    found = []
    for source in ("store", "articles"):
        out = tmp_path / f"of-{source}"
        words = ["--source", str(tmp_path / source), "--out", str(out), f"--config={tmp_path / 'small.toml'}"]
        assert main(["build", *words]) == 0
        found.append(
            {
                path: sha
                for path, sha in digests(out).items()
                if path.endswith((".tar", "sizes.json")) or "pairs/" in path
            }
        )
    assert found[0] == found[1]
    assert sum(path.endswith(".tar") for path in found[0]) == 3
