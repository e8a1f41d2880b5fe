"""What a release says of the one before it: `changes/*.parquet`, and `withdrawn.parquet`, which only grows."""

from pathlib import Path
from typing import Any

import pyarrow as pa

from pmc15m.release.files import ReleaseFile, put_large_file
from pmc15m.release.reading import Release, read_table
from pmc15m.rows import write_table
from pmc15m.store import Store

CHANGES_FOLDER = "changes"
WITHDRAWN = "withdrawn.parquet"
_ROW_GROUP_ROWS = 10_000

_TEXT = pa.string()
_LIST: Any = pa.list_(pa.field("element", _TEXT, nullable=False))


def _schema(columns: dict[str, Any], *nullable: str) -> pa.Schema:
    fields: list[Any] = [pa.field(name, kind, name in nullable) for name, kind in columns.items()]
    return pa.schema(fields)


ADDED_SCHEMA = _schema({"key": _TEXT, "pmcid": _TEXT, "split": _TEXT})
"""Samples that the parent has not."""

REMOVED_SCHEMA = _schema(
    {"key": _TEXT, "pmcid": _TEXT, "split": _TEXT, "sha256": _TEXT, "reason": _TEXT, "detail": _TEXT}
)
"""Samples that the parent has and this has not; split and sha256 of the original file as they were."""

CHANGED_SCHEMA = _schema({"key": _TEXT, "pmcid": _TEXT, "columns": _LIST})
"""Samples that both have, and the columns in which they differ."""

WITHDRAWN_SCHEMA = _schema(
    {
        "key": _TEXT, "pmcid": _TEXT, "sha256": _TEXT, "reason": _TEXT, "detail": _TEXT,
        "version": _TEXT, "inventory_date": _TEXT, "returned_in": _TEXT,
    },
    "inventory_date", "returned_in",
)  # fmt: skip
"""Every time that a sample went: the version and the inventory that dropped it, and the version it came back in."""


def parent_of(release: Release, relation: str, **more: str) -> dict[str, Any]:
    """Return what a manifest says of the release before it.

    Args:
        release: the one before.
        relation: "built", "withdrawn" or "subset".
        more: what else there is to say.
    """
    return {"manifest_sha256": release.seal, "version": release.version, "relation": relation, **more}


def sorted_by_key(table: pa.Table) -> pa.Table:
    """Return rows in the order of their keys."""
    return table.sort_by("key").combine_chunks()


def write_changes(out: str, added: pa.Table, removed: pa.Table, changed: pa.Table) -> list[ReleaseFile]:
    """Write the three tables of changes."""
    tables = {"added": added, "removed": removed, "changed": changed}
    return [_put(out, f"{CHANGES_FOLDER}/{name}.parquet", table) for name, table in tables.items()]


def write_withdrawn(
    out: str, parent: Release, added: pa.Table, removed: pa.Table, version: str, inventory_date: str | None
) -> ReleaseFile:
    """Write the list of all samples that went: that of the parent, and what went since.

    Args:
        out: the release.
        parent: the one before it.
        added: samples that came; those that once went are marked as back.
        removed: samples that went.
        version: of the release.
        inventory_date: of the release.
    """
    before = read_table(parent, WITHDRAWN).to_pylist() if WITHDRAWN in parent.files else []
    came = set(added["key"].to_pylist())
    for row in before:
        if row["key"] in came and row["returned_in"] is None:
            row["returned_in"] = version
    now = {"version": version, "inventory_date": inventory_date, "returned_in": None}
    names = [name for name in WITHDRAWN_SCHEMA.names if name not in now]
    rows = [*before, *(row | now for row in removed.select(names).to_pylist())]
    rows.sort(key=lambda row: row["key"])  # of one key the older first
    return _put(out, WITHDRAWN, pa.Table.from_pylist(rows, WITHDRAWN_SCHEMA))


def _put(out: str, name: str, table: pa.Table) -> ReleaseFile:
    store = Store(out)
    with store.scratch_folder() as folder:
        path = Path(folder) / "table.parquet"
        write_table(table, path, _ROW_GROUP_ROWS)
        return put_large_file(store, path, name, table.num_rows)
