"""What was asked of the server: one record a request, and counts."""

import json
import time
from collections import Counter, deque
from dataclasses import dataclass
from threading import Lock
from typing import Any

_HEADER_SETS = 1_000


@dataclass(slots=True)
class Entry:
    """One request; `status` is None as long as no answer is decided on, 0 where there is to be none."""

    number: int  # from 1
    time: float  # seconds since the server began
    method: str
    target: str  # as it stood in the request: a proxy's begins with http://
    key: str
    in_flight: int  # requests under way at that moment, this one among them
    user_agent: str
    headers: dict[str, str]  # names in lower case
    attempt: int = 0  # at this key, from 1
    status: int | None = None
    fault: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return what stands in the log."""
        return {name: getattr(self, name) for name in self.__slots__}


class Log:
    """The records, oldest dropped first where there are too many, and the counts of all."""

    def __init__(self, most: int) -> None:
        self._entries: deque[Entry] = deque(maxlen=most)
        self._headers: dict[tuple[tuple[str, str], ...], dict[str, str]] = {}  # most requests have the same
        self._lock = Lock()
        self._start = time.monotonic()
        self.errors = 0  # mistakes of the server itself
        self._clear()

    def _clear(self) -> None:
        self._entries.clear()
        self._requests: Counter[str] = Counter()
        self._faults: Counter[str] = Counter()
        self._total = self._in_flight = self._max_in_flight = 0

    def begin(self, method: str, target: str, key: str, headers: tuple[tuple[str, str], ...]) -> Entry:
        """Record a request."""
        with self._lock:
            if headers not in self._headers and len(self._headers) >= _HEADER_SETS:
                self._headers.clear()
            kept = self._headers.setdefault(headers, dict(headers))
            self._total += 1
            self._in_flight += 1
            self._max_in_flight = max(self._max_in_flight, self._in_flight)
            self._requests[key] += 1
            since = round(time.monotonic() - self._start, 6)
            agent = kept.get("user-agent", "")
            entry = Entry(self._total, since, method, target, key, self._in_flight, agent, kept)
            self._entries.append(entry)
            return entry

    def answer(self, entry: Entry, attempt: int, status: int, fault: str | None) -> None:
        """Record what a request gets: before it gets it, so that who has read the answer finds it here."""
        with self._lock:
            entry.attempt, entry.status, entry.fault = attempt, status, fault
            if fault:
                self._faults[fault] += 1

    def end(self) -> None:
        """Record that a request is over."""
        with self._lock:
            self._in_flight -= 1

    def reset(self) -> None:
        """Forget everything but the requests under way."""
        with self._lock:
            under_way = self._in_flight
            self._clear()
            self._in_flight = self._max_in_flight = under_way

    def lines(self, after: int = 0) -> bytes:
        """Return the records after a number, as JSON lines."""
        with self._lock:
            rows = [entry.to_dict() for entry in self._entries if entry.number > after]
        return "".join(json.dumps(row) + "\n" for row in rows).encode()

    def counters(self) -> bytes:
        """Return the counts as JSON."""
        with self._lock:
            counts = {
                "total": self._total,
                "max_in_flight": self._max_in_flight,
                "errors": self.errors,
                "faults": dict(self._faults),
                "requests": dict(self._requests),
            }
        return json.dumps(counts).encode()
