"""Beam's own options, after a bare `--`: checked, since Beam drops what it does not know."""

import argparse
import json
import sys
from typing import NoReturn

from apache_beam.options.pipeline_options import (
    DirectOptions,
    PipelineOptions,
    SetupOptions,
    StandardOptions,
    WorkerOptions,
)
from apache_beam.runners.runner import create_runner

from pmc15m.errors import UsageError

DEFAULT_RUNNER = "FnApiRunner"

REFUSED_RUNNERS = {
    "dask": "it is silently wrong: tagged outputs get every element and Parquet files end with 0 rows",
    "interactive": "it is for notebooks, not for jobs",
    "render": "it draws a graph and runs nothing",
    "pyspark": "it is silently wrong: tagged outputs get every element; --launcher spark runs parts on Spark",
}


class OptionsError(UsageError):
    """Beam's options cannot be used as given."""


def parse_beam_options(argv: list[str]) -> PipelineOptions:
    """Return the options of a pipeline; says on stderr what was changed.

    Raises:
        OptionsError: a word that Beam would drop, a value that it cannot read, or a runner that is
            unknown or known to be wrong.
    """
    PipelineOptions([]).get_all_options(add_extra_args_fn=lambda parser: _check_words(argv, parser))
    options = PipelineOptions(argv, pickle_library="cloudpickle")
    options.view_as(StandardOptions).runner = _runner(options.view_as(StandardOptions).runner)
    options.view_as(SetupOptions).save_main_session = False
    return options


def _check_words(argv: list[str], parser: argparse.ArgumentParser) -> None:
    """Refuse the words that are left when Beam's own parser has taken its options."""

    def refuse(message: str) -> NoReturn:
        raise OptionsError(f"Beam option after --: {message}")

    parser.error = refuse  # type: ignore[method-assign]
    try:
        _, left = parser.parse_known_args(argv)
    except json.JSONDecodeError as error:  # in the value of an option
        refuse(str(error))
    if left and left[0].startswith("-"):
        raise OptionsError(f"unknown Beam option {left[0].partition('=')[0]} (after --)")
    if left:
        raise OptionsError(f"{left[0]!r} after -- is no Beam option")


def _runner(asked: str | None) -> str:
    name = (asked or DEFAULT_RUNNER).rpartition(".")[2]
    key = name.lower().removesuffix("runner")
    if key in REFUSED_RUNNERS:
        raise OptionsError(f"--runner={asked} is refused: {REFUSED_RUNNERS[key]}")
    if key in {"direct", "switchingdirect"}:
        print(  # noqa: T201, the user asked for something else
            f"pmc15m: --runner={asked} would try to download another engine first; {DEFAULT_RUNNER} is used, "
            "which is what DirectRunner falls back to",
            file=sys.stderr,
        )
        return DEFAULT_RUNNER
    try:
        create_runner(asked or DEFAULT_RUNNER)
    except (ValueError, ImportError, AttributeError, TypeError) as error:
        raise OptionsError(f"--runner={asked}: {error}") from error
    return asked or DEFAULT_RUNNER


def has_local_processes(options: PipelineOptions) -> bool:
    """Return whether a run starts worker processes on this machine."""
    return str(options.view_as(DirectOptions).direct_running_mode) == "multi_processing"


def is_not_waited_for(options: PipelineOptions) -> bool:
    """Return whether a job is only to be submitted."""
    return bool(options.view_as(StandardOptions).no_wait_until_finish)


def num_workers(options: PipelineOptions) -> int:
    """Return how many workers a run may have, to share one rate among them; 1 where Beam is not told."""
    told = (options.view_as(DirectOptions).direct_num_workers, options.view_as(WorkerOptions).max_num_workers)
    return max(1, *(int(number or 1) for number in told))
