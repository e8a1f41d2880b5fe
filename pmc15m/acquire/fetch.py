"""One article version from a bucket into the store: metadata, XML, and the media that its figures name.

Every file is compared with an md5 before it counts: of the inventory for the metadata, of the
metadata for the rest. What the store has right is not asked for again, so that a run that was killed
goes on where it was. The metadata is written last: without it an article is not there.
"""

import hashlib
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from pmc15m.acquire.http import Fetched, FetchError, HttpPolicy, client_of, object_url
from pmc15m.acquire.index import MD5, Index, IndexRow
from pmc15m.acquire.metadata import MAX_BYTES, MetadataError, MetadataMismatchError, parse_metadata
from pmc15m.acquire.retry import MAX_MISMATCHES
from pmc15m.acquire.versions import choose_version
from pmc15m.config import DatasetConfig
from pmc15m.jats.article import parse_article
from pmc15m.records import FAULTS, ArticleRef, Figure, Package, Reason, Reject, Stage, Tally
from pmc15m.rejects import reject_article
from pmc15m.rows import read_range
from pmc15m.select import why_not_licensed, why_not_selected
from pmc15m.store import SCRATCH_PREFIX, Md5MismatchError, Store, TooLargeError

RETRIED = FAULTS | {Reason.MD5_MISMATCH}
"""Reasons that may be over on another day: until then the store keeps what it has of the article."""


@dataclass(frozen=True, slots=True)
class FetchJob:
    """Where articles come from, and where they go."""

    index: Index
    bucket: str
    policy: HttpPolicy
    store: str
    config: DatasetConfig
    known: tuple[str, ...] = ()  # paths in the store of the tables of the last fetch that was complete
    is_fresh: bool = False  # looks into every article, also where the inventory tells of no change


@dataclass(frozen=True, slots=True)
class Stored:
    """One article version of a store."""

    key: str  # the pmcid
    version: int
    etag: str | None  # None too where a file is to be asked for again
    updated: str | None
    json_md5: str
    xml_md5: str
    license: str
    is_retracted: bool
    doi: str | None
    title: str | None
    num_media: int  # that its figures name
    num_bytes: int  # of all its files


def fetch_range(number: int, job: FetchJob) -> Iterator[Stored | Reject | Tally]:
    """Fetch the articles of one range of the index, as many side by side as there are connections.

    Rejects: of article versions; what lacks a media file is a matter of extract. Tallies:
    `articles/listed`, `articles/unchanged`, `articles/stale`, `objects/fetched`, `objects/kept`,
    `bytes/fetched`, `requests/sent`, `faults`.
    """
    known = {stored.key: stored for stored in read_range(Store(job.store), job.known, Stored, *job.index.range(number))}
    changed = []
    for versions in job.index.read(number):
        stored = known.get(versions[0].key)
        if stored is not None and not job.is_fresh and _is_unchanged(versions, stored, Store(job.store)):
            yield Tally("articles/listed", len(versions))
            yield Tally("articles/unchanged", 1)
            yield stored
        else:
            changed.append(versions)
    with ThreadPoolExecutor(job.policy.connections, thread_name_prefix="fetch") as pool:
        fetching = (_Fetching(versions, job, known.get(versions[0].key)) for versions in changed)
        for items in pool.map(lambda one: list(one.run()), fetching):
            yield from items


def keep_stale(outcomes: Sequence[Stored | Reject], known: Stored | None) -> list[Stored | Reject]:
    """Return what became of the versions of an article; what cannot be had now stays as the store has it.

    Args:
        outcomes: of each version one.
        known: what the store has; None: nothing.
    """
    faulty = [item for item in outcomes if isinstance(item, Reject) and item.reason in RETRIED]
    if known is None or not faulty:
        return list(outcomes)
    own = next((item for item in outcomes if item.version == known.version), None)
    if own not in faulty:
        is_over = isinstance(own, Reject) and own.reason != Reason.SUPERSEDED
        if is_over or any(isinstance(item, Stored) for item in outcomes):
            return list(outcomes)
        own = own or faulty[0]
    return [known if item is own else _superseded(item, known) for item in outcomes]


