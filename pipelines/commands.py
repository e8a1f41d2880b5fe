"""What each command does once its words are read. Beam is imported by those that need it."""

import argparse
import json
import logging
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from pmc15m.config import ConfigError, DatasetConfig, parse_config
from pmc15m.errors import UsageError

if TYPE_CHECKING:
    from pipelines.parts import InParts
    from pipelines.running import Run
    from pmc15m.release.report import Flow

LOG = logging.getLogger("pmc15m")
CONFIGS = Path(__file__).parent / "configs"


def inspect(args: argparse.Namespace, beams: list[str]) -> None:
    """Print the figures and rejects of one article as JSON."""
    from pmc15m.jats.article import inspect_article

    _no_beam_options(beams)
    try:
        xml = args.article.read_bytes()
        if args.media_list is None:
            names = [path.name for path in args.article.parent.iterdir() if path != args.article]
        else:
            names = args.media_list.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"cannot read: {error}") from error
    answer = inspect_article(xml, [name for name in names if name.strip()])
    sys.stdout.buffer.write((json.dumps(answer, indent=1, ensure_ascii=False) + "\n").encode())
    sys.stdout.buffer.flush()


def fetch(args: argparse.Namespace, beams: list[str]) -> None:
    """Bring articles into a store and print what came of them."""
    from pipelines import fetching
    from pipelines.asking import ask_of, has_query
    from pmc15m.release.report import fetch_flow, unpack_flow

    run = _run_of(args, beams)
    ask = ask_of(args, args.bucket, run.config, run.options)
    if args.archives is not None:
        if args.bucket or args.pmcids or args.day or args.dry_run or has_query(args):
            raise UsageError("--archives takes all that is there: no bucket, list, day, query or dry run beside it")
        unpacked = fetching.run_archives(args.archives, args.store, run, ask.policy, ask.max_fault_rate)
        _print_flows([unpack_flow(unpacked.tallies)])
        return
    if args.dry_run:
        _print(fetching.plan_fetch(args.store, ask, run))
        return
    _print_flows([fetch_flow(fetching.run_fetch(args.store, ask, run).tallies)])


def build(args: argparse.Namespace, beams: list[str]) -> None:
    """Run all stages and print the yield table."""
    from pipelines.asking import ask_of, has_query
    from pipelines.build import run_build
    from pipelines.curating import read_against
    from pmc15m.acquire.archives import is_archive
    from pmc15m.acquire.source import is_url

    run = _run_of(args, beams)
    ask = None
    if is_url(args.source) and is_archive(args.source):
        raise UsageError(f"{args.source} is an archive: `pmc15m fetch --archives` brings it to a store to build from")
    if is_url(args.source):
        ask = ask_of(args, args.source, run.config, run.options)
    elif args.pmcids is not None or args.day is not None or has_query(args):
        raise UsageError("--pmcids, --day and a query choose from a bucket: --source is none, no https://")
    against = read_against(_previous_of(args), args.decontaminate)
    work = args.work or f"{args.out.rstrip('/')}.work"
    parts = _parts_of(args, beams)
    if parts is not None and ask is not None:
        raise UsageError("--parts cuts what extract reads: fetch from a bucket first, then build from the store")
    run_build(args.source, work, args.out, run, ask, args.store, against, parts)
    _print_release(args.out)


def extract(args: argparse.Namespace, beams: list[str]) -> None:
    """Run extract and print its yield."""
    from pipelines.extracting import finish_extract, run_extract
    from pmc15m.parts import parse_part
    from pmc15m.release.report import extract_flows

    run = _run_of(args, beams)
    if _is_finish(args):
        done = finish_extract(args.out, run, args.parts)
    else:
        done = run_extract(args.source, args.out, run, parse_part(args.part) if args.part else None)
    _print_flows(extract_flows(done.tallies))


def curate(args: argparse.Namespace, beams: list[str]) -> None:
    """Run curate and print its yield."""
    from pipelines.curating import read_against, run_curate
    from pmc15m.release.report import curate_flow

    against = read_against(_previous_of(args), args.decontaminate)
    done = run_curate(args.pairs, args.out, _run_of(args, beams), against)
    _print_flows([curate_flow(done.tallies)])


def shard(args: argparse.Namespace, beams: list[str]) -> None:
    """Run shard and print the yield of all stages."""
    from pipelines.sharding import finish_shard, run_shard, run_shard_part
    from pmc15m.acquire.source import Source
    from pmc15m.parts import parse_part

    run, source = _run_of(args, beams), Source(args.source)
    is_finish = _is_finish(args)
    if args.part:
        run_shard_part(source, args.pairs, args.decisions, args.out, run, parse_part(args.part))
        return
    if is_finish:
        finish_shard(source, args.pairs, args.decisions, args.out, run, args.parts)
    else:
        run_shard(source, args.pairs, args.decisions, args.out, run)
    _print_release(args.out)


def demo(args: argparse.Namespace, beams: list[str]) -> None:
    """Generate articles, build a release of them, and say where to look."""
    from pipelines.demo import run_demo

    run_demo(Path(args.out), args.articles, beams)
    release = f"{args.out}/release"
    _print_release(release)
    _print(f"Look at: {release}/train/*.tar, {release}/pairs/*.parquet")
    _print(f"The articles it was made from: {args.out}/articles")


