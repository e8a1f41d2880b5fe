"""The tables that a store keeps of itself: what the last complete fetch left, and what it changed.

`fetched.json` names the table of the last complete fetch; it is replaced only when the next one is
complete, so that a run that was killed compares with the same state when it goes on.
"""

import json
from collections.abc import Callable, Iterator

from pmc15m.acquire.changes import Change, find_changes
from pmc15m.acquire.fetch import Stored
from pmc15m.records import Reason, Reject
from pmc15m.rows import ORDER_BITS, read_range, write_rows
from pmc15m.stages import StageFiles, read_json
from pmc15m.store import Store

POINTER = "fetched.json"
CHANGES = "changes"
_ALL = (0, 1 << ORDER_BITS)
_ROWS_PER_FILE = 4_000


def known_tables(store: Store) -> tuple[str, ...]:
    """Return the tables of the last complete fetch, as paths in the store; none before the first."""
    pointer = read_json(store, POINTER)
    return tuple(pointer["tables"]) if pointer else ()


def commit_fetch(store: Store, folder: str, stored: StageFiles, is_asked: Callable[[str], bool]) -> dict[str, int]:
    """Make a complete fetch the one that the next compares with; return the number of changes by kind.

    What is gone, retracted or replaced by another version is deleted from the store. The changes go to
    `changes/changes-<digest>.parquet`, unless nothing changed.

    Args:
        store: the articles.
        folder: of the fetch, in the store.
        stored: what it left there.
        is_asked: tells of a pmcid whether the fetch looked for it: what it did not look for stays.
    """
    tables = tuple(f"{folder}/{name}" for name in stored.names)
    before, after = list(_read(store, known_tables(store))), list(_read(store, tables))
    names = {row.key for row in after}
    others = [row for row in before if row.key not in names and not is_asked(row.key)]
    for start in range(0, len(others), _ROWS_PER_FILE):
        rows = others[start : start + _ROWS_PER_FILE]
        tables += (f"{folder}/{write_rows(rows, Stored, Store(f'{store.uri}/{folder}'), 'others').name}",)
    rejects = read_range(Store(f"{store.uri}/{folder}"), stored.reject_names, Reject, *_ALL)
    retracted = [reject.pmcid for reject in rejects if reject.reason == Reason.RETRACTED]
    changes = list(find_changes(before, [*after, *others], retracted))
    for change in changes:  # what is withdrawn or replaced must not be built from again
        if change.old_version not in (None, change.new_version):
            store.delete(f"{change.key}.{change.old_version}")
    if changes:
        write_rows(changes, Change, Store(f"{store.uri}/{CHANGES}"), CHANGES)
    store.put_bytes((json.dumps({"tables": tables}, indent=1) + "\n").encode(), POINTER)
    kinds = [change.change for change in changes]
    return {kind: kinds.count(kind) for kind in sorted(set(kinds))}


def _read(store: Store, tables: tuple[str, ...]) -> Iterator[Stored]:
    return read_range(store, tables, Stored, *_ALL)
