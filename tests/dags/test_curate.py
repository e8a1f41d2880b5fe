"""Curate on the tiny source: every decision, every reject, every sum."""

import shutil
from pathlib import Path

import apache_beam as beam
import pytest
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from apache_beam.testing.util import assert_that, equal_to

from pipelines import curate
from pmc15m.curate.splits import split_of
from pmc15m.records import Decision, Pair, Reject, Stage
from pmc15m.rows import write_rows
from pmc15m.stages import Origin, read_stage
from pmc15m.steps import Ledger
from pmc15m.store import Store
from tests import some
from tests.dags.conftest import CONFIG, NOWHERE
from tests.dags.rows import read_all, reasons

DECISIONS = [
    Decision("PMC1001_0001_01", "train", "PMC1001_0001_01", "PMC1001", ("The same mill seen again.",)),
    Decision("PMC1001_0002_01", "train", "PMC1001_0002_01", "PMC1001", ()),
    Decision("PMC1001_0002_02", "train", "PMC1001_0002_02", "PMC1001", ()),
    Decision("PMC1007_0001_01", "test", "PMC1007_0001_01", "PMC1007", ()),
]
REJECTS = [
    ("PMC1002_0001_01", "duplicate_file"),
    ("PMC1002_0002_01", "duplicate_pixels"),
    ("PMC1003_0001_01", "license"),
    ("PMC1007_0006_01", "image_too_small"),
    ("PMC1007_0007_01", "caption_too_short"),
]


def test_every_pair_that_stays_has_a_decision(curated: str) -> None:
    assert read_all(Decision, curated, read_stage(curated, "curate").names) == DECISIONS


def test_whatever_does_not_stay_is_a_reject(curated: str) -> None:
    assert reasons(curated) == REJECTS
    rejects = read_all(Reject, curated, read_stage(curated, "curate").reject_names)
    assert {reject.stage for reject in rejects} == {Stage.CURATE}
    assert rejects[0].detail.startswith("PMC1001_0001_01 sha256 ")
    assert rejects[1].detail.startswith("PMC1001_0002_01 pixel_sha256 ")


def test_every_sum_is_told(curated: str) -> None:
    tallies = read_stage(curated, "curate").tallies
    assert tallies["read_candidates/in"] >= 1  # row files, whose number is the runner's
    assert {name: count for name, count in tallies.items() if name != "read_candidates/in"} == {
        "decide/in": 4,
        "decide/out": 4,
        "filter_candidate/in": 9,
        "filter_candidate/out": 6,
        "rejects/curate/figures/caption_too_short": 1,
        "rejects/curate/figures/image_too_small": 1,
        "rejects/curate/figures/license": 1,
        "keep_first/in": 4,
        "keep_first/out": 4,
        "rejects/curate/figures/duplicate_file": 1,
        "rejects/curate/figures/duplicate_pixels": 1,
        "read_candidates/out": 9,
        "splits/test": 1,
        "splits/train": 3,
    }


def test_split_is_that_of_the_article(curated: str) -> None:
    for decision in read_all(Decision, curated, read_stage(curated, "curate").names):
        assert decision.split == split_of(decision.split_group, CONFIG.splits)


@pytest.mark.parametrize("order", [1, -1])
def test_build_returns_the_decisions_whatever_the_order_of_files(extracted: str, tmp_path: Path, order: int) -> None:
    files = list(read_stage(extracted, "extract").names)[::order]
    with beam.Pipeline(FnApiRunner()) as p:
        with Ledger(str(tmp_path), NOWHERE) as ledger:
            decisions = curate.build(p, files, extracted, CONFIG, ledger)
        assert_that(decisions, equal_to(DECISIONS))
    assert reasons(str(tmp_path)) == REJECTS


def test_file_that_a_lost_worker_wrote_late_does_not_count(extracted: str, tmp_path: Path) -> None:
    pairs, out = tmp_path / "pairs", tmp_path / "out"
    shutil.copytree(extracted, pairs)
    write_rows([some.pair("PMC999_0001_01")], Pair, Store(str(pairs)), "pairs")
    with beam.Pipeline(FnApiRunner()) as p:
        stage = read_stage(str(pairs), "extract")
        curate.run(p, str(pairs), stage, str(out), CONFIG, Origin("curate", "", "", ""), NOWHERE)
    assert read_all(Decision, str(out), read_stage(str(out), "curate").names) == DECISIONS
