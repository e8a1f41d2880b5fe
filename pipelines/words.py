"""The words of the `pmc15m` command: its subcommands and their flags.

Flags say where and how fast, in kebab-case; what changes a byte of the dataset is in the TOML.
"""

import argparse
import datetime
from pathlib import Path
from typing import Any, NoReturn

from pipelines import commands
from pmc15m import __version__

EXIT_USAGE = 2


class Parser(argparse.ArgumentParser):
    """Says what is wrong in one sentence, without the usage before it."""

    def error(self, message: str) -> NoReturn:
        """Leave with that sentence."""
        self.exit(EXIT_USAGE, f"pmc15m: {message}; see {self.prog} --help\n")


def make_parser() -> Parser:
    """Return the parser of the whole command."""
    parser = Parser(
        prog="pmc15m",
        description="Figure-caption pairs from PubMed Central, from articles to training shards.",
        epilog="Options of Apache Beam follow a bare --, for example: -- --direct_num_workers=2",
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"pmc15m {__version__}")
    subcommands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    common = Parser(add_help=False, allow_abbrev=False)
    common.add_argument("--log-level", default="INFO", choices=("DEBUG", "INFO", "WARNING", "ERROR"))
    stage = Parser(add_help=False, allow_abbrev=False, parents=[common])
    stage.add_argument("--config", type=Path, default=commands.CONFIGS / "pmc15m.toml", metavar="TOML")
    stage.add_argument("--fresh", action="store_true", help="redo what is complete")

    def command(name: str, run: Any, text: str, parent: Parser) -> Parser:
        sub = subcommands.add_parser(name, help=text, description=text, parents=[parent], allow_abbrev=False)
        sub.set_defaults(run=run)
        return sub

    _add_fetch(command("fetch", commands.fetch, "a bucket or archives to a store of articles", stage))
    _add_build(command("build", commands.build, "articles to a release: extract, curate, shard", stage))
    _add_extract(command("extract", commands.extract, "articles to figure-caption pairs", stage))
    _add_curate(command("curate", commands.curate, "pairs to decisions: filters, duplicates, splits", stage))
    _add_shard(command("shard", commands.shard, "decisions to a release: tars, tables, report", stage))
    _add_inspect(command("inspect", commands.inspect, "one article to JSON: its figures and rejects", common))
    _add_report(command("report", commands.report, "the pages of a release, made again from it alone", common))
    _add_verify(command("verify", commands.verify, "a release held against its manifest: files, members, sums", common))
    _add_diff(command("diff", commands.diff, "two releases: what came, went and changed", common))
    _add_withdraw(command("withdraw", commands.withdraw, "a release without some samples or articles", common))
    _add_subset(command("subset", commands.subset, "a part of a release, in shards of its own", common))
    _add_hashes(command("hashes", commands.hashes, "a folder of evaluation images to a list for curate", common))
    _add_demo(command("demo", commands.demo, "generate articles and build a small release of them", common))
    return parser


def _add_fetch(sub: Parser) -> None:
    sub.add_argument("--store", required=True, metavar="URI", help="folder of articles to write")
    sub.add_argument("--bucket", metavar="URL", help="the PMC Cloud Service, or a mirror of it; default: the service")
    sub.add_argument("--archives", metavar="URI", help="legacy oa_package tarballs or MECA zips, not a bucket")
    _add_asking(sub)
    sub.add_argument("--dry-run", action="store_true", help="say what would be fetched")


def _add_asking(sub: Parser) -> None:
    """Add what says which articles of a bucket are wanted, and how they are asked for."""
    sub.add_argument("--pmcids", type=Path, metavar="FILE", help="only these: PMC123, 123, PMC123.2, or a URL")
    sub.add_argument("--day", metavar="DATE", help="of the inventory; default: the newest complete one")
    query = sub.add_argument_group("a query by E-utilities, instead of the inventory")
    query.add_argument("--term", metavar="TEXT", help="any ESearch term")
    query.add_argument("--journal", action="append", default=[], metavar="NAME")
    query.add_argument("--mesh", action="append", default=[], metavar="TERM")
    query.add_argument("--since", type=datetime.date.fromisoformat, metavar="DATE", help="of release in PMC")
    query.add_argument("--until", type=datetime.date.fromisoformat, metavar="DATE")
    query.add_argument("--api-key", metavar="KEY", help="of NCBI: ten requests a second, three without")
    query.add_argument("--eutils", metavar="URL", help=argparse.SUPPRESS)
    pace = sub.add_argument_group("pace and safety")
    pace.add_argument("--connections", type=int, default=16, metavar="N", help="open at once in each worker")
    pace.add_argument("--requests-per-s", type=float, metavar="R", help="of the whole job; default: no limit")
    pace.add_argument("--contact", metavar="MAIL", help="told to the server in the User-Agent")
    pace.add_argument("--proxy", metavar="URL", help="the environment is not asked for one")
    pace.add_argument("--ca-file", metavar="PEM", help="instead of the usual certificates")
    pace.add_argument("--max-fault-rate", type=float, default=0.01, metavar="F", help="above it: exit code 3")


