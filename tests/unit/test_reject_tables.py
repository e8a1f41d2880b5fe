"""Tables of rejects: those of all stages together, in a fixed order, each once."""

import hashlib
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from pmc15m.records import Reason, Reject, Stage
from pmc15m.release.rejects import RejectsJob, plan_reject_tables, write_reject_table
from pmc15m.release.table import REJECTS_SCHEMA
from pmc15m.rows import RowFile, write_rows
from pmc15m.store import Store
from tests import some


@pytest.mark.parametrize(("num_rejects", "count"), [(0, 1), (1, 1), (149_999, 1), (150_001, 2), (10**6, 10)])
def test_tables_hold_about_a_hundred_thousand_rows(num_rejects: int, count: int) -> None:
    assert plan_reject_tables(num_rejects) == count


def written(tmp_path: Path, stage: Stage, reason: Reason, numbers: range) -> tuple[str, list[RowFile]]:
    """Return folder and row files of a stage's rejects."""
    folder = str(tmp_path / stage)
    rejects = [some.reject(f"PMC{n}_0001_01", stage=stage, reason=reason) for n in numbers]
    return folder, [write_rows(rejects[n::2], Reject, Store(folder), "rejects") for n in range(2)]


def test_tables_hold_the_rejects_of_all_stages_once_and_in_order(tmp_path: Path) -> None:
    extract, extract_files = written(tmp_path, Stage.EXTRACT, Reason.NO_CAPTION, range(1, 30))
    curate, curate_files = written(tmp_path, Stage.CURATE, Reason.LICENSE, range(20, 60))
    own, own_files = written(tmp_path, Stage.SHARD, Reason.NO_DERIVATIVES, range(100, 104))
    folders = ((extract, tuple(f.name for f in extract_files)), (curate, tuple(f.name for f in curate_files)))
    job = RejectsJob(3, folders, own, str(tmp_path / "release"))
    files = [write_reject_table(index, job, own_files) for index in range(3)]
    assert [file.path for file in files] == [f"rejects/rejects-00000{n}.parquet" for n in range(3)]
    rows = []
    for file in files:
        path = tmp_path / "release" / file.path
        table = pq.read_table(path)
        assert table.schema.equals(REJECTS_SCHEMA)
        assert (file.num_bytes, file.num_rows) == (path.stat().st_size, table.num_rows)
        assert file.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
        order = [(row["key"], row["stage"]) for row in table.to_pylist()]
        assert order == sorted(order)
        rows += order
    assert sorted(rows) == sorted(
        [(f"PMC{n}_0001_01", "extract") for n in range(1, 30)]
        + [(f"PMC{n}_0001_01", "curate") for n in range(20, 60)]
        + [(f"PMC{n}_0001_01", "shard") for n in range(100, 104)]
    )


def test_table_without_rejects_is_written_all_the_same(tmp_path: Path) -> None:
    job = RejectsJob(1, (), str(tmp_path / "none"), str(tmp_path / "release"))
    assert write_reject_table(0, job, []).num_rows == 0
    assert pq.read_table(tmp_path / "release" / "rejects").num_rows == 0


def test_bytes_do_not_depend_on_the_files_that_rejects_lie_in(tmp_path: Path) -> None:
    rejects = [some.reject(detail=str(n)) for n in range(6)] + [some.reject(f"PMC{n}_0001_01") for n in range(20)]
    tables = []
    for name, parts in (("a", 1), ("b", 3)):
        folder = str(tmp_path / name)
        files = [write_rows(rejects[n::parts], Reject, Store(folder), "rejects") for n in range(parts)]
        job = RejectsJob(1, (), folder, str(tmp_path / name / "release"))
        tables.append(write_reject_table(0, job, files[::-1]))
    assert tables[0] == tables[1]
