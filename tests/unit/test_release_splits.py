"""`splits.parquet`: every article once, by its number, and what a later release reads of it."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pmc15m.curate.judge import ArticleSplit
from pmc15m.errors import UsageError
from pmc15m.release.files import ReleaseFile
from pmc15m.release.splits import SPLITS_FILE, read_splits, write_splits
from pmc15m.rows import write_rows
from pmc15m.store import Store

ROWS = [
    ArticleSplit("PMC10", "val", "PMC9"),
    ArticleSplit("PMC9", "val", "PMC9"),
    ArticleSplit("PMC100", "train", "PMC100"),
    ArticleSplit("PMC4991227", "test", "PMC100"),
]


def written(rows: Sequence[ArticleSplit], folder: Path, num_files: int = 1) -> tuple[Path, ReleaseFile]:
    """Return the folder of a release with these rows, and what is told of the table."""
    store = Store(str(folder / "decisions"))
    names = [write_rows(rows[n::num_files], ArticleSplit, store, "splits").name for n in range(num_files) if rows[n:]]
    return folder / "release", write_splits(store.uri, names[::-1], str(folder / "release"))


def test_table_has_every_article_in_the_order_of_its_number(tmp_path: Path) -> None:
    release, _ = written(ROWS, tmp_path)
    assert pq.read_table(release / SPLITS_FILE).to_pylist() == [
        {"pmcid": "PMC9", "split": "val", "split_group": "PMC9"},
        {"pmcid": "PMC10", "split": "val", "split_group": "PMC9"},
        {"pmcid": "PMC100", "split": "train", "split_group": "PMC100"},
        {"pmcid": "PMC4991227", "split": "test", "split_group": "PMC100"},
    ]
    assert not any(field.nullable for field in pq.read_schema(release / SPLITS_FILE))


def test_file_is_told_as_it_lies_there(tmp_path: Path) -> None:
    release, told = written(ROWS, tmp_path)
    data = (release / SPLITS_FILE).read_bytes()
    assert told == ReleaseFile(SPLITS_FILE, len(data), hashlib.sha256(data).hexdigest(), 4)


def test_table_of_no_articles_is_a_table(tmp_path: Path) -> None:
    release, told = written([], tmp_path)
    assert told.num_rows == 0
    assert pq.read_schema(release / SPLITS_FILE).names == ["pmcid", "split", "split_group"]
    assert read_splits(str(release)) == {}


def test_bytes_do_not_depend_on_how_rows_lie_in_files(tmp_path: Path) -> None:
    one, many = written(ROWS, tmp_path / "one"), written(ROWS[::-1], tmp_path / "many", 3)
    assert one[1] == many[1]


@given(st.dictionaries(st.integers(1, 10**8).map("PMC{}".format), st.sampled_from(["train", "val", "test"])))
def test_next_release_reads_what_was_written(tmp_path_factory: pytest.TempPathFactory, splits: dict[str, str]) -> None:
    rows = [ArticleSplit(pmcid, split, pmcid) for pmcid, split in splits.items()]
    release, _ = written(rows, tmp_path_factory.mktemp("splits"))
    assert read_splits(str(release)) == splits


def test_release_without_a_table_of_splits_is_refused(tmp_path: Path) -> None:
    (tmp_path / "damaged").mkdir()
    (tmp_path / "damaged" / SPLITS_FILE).write_bytes(b"PAR1 and no more")
    (tmp_path / "other").mkdir()
    pq.write_table(pa.table({"pmcid": ["PMC1"]}), tmp_path / "other" / SPLITS_FILE)
    for name in ("absent", "damaged", "other"):
        folder = str(tmp_path / name)
        with pytest.raises(UsageError, match=rf"^{folder} is no release with a splits\.parquet: "):
            read_splits(folder)
