"""`pmc15m fetch` against a server that misbehaves: what can be had is in the store, whatever happened on the way."""

import subprocess
import time
from collections import Counter
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

import pytest

from pipelines import fetching
from pipelines.cli import main
from pmc15m.acquire.changes import Change
from pmc15m.synth import write_articles
from tests.dags.rows import read_all
from tests.faults.test_interrupts import environment
from tests.faults.wanted import (
    EVERYTHING,
    PATIENCE_S,
    PLAIN,
    STORED,
    Wanted,
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
from tests.server import Server, ServerConfig, Variant, running_server
from tests.server.inventory import ROOT
from tests.tree import digests, states

pytestmark = pytest.mark.usefixtures("quick", "log_as_before")

PROCESSES = ("--", "--direct_num_workers=2", "--direct_running_mode=multi_processing")
PAIRS = ("train/", "val/", "test/", "pairs/")
"""What the pairs of a release are in; its rejects and its report tell of the source."""

SMALL_IMAGES = "[filters]\nmin_side_px = 8\n[splits]\nval_fraction = 0.2\n[shards]\nsamples_per_shard = 32\n"


# Undisturbed


def test_undisturbed_fetch_brings_what_is_wanted_and_asks_for_nothing_else(everything: Server, tmp_path: Path) -> None:
    right = wanted(EVERYTHING)
    assert {right.collection.variant_of(number) for number in range(60)} == {None, *Variant}
    assert set(right.endings.values()) == {
        STORED, "not_found", "md5_mismatch", "metadata_invalid", "metadata_mismatch", "retracted", "superseded",
    }  # fmt: skip
    assert fetch(everything, tmp_path, "--contact=mill@example.org") == 0
    assert files_of(tmp_path) == right.files
    assert rejects_of(tmp_path) == right.rejects
    asked = objects(everything.counters().requests)
    assert asked.keys() == right.keys, "of media those alone that figures name"
    assert {key.partition("/")[0] for key, count in asked.items() if count > 1} == right.mismatching
    assert {record.user_agent.partition(" ")[2] for record in everything.log()} == {"(+mill@example.org)"}


def test_second_fetch_asks_for_nothing_but_what_may_be_mended(everything: Server, tmp_path: Path) -> None:
    right = wanted(EVERYTHING)
    assert fetch(everything, tmp_path) == 0
    before = article_states(tmp_path)
    everything.reset()
    assert fetch(everything, tmp_path) == 0
    asked = objects(everything.counters().requests)
    again = {folder for folder, reason in right.rejects.items() if reason == "md5_mismatch"}
    assert {key.partition("/")[0] for key in asked} == again != set()
    assert article_states(tmp_path) == before
    assert rejects_of(tmp_path) == right.rejects


def article_states(store: Path) -> dict[str, tuple[int, int]]:
    """Return what a write to an article would change."""
    return {path: state for path, state in states(store).items() if "/PMC" in path}


def test_second_fetch_of_sound_articles_asks_for_no_object(plain: Server, tmp_path: Path) -> None:
    assert fetch(plain, tmp_path) == 0
    assert files_of(tmp_path) == wanted(PLAIN).files
    assert set(objects(plain.counters().requests).values()) == {1}
    plain.reset()
    assert fetch(plain, tmp_path) == 0
    assert objects(plain.counters().requests) == {}


def test_no_more_requests_are_under_way_than_there_are_connections(tmp_path: Path) -> None:
    with serving(replace(PLAIN, latency_s=0.01)) as server:
        assert fetch(server, tmp_path, "--connections=3") == 0
        assert server.counters().max_in_flight == 3
    assert files_of(tmp_path) == wanted(PLAIN).files


def test_rate_is_kept_whatever_the_number_of_connections(plain: Server, tmp_path: Path) -> None:
    rate, connections = 60, 4
    assert fetch(plain, tmp_path, f"--requests-per-s={rate}", f"--connections={connections}") == 0
    times = [record.time for record in plain.log()]
    assert len(times) > rate
    for start in times:  # starts are evenly spaced; those that had to wait for the machine come together
        assert sum(start <= when < start + 1 for when in times) <= rate + connections + 1
    assert times[-1] - times[0] >= (len(times) - 1 - connections) / rate


def test_workers_in_processes_of_their_own_bring_the_same(plain: Server, tmp_path: Path) -> None:
    assert fetch(plain, tmp_path, *PROCESSES) == 0
    assert files_of(tmp_path) == wanted(PLAIN).files
    assert rejects_of(tmp_path) == {}
    assert set(objects(plain.counters().requests).values()) == {1}


# Transient faults

TRANSIENT = (
    *("md5_once", "short_body", "short_chunked", "cut_body", "slow_down_3", "error_500", "error_502", "error_504"),
    *("retry_after_long", "retry_after_1", "reset_early", "reset_in_body", "empty_reply", "garbage_status"),
    *("drip_body", "drip_headers", "silent", "huge_header", "many_headers"),
)


def test_transient_faults_leave_no_trace(tmp_path: Path) -> None:
    with serving(replace(EVERYTHING, faults=TRANSIENT, fault_rate=0.05)) as server:
        assert fetch(server, tmp_path) == 0
        counters = server.counters()
    right = wanted(EVERYTHING)
    assert files_of(tmp_path) == right.files
    assert rejects_of(tmp_path) == right.rejects
    asked = objects(counters.requests)
    assert asked.keys() == right.keys
    assert len(counters.faults) >= 6
    assert sum(asked.values()) / len(asked) <= 1.2


def test_storm_that_passes_leaves_no_trace(tmp_path: Path) -> None:
    with serving(replace(PLAIN, fault_map={"PMC*/*": "storm@60"})) as server:
        assert fetch(server, tmp_path) == 0
        assert server.counters().faults == {"storm": 60}
    assert files_of(tmp_path) == wanted(PLAIN).files


# A broken world

FEW = replace(PLAIN, articles=4)


def test_too_many_faults_end_with_3_and_the_next_fetch_goes_on(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    right = wanted(PLAIN).files
    with serving(replace(PLAIN, fault_map={f"{folder_of(n)}/*.xml": "error_500@5" for n in range(5)})) as server:
        assert fetch(server, tmp_path) == 3
        *_, last = capfd.readouterr().err.splitlines()
        kept = files_of(tmp_path)
        assert fetch(server, tmp_path) == 0
        asked = objects(server.counters().requests)
    assert last == (
        "pmc15m: 5 faults in 24 articles: what was fetched is kept, the same command tries the rest again"
    )  # fmt: skip
    assert kept == {path: sha for path, sha in right.items() if path.partition("/")[0] not in map(folder_of, range(5))}
    assert files_of(tmp_path) == right
    assert not [path for path in kept if asked[path] > 1]


def test_bucket_that_forbids_everything_ends_with_3(tmp_path: Path) -> None:
    with running_server(replace(PLAIN, articles=6, fault_map={"PMC*/*": "forbidden"})) as server:
        assert fetch(server, tmp_path) == 3
    assert not (tmp_path / "fetched.json").exists()


def test_media_that_failed_are_asked_for_by_the_next_fetch(tmp_path: Path) -> None:
    right = wanted(PLAIN).files
    with serving(replace(PLAIN, fault_map={f"{folder_of(3)}/*.jpg": "error_500@5"})) as server:
        assert fetch(server, tmp_path, "--max-fault-rate=1") == 0
        lacking = right.keys() - files_of(tmp_path).keys()
        before = objects(server.counters().requests)
        assert fetch(server, tmp_path) == 0
        asked = objects(server.counters().requests)
    assert lacking == {path for path in right if path.startswith(folder_of(3)) and path.endswith(".jpg")} != set()
    assert {path for path in asked if asked[path] > before[path]} == lacking
    assert files_of(tmp_path) == right


def test_changed_articles_that_cannot_be_had_stay_as_they_were_until_they_can(plain: Server, tmp_path: Path) -> None:
    before, after = wanted(PLAIN), wanted(PLAIN, 5)
    changed = [folder for folder, version in after.versions.items() if version.change]
    faults = ("*.json", "forbidden"), ("*.json", "md5_always"), ("*.xml", "error_500@inf"), ("*.xml", "md5_always")
    rules = {f"{folder}/{names}": fault for folder, (names, fault) in zip(changed[:4], faults, strict=True)}
    assert fetch(plain, tmp_path) == 0
    with running_server(replace(PLAIN, day=5, fault_map=rules)) as server:
        assert fetch(server, tmp_path, "--max-fault-rate=1") == 0
    assert len(changed) == 5
    assert files_of(tmp_path) == after.files | of_folders(before, changed[:4])
    assert rejects_of(tmp_path) == {}
    plain.set_day(5)
    assert fetch(plain, tmp_path) == 0
    assert files_of(tmp_path) == after.files


@pytest.mark.parametrize(
    ("config", "said"),
    [
        (replace(FEW, fault_map={"list:*": "forbidden"}), "the inventory cannot be read: "),
        (replace(FEW, fault_map={"*/manifest.json": "html"}), "a web page in place of the object"),
        (replace(FEW, fault_map={"list:*": "html"}), "a web page in place of the object"),
        (replace(FEW, fault_map={"list:*": "repeated_token"}), "in a circle"),
        (replace(FEW, corrupt_shard="md5"), ": md5 "),
        (replace(FEW, corrupt_shard="gzip"), ".csv.gz cannot be read: "),
    ],
    ids=["forbidden", "manifest", "listing", "circle", "shard-md5", "shard-gzip"],
)
def test_inventory_that_cannot_be_trusted_ends_with_1_and_a_sentence(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], config: ServerConfig, said: str
) -> None:
    with running_server(config) as server:
        assert fetch(server, tmp_path) == 1
    *_, last = capfd.readouterr().err.splitlines()
    assert last.startswith("pmc15m: ")
    assert said in last
    assert articles_of(tmp_path) == set()


def test_inventory_that_fails_once_is_fetched_again(tmp_path: Path) -> None:
    config = replace(PLAIN, articles=4)
    rules = {f"{ROOT}data/*": "md5_once", "*/manifest.json": "reset_early", "list:*": "short_body"}
    with running_server(replace(config, fault_map=rules)) as server:
        assert fetch(server, tmp_path) == 0
        assert server.counters().faults.keys() == set(rules.values())
    assert files_of(tmp_path) == wanted(config).files


def test_lines_of_the_inventory_that_are_no_rows_are_told_and_cost_themselves_alone(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    config = replace(PLAIN, articles=4)
    with running_server(replace(config, bad_rows=True)) as server:
        assert fetch(server, tmp_path) == 0
    assert files_of(tmp_path) == wanted(config).files
    assert rejects_of(tmp_path, "index") == {"PMC0.0": "index_row"}
    said = capfd.readouterr().err
    assert "index: 4 rejects index_row, see " in said
    assert "the inventory of 2026-11-02T01-00Z is not complete, 2026-11-01T01-00Z is taken" in said


# Kills


def test_killed_fetch_goes_on_where_it_was(tmp_path: Path) -> None:
    right = wanted(EVERYTHING)
    with serving(replace(EVERYTHING, latency_s=0.005)) as server:
        words = command(server, tmp_path, "--connections=2")
        num_kills = sum(kill_after(moment, server, words) for moment in (2, 30, 110, 200, 270))
        assert fetch(server, tmp_path, "--connections=2") == 0
        repeated = repeats(server.log())
    assert num_kills >= 4
    assert files_of(tmp_path) == right.files
    assert rejects_of(tmp_path) == right.rejects
    assert sum(repeated[folder] for folder in right.whole) <= 0.05 * len(right.keys) * num_kills


def test_fetch_that_was_stopped_before_it_commits_asks_for_nothing_again(
    plain: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(*args: object) -> None:
        raise KeyboardInterrupt

    assert fetch(plain, tmp_path) == 0
    plain.set_day(2)
    with monkeypatch.context() as patch:
        patch.setattr(fetching, "commit_fetch", stop)
        with pytest.raises(KeyboardInterrupt):
            fetch(plain, tmp_path)
    before = objects(plain.counters().requests)
    assert fetch(plain, tmp_path) == 0
    assert objects(plain.counters().requests) == before
    assert files_of(tmp_path) == wanted(PLAIN, 2).files


def test_second_fetch_to_a_store_that_is_being_fetched_is_refused(
    plain: Server, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with serving(replace(PLAIN, articles=4, latency_s=0.1)) as slow:
        process = subprocess.Popen(command(slow, tmp_path), env=environment(), stderr=subprocess.DEVNULL)
        while not (tmp_path / "index").exists() and process.poll() is None:
            time.sleep(0.01)
        assert fetch(plain, tmp_path) == 2
        assert process.wait(PATIENCE_S) == 0
    assert f"pmc15m: {tmp_path} is in use by another run\n" in capfd.readouterr().err
    assert plain.counters().total == 0


def test_what_a_killed_fetch_left_half_is_swept_away(plain: Server, tmp_path: Path) -> None:
    for place in (tmp_path, tmp_path / folder_of(1)):
        (place / ".making-xyz").mkdir(parents=True)
        (place / ".making-xyz" / "whole").write_bytes(b"half")
    (tmp_path / folder_of(1) / ".making-17-a.jpg").write_bytes(b"half")
    assert fetch(plain, tmp_path) == 0
    assert files_of(tmp_path) == wanted(PLAIN).files


# Days


def test_days_change_the_store_as_they_change_the_bucket(tmp_path: Path) -> None:
    config = replace(PLAIN, day_changes=("xml", "retracted", "license"))
    with serving(config) as server:
        assert fetch(server, tmp_path) == 0
        server.set_day(3)
        server.reset()
        assert fetch(server, tmp_path) == 0
        asked = objects(server.counters().requests)
    old, new = wanted(config), wanted(config, 3)
    assert files_of(tmp_path) == new.files
    assert rejects_of(tmp_path) == new.rejects
    kinds = {"xml": "changed", "retracted": "retracted", "license": "license"}
    right = {folder: kinds[version.change] for folder, version in new.versions.items() if version.change}
    right |= dict.fromkeys(old.versions.keys() - new.versions.keys(), "gone")
    right |= dict.fromkeys(new.versions.keys() - old.versions.keys(), "new")
    assert Counter(right.values()) == {"gone": 3, "new": 3, "changed": 1, "retracted": 1, "license": 1}
    changes = read_all(Change, str(tmp_path / "changes"), change_tables(tmp_path))
    assert {f"{change.key}.1": change.change for change in changes} == right
    differing = {path for path, sha in new.files.items() if old.files.get(path) != sha}
    assert asked == dict.fromkeys(differing | {f"{folder}/{folder}.json" for folder in new.rejects}, 1)


def change_tables(store: Path) -> set[str]:
    return {path.name for path in (store / "changes").iterdir()}


def test_inventory_that_lags_behind_the_bucket_does_no_harm(tmp_path: Path) -> None:
    config = replace(PLAIN, lag_days=2, day=2, day_changes=("xml", "license"))
    first, then, now = (wanted(config, day) for day in (0, 2, 4))
    with serving(config) as server:
        assert fetch(server, tmp_path) == 0
        assert files_of(tmp_path) == of_folders(then, first.versions.keys())
        assert rejects_of(tmp_path) == dict.fromkeys(first.versions.keys() - then.versions.keys(), "not_found")
        server.set_day(4)
        assert fetch(server, tmp_path) == 0
    unchanged = {folder for folder, version in then.versions.items() if first.versions.get(folder) == version}
    assert files_of(tmp_path) == of_folders(then, unchanged) | of_folders(now, then.versions.keys() - unchanged)


def of_folders(right: Wanted, folders: Collection[str]) -> dict[str, str]:
    return {path: sha for path, sha in right.files.items() if path.partition("/")[0] in folders}


# A damaged store


def test_damaged_files_are_repaired_by_a_fresh_fetch(plain: Server, tmp_path: Path) -> None:
    assert fetch(plain, tmp_path) == 0
    right = wanted(PLAIN).files
    damaged = [next(path for path in right if path.endswith(end)) for end in (".json", ".xml", ".jpg")]
    for path in damaged:
        data = bytearray((tmp_path / path).read_bytes())
        data[len(data) // 2] ^= 1
        (tmp_path / path).write_bytes(data)
    lost = next(path for path in reversed(right) if path.endswith(".jpg"))
    (tmp_path / lost).unlink()
    plain.reset()
    assert fetch(plain, tmp_path, "--fresh") == 0
    assert files_of(tmp_path) == right
    assert objects(plain.counters().requests) == dict.fromkeys((*damaged, lost), 1)


def test_fresh_fetch_takes_nothing_from_the_store_that_cannot_be_had(plain: Server, tmp_path: Path) -> None:
    assert fetch(plain, tmp_path) == 0
    damaged = f"{folder_of(2)}/{folder_of(2)}.xml"
    (tmp_path / damaged).write_bytes(b"<article>")
    with running_server(replace(PLAIN, fault_map={"PMC*/*": "forbidden"})) as server:
        assert fetch(server, tmp_path, "--fresh", "--max-fault-rate=1") == 0
    right = wanted(PLAIN).files
    assert {path for path, sha in files_of(tmp_path).items() if sha != right[path]} == {damaged}
    plain.reset()
    assert fetch(plain, tmp_path, "--fresh") == 0
    assert files_of(tmp_path) == right
    assert objects(plain.counters().requests) == {damaged: 1}


# A release


def test_release_of_the_store_is_that_of_the_folder_it_was_served_from(tmp_path: Path) -> None:
    config = replace(EVERYTHING, articles=48, variants_every=0, duplicates_every=7)
    toml = tmp_path / "small.toml"
    toml.write_text(SMALL_IMAGES)
    with serving(config) as server:
        assert fetch(server, tmp_path / "store") == 0
    write_articles(config.synth, range(48), tmp_path / "articles")
    releases = []
    for source in ("store", "articles"):
        out = tmp_path / f"of-{source}"
        words = ["--source", str(tmp_path / source), "--out", str(out), f"--config={toml}"]
        assert main(["build", *words]) == 0
        releases.append({path: sha for path, sha in digests(out).items() if path.startswith(PAIRS)})
    assert releases[0] == releases[1]
    assert any(path.endswith(".tar") for path in releases[0])
