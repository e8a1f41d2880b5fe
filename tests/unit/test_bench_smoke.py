"""The benchmark runs: tiny inputs, nothing judged, but every result compared with its peer's."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.bench.measure import Bar, Measurement, judge

ROOT = Path(__file__).resolve().parents[2]
STEADY, UNSTEADY = 1.02, 1.2


def bar_of(*runs: tuple[float, float]) -> Bar:
    """Return a bar at 2 that is measured with these ratios and controls, one after the other."""
    left = [Measurement(ratio, control, 1) for ratio, control in runs]
    return Bar("ours", "theirs", lambda: left.pop(0), limit=2.0)


@pytest.mark.slow
def test_benchmark_runs_and_agrees_with_its_peers(tmp_path: Path) -> None:
    lines = tmp_path / "bench.json"
    command = [sys.executable, "-m", "tests.bench", "--smoke", "--json", str(lines)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    cases = [json.loads(line) for line in lines.read_text(encoding="utf-8").splitlines()]
    assert {case["outcome"] for case in cases} == {"not judged"}
    assert [case["case"] for case in cases if case["bar"]] == [
        *["parse_article"] * 2,
        "write_tar with sha256",
        *["probe in a child", "both hashes", "probe less decode, megapixel"],
        "extract DAG",
        *["fetch, md5, write"] * 2,
        "find_edges, 24 bits",
        "peak RSS, 24 bits",
    ]
    assert all(case["ratio"] > 0 for case in cases)
    assert "extract DAG / plain loop" in done.stdout.splitlines()[-1]


def test_one_good_run_of_three_meets_a_bar() -> None:
    verdict = judge(bar_of((1.9, STEADY), (1.8, STEADY), (2.1, STEADY)))
    assert (verdict.outcome, verdict.shown.ratio) == ("met", 2.1)


def test_three_bad_runs_miss_a_bar() -> None:
    verdict = judge(bar_of((1.9, STEADY), (1.8, STEADY), (1.7, STEADY)))
    assert (verdict.outcome, verdict.shown.ratio) == ("missed", 1.9)


def test_nothing_is_judged_while_a_function_differs_from_itself() -> None:
    assert judge(bar_of(*[(1.0, UNSTEADY)] * 3, *[(3.0, 1 / UNSTEADY)] * 2)).outcome == "not judged"
    assert judge(bar_of((3.0, UNSTEADY), (1.0, STEADY), (2.5, STEADY))).outcome == "met"
    assert judge(bar_of((1.0, UNSTEADY), *[(1.0, STEADY)] * 3)).outcome == "missed"
