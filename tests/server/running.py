"""Start a server for a test, and ask it what it was asked."""

import json
import os
import selectors
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPSConnection
from pathlib import Path

from tests.server.config import ServerConfig

_ROOT = Path(__file__).resolve().parents[2]
_START_S = 60.0
_STOP_S = 10.0


class ServerError(RuntimeError):
    """The server did not start, or made a mistake of its own."""


@dataclass(frozen=True, slots=True)
class Record:
    """One request as the server saw it: `log.Entry`."""

    number: int
    time: float
    method: str
    target: str
    key: str
    in_flight: int
    user_agent: str
    headers: dict[str, str]
    attempt: int
    status: int | None
    fault: str | None


@dataclass(frozen=True, slots=True)
class Counters:
    """Counts over all requests."""

    total: int
    max_in_flight: int
    errors: int  # mistakes of the server itself
    faults: dict[str, int]
    requests: dict[str, int]  # by key


@dataclass(slots=True)
class Server:
    """A running server."""

    config: ServerConfig
    port: int
    process: "subprocess.Popen[bytes]" = field(repr=False)

    @property
    def url(self) -> str:
        """Where the bucket is."""
        return f"{'https' if self.config.tls else 'http'}://127.0.0.1:{self.port}"

    @property
    def eutils_url(self) -> str:
        """Where the E-utilities are."""
        return f"{self.url}/entrez/eutils"

    def log(self, after: int = 0) -> list[Record]:
        """Return the requests, in the order in which they came."""
        return [Record(**json.loads(line)) for line in self._ask("GET", f"/_log?after={after}").splitlines()]

    def counters(self) -> Counters:
        """Return the counts."""
        return Counters(**json.loads(self._ask("GET", "/_counters")))

    def set_day(self, day: int) -> None:
        """Make it day k."""
        self._ask("POST", f"/_day?k={day}")

    def reset(self) -> None:
        """Forget log, counts and attempts: faults come as on the first day."""
        self._ask("POST", "/_reset")

    def stop(self) -> None:
        """End the server; once more does nothing.

        Raises:
            ServerError: it does not end, or not well.
        """
        was_running = self.process.poll() is None
        if self.process.stdin and not self.process.stdin.closed:
            self.process.stdin.close()
        try:
            self.process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise ServerError("the server does not end") from None
        finally:
            if self.process.stdout:
                self.process.stdout.close()
        if was_running and self.process.returncode:
            raise ServerError(f"the server ends with {self.process.returncode}")

    def _ask(self, method: str, path: str) -> bytes:
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE  # loopback, and nobody's certificate
        connection = (
            HTTPSConnection("127.0.0.1", self.port, timeout=_START_S, context=context)
            if self.config.tls
            else HTTPConnection("127.0.0.1", self.port, timeout=_START_S)
        )
        with closing(connection):
            connection.request(method, path, headers={"Connection": "close"})
            response = connection.getresponse()
            data = response.read()
        if response.status != 200:
            raise ServerError(f"{method} {path}: {response.status} {data[:200]!r}")
        return data


@contextmanager
def running_server(config: ServerConfig | None = None) -> Iterator[Server]:
    """Run a server for as long as the block lasts.

    Raises:
        ServerError: it did not start; or, where the block was sound, it made a mistake of its own.
    """
    server = start_server(config or ServerConfig())
    try:
        yield server
        errors = server.counters().errors if server.process.poll() is None else 0
        if errors:
            raise ServerError(f"{errors} mistakes of the server's own: see its standard error")
    finally:
        server.stop()


def start_server(config: ServerConfig) -> Server:
    """Start a server; who does so stops it."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.server", *config.to_argv()],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=_ROOT,
        env=os.environ | {"PYTHONPATH": str(_ROOT)},
    )
    server = Server(config, 0, process)
    try:
        server.port = int(json.loads(_first_line(process))["port"])
    except (ValueError, ServerError):
        with suppress(ServerError):
            server.stop()
        raise ServerError(f"the server does not start: exit code {process.returncode}") from None
    return server


def _first_line(process: "subprocess.Popen[bytes]") -> bytes:
    """Return the line that tells the port."""
    if process.stdout is None:
        raise ServerError("the server has no standard output")
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        if not selector.select(_START_S):
            raise ServerError("the server says nothing")
    return process.stdout.readline()
