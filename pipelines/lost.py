"""Beam's own runner waits for ever for a worker process that has ended: the run ends instead, with a sentence."""

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

from pipelines.signals import GRACE_S, leave

EXIT_LOST = 1
PATIENCE_S = GRACE_S + 1.0
"""Longer than an orderly stop takes, since that ends workers too."""

_LOST = re.compile(r"Worker subprocess exited with return code (-?\d+)")
_OUT_OF_MEMORY = {-9, 137}


@contextmanager
def lost_workers_end_the_run(stream: TextIO) -> Iterator[None]:
    """Listen to the threads that watch over worker processes; what one of them raises is otherwise only printed.

    Args:
        stream: where the sentence goes.
    """
    over, before = threading.Event(), threading.excepthook

    def hear(heard: threading.ExceptHookArgs) -> None:
        match = _LOST.match(str(heard.exc_value))
        if match is None:
            before(heard)
        elif not over.wait(PATIENCE_S):
            memory = ", perhaps for want of memory" if int(match.group(1)) in _OUT_OF_MEMORY else ""
            print(
                f"pmc15m: a worker process ended with {match.group(1)}{memory}; what is complete stays valid, "
                "the same command goes on",
                file=stream,
                flush=True,
            )
            leave(EXIT_LOST)

    threading.excepthook = hear
    try:
        yield
    finally:
        over.set()
        threading.excepthook = before
