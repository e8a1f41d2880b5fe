"""The rejects of all stages as tables of a release."""

from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from pmc15m.records import Reject
from pmc15m.release.files import ReleaseFile, put_large_file
from pmc15m.release.table import REJECTS_SCHEMA
from pmc15m.rows import RowFile, order_range, read_range, to_row, write_table
from pmc15m.store import Store

ROWS_PER_TABLE = 100_000
_ROW_GROUP_ROWS = 10_000


@dataclass(frozen=True, slots=True)
class RejectsJob:
    """Where the tables of rejects are made from, and where they go."""

    count: int  # tables
    folders: tuple[tuple[str, tuple[str, ...]], ...]  # (folder, row files) of each finished stage
    own: str  # folder of the row files of this stage, whose names are not known beforehand
    out: str


def plan_reject_tables(num_rejects: int) -> int:
    """Return how many tables hold so many rejects."""
    return max(1, round(num_rejects / ROWS_PER_TABLE))


def write_reject_table(index: int, job: RejectsJob, own: list[RowFile]) -> ReleaseFile:
    """Write one table: a share of the digest range of keys, in the order of key, stage and reason."""
    low, high = order_range(index, job.count)
    folders = (*job.folders, (job.own, tuple(sorted(file.name for file in own))))
    rejects = [r for folder, files in folders for r in read_range(Store(folder), files, Reject, low, high)]
    rejects.sort(key=lambda r: (r.key, r.stage, r.reason, r.fig_id or "", r.detail))
    return put_reject_table(job.out, index, pa.Table.from_pylist([to_row(r) for r in rejects], schema=REJECTS_SCHEMA))


def put_reject_table(out: str, index: int, table: pa.Table) -> ReleaseFile:
    """Write one table of a release; its rows are in their order."""
    store = Store(out)
    with store.scratch_folder() as folder:
        path = Path(folder) / "rejects.parquet"
        write_table(table, path, _ROW_GROUP_ROWS)
        return put_large_file(store, path, reject_table_name(index), table.num_rows)


def reject_table_name(index: int) -> str:
    """Return the path of a table in the release."""
    return f"rejects/rejects-{index:06d}.parquet"
