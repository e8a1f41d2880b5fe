"""Progress of a stage on stderr: a bar on a terminal, plain lines otherwise."""

import json
import logging
import socket
import threading
import time
from dataclasses import dataclass
from types import TracebackType
from typing import Self, TextIO

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from pmc15m.progress import Meter
from pmc15m.release.report import REJECTS

LOG = logging.getLogger("pmc15m")
LINE_EVERY_S = 60.0
_MAX_DATAGRAM_BYTES = 65_535


@dataclass(frozen=True, slots=True)
class Counts:
    """What the progress of a stage counts."""

    stage: str  # "extract", "curate" or "shard"
    unit: str  # what the total counts: "articles", "pairs"
    total: int
    done_by: str  # name of the count that says how many are done
    out_by: str  # name of the count that says how many came out


class StageProgress:
    """Listens to the workers of one stage and shows how far it is. A context manager."""

    def __init__(self, counts: Counts, stream: TextIO) -> None:
        """Name what is counted, and where the bar goes; lines go to the log."""
        self._of = counts
        self._counts: dict[str, int] = {}
        self._is_complete = False
        self._socket: socket.socket | None = None
        self._thread = threading.Thread(target=self._listen, name=f"progress-{counts.stage}", daemon=True)
        self._stopped = threading.Event()
        console = Console(file=stream)
        self._bar = _make_bar(console) if console.is_terminal else None
        self._task: TaskID | None = None
        self._started_at = time.monotonic()

    @property
    def meter(self) -> Meter:
        """What workers report to."""
        if self._socket is None:
            raise RuntimeError("progress is not open")
        host, port = self._socket.getsockname()
        return Meter((host, port))

    def __enter__(self) -> Self:
        """Open the port and show the bar."""
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self._socket.settimeout(0.2)
        self._started_at = time.monotonic()
        if self._bar is not None:
            self._bar.start()
            self._task = self._bar.add_task(
                self._of.stage, total=self._of.total, unit=self._of.unit, out=0, rejects=0, rate=""
            )
        else:
            LOG.info("%s: %d %s", self._of.stage, self._of.total, self._of.unit)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Show the end and close the port."""
        self._stopped.set()
        self._thread.join()
        if self._socket is not None:
            self._socket.close()
        self._is_complete = kind is None  # datagrams may be lost; the end is not
        self._show()
        if self._bar is not None:
            self._bar.stop()

    def _listen(self) -> None:
        shown_at = time.monotonic()
        while self._socket is not None:
            try:
                added = json.loads(self._socket.recv(_MAX_DATAGRAM_BYTES))
                for name, count in added.items():
                    self._counts[name] = self._counts.get(name, 0) + count
            except TimeoutError:
                if self._stopped.is_set():
                    return
            except (OSError, ValueError):
                return
            if self._bar is not None or time.monotonic() - shown_at >= LINE_EVERY_S:
                shown_at = time.monotonic()
                self._show()

    def _show(self) -> None:
        done = self._of.total if self._is_complete else min(self._counts.get(self._of.done_by, 0), self._of.total)
        out = self._counts.get(self._of.out_by, 0)
        rejects = sum(count for name, count in self._counts.items() if name.startswith(REJECTS))
        rate = done / max(time.monotonic() - self._started_at, 1e-9)
        if self._bar is not None and self._task is not None:
            self._bar.update(self._task, completed=done, out=out, rejects=rejects, rate=f"{rate:,.0f}/s")
        else:
            LOG.info(
                "%s: %d of %d %s, %d out, %d rejects, %.0f/s",
                *(self._of.stage, done, self._of.total, self._of.unit, out, rejects, rate),
            )


def _make_bar(console: Console) -> Progress:
    return Progress(
        TextColumn("{task.description:8}"),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TextColumn(
            "{task.fields[unit]}  [green]{task.fields[out]:,} out[/]  [yellow]{task.fields[rejects]:,} rejects[/]"
        ),
        TextColumn("{task.fields[rate]}"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=console,
    )
