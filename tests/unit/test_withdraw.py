"""Withdraw: a release without some samples is what it would have been without them, and says so."""

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pmc15m.errors import UsageError
from pmc15m.records import Reason, Reject, Stage, make_key
from pmc15m.release.finish import start_release
from pmc15m.release.reading import DamagedError, open_release
from pmc15m.release.remake import Names, read_names
from pmc15m.release.verify import verify_release
from pmc15m.release.withdraw import Withdrawal, plan_withdrawal, write_withdrawal
from tests.tree import digests
from tests.whole import PAIRS, REJECTS, without_pages, write_whole

KEY = "PMC5_0001_02"
GONE = ["PMC3_0001_01", "PMC3_0001_02", KEY]
LIST = f"PMC3   # the whole article\n\n{KEY}\n"


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_whole(tmp_path_factory.mktemp("whole") / "release")


def withdraw(release: Path, out: Path, text: str = LIST) -> Withdrawal:
    plan = plan_withdrawal(open_release(str(release)), read_names(text))
    assert start_release(str(out), plan.origin, overwrite=False)
    with without_pages():
        write_withdrawal(plan, str(out))
    return plan


@pytest.fixture(scope="module")
def without(release: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("without") / "release"
    withdraw(release, out)
    return out


def rows(folder: Path, name: str) -> list[dict[str, Any]]:
    return list(pq.read_table(folder / name).to_pylist())


def shards_of(folder: Path) -> dict[str, str]:
    return {path: digest for path, digest in digests(folder).items() if path.endswith((".tar", "-000000.parquet"))}


# --- lists ----------------------------------------------------------------------------------------


def test_list_names_keys_and_articles() -> None:
    text = "PMC7_0001_01\nPMC8.2 # a version is of its article\n  PMC9\n#PMC10\nPMC7_0001_01\n"
    assert read_names(text) == Names(frozenset({"PMC7_0001_01"}), frozenset({"PMC8", "PMC9"}))


@pytest.mark.parametrize("word", ["7", "pmc7", "PMC7_1", "PMC", "PMC7x", "key", "PMC\u0667"])
def test_line_that_names_neither_is_refused(word: str) -> None:
    with pytest.raises(UsageError, match="line 2: "):
        read_names(f"PMC7\n{word}\n")


@pytest.mark.parametrize("text", ["", "\n", "# PMC7"])
def test_list_that_names_nothing_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="names nothing"):
        read_names(text)


@given(st.lists(st.integers(1, 50), min_size=1), st.randoms(use_true_random=False))
def test_order_and_repetition_of_a_list_do_not_matter(numbers: list[int], dice: Any) -> None:
    lines = [f"PMC{number}" if number % 2 else make_key(f"PMC{number}", 1, 1) for number in numbers]
    again = [*lines, lines[0]]
    dice.shuffle(again)
    assert read_names("\n".join(again)).digest == read_names("\n".join(lines)).digest


# --- releases -------------------------------------------------------------------------------------


def test_release_without_them_is_sound(without: Path) -> None:
    assert verify_release(str(without)).problems == ()


def test_shards_are_those_of_a_build_without_them(without: Path, tmp_path: Path) -> None:
    rejects = [
        Reject(key, key[:4], 1, "F1", Stage.SHARD, Reason.WITHDRAWN, "withdrawn from version 1.0.0") for key in GONE
    ]
    left = {key: split for key, split in PAIRS.items() if key not in GONE}
    built = write_whole(tmp_path / "built", left, rejects=[*REJECTS, *rejects])
    for folder in ("train", "val", "pairs", "rejects"):
        assert digests(without / folder) == digests(built / folder)
    ours, theirs = (json.loads((folder / "report.json").read_bytes()) for folder in (without, built))
    assert (ours["flows"][-1], ours["composition"]) == (theirs["flows"][-1], theirs["composition"])
    assert digests(without)["splits.parquet"] != digests(built)["splits.parquet"]  # PMC3 stays where it was


def test_shards_that_lose_nothing_are_the_same_files(release: Path, without: Path) -> None:
    changed = {path for path, digest in shards_of(release).items() if shards_of(without)[path] != digest}
    kept = [shard for shard in open_release(str(release)).shards if f"{shard.split}/{shard.name}.tar" not in changed]
    assert kept
    for shard in kept:
        for path in (f"{shard.split}/{shard.name}.tar", f"pairs/{shard.name}.parquet"):
            assert os.path.samefile(release / path, without / path)


