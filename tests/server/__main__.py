"""Run the server: `python -m tests.server --port 0 --articles 100 --seed 3`.

Prints one line of JSON with its port, and ends on the end of its standard input, on SIGTERM, and
after `--max-seconds`.
"""

import json
import os
import signal
import sys
import threading
from collections.abc import Sequence
from types import FrameType

from tests.server.config import parse_argv
from tests.server.service import Service
from tests.server.sockets import HttpServer


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; return its exit code."""
    config = parse_argv(argv)
    ended = threading.Event()

    def end(_number: int, _frame: FrameType | None) -> None:
        ended.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, end)
    server = HttpServer(config, Service(config))
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    threading.Thread(target=_wait_for_end, args=(ended,), daemon=True).start()
    sys.stdout.write(json.dumps({"port": server.port, "pid": os.getpid()}) + "\n")
    sys.stdout.flush()
    ended.wait(config.max_seconds)
    server.stopping.set()
    server.shutdown()
    server.server_close()
    return 0


def _wait_for_end(ended: threading.Event) -> None:
    """Note the end of the standard input."""
    while os.read(0, 1024):
        pass
    ended.set()


if __name__ == "__main__":
    sys.exit(main())
