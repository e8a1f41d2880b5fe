"""Write generated articles: `python -m pmc15m.synth OUT --articles 100`."""

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from pmc15m.synth.config import SynthConfig
from pmc15m.synth.curation import parse_curations
from pmc15m.synth.faults import parse_faults
from pmc15m.synth.write import write_all


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m pmc15m.synth",
        description="Write generated articles with figures, and truth.jsonl with the right answers.",
    )
    parser.add_argument("out", type=Path, help="folder to write to: OUT/PMC80000000.1/..., OUT/truth.jsonl")
    parser.add_argument("--articles", type=int, required=True, help="how many")
    parser.add_argument("--first", type=int, default=0, help="number of the first one (default 0)")
    parser.add_argument("--seed", type=int, default=0, help="another seed, other articles (default 0)")
    parser.add_argument("--faults", default="all", help="names with commas, or all (default); see --fault-every")
    parser.add_argument(
        "--fault-every", type=int, default=0, help="every so-manieth article has a fault (default: none)"
    )
    parser.add_argument("--duplicates-every", type=int, default=0, help="every so-manieth article copies a figure")
    parser.add_argument("--curations", default="all", help="names with commas, or all (default); see --curation-every")
    parser.add_argument(
        "--curation-every",
        type=int,
        default=0,
        help="every so-manieth article is a duplicate or the like; OUT/curation.jsonl says what of them stays",
    )
    parser.add_argument("--image-scale", type=float, default=1.0, help="of width and height (default 1)")
    parser.add_argument("--jobs", type=int, default=1, help="processes (default 1); changes the time only")
    return parser


def _show(done: int, total: int) -> None:
    end = "\n" if done == total else ""
    sys.stderr.write(f"\r{done} of {total} articles{end}")
    sys.stderr.flush()


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; return its exit code."""
    parser = _parser()
    args = parser.parse_args(argv)
    try:
        config = SynthConfig(
            seed=args.seed,
            faults=parse_faults(args.faults),
            fault_every=args.fault_every,
            duplicates_every=args.duplicates_every,
            image_scale=args.image_scale,
            curations=parse_curations(args.curations),
            curation_every=args.curation_every,
        )
        if args.articles < 1 or args.first < 0 or args.jobs < 1:
            parser.error("--articles and --jobs must be 1 or more, --first 0 or more")
    except ValueError as error:
        parser.error(str(error))
    start = time.monotonic()
    numbers = range(args.first, args.first + args.articles)
    rows = write_all(config, numbers, args.out, args.jobs, _show)
    seconds = time.monotonic() - start
    num_bytes = sum(row.num_bytes for row in rows)
    sys.stdout.write(
        f"{len(rows)} articles, {sum(row.num_figures for row in rows)} figures, "
        f"{sum(row.num_pairs for row in rows)} pairs, {sum(row.num_files for row in rows)} files, "
        f"{num_bytes / 2**20:.1f} MiB in {seconds:.1f} s: {args.out}\n"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
