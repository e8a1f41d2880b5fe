"""The one HTTP client: whole objects or a reason, from a server that may be slow, sick or hostile.

The rules, and the faults that they answer, each with a test:

- An object is fetched whole or not at all, and asked for again whole: a failure in the body is a
  failure of the request.
- Waits have full jitter and a budget. A server that says 503 or 429, or is away, gets fewer requests at once;
  when one is left and refused too, nobody asks until its wait is over.
- Bytes are taken as they come: no Content-Encoding, no redirects, no parts, nothing beyond max_bytes.
- No proxy, certificate or password comes from the environment.
"""

import os
import re
import threading
import weakref
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

from urllib3.exceptions import HTTPError, LocationValueError

from pmc15m.acquire.answers import Order, describe, failure_of, judge_headers, judge_status, read_body
from pmc15m.acquire.pace import Clock, Permits, Schedule
from pmc15m.acquire.policy import FetchError, HttpPolicy
from pmc15m.acquire.pools import Pools
from pmc15m.acquire.retry import Attempts, Failure, Kind, Retries
from pmc15m.acquire.wire import Exchange

__all__ = ["Counts", "FetchError", "Fetched", "HttpClient", "HttpPolicy", "client_of", "object_url"]

_NOT_IN_KEYS = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")  # controls, and halves of characters


@dataclass(frozen=True, slots=True)
class Fetched:
    """An object."""

    data: bytes
    etag: str | None  # without quotes
    last_modified: str | None  # as the server writes it
    num_requests: int  # 1: the first one was enough


@dataclass(frozen=True, slots=True)
class Counts:
    """What a client did so far."""

    num_requests: int = 0
    num_retries: int = 0  # of the requests
    num_throttled: int = 0  # answers that asked for less, or none from a server that is away
    num_bytes: int = 0  # received, headers and lost bodies included


class HttpClient:
    """Fetches objects, from any number of threads; after a fork the child starts afresh.

    Args:
        policy: where and how fast.
        clock: the time.
    """

    def __init__(self, policy: HttpPolicy, clock: Clock | None = None) -> None:
        self._policy = policy
        self._clock = clock or Clock()
        self.restart()
        _ALIVE.add(self)

    def restart(self) -> None:
        """Begin with no connection, no history and no lock that another process may hold."""
        self._pools = Pools(self._policy)
        self._permits = Permits(self._policy.connections)
        self._schedule = Schedule(self._policy.requests_per_s, self._clock)
        self._retries = Retries(self._policy, self._clock)
        self._counts = [0, 0, 0, 0]
        self._counts_lock = threading.Lock()

    @property
    def counts(self) -> Counts:
        """What this process did so far."""
        return Counts(*self._counts)

    @property
    def num_permits(self) -> int:
        """How many requests may run at once now."""
        return self._permits.num_now

    def get(
        self, url: str, *, max_bytes: int, md5: str | None = None, check: Callable[[bytes], str | None] | None = None
    ) -> Fetched:
        """Return an object.

        Args:
            url: its address.
            max_bytes: a longer one is refused, unread where the server says how long it is.
            md5: what its bytes must have, 32 hex digits.
            check: returns why an answer with status 200 is to be asked for again, as if it were a 503.

        Raises:
            FetchError: it cannot be had.
            ValueError: the address is none.
        """
        may_be_html = urlsplit(url).path.lower().endswith((".html", ".htm"))
        order = Order(url, max_bytes, md5, check, may_be_html)
        attempts = Attempts()
        while True:
            got = self._try(order, attempts)
            if isinstance(got, Fetched):
                return got
            if got:
                self._clock.sleep(got)

    def _try(self, order: Order, attempts: Attempts) -> Fetched | float:
        """Return the object, or the seconds to wait before the next try."""
        mark = self._permits.acquire()
        try:
            self._schedule.wait()
            attempts.num_requests += 1
            fetched = self._ask(order, attempts.num_requests)
            self._permits.grow()
            self._retries.budget.give_back(attempts.last_cost)
        except Failure as failure:
            if failure.kind == Kind.BUSY:
                self._permits.cut(mark)
            num_busy = self._permits.num_cuts_in_a_row
            wait_s = self._retries.wait_after(failure, attempts, num_busy, describe(order.url))
            if failure.kind == Kind.BUSY and self._permits.num_now == 1:
                self._clock.sleep(wait_s)  # with the last permit in hand, so that all wait
                return 0.0
            return wait_s
        else:
            return fetched
        finally:
            self._permits.release()

    def _ask(self, order: Order, num_requests: int) -> Fetched:
        """Make one request.

        Raises:
            Failure: it did not bring the object.
        """
        exchange = Exchange(self._policy, self._clock, order.max_bytes)
        answer = None
        is_busy = False
        try:
            answer = self._pools.ask(order.url, exchange)
            judge_status(answer, exchange, self._clock.wall())
            data = read_body(answer, judge_headers(exchange, order.max_bytes), order, exchange)
            etag = (exchange.field("etag") or "").removeprefix("W/").strip('"') or None
            return Fetched(data, etag, exchange.field("last-modified"), num_requests)
        except LocationValueError:
            raise ValueError(f"{describe(order.url)} is no address to fetch from") from None
        except HTTPError as error:
            failure = failure_of(error, exchange)
            is_busy = failure.kind == Kind.BUSY
            raise failure from error
        except Failure as failure:
            is_busy = failure.kind == Kind.BUSY
            raise
        finally:
            if answer is not None:  # a body that was read to its end has let go of its connection
                answer.close()
                answer.release_conn()
            self._count(num_requests > 1, is_busy, exchange.num_bytes)

    def _count(self, is_retry: bool, is_busy: bool, num_bytes: int) -> None:
        counts = self._counts
        with self._counts_lock:
            counts[0] += 1
            counts[1] += is_retry
            counts[2] += is_busy
            counts[3] += num_bytes


_CLIENTS: dict[HttpPolicy, HttpClient] = {}
_ALIVE: "weakref.WeakSet[HttpClient]" = weakref.WeakSet()


def client_of(policy: HttpPolicy) -> HttpClient:
    """Return the client of this process for a policy: its threads share connections, rate and budget."""
    client = _CLIENTS.get(policy)
    return client or _CLIENTS.setdefault(policy, HttpClient(policy))


def _restart_in_child() -> None:
    """Give a forked process sockets and locks of its own."""
    for client in _ALIVE:
        client.restart()


os.register_at_fork(after_in_child=_restart_in_child)


def object_url(bucket_url: str, key: str) -> str:
    """Return the address of an object: `https://bucket/PMC1.1/a%20b.jpg`.

    Raises:
        ValueError: the key cannot be sent as it is: empty, dot segments, control characters, no UTF-8.
    """
    if not key or _NOT_IN_KEYS.search(key):
        raise ValueError(f"{key!r} is no key of an object")
    if {".", ".."} & set(key.split("/")):
        raise ValueError(f"{key!r} has dot segments, which servers and clients take away")
    return f"{bucket_url.rstrip('/')}/{quote(key, safe='/')}"
