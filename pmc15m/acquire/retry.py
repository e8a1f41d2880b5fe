"""When to ask again: kinds of failure, waits, and a budget that a sick server uses up.

Waits have full jitter, the budget has botocore's numbers (botocore/retries/standard.py: 500 tokens,
14 for a retry). Jitter decides when a request is made and nothing else.
"""

import random
import re
import threading
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime
from enum import Enum, auto

from pmc15m.acquire.pace import Clock
from pmc15m.acquire.policy import FetchError, HttpPolicy
from pmc15m.records import Reason

MAX_MISMATCHES = 2
"""A wrong md5 twice is not luck."""

_MAX_DOUBLINGS = 30
_FAULTS = {Reason.FETCH_FAILED, Reason.FETCH_TIMEOUT}


class Kind(Enum):
    """What to do about a failure."""

    FINAL = auto()  # nothing: the answer counts
    PASSING = auto()  # ask again
    BUSY = auto()  # ask again, later and less: the server wants it so, or is away


class Failure(Exception):
    """One request that did not bring the object."""

    def __init__(self, kind: Kind, reason: Reason, sentence: str, retry_after_s: float | None = None) -> None:
        super().__init__(kind, reason, sentence, retry_after_s)
        self.kind = kind
        self.reason = reason
        self.sentence = sentence
        self.retry_after_s = retry_after_s  # as the server asks, if it does


class Budget:
    """Tokens for retries, shared by the threads of a process; successes bring them back."""

    SIZE = 500
    COSTS = {Kind.PASSING: 14, Kind.BUSY: 5}  # noqa: RUF012 - never changed

    def __init__(self) -> None:
        self._num_left = self.SIZE
        self._lock = threading.Lock()

    def take(self, kind: Kind) -> int:
        """Return what a retry cost, 0 where not enough is left."""
        cost = self.COSTS[kind]
        with self._lock:
            if cost > self._num_left:
                return 0
            self._num_left -= cost
            return cost

    def give_back(self, num_tokens: int) -> None:
        """Put tokens back, up to the size."""
        if self._num_left == self.SIZE:
            return
        with self._lock:
            self._num_left = min(self.SIZE, self._num_left + num_tokens)


@dataclass(slots=True)
class Attempts:
    """What was tried for one object so far."""

    num_requests: int = 0
    num_mismatches: int = 0
    last_cost: int = 1  # tokens that a success brings back
    busy_since_s: float | None = None


class Retries:
    """Decides after each failure whether and when to ask again."""

    def __init__(self, policy: HttpPolicy, clock: Clock) -> None:
        self._policy = policy
        self._clock = clock
        self._random = random.Random()  # noqa: S311 - of its own, so that nobody's seed makes hosts wait in step
        self.budget = Budget()

    def wait_after(self, failure: Failure, attempts: Attempts, num_busy: int, where: str) -> float:
        """Return the seconds to wait before asking again.

        Args:
            failure: the newest one.
            attempts: of the same object; changed.
            num_busy: how often in a row the server was busy, whatever for.
            where: address of the object, for the error.

        Raises:
            FetchError: there is nothing more to try.
        """
        if failure.reason == Reason.MD5_MISMATCH:
            attempts.num_mismatches += 1
            if attempts.num_mismatches >= MAX_MISMATCHES:
                failure.kind = Kind.FINAL
        why = self._why_stop(failure, attempts)
        if why is not None:
            is_fault = failure.kind != Kind.FINAL or failure.reason in _FAULTS
            raise FetchError(failure.reason, f"{where}: {failure.sentence}{why}", is_fault) from failure
        return self._wait_s(failure, attempts.num_requests, num_busy)

    def _why_stop(self, failure: Failure, attempts: Attempts) -> str | None:
        """Return the end of the sentence, None to go on; take from the budget then."""
        if failure.kind == Kind.FINAL:
            return ""
        is_over = attempts.num_requests >= self._policy.attempts
        if failure.kind == Kind.BUSY:
            now_s = self._clock.now()
            if attempts.busy_since_s is None:
                attempts.busy_since_s = now_s
            # One object alone would be given up before a storm is over: it has patience too.
            is_over = is_over and now_s - attempts.busy_since_s >= self._policy.max_retry_after_s
        if is_over:
            return f"; given up after {attempts.num_requests} requests"
        attempts.last_cost = self.budget.take(failure.kind)
        if not attempts.last_cost:
            return f"; given up after {attempts.num_requests} requests, since too many others fail too"
        return None

    def _wait_s(self, failure: Failure, num_requests: int, num_busy: int) -> float:
        policy = self._policy
        if failure.kind == Kind.BUSY:
            first_s, doublings = policy.throttle_backoff_s, max(num_requests, num_busy) - 1
        else:
            first_s, doublings = policy.backoff_s, num_requests - 1
        longest_s = min(policy.max_backoff_s, first_s * 2.0 ** min(doublings, _MAX_DOUBLINGS))
        wait_s = self._random.random() * longest_s
        if failure.retry_after_s is not None:
            return min(policy.max_retry_after_s, failure.retry_after_s + wait_s)
        return wait_s


def parse_retry_after(text: str | None, date: str | None, wall_s: float) -> float | None:
    """Return the seconds that a server asks us to wait; None where it does not say so, or not clearly.

    Args:
        text: value of Retry-After: seconds, or an HTTP date.
        date: value of Date, the server's own clock; better than ours to compare its dates with.
        wall_s: our clock, seconds since 1970, where there is no Date.
    """
    if text is None:
        return None
    if re.fullmatch(r"[0-9]+", text.strip()):
        return float(text)
    until_s = _parse_date(text)
    if until_s is None:
        return None
    now_s = _parse_date(date) if date else None
    return max(0.0, until_s - (wall_s if now_s is None else now_s))


def _parse_date(text: str) -> float | None:
    try:
        date = parsedate_to_datetime(text)
        return (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp()  # a date of HTTP is in GMT, said or not
    except (ValueError, OverflowError, TypeError, IndexError):
        return None
