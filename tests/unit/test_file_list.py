"""Lists of legacy packages: every form is read, and a line that is no row costs that line alone."""

import io
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pmc15m.acquire.file_list import LIST_NAME, MAX_LINE_BYTES, FileListRow, license_class, read_file_list
from pmc15m.licenses import LICENSE_CLASSES
from pmc15m.records import Reason, Reject, Stage

CSV = "File,Article Citation,Accession ID,Last Updated (YYYY-MM-DD HH:MM:SS),PMID,License"
BULK = "Article File,Article Citation,AccessionID,LastUpdated (YYYY-MM-DD HH:MM:SS),PMID,License,Retracted"
MILL = FileListRow(
    path="oa_package/08/e0/PMC7.tar.gz",
    pmcid="PMC7",
    pmid=70,
    citation="Mills. 2001 Nov 2; 3(1):55-60",
    license="CC BY",
    updated="2019-11-05T11:56:12",
    is_retracted=False,
)
ROW = "oa_package/08/e0/PMC7.tar.gz,Mills. 2001 Nov 2; 3(1):55-60,PMC7,2019-11-05 11:56:12,70,CC BY"
TAB = "oa_package/08/e0/PMC7.tar.gz\tMills. 2001 Nov 2; 3(1):55-60\tPMC7\tPMID:70\tCC BY"


def read(*lines: str | bytes, end: bytes = b"\n") -> list[FileListRow | Reject]:
    data = b"".join((line.encode() if isinstance(line, str) else line) + end for line in lines)
    return list(read_file_list(io.BytesIO(data), "list"))


def refusal(*lines: str | bytes) -> str:
    (item,) = read(*lines)
    assert isinstance(item, Reject)
    assert (item.key, item.stage, item.reason) == ("PMC0.0", Stage.FETCH, Reason.INDEX_ROW)
    item.detail.encode()  # it goes into a table
    return item.detail


def test_comma_separated_list_has_a_header_and_dates() -> None:
    assert read(CSV, ROW) == [MILL]


def test_tab_separated_list_begins_with_the_time_of_its_making() -> None:
    assert read("2026-03-06 21:31:45", TAB) == [replace(MILL, updated=None)]
    assert read(TAB) == [replace(MILL, updated=None)]


def test_tab_separated_list_may_have_a_header() -> None:
    rows = [line.replace(",", "\t") for line in (CSV, ROW)]
    assert read(*rows) == read("2026-03-06 21:31:45", *rows) == [MILL]


def test_bulk_list_tells_retractions() -> None:
    row = '"PMC000xxxxxx/PMC7.xml","Mills, 2nd. 2001",PMC7,"2024-02-07 23:35:31",70,"CC BY",{}'
    bulk = replace(MILL, path="PMC000xxxxxx/PMC7.xml", citation="Mills, 2nd. 2001", updated="2024-02-07T23:35:31")
    assert read(BULK, row.format("no"), row.format("yes")) == [bulk, replace(bulk, is_retracted=True)]
    assert "retracted" in refusal(BULK, row.format("perhaps"))


def test_list_of_the_old_bucket_is_read_by_its_header() -> None:
    header = "Key,ETag,Article Citation,AccessionID,Last Updated UTC (YYYY-MM-DD HH:MM:SS),PMID,License,Retracted"
    row = "oa_comm/xml/all/PMC7.xml,abc,Mills. 2001 Nov 2; 3(1):55-60,PMC7,2019-11-05 11:56:12,70,CC BY,no"
    assert read(header, row) == [replace(MILL, path="oa_comm/xml/all/PMC7.xml")]


def test_what_is_missing_is_none() -> None:
    bare = replace(MILL, pmid=None, citation=None, license=None, updated=None)
    assert read(CSV, "oa_package/08/e0/PMC7.tar.gz,,PMC7,,,") == [bare]
    assert read("oa_package/08/e0/PMC7.tar.gz\t\tPMC7\t\t") == [bare]


def test_line_ends_marks_and_empty_lines_do_not_matter() -> None:
    assert read("\ufeff" + CSV, "", ROW, "", end=b"\r\n") == [MILL]
    assert list(read_file_list(io.BytesIO(f"{CSV}\n{ROW}".encode()), "list")) == [MILL]
    assert read() == []


