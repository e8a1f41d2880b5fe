"""`python -m tests.duplicates`: measures hashes on drawn figures; exit code 1 where a bar is missed."""

import argparse
import os
import sys
import time

from pmc15m.images.hashes import HASH_VERSION
from tests.duplicates.bars import BARS, GAPS
from tests.duplicates.benchmark import SEED, Benchmark, match_originals, mean_recall, recall, run
from tests.duplicates.families import CLEAR_FAMILIES, HARD_FAMILIES
from tests.duplicates.transforms import CORE, TRANSFORMS

THRESHOLDS = (8, 12, 16, 24)


def main(argv: list[str] | None = None) -> int:
    """Measure and print."""
    args = _parser().parse_args(argv)
    started_at = time.monotonic()
    bench = run(args.seed, step=args.step, processes=args.processes)
    counts = f"{len(bench.originals):,} originals, {len(bench.chosen):,} of them x {len(TRANSFORMS)} transforms"
    _say(f"{counts}, seed {args.seed}, hashes {HASH_VERSION}")
    _say(f"{'':24}" + "".join(f"{f'U <= {limit}':>10}" for limit in THRESHOLDS))
    _say_recall(bench)
    _say_matches(bench)
    is_met = _say_bars(bench)
    _say(f"{time.monotonic() - started_at:.0f} s")
    return 0 if is_met else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.duplicates", description=__doc__)
    parser.add_argument("--seed", type=int, default=SEED, help=f"of the drawings, {SEED} by default")
    parser.add_argument("--step", type=int, default=3, help="transform every so many-th original, 3 by default")
    parser.add_argument("--processes", type=int, default=min(4, os.cpu_count() or 1), help="changes nothing but time")
    return parser


def _say_recall(bench: Benchmark) -> None:
    _say("recall, %")
    for name in TRANSFORMS:
        _say_row(f"  {name}{' *' if name in CORE else ''}", [100 * recall(bench, name, limit) for limit in THRESHOLDS])
    _say_row("  core (*)", [100 * mean_recall(bench, CORE, limit) for limit in THRESHOLDS])


def _say_matches(bench: Benchmark) -> None:
    found = [match_originals(bench, limit) for limit in THRESHOLDS]
    _say("look-alikes of one family that match, %; pairs")
    for name, num_pairs in found[0].num_pairs.items():
        mark = " !" if name in HARD_FAMILIES else " 0" if name in CLEAR_FAMILIES else ""
        _say_row(f"  {name}{mark}", [100 * matches.rate([name]) for matches in found], f"{num_pairs:10,}")
    judged = [name for name in found[0].num_pairs if name not in HARD_FAMILIES]
    num_judged = sum(found[0].num_pairs[name] for name in judged)
    _say_row("  all but the hard (!)", [100 * matches.rate(judged) for matches in found], f"{num_judged:10,}")
    counts = [len(matches.matches_different) for matches in found]
    _say_row("different families", counts, f"{found[0].num_different:10,}")
    for one, other in found[-1].matches_different[:20]:
        names = (f"{original.family.name} {original.series}/{original.member}" for original in (one, other))
        _say(f"  {' and '.join(names)}")


def _say_bars(bench: Benchmark) -> bool:
    """Print bars and known gaps; return whether all are as they should be."""
    outcomes = []
    for title, bars in (("bars", BARS), ("known gaps", GAPS)):
        _say(title)
        for bar in bars:
            value = bar.measure(bench)
            outcomes.append(bar.is_met(value))
            number, limit = f"{value:,.6g}", f"{bar.limit:,.6g}"
            _say(f"  {bar.name:56}{number:>12}  {bar.sense} {limit:10}{'met' if outcomes[-1] else 'MISSED'}")
    return all(outcomes)


def _say_row(name: str, values: list[float] | list[int], more: str = "") -> None:
    shown = (f"{value:10}" if isinstance(value, int) else f"{value:10.2f}" for value in values)
    _say(f"{name:24}{''.join(shown)}{more}")


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
