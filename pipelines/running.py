"""How the stages are run on Beam."""

import sys
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass

import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions

from pipelines.lost import lost_workers_end_the_run
from pipelines.options import has_local_processes, is_not_waited_for
from pipelines.progress import Counts, StageProgress
from pipelines.quiet import quiet_workers
from pmc15m.config import DatasetConfig
from pmc15m.errors import Submitted
from pmc15m.progress import Meter


@dataclass(frozen=True, slots=True)
class Run:
    """How stages are run, with what config, and after which release."""

    config: DatasetConfig
    options: PipelineOptions
    fresh: bool = False  # redo what is complete
    overwrite: bool = False  # replace another release
    parent: str | None = None  # the release before this one


def run_pipeline(run: Run, counts: Counts, add: Callable[[beam.Pipeline, Meter], None]) -> None:
    """Run what `add` adds to a pipeline, with progress; raises what a step raised.

    Raises:
        Submitted: the runner was told not to wait. All that makes a stage complete is in its DAG.
    """
    quiet = quiet_workers() if has_local_processes(run.options) else nullcontext(sys.stderr)
    with quiet as stream, lost_workers_end_the_run(stream), StageProgress(counts, stream) as progress:
        with beam.Pipeline(options=run.options) as p:
            add(p, progress.meter)
        if is_not_waited_for(run.options):
            raise Submitted(f"{counts.stage} is submitted and not waited for: it is complete when its folder says so")
