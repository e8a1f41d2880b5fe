"""Ratios that a noisy machine can be asked for: interleaved rounds, best CPU time, a control beside every ratio."""

import gc
import math
import operator
import platform
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any

MAX_RUNS = 3
"""A bar is missed if it is missed in so many runs; one run that meets it is enough."""

MAX_ATTEMPTS = 5
"""Runs that are begun to get so many that can be judged."""

MAX_CONTROL = 1.10
"""What the same function may differ from itself by: beyond it nothing is judged."""

_SENSES: Mapping[str, Callable[[float, float], bool]] = {">=": operator.ge, "<=": operator.le}
_PACKAGES = (
    "apache-beam",
    "ImageHash",
    "lxml",
    "pillow",
    "pubmed_parser",
    "pyarrow",
    "requests",
    "urllib3",
    "webdataset",
)


@dataclass(frozen=True, slots=True)
class Measurement:
    """One run of one bar."""

    ratio: float
    control: float  # the peer against itself: 1.0 on a quiet machine
    num_items: int
    num_bytes: int = 0
    ours: float = 0.0  # seconds of CPU, or bytes of memory: printed, never judged
    peer: float = 0.0

    @property
    def is_steady(self) -> bool:
        """Whether the machine was quiet enough to judge the ratio."""
        return 1 / MAX_CONTROL <= self.control <= MAX_CONTROL


@dataclass(frozen=True, slots=True)
class Bar:
    """A ratio, and what it must be."""

    case: str
    peer: str
    measure: Callable[[], Measurement]
    sense: str = ">="
    limit: float | None = None  # None: printed and not judged
    unit: str = "s"  # of what is measured: CPU seconds, or "MB"

    def is_met(self, ratio: float) -> bool:
        """Return whether a ratio is good enough."""
        return self.limit is None or _SENSES[self.sense](ratio, self.limit)


@dataclass(slots=True)
class Verdict:
    """What came of a bar: "met", "missed", "not judged", or "info" where there is no limit."""

    bar: Bar
    outcome: str
    runs: list[Measurement] = field(default_factory=list)

    @property
    def shown(self) -> Measurement:
        """The run that decides: the best of those that can be judged, if there is one."""
        steady = [run for run in self.runs if run.is_steady] or self.runs
        return (max if self.bar.sense == ">=" else min)(steady, key=lambda run: run.ratio)


def judge(bar: Bar) -> Verdict:
    """Measure until a bar is met, or missed as often as it may be."""
    verdict = Verdict(bar, "info" if bar.limit is None else "not judged")
    for _ in range(1 if bar.limit is None else MAX_ATTEMPTS):
        run = bar.measure()
        verdict.runs.append(run)
        if bar.limit is not None and run.is_steady and bar.is_met(run.ratio):
            verdict.outcome = "met"
            break
        if bar.limit is not None and sum(run.is_steady for run in verdict.runs) == MAX_RUNS:
            verdict.outcome = "missed"
            break
    return verdict


def interleave(cases: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """Return the best CPU time of each case in seconds, children not included.

    Round after round, one case after the other, every second round backwards: what disturbs the
    machine for a while disturbs all of them.
    """
    best = dict.fromkeys(cases, math.inf)
    for number in range(rounds):
        names = list(cases) if number % 2 == 0 else list(cases)[::-1]
        for name in names:
            gc.collect()
            start = time.process_time()
            cases[name]()
            best[name] = min(best[name], time.process_time() - start)
    return best


def line_of(verdict: Verdict) -> dict[str, Any]:
    """Return what goes to the JSON file: one object a bar."""
    bar, run = verdict.bar, verdict.shown
    return {
        "case": bar.case,
        "peer": bar.peer,
        "ratio": round(run.ratio, 4),
        "sense": bar.sense,
        "bar": bar.limit,
        "outcome": verdict.outcome,
        "control": round(run.control, 4),
        "unit": bar.unit,
        "ours": run.ours,
        "peer_value": run.peer,
        "num_items": run.num_items,
        "num_bytes": run.num_bytes,
        "all_ratios": [round(run.ratio, 4) for run in verdict.runs],
        "versions": {name: metadata.version(name) for name in _PACKAGES},
        "python": platform.python_version(),
        "cpu": _cpu(),
    }


def _cpu() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8").splitlines() if info.exists() else []
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())
