"""Archives of articles in a folder: legacy `oa_package` tarballs and MECA zips, and the step that unpacks one.

A folder behind an `https://` cannot be listed: there the list of packages in it names the archives.
"""

import io
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import BinaryIO, cast

from pmc15m.acquire.file_list import LIST_NAME, FileListRow, read_file_list
from pmc15m.acquire.http import FetchError, HttpPolicy, client_of, object_url
from pmc15m.acquire.meca import Meca
from pmc15m.acquire.members import DEFAULT_CAPS, Archive, ArchiveRefused, Caps
from pmc15m.acquire.repack import repack
from pmc15m.acquire.source import Source, is_url
from pmc15m.acquire.tarball import Tarball
from pmc15m.errors import BrokenWorldError, UsageError
from pmc15m.jats.reader import XmlRefused
from pmc15m.records import FAULTS, ArticleRef, Reason, Reject, Stage, Tally, article_order
from pmc15m.store import Store, TooLargeError

MAX_DEPTH = 8
"""Folders below the source that are looked into: `pub/pmc/oa_package/08/e0` is five."""

MAX_LIST_BYTES = 2**30
MAX_ARCHIVE_BYTES = 2**30
"""What is fetched from afar lies in memory while it is unpacked."""

DEFAULT_POLICY = HttpPolicy()

_LISTS = ("oa_file_list.csv", "oa_file_list.txt")
_LIST_BUFFER_BYTES = 2**20
_TARBALL = re.compile(r"(PMC[1-9]\d{0,17})\.tar\.gz", re.ASCII)
_MECA = re.compile(r".+(?:\.meca|-meca\.zip)", re.IGNORECASE)
_PASSED_OVER = re.compile(r"\..*|PMC\d+\.\d+")  # hidden, being written, or an article of a store


@dataclass(frozen=True, slots=True)
class ArchiveEntry:
    """One archive of a source."""

    name: str  # base name
    location: str  # path relative to the source; "" where the source is the archive
    pmcid: str | None  # by its name; None for a MECA
    row: FileListRow | None = None  # of the list beside it

    @property
    def is_meca(self) -> bool:
        """Whether it is a MECA zip."""
        return self.pmcid is None


def is_archive(source: str) -> bool:
    """Return whether a source is one archive, by its name."""
    return _entry_of(source.rstrip("/").rpartition("/")[2], "") is not None


def list_archives(source: str, policy: HttpPolicy = DEFAULT_POLICY) -> Iterator[ArchiveEntry | Reject | Tally]:
    """Yield the archives of a folder, or the one that the source is: tarballs by number, then MECAs by path.

    A file list beside them is joined to them; rows of archives that are not there are passed over, but in a
    folder by URL, where the rows are the archives. Rejects: `index_row` for lines that are no row, `superseded`
    for a second tarball of an article. Tallies: `archives/listed`, of all of these.

    Raises:
        UsageError: a folder by URL has no list.
        BrokenWorldError: the list cannot be had.
    """
    for item in _list_archives(source, policy):
        yield Tally("archives/listed", 1)
        yield item


def _list_archives(source: str, policy: HttpPolicy) -> Iterator[ArchiveEntry | Reject]:
    entries, listed = _look_at_url(source, policy) if is_url(source) else _look_at_folder(source)
    tarballs: dict[str, list[ArchiveEntry]] = {}
    for found in entries:
        if found.pmcid is not None:
            tarballs.setdefault(found.pmcid, []).append(found)
    rows: dict[str, list[FileListRow]] = {}
    for item in listed:
        if isinstance(item, Reject):
            yield item
        elif item.pmcid in tarballs:
            rows.setdefault(item.pmcid, []).append(item)
    for pmcid in sorted(tarballs, key=article_order):
        yield from _choose(tarballs[pmcid], rows.get(pmcid, []))
    yield from sorted((entry for entry in entries if entry.is_meca), key=lambda entry: entry.location)


def _look_at_folder(source: str) -> tuple[list[ArchiveEntry], Iterable[FileListRow | Reject]]:
    """Return the archives of a folder, or the one that the source is, and what the lists there say."""
    folder, _, name = source.rstrip("/").rpartition("/")
    if (entry := _entry_of(name, "")) is not None:
        return [entry], _read_lists(Store(folder or "/" * source.startswith("/") or "."))
    store = Store(source)
    return list(_walk(store)), _read_lists(store)


def _look_at_url(source: str, policy: HttpPolicy) -> tuple[list[ArchiveEntry], Iterable[FileListRow | Reject]]:
    """Return the archives that the list in a folder by URL names, or the one that the source is, and the list."""
    if (entry := _entry_of(source.rpartition("/")[2], "")) is not None:
        return [entry], ()
    listed = list(_fetch_list(source, policy))
    paths = sorted({item.path for item in listed if isinstance(item, FileListRow)})
    found = (_entry_of(path.rpartition("/")[2], path) for path in paths)
    return [entry for entry in found if entry is not None], listed


