"""Attribution: a row a sample in two forms, and what they add up to."""

import gzip
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pmc15m.release.attribution import (
    ATTRIBUTION_TABLE,
    ATTRIBUTION_TEXT,
    COLUMNS,
    LicenseCount,
    tsv_lines,
    write_attribution,
)
from pmc15m.release.table import PAIRS_SCHEMA
from pmc15m.store import Store
from tests.release import ZERO, pairs_table, row
from tests.some import BY


def written(folder: Path, tables: dict[str, list[dict[str, Any]]]) -> list[str]:
    """Write tables of pairs and return their names."""
    (folder / "pairs").mkdir(parents=True)
    for name, rows in tables.items():
        pq.write_table(pairs_table(rows), folder / "pairs" / name)
    return [f"pairs/{name}" for name in tables]


TABLES = {
    "b.parquet": [row("PMC8_0001_01", journal="B", caption_language=None)],
    "a.parquet": [
        row("PMC7_0001_01"),
        row("PMC7_0002_01", license="CC0", license_url=ZERO),
        row("PMC9_0001_01", license_url=None, journal=None, citation="Two\tlines,\r\nand a 'quote' \"more\"."),
    ],
}


def test_both_tables_have_a_row_a_sample_in_the_order_of_the_shards(tmp_path: Path) -> None:
    credits = write_attribution(Store(str(tmp_path)), written(tmp_path, TABLES))
    table = pq.read_table(tmp_path / ATTRIBUTION_TABLE)
    assert table.column_names == list(COLUMNS)
    rows = [*TABLES["a.parquet"], *TABLES["b.parquet"]]
    assert table.to_pylist() == [{name: row[name] for name in COLUMNS} for row in rows]
    assert [(file.path, file.num_rows) for file in credits.files] == [(ATTRIBUTION_TABLE, 4), (ATTRIBUTION_TEXT, None)]
    assert sorted(path.name for path in tmp_path.iterdir()) == [ATTRIBUTION_TABLE, ATTRIBUTION_TEXT, "pairs"]


def test_text_is_one_line_a_sample_and_one_field_a_tab(tmp_path: Path) -> None:
    write_attribution(Store(str(tmp_path)), written(tmp_path, TABLES))
    lines = gzip.decompress((tmp_path / ATTRIBUTION_TEXT).read_bytes()).decode().split("\n")
    assert lines[0] == "\t".join(COLUMNS)
    assert lines[-1] == ""
    assert [len(line.split("\t")) for line in lines[:-1]] == [len(COLUMNS)] * 5
    assert lines[3].split("\t")[1:4] == ["Two lines, and a 'quote' \"more\".", "CC BY", ""]


def test_gzip_names_no_file_and_no_time(tmp_path: Path) -> None:
    write_attribution(Store(str(tmp_path)), written(tmp_path, TABLES))
    header = (tmp_path / ATTRIBUTION_TEXT).read_bytes()[:8]
    assert header == b"\x1f\x8b\x08" + bytes(5)  # no flags, so no name; mtime 0


def test_same_rows_give_the_same_bytes_in_whatever_order_the_tables_come(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    names = written(one, TABLES)
    written(two, TABLES)
    assert write_attribution(Store(str(one)), names) == write_attribution(Store(str(two)), names[::-1])
    for name in (ATTRIBUTION_TABLE, ATTRIBUTION_TEXT):
        assert (one / name).read_bytes() == (two / name).read_bytes()


def test_credits_count_licences_articles_journals_and_languages(tmp_path: Path) -> None:
    credits = write_attribution(Store(str(tmp_path)), written(tmp_path, TABLES))
    assert credits.licenses == (
        LicenseCount("CC0", ZERO, 1),
        LicenseCount("CC BY", BY, 2),
        LicenseCount("CC BY", None, 1),
    )
    assert (credits.num_articles, credits.num_journals) == (3, 2)
    assert credits.languages == {"en": 3, "": 1}


def test_release_without_samples_has_empty_tables(tmp_path: Path) -> None:
    credits = write_attribution(Store(str(tmp_path)), [])
    assert (credits.licenses, credits.num_articles, credits.num_journals) == ((), 0, 0)
    assert pq.read_table(tmp_path / ATTRIBUTION_TABLE).num_rows == 0
    assert gzip.decompress((tmp_path / ATTRIBUTION_TEXT).read_bytes()).decode().split("\n") == ["\t".join(COLUMNS), ""]


def test_lines_of_no_rows_are_nothing() -> None:
    assert tsv_lines(pa.table({name: pa.array([], pa.string()) for name in COLUMNS})) == b""


@pytest.mark.parametrize(
    ("license_class", "url", "spdx"),
    [
        ("CC0", ZERO, "CC0-1.0"),
        ("CC0", None, "CC0-1.0"),
        ("CC BY", BY, "CC-BY-4.0"),
        ("CC BY", "http://creativecommons.org/licenses/by/3.0", "CC-BY-3.0"),
        ("CC BY", "https://creativecommons.org/licenses/by/4.0/deed.en", "CC-BY-4.0"),
        ("CC BY", "https://creativecommons.org/licenses/by/4.0/legalcode", "CC-BY-4.0"),
        ("CC BY-NC-ND", "https://creativecommons.org/licences/by-nc-nd/2.5/", "CC-BY-NC-ND-2.5"),
        ("CC BY", "https://creativecommons.org/licenses/by/3.0/igo/", None),
        ("CC BY", "https://creativecommons.org/licenses/by/2.0/uk/", None),
        ("CC BY", "https://creativecommons.org/licenses/by/9.9/", None),
        ("CC BY", None, None),
        ("public domain", "https://creativecommons.org/publicdomain/mark/1.0/", None),
        ("none", "https://example.org/licenses/by/4.0/", None),
    ],
)
def test_spdx_names_a_licence_whose_version_is_known(license_class: str, url: str | None, spdx: str | None) -> None:
    assert LicenseCount(license_class, url, 1).spdx == spdx


def test_columns_are_those_of_the_pairs() -> None:
    assert set(COLUMNS) <= set(PAIRS_SCHEMA.names)
