"""A server that takes its time: every request ends, whatever drips."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from pmc15m.acquire.http import FetchError, HttpClient, HttpPolicy
from pmc15m.records import Reason
from tests.unit.scripted import DATA, Act, answer, drip, md5_of, raw, scripted, silence

MD5 = md5_of(DATA)
OPEN_END = b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
IMPATIENT: dict[str, Any] = {"attempts": 2, "backoff_s": 0.0, "throttle_backoff_s": 0.0}


@pytest.mark.parametrize(
    "act",
    [
        pytest.param(drip(b"HTTP/1.1 200 OK\r\nContent-Length: 920\r\n\r\n" + DATA, 45), id="row 18: dripping body"),
        pytest.param(drip(CHUNKED + b"398\r\n" + DATA, len(CHUNKED) + 4), id="row 18: dripping chunk"),
        pytest.param(drip(CHUNKED + b"1;" + b"x" * 900, len(CHUNKED)), id="row 18: dripping chunk length"),
        pytest.param(drip(OPEN_END + DATA, len(OPEN_END)), id="row 18: dripping body without length"),
        pytest.param(drip(b"HTTP/1.1 200 OK\r\nX: " + b"y" * 900), id="row 19: dripping headers"),
        pytest.param(drip(b"HTTP/1.1 100 Go on\r\n\r\n" * 50), id="row 19: dripping answers before the answer"),
        pytest.param(silence, id="row 20: silence"),
    ],
)
def test_rows_18_to_20_the_deadline_ends_a_request_and_the_next_one_may_do(act: Act) -> None:
    policy = HttpPolicy(**IMPATIENT, deadline_s=0.15, deadline_bytes_per_s=1e9)
    start_s = time.monotonic()
    with scripted(act, answer(), act) as server:
        client = HttpClient(policy)
        assert client.get(server.url, max_bytes=10_000, md5=MD5).data == DATA
        with pytest.raises(FetchError) as caught:
            client.get(server.url, max_bytes=10_000, md5=MD5)
    assert (caught.value.reason, caught.value.is_fault) == (Reason.FETCH_TIMEOUT, True)
    assert "the deadline passed after" in caught.value.detail
    assert 0.45 <= time.monotonic() - start_s < 5


def test_a_silence_is_ended_by_its_own_limit() -> None:
    half = raw(b"HTTP/1.1 200 OK\r\nContent-Length: 920\r\n\r\n" + DATA[:500])
    with scripted(half) as server, pytest.raises(FetchError) as caught:
        HttpClient(HttpPolicy(**IMPATIENT, read_timeout_s=0.05)).get(server.url, max_bytes=1_000)
    assert caught.value.reason == Reason.FETCH_TIMEOUT
    assert "no answer in time after 540 bytes" in caught.value.detail


def test_a_long_body_has_longer_time_and_only_while_it_comes() -> None:
    data = DATA * 10
    slow = drip(b"HTTP/1.1 200 OK\r\nContent-Length: 9200\r\n\r\n" + data, 9_200, 0.004)
    with scripted(slow) as server:
        client = HttpClient(HttpPolicy(attempts=1, deadline_s=0.02, deadline_bytes_per_s=9_000.0))
        assert client.get(server.url, max_bytes=10_000, md5=md5_of(data)).data == data
        strict = HttpClient(HttpPolicy(attempts=1, deadline_s=0.02, deadline_bytes_per_s=1e9))
        with pytest.raises(FetchError, match="the deadline passed"):
            strict.get(server.url, max_bytes=10_000)


def test_no_thread_is_left_behind_by_a_deadline() -> None:
    before = threading.active_count()
    with scripted(silence) as server:
        client = HttpClient(HttpPolicy(**IMPATIENT, deadline_s=0.05))
        with ThreadPoolExecutor(4) as threads:
            futures = [threads.submit(client.get, server.url, max_bytes=1) for _ in range(4)]
    assert all(isinstance(future.exception(), FetchError) for future in futures)
    assert threading.active_count() <= before + 1
