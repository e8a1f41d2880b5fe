"""The `pmc15m` command. Exit codes: 0 done, 1 exception, 2 usage, 130 or 143 interrupted."""

import argparse
import logging
import sys
from pathlib import Path
from typing import Any, NoReturn

from pipelines import commands
from pipelines.signals import STOPPED, Stop, leave
from pmc15m import __version__
from pmc15m.errors import UsageError

EXIT_USAGE, EXIT_SIGNAL = 2, 128


def main(argv: list[str] | None = None) -> int:
    """Run the command and return its exit code."""
    words = sys.argv[1:] if argv is None else argv
    ours, beams = (words[: words.index("--")], words[words.index("--") + 1 :]) if "--" in words else (words, [])
    args = _parser().parse_args(ours)
    logging.basicConfig(format="%(message)s", level=logging.WARNING, stream=sys.stderr, force=True)
    logging.getLogger("pmc15m").setLevel(args.log_level)
    logging.getLogger().handlers[0].addFilter(_is_worth_saying)
    with Stop() as stop:
        try:
            args.run(args, beams)
        except UsageError as error:
            _say(str(error))
            return EXIT_USAGE
        except (KeyboardInterrupt, Exception):  # Beam wraps what is raised inside a step
            if not stop.exit_code:
                raise
            _say(STOPPED)
    return stop.exit_code


def run() -> NoReturn:
    """Run the command and end the process; threads of a run that was stopped are not waited for."""
    code = main()
    if code > EXIT_SIGNAL:
        leave(code)
    sys.exit(code)


def _is_worth_saying(record: logging.LogRecord) -> bool:
    """Leave out what Beam says at import where the extra `gcp` is not installed."""
    return not record.getMessage().startswith("apitools not found")


def _say(sentence: str) -> None:
    print(f"pmc15m: {sentence}", file=sys.stderr)  # noqa: T201


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one sentence, without the usage before it."""

    def error(self, message: str) -> NoReturn:
        self.exit(EXIT_USAGE, f"pmc15m: {message}; see {self.prog} --help\n")


def _parser() -> _Parser:
    parser = _Parser(
        prog="pmc15m",
        description="Figure-caption pairs from PubMed Central, from articles to training shards.",
        epilog="Options of Apache Beam follow a bare --, for example: -- --direct_num_workers=2",
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"pmc15m {__version__}")
    subcommands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    common = _Parser(add_help=False, allow_abbrev=False)
    common.add_argument("--log-level", default="INFO", choices=("DEBUG", "INFO", "WARNING", "ERROR"))
    stage = _Parser(add_help=False, allow_abbrev=False, parents=[common])
    stage.add_argument("--config", type=Path, default=commands.CONFIGS / "pmc15m.toml", metavar="TOML")
    stage.add_argument("--fresh", action="store_true", help="redo what is complete")
    out_help = "release to write"

    def command(name: str, run: Any, text: str, parent: _Parser) -> _Parser:
        sub = subcommands.add_parser(name, help=text, description=text, parents=[parent], allow_abbrev=False)
        sub.set_defaults(run=run)
        return sub

    build = command("build", commands.build, "articles to a release: extract, curate, shard", stage)
    build.add_argument("--source", required=True, metavar="URI", help="folder of articles (PMC Cloud Service layout)")
    build.add_argument("--out", required=True, metavar="URI", help=out_help)
    build.add_argument("--work", metavar="URI", help="folder of what lies between the stages; default OUT.work")
    build.add_argument("--overwrite", action="store_true", help="replace another release in OUT")

    extract = command("extract", commands.extract, "articles to figure-caption pairs", stage)
    extract.add_argument("--source", required=True, metavar="URI", help="folder of articles")
    extract.add_argument("--out", required=True, metavar="URI", help="folder of pairs to write")

    curate = command("curate", commands.curate, "pairs to decisions: filters, duplicates, splits", stage)
    curate.add_argument("--pairs", required=True, metavar="URI", help="folder that extract wrote")
    curate.add_argument("--out", required=True, metavar="URI", help="folder of decisions to write")

    shard = command("shard", commands.shard, "decisions to a release: tars, tables, report", stage)
    shard.add_argument("--source", required=True, metavar="URI", help="folder of articles, for the images")
    shard.add_argument("--pairs", required=True, metavar="URI", help="folder that extract wrote")
    shard.add_argument("--decisions", required=True, metavar="URI", help="folder that curate wrote")
    shard.add_argument("--out", required=True, metavar="URI", help=out_help)
    shard.add_argument("--overwrite", action="store_true", help="replace another release in OUT")

    inspect = command("inspect", commands.inspect, "one article to JSON: its figures and rejects", common)
    inspect.add_argument("article", type=Path, metavar="ARTICLE.xml")
    inspect.add_argument("media_list", type=Path, nargs="?", metavar="MEDIA_LIST", help="names, one a line")

    demo = command("demo", commands.demo, "generate articles and build a small release of them", common)
    demo.add_argument("--out", default="demo", metavar="DIR", help="folder to write (default: demo)")
    demo.add_argument("--articles", type=int, default=120, metavar="N")
    return parser


if __name__ == "__main__":
    run()
