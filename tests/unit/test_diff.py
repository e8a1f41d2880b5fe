"""Diff: what came, went and changed between two releases, why, and what step of the version that is."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pmc15m.about import ReleaseConfig
from pmc15m.records import Reason, Reject, Stage
from pmc15m.release.diff import Difference, Step, compare_releases, step_of
from pmc15m.release.following import withdrawn_keys
from pmc15m.release.reading import open_release
from pmc15m.release.verify import verify_release
from pmc15m.stages import OutputError
from tests.tiny import packed, picture
from tests.whole import CONFIG, PAIRS, REJECTS, write_whole

GONE = ["PMC1_0001_01", "PMC2_0001_01", "PMC2_0001_02", "PMC3_0001_01", "PMC4_0001_01"]
LATER = (
    *REJECTS,
    Reject("PMC1_0001_01", "PMC1", 1, "F1", Stage.CURATE, Reason.DUPLICATE_IMAGE, "PMC4_0001_02"),
    Reject("PMC2.1", "PMC2", 1, None, Stage.EXTRACT, Reason.SUPERSEDED, ""),
    Reject("PMC2.2", "PMC2", 2, None, Stage.EXTRACT, Reason.RETRACTED, "by its metadata"),
    Reject("PMC3_0001_01", "PMC3", 1, "F1", Stage.SHARD, Reason.WITHDRAWN, "withdrawn from an earlier release"),
)
WHY = [
    ("PMC1_0001_01", "duplicate_image", "PMC4_0001_02"),
    ("PMC2_0001_01", "retracted", "by its metadata"),
    ("PMC2_0001_02", "retracted", "by its metadata"),
    ("PMC3_0001_01", "withdrawn", "withdrawn from an earlier release"),
    ("PMC4_0001_01", "not_found", "its article has no such figure now"),
]
CHANGED: dict[str, dict[str, Any]] = {
    "PMC6_0001_01": {"caption": "Another mill.", "rights_flags": ("credit",)},
    "PMC7_0001_01": {"cluster": "PMC7_0000_01"},
}
AFTER = {key: split for key, split in PAIRS.items() if key not in GONE} | {"PMC30_0001_01": "train"}


@pytest.fixture(scope="module")
def old(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_whole(tmp_path_factory.mktemp("old") / "release")


@pytest.fixture(scope="module")
def new(old: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A release after `old`, in other shards."""
    out = tmp_path_factory.mktemp("new") / "release"
    return write_whole(out, AFTER, counts={"train": 2, "val": 2}, changes=CHANGED, rejects=LATER, parent=old)


def compare(old: Path, new: Path) -> Difference:
    return compare_releases(open_release(str(old)), open_release(str(new)))


def step(old: Path, new: Path) -> Step:
    return step_of(compare(old, new), open_release(str(old)), open_release(str(new)))


def rows(folder: Path, name: str) -> list[dict[str, Any]]:
    return list(pq.read_table(folder / name).to_pylist())


def test_release_does_not_differ_from_itself(old: Path) -> None:
    difference = compare(old, old)
    assert difference.num_same == len(PAIRS)
    assert [table.num_rows for table in (difference.added, difference.removed, difference.changed)] == [0, 0, 0]
    assert step(old, old) == Step("", "nothing differs")


def test_what_came_went_and_changed_is_told_with_reasons_and_columns(old: Path, new: Path) -> None:
    difference = compare(old, new)
    assert difference.added.to_pylist() == [{"key": "PMC30_0001_01", "pmcid": "PMC30", "split": "train"}]
    removed = difference.removed.to_pylist()
    assert [(row["key"], row["reason"], row["detail"]) for row in removed] == WHY
    assert {(row["pmcid"], row["split"], len(row["sha256"])) for row in removed} == {
        (f"PMC{number}", "train", 64) for number in (1, 2, 3, 4)
    }
    assert difference.changed.to_pylist() == [
        {"key": "PMC6_0001_01", "pmcid": "PMC6", "columns": ["caption", "rights_flags", "caption_num_chars"]},
        {"key": "PMC7_0001_01", "pmcid": "PMC7", "columns": ["cluster"]},
    ]
    assert difference.num_same == len(PAIRS) - len(GONE) - len(CHANGED)
    assert step(old, new) == Step("major", "samples removed: 5; samples changed: 2")


def test_sample_of_an_article_that_is_gone_altogether_says_so(old: Path, tmp_path: Path) -> None:
    left = {key: split for key, split in PAIRS.items() if not key.startswith("PMC8_")}
    removed = compare(old, write_whole(tmp_path / "new", left)).removed.to_pylist()
    assert {row["detail"] for row in removed} == {"its article is not in the source now"}


