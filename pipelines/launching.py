"""How the parts of a stage are run: as processes here, or as tasks of a Spark job.

A part is a command of its own, `pmc15m extract --part 3/16 ...`, that writes its own folder and its marker
last. Whoever runs it twice, or kills it in the middle, does no harm.
"""

import contextlib
import logging
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Protocol

from pmc15m.errors import BrokenWorldError, UsageError
from pmc15m.stages import IN_USE
from pmc15m.store import SCRATCH_PREFIX, Store

LOG = logging.getLogger("pmc15m")
POLL_S = 0.1
STOP_S = 4.0
"""How long parts may take to end when they are asked to."""

IN_USE_S = 60.0
"""How long a task waits for the lock of an attempt before it, whose executor was lost a moment ago."""

TAIL_CHARS = 2_000


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
    """Return the command line of a part, for the Python that runs this; it ends when this process does."""
    return [sys.executable, "-m", "pipelines.leashed", str(os.getpid()), *words]


def failure(stage: str, number: int, exit_code: int, said: str) -> str:
    """Return what is told of a part that failed: the end of what it said itself."""
    how = f"was ended by signal {-exit_code}" if exit_code < 0 else f"ended with {exit_code}"
    memory = " (out of memory?)" if exit_code == -signal.SIGKILL else ""
    return f"part {number} of {stage} {how}{memory}; it said:\n{said[-TAIL_CHARS:].strip() or 'nothing'}"


# --- processes ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class LocalProcesses:
    """Processes on this machine, some at a time. One that fails ends the others."""

    jobs: int
    command: Callable[[Sequence[str]], list[str]] = command_of  # line of a part

    def run(self, stage: str, commands: Sequence[Sequence[str]], shared: str) -> None:
        """See `Launcher`."""
        with tempfile.TemporaryDirectory(prefix="pmc15m-parts-") as folder:
            waiting = [(number, self.command(words)) for number, words in enumerate(commands)]
            running: list[_Running] = []
            try:
                while waiting or running:
                    while waiting and len(running) < self.jobs:
                        running.append(_Running(*waiting.pop(0), Path(folder)))
                    time.sleep(POLL_S)
                    for one in [one for one in running if one.process.poll() is not None]:
                        one.check(stage)
                        running.remove(one)
                        num_done = len(commands) - len(waiting) - len(running)
                        LOG.info("%s: %d of %d parts", stage, num_done, len(commands))
            finally:
                _stop(running)


@dataclass(slots=True, eq=False)
class _Running:
    """One part at work."""

    number: int
    command: list[str]
    folder: Path
    process: "subprocess.Popen[bytes]" = field(init=False)
    log: IO[bytes] = field(init=False)

    def __post_init__(self) -> None:
        self.log = (self.folder / f"{self.number}.log").open("w+b")
        try:
            self.process = subprocess.Popen(
                self.command, stdout=subprocess.DEVNULL, stderr=self.log, stdin=subprocess.DEVNULL
            )
        except BaseException:
            self.log.close()
            raise

    def check(self, stage: str) -> None:
        """Raise what the part failed of."""
        with self.log:
            size = self.log.seek(0, os.SEEK_END)
            self.log.seek(max(0, size - 4 * TAIL_CHARS))
            said = self.log.read().decode(errors="replace")
        if self.process.returncode:
            raise PartFailedError(failure(stage, self.number, self.process.returncode, said))


def _stop(running: Iterable[_Running]) -> None:
    """End parts, all at the same time; each may go on later where it was."""
    parts = list(running)
    for one in parts:
        one.process.terminate()
    give_up_at = time.monotonic() + STOP_S
    for one in parts:
        with contextlib.suppress(subprocess.TimeoutExpired):
            one.process.wait(max(0.0, give_up_at - time.monotonic()))
        one.process.kill()
        one.process.wait()
        one.log.close()


# --- Spark ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SparkTask:
    """What an executor is told of a part. The config goes along: its file lies on the driver's machine."""

    number: int
    words: tuple[str, ...]
    config: str


@dataclass(frozen=True, slots=True)
class SparkTasks:
    """Tasks of a Spark job, one a part: `pip install pmc15m[spark]` on the driver and on every node.

    A part whose executor is lost is run again elsewhere. One that fails is told of when the others have ended.
    """

    master: str | None  # "spark://host:7077", "yarn"; None: as spark-submit says

    def run(self, stage: str, commands: Sequence[Sequence[str]], shared: str) -> None:
        """See `Launcher`."""
        context = _spark_context(f"pmc15m {stage}", self.master)
        _check_shared(context, shared)
        tasks = [task_of(number, words) for number, words in enumerate(commands)]
        done = context.parallelize(tasks, max(1, len(tasks))).map(run_task).collect()
        for number, code, said in done:
            if code:
                raise PartFailedError(failure(stage, number, code, said))
        LOG.info("%s: %d of %d parts", stage, len(done), len(commands))


def _spark_context(name: str, master: str | None) -> Any:
    """Return the Spark context of this process.

    Raises:
        UsageError: there is no pyspark.
    """
    try:
        from pyspark.sql import SparkSession  # type: ignore[import-not-found, unused-ignore]
    except ImportError as error:
        raise UsageError("--launcher spark needs pyspark: pip install 'pmc15m[spark]'") from error
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    builder = SparkSession.builder.appName(name).config("spark.speculation", "false")  # a part is locked
    before = signal.getsignal(signal.SIGINT)
    try:
        session = (builder.master(master) if master else builder).getOrCreate()
    finally:
        signal.signal(signal.SIGINT, before)  # Spark's own would hide what the signal was from us
    context = session.sparkContext
    context.setLogLevel("ERROR")
    return context


def task_of(number: int, words: Sequence[str]) -> SparkTask:
    """Return the task of a part, with the text of its config."""
    config = Path(words[words.index("--config") + 1]).read_text(encoding="utf-8") if "--config" in words else ""
    return SparkTask(number, tuple(words), config)


def run_task(task: SparkTask) -> tuple[int, int, str]:
    """Run one part in a process of its own on an executor; return its number, exit code and last words."""
    with tempfile.TemporaryDirectory(prefix="pmc15m-part-") as folder:
        words = list(task.words)
        if "--config" in words:
            path = Path(folder) / "config.toml"
            path.write_text(task.config, encoding="utf-8")
            words[words.index("--config") + 1] = str(path)
        give_up_at = time.monotonic() + IN_USE_S
        while True:
            done = subprocess.run(command_of(words), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False)
            said = done.stderr.decode(errors="replace").replace("\x00", "")[-TAIL_CHARS:]
            if not done.returncode or IN_USE not in said or time.monotonic() > give_up_at:
                return task.number, done.returncode, said
            time.sleep(1)


def _check_shared(context: Any, shared: str) -> None:
    """Refuse an output that the executors do not see.

    Raises:
        UsageError: they do not.
    """
    store, name = Store(shared), f"{SCRATCH_PREFIX}probe-{os.getpid()}"
    uri = str(store.local_path) if store.is_local else shared
    store.put_bytes(b"pmc15m", name)
    try:
        num_tasks = max(2, 2 * context.defaultParallelism)
        seen = context.parallelize(range(num_tasks), num_tasks).map(lambda _: Store(uri).exists(name)).collect()
    finally:
        store.delete(name)
    if not all(seen):
        raise UsageError(
            f"{shared} is not the same folder on every executor: choose a shared folder or an object store"
        )
