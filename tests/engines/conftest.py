"""Fixtures of the tests of engines.

- `made`: a small source, its config, and the release of it that the runner in memory makes.
"""

import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

from pipelines.build import run_build
from pipelines.options import parse_beam_options
from pipelines.running import Run
from pmc15m.config import parse_config
from pmc15m.synth import Fault, SynthConfig, write_articles
from tests.conftest import ROOT

NUM_ARTICLES = 48
NUM_REAL = 4
GENERATED = SynthConfig(
    seed=11, faults=tuple(Fault), fault_every=3, duplicates_every=7, curation_every=2, image_scale=0.2
)
CONFIG = """
[filters]
licenses = ["CC0", "CC BY", "CC BY-SA", "CC BY-ND"]
min_caption_words = 2

[splits]
val_fraction = 0.2
test_fraction = 0.2

[encode]
short_side_px = 64

[shards]
samples_per_shard = 32
"""


@dataclass(frozen=True)
class Made:
    """A source, and what it comes to."""

    source: Path
    config: Path
    release: Path


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    folder = tmp_path_factory.mktemp("made")
    source, config, release = folder / "articles", folder / "config.toml", folder / "release"
    write_articles(GENERATED, range(NUM_ARTICLES), source)
    for article in smallest(ROOT.parent / "shared" / "corpus"):
        shutil.copytree(article, source / article.name)
    config.write_text(CONFIG, encoding="utf-8")
    run_build(str(source), str(folder / "work"), str(release), Run(parse_config(CONFIG), parse_beam_options([])))
    return Made(source, config, release)


def smallest(corpus: Path) -> list[Path]:
    """Return the smallest real articles, where there are any."""
    folders = sorted(
        corpus.glob("PMC*.*"), key=lambda folder: (sum(p.stat().st_size for p in folder.iterdir()), folder)
    )
    return folders[:NUM_REAL]
