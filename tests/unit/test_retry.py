"""Waits, budget and Retry-After by themselves."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from pmc15m.acquire.http import FetchError, HttpPolicy
from pmc15m.acquire.retry import Attempts, Budget, Failure, Kind, Retries, parse_retry_after
from pmc15m.records import Reason
from tests.unit.scripted import FastClock

PASSING = Failure(Kind.PASSING, Reason.FETCH_FAILED, "status 500")
BUSY = Failure(Kind.BUSY, Reason.FETCH_FAILED, "status 503")
NOON = "Wed, 25 Nov 2026 12:00:00 GMT"


@pytest.fixture
def far_east(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "Asia/Tokyo")
        time.tzset()
        yield
    time.tzset()


def waits(failure: Failure, num_requests: int, num_busy: int = 0, policy: HttpPolicy | None = None) -> list[float]:
    """Return many waits after the same failure."""
    policy = policy or HttpPolicy(attempts=1_000)
    found = []
    for _ in range(300):
        retries = Retries(policy, FastClock().clock)
        found.append(retries.wait_after(failure, Attempts(num_requests), num_busy, "x"))
    return found


@pytest.mark.parametrize(
    ("failure", "num_requests", "num_busy", "longest_s"),
    [
        (PASSING, 1, 0, 0.1),
        (PASSING, 4, 9, 0.8),
        (PASSING, 9, 0, 20),
        (PASSING, 999, 0, 20),
        (BUSY, 1, 0, 1),
        (BUSY, 3, 0, 4),
        (BUSY, 1, 4, 8),
        (BUSY, 9, 0, 20),
    ],
)
def test_waits_are_drawn_from_zero_to_a_most_that_doubles(
    failure: Failure, num_requests: int, num_busy: int, longest_s: float
) -> None:
    found = waits(failure, num_requests, num_busy)
    assert 0 <= min(found) < 0.1 * longest_s
    assert 0.9 * longest_s < max(found) <= longest_s


def test_a_wait_that_the_server_asks_for_comes_first() -> None:
    asked = Failure(Kind.BUSY, Reason.FETCH_FAILED, "status 503", 10.0)
    assert 10 <= min(waits(asked, 1)) <= max(waits(asked, 1)) <= 11
    assert set(waits(asked, 1, policy=HttpPolicy(max_retry_after_s=5.0))) == {5.0}


def test_a_busy_server_is_given_up_after_attempts_and_patience_both() -> None:
    clock = FastClock()
    retries = Retries(HttpPolicy(attempts=2, max_retry_after_s=60.0), clock.clock)
    attempts = Attempts()
    for _ in range(5):
        attempts.num_requests += 1
        retries.wait_after(BUSY, attempts, 0, "x")
        clock.now_s += 12
    attempts.num_requests += 1
    with pytest.raises(FetchError, match="x: status 503; given up after 6 requests"):
        retries.wait_after(BUSY, attempts, 0, "x")


def test_a_wrong_md5_twice_is_final_and_once_is_not() -> None:
    retries = Retries(HttpPolicy(attempts=3), FastClock().clock)
    attempts = Attempts(num_requests=1)
    retries.wait_after(Failure(Kind.PASSING, Reason.MD5_MISMATCH, "md5"), attempts, 0, "x")
    with pytest.raises(FetchError) as caught:
        retries.wait_after(Failure(Kind.PASSING, Reason.MD5_MISMATCH, "md5"), attempts, 0, "x")
    assert (caught.value.reason, caught.value.is_fault) == (Reason.MD5_MISMATCH, False)
    with pytest.raises(FetchError) as caught:
        retries.wait_after(Failure(Kind.PASSING, Reason.MD5_MISMATCH, "md5"), Attempts(3), 0, "x")
    assert (caught.value.reason, caught.value.is_fault) == (Reason.MD5_MISMATCH, True)


def test_the_budget_is_used_up_and_filled_again() -> None:
    budget = Budget()
    assert [budget.take(Kind.PASSING) for _ in range(36)] == [14] * 35 + [0]
    assert [budget.take(Kind.BUSY) for _ in range(3)] == [5, 5, 0]
    budget.give_back(14)
    assert [budget.take(Kind.PASSING), budget.take(Kind.BUSY)] == [14, 0]
    budget.give_back(10_000)
    assert sum(budget.take(Kind.BUSY) for _ in range(200)) == 500


def test_threads_share_the_budget() -> None:
    budget = Budget()
    with ThreadPoolExecutor(8) as threads:
        taken = list(threads.map(lambda _: budget.take(Kind.BUSY), range(1_000)))
    assert sum(taken) == 500


@pytest.mark.parametrize(
    ("text", "date", "seconds"),
    [
        (None, NOON, None),
        ("120", NOON, 120),
        (" 0 ", None, 0),
        ("1.5", None, None),
        ("-1", None, None),
        ("\u0661", None, None),
        ("9" * 400, None, float("inf")),
        ("Wed, 25 Nov 2026 12:00:07 GMT", NOON, 7),
        ("Wednesday, 25-Nov-26 12:00:07 GMT", NOON, 7),
        ("Wed Nov 25 12:00:07 2026", None, 7),
        ("Wed, 25 Nov 2026 11:00:00 GMT", NOON, 0),
        ("Wed, 25 Nov 2026 12:00:07 GMT", None, 7),
        ("Wed, 25 Nov 2026 12:00:07 GMT", "what", 7),
        ("Wed, 99 Nov 2026 12:00:07 GMT", NOON, None),
        ("tomorrow", NOON, None),
        ("", NOON, None),
    ],
)
@pytest.mark.usefixtures("far_east")
def test_retry_after_is_read_in_all_its_forms(text: str | None, date: str | None, seconds: float | None) -> None:
    noon_s = 1_795_608_000.0
    assert parse_retry_after(text, date, noon_s) == seconds
