"""`python -m tests.bench`: measures, prints a table, writes bench.json; exit code 1 where a bar is missed."""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from tests.bench import bars_dag, bars_fetch, bars_images, bars_memory, bars_near, bars_tar, bars_xml
from tests.bench.measure import Bar, Verdict, judge, line_of

_SPEED: dict[str, Callable[..., list[Bar]]] = {
    "xml": bars_xml.make_bars,
    "tar": bars_tar.make_bars,
    "images": bars_images.make_bars,
    "dag": bars_dag.make_bars,
    "fetch": bars_fetch.make_bars,
    "near": bars_near.make_bars,
}
_MEMORY: dict[str, Callable[..., list[Bar]]] = {"memory": bars_memory.make_bars}


def main(argv: list[str] | None = None) -> int:
    """Measure and return the exit code."""
    args = _parser().parse_args(argv)
    groups = _MEMORY if args.memory else _SPEED
    names = [args.only] if args.only else list(groups)
    if unknown := sorted(set(names) - groups.keys()):
        _say(f"there is no {unknown[0]!r}: choose from {', '.join(groups)}")
        return 2
    started_at, verdicts = time.monotonic(), []
    _say(f"{'case':28} {'against':24} {'ratio':>6} {'bar':>8} {'control':>8}  outcome")
    for name in names:
        with tempfile.TemporaryDirectory(prefix="pmc15m-bench-") as folder:
            for bar in groups[name](Path(folder), is_smoke=args.smoke):
                verdict = _smoke(bar) if args.smoke else judge(bar)
                verdicts.append(verdict)
                _say(_row(verdict))
    if args.json:
        args.json.write_text("".join(json.dumps(line_of(verdict)) + "\n" for verdict in verdicts), encoding="utf-8")
    _say(f"{time.monotonic() - started_at:.0f} s; CPU time, best of interleaved rounds; ratios alone mean something")
    _say(_summary(verdicts))
    return 1 if any(verdict.outcome == "missed" for verdict in verdicts) else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--only", metavar="NAME", help=f"one of {', '.join(_SPEED)}")
    parser.add_argument("--memory", action="store_true", help="measure memory instead of speed")
    parser.add_argument(
        "--smoke", action="store_true", help="tiny inputs, two rounds, results compared, nothing judged"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", default=Path("bench.json"), help="where the numbers go")
    return parser


def _smoke(bar: Bar) -> Verdict:
    return Verdict(bar, "not judged", [bar.measure()])


def _row(verdict: Verdict) -> str:
    bar, run = verdict.bar, verdict.shown
    limit = "" if bar.limit is None else f"{bar.sense} {bar.limit:.2f}"
    values = f"{run.ours:.3g} and {run.peer:.3g} {bar.unit}, {run.num_items:,} items"
    more = f"; runs {', '.join(f'{run.ratio:.3f}' for run in verdict.runs)}" if len(verdict.runs) > 1 else ""
    numbers = f"{run.ratio:6.3f} {limit:>8} {run.control:8.3f}"
    return f"{bar.case:28} {bar.peer:24} {numbers}  {verdict.outcome} ({values}{more})"


def _summary(verdicts: list[Verdict]) -> str:
    parts = []
    for verdict in verdicts:
        bar = verdict.bar
        if bar.limit is not None:
            numbers = f"{verdict.shown.ratio:.2f} {bar.sense} {bar.limit:.2f}"
            parts.append(f"{bar.case} / {bar.peer} {numbers}: {verdict.outcome}")
    return "; ".join(parts)


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
