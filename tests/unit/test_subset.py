"""Subset: what an expression or a list wants of a release, as a release of its own."""

import importlib
import json
import tarfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from pmc15m.config import ShardsConfig
from pmc15m.errors import UsageError
from pmc15m.release.finish import start_release
from pmc15m.release.reading import DamagedError, open_release
from pmc15m.release.remake import Names, read_names
from pmc15m.release.subset import plan_subset, write_subset
from pmc15m.release.verify import verify_release
from pmc15m.rows import order_of, order_range
from tests.tree import digests
from tests.whole import CONFIG, PAIRS, without_pages, write_whole

WHERE = "year >= 2010 and split = 'train' or key = 'PMC5_0001_01'"
WANTED = sorted(
    key
    for key, split in PAIRS.items()
    if (int(key.split("_")[0][3:]) >= 10 and split == "train") or key == "PMC5_0001_01"
)


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_whole(tmp_path_factory.mktemp("whole") / "release")


def cut(release: Path, out: Path, wanted: Names | str = WHERE, is_fast: bool = False) -> Path:
    plan = plan_subset(open_release(str(release)), wanted)
    assert start_release(str(out), plan.origin, overwrite=False)
    with without_pages():
        write_subset(plan, str(out), is_fast)
    return out


@pytest.fixture(scope="module")
def part(release: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return cut(release, tmp_path_factory.mktemp("part") / "release")


def rows(folder: Path) -> list[dict[str, Any]]:
    return [row for path in sorted((folder / "pairs").iterdir()) for row in pq.read_table(path).to_pylist()]


def members(path: Path) -> dict[str, bytes]:
    with tarfile.open(path) as tar:
        return {item.name: tar.extractfile(item).read() for item in tar.getmembers()}  # type: ignore[union-attr]


def refusal(release: Path, expression: str) -> str:
    with pytest.raises(UsageError) as refused:
        plan_subset(open_release(str(release)), expression)
    said = str(refused.value)
    assert "\n" not in said
    return said


# --- what a subset holds --------------------------------------------------------------------------


def test_subset_is_a_sound_release_of_what_is_wanted(part: Path) -> None:
    assert verify_release(str(part)).problems == ()
    found = rows(part)
    assert sorted(row["key"] for row in found) == WANTED
    assert {row["key"]: row["split"] for row in found} == {key: PAIRS[key] for key in WANTED}


def test_rows_and_members_are_those_of_the_release(release: Path, part: Path) -> None:
    places = {"shard", "image_offset"}
    before = {row["key"]: row for row in rows(release)}
    for row in rows(part):
        assert {name: row[name] for name in row.keys() - places} == {
            name: before[row["key"]][name] for name in row.keys() - places
        }
    images = {name: data for path in release.glob("*/*.tar") for name, data in members(path).items()}
    for path in part.glob("*/*.tar"):
        for name, data in members(path).items():
            assert data == images[name]
    for row in rows(part):
        data = (part / row["split"] / f"{row['shard']}.tar").read_bytes()
        image = data[row["image_offset"] : row["image_offset"] + row["image_num_bytes"]]
        assert image == images[f"{row['key']}.jpg"]


def test_samples_are_dealt_by_the_rule_of_every_release(tmp_path: Path) -> None:
    config = replace(CONFIG, shards=ShardsConfig(samples_per_shard=32))
    pairs = {f"PMC{number}_0001_01": "train" for number in range(1, 101)}
    whole = write_whole(tmp_path / "whole", pairs, counts={"train": 7}, config=config)
    out = cut(whole, tmp_path / "out", "year <= 2096")
    for row in rows(out):
        index = int(row["shard"][-6:])
        low, high = order_range(index, 3)
        assert low <= order_of(row["key"]) < high
    assert {row["shard"][-6:] for row in rows(out)} == {"000000", "000001", "000002"}
    assert verify_release(str(out)).problems == ()


def test_subset_of_everything_has_the_shards_of_a_build(release: Path, tmp_path: Path) -> None:
    dealt = write_whole(tmp_path / "dealt", counts={"train": 1, "val": 1})
    out = cut(release, tmp_path / "all", "true")
    for folder in ("train", "val", "pairs"):
        assert digests(out / folder) == digests(dealt / folder)
    assert digests(out)["rejects/rejects-000000.parquet"] == digests(release)["rejects/rejects-000000.parquet"]


def test_subset_does_not_depend_on_how_the_release_was_dealt(tmp_path: Path, part: Path) -> None:
    other = write_whole(tmp_path / "other", counts={"train": 5, "val": 2})
    out = cut(other, tmp_path / "out")
    for folder in ("train", "val", "pairs", "rejects"):
        assert digests(out / folder) == digests(part / folder)


def test_the_same_expression_gives_the_same_bytes_and_leaves_the_release_alone(
    release: Path, part: Path, tmp_path: Path
) -> None:
    before = digests(release)
    assert digests(cut(release, tmp_path / "again")) == digests(part)
    assert digests(cut(release, tmp_path / "fast", is_fast=True)) == digests(part)
    assert digests(release) == before


def test_list_of_keys_and_articles_gives_the_shards_of_an_expression(release: Path, part: Path, tmp_path: Path) -> None:
    out = cut(release, tmp_path / "out", read_names("\n".join(WANTED)))
    for folder in ("train", "val", "pairs"):
        assert digests(out / folder) == digests(part / folder)
    assert "keys_sha256" in open_release(str(out)).manifest["parent"]


def test_manifest_card_and_rejects_name_parent_and_expression(release: Path, part: Path) -> None:
    parent = open_release(str(release))
    manifest = open_release(str(part)).manifest
    assert manifest["parent"] == {
        "manifest_sha256": parent.seal,
        "version": "1.0.0",
        "relation": "subset",
        "where": WHERE,
    }
    assert manifest["version"] == "1.0.0"
    assert f"a subset of version 1.0.0: samples where `{WHERE.replace('`', '')}`" in (part / "README.md").read_text()
    told = [row for row in pq.read_table(part / "rejects").to_pylist() if row["reason"] == "not_selected"]
    assert [row["key"] for row in told] == sorted(PAIRS.keys() - set(WANTED))
    assert {(row["stage"], row["detail"]) for row in told} == {
        ("shard", f"not in the subset of version 1.0.0: {WHERE}")
    }
    flow = json.loads((part / "report.json").read_bytes())["flows"][-1]
    assert (flow["out"], flow["rejects_by_reason"]) == (
        len(WANTED), {"not_selected": len(PAIRS) - len(WANTED), "source_changed": 1},
    )  # fmt: skip


def test_what_has_no_value_is_not_wanted(tmp_path: Path) -> None:
    whole = write_whole(tmp_path / "whole", changes={"PMC1_0001_01": {"label": None}})
    plan = plan_subset(open_release(str(whole)), "label <> 'Figure 9'")
    assert sum(plan.num_samples.values()) == len(PAIRS) - 1


def test_list_of_what_was_withdrawn_goes_with_every_part(release: Path, tmp_path: Path) -> None:
    left = {key: split for key, split in PAIRS.items() if key != "PMC2_0001_01"}
    after = write_whole(tmp_path / "after", left, parent=release)
    out = cut(after, tmp_path / "out", "year < 2004")
    assert digests(out)["withdrawn.parquet"] == digests(after)["withdrawn.parquet"]
    assert verify_release(str(out)).problems == ()


def test_damage_is_not_passed_on(release: Path, tmp_path: Path) -> None:
    whole = write_whole(tmp_path / "whole")
    path = whole / "val" / "pmc15m-val-000000.tar"
    data = bytearray(path.read_bytes())
    data[600] ^= 1
    path.write_bytes(data)
    with pytest.raises(DamagedError, match=r"val/.* has sha256 "):
        cut(whole, tmp_path / "out", "split = 'val'")
    assert not (tmp_path / "out" / "manifest.json").exists()


# --- what is no expression ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        ("year >", "syntax error"),
        (" ", "--where is empty"),
        ("yeer = 2010", 'Referenced column "yeer" not found'),
        ("license", "Could not convert string 'CC BY' to BOOL"),
        ("year = ?", "parameters"),
        ("count(*) > 1", "aggregates"),
        ("row_number() over () = 1", "window functions"),
        ("true; drop table pairs", "syntax error"),
        ("true) order by (key", "must be one expression"),
        ("true) limit (1", "must be one expression"),
        ("true) union select key from pairs where (true", "must be one expression"),
        ("true) group by (key", "must be one expression"),
        ("(select count(*) from pairs) > 1", "query of its own"),
        ("exists(from read_csv('/etc/passwd'))", "query of its own"),
        ("key in (from pairs select key)", "query of its own"),
        ("RANDOM() > 0.5", "random has another answer each time"),
        ("year < date_part('year', CURRENT_DATE)", "current_date has another answer each time"),
        ("current_setting('threads') = '1'", "current_setting has another answer each time"),
        ("version() = 'v1'", "version has another answer each time"),
        ("year = 1999", "no sample of the release is wanted"),
        ("caption = '\udcff'", "a character that is none to write"),
    ],
)
def test_expression_that_is_wrong_is_refused_with_the_words_of_duckdb(
    release: Path, expression: str, said: str
) -> None:
    assert said in refusal(release, expression)


@pytest.mark.parametrize(
    ("expression", "num_samples"),
    [
        ("year = 2001 -- the first", 2),
        ("version = 1 and year = 2001", 2),
        ("year = 2001\nor year = 2002", 4),
        ("list_contains(panel_labels, 'B') and year % 10 = 0", 4),
        ("regexp_matches(caption, 'PMC2_') or len(mentions) = 0", 2),
        ("mentions[1].section like 'Results%' and year < 2003", 4),
        ("octet_length(phash) = 32 and lower(license) = 'cc by'", 40),
    ],
)
def test_expression_may_use_every_column(release: Path, expression: str, num_samples: int) -> None:
    assert sum(plan_subset(open_release(str(release)), expression).num_samples.values()) == num_samples


def test_expression_without_duckdb_says_what_to_install_and_a_list_needs_none(
    release: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(name: str) -> Any:
        raise ModuleNotFoundError(f"No module named {name!r}")

    monkeypatch.setattr(importlib, "import_module", missing)
    assert "pip install 'pmc15m[subset]'" in refusal(release, "true")
    assert plan_subset(open_release(str(release)), read_names("PMC1")).num_samples == {"train": 2, "val": 0}
