"""Keeps what Beam's worker processes say at start and end out of the way of results and bars.

They log a dozen lines each and stage before they know their own log level, and a local run gives no
way to tell them. So while a stage runs, both standard streams go through a pipe to the real stderr,
less the lines that are known to say nothing; warnings, errors and tracebacks pass.
"""

import os
import re
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

_NOISE = re.compile(
    rb"(?:INFO|DEBUG):(?:apache_beam|__main__|root)\b"
    rb"|WARNING:root:apitools not found"
    rb"|WARNING:__main__:No semi_persistent_directory found"
    rb"|Worker: severity: (?:INFO|DEBUG|WARN) timestamp \{.*No semi_persistent_directory found"
)


@contextmanager
def quiet_workers() -> Iterator[TextIO]:
    """Filter the standard streams of this process and its children; yield the real stderr."""
    sys.stdout.flush()
    sys.stderr.flush()
    saved = [os.dup(1), os.dup(2)]
    reader, writer = os.pipe()
    for descriptor in (1, 2):
        os.dup2(writer, descriptor)
    os.close(writer)
    real = os.fdopen(os.dup(saved[1]), "w", encoding="utf-8", errors="backslashreplace", buffering=1)
    thread = threading.Thread(target=_pass_on, args=(reader, saved[1]), name="quiet-workers", daemon=True)
    thread.start()
    try:
        yield real
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        for descriptor, original in zip((1, 2), saved, strict=True):
            os.dup2(original, descriptor)
        thread.join(timeout=5)  # a worker that outlives its stage still holds the pipe
        real.close()
        os.close(saved[0])


def _pass_on(reader: int, target: int) -> None:
    with os.fdopen(reader, "rb") as lines, os.fdopen(target, "wb", buffering=0) as real:
        for line in lines:
            if not _NOISE.match(line):
                real.write(line)
