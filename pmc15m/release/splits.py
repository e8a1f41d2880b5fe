"""`splits.parquet`: the split of every article that a release looked at, for the releases after it."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from pmc15m.errors import UsageError
from pmc15m.records import article_order
from pmc15m.release.files import ReleaseFile, put_large_file
from pmc15m.rows import read_tables, write_table
from pmc15m.store import Store

SPLITS_FILE = "splits.parquet"
_FIELDS: list[Any] = [pa.field(name, pa.string(), nullable=False) for name in ("pmcid", "split", "split_group")]
_SCHEMA = pa.schema(_FIELDS)
_ROW_GROUP_ROWS = 100_000


def write_splits(folder: str, names: Iterable[str], out: str) -> ReleaseFile:
    """Write the table of a release, in the order of the articles' numbers.

    Args:
        folder: of the row files that curate wrote.
        names: of these files.
        out: the release.
    """
    store, columns = Store(folder), ("key", "split", "split_group")
    tables = [table for name in sorted(names) for table in read_tables(store, name, columns)]
    table = pa.concat_tables(tables) if tables else _SCHEMA.empty_table()
    table = table.rename_columns(_SCHEMA.names).select(_SCHEMA.names)
    numbers = pa.array([article_order(str(value)) for value in table["pmcid"].to_pylist()], pa.int64())
    table = table.append_column("number", numbers).sort_by("number").select(_SCHEMA.names).cast(_SCHEMA)
    store = Store(out)
    with store.scratch_folder() as scratch:
        path = Path(scratch) / SPLITS_FILE
        write_table(table, path, _ROW_GROUP_ROWS)
        return put_large_file(store, path, SPLITS_FILE, table.num_rows)


def read_splits(release: str) -> dict[str, str]:
    """Return the split of each article of a release, by pmcid.

    Raises:
        UsageError: it has no table of splits.
    """
    try:
        with Store(release).open_file(SPLITS_FILE) as stream:
            table = pq.read_table(stream, columns=["pmcid", "split"])
    except (OSError, pa.ArrowException) as error:
        raise UsageError(f"{release} is no release with a {SPLITS_FILE}: {error}") from error
    pmcids, splits = ([str(value) for value in table[name].to_pylist()] for name in ("pmcid", "split"))
    return dict(zip(pmcids, splits, strict=True))
