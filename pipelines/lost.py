"""Beam's own runner waits for ever for a worker process that has ended: the run ends instead, with a sentence."""

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

from pipelines.signals import GRACE_S, leave
from pmc15m.errors import BrokenWorldError

EXIT_LOST = 1
PATIENCE_S = GRACE_S + 1.0
"""Longer than an orderly stop takes, since that ends workers too."""

_LOST = re.compile(r"Worker subprocess exited with return code (-?\d+)")
_CLOSED = "Channel closed prematurely"
_OUT_OF_MEMORY = {-9, 137}


class WorkerLostError(BrokenWorldError):
    """A worker process ended before its work."""


@contextmanager
def lost_workers_end_the_run(stream: TextIO) -> Iterator[None]:
    """Listen to the threads that watch over worker processes; what one of them raises is otherwise only printed.

    Args:
        stream: where the sentence goes where Beam has to be left as it waits.

    Raises:
        WorkerLostError: a worker was lost and Beam noticed.
    """
    codes: list[int] = []
    over, before = threading.Event(), threading.excepthook

    def hear(heard: threading.ExceptHookArgs) -> None:
        match = _LOST.match(str(heard.exc_value))
        if match is None:
            before(heard)
            return
        codes.append(int(match.group(1)))
        if not over.wait(PATIENCE_S):
            print(f"pmc15m: {_sentence(codes)}", file=stream, flush=True)
            leave(EXIT_LOST)

    threading.excepthook = hear
    try:
        yield
    except RuntimeError as error:
        if (codes or _CLOSED in str(error)) and not isinstance(error.__context__, KeyboardInterrupt):
            raise WorkerLostError(_sentence(codes)) from error
        raise
    finally:
        over.set()
        threading.excepthook = before


def _sentence(codes: list[int]) -> str:
    memory = ", perhaps for want of memory" if not codes or codes[0] in _OUT_OF_MEMORY else ""
    code = f" with {codes[0]}" if codes else ""
    return f"a worker process ended{code}{memory}; what is complete stays valid, the same command goes on"
