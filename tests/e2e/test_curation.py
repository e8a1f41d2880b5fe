"""Curation of generated articles: what stays, what goes and why, and the split of all, is right by construction."""

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.cli import main
from pmc15m.release.splits import SPLITS_FILE, read_splits
from pmc15m.synth import Curation, SynthConfig, write_articles
from tests.curation import GAPS, Curated, build, rows_of
from tests.tree import digests, states

NUM_ARTICLES = 600
"""`make curation` scores 2,000."""


@pytest.fixture(scope="module")
def curated(tmp_path_factory: pytest.TempPathFactory) -> Curated:
    return build(tmp_path_factory.mktemp("curated"), NUM_ARTICLES)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_every_figure_ends_as_its_generator_knows_but_for_the_known_gaps(curated: Curated) -> None:
    assert curated.missed == [], curated.wrong
    wrong_kinds = {curated.truth[key].kind for key in curated.wrong}
    assert wrong_kinds <= GAPS.keys(), curated.wrong
    assert set(curated.scores) >= {kind.value for kind in Curation}


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_copies_name_the_pair_that_stays_and_leave_it_their_captions(curated: Curated) -> None:
    num_copies = num_captions = 0
    for key, verdict in curated.truth.items():
        if key in curated.wrong:
            continue
        if verdict.outcome.startswith("duplicate_"):
            num_copies += 1
            assert curated.details[key].partition(" ")[0] == verdict.duplicate_of, key
        elif verdict.is_kept and not set(curated.pairs[key]["other_captions"]) & _captions_of_wrong(curated):
            num_captions += bool(verdict.other_captions)
            assert tuple(curated.pairs[key]["other_captions"]) == verdict.other_captions, key
    assert num_copies > 100
    assert num_captions > 10


def _captions_of_wrong(curated: Curated) -> set[str]:
    return {curated.truth[key].caption or "" for key in curated.wrong}


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_nothing_that_belongs_together_is_in_two_splits(curated: Curated) -> None:
    assert curated.torn == {}
    assert curated.leaks["crossings"] == dict.fromkeys(
        ("related", "same_doi", "same_title", "same_work", "same_pixels", "near"), 0
    )
    assert all(curated.leaks["compared"]["num_rows"][name] > 100 for name in ("train", "val", "test"))
    groups: dict[str, set[str]] = {}
    for key, row in curated.pairs.items():
        groups.setdefault(curated.truth[key].split_group, set()).add(row["split_group"])
    assert all(len(found) == 1 for found in groups.values())


# --- an earlier release and evaluations ---------------------------------------------------------------

SYNTH = SynthConfig(seed=7, image_scale=0.3, curation_every=2)
TOML = "[splits]\nval_fraction = 0.25\ntest_fraction = 0.25\n"


