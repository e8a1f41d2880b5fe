"""Rates and permits by themselves."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from pmc15m.acquire.pace import Clock, Permits, Schedule
from tests.unit.scripted import FastClock


def test_starts_are_evenly_spaced() -> None:
    clock = FastClock()
    schedule = Schedule(4.0, clock.clock)
    starts = []
    for _ in range(5):
        schedule.wait()
        starts.append(clock.now_s - 1_000)
    assert starts == pytest.approx([0, 0.25, 0.5, 0.75, 1])


def test_a_pause_allows_no_burst() -> None:
    clock = FastClock()
    schedule = Schedule(1.0, clock.clock)
    schedule.wait()
    clock.now_s += 100
    before_s = clock.now_s
    for _ in range(3):
        schedule.wait()
    assert clock.now_s - before_s == pytest.approx(2)


def test_without_a_rate_nobody_waits() -> None:
    clock = FastClock()
    schedule = Schedule(None, clock.clock)
    for _ in range(100):
        schedule.wait()
    assert clock.sleeps == []


def test_threads_share_a_rate() -> None:
    waits: list[float] = []
    clock = FastClock()
    schedule = Schedule(100.0, Clock(clock.now, waits.append))  # time stands still: every start has its own place
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda _: schedule.wait(), range(200)))
    assert sorted(waits) == pytest.approx([number / 100 for number in range(1, 200)])


def test_a_refusal_halves_those_in_use() -> None:
    permits = Permits(16)
    marks = [permits.acquire() for _ in range(6)]
    permits.cut(marks[0])
    assert (permits.num_now, permits.num_cuts_in_a_row) == (3, 1)


def test_requests_that_were_under_way_together_are_refused_together() -> None:
    permits = Permits(16)
    marks = [permits.acquire() for _ in range(16)]
    for mark in marks:
        permits.cut(mark)
        permits.release()
    assert permits.num_now == 8


def test_one_permit_is_always_left() -> None:
    permits = Permits(3)
    for _ in range(10):
        permits.cut(permits.acquire())
        permits.release()
    assert (permits.num_now, permits.num_cuts_in_a_row) == (1, 10)


def test_successes_add_one_permit_a_round_up_to_the_most() -> None:
    permits = Permits(4)
    for _ in range(3):
        permits.cut(permits.acquire())
        permits.release()
    seen = []
    for _ in range(10):
        permits.grow()
        seen.append(permits.num_now)
    assert seen == [2, 2, 3, 3, 3, 4, 4, 4, 4, 4]
    assert permits.num_cuts_in_a_row == 0


def test_who_waits_goes_on_when_a_permit_comes_free_or_is_added() -> None:
    permits = Permits(2)
    for _ in range(2):
        permits.cut(permits.acquire())
        permits.release()
    permits.acquire()
    went_on = threading.Semaphore(0)

    def wait() -> None:
        permits.acquire()
        went_on.release()

    threads = [threading.Thread(target=wait) for _ in range(2)]
    for thread in threads:
        thread.start()
    assert not went_on.acquire(timeout=0.02)
    permits.grow()
    assert went_on.acquire(timeout=10)
    assert not went_on.acquire(timeout=0.02)
    permits.release()
    assert went_on.acquire(timeout=10)
    for thread in threads:
        thread.join()
