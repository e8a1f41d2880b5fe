"""The end of curate: its marker, the leak report, and what the shard stage reads of them."""

import json
from dataclasses import dataclass
from typing import Any

from pmc15m.curate.judge import JudgeJob, LeakReport
from pmc15m.rows import RowFile
from pmc15m.stages import Origin, StageFiles, finish_stage, read_json
from pmc15m.store import Store

DECISIONS, SPLITS_TABLE = "decisions", "splits"
"""Starts of the names of the row files."""

CANDIDATES = ".candidates"
LEAKS = "leaks.json"


@dataclass(frozen=True, slots=True)
class CurateJob:
    """Where curate writes, and what it judges by."""

    out: str
    origin: Origin
    judge: JudgeJob


def finish_curate(
    job: CurateJob,
    decisions: list[RowFile],
    splits: list[RowFile],
    reports: list[LeakReport],
    rejects: list[RowFile],
    tallies: dict[str, int],
) -> None:
    """Write the leak report and the marker of a complete curate; the candidates are of no more use."""
    store = Store(job.out)
    (report,) = reports
    store.put_bytes((json.dumps(report.findings, indent=1) + "\n").encode(), LEAKS)
    store.delete(CANDIDATES)
    finish_stage(job.out, job.origin, [*decisions, *splits], rejects, tallies)


def names_of(stage: StageFiles, prefix: str) -> tuple[str, ...]:
    """Return the names of the row files of one kind."""
    return tuple(name for name in stage.names if name.startswith(f"{prefix}-"))


def read_leaks(folder: str) -> dict[str, Any]:
    """Return the leak report of a complete curate."""
    return read_json(Store(folder), LEAKS) or {}