class Growing:
    """Two releases: of articles 0 to 39, and of articles 10 to 59 after it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "config.toml").write_text(TOML)
        for name, numbers in (("old", range(40)), ("new", range(10, 60))):
            write_articles(SYNTH, numbers, folder / "articles" / name)
        self.build("old")
        self.listed = self.images_to_list()
        self.write_lists()
        self.build("new", "--previous", str(folder / "old"), *self.words())

    def build(self, name: str, *words: str) -> None:
        places = ["--source", f"{self.folder}/articles/{name}", "--out", f"{self.folder}/{name}"]
        assert main(["build", *places, "--config", f"{self.folder}/config.toml", *words]) == 0

    def curate(self, out: str, *words: str) -> dict[str, Any]:
        """Run curate alone on the pairs of the new release, and return its marker."""
        places = ["--pairs", f"{self.folder}/new.work/pairs", "--out", f"{self.folder}/{out}"]
        assert main(["curate", *places, "--config", f"{self.folder}/config.toml", *words]) == 0
        marker: dict[str, Any] = json.loads((self.folder / out / "stage.json").read_text())
        return marker

    def images_to_list(self) -> dict[str, str]:
        """Return a pair of the old release in each split, and the place of its image, by key."""
        found = {}
        places = rows_of(self.folder / "old.work" / "pairs", ("key", "location", "graphic"), "pairs-*.parquet")
        rows = rows_of(self.folder / "old" / "pairs", ("key", "split"))
        for split in ("train", "val", "test"):
            key = max(key for key, row in rows.items() if row["split"] == split)
            found[key] = f"{places[key]['location']}/{places[key]['graphic']}"
        return found

    def write_lists(self) -> None:
        """Write a list of images by `pmc15m hashes`, and one of articles."""
        (self.folder / "vqa").mkdir()
        for key, place in self.listed.items():
            data = (self.folder / "articles" / "old" / place).read_bytes()
            (self.folder / "vqa" / f"{key}.jpg").write_bytes(data)
        assert main(["hashes", f"{self.folder}/vqa", "--out", f"{self.folder}/vqa.parquet"]) == 0
        splits = read_splits(f"{self.folder}/old")
        pmcid = min(pmcid for pmcid, split in splits.items() if split == "train" and pmcid > "PMC80000012")
        self.pmcid = pmcid
        pq.write_table(pa.table({"source": ["roco"], "pmcid": [pmcid]}), self.folder / "roco.parquet")

    def words(self) -> list[str]:
        return [word for name in ("vqa", "roco") for word in ("--decontaminate", f"{self.folder}/{name}.parquet")]

    def splits(self, name: str) -> dict[str, str]:
        return read_splits(f"{self.folder}/{name}")

    def rejects(self, reason: str) -> dict[str, str]:
        rows = rows_of(self.folder / "new" / "rejects", ("key", "reason", "detail"))
        return {key: row["detail"] for key, row in rows.items() if row["reason"] == reason}


@pytest.fixture(scope="module")
def growing(tmp_path_factory: pytest.TempPathFactory) -> Growing:
    return Growing(tmp_path_factory.mktemp("growing"))


@pytest.mark.slow
def test_articles_stay_where_the_earlier_release_had_them_also_those_that_are_gone(growing: Growing) -> None:
    old, new = growing.splits("old"), growing.splits("new")
    assert old.items() <= new.items()
    gone = {pmcid for pmcid in old if pmcid < "PMC80000010"}
    rows = rows_of(growing.folder / "new" / "pairs", ("key", "pmcid", "split"))
    assert len(gone) > 5
    assert not {row["pmcid"] for row in rows.values()} & gone
    assert {new[row["pmcid"]] for row in rows.values()} == {"train", "val", "test"}
    assert all(new[row["pmcid"]] == row["split"] for row in rows.values())
    assert any(pmcid not in old for pmcid in new)


@pytest.mark.slow
def test_table_of_splits_is_a_file_of_the_release(growing: Growing) -> None:
    data = (growing.folder / "new" / SPLITS_FILE).read_bytes()
    files = {file["path"]: file for file in json.loads((growing.folder / "new" / "manifest.json").read_text())["files"]}
    assert files[SPLITS_FILE]["sha256"] == hashlib.sha256(data).hexdigest()
    assert files[SPLITS_FILE]["num_rows"] == len(growing.splits("new"))


@pytest.mark.slow
def test_what_an_evaluation_holds_is_in_test_alone(growing: Growing) -> None:
    splits, told = growing.splits("new"), growing.rejects("eval_overlap")
    pairs = rows_of(growing.folder / "new" / "pairs", ("key", "pmcid"))
    for key in growing.listed:
        pmcid = key.partition("_")[0]
        if splits[pmcid] == "test":
            assert key in pairs
        elif pmcid >= "PMC80000010":
            assert told[key] == f"vqa:{key}.jpg" or pmcid == growing.pmcid
    assert not {row["pmcid"] for row in pairs.values()} & {growing.pmcid}
    listed = {key for key, detail in told.items() if detail.startswith("roco:")}
    assert {key.partition("_")[0] for key in listed} == {growing.pmcid}
    assert any(detail.startswith("vqa:") for detail in told.values())


@pytest.mark.slow
def test_report_says_what_the_pairs_were_held_against(growing: Growing) -> None:
    report = json.loads((growing.folder / "new" / "report.json").read_text())["curation"]
    lists = [hashlib.sha256((growing.folder / f"{name}.parquet").read_bytes()).hexdigest() for name in ("vqa", "roco")]
    assert report["against"][1:] == lists
    assert len(report["against"]) == 3
    assert set(report["leaks"]["crossings"].values()) == {0}


@pytest.mark.slow
def test_curate_is_done_again_when_a_list_changes_and_only_then(growing: Growing) -> None:
    folder = growing.folder
    own = folder / "own.parquet"
    shutil.copyfile(folder / "roco.parquet", own)
    words = ("--previous", str(folder / "old"), "--decontaminate", str(own))
    first = growing.curate("decisions", *words)
    before = states(folder / "decisions")
    assert growing.curate("decisions", *words) == first
    assert states(folder / "decisions") == before
    pq.write_table(pa.table({"source": ["roco"], "pmcid": ["PMC1"]}), own)
    other = growing.curate("decisions", *words)
    assert other["inputs"] != first["inputs"]
    overlaps = "rejects/curate/figures/eval_overlap"
    assert first["tallies"][overlaps] > 0
    assert overlaps not in other["tallies"]
    assert growing.curate("alone")["inputs"] == first["inputs"].partition(":")[0]


@pytest.mark.slow
def test_lists_and_releases_that_are_none_are_refused_before_any_work(
    growing: Growing, capfd: pytest.CaptureFixture[str]
) -> None:
    before = digests(growing.folder)
    places = ["curate", "--pairs", f"{growing.folder}/new.work/pairs", "--out", f"{growing.folder}/never"]
    for words, said in (
        (["--previous", f"{growing.folder}/vqa"], "is no release with a splits.parquet"),
        (["--decontaminate", f"{growing.folder}/absent.parquet"], "cannot read the list"),
        (["--decontaminate", f"{growing.folder}/config.toml"], "cannot read the list"),
    ):
        capfd.readouterr()
        assert main([*places, *words]) == 2
        assert said in capfd.readouterr().err
    assert digests(growing.folder) == before


# --- workers ------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("num_workers", [2, 7])
def test_release_of_several_workers_is_the_bytes_of_one(growing: Growing, tmp_path: Path, num_workers: int) -> None:
    words = [
        "--source",
        f"{growing.folder}/articles/new",
        "--out",
        f"{tmp_path}/r",
        "--previous",
        f"{growing.folder}/old",
    ]
    beams = ["--", "--direct_running_mode=multi_processing", f"--direct_num_workers={num_workers}"]
    config = ["--config", f"{growing.folder}/config.toml"]
    assert main(["build", *words, *config, *growing.words(), *beams]) == 0
    assert digests(tmp_path / "r") == digests(growing.folder / "new")
