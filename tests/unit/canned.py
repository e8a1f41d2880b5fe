"""A client whose answers a test gives, without a socket."""

from collections.abc import Callable
from urllib.parse import parse_qsl, urlsplit

from pmc15m.acquire.http import Fetched, FetchError, HttpClient
from pmc15m.records import Reason
from tests.unit.scripted import md5_of

BUCKET = "http://bucket.test"
MAX_ATTEMPTS = 5

Answer = bytes | Reason
"""The bytes of an object, or why there are none."""


class Canned(HttpClient):
    """Asks a function instead of a server.

    Args:
        answer: gets path and query of an address.
    """

    def __init__(self, answer: Callable[[str, dict[str, str]], Answer]) -> None:
        self._answer = answer
        self.asked: list[tuple[str, dict[str, str]]] = []

    def get(
        self, url: str, *, max_bytes: int, md5: str | None = None, check: Callable[[bytes], str | None] | None = None
    ) -> Fetched:
        """Return the first answer that is right; a wrong one is asked for again, as the real client does."""
        parts = urlsplit(url)
        query = dict(parse_qsl(parts.query, keep_blank_values=True))
        why = ""
        reason = Reason.FETCH_FAILED
        for attempt in range(1, MAX_ATTEMPTS + 1):
            self.asked.append((parts.path, query))
            data = self._answer(parts.path, query)
            if isinstance(data, Reason):
                raise FetchError(data, f"{parts.path}: {data}", is_fault=data == Reason.FETCH_FAILED)
            assert len(data) <= max_bytes
            if md5 is not None and md5 != md5_of(data):
                reason, why = Reason.MD5_MISMATCH, "another md5"
            else:
                reason, why = Reason.FETCH_FAILED, (check(data) if check else None) or ""
            if not why:
                return Fetched(data, md5_of(data), None, attempt)
        raise FetchError(reason, f"{parts.path}: {why}", is_fault=False)


def client_with(answers: dict[str, Answer]) -> Canned:
    """Return a client of a bucket that has these objects, by path."""
    return Canned(lambda path, query: answers.get(path, Reason.NOT_FOUND))
