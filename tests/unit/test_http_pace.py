"""A server that asks for less: fewer requests at once, longer waits, and an end to them."""

import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from pmc15m.acquire.http import Fetched, FetchError, HttpClient, HttpPolicy
from pmc15m.acquire.pace import Clock
from pmc15m.records import Reason
from tests.unit.scripted import DATA, Act, FastClock, Scripted, answer, fast_client, scripted

SLOW_DOWN = answer(b"<Error><Code>SlowDown</Code></Error>", "503 Slow Down")


def get_all(client: HttpClient, server: Scripted, count: int, num_threads: int = 16) -> list[Fetched | FetchError]:
    def get(number: int) -> Fetched | FetchError:
        try:
            return client.get(f"{server.url}/{number}", max_bytes=10_000)
        except FetchError as error:
            return error

    with ThreadPoolExecutor(num_threads) as threads:
        return list(threads.map(get, range(count)))


def test_row_7_three_times_slow_down_is_no_fault() -> None:
    with scripted(SLOW_DOWN, SLOW_DOWN, SLOW_DOWN, answer()) as server:
        client, clock = fast_client()
        assert client.get(server.url, max_bytes=1_000).num_requests == 4
    assert [wait_s <= longest for wait_s, longest in zip(clock.sleeps, (1, 2, 4), strict=True)] == [True] * 3


@pytest.mark.parametrize("num_threads", [1, 3, 16])
def test_row_8_a_storm_of_a_minute_is_sat_out(num_threads: int) -> None:
    client, clock = fast_client()
    end_s = clock.now_s + 60

    def act(connection: socket.socket) -> bool | None:
        return (SLOW_DOWN if clock.now_s < end_s else answer())(connection)

    with scripted(act) as server:
        got = get_all(client, server, 100, num_threads)
        assert {one.data for one in got if isinstance(one, Fetched)} == {DATA}
        assert [one for one in got if isinstance(one, FetchError)] == []
        assert client.counts.num_retries < 60
    assert client.num_permits > 1


def test_row_8_a_storm_halves_what_is_under_way_until_one_is_left() -> None:
    seen: list[int] = []
    lock = threading.Lock()
    together = threading.Barrier(16)
    client, _ = fast_client(HttpPolicy(connections=16, max_retry_after_s=0.0))

    def act(connection: socket.socket) -> bool | None:
        with lock:
            seen.append(client.num_permits)
            is_first_round = len(seen) <= 16
        if is_first_round:
            together.wait(30)
        return SLOW_DOWN(connection)

    with scripted(act) as server:
        get_all(client, server, 32)
        assert server.max_open == 16
    assert (seen[:16], seen[-1], client.num_permits) == ([16] * 16, 1, 1)
    assert sorted(seen, reverse=True) == seen


def test_row_8_while_the_last_one_waits_nobody_asks() -> None:
    asked_meanwhile: list[int] = []
    pace = FastClock()

    def sleep(seconds: float) -> None:
        num_before = len(server.requests)
        time.sleep(0.005)  # long enough for the other threads
        asked_meanwhile.append(len(server.requests) - num_before)
        pace.sleep(seconds)

    client = HttpClient(HttpPolicy(connections=1, attempts=2, max_retry_after_s=0.0), Clock(pace.now, sleep))
    with scripted(SLOW_DOWN) as server:
        get_all(client, server, 20, num_threads=4)
    assert asked_meanwhile == [0] * 20


def test_row_9_slow_down_for_ever_is_a_fault_in_the_end() -> None:
    with scripted(SLOW_DOWN) as server:
        client, clock = fast_client()
        got = get_all(client, server, 300)
    assert {error.reason for error in got if isinstance(error, FetchError)} == {Reason.FETCH_FAILED}
    assert all(isinstance(error, FetchError) and error.is_fault for error in got)
    assert client.counts.num_retries == 100  # the budget; then one request an object
    assert sum(clock.sleeps) < 30 * 60


def test_the_detail_says_what_the_server_says_and_that_the_budget_is_used_up() -> None:
    with scripted(SLOW_DOWN) as server:
        client, _ = fast_client()
        got = get_all(client, server, 300, num_threads=1)
    assert str(got[0]).startswith(f"{server.url}/0: status 503 (SlowDown); given up after ")
    words = "status 503 (SlowDown); given up after 1 requests, since too many others fail too"
    assert str(got[-1]) == f"{server.url}/299: {words}"


@pytest.mark.parametrize(
    ("value", "least_s"),
    [
        ("99999", 60),
        ("7", 7),
        ("0", 0),
        ("Fri, 15 Jan 2027 08:00:30 GMT", 30),
        ("soon", 0),
        ("-5", 0),
        ("9" * 5000, 60),
    ],
)
def test_row_11_retry_after_is_honoured_up_to_a_minute(value: str, least_s: float) -> None:
    with scripted(answer(b"", "429 Too Many Requests", f"Retry-After: {value}"), answer()) as server:
        client, clock = fast_client()
        client.get(server.url, max_bytes=1_000)
    assert least_s <= sum(clock.sleeps) <= min(60, least_s + 1)


def test_successes_bring_permits_back() -> None:
    with scripted(*[SLOW_DOWN] * 2, answer()) as server:
        client, _ = fast_client(HttpPolicy(connections=4))
        client.get(server.url, max_bytes=1_000)
        seen = [client.num_permits]
        for _ in range(8):
            client.get(server.url, max_bytes=1_000)
            seen.append(client.num_permits)
    assert seen == [2, 2, 3, 3, 3, 4, 4, 4, 4]


def test_other_faults_leave_the_permits_alone() -> None:
    with scripted(answer(b"", "500 No"), answer()) as server:
        client, _ = fast_client()
        client.get(server.url, max_bytes=1_000)
    assert client.num_permits == 16


def test_a_sick_server_is_not_stormed() -> None:
    with scripted(answer(b"", "500 No")) as server:
        client, _ = fast_client()
        get_all(client, server, 200)
        assert client.counts.num_retries == 500 // 14
        assert len(server.requests) == 200 + 500 // 14


def test_a_budget_lasts_where_retries_succeed() -> None:
    with scripted(*[answer(b"", "500 No"), answer()] * 100) as server:
        client, _ = fast_client()
        assert [one for one in get_all(client, server, 100, num_threads=1) if isinstance(one, FetchError)] == []
        assert client.counts.num_retries == 100


def test_few_faults_take_few_requests_more() -> None:
    """Retry amplification at 5 % of faults: at most 1.2 requests an object."""
    acts: list[Act] = [answer(b"", "500 No"), *[answer()] * 19] * 30
    with scripted(*acts) as server:
        client, _ = fast_client()
        assert not [one for one in get_all(client, server, 560) if isinstance(one, FetchError)]
        assert len(server.requests) <= 1.2 * 560


def test_waits_differ_between_clients_and_bytes_do_not() -> None:
    waits = []
    for _ in range(2):
        with scripted(answer(b"", "500 No"), answer()) as server:
            client, clock = fast_client()
            assert client.get(server.url, max_bytes=1_000).data == DATA
            waits.append(clock.sleeps)
    assert waits[0] != waits[1]