def test_sample_that_moved_to_another_split_is_a_change(old: Path, tmp_path: Path) -> None:
    moved = PAIRS | {"PMC1_0001_01": "val", "PMC1_0001_02": "val"}
    difference = compare(old, write_whole(tmp_path / "new", moved))
    assert [row["columns"] for row in difference.changed.to_pylist()] == [["split"], ["split"]]
    assert difference.num_same == len(PAIRS) - 2


def test_release_with_a_parent_holds_its_changes_and_verifies(old: Path, new: Path) -> None:
    assert verify_release(str(new)).problems == ()
    manifest = json.loads((new / "manifest.json").read_bytes())
    assert manifest["parent"] == {
        "manifest_sha256": open_release(str(old)).seal,
        "version": "1.0.0",
        "relation": "built",
    }
    assert manifest["version"] == "2.0.0"
    assert [row["key"] for row in rows(new, "changes/added.parquet")] == ["PMC30_0001_01"]
    assert [(row["key"], row["reason"], row["detail"]) for row in rows(new, "changes/removed.parquet")] == WHY
    assert [row["key"] for row in rows(new, "changes/changed.parquet")] == sorted(CHANGED)
    withdrawn = rows(new, "withdrawn.parquet")
    assert [(row["key"], row["reason"], row["detail"]) for row in withdrawn] == WHY
    assert {(row["version"], row["inventory_date"], row["returned_in"]) for row in withdrawn} == {
        ("2.0.0", "2026-01-02", None)
    }


def test_list_of_what_was_withdrawn_only_grows_and_says_what_came_back(new: Path, tmp_path: Path) -> None:
    left = {key: split for key, split in AFTER.items() if key != "PMC9_0001_01"} | {"PMC1_0001_01": "train"}
    third = write_whole(tmp_path / "third", left, parent=new)
    withdrawn = rows(third, "withdrawn.parquet")
    assert [(row["key"], row["version"], row["returned_in"]) for row in withdrawn] == [
        ("PMC1_0001_01", "2.0.0", "3.0.0"),
        *((key, "2.0.0", None) for key in GONE[1:]),
        ("PMC9_0001_01", "3.0.0", None),
    ]


def test_version_that_the_config_names_is_kept_where_it_is_later_than_the_parents(new: Path, tmp_path: Path) -> None:
    named = replace(CONFIG, release=ReleaseConfig(version="7.1.0"))
    out = write_whole(tmp_path / "named", AFTER, config=named, parent=new)
    assert open_release(str(out)).version == "7.1.0"
    assert {row["returned_in"] for row in rows(out, "withdrawn.parquet")} == {None}


def test_only_what_was_withdrawn_and_did_not_come_back_stays_out_of_the_next_build(old: Path, new: Path) -> None:
    assert withdrawn_keys(open_release(str(old))) == frozenset()
    assert withdrawn_keys(open_release(str(new))) == {"PMC3_0001_01"}


def test_parent_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="holds no release"):
        write_whole(tmp_path / "new", parent=tmp_path / "absent")


# --- versions -------------------------------------------------------------------------------------


def test_more_samples_in_the_same_shards_are_minor(old: Path, tmp_path: Path) -> None:
    more = PAIRS | {"PMC40_0001_01": "test"}
    out = write_whole(tmp_path / "new", more, counts={"train": 3, "val": 1, "test": 1})
    assert step(old, out) == Step("minor", "samples added: 1")


def test_more_samples_in_other_shards_are_major(old: Path, tmp_path: Path) -> None:
    out = write_whole(tmp_path / "new", PAIRS | {"PMC40_0001_01": "train"})
    said = step(old, out)
    assert (said.part, said.why.split(";")[0]) == ("major", "samples added: 1")
    assert "not there as they were" in said.why


def test_the_same_samples_in_other_shards_are_a_patch(old: Path, tmp_path: Path) -> None:
    assert step(old, write_whole(tmp_path / "new", counts={"train": 1, "val": 1})).part == "patch"


def test_other_images_of_the_same_rows_are_major(old: Path, tmp_path: Path) -> None:
    first = packed(picture(1, 80, 60), "JPEG")
    other = first[:-2] + b"\xff\xd9"[:1] + b"\xd8"  # as long, so that no row tells
    out = write_whole(tmp_path / "new", changes={"PMC1_0001_01": {"image": other}})
    assert step(old, out) == Step("major", "tars with other images of the same rows: 1")


@given(st.tuples(*[st.integers(0, 99)] * 3), st.sampled_from(["major", "minor", "patch"]))
def test_step_makes_the_next_version_and_the_parts_behind_it_zero(version: tuple[int, int, int], part: str) -> None:
    after = tuple(map(int, Step(part, "").after(".".join(map(str, version))).split(".")))
    index = ["major", "minor", "patch"].index(part)
    assert after > version
    assert after == (*version[:index], version[index] + 1, *(0,) * (2 - index))
