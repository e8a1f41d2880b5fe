"""How fast to ask: a rate that threads share, and as many requests at once as a server bears."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Clock:
    """Where time comes from and how to let it pass; a test puts its own in."""

    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    wall: Callable[[], float] = time.time  # seconds since 1970, for dates in headers


class Schedule:
    """Starts of requests, evenly spaced, whichever thread makes them. No burst after a pause.

    Args:
        per_s: starts a second; None: no limit.
        clock: the time.
    """

    def __init__(self, per_s: float | None, clock: Clock) -> None:
        self._interval_s = 0.0 if per_s is None else 1.0 / per_s
        self._clock = clock
        self._lock = threading.Lock()
        self._next_s = float("-inf")

    def wait(self) -> None:
        """Return when the next request may start."""
        if not self._interval_s:
            return
        with self._lock:
            now_s = self._clock.now()
            start_s = max(now_s, self._next_s)
            self._next_s = start_s + self._interval_s
        if start_s > now_s:
            self._clock.sleep(start_s - now_s)


class Permits:
    """Requests at once: halved when the server asks for less, raised by one with every round of successes.

    The rule is TCP's (additive increase, multiplicative decrease). Requests that were under way together
    and are all refused count as one refusal.

    Args:
        num_max: the most there ever are.
    """

    def __init__(self, num_max: int) -> None:
        self._num_max = num_max
        self._limit = float(num_max)
        self._num_used = 0
        self._num_cuts = 0
        self._num_cuts_in_a_row = 0
        self._changed = threading.Condition(threading.Lock())

    @property
    def num_now(self) -> int:
        """How many requests may run at once now."""
        return int(self._limit)

    @property
    def num_cuts_in_a_row(self) -> int:
        """How often permits were cut since the last success."""
        return self._num_cuts_in_a_row

    def acquire(self) -> int:
        """Wait for a permit; return the mark to give to `cut`."""
        with self._changed:
            while self._num_used >= int(self._limit):
                self._changed.wait()
            self._num_used += 1
            return self._num_cuts

    def release(self) -> None:
        """Give a permit back."""
        with self._changed:
            self._num_used -= 1
            self._changed.notify()

    def grow(self) -> None:
        """Note a success."""
        if not self._num_cuts_in_a_row and self._limit == self._num_max:
            return
        with self._changed:
            self._num_cuts_in_a_row = 0
            self._limit = min(self._num_max, self._limit + 1 / int(self._limit))
            self._changed.notify()

    def cut(self, mark: int) -> None:
        """Note that the server refused a request whose permit came with this mark: half of those in use stay."""
        with self._changed:
            if mark == self._num_cuts:
                self._limit = float(max(1, min(int(self._limit), self._num_used) // 2))
                self._num_cuts += 1
                self._num_cuts_in_a_row += 1
