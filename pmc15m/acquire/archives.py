"""Archives of articles in a folder: legacy `oa_package` tarballs and MECA zips, and the step that unpacks one."""

import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import BinaryIO, cast

from pmc15m.acquire.file_list import LIST_NAME, FileListRow, read_file_list
from pmc15m.acquire.meca import Meca
from pmc15m.acquire.members import DEFAULT_CAPS, Archive, ArchiveRefused, Caps
from pmc15m.acquire.repack import repack
from pmc15m.acquire.tarball import Tarball
from pmc15m.jats.reader import XmlRefused
from pmc15m.records import ArticleRef, Reason, Reject, Stage, Tally, article_order
from pmc15m.store import Store

MAX_DEPTH = 8
"""Folders below the source that are looked into: `pub/pmc/oa_package/08/e0` is five."""

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


def list_archives(source: str) -> Iterator[ArchiveEntry | Reject | Tally]:
    """Yield the archives of a folder, or the one that the source is: tarballs by number, then MECAs by path.

    A file list beside them is joined to them; rows of archives that are not there are passed over.
    Rejects: `index_row` for lines that are no row, `superseded` for a second tarball of an article.
    Tallies: `archives/listed`, of all of these.
    """
    for item in _list_archives(source):
        yield Tally("archives/listed", 1)
        yield item


def _list_archives(source: str) -> Iterator[ArchiveEntry | Reject]:
    folder, _, name = source.rstrip("/").rpartition("/")
    if (entry := _entry_of(name, "")) is not None:
        beside, entries = Store(folder or "/" * source.startswith("/") or "."), [entry]
    else:
        beside = Store(source)
        entries = list(_walk(beside))
    tarballs: dict[str, list[ArchiveEntry]] = {}
    for found in entries:
        if found.pmcid is not None:
            tarballs.setdefault(found.pmcid, []).append(found)
    rows: dict[str, list[FileListRow]] = {}
    for item in _read_lists(beside):
        if isinstance(item, Reject):
            yield item
        elif item.pmcid in tarballs:
            rows.setdefault(item.pmcid, []).append(item)
    for pmcid in sorted(tarballs, key=article_order):
        yield from _choose(tarballs[pmcid], rows.get(pmcid, []))
    yield from sorted((entry for entry in entries if entry.is_meca), key=lambda entry: entry.location)


def unpack_archive(
    entry: ArchiveEntry, source: str, store: str, caps: Caps = DEFAULT_CAPS
) -> Iterator[ArticleRef | Reject | Tally]:
    """Yield the article that an archive holds, once it is in the store, or a reject.

    Tallies: `archive_files/seen` and `archive_files/taken`, of the archives that were read.
    """
    try:
        stream = Store(source).open_file(entry.location)
    except FileNotFoundError:
        yield _reject(entry, Reason.NOT_FOUND, "no such file")
        return
    with stream:
        file = cast(BinaryIO, stream)
        try:
            archive: Archive = Meca(file, caps) if entry.is_meca else Tarball(file, caps)
            done = repack(archive, Store(store), entry.pmcid, entry.row, caps=caps)
        except (ArchiveRefused, XmlRefused) as refused:
            yield _reject(entry, refused.reason, refused.detail)
            return
    yield Tally("archive_files/seen", len(archive.names))
    yield Tally("archive_files/taken", len(done.files) - 1)  # the JSON is ours
    yield done.ref


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
            yield from read_file_list(cast(BinaryIO, io.BufferedReader(cast(io.RawIOBase, stream))), name)


def _choose(entries: list[ArchiveEntry], rows: Sequence[FileListRow]) -> Iterator[ArchiveEntry | Reject]:
    """Yield the tarball of an article with its row: of several the one that a list names, else the first."""
    chosen, *others = sorted(entries, key=lambda entry: (_row_at(entry, rows) is None, entry.location))
    row = _row_at(chosen, rows) or next(iter(rows), None)
    if row is not None:  # a retraction may stand in one list and not in another
        row = replace(row, is_retracted=any(row.is_retracted for row in rows))
    yield replace(chosen, row=row)
    for entry in others:
        yield _reject(entry, Reason.SUPERSEDED, f"{chosen.location} is there")


def _row_at(entry: ArchiveEntry, rows: Sequence[FileListRow]) -> FileListRow | None:
    """Return the row of exactly this file, wherever in the tree the source begins."""
    return next((row for row in rows if f"/{row.path}".endswith(f"/{entry.location or entry.name}")), None)


def _reject(entry: ArchiveEntry, reason: Reason, detail: str) -> Reject:
    pmcid, version = (entry.pmcid, 1) if entry.pmcid else ("PMC0", 0)
    shown = entry.location or entry.name
    return Reject(f"{pmcid}.{version}", pmcid, version, None, Stage.FETCH, reason, f"{shown}: {detail}")