def _superseded(item: Stored | Reject, known: Stored) -> Reject:
    if isinstance(item, Reject):
        return item
    key = f"{item.key}.{item.version}"
    detail = f"version {known.version} of the last fetch stays"
    return Reject(key, item.key, item.version, None, Stage.FETCH, Reason.SUPERSEDED, detail)


def _is_unchanged(versions: tuple[IndexRow, ...], stored: Stored, store: Store) -> bool:
    """Return whether an article is as the last complete fetch left it, by the ETag of its metadata.

    The metadata holds the md5 of every object of its version. Articles of several versions are looked
    at again, since another one may have become the one to take.
    """
    (row, *others) = versions
    is_same = not others and row.etag is not None and (row.version, row.etag) == (stored.version, stored.etag)
    return is_same and store.exists(f"{row.ref.location}/{row.ref.key}.json")


class _ReplacedError(Exception):
    """An article version is another one than when its metadata was read."""

    def __init__(self, package: Package, metadata: bytes) -> None:
        super().__init__(package.ref.key)
        self.newer = (package, metadata)


class _Fetching:
    """Fetches one article."""

    def __init__(self, versions: tuple[IndexRow, ...], job: FetchJob, known: Stored | None) -> None:
        self._versions, self._job, self._known = versions, job, known
        self._store = Store(job.store)
        self._client = client_of(job.policy)
        self._tallies = {"objects/fetched": 0, "objects/kept": 0, "bytes/fetched": 0, "requests/sent": 0, "faults": 0}
        self._num_bytes = 0
        self._is_reread = False

    def run(self) -> Iterator[Stored | Reject | Tally]:
        """Yield what became of the article."""
        yield Tally("articles/listed", len(self._versions))
        outcomes = keep_stale(list(self._fetch_article()), self._known)
        yield from outcomes
        yield from (Tally("articles/stale", 1) for item in outcomes if item is self._known)
        yield from (Tally(name, count) for name, count in self._tallies.items() if count)

    def _fetch_article(self) -> Iterator[Stored | Reject]:
        """Yield what becomes of each version."""
        found: dict[str, tuple[IndexRow, Package, bytes]] = {}
        for row in self._versions:
            item = self._read_metadata(row.ref, row.json_md5)
            if isinstance(item, Reject):
                yield item
            else:
                found[row.ref.key] = (row, *item)
        if not found:
            return
        chosen = choose_version([package for _, package, _ in found.values()]).ref.key
        for key, (row, _, _) in found.items():
            if key != chosen:
                yield self._reject(row.ref, Reason.SUPERSEDED, f"{chosen} is taken")
        row, package, metadata = found[chosen]
        try:
            yield self._fetch(row, package, metadata)
        except _ReplacedError as error:
            yield self._fetch(row, *error.newer)

    def _read_metadata(self, ref: ArticleRef, md5: str | None) -> tuple[Package, bytes] | Reject:
        try:
            data = self._get_metadata(f"{ref.location}/{ref.key}.json", md5)
            return parse_metadata(ref, data), data
        except FetchError as error:
            return self._reject(ref, error.reason, error.detail)
        except MetadataError as error:
            return self._reject(ref, Reason.METADATA_INVALID, str(error))
        except MetadataMismatchError as error:
            return self._reject(ref, Reason.METADATA_MISMATCH, str(error))

    def _get_metadata(self, name: str, md5: str | None) -> bytes:
        """Return the metadata, also where they changed since the inventory was written."""
        try:
            return self._get(name, md5, MAX_BYTES)
        except FetchError as error:
            if md5 is None or error.reason != Reason.MD5_MISMATCH:
                raise
            try:
                return self._get(name, None, MAX_BYTES)
            except FetchError:
                raise error from None

    def _fetch(self, row: IndexRow, package: Package, metadata: bytes) -> Stored | Reject:
        ref, config = row.ref, self._job.config
        if package.is_retracted:
            return self._reject(ref, Reason.RETRACTED, "the metadata says is_retracted")
        if detail := why_not_licensed(package, config.select):
            return self._reject(ref, Reason.NOT_SELECTED, detail)
        try:
            xml = self._get_part(ref, metadata, f"{ref.key}.xml", package.xml_md5, config.xml.max_bytes)
        except FetchError as error:
            return self._reject(ref, error.reason, error.detail)
        figures = [item for item in parse_article(package, xml, config.xml) if isinstance(item, Figure)]
        if figures and (detail := why_not_selected(figures[0].article, config.select)):
            return self._reject(ref, Reason.NOT_SELECTED, detail)
        self._num_bytes = 0
        self._put(f"{ref.location}/{ref.key}.xml", xml)
        names = {figure.graphic: figure.graphic_md5 for figure in figures}
        num_lacking = sum(not self._fetch_media(ref, metadata, name, names[name]) for name in sorted(names))
        self._sweep(ref.location)
        self._put(f"{ref.location}/{ref.key}.json", metadata)
        return Stored(
            key=ref.pmcid,
            version=ref.version,
            etag=None if num_lacking else row.etag,
            updated=row.updated,
            json_md5=_md5(metadata),
            xml_md5=_md5(xml),
            license=str(package.license),
            is_retracted=package.is_retracted,
            doi=package.doi,
            title=package.title,
            num_media=len(names),
            num_bytes=self._num_bytes,
        )

    def _fetch_media(self, ref: ArticleRef, metadata: bytes, name: str, md5: str | None) -> bool:
        """Bring a media file; return False where it is to be asked for again on another day."""
        try:
            data = self._get_part(ref, metadata, name, md5, self._job.config.images.max_bytes)
        except FetchError as error:  # extract says which figures lack it
            self._tallies["faults"] += error.reason in FAULTS
            return error.reason not in FAULTS
        self._put(f"{ref.location}/{name}", data)
        return True

    def _get_part(self, ref: ArticleRef, metadata: bytes, name: str, md5: str | None, max_bytes: int) -> bytes:
        """Return a file of a version.

        Raises:
            FetchError: it cannot be had.
            _ReplacedError: it is not that of the metadata any more.
        """
        try:
            return self._get(f"{ref.location}/{name}", md5, max_bytes)
        except FetchError as error:
            if error.reason == Reason.MD5_MISMATCH and not self._is_reread:
                self._is_reread = True
                newer = self._read_metadata(ref, None)
                if not isinstance(newer, Reject) and newer[1] != metadata:
                    raise _ReplacedError(*newer) from error
            raise

    def _get(self, name: str, md5: str | None, max_bytes: int) -> bytes:
        """Return an object, from the store where it is there and right."""
        if md5 is not None:
            try:
                data = self._store.read_bytes(name, max_bytes, md5)
            except (FileNotFoundError, TooLargeError, Md5MismatchError):
                pass
            else:
                self._tallies["objects/kept"] += 1
                return data
        url = object_url(self._job.bucket, name)
        for _ in range(MAX_MISMATCHES):
            fetched = self._client.get(url, max_bytes=max_bytes, md5=md5)
            self._tallies["objects/fetched"] += 1
            self._tallies["bytes/fetched"] += len(fetched.data)
            self._tallies["requests/sent"] += fetched.num_requests
            if md5 is not None or _is_of_etag(fetched):
                return fetched.data
        raise FetchError(Reason.MD5_MISMATCH, f"{name}: md5 {_md5(fetched.data)}, its ETag says {fetched.etag}", False)

    def _put(self, name: str, data: bytes) -> None:
        """Write an object unless the store has these very bytes."""
        self._num_bytes += len(data)
        try:
            self._store.read_bytes(name, len(data), _md5(data))
        except (FileNotFoundError, TooLargeError, Md5MismatchError):
            self._store.put_bytes(data, name)

    def _sweep(self, folder: str) -> None:
        """Delete what a run that was killed did not finish."""
        for entry in self._store.list(folder) if self._store.is_local else ():
            if entry.name.startswith(SCRATCH_PREFIX):
                self._store.delete(f"{folder}/{entry.name}")

    def _reject(self, ref: ArticleRef, reason: Reason, detail: str) -> Reject:
        self._tallies["faults"] += reason in FAULTS
        return reject_article(ref, Stage.FETCH, reason, detail)


def _is_of_etag(fetched: Fetched) -> bool:
    """Return whether an object may be what its ETag tells: the md5, unless it was uploaded in parts."""
    is_md5 = fetched.etag is not None and MD5.fullmatch(fetched.etag) is not None
    return not is_md5 or fetched.etag == _md5(fetched.data)


def _md5(data: bytes) -> str:
    return hashlib.md5(data, usedforsecurity=False).hexdigest()
