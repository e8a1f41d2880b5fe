"""Shard on the tiny source: every sample, every reject, every sum."""

import json
import tarfile
from pathlib import Path

import apache_beam as beam
import pyarrow.parquet as pq
import pytest
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from apache_beam.testing.util import assert_that, equal_to

from pipelines import shard
from pipelines.sharding import REJECTS_FOLDER
from pmc15m.acquire.source import Source
from pmc15m.config import to_toml
from pmc15m.curate.finish import DECISIONS, SPLITS_TABLE, names_of, read_leaks
from pmc15m.release.finish import LostError, ReleaseJob, start_release
from pmc15m.release.rejects import RejectsJob
from pmc15m.release.shards import ShardJob, ShardSpec, plan_shards
from pmc15m.release.splits import read_splits
from pmc15m.stages import Origin, read_stage
from pmc15m.steps import Ledger
from tests.dags import test_curate, test_extract
from tests.dags.conftest import CONFIG, NOWHERE
from tests.dags.rows import reasons

SPECS = plan_shards({"train": 3, "test": 1}, CONFIG.shards)
KEYS = ["PMC1001_0002_01", "PMC1001_0002_02", "PMC1002_0001_01"]
NO_DERIVATIVES = ("PMC1007_0001_01", "no_derivatives")


def job(source: str, pairs: str, decisions: str, out: Path) -> ShardJob:
    extracted, curated = read_stage(pairs, "extract"), read_stage(decisions, "curate")
    names = names_of(curated, DECISIONS)
    return ShardJob(Source(source), pairs, extracted.names, decisions, names, str(out), CONFIG.images, CONFIG.encode)


def run(source: str, pairs: str, decisions: str, out: Path, specs: list[ShardSpec]) -> None:
    """Run the whole stage into a folder."""
    extracted, curated = read_stage(pairs, "extract"), read_stage(decisions, "curate")
    origin = Origin("shard", "", "", "")
    assert start_release(str(out), origin, overwrite=False)
    folders = ((pairs, extracted.reject_names), (decisions, curated.reject_names))
    rejects = RejectsJob(1, folders, f"{out}/{REJECTS_FOLDER}", str(out))
    release = ReleaseJob(
        str(out),
        (REJECTS_FOLDER,),
        origin,
        to_toml(CONFIG),
        {"kind": "folder", "inventory_date": None},
        extracted.tallies,
        curated.tallies,
        (decisions, names_of(curated, SPLITS_TABLE)),
        {"leaks": read_leaks(decisions)},
    )
    with beam.Pipeline(FnApiRunner()) as p:
        shard.run(p, specs, job(source, pairs, decisions, out), rejects, release, NOWHERE)


@pytest.fixture(scope="module")
def release(source: str, extracted: str, curated: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("release")
    run(source, extracted, curated, out, SPECS)
    return out


def test_release_holds_these_files_and_no_others(release: Path) -> None:
    paths = sorted(str(path.relative_to(release)) for path in release.rglob("*") if path.is_file())
    assert [path for path in paths if not path.startswith("report/")] == [
        "CITATION.cff",
        "README.md",
        "SHA256SUMS",
        "attribution.parquet",
        "attribution.tsv.gz",
        "config.toml",
        "croissant.json",
        "manifest.json",
        "pairs/pmc15m-train-000000.parquet",
        "rejects/rejects-000000.parquet",
        "report.json",
        "splits.parquet",
        "train/pmc15m-train-000000.tar",
        "train/sizes.json",
    ]
    assert "report/index.html" in paths


def test_samples_are_those_that_were_decided_and_may_be_resized(release: Path) -> None:
    with tarfile.open(release / "train" / "pmc15m-train-000000.tar") as archive:
        assert archive.getnames() == [f"{key}.{kind}" for key in KEYS for kind in ("jpg", "json", "txt")]
    rows = pq.read_table(release / "pairs").to_pylist()
    assert [row["key"] for row in rows] == KEYS
    assert [row["other_captions"] for row in rows] == [[], [], ["Mill, 10^2 years old."]]
    assert json.loads((release / "train" / "sizes.json").read_text()) == {"pmc15m-train-000000.tar": 3}


def test_rejects_of_all_stages_are_in_the_release(release: Path) -> None:
    rows = pq.read_table(release / "rejects").to_pylist()
    assert [(row["key"], row["reason"]) for row in rows] == sorted(
        [*test_extract.REJECTS, *test_curate.REJECTS, NO_DERIVATIVES]
    )


def test_splits_of_all_articles_are_in_the_release(release: Path) -> None:
    assert read_splits(str(release)) == {key: row.split for key, row in test_curate.SPLITS.items()}
    assert json.loads((release / "report.json").read_text())["curation"]["leaks"]["crossings"]["same_pixels"] == 0


def test_report_adds_up(release: Path) -> None:
    report = json.loads((release / "report.json").read_text())
    assert [(flow["in"], flow["out"], flow["rejected"]) for flow in report["flows"]] == [
        (9, 4, 5),
        (14, 9, 5),
        (9, 4, 5),
        (4, 3, 1),
    ]
    assert report["composition"] == {
        "format": {"JPEG": 1, "PNG": 2},
        "kind": {"figure": 3},
        "license": {"CC BY": 3},
        "split": {"train": 3},
        "year": {"2019": 2, "unknown": 1},
    }
    counts = json.loads((release / "manifest.json").read_text())["counts"]
    assert counts == {"articles": 9, "samples": 3, "rejects": 16, "by_split": {"train": 3}}


def test_build_returns_the_shards(source: str, extracted: str, curated: str, tmp_path: Path) -> None:
    out, own = tmp_path / "release", tmp_path / "own"
    with beam.Pipeline(FnApiRunner()) as p:
        with Ledger(str(own), NOWHERE) as ledger:
            shards = shard.build(p, SPECS, job(source, extracted, curated, out), ledger)
        assert_that(
            shards | beam.Map(lambda made: (made.name, made.num_samples)),
            equal_to([("pmc15m-train-000000", 3)]),
            "shards",
        )
        sums = {
            "samples/planned": 4,
            "samples/written": 3,
            "write_shard/in": 2,
            "write_shard/out": 1,
            "rejects/shard/figures/no_derivatives": 1,
        }
        told = ledger.tallies | beam.Filter(lambda item: not item[0].startswith("release/"))
        assert_that(told, equal_to(list(sums.items())), "tallies")
    assert reasons(str(own)) == [NO_DERIVATIVES]


def test_release_that_lacks_a_shard_is_an_error_and_has_no_manifest(
    source: str, extracted: str, curated: str, tmp_path: Path
) -> None:
    with pytest.raises(LostError, match="4 out of curate, but 1 into shard"):
        run(source, extracted, curated, tmp_path, SPECS[:1])
    assert not (tmp_path / "manifest.json").exists()