def report(args: argparse.Namespace, beams: list[str]) -> None:
    """Make the report of a release again and say where it lies."""
    from pipelines.reporting import run_report

    _no_beam_options(beams)
    _print(run_report(args.release, args.out))


def verify(args: argparse.Namespace, beams: list[str]) -> None:
    """Check a release and print what is wrong, or that nothing is."""
    from pipelines.releases import NotAsListedError, run_verify

    _no_beam_options(beams)
    lines, summary = run_verify(args.release, args.fast)
    if lines:
        _print("\n".join(lines))
        raise NotAsListedError(summary)
    _print(summary)


def diff(args: argparse.Namespace, beams: list[str]) -> None:
    """Compare two releases and print what differs."""
    from pipelines.releases import run_diff

    _no_beam_options(beams)
    _print("\n".join(run_diff(args.old, args.new, args.out)))


def withdraw(args: argparse.Namespace, beams: list[str]) -> None:
    """Write a release without some samples and print its yield."""
    from pipelines.releases import run_withdraw

    _no_beam_options(beams)
    run_withdraw(args.release, args.keys, args.out, args.overwrite)
    _print_release(args.out)


def subset(args: argparse.Namespace, beams: list[str]) -> None:
    """Write a part of a release and print its yield."""
    from pipelines.releases import run_subset

    _no_beam_options(beams)
    run_subset(args.release, args.where, args.keys, args.out, args.overwrite, args.fast)
    _print_release(args.out)


def hashes(args: argparse.Namespace, beams: list[str]) -> None:
    """Write the list of an evaluation's images and print how many it has."""
    from pipelines.hashing import run_hashes

    _no_beam_options(beams)
    num_images, num_refused = run_hashes(args.folder, args.out, args.source or args.folder.resolve().name)
    _print(f"{args.out}: {num_images} images; {num_refused} files are none")


def read_config(path: Path) -> DatasetConfig:
    """Return the config of a TOML file.

    Raises:
        UsageError: it cannot be read, or does not say what it has to say.
    """
    try:
        return parse_config(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"cannot read the config {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"cannot read the config {path}: {error}") from error
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from error


def _is_finish(args: argparse.Namespace) -> bool:
    """Return whether the parts are to be put together."""
    if (args.finish or args.part) and getattr(args, "overwrite", False):
        raise UsageError("--overwrite is of a whole release: delete the folder before its parts are run")
    if args.finish and (args.part or args.parts is None):
        raise UsageError("--finish puts all parts together: say --finish --parts N, without --part")
    if args.parts is not None and not args.finish:
        raise UsageError("--parts goes with --finish; a part is --part I/N")
    return bool(args.finish)


def _parts_of(args: argparse.Namespace, beams: list[str]) -> "InParts | None":
    from pipelines.launching import LocalProcesses, SparkTasks
    from pipelines.parts import InParts
    from pmc15m.parts import parts_of

    if args.parts is None:
        if args.jobs is not None or args.launcher != "local":
            raise UsageError("--jobs and --launcher run parts: say --parts N too")
        return None
    parts_of(args.parts)
    if args.jobs is not None and args.jobs < 1:
        raise UsageError(f"--jobs is from 1 up, not {args.jobs}")
    jobs = args.jobs or os.cpu_count() or 1
    launcher = SparkTasks(args.spark_master) if args.launcher == "spark" else LocalProcesses(jobs)
    words = ("--config", str(args.config.resolve()), "--log-level", args.log_level)
    return InParts(args.parts, launcher, words, tuple(beams))


def _run_of(args: argparse.Namespace, beams: list[str]) -> "Run":
    from pipelines.options import is_not_waited_for, parse_beam_options
    from pipelines.running import Run

    config, options = read_config(args.config), parse_beam_options(beams)
    if is_not_waited_for(options) and args.run in {build, fetch}:
        raise UsageError("--no_wait_until_finish: build and fetch wait between their pipelines; run one stage a job")
    return Run(config, options, args.fresh, getattr(args, "overwrite", False), getattr(args, "parent", None))


def _previous_of(args: argparse.Namespace) -> str | None:
    """Return the release whose articles stay in their splits: the parent, or another that is named."""
    if args.parent is not None and args.previous is not None:
        raise UsageError("--parent keeps the splits of the release before: no --previous beside it")
    previous: str | None = args.parent or args.previous
    return previous


def _no_beam_options(beams: list[str]) -> None:
    if beams:
        raise UsageError(f"this command takes no Beam options: {' '.join(beams)}")


def _print_release(out: str) -> None:
    from pmc15m.release.finish import read_report
    from pmc15m.release.report import Flow

    flows = [
        Flow(flow["stage"], flow["unit"], flow["in"], flow["out"], flow["rejects_by_reason"])
        for flow in read_report(out)["flows"]
    ]
    _print_flows(flows)
    _print(f"\nThe report: {out.rstrip('/')}/report/index.html")


def _print_flows(flows: "list[Flow]") -> None:
    from pipelines.yields import yield_table

    _print(yield_table(flows))


def _print(text: str) -> None:
    print(text)  # noqa: T201, results go to stdout
