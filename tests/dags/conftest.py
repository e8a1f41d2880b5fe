"""Fixtures of the tests of DAGs.

- `source`: the tiny source.
- `extracted`, `curated`: folders with the complete stages of the tiny source.
"""

import apache_beam as beam
import pytest
from apache_beam.runners.portability.fn_api_runner import FnApiRunner

from pipelines import curate, extract
from pmc15m.config import parse_config
from pmc15m.curate.finish import CANDIDATES, CurateJob
from pmc15m.curate.judge import JudgeJob
from pmc15m.parts import WHOLE
from pmc15m.progress import Meter
from pmc15m.stages import Origin, read_stage
from tests import tiny

CONFIG = parse_config(tiny.CONFIG)
NOWHERE = Meter(None)


@pytest.fixture(scope="session")
def source(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("tiny") / "source"
    tiny.write_source(folder)
    return str(folder)


@pytest.fixture(scope="session")
def extracted(source: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    out = str(tmp_path_factory.mktemp("extracted"))
    with beam.Pipeline(FnApiRunner()) as p:
        extract.run(p, source, out, CONFIG, WHOLE, Origin("extract", "", "", ""), NOWHERE)
    return out


@pytest.fixture(scope="session")
def curated(extracted: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    out = str(tmp_path_factory.mktemp("curated"))
    with beam.Pipeline(FnApiRunner()) as p:
        run_curate(p, extracted, out)
    return out


def curate_job(pairs: str, out: str) -> CurateJob:
    """Return the job of curate that holds pairs against nothing but each other."""
    judging = JudgeJob(pairs, f"{out}/{CANDIDATES}", CONFIG, {}, ())
    return CurateJob(out, Origin("curate", "", "", ""), judging)


def run_curate(p: beam.Pipeline, pairs: str, out: str) -> None:
    """Add curate to a pipeline."""
    files = list(read_stage(pairs, "extract").names)
    curate.run(p, files, curate_job(pairs, out), CONFIG, NOWHERE)
