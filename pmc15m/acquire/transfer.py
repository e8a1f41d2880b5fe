"""Objects of a bucket, through a store where there is one: what it has right is not asked for."""

import hashlib

from pmc15m.acquire.http import Fetched, FetchError, HttpClient, object_url
from pmc15m.acquire.index import MD5
from pmc15m.acquire.retry import MAX_MISMATCHES
from pmc15m.records import Reason
from pmc15m.store import SCRATCH_PREFIX, Md5MismatchError, Store, TooLargeError


class Transfer:
    """Brings the objects of one article, and counts them."""

    def __init__(self, client: HttpClient, bucket: str, store: Store | None) -> None:
        """Name where objects come from, and where they are kept; None: nowhere."""
        self._client, self._bucket, self._store = client, bucket, store
        self.tallies = {"objects/fetched": 0, "objects/kept": 0, "bytes/fetched": 0, "requests/sent": 0, "faults": 0}

    def get(self, name: str, md5: str | None, max_bytes: int) -> bytes:
        """Return an object, from the store where it is there and right.

        Raises:
            FetchError: it cannot be had.
        """
        if md5 is not None and self._store is not None:
            try:
                data = self._store.read_bytes(name, max_bytes, md5)
            except (FileNotFoundError, TooLargeError, Md5MismatchError):
                pass
            else:
                self.tallies["objects/kept"] += 1
                return data
        url = object_url(self._bucket, name)
        for _ in range(MAX_MISMATCHES):
            try:
                fetched = self._client.get(url, max_bytes=max_bytes, md5=md5)
            except FetchError as error:
                raise error.within(self._bucket) from error
            self.tallies["objects/fetched"] += 1
            self.tallies["bytes/fetched"] += len(fetched.data)
            self.tallies["requests/sent"] += fetched.num_requests
            if md5 is not None or _is_of_etag(fetched):
                return fetched.data
        detail = f"{name}: md5 {md5_of(fetched.data)}, its ETag says {fetched.etag}"
        raise FetchError(Reason.MD5_MISMATCH, detail, False)

    def put(self, name: str, data: bytes) -> None:
        """Keep an object, unless the store has these very bytes."""
        if self._store is None:
            return
        try:
            self._store.read_bytes(name, len(data), md5_of(data))
        except (FileNotFoundError, TooLargeError, Md5MismatchError):
            self._store.put_bytes(data, name)

    def sweep(self, folder: str) -> None:
        """Delete what a run that was killed did not finish."""
        if self._store is None or not self._store.is_local:
            return
        for entry in self._store.list(folder):
            if entry.name.startswith(SCRATCH_PREFIX):
                self._store.delete(f"{folder}/{entry.name}")


def md5_of(data: bytes) -> str:
    """Return the md5 of an object."""
    return hashlib.md5(data, usedforsecurity=False).hexdigest()


def _is_of_etag(fetched: Fetched) -> bool:
    """Return whether an object may be what its ETag tells: the md5, unless it was uploaded in parts."""
    is_md5 = fetched.etag is not None and MD5.fullmatch(fetched.etag) is not None
    return not is_md5 or fetched.etag == md5_of(fetched.data)
