"""The `pmc15m` command. Exit codes: 0 done, 1 exception, 2 usage, 3 too many faults, 130 or 143 interrupted."""

import logging
import sys
from typing import NoReturn

from pipelines.signals import Stop, leave
from pipelines.words import EXIT_USAGE, make_parser
from pmc15m.errors import BrokenWorldError, Submitted, TooManyFaultsError, UsageError

EXIT_EXCEPTION, EXIT_FAULTS, EXIT_SIGNAL = 1, 3, 128


def main(argv: list[str] | None = None) -> int:
    """Run the command and return its exit code."""
    words = sys.argv[1:] if argv is None else argv
    ours, beams = (words[: words.index("--")], words[words.index("--") + 1 :]) if "--" in words else (words, [])
    args = make_parser().parse_args(ours)
    logging.basicConfig(format="%(message)s", level=logging.WARNING, stream=sys.stderr, force=True)
    logging.getLogger("pmc15m").setLevel(args.log_level)
    logging.getLogger().handlers[0].addFilter(_is_worth_saying)
    with Stop() as stop:
        try:
            args.run(args, beams)
        except Submitted as submitted:
            _say(str(submitted))
        except UsageError as error:
            _say(str(error))
            return EXIT_USAGE
        except BrokenWorldError as error:
            _say(str(error))
            return EXIT_EXCEPTION
        except TooManyFaultsError as error:
            _say(str(error))
            return EXIT_FAULTS
        except (KeyboardInterrupt, Exception):  # Beam wraps what is raised inside a step
            if not stop.exit_code:
                raise
            stop.say_stopped()
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


if __name__ == "__main__":
    run()
