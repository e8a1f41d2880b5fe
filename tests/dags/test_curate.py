"""Curate on the tiny source: every decision, every reject, every sum."""

import shutil
from pathlib import Path

import apache_beam as beam
import pytest
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from apache_beam.testing.util import assert_that, equal_to

from pipelines import curate
from pmc15m.curate.candidates import Candidate
from pmc15m.curate.finish import CANDIDATES, DECISIONS, SPLITS_TABLE, names_of, read_leaks
from pmc15m.curate.judge import ArticleSplit, LeakReport
from pmc15m.curate.splits import split_of
from pmc15m.records import Decision, Pair, Reject, Stage
from pmc15m.rows import write_rows
from pmc15m.stages import read_stage
from pmc15m.steps import Ledger, OfKind
from pmc15m.store import Store
from tests import some
from tests.dags.conftest import CONFIG, NOWHERE, curate_job, run_curate
from tests.dags.rows import read_all, reasons

KEPT = [
    Decision("PMC1001_0002_01", "train", "PMC1001_0002_01", "PMC1001", ()),
    Decision("PMC1001_0002_02", "train", "PMC1001_0002_02", "PMC1001", ()),
    Decision("PMC1002_0001_01", "train", "PMC1001_0001_01", "PMC1001", ("Mill, 10^2 years old.",)),
    Decision("PMC1007_0001_01", "test", "PMC1007_0001_01", "PMC1007", ()),
]
SPLITS = {
    "PMC1001": ArticleSplit("PMC1001", "train", "PMC1001"),
    "PMC1002": ArticleSplit("PMC1002", "train", "PMC1001"),
    "PMC1007": ArticleSplit("PMC1007", "test", "PMC1007"),
}
REJECTS = [
    ("PMC1001_0001_01", "duplicate_file"),
    ("PMC1002_0002_01", "duplicate_pixels"),
    ("PMC1003_0001_01", "license"),
    ("PMC1007_0006_01", "image_too_small"),
    ("PMC1007_0007_01", "caption_too_short"),
]


def decisions(folder: str) -> list[Decision]:
    """Return the decisions of a complete curate."""
    return read_all(Decision, folder, names_of(read_stage(folder, "curate"), DECISIONS))


def test_every_pair_that_stays_has_a_decision(curated: str) -> None:
    assert decisions(curated) == KEPT


def test_every_article_that_came_to_be_judged_has_a_split(curated: str) -> None:
    names = names_of(read_stage(curated, "curate"), SPLITS_TABLE)
    assert read_all(ArticleSplit, curated, names) == list(SPLITS.values())


def test_nothing_crosses_splits_and_nothing_of_the_making_is_left(curated: str) -> None:
    leaks = read_leaks(curated)
    assert set(leaks["crossings"].values()) == {0}
    assert leaks["compared"]["num_rows"] == {"train": 3, "val": 0, "test": 1}
    assert {path.name.partition("-")[0] for path in Path(curated).iterdir()} == {
        "decisions", "leaks.json", "rejects", "splits", "stage.json"
    }  # fmt: skip


def test_whatever_does_not_stay_is_a_reject(curated: str) -> None:
    assert reasons(curated) == REJECTS
    rejects = read_all(Reject, curated, read_stage(curated, "curate").reject_names)
    assert {reject.stage for reject in rejects} == {Stage.CURATE}
    assert rejects[0].detail == "PMC1002_0001_01 the same file"
    assert rejects[1].detail == "PMC1001_0002_01 the same pixels"


def test_every_sum_is_told(curated: str) -> None:
    tallies = read_stage(curated, "curate").tallies
    assert tallies["read_candidates/in"] >= 1  # row files, whose number is the runner's
    assert {name: count for name, count in tallies.items() if name != "read_candidates/in"} == {
        "filter_candidate/in": 9,
        "filter_candidate/out": 6,
        "judge/in": 1,
        "judge/out": 8,  # decisions, splits of articles, the leak report
        "near/capped": 0,
        "near/edges": 0,
        "pairs/kept": 4,
        "read_candidates/out": 9,
        "rejects/curate/figures/caption_too_short": 1,
        "rejects/curate/figures/duplicate_file": 1,
        "rejects/curate/figures/duplicate_pixels": 1,
        "rejects/curate/figures/image_too_small": 1,
        "rejects/curate/figures/license": 1,
        "splits/test": 1,
        "splits/train": 3,
    }


def test_split_is_that_of_the_group(curated: str) -> None:
    for decision in decisions(curated):
        assert decision.split == split_of(decision.split_group, CONFIG.splits)


@pytest.mark.parametrize("order", [1, -1])
def test_build_returns_what_was_judged_whatever_the_order_of_files(extracted: str, tmp_path: Path, order: int) -> None:
    files = list(read_stage(extracted, "extract").names)[::order]
    job = curate_job(extracted, str(tmp_path))
    with beam.Pipeline(FnApiRunner()) as p:
        with Ledger(str(tmp_path), NOWHERE) as ledger:
            judged = curate.build(p, files, job, CONFIG, ledger)
        assert_that(judged | OfKind(Decision), equal_to(KEPT), "decisions")
        assert_that(judged | OfKind(ArticleSplit), equal_to(list(SPLITS.values())), "splits")
        assert_that(judged | OfKind(LeakReport) | beam.combiners.Count.Globally(), equal_to([1]), "report")
    assert reasons(str(tmp_path)) == REJECTS


def test_no_pairs_are_no_decisions(tmp_path: Path) -> None:
    job = curate_job(str(tmp_path), str(tmp_path / "out"))
    with beam.Pipeline(FnApiRunner()) as p:
        curate.run(p, [], job, CONFIG, NOWHERE)
    stage = read_stage(job.out, "curate")
    assert (stage.files, stage.rejects) == ((), ())
    assert set(read_leaks(job.out)["crossings"].values()) == {0}


def test_file_that_a_lost_worker_wrote_late_does_not_count(extracted: str, tmp_path: Path) -> None:
    pairs, out = tmp_path / "pairs", tmp_path / "out"
    shutil.copytree(extracted, pairs)
    write_rows([some.pair("PMC999_0001_01")], Pair, Store(str(pairs)), "pairs")
    write_rows([some.candidate("PMC999_0001_01")], Candidate, Store(str(out / CANDIDATES)), "candidates")
    with beam.Pipeline(FnApiRunner()) as p:
        run_curate(p, str(pairs), str(out))
    assert decisions(str(out)) == KEPT
