"""The tables that a store keeps of itself: what the last complete fetch left, and what it changed.

`fetched.json` names the tables of the last complete fetch; it is replaced only when the next one is
complete, so that a run that was killed compares with the same state when it goes on. All of it is
read a range of digests at a time: memory does not grow with the number of articles.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass

from pmc15m.acquire.changes import Change, find_changes
from pmc15m.acquire.stored import Refused, Stored
from pmc15m.records import Reason, Reject, Tally
from pmc15m.rows import RowFile, order_range, read_range, write_rows
from pmc15m.stages import Origin, OutputError, StageFiles, finish_stage, read_json, read_stage
from pmc15m.store import Store

POINTER = "fetched.json"
CHANGES = "changes"
UNPACKED = "unpacked"
STORED, REFUSED = "stored", "refused"
"""Starts of the names of the two kinds of row files."""

INVENTORY = "inventory/"
"""Start of the name of the tally that says of which day an inventory was."""

_ROWS_AT_ONCE = 20_000


@dataclass(frozen=True, slots=True)
class Known:
    """What the last complete fetch left: paths in the store, and what it was of."""

    folder: str = ""
    stored: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()
    num_rows: int = 0
    inventory: str | None = None  # its day


def read_known(store: Store) -> Known:
    """Return what the last complete fetch left; nothing before the first."""
    pointer = read_json(store, POINTER)
    if pointer is None:
        return Known()
    return Known(**{**pointer, "stored": tuple(pointer["stored"]), "refused": tuple(pointer["refused"])})


def read_account(store: Store) -> Iterator[Reject | Tally]:
    """Yield what the last complete fetch listed and rejected: what a release says of its articles.

    Tallies: `articles/listed`, `articles/fetched`, `inventory/<day>`.
    """
    known = read_known(store)
    if not known.folder:
        yield from _read_unpacked(store)
        return
    if known.inventory is not None:
        yield Tally(f"{INVENTORY}{known.inventory}", 1)
    for low, high in _slices(known.num_rows):
        num_stored = sum(1 for _ in read_range(store, known.stored, Stored, low, high))
        yield Tally("articles/fetched", num_stored)
        yield Tally("articles/listed", num_stored)
        for refused in read_range(store, known.refused, Refused, low, high):
            yield Tally("articles/listed", 1)
            yield refused.reject


def _read_unpacked(store: Store) -> Iterator[Reject | Tally]:
    """Yield what the archives of a store held, where it was made of archives."""
    folder = f"{store.uri}/{UNPACKED}"
    try:
        stage = read_stage(folder, "unpack")
    except OutputError:
        return
    yield Tally("articles/listed", stage.tallies.get("archives/listed", 0))
    yield Tally("articles/fetched", stage.tallies.get("unpack_archive/out", 0))
    yield from read_range(Store(folder), stage.reject_names, Reject, *order_range(0, 1))


def finish_fetch(
    folder: str, origin: Origin, stored: list[RowFile], refused: list[RowFile], tallies: dict[str, int]
) -> None:
    """Write the marker of a complete fetch."""
    finish_stage(folder, origin, [*stored, *refused], [], tallies)


def commit_fetch(
    store: Store, folder: str, stage: StageFiles, is_asked: Callable[[str], bool], inventory: str | None
) -> dict[str, int]:
    """Make a complete fetch the one that the next compares with; return the number of changes by kind.

    What is gone, retracted or replaced by another version is deleted from the store. The changes go to
    `changes/changes-<digest>.parquet`; the first fetch has none.

    Args:
        store: the articles.
        folder: of the fetch, in the store.
        stage: what it left there.
        is_asked: tells of a pmcid whether the fetch looked for it: what it did not look for stays.
        inventory: its day.
    """
    before = read_known(store)
    paths = {kind: [f"{folder}/{name}" for name in stage.names if name.startswith(f"{kind}-")] for kind in _KINDS}
    num_rows = sum(file.num_rows for file in stage.files)
    counts: dict[str, int] = {}
    others: list[tuple[str, RowFile]] = []
    for low, high in _slices(before.num_rows + num_rows):
        old = list(read_range(store, before.stored, Stored, low, high))
        new = list(read_range(store, paths[STORED], Stored, low, high))
        refused = list(read_range(store, paths[REFUSED], Refused, low, high))
        brought = {row.key for row in new}
        kept = [row for row in old if row.key not in brought and not is_asked(row.key)]
        looked_at = brought | {row.key for row in refused}
        kept_refused = [row for row in read_range(store, before.refused, Refused, low, high)
                        if row.key not in looked_at and not is_asked(row.key)]  # fmt: skip
        for kind, rows in ((STORED, kept), (REFUSED, kept_refused)):
            others += [(kind, _write(store, folder, rows, kind))] if rows else []
        retracted = [row.key for row in refused if row.reason == Reason.RETRACTED]
        if before.folder:
            for kind, count in _note_changes(store, list(find_changes(old, [*new, *kept], retracted, inventory))):
                counts[kind] = counts.get(kind, 0) + count
    for kind, file in others:
        paths[kind].append(f"{folder}/{file.name}")
        num_rows += file.num_rows
    known = Known(folder, tuple(sorted(paths[STORED])), tuple(sorted(paths[REFUSED])), num_rows, inventory)
    store.put_bytes((json.dumps(asdict(known), indent=1) + "\n").encode(), POINTER)
    return dict(sorted(counts.items()))


_KINDS = {STORED: Stored, REFUSED: Refused}


def _write(store: Store, folder: str, rows: list[Stored] | list[Refused], kind: str) -> RowFile:
    return write_rows(rows, _KINDS[kind], Store(f"{store.uri}/{folder}"), f"{kind}-others")


def _note_changes(store: Store, changes: list[Change]) -> Iterator[tuple[str, int]]:
    """Write some changes and do away with what they make old; yield their kinds."""
    for change in changes:  # what is withdrawn or replaced must not be built from again
        if change.old_version not in (None, change.new_version):
            store.delete(f"{change.key}.{change.old_version}")
    if changes:
        write_rows(changes, Change, Store(f"{store.uri}/{CHANGES}"), CHANGES)
    yield from ((change.change, 1) for change in changes)


def _slices(num_rows: int) -> list[tuple[int, int]]:
    """Return ranges of digests of so many rows in all that each can be held."""
    count = max(1, -(-num_rows // _ROWS_AT_ONCE))
    return [order_range(index, count) for index in range(count)]
