"""Signals: the first ends a run in order, the second or a runner that does not listen ends the process."""

import logging
import signal
import threading

import pytest

from pipelines import signals
from pipelines.signals import STOPPED, Stop


class Left(BaseException):
    """Stands for the end of the process."""


@pytest.fixture
def ends(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return the codes with which the process would have ended."""
    codes: list[int] = []

    def leave(code: int) -> None:
        codes.append(code)
        raise Left

    monkeypatch.setattr(signals, "leave", leave)
    return codes


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_first_signal_interrupts_and_is_remembered(number: signal.Signals, code: int, ends: list[int]) -> None:
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    with Stop() as stop:
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(number)
        assert stop.exit_code == code
        assert not logging.getLogger("apache_beam").isEnabledFor(logging.CRITICAL)
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before
    assert logging.getLogger("apache_beam").isEnabledFor(logging.CRITICAL)
    assert ends == []


def test_second_signal_ends_the_process_and_says_so(ends: list[int], capfd: pytest.CaptureFixture[str]) -> None:
    with Stop():
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
        with pytest.raises(Left):
            signal.raise_signal(signal.SIGTERM)
    assert ends == [130]
    assert capfd.readouterr().err == f"pmc15m: {STOPPED}\n"


def test_runner_that_does_not_come_back_is_left_behind(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    left = threading.Event()
    monkeypatch.setattr(signals, "GRACE_S", 0.0)
    monkeypatch.setattr(signals, "leave", lambda _: left.set())
    with Stop():
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
        assert left.wait(timeout=10)
    assert capfd.readouterr().err == f"pmc15m: {STOPPED}\n"


def test_run_without_a_signal_has_no_code() -> None:
    with Stop() as stop:
        pass
    assert stop.exit_code == 0