def test_quotes_in_a_citation_are_part_of_it() -> None:
    quoted = '"Mills ""of"" the north, 2001"'
    (row,) = read(CSV, ROW.replace("Mills. 2001 Nov 2; 3(1):55-60", quoted))
    assert row == replace(MILL, citation='Mills "of" the north, 2001')
    (row,) = read(TAB.replace("Mills.", '"Mills.'))
    assert row == replace(MILL, citation='"Mills. 2001 Nov 2; 3(1):55-60', updated=None)


@pytest.mark.parametrize(
    "row",
    [
        ROW.replace("Mills.", '"Mills.'),  # a quotation mark without its fellow
        ROW.replace("Mills.", '"Mills". North'),
        ROW.replace("2001", "2001, 2002"),
        ROW + ",no",
        ROW.replace(",PMC7,", ",PMC8,"),
        ROW.replace(",PMC7,", ",,"),
        ROW.replace("oa_package", "../oa_package"),
        ROW.replace("oa_package", "/oa_package"),
        ROW.replace("oa_package", "oa..package"),
        ROW.replace(".tar.gz", ".zip"),
        ROW.replace(",70,", ",PMID70,"),
        ROW.replace(",70,", f",{'7' * 19},"),
        ROW.replace(",70,", ",\u0667,"),
        ROW.replace("2019-11-05", "2019-13-05"),
        ROW.replace("PMC7", "PMC07"),
        ROW.encode() + b"\xff",
        ROW.replace("Mills.", "Mills\0").encode() + b"\0,,",
        "Sorry",
        ROW.replace("Mills", "M" * MAX_LINE_BYTES),
        ROW.replace("Mills", "M" * 4 * MAX_LINE_BYTES),
    ],
)
def test_line_that_is_no_row_costs_that_line_alone(row: str | bytes) -> None:
    first, bad, last = read(CSV, ROW, row, ROW)
    assert (first, last) == (MILL, MILL)
    assert isinstance(bad, Reject)
    assert bad.detail.startswith("list line 3: ")
    refusal(CSV, row)


def test_longest_line_is_a_row() -> None:
    room = MAX_LINE_BYTES - len(ROW) - 1
    (row,) = read(CSV, ROW.replace("Mills", "Mills" + "s" * room))
    assert isinstance(row, FileListRow)


@given(
    st.lists(st.binary(max_size=60) | st.sampled_from([CSV.encode(), ROW.encode(), TAB.encode(), b"\t\t\t\t", b'"']))
)
def test_whatever_stands_in_a_list_is_a_row_or_a_reject(lines: list[bytes]) -> None:
    for item in read(*lines):
        assert isinstance(item, FileListRow | Reject)


@pytest.mark.parametrize(
    ("listed", "license_name"),
    [
        *((name, name) for name in LICENSE_CLASSES),
        ("NO-CC CODE", "none"),
        ("none", "none"),
        ("", "none"),
        ("CC-BY-NC", "CC BY-NC"),
        ("cc by", "CC BY"),
        ("CC BY-NC-ND 4.0", "CC BY-NC-ND"),
    ],
)
def test_licence_code_has_a_class(listed: str, license_name: str) -> None:
    assert license_class(listed) == license_name


@pytest.mark.parametrize(
    ("name", "is_list"),
    [
        ("oa_file_list.csv", True),
        ("oa_file_list.txt", True),
        ("oa_comm_use_file_list.csv", True),
        ("oa_non_comm_use_pdf.txt", True),
        ("oa_comm_xml.PMC000xxxxxx.baseline.2024-06-18.filelist.csv", True),
        ("oa_comm.filelist.csv", True),
        ("oa_file_list.csv.gz", False),
        ("PMC-ids.csv", False),
        ("oa_package", False),
    ],
)
def test_lists_are_known_by_their_names(name: str, is_list: bool) -> None:
    assert (LIST_NAME.fullmatch(name) is not None) is is_list


@pytest.mark.parametrize(
    ("name", "pmids", "licenses"),
    [
        ("oa_file_list.csv.sample", [11250746], ["NO-CC CODE"]),
        ("oa_file_list.txt.sample", [11250746, 11250747, None], ["NO-CC CODE", "NO-CC CODE", "CC BY"]),
        ("oa_bulk_filelist.csv.sample", [31867269], ["CC BY"]),
    ],
)
def test_real_lists_are_read(shared: Path, name: str, pmids: list[Any], licenses: list[str]) -> None:
    with (shared / "samples" / "legacy" / name).open("rb") as stream:
        rows = [item for item in read_file_list(stream, name) if isinstance(item, FileListRow)]
    assert [row.pmid for row in rows] == pmids
    assert [row.license for row in rows] == licenses
