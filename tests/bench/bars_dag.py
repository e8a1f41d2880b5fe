"""Beam: the extract DAG against a plain loop over the same step functions."""

import logging
import shutil
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import apache_beam as beam

from pipelines import extract
from pipelines.options import parse_beam_options
from pipelines.progress import Counts, StageProgress
from pmc15m.acquire.packages import list_articles, read_package
from pmc15m.config import DatasetConfig
from pmc15m.images import pairs
from pmc15m.images.pairs import probe_figure
from pmc15m.images.probe import probe_image
from pmc15m.jats.figures import read_figures
from pmc15m.parts import WHOLE
from pmc15m.records import Pair, Reject, Tally
from pmc15m.release.report import REJECTS
from pmc15m.rows import content_of, write_rows
from pmc15m.stages import Origin, StageFiles, finish_stage, read_stage
from pmc15m.steps import MAX_BUFFERED_ROWS
from pmc15m.store import Store
from tests.bench.inputs import write_source
from tests.bench.measure import Bar, Measurement, interleave

MAX_OF_LOOP = 1.10
_ORIGIN = Origin("extract", "0", "0", "0")
_CONFIG = DatasetConfig()


def make_bars(folder: Path, *, is_smoke: bool) -> list[Bar]:
    """Return the bar of the DAG, once it was found to write what the loop writes."""
    num_articles = 12 if is_smoke else 1_000
    source, ours, theirs = folder / "source", folder / "dag", folder / "loop"
    # On both sides images are decoded in this process: CPU time of children is not measured.
    vars(pairs)["probe_guarded"] = probe_image
    write_source(source, num_articles, num_distinct=12 if is_smoke else 250)
    run_dag(source, ours)
    run_loop(source, theirs)
    check_stages(read_stage(str(ours), "extract"), read_stage(str(theirs), "extract"))

    def measure() -> Measurement:
        cases: dict[str, Callable[[], object]] = {
            "peer": lambda: run_loop(source, theirs),
            "ours": lambda: run_dag(source, ours),
            "again": lambda: run_loop(source, theirs),
        }
        best = interleave(cases, rounds=2)
        return Measurement(
            ratio=best["ours"] / best["peer"],
            control=best["again"] / best["peer"],
            num_items=num_articles,
            ours=best["ours"],
            peer=best["peer"],
        )

    return [Bar("extract DAG", "plain loop", measure, "<=", MAX_OF_LOOP)]


def check_stages(ours: StageFiles, theirs: StageFiles) -> None:
    """Assert that two runs came to the same rows, rejects and sums."""
    assert ours.content == theirs.content
    assert content_of(ours.rejects) == content_of(theirs.rejects)
    assert ours.tallies == theirs.tallies
    assert ours.tallies["pairs/made"] > 0


def run_dag(source: Path, out: Path) -> None:
    """Run extract as the command does."""
    shutil.rmtree(out, ignore_errors=True)
    logging.getLogger("pmc15m").setLevel(logging.WARNING)
    counts = Counts("extract", "articles", 0, "read_package/in", "pairs/made")
    with StageProgress(counts, sys.stderr) as progress, beam.Pipeline(options=parse_beam_options([])) as p:
        extract.run(p, str(source), str(out), _CONFIG, WHOLE, _ORIGIN, progress.meter)


def run_loop(source: Path, out: Path) -> None:
    """Do what extract does, without Beam: the same steps, one article after the other, the same rows and sums."""
    shutil.rmtree(out, ignore_errors=True)
    tallies: Counter[str] = Counter()
    rejects: list[Reject] = []
    articles = _apply(list_articles, [str(source)], (), tallies, rejects)
    packages = _apply(read_package, articles, (str(source),), tallies, rejects)
    figures = _apply(read_figures, packages, (str(source), _CONFIG.xml), tallies, rejects)
    made = _apply(probe_figure, figures, (str(source), _CONFIG.images), tallies, rejects)
    store, files, held = Store(str(out)), [], []
    for pair in made:
        held.append(pair)
        if len(held) == MAX_BUFFERED_ROWS:
            files.append(write_rows(held, Pair, store, "pairs"))
            held = []
    files += [write_rows(held, Pair, store, "pairs")] if held else []
    reject_files = [write_rows(rejects, Reject, store, "rejects")] if rejects else []
    finish_stage(str(out), _ORIGIN, files, reject_files, dict(tallies))


def _apply(
    step: Callable[..., Iterable[Any]],
    elements: Iterable[Any],
    args: tuple[Any, ...],
    tallies: Counter[str],
    rejects: list[Reject],
) -> Iterator[Any]:
    """Yield what goes on; count what a `Step` counts."""
    for element in elements:
        for item in step(element, *args):
            if isinstance(item, Reject):
                unit = "articles" if item.is_article else "figures"
                tallies[f"{REJECTS}{item.stage}/{unit}/{item.reason}"] += 1
                rejects.append(item)
            elif isinstance(item, Tally):
                tallies[item.name] += item.count
            else:
                tallies[f"{step.__name__}/out"] += 1
                yield item
        tallies[f"{step.__name__}/in"] += 1
