"""One article version from a bucket into the store: metadata, XML, and the media that its figures name.

Every file is compared with an md5 before it counts: of the inventory for the metadata, of the
metadata for the rest. What the store has right is not asked for again, so that a run that was killed
goes on where it was. The metadata is written last: without it an article is not there.
"""

import hashlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from pmc15m.acquire.http import FetchError, HttpPolicy, client_of, object_url
from pmc15m.acquire.index import Index, IndexRow
from pmc15m.acquire.metadata import MAX_BYTES, MetadataError, MetadataMismatchError, parse_metadata
from pmc15m.acquire.versions import choose_version
from pmc15m.config import DatasetConfig
from pmc15m.jats.article import parse_article
from pmc15m.records import FAULTS, ArticleRef, Figure, Package, Reason, Reject, Stage, Tally
from pmc15m.rows import read_range
from pmc15m.select import why_not_licensed, why_not_selected
from pmc15m.store import Md5MismatchError, Store, TooLargeError


@dataclass(frozen=True, slots=True)
class FetchJob:
    """Where articles come from, and where they go."""

    index: Index
    bucket: str
    policy: HttpPolicy
    store: str
    config: DatasetConfig
    known: tuple[str, ...] = ()  # paths in the store of the tables of the last fetch that was complete


@dataclass(frozen=True, slots=True)
class Stored:
    """One article version of a store."""

    key: str  # the pmcid
    version: int
    etag: str | None
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

    Rejects: of articles, and of single media files. Tallies: `articles/listed`, `objects/fetched`,
    `articles/unchanged`, `objects/kept`, `bytes/fetched`, `requests/sent`, `faults`.
    """
    known = {stored.key: stored for stored in read_range(Store(job.store), job.known, Stored, *job.index.range(number))}
    changed = []
    for versions in job.index.read(number):
        stored = known.get(versions[0].key)
        if stored is not None and _is_unchanged(versions, stored, Store(job.store)):
            yield Tally("articles/listed", len(versions))
            yield Tally("articles/unchanged", 1)
            yield stored
        else:
            changed.append(versions)
    with ThreadPoolExecutor(job.policy.connections, thread_name_prefix="fetch") as pool:
        for items in pool.map(lambda versions: list(_Fetching(versions, job).run()), changed):
            yield from _or_stale(items, known)


def _or_stale(items: list[Stored | Reject | Tally], known: dict[str, Stored]) -> Iterator[Stored | Reject | Tally]:
    """Yield what became of an article; what could not be asked for is still what the store has of it."""
    for item in items:
        is_fault = isinstance(item, Reject) and item.reason in FAULTS
        stored = known.get(item.pmcid) if isinstance(item, Reject) and is_fault else None
        if stored is None:
            yield item
        else:
            yield stored
            yield Tally("articles/stale", 1)


def _is_unchanged(versions: tuple[IndexRow, ...], stored: Stored, store: Store) -> bool:
    """Return whether an article is as the last complete fetch left it, by the ETag of its metadata.

    The metadata holds the md5 of every object of its version. Articles of several versions are looked
    at again, since another one may have become the one to take.
    """
    (row, *others) = versions
    is_same = not others and row.etag is not None and (row.version, row.etag) == (stored.version, stored.etag)
    return is_same and store.exists(f"{row.ref.location}/{row.ref.key}.json")


class _Fetching:
    """Fetches one article."""

    def __init__(self, versions: tuple[IndexRow, ...], job: FetchJob) -> None:
        self._versions, self._job = versions, job
        self._store = Store(job.store)
        self._client = client_of(job.policy)
        self._tallies = {"objects/fetched": 0, "objects/kept": 0, "bytes/fetched": 0, "requests/sent": 0, "faults": 0}
        self._num_bytes = 0

    def run(self) -> Iterator[Stored | Reject | Tally]:
        """Yield what became of the article."""
        yield Tally("articles/listed", len(self._versions))
        found: dict[str, tuple[IndexRow, Package, bytes]] = {}
        for row in self._versions:
            item = self._read_metadata(row)
            if isinstance(item, Reject):
                yield item
            else:
                found[row.ref.key] = (row, *item)
        if found:
            chosen = choose_version([package for _, package, _ in found.values()]).ref.key
            for key, (row, _, _) in found.items():
                if key != chosen:
                    yield self._reject(row.ref, Reason.SUPERSEDED, f"{chosen} is taken")
            yield from self._fetch(*found[chosen])
        yield from (Tally(name, count) for name, count in self._tallies.items() if count)

    def _read_metadata(self, row: IndexRow) -> tuple[Package, bytes] | Reject:
        ref = row.ref
        try:
            data = self._get(f"{ref.location}/{ref.key}.json", row.json_md5, MAX_BYTES)
            return parse_metadata(ref, data), data
        except FetchError as error:
            return self._reject(ref, error.reason, error.detail, error.is_fault)
        except MetadataError as error:
            return self._reject(ref, Reason.METADATA_INVALID, str(error))
        except MetadataMismatchError as error:
            return self._reject(ref, Reason.METADATA_MISMATCH, str(error))

    def _fetch(self, row: IndexRow, package: Package, metadata: bytes) -> Iterator[Stored | Reject]:
        ref = row.ref
        if package.is_retracted:
            yield self._reject(ref, Reason.RETRACTED, "the metadata says is_retracted")
            return
        if detail := why_not_licensed(package, self._job.config.select):
            yield self._reject(ref, Reason.NOT_SELECTED, detail)
            return
        try:
            name = f"{ref.location}/{ref.key}.xml"
            xml = self._get(name, package.xml_md5, self._job.config.xml.max_bytes)
        except FetchError as error:
            yield self._reject(ref, error.reason, error.detail, error.is_fault)
            return
        figures = [item for item in parse_article(package, xml, self._job.config.xml) if isinstance(item, Figure)]
        if figures and (detail := why_not_selected(figures[0].article, self._job.config.select)):
            yield self._reject(ref, Reason.NOT_SELECTED, detail)
            return
        self._put(name, xml)
        names = sorted({(figure.graphic, figure.graphic_md5) for figure in figures})
        for graphic, md5 in names:
            try:
                data = self._get(f"{ref.location}/{graphic}", md5, self._job.config.images.max_bytes)
                self._put(f"{ref.location}/{graphic}", data)
            except FetchError as error:  # extract says which figures lack it
                self._tallies["faults"] += error.is_fault
        self._put(f"{ref.location}/{ref.key}.json", metadata)
        yield Stored(
            key=ref.pmcid,
            version=ref.version,
            etag=row.etag,
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
        fetched = self._client.get(object_url(self._job.bucket, name), max_bytes=max_bytes, md5=md5)
        self._tallies["objects/fetched"] += 1
        self._tallies["bytes/fetched"] += len(fetched.data)
        self._tallies["requests/sent"] += fetched.num_requests
        return fetched.data

    def _put(self, name: str, data: bytes) -> None:
        """Write an object unless the store has these very bytes."""
        self._num_bytes += len(data)
        try:
            self._store.read_bytes(name, len(data), _md5(data))
        except (FileNotFoundError, TooLargeError, Md5MismatchError):
            self._store.put_bytes(data, name)

    def _reject(self, ref: ArticleRef, reason: Reason, detail: str, is_fault: bool = False) -> Reject:
        self._tallies["faults"] += is_fault
        return Reject(ref.key, ref.pmcid, ref.version, None, Stage.FETCH, reason, detail)


def _md5(data: bytes) -> str:
    return hashlib.md5(data, usedforsecurity=False).hexdigest()