def _fetch_list(source: str, policy: HttpPolicy) -> Iterator[FileListRow | Reject]:
    for name in _LISTS:
        try:
            data = client_of(policy).get(object_url(source, name), max_bytes=MAX_LIST_BYTES).data
        except FetchError as error:
            if error.reason != Reason.NOT_FOUND:
                raise BrokenWorldError(f"the list of archives cannot be read: {error.detail}") from error
        else:
            yield from read_file_list(io.BytesIO(data), name)
            return
    raise UsageError(f"{source} is no archive and has no {' or '.join(_LISTS)}, which would name some")


def unpack_archive(
    entry: ArchiveEntry, source: str, store: str, caps: Caps = DEFAULT_CAPS, policy: HttpPolicy = DEFAULT_POLICY
) -> Iterator[ArticleRef | Reject | Tally]:
    """Yield the article that an archive holds, once it is in the store, or a reject.

    Tallies: `archive_files/seen` and `archive_files/taken`, of the archives that were read, and `faults`.
    """
    try:
        stream = _open(entry, source, policy)
    except FileNotFoundError:
        yield _reject(entry, Reason.NOT_FOUND, "no such file")
        return
    except TooLargeError as error:
        yield _reject(entry, Reason.TOO_LARGE, str(error))
        return
    except FetchError as error:
        yield from [Tally("faults", 1)] if error.reason in FAULTS else []
        yield _reject(entry, error.reason, error.detail)
        return
    with stream:
        try:
            archive: Archive = Meca(stream, caps) if entry.is_meca else Tarball(stream, caps)
            done = repack(archive, Store(store), entry.pmcid, entry.row, caps=caps)
        except (ArchiveRefused, XmlRefused) as refused:
            yield _reject(entry, refused.reason, refused.detail)
            return
    yield Tally("archive_files/seen", len(archive.names))
    yield Tally("archive_files/taken", len(done.files) - 1)  # the JSON is ours
    yield done.ref


def _open(entry: ArchiveEntry, source: str, policy: HttpPolicy) -> BinaryIO:
    """Open an archive: in place, or in memory where each read of it would be a request.

    Raises:
        FileNotFoundError: it is not there.
        TooLargeError: it does not fit into memory.
        FetchError: a server does not give it.
    """
    if not is_url(source) and Store(source).is_local:
        return cast(BinaryIO, Store(source).open_file(entry.location))
    folder = source if entry.location else source.rpartition("/")[0]
    return io.BytesIO(Source(folder, policy).read_bytes(entry.location or entry.name, MAX_ARCHIVE_BYTES))


def _entry_of(name: str, location: str) -> ArchiveEntry | None:
    match = _TARBALL.fullmatch(name)
    if match is None and not _MECA.fullmatch(name):
        return None
    return ArchiveEntry(name, location, match.group(1) if match else None)


def _walk(store: Store, folder: str = "", depth: int = 0) -> Iterator[ArchiveEntry]:
    for found in store.list(folder):
        location = f"{folder}/{found.name}" if folder else found.name
        if not found.is_folder:
            if (entry := _entry_of(found.name, location)) is not None:
                yield entry
        elif depth < MAX_DEPTH and not _PASSED_OVER.fullmatch(found.name):
            yield from _walk(store, location, depth + 1)


def _read_lists(store: Store) -> Iterator[FileListRow | Reject]:
    """Yield the rows of all lists in a folder; of two forms of one list, the `.csv`, which has dates."""
    names = [entry.name for entry in store.list() if not entry.is_folder and LIST_NAME.fullmatch(entry.name)]
    for name in names:
        if name.endswith(".txt") and f"{name.removesuffix('.txt')}.csv" in names:
            continue
        with store.open_file(name) as stream:
            yield from read_file_list(
                cast(BinaryIO, io.BufferedReader(cast(io.RawIOBase, stream), _LIST_BUFFER_BYTES)), name
            )


def _choose(entries: list[ArchiveEntry], rows: Sequence[FileListRow]) -> Iterator[ArchiveEntry | Reject]:
    """Yield the tarball of an article with its row: of several the newest that a list names, else the first."""
    by_path = sorted(entries, key=lambda entry: entry.location)
    chosen, *others = sorted(by_path, key=lambda entry: _age(_row_at(entry, rows)), reverse=True)
    row = _row_at(chosen, rows) or next(iter(rows), None)
    if row is not None:  # a retraction may stand in one list and not in another
        row = replace(row, is_retracted=any(row.is_retracted for row in rows))
    yield replace(chosen, row=row)
    for entry in others:
        yield _reject(entry, Reason.SUPERSEDED, f"{chosen.location} is there")


def _age(row: FileListRow | None) -> tuple[bool, str]:
    """Return what is greater the newer a list says that a file is; least for one that no list names."""
    return row is not None, (row.updated or "") if row is not None else ""


def _row_at(entry: ArchiveEntry, rows: Sequence[FileListRow]) -> FileListRow | None:
    """Return the row of exactly this file, wherever in the tree the source begins."""
    return next((row for row in rows if f"/{row.path}".endswith(f"/{entry.location or entry.name}")), None)


def _reject(entry: ArchiveEntry, reason: Reason, detail: str) -> Reject:
    pmcid, version = (entry.pmcid, 1) if entry.pmcid else ("PMC0", 0)
    shown = entry.location or entry.name
    return Reject(f"{pmcid}.{version}", pmcid, version, None, Stage.FETCH, reason, f"{shown}: {detail}")
