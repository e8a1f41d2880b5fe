"""Where the files of articles are read from: a folder, or a bucket in place."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TypeVar

from pmc15m.acquire.http import FetchError, HttpPolicy, client_of, object_url
from pmc15m.records import Reason
from pmc15m.store import Md5MismatchError, Store, TooLargeError

T = TypeVar("T")
R = TypeVar("R")

URL_SCHEMES = ("https://", "http://")


def is_url(uri: str) -> bool:
    """Return whether articles are read from there by HTTP."""
    return uri.startswith(URL_SCHEMES)


@dataclass(frozen=True, slots=True)
class Source:
    """A place of articles in the layout of the Cloud Service."""

    uri: str
    policy: HttpPolicy = field(default_factory=HttpPolicy)  # how a bucket is asked

    def read_bytes(self, name: str, max_bytes: int, md5: str | None = None) -> bytes:
        """Return the bytes of a file.

        Raises:
            FileNotFoundError: there is no such file.
            TooLargeError: it holds more than max_bytes.
            Md5MismatchError: its bytes have not the md5 that was given.
            FetchError: a bucket does not give it.
        """
        if not is_url(self.uri):
            return Store(self.uri).read_bytes(name, max_bytes, md5)
        try:
            return client_of(self.policy).get(object_url(self.uri, name), max_bytes=max_bytes, md5=md5).data
        except FetchError as failed:
            error = failed.within(self.uri)
            if error.reason == Reason.NOT_FOUND:
                raise FileNotFoundError(error.detail) from error
            if error.reason == Reason.TOO_LARGE:
                raise TooLargeError(error.detail) from error
            if error.reason == Reason.MD5_MISMATCH:
                raise Md5MismatchError(error.detail) from error
            raise error from failed

    def read_ahead(self, items: Iterable[T], read: Callable[[T], R]) -> Iterator[tuple[T, R]]:
        """Yield items with what `read` makes of each, in order; from afar several at once.

        Args:
            items: what is to be read.
            read: reads one; called in threads where the source is no folder of this machine.
        """
        if not is_url(self.uri) and Store(self.uri).is_local:
            yield from ((item, read(item)) for item in items)
            return
        num_ahead = 2 * self.policy.connections
        with ThreadPoolExecutor(self.policy.connections, thread_name_prefix="read") as pool:
            running: deque[tuple[T, Future[R]]] = deque()
            for item in items:
                running.append((item, pool.submit(read, item)))
                if len(running) >= num_ahead:
                    first, done = running.popleft()
                    yield first, done.result()
            while running:
                first, done = running.popleft()
                yield first, done.result()