def _add_build(sub: Parser) -> None:
    sub.add_argument("--source", required=True, metavar="URI", help="a bucket, or a folder of articles or archives")
    sub.add_argument("--store", metavar="URI", help="where articles of a bucket are kept; default: nowhere")
    sub.add_argument("--out", required=True, metavar="URI", help="release to write")
    sub.add_argument("--work", metavar="URI", help="folder of what lies between the stages; default OUT.work")
    sub.add_argument("--overwrite", action="store_true", help="replace another release in OUT")
    _add_parts(sub)
    _add_against(sub)
    _add_asking(sub)


def _add_parts(sub: Parser) -> None:
    """Add what cuts a whole build."""
    parts = sub.add_argument_group("parts: articles and shards in shares, each in a process of its own")
    parts.add_argument("--parts", type=int, metavar="N", help="how many; never changes the bytes")
    parts.add_argument("--jobs", type=int, metavar="J", help="of them at a time; default: one a core")
    parts.add_argument("--launcher", choices=("local", "spark"), default="local")
    parts.add_argument("--spark-master", metavar="URL", help="default: what spark-submit says")


def _add_part(sub: Parser) -> None:
    """Add what runs one share of a stage, and what puts them together."""
    sub.add_argument("--part", metavar="I/N", help="this share alone, I from 0: what a scheduler calls")
    sub.add_argument("--finish", action="store_true", help="all shares are complete: put them together")
    sub.add_argument("--parts", type=int, metavar="N", help="how many there are, for --finish")


def _add_against(sub: Parser) -> None:
    """Add what pairs are held against."""
    _add_parent(sub)
    sub.add_argument("--previous", metavar="RELEASE", help="an earlier release: its articles stay in their splits")
    sub.add_argument(
        "--decontaminate", type=Path, action="append", default=[], metavar="LIST",
        help="hashes or pmcids of an evaluation, see `pmc15m hashes`; more than once for more",
    )  # fmt: skip


def _add_parent(sub: Parser) -> None:
    sub.add_argument("--parent", metavar="RELEASE", help="the release before: keep its splits, tell what changed")


def _add_extract(sub: Parser) -> None:
    sub.add_argument("--source", required=True, metavar="URI", help="folder of articles")
    sub.add_argument("--out", required=True, metavar="URI", help="folder of pairs to write")
    _add_part(sub)


def _add_curate(sub: Parser) -> None:
    sub.add_argument("--pairs", required=True, metavar="URI", help="folder that extract wrote")
    sub.add_argument("--out", required=True, metavar="URI", help="folder of decisions to write")
    _add_against(sub)


def _add_shard(sub: Parser) -> None:
    sub.add_argument("--source", required=True, metavar="URI", help="folder of articles, for the images")
    sub.add_argument("--pairs", required=True, metavar="URI", help="folder that extract wrote")
    sub.add_argument("--decisions", required=True, metavar="URI", help="folder that curate wrote")
    sub.add_argument("--out", required=True, metavar="URI", help="release to write")
    _add_parent(sub)
    sub.add_argument("--overwrite", action="store_true", help="replace another release in OUT")
    _add_part(sub)


def _add_inspect(sub: Parser) -> None:
    sub.add_argument("article", type=Path, metavar="ARTICLE.xml")
    sub.add_argument("media_list", type=Path, nargs="?", metavar="MEDIA_LIST", help="names, one a line")


def _add_report(sub: Parser) -> None:
    sub.add_argument("release", metavar="RELEASE", help="URI of a complete release")
    sub.add_argument("--out", metavar="URI", help="folder of the pages; default: RELEASE/report")


def _add_verify(sub: Parser) -> None:
    sub.add_argument("release", metavar="RELEASE")
    sub.add_argument("--fast", action="store_true", help="only the manifest, names and sizes")


def _add_diff(sub: Parser) -> None:
    sub.add_argument("old", metavar="OLD")
    sub.add_argument("new", metavar="NEW")
    sub.add_argument("--out", metavar="DIR", help="where the tables of what changed are written; default: nowhere")


def _add_withdraw(sub: Parser) -> None:
    sub.add_argument("release", metavar="RELEASE")
    sub.add_argument("--keys", type=Path, required=True, metavar="FILE", help="keys of samples or PMCIDs, one a line")
    _add_cut(sub)


def _add_subset(sub: Parser) -> None:
    sub.add_argument("release", metavar="RELEASE")
    wanted = sub.add_mutually_exclusive_group(required=True)
    wanted.add_argument("--where", metavar="EXPR", help="DuckDB SQL over the columns of pairs/, such as: year >= 2020")
    wanted.add_argument("--keys", type=Path, metavar="FILE", help="keys of samples or PMCIDs, one a line")
    sub.add_argument("--fast", action="store_true", help="take images of tars that are not compared with the manifest")
    _add_cut(sub)


def _add_cut(sub: Parser) -> None:
    sub.add_argument("--out", required=True, metavar="URI", help="release to write")
    sub.add_argument("--overwrite", action="store_true", help="replace another release in OUT")


def _add_hashes(sub: Parser) -> None:
    sub.add_argument("folder", type=Path, metavar="DIR", help="images, in folders or not; other files are told")
    sub.add_argument("--out", type=Path, required=True, metavar="LIST.parquet", help="list to write")
    sub.add_argument("--source", metavar="NAME", help="of the evaluation (default: name of DIR)")


def _add_demo(sub: Parser) -> None:
    sub.add_argument("--out", default="demo", metavar="DIR", help="folder to write (default: demo)")
    sub.add_argument("--articles", type=int, default=120, metavar="N")
