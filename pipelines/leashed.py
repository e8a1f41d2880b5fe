"""`pmc15m` as a program that ends when the process that started it does, however that ends: for parts.

Words: the process id of the one that starts it, then those of the command. A part that outlived its driver or
its executor would hold the lock on its folder against the next attempt.
"""

import ctypes
import os
import signal
import sys

from pipelines.cli import run

_PR_SET_PDEATHSIG = 1


def hold(parent: int) -> None:
    """Have the kernel end this process when its parent's thread ends; do so at once if it has ended already."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        sys.exit(128 + signal.SIGKILL)


if __name__ == "__main__":
    hold(int(sys.argv.pop(1)))
    run()
