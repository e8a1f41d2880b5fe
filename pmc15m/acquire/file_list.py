"""Lists of legacy packages: `oa_file_list.csv`, `.txt` and their kin, one row an archive.

Two forms. Comma-separated with a header of names, which differ a little from list to list; and
tab-separated, which may begin with the time of its making and have no header at all. Each line is
read by itself, so that a quotation mark without its fellow costs one row and not all that follow.
"""

import csv
import datetime
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO

from pmc15m.jats.rights import class_of_prose
from pmc15m.licenses import LICENSE_CLASSES, NO_LICENSE
from pmc15m.records import Reason, Reject, Stage

LIST_NAME = re.compile(r"oa_\w*file_?list\.(?:csv|txt)|oa_non_comm_use_pdf\.(?:csv|txt)|oa_\S*\.filelist\.(?:csv|txt)")
"""Names under which the lists were published."""

MAX_LINE_BYTES = 2**16

_TXT_COLUMNS = ("path", "citation", "pmcid", "pmid", "license")
_COLUMNS = {
    "file": "path",
    "article file": "path",
    "key": "path",
    "article citation": "citation",
    "accession id": "pmcid",
    "accessionid": "pmcid",
    "pmid": "pmid",
    "license": "license",
    "retracted": "retracted",
}
_REQUIRED = {"path", "pmcid"}
_TIME = re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d")
_PATH = re.compile(r"(?:[\w.-]+/)*(?:[\w-]+\.)*(PMC[1-9]\d{0,17})\.(?:tar\.gz|xml|txt|pdf)", re.ASCII)
_PMID = re.compile(r"(?:PMID:)?(\d{1,18})", re.ASCII)
_RETRACTED = {"yes": True, "no": False, "": False}


@dataclass(frozen=True, slots=True)
class FileListRow:
    """What a list says of one archive."""

    path: str  # "oa_package/08/e0/PMC13900.tar.gz"
    pmcid: str
    pmid: int | None
    citation: str | None  # without the DOI
    license: str | None  # as listed: "CC BY", "NO-CC CODE", "none"; None where the column is empty
    updated: str | None  # ISO 8601 without a zone, as listed
    is_retracted: bool


def license_class(listed: str) -> str:
    """Return the class of a licence code of a list: `NO-CC CODE` and the like are "none"."""
    return listed if listed in LICENSE_CLASSES else class_of_prose(listed) or NO_LICENSE


def read_file_list(stream: BinaryIO, name: str) -> Iterator[FileListRow | Reject]:
    """Yield the rows of a list, and a reject `index_row` for each line that is none.

    Args:
        stream: the list, at its start.
        name: of the list, for the rejects.
    """
    columns: Sequence[str] | None = None
    for number, line in enumerate(_lines(stream), 1):
        try:
            fields = _split(line)
            if columns is None or number == 2:  # the header is the first line, or follows the time
                named = _columns_of(fields)
                if named is not None:
                    columns = named
                    continue
            columns = columns or _TXT_COLUMNS
            if fields and not (number == 1 and len(fields) == 1 and _TIME.fullmatch(fields[0])):
                yield _row_of(columns, fields)
        except (ValueError, csv.Error) as error:
            shown = ascii(line[:200].decode("utf-8", "replace"))
            detail = f"{name} line {number}: {error}: {shown}"
            yield Reject("PMC0.0", "PMC0", 0, None, Stage.FETCH, Reason.INDEX_ROW, detail)


def _lines(stream: BinaryIO) -> Iterator[bytes]:
    """Yield lines without their ends; of a line that is too long the first MAX_LINE_BYTES."""
    while line := stream.readline(MAX_LINE_BYTES):
        yield line.rstrip(b"\r\n")
        while len(line) == MAX_LINE_BYTES and not line.endswith(b"\n"):
            line = stream.readline(MAX_LINE_BYTES)


def _split(line: bytes) -> list[str]:
    """Return the fields of a line; none of an empty one."""
    if len(line) == MAX_LINE_BYTES:
        raise ValueError(f"longer than {MAX_LINE_BYTES} bytes")
    text = line.decode("utf-8-sig")
    if "\t" in text:
        return text.split("\t")
    return next(csv.reader([text], strict=True), [])


def _columns_of(fields: list[str]) -> list[str] | None:
    """Return our names of the columns of a header; None where the line is no header."""
    names = [_COLUMNS.get(field.strip().lower(), field.strip().lower()) for field in fields]
    names = ["updated" if re.match(r"last ?updated", field) else field for field in names]
    return names if set(names) >= _REQUIRED else None


def _row_of(columns: Sequence[str], fields: list[str]) -> FileListRow:
    """Return the row of a line's fields.

    Raises:
        ValueError: there are too many or too few, or one is none of its column.
    """
    if len(fields) != len(columns):
        raise ValueError(f"{len(fields)} fields, not {len(columns)}")
    values = {column: field.strip() for column, field in zip(columns, fields, strict=True)}
    path, pmcid = values["path"], values["pmcid"]
    match = _PATH.fullmatch(path)
    if match is None or ".." in path or match.group(1) != pmcid:
        raise ValueError("path and accession id are not those of one article")
    pmid = _PMID.fullmatch(values.get("pmid", ""))
    if pmid is None and values.get("pmid"):
        raise ValueError("no PMID")
    retracted = values.get("retracted", "").lower()
    if retracted not in _RETRACTED:
        raise ValueError("retracted is neither yes nor no")
    updated = values.get("updated")
    return FileListRow(
        path=path,
        pmcid=pmcid,
        pmid=int(pmid.group(1)) if pmid else None,
        citation=values.get("citation") or None,
        license=values.get("license") or None,
        updated=datetime.datetime.fromisoformat(updated).isoformat() if updated else None,
        is_retracted=_RETRACTED[retracted],
    )
