"""How the parts of a stage are run: as processes here, or as tasks of a Spark job.

A part is a command of its own, `pmc15m extract --part 3/16 ...`, that writes its own folder and its marker
last. Whoever runs it twice, or kills it in the middle, does no harm.
"""

import ctypes
import logging
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Protocol

from pmc15m.errors import BrokenWorldError, UsageError
from pmc15m.store import Store

LOG = logging.getLogger("pmc15m")
POLL_S = 0.1
TAIL_CHARS = 2_000
_PR_SET_PDEATHSIG = 1


class PartFailedError(BrokenWorldError):
    """A part ended with an error."""


class Launcher(Protocol):
    """Runs commands, each to its end."""

    def run(self, stage: str, commands: Sequence[Sequence[str]], shared: str) -> None:
        """Run the parts of a stage.

        Args:
            stage: its name, for people.
            commands: the words of each, after `pmc15m`.
            shared: folder that all parts write to.

        Raises:
            PartFailedError: one of them failed.
        """


def command_of(words: Sequence[str]) -> list[str]:
    """Return the command line of a part, for the Python that runs this."""
    return [sys.executable, "-m", "pipelines.cli", *words]


@dataclass(frozen=True, slots=True)
class LocalProcesses:
    """Processes on this machine, some at a time."""

    jobs: int

    def run(self, stage: str, commands: Sequence[Sequence[str]], shared: str) -> None:
        """See `Launcher`."""
        with tempfile.TemporaryDirectory(prefix="pmc15m-parts-") as folder:
            waiting = [(number, list(words)) for number, words in enumerate(commands)]
            running: list[_Running] = []
            try:
                num_done = 0
                while waiting or running:
                    while waiting and len(running) < self.jobs:
                        running.append(_Running(*waiting.pop(0), Path(folder)))
                    time.sleep(POLL_S)
                    ended = [one for one in running if one.process.poll() is not None]
                    running = [one for one in running if one not in ended]
                    for one in ended:
                        one.check(stage)
                        num_done += 1
                        LOG.info("%s: %d of %d parts", stage, num_done, len(commands))
            finally:
                for one in running:
                    one.stop()


@dataclass(slots=True, eq=False)
class _Running:
    """One part at work."""

    number: int
    words: list[str]
    folder: Path
    process: "subprocess.Popen[bytes]" = field(init=False)
    log: IO[bytes] = field(init=False)

    def __post_init__(self) -> None:
        self.log = (self.folder / f"{self.number}.log").open("w+b")
        self.process = subprocess.Popen(
            command_of(self.words), stdout=subprocess.DEVNULL, stderr=self.log, stdin=subprocess.DEVNULL
        )

    def check(self, stage: str) -> None:
        """Raise what the part failed of."""
        with self.log:
            self.log.seek(0)
            said = self.log.read().decode(errors="replace")
        if self.process.returncode:
            raise PartFailedError(failure(stage, self.number, self.process.returncode, said))

    def stop(self) -> None:
        """End it; it may go on later where it was."""
        self.process.terminate()
        self.process.wait()
        self.log.close()


def failure(stage: str, number: int, exit_code: int, said: str) -> str:
    """Return what is told of a part that failed: the end of what it said itself."""
    return f"part {number} of {stage} ended with {exit_code}; it said:\n{said[-TAIL_CHARS:].rstrip()}"


@dataclass(frozen=True, slots=True)
class SparkTasks:
    """Tasks of a Spark job, one a part: `pip install pmc15m[spark]` on the driver and on every node."""

    master: str | None  # "spark://host:7077", "yarn"; None: as spark-submit says

    def run(self, stage: str, commands: Sequence[Sequence[str]], shared: str) -> None:
        """See `Launcher`."""
        try:
            from pyspark.sql import SparkSession  # type: ignore[import-not-found, unused-ignore]
        except ImportError as error:
            raise UsageError("--launcher spark needs pyspark: pip install 'pmc15m[spark]'") from error
        os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
        builder = SparkSession.builder.appName(f"pmc15m {stage}")
        session = (builder.master(self.master) if self.master else builder).getOrCreate()
        context = session.sparkContext
        context.setLogLevel("ERROR")
        _check_shared(context, shared)
        parts = list(enumerate(map(list, commands)))
        done = context.parallelize(parts, max(1, len(parts))).map(run_task).collect()
        failed = [(number, code, said) for number, code, said in done if code]
        for number, code, said in failed:
            raise PartFailedError(failure(stage, number, code, said.replace("\x00", "")))
        LOG.info("%s: %d of %d parts", stage, len(done), len(parts))


def run_task(part: tuple[int, list[str]]) -> tuple[int, int, str]:
    """Run one part in a process of its own on an executor; return its number, exit code and last words."""
    number, words = part
    done = subprocess.run(
        command_of(words), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, preexec_fn=_die_with_parent, check=False
    )
    return number, done.returncode, done.stderr.decode(errors="replace")[-TAIL_CHARS:]


def _die_with_parent() -> None:
    """Let the kernel end a part whose executor is killed: Spark runs it again elsewhere, and it holds a lock."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _check_shared(context: "object", shared: str) -> None:
    """Refuse an output that the executors do not see.

    Raises:
        UsageError: they do not.
    """
    store, name = Store(shared), f".making-probe-{os.getpid()}"
    store.put_bytes(b"pmc15m", name)
    try:
        num_tasks = max(2, 2 * context.defaultParallelism)  # type: ignore[attr-defined]
        seen = context.parallelize(range(num_tasks), num_tasks).map(lambda _: Store(shared).exists(name)).collect()  # type: ignore[attr-defined]
    finally:
        store.delete(name)
    if not all(seen):
        raise UsageError(
            f"{shared} is not the same folder on every executor: choose a shared folder or an object store"
        )
