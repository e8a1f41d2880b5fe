"""The program of Dataflow's Flex Template: words `--name=value`, ours and Beam's mixed, to one stage of `pmc15m`.

The launcher of a template must end once the job is submitted, so a template runs one stage: `build` and `fetch`
wait for one pipeline before they make the next.
"""

import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from pipelines import cli
from pipelines.words import EXIT_USAGE
from pmc15m.errors import BrokenWorldError, UsageError
from pmc15m.store import Store

STAGES = ("extract", "curate", "shard")
VALUES = ("source", "pairs", "decisions", "out", "parent", "previous", "config", "decontaminate")
"""Flags of the stages that take a value; which of them a stage takes and needs, its own parser says."""

SWITCHES = ("fresh", "overwrite")
FILES = ("config", "decontaminate")
"""Values that name a file, which the commands read from a local path."""

BEAM_WORDS = ("--no_wait_until_finish", "--sdk_location=container")
"""The image has Beam and us: nothing is staged."""

_MAX_FILE_BYTES = 2**30


def main(words: Sequence[str]) -> int:
    """Submit one stage and return the exit code of `pmc15m`."""
    with tempfile.TemporaryDirectory(prefix="pmc15m-flex-") as folder:
        try:
            argv = command_of(words, Path(folder))
        except (UsageError, BrokenWorldError) as error:
            print(f"pmc15m: {error}", file=sys.stderr)  # noqa: T201
            return EXIT_USAGE if isinstance(error, UsageError) else cli.EXIT_EXCEPTION
        return cli.main(argv)


def command_of(words: Sequence[str], folder: Path) -> list[str]:
    """Return the words of `pmc15m` that the words of a template come to.

    Args:
        words: each `--name=value`. A name of ours is ours, any other is Beam's, whose parser refuses what it does
            not know. A value of ours that is empty was left open.
        folder: where files of a bucket are copied to.

    Raises:
        UsageError: a word of another form, a name given twice, no stage, a file that is not there.
        BrokenWorldError: a bucket does not answer.
    """
    given: dict[str, str] = {}
    beams: list[str] = []
    for word in words:
        name, has_value, value = word.removeprefix("--").partition("=")
        if name not in ("stage", *VALUES, *SWITCHES):
            if not word.startswith("--") or not name:
                raise UsageError(f"a template takes --name=value, not {word!r}")
            beams.append(word)
        elif not word.startswith("--") or not has_value:
            raise UsageError(f"a template takes --name=value, not {word!r}")
        elif name in given:
            raise UsageError(f"--{name} is given twice")
        else:
            given[name] = value
    stage = given.pop("stage", "")
    if stage not in STAGES:
        raise UsageError(f"--stage={stage}: a template runs one of {', '.join(STAGES)}")
    ours = [word for name, value in given.items() if value for word in _flag(name, value, folder)]
    return [stage, *ours, "--", *BEAM_WORDS, *beams]


def _flag(name: str, value: str, folder: Path) -> list[str]:
    if name not in SWITCHES:
        return [f"--{name}={_local(value, folder / name) if name in FILES else value}"]
    if value not in {"true", "false"}:
        raise UsageError(f"--{name}={value}: wanted true or false")
    return [f"--{name}"] if value == "true" else []


def _local(uri: str, folder: Path) -> str:
    """Return the path of a file, copied here where it lies in a bucket."""
    if "://" not in uri:
        return uri
    home, _, name = uri.rpartition("/")
    try:
        data = Store(home).read_bytes(name, _MAX_FILE_BYTES)
    except (FileNotFoundError, ValueError) as error:
        raise UsageError(f"cannot read {uri}: {error}") from error
    folder.mkdir()
    (folder / name).write_bytes(data)
    return str(folder / name)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