def test_what_went_is_told_in_rejects_changes_and_list(without: Path) -> None:
    told = [row for row in rows(without, "rejects/rejects-000000.parquet") if row["reason"] == "withdrawn"]
    assert [row["key"] for row in told] == GONE
    assert {(row["stage"], row["detail"], row["fig_id"], row["version"]) for row in told} == {
        ("shard", "withdrawn from version 1.0.0", "F1", 1)
    }
    removed = rows(without, "changes/removed.parquet")
    assert [(row["key"], row["split"], row["reason"]) for row in removed] == [
        (key, PAIRS[key], "withdrawn") for key in GONE
    ]
    assert rows(without, "changes/added.parquet") == rows(without, "changes/changed.parquet") == []
    listed = rows(without, "withdrawn.parquet")
    assert [(row["key"], row["version"], row["inventory_date"]) for row in listed] == [
        (key, "2.0.0", "2026-01-02") for key in GONE
    ]


def test_report_and_manifest_tell_of_the_release_before(release: Path, without: Path) -> None:
    before, after = open_release(str(release)), open_release(str(without))
    assert after.version == "2.0.0"
    assert after.manifest["parent"] == {
        "manifest_sha256": before.seal,
        "version": "1.0.0",
        "relation": "withdrawn",
        "keys_sha256": read_names(LIST).digest,
    }
    assert after.manifest["counts"]["samples"] == len(PAIRS) - 3
    assert after.manifest["counts"]["by_split"] == {"train": 30, "val": 7}
    flow = json.loads((without / "report.json").read_bytes())["flows"][-1]
    assert (flow["in"], flow["out"], flow["rejected"]) == (41, 37, 4)
    assert flow["rejects_by_reason"] == {"withdrawn": 3, "source_changed": 1}
    assert "2.0.0" in (without / "README.md").read_text()


def test_the_same_list_gives_the_same_bytes_and_leaves_the_release_alone(
    release: Path, without: Path, tmp_path: Path
) -> None:
    before = digests(release)
    withdraw(release, tmp_path / "again", f"{KEY}\nPMC3\n{GONE[0]}\n".replace(f"{GONE[0]}\n", ""))
    assert digests(tmp_path / "again") == digests(without)
    assert digests(release) == before


def test_copy_of_a_file_that_cannot_be_linked_is_the_same(
    release: Path, without: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any) -> None:
        raise OSError("another disk")

    monkeypatch.setattr(os, "link", refuse)
    withdraw(release, tmp_path / "copied")
    assert digests(tmp_path / "copied") == digests(without)


def test_second_withdrawal_adds_to_the_list_of_the_first(without: Path, tmp_path: Path) -> None:
    withdraw(without, tmp_path / "third", "PMC4_0001_01")
    listed = rows(tmp_path / "third", "withdrawn.parquet")
    assert [(row["key"], row["version"]) for row in listed] == [
        ("PMC3_0001_01", "2.0.0"), ("PMC3_0001_02", "2.0.0"), ("PMC4_0001_01", "3.0.0"), (KEY, "2.0.0"),
    ]  # fmt: skip
    assert verify_release(str(tmp_path / "third")).problems == ()


def test_shard_and_split_that_lose_all_go(release: Path, tmp_path: Path) -> None:
    text = "\n".join(key for key, split in PAIRS.items() if split == "val")
    withdraw(release, tmp_path / "out", text)
    assert not (tmp_path / "out" / "val").exists()
    assert verify_release(str(tmp_path / "out")).problems == ()


def test_names_that_are_not_there_are_told(release: Path) -> None:
    plan = plan_withdrawal(open_release(str(release)), read_names(f"{KEY}\nPMC999\nPMC5_0009_01\n"))
    assert plan.absent == ("PMC5_0009_01", "PMC999")
    assert (plan.num_gone, plan.num_shards) == (1, 1)


@pytest.mark.parametrize(
    ("text", "said"),
    [("PMC999", "nothing that the list names is in the release: PMC999"), ("\n".join(PAIRS), "names every sample")],
)
def test_withdrawal_of_nothing_or_of_everything_is_refused(release: Path, text: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        plan_withdrawal(open_release(str(release)), read_names(text))


@pytest.mark.parametrize("folder", ["train", "pairs"])
def test_damage_is_not_passed_on(release: Path, tmp_path: Path, folder: str) -> None:
    rotten = Path(shutil.copytree(release, tmp_path / "rotten"))
    for path in (rotten / folder).glob("pmc15m-train-*"):
        data = bytearray(path.read_bytes())
        data[600] ^= 1
        path.write_bytes(data)
    with pytest.raises(DamagedError, match=rf"{folder}/.* has sha256 "):
        withdraw(rotten, tmp_path / "out", "PMC3")
    assert not (tmp_path / "out" / "manifest.json").exists()
