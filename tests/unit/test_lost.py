"""A worker process of Beam that is lost ends the run; other threads' errors are none of that."""

import io
import threading

import pytest

from pipelines import lost
from pipelines.lost import WorkerLostError, lost_workers_end_the_run


@pytest.fixture(autouse=True)
def left(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    codes: list[int] = []
    monkeypatch.setattr(lost, "leave", codes.append)
    monkeypatch.setattr(lost, "PATIENCE_S", 0.05)
    return codes


def fail(error: Exception) -> threading.Thread:
    """Return a thread that raises."""

    def run() -> None:
        raise error

    thread = threading.Thread(target=run)
    thread.start()
    return thread


@pytest.mark.parametrize(
    ("code", "more"), [(137, ", perhaps for want of memory"), (-9, ", perhaps for want of memory"), (1, "")]
)
def test_lost_worker_ends_the_run_with_a_sentence(left: list[int], code: int, more: str) -> None:
    said = io.StringIO()
    with lost_workers_end_the_run(said):
        fail(RuntimeError(f"Worker subprocess exited with return code {code}")).join()
    assert left == [1]
    assert said.getvalue() == (
        f"pmc15m: a worker process ended with {code}{more}; what is complete stays valid, the same command goes on\n"
    )


def test_worker_that_ends_with_the_run_is_not_lost(left: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lost, "PATIENCE_S", 30)
    said = io.StringIO()
    with lost_workers_end_the_run(said):
        thread = fail(RuntimeError("Worker subprocess exited with return code -15"))
    thread.join(10)
    assert (left, said.getvalue()) == ([], "")


def test_error_of_another_thread_is_told_as_before(left: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    heard: list[object] = []
    monkeypatch.setattr(threading, "excepthook", lambda args: heard.append(args.exc_value))
    before = threading.excepthook
    error = ValueError("mill")
    with lost_workers_end_the_run(io.StringIO()):
        fail(error).join()
    assert heard == [error]
    assert left == []
    assert threading.excepthook is before


def end_of_beam(is_stopped: bool) -> None:
    """Raise what Beam raises when a worker is gone."""
    try:
        if is_stopped:
            raise KeyboardInterrupt
    finally:
        raise RuntimeError("Channel closed prematurely.")


@pytest.mark.parametrize("is_stopped", [False, True])
def test_run_that_beam_ends_for_want_of_a_worker_says_so_unless_it_was_stopped(is_stopped: bool) -> None:
    with pytest.raises(RuntimeError) as raised, lost_workers_end_the_run(io.StringIO()):
        end_of_beam(is_stopped)
    assert isinstance(raised.value, WorkerLostError) is not is_stopped


def test_error_of_a_step_is_raised_as_it_is() -> None:
    with pytest.raises(RuntimeError, match="no mill") as raised, lost_workers_end_the_run(io.StringIO()):
        raise RuntimeError("no mill")
    assert type(raised.value) is RuntimeError
