"""Fixtures of the tests that fetch.

- `quick`: the command waits no longer than faults need, with a client of the test's own.
- `log_as_before`: what the command does to the log is undone.
- `everything`, `plain`: servers of every kind of article, and of sound ones, on their first day.
"""

import logging
from collections.abc import Iterator

import pytest

from tests.faults.wanted import EVERYTHING, PLAIN, be_quick, serving
from tests.server import Server


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    be_quick(monkeypatch)


@pytest.fixture
def log_as_before() -> Iterator[None]:
    root, own = logging.getLogger(), logging.getLogger("pmc15m")
    before = (root.handlers[:], root.level, own.level)
    yield
    root.handlers[:], root.level, _ = before
    own.setLevel(before[2])


@pytest.fixture(scope="session")
def server_of_everything() -> Iterator[Server]:
    with serving(EVERYTHING) as server:
        yield server


@pytest.fixture(scope="session")
def server_of_sound_articles() -> Iterator[Server]:
    with serving(PLAIN) as server:
        yield server


@pytest.fixture
def everything(server_of_everything: Server) -> Server:
    server_of_everything.reset()
    return server_of_everything


@pytest.fixture
def plain(server_of_sound_articles: Server) -> Server:
    server_of_sound_articles.set_day(0)
    server_of_sound_articles.reset()
    return server_of_sound_articles
