"""Memory: the peak of `pmc15m extract` must not grow with the number of articles."""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

from tests.bench.inputs import write_source
from tests.bench.measure import Bar, Measurement

MAX_GROWTH = 1.10
FEW, MANY = 3_000, 9_000
_NUM_DISTINCT = 250
_MAX_RUN_S = 400.0
_ROOT = Path(__file__).resolve().parents[2]


def make_bars(folder: Path, *, is_smoke: bool) -> list[Bar]:
    """Return the bar of memory."""
    few, many = (10, 30) if is_smoke else (FEW, MANY)
    num_distinct = 10 if is_smoke else _NUM_DISTINCT
    for count in (few, many):
        write_source(folder / f"source{count}", count, num_distinct)

    def measure() -> Measurement:
        first, more, again = (
            peak_of_extract(folder / f"source{count}", folder / "pairs") for count in (few, many, few)
        )
        return Measurement(more / first, again / first, num_items=many, ours=more / 1e6, peer=first / 1e6)

    return [Bar(f"peak RSS of extract, {many:,}", f"{few:,} articles", measure, "<=", MAX_GROWTH, unit="MB")]


def peak_of_extract(source: Path, out: Path) -> int:
    """Run the command in a process of its own and return the most memory that it held, in bytes."""
    shutil.rmtree(out, ignore_errors=True)
    command = [sys.executable, "-m", "pipelines.cli", "extract", "--source", str(source), "--out", str(out)]
    process = subprocess.Popen(
        command,
        cwd=_ROOT,
        env={**os.environ, "PYTHONPATH": str(_ROOT)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + _MAX_RUN_S
    pid = 0
    while not pid:
        pid, status, usage = os.wait4(process.pid, os.WNOHANG)
        if not pid and time.monotonic() > deadline:
            process.kill()
            os.wait4(process.pid, 0)
            raise TimeoutError(f"{' '.join(command)} took more than {_MAX_RUN_S} s")
        time.sleep(0 if pid else 0.1)
    process.returncode = os.waitstatus_to_exitcode(status)  # it is reaped: Popen must not wait again
    assert process.returncode == 0, f"{' '.join(command)}: exit {process.returncode}"
    return usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)
