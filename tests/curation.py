"""`python -m tests.curation`: builds a release of generated articles and scores what curate made of their pairs.

What is right follows from the way the articles were made (`pmc15m.synth.verdicts`). Exit code 1 where
more is wrong than the known gaps allow.
"""

import argparse
import json
import math
import os
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from pipelines.cli import main as pmc15m
from pmc15m.synth import Score, SynthConfig, Verdict, curation_truth, find_leaks, score_kinds
from pmc15m.synth.write import write_all

SYNTH = SynthConfig(seed=7, image_scale=0.3, curation_every=2)
TOML = "[splits]\nval_fraction = 0.1\ntest_fraction = 0.1\n"
"""Splits large enough that a leak would show."""

GAPS = {"lookalike_counts": 0.1, "slices": 0.03, "": 0.001}
"""Of which kinds how large a part may be wrong: flow charts that differ in numbers alone, neighbouring
slices, and ordinary figures: one so pale that it is blank, two pale ones of one template."""


@dataclass(frozen=True)
class Curated:
    """A release of generated articles, and what is right."""

    truth: Mapping[str, Verdict]
    outcomes: Mapping[str, str]  # by key: "pair" or a reason
    pairs: Mapping[str, dict[str, Any]]  # rows of the release, by key
    details: Mapping[str, str]  # of the rejects, by key
    leaks: Mapping[str, Any]  # the report's

    @cached_property
    def scores(self) -> dict[str, Score]:
        """The score of each kind."""
        return dict(sorted(score_kinds(self.truth, self.outcomes).items()))

    @cached_property
    def wrong(self) -> dict[str, str]:
        """What each figure was made that ended otherwise, by its key."""
        return {
            key: f"{verdict.kind} {verdict.detail}: {self.outcomes.get(key)} {self.details.get(key, '')}".strip()
            for key, verdict in sorted(self.truth.items())
            if self.outcomes.get(key) not in verdict.outcomes
        }

    @property
    def missed(self) -> list[str]:
        """The kinds of which more is wrong than the gaps allow."""
        return [
            kind
            for kind, score in self.scores.items()
            if score.num_figures - score.num_right > math.ceil(GAPS.get(kind, 0) * score.num_figures)
        ]

    @property
    def torn(self) -> dict[str, set[str]]:
        """The groups that lie in several splits."""
        return find_leaks(self.truth, {key: row["split"] for key, row in self.pairs.items()})


def build(folder: Path, num_articles: int, jobs: int = 1) -> Curated:
    """Write articles, build their release, and read it back.

    Args:
        folder: where all of it goes.
        num_articles: articles, half of them there to be curated.
        jobs: processes that write the articles.
    """
    write_all(SYNTH, range(num_articles), folder / "articles", jobs)
    (folder / "config.toml").write_text(TOML)
    words = ["--source", str(folder / "articles"), "--out", str(folder / "release"), "--log-level", "WARNING"]
    if pmc15m(["build", *words, "--config", str(folder / "config.toml")]):
        raise SystemExit("the build failed")
    return read(folder / "release", SYNTH, num_articles)


def read(release: Path, synth: SynthConfig, num_articles: int) -> Curated:
    """Read a release of generated articles."""
    pairs = rows_of(release / "pairs", ("key", "split", "cluster", "split_group", "caption", "other_captions"))
    rejects = rows_of(release / "rejects", ("key", "reason", "detail"))
    return Curated(
        curation_truth(synth, range(num_articles)),
        {key: row["reason"] for key, row in rejects.items()} | dict.fromkeys(pairs, "pair"),
        pairs,
        {key: row["detail"] for key, row in rejects.items()},
        json.loads((release / "report.json").read_text())["curation"]["leaks"],
    )


def rows_of(folder: Path, columns: tuple[str, ...], names: str = "*.parquet") -> dict[str, dict[str, Any]]:
    """Return some columns of the tables of a folder, by key."""
    tables = (pq.read_table(path, columns=list(columns)) for path in sorted(folder.glob(names)))
    return {row["key"]: row for table in tables for row in table.to_pylist()}


def main(argv: list[str] | None = None) -> int:
    """Build, score and print."""
    parser = argparse.ArgumentParser(prog="python -m tests.curation", description=__doc__)
    parser.add_argument("articles", nargs="?", type=int, default=2_000, help="2,000 by default")
    args = parser.parse_args(argv)
    started_at = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        curated = build(Path(folder), args.articles, os.cpu_count() or 1)
    _say(f"{'kind':20}{'figures':>9}{'right':>9}{'precision':>11}{'recall':>9}")
    for kind, score in curated.scores.items():
        name = f"{kind or 'ordinary'}{' !' if kind in curated.missed else ''}"
        _say(f"{name:20}{score.num_figures:9,}{score.num_right:9,}{score.precision:11.4f}{score.recall:9.4f}")
    _say(f"wrong: {len(curated.wrong)} of {len(curated.truth):,}")
    for key, told in curated.wrong.items():
        _say(f"  {key}  {told}")
    crossings = {name: count for name, count in curated.leaks["crossings"].items() if count}
    _say(f"groups in several splits: {len(curated.torn)}; crossings: {crossings or 'none'}")
    _say(f"{time.monotonic() - started_at:.0f} s")
    return 1 if curated.missed or curated.torn or crossings else 0


def _say(line: str) -> None:
    print(line)  # noqa: T201  # a command


if __name__ == "__main__":
    sys.exit(main())
