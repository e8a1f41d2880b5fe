"""Progress: datagrams of workers on loopback, counted by the driver, missed by no one where they get lost."""

import io
import json
import logging
import pickle
import socket
import time
from collections.abc import Iterator

import pytest

from pipelines.progress import Counts, StageProgress
from pmc15m import progress
from pmc15m.progress import Meter

COUNTS = Counts("extract", "articles", 5, "read_package/in", "pairs/made")


@pytest.fixture
def driver() -> Iterator[socket.socket]:
    """Return a port that listens on loopback."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listener:
        listener.bind(("127.0.0.1", 0))
        listener.settimeout(5)
        yield listener


def received(driver: socket.socket) -> dict[str, int]:
    added: dict[str, int] = json.loads(driver.recv(65_535))
    return added


def test_counts_are_sent_at_once_and_then_in_batches(driver: socket.socket, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    meter = Meter(driver.getsockname())
    meter.count("a", 1)
    assert received(driver) == {"a": 1}
    meter.count("a", 2)
    meter.count("b", 1)
    meter.count("a", 3)
    now[0] += progress.MIN_INTERVAL_S
    meter.count("b", 1)
    assert received(driver) == {"a": 5, "b": 2}


def test_flush_sends_what_is_left_and_nothing_twice(driver: socket.socket) -> None:
    meter = Meter(driver.getsockname())
    meter.count("a", 1)
    meter.count("a", 1)
    meter.flush()
    meter.flush()
    meter.count("end", 1)
    meter.flush()
    assert [received(driver) for _ in range(3)] == [{"a": 1}, {"a": 1}, {"end": 1}]


def test_meter_crosses_to_another_process(driver: socket.socket) -> None:
    meter: Meter = pickle.loads(pickle.dumps(Meter(driver.getsockname())))  # noqa: S301, our own
    meter.count("a", 7)
    assert received(driver) == {"a": 7}


def test_meter_without_an_address_does_nothing() -> None:
    meter = Meter(None)
    meter.count("a", 1)
    meter.flush()
    assert meter == Meter(None)


def test_driver_that_has_left_is_no_error(driver: socket.socket) -> None:
    meter = Meter(driver.getsockname())
    driver.close()
    for _ in range(3):
        meter.count("a", 1)
        meter.flush()


def test_datagram_that_cannot_be_sent_ends_the_reports(driver: socket.socket) -> None:
    meter = Meter(driver.getsockname())
    meter.count("n" * 70_000, 1)
    assert meter.address is None
    meter.count("a", 1)


def test_stage_counts_what_all_workers_send(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "pmc15m")
    with StageProgress(COUNTS, io.StringIO()) as stage:
        for meter in (stage.meter, stage.meter):
            meter.count("read_package/in", 2)
            meter.count("pairs/made", 3)
            meter.count("rejects/extract/figures/image_format", 1)
            meter.flush()
    first, last = caplog.messages
    assert first == "extract: 5 articles"
    assert last.startswith("extract: 5 of 5 articles, 6 out, 2 rejects, ")


def test_stage_that_ends_is_done_and_does_not_count_out_what_did_not_come_out(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, "pmc15m")
    with StageProgress(Counts("shard", "pairs", 5, "samples/written", "samples/written"), io.StringIO()) as stage:
        stage.meter.count("samples/written", 3)
    assert caplog.messages[-1].startswith("shard: 5 of 5 pairs, 3 out, 0 rejects, ")


def break_off(count: int) -> None:
    """Run a stage that fails after so many articles."""
    try:
        with StageProgress(COUNTS, io.StringIO()) as stage:
            stage.meter.count("read_package/in", count)
            raise RuntimeError("broken")  # noqa: TRY301, it is to cross the context manager
    except RuntimeError:
        return


def test_stage_that_breaks_off_is_not_done(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "pmc15m")
    break_off(2)
    assert caplog.messages[-1].startswith("extract: 2 of 5 articles, 0 out, ")


def test_counts_of_retried_bundles_do_not_go_beyond_the_total(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "pmc15m")
    break_off(9)
    assert caplog.messages[-1].startswith("extract: 5 of 5 articles")


def test_terminal_gets_a_bar_and_the_log_no_lines(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    caplog.set_level(logging.INFO, "pmc15m")
    monkeypatch.setenv("TERM", "xterm")
    terminal = Terminal()
    with StageProgress(COUNTS, terminal) as stage:
        stage.meter.count("pairs/made", 3)
    assert caplog.messages == []
    shown = terminal.getvalue()
    assert "extract" in shown
    assert "5/5" in shown
    assert "3 out" in shown


def test_progress_that_is_not_open_has_no_meter() -> None:
    with pytest.raises(RuntimeError, match="not open"):
        _ = StageProgress(COUNTS, io.StringIO()).meter
