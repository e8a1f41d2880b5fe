"""Beam's own options, after a bare `--`: checked, since Beam drops what it does not know."""

import sys

from apache_beam.options.pipeline_options import (
    DirectOptions,
    PipelineOptions,
    SetupOptions,
    StandardOptions,
)

from pmc15m.errors import UsageError

DEFAULT_RUNNER = "FnApiRunner"

REFUSED_RUNNERS = {
    "daskrunner": "it is silently wrong: tagged outputs get every element and Parquet files end with 0 rows",
    "interactiverunner": "it is for notebooks, not for jobs",
    "renderrunner": "it draws a graph and runs nothing",
    "beampysparkrunner": "it is silently wrong: tagged outputs get every element",
}


class OptionsError(UsageError):
    """Beam's options cannot be used as given."""


def parse_beam_options(argv: list[str]) -> PipelineOptions:
    """Return the options of a pipeline; says on stderr what was changed.

    Raises:
        OptionsError: an option that Beam does not know, or a runner that is known to be wrong.
    """
    try:
        options = PipelineOptions(argv, pickle_library="cloudpickle")
        known = set(PipelineOptions([]).get_all_options())
        kept = options.get_all_options(drop_default=True, retain_unknown_options=True)
    except SystemExit as error:  # argparse has said what is wrong
        raise OptionsError(f"Beam cannot read its options: {' '.join(argv)}") from error
    unknown = sorted(set(kept) - known)
    if unknown:
        raise OptionsError(f"unknown Beam option --{unknown[0]} (after --)")
    stray = [word for word in argv if not word.startswith("-") and not _is_value(word, argv)]
    if stray:
        raise OptionsError(f"{stray[0]!r} after -- is no Beam option")
    options.view_as(StandardOptions).runner = _runner(options.view_as(StandardOptions).runner)
    options.view_as(SetupOptions).save_main_session = False
    return options


def _is_value(word: str, argv: list[str]) -> bool:
    """Return whether a word follows an option that may take it as its value."""
    before = argv[argv.index(word) - 1] if argv.index(word) else ""
    return before.startswith("--") and "=" not in before


def _runner(asked: str | None) -> str:
    name = (asked or DEFAULT_RUNNER).rpartition(".")[2]
    key = name.lower().replace("-", "").replace("_", "")
    if key in REFUSED_RUNNERS:
        raise OptionsError(f"--runner={asked} is refused: {REFUSED_RUNNERS[key]}")
    if key in {"directrunner", "switchingdirectrunner"}:
        print(  # noqa: T201, the user asked for something else
            f"pmc15m: --runner={asked} would try to download another engine first; {DEFAULT_RUNNER} is used, "
            "which is what DirectRunner falls back to",
            file=sys.stderr,
        )
        return DEFAULT_RUNNER
    return asked or DEFAULT_RUNNER


def has_local_processes(options: PipelineOptions) -> bool:
    """Return whether a run starts worker processes on this machine."""
    return str(options.view_as(DirectOptions).direct_running_mode) == "multi_processing"
