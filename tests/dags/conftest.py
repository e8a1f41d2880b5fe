"""Fixtures of the tests of DAGs.

- `source`: the tiny source.
- `extracted`, `curated`: folders with the complete stages of the tiny source.
"""

import apache_beam as beam
import pytest
from apache_beam.runners.portability.fn_api_runner import FnApiRunner

from pipelines import curate, extract
from pmc15m.config import parse_config
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
        extract.run(p, source, out, CONFIG, Origin("extract", "", "", ""), NOWHERE)
    return out


@pytest.fixture(scope="session")
def curated(extracted: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    out = str(tmp_path_factory.mktemp("curated"))
    with beam.Pipeline(FnApiRunner()) as p:
        curate.run(p, extracted, read_stage(extracted, "extract"), out, CONFIG, Origin("curate", "", "", ""), NOWHERE)
    return out
