"""The demonstration: generated articles, and a small release of them."""

import json
import logging
from dataclasses import replace
from pathlib import Path

from pipelines.build import run_build
from pipelines.commands import CONFIGS, read_config
from pipelines.options import parse_beam_options
from pipelines.running import Run
from pmc15m import __version__
from pmc15m.about import ReleaseConfig
from pmc15m.errors import UsageError
from pmc15m.synth import Fault, SynthConfig, write_articles

LOG = logging.getLogger("pmc15m")
ABOUT = ReleaseConfig(
    name="pmc15m-demo",
    description="A release to look at: its articles, pictures and people are made up by a program.",
    license_note="Nothing here is owed to anyone: the licences are as made up as the articles.",
)


def run_demo(out: Path, num_articles: int, beams: list[str]) -> None:
    """Write `OUT/articles`, `OUT/work` and `OUT/release`; articles of an earlier run are kept.

    Raises:
        UsageError: the folder holds something else, or the number is not positive.
    """
    if num_articles < 1:
        raise UsageError(f"--articles must be positive, not {num_articles}")
    articles = out / "articles"
    made = {"version": __version__, "articles": num_articles}
    note = out / "demo.json"
    if out.exists() and any(out.iterdir()) and not note.exists():
        raise UsageError(f"{out} holds files that are not the demo's: choose another --out")
    if not note.exists() or json.loads(note.read_text(encoding="utf-8")) != made:
        LOG.info("demo: writing %d articles to %s", num_articles, articles)
        plan = SynthConfig(faults=tuple(Fault), fault_every=4, duplicates_every=10)
        write_articles(plan, range(num_articles), articles)
        note.write_text(json.dumps(made) + "\n", encoding="utf-8")
    config = replace(read_config(CONFIGS / "small.toml"), release=ABOUT)
    run = Run(config, parse_beam_options(beams), overwrite=True)
    run_build(str(articles), str(out / "work"), str(out / "release"), run)
