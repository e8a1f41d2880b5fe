"""Options and fixtures for every test.

- `no_network` (always on): sockets reach loopback and nothing else.
- `shared`: the reference corpus beside the repository; tests that ask for it skip where it is absent.
- `update_golden`: whether `--update-golden` was given.
"""

import ipaddress
import os
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest

# The same examples on every run and no clock; `--hypothesis-profile=explore` looks at others.
hypothesis.settings.register_profile("steady", derandomize=True, deadline=None)
hypothesis.settings.register_profile("explore", deadline=None, max_examples=1_000)
hypothesis.settings.load_profile("steady")

ROOT = Path(__file__).resolve().parents[1]
REQUIRE_SHARED = "PMC15M_REQUIRE_SHARED"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="rewrite expected.json of golden cases that fail")


@pytest.fixture
def update_golden(request: pytest.FixtureRequest) -> bool:
    return bool(request.config.getoption("--update-golden"))


class NetworkError(RuntimeError):
    """A test tried to leave the machine. No OSError, so that no code under test can take it for bad weather."""


@pytest.fixture(scope="session", autouse=True)
def no_network() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for name in ("connect", "connect_ex", "sendto", "sendmsg"):
            patch.setattr(socket.socket, name, _guarded(getattr(socket.socket, name)))
        lookup = socket.getaddrinfo
        patch.setattr(socket, "getaddrinfo", lambda host, *args, **options: lookup(_local(host), *args, **options))
        yield


def _guarded(method: Callable[..., Any]) -> Callable[..., Any]:
    def call(self: socket.socket, *args: Any) -> Any:
        for address in args:
            if isinstance(address, tuple) and self.family in {socket.AF_INET, socket.AF_INET6}:
                _local(address[0])
        return method(self, *args)

    return call


def _local(host: Any) -> Any:
    """Return a host that is this machine, and refuse any other."""
    name = host.decode() if isinstance(host, bytes) else host
    if name in {None, "", "localhost"}:
        return host
    try:
        is_local = ipaddress.ip_address(name).is_loopback
    except ValueError:
        is_local = False
    if not is_local:
        raise NetworkError(f"a test tried to reach {name!r}")
    return host


@pytest.fixture(scope="session")
def shared() -> Path:
    folder = ROOT.parent / "shared"
    if not folder.is_dir():
        if os.environ.get(REQUIRE_SHARED) == "1":
            pytest.fail(f"{REQUIRE_SHARED}=1, but there is no ../shared")
        pytest.skip("../shared is not here")
    return folder
