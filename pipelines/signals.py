"""SIGINT and SIGTERM: an orderly end within seconds, whatever a runner does with its threads.

Outputs are written whole and a stage is marked last, so that leaving at any moment harms nothing.
"""

import logging
import os
import signal
import sys
import threading
from types import FrameType, TracebackType
from typing import NoReturn, Self

GRACE_S = 2.0
"""How long a runner may take to stop its workers and its threads before the process leaves without it."""

STOPPED = "stopped; nothing half stays valid, the same command goes on"
_SHOW_CURSOR = "\x1b[?25h"  # a bar that was not closed has hidden it


class Stop:
    """Turns the two signals into KeyboardInterrupt and remembers which came. A context manager."""

    def __init__(self) -> None:
        """Begin without a signal."""
        self.exit_code = 0  # 128 + signal, once there was one
        self._timer = threading.Timer(GRACE_S, self._leave)
        self._timer.daemon = True

    def __enter__(self) -> Self:
        """Listen."""
        self._stderr = os.dup(2)  # the real one, wherever a runner's words are led to
        self._before = {number: signal.signal(number, self._hear) for number in (signal.SIGINT, signal.SIGTERM)}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Let go."""
        self._timer.cancel()
        for number, handler in self._before.items():
            signal.signal(number, handler)
        os.close(self._stderr)
        logging.disable(logging.NOTSET)

    def _hear(self, number: int, _frame: FrameType | None) -> NoReturn:
        if self.exit_code:  # asked twice
            self._leave()
        self.exit_code = 128 + number
        logging.disable()  # of what breaks while a runner is taken down
        self._timer.start()
        raise KeyboardInterrupt

    def say_stopped(self) -> None:
        """Say on the real stderr that the run was stopped, and what it means."""
        cursor = _SHOW_CURSOR if os.isatty(self._stderr) else ""
        os.write(self._stderr, f"{cursor}pmc15m: {STOPPED}\n".encode())

    def _leave(self) -> NoReturn:
        self.say_stopped()
        leave(self.exit_code)


def leave(exit_code: int) -> NoReturn:
    """End the process at once: threads that are still at work are not waited for."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(exit_code)
