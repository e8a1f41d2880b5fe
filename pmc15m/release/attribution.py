"""Whom a release is owed to: a row a sample as Parquet and as text, and the licences counted.

Both tables are in the order of the shards, and made one shard at a time: 24 million rows pass through
the memory of 10,000. The gzip is Arrow's own, which knows no clock and no file name.
"""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pmc15m.licenses import LICENSE_CLASSES
from pmc15m.release.files import ReleaseFile, put_large_file
from pmc15m.release.table import PAIRS_SCHEMA
from pmc15m.rows import PARQUET_OPTIONS, read_tables
from pmc15m.store import Store

ATTRIBUTION_TABLE = "attribution.parquet"
ATTRIBUTION_TEXT = "attribution.tsv.gz"
COLUMNS = ("key", "citation", "license", "license_url", "article_url", "changes")
ATTRIBUTION_SCHEMA = pa.schema([PAIRS_SCHEMA.field(name) for name in COLUMNS])

_COUNTED = ("pmcid", "journal", "caption_language")
_BREAKS = r"[\t\n\r]+"
_CC_VERSION = re.compile(
    r"creativecommons\.org/licen[sc]es/[\w-]+/(\d\.\d)/?(?:(?:deed|legalcode)[\w.-]*)?/?$", re.IGNORECASE
)
_SPDX_VERSIONS = ("1.0", "2.0", "2.5", "3.0", "4.0")


@dataclass(frozen=True, slots=True)
class LicenseCount:
    """How many samples are under one licence."""

    license: str  # class
    url: str | None
    num_samples: int

    @property
    def spdx(self) -> str | None:
        """The SPDX identifier, or None where the version or the country is open."""
        if self.license == "CC0":
            return "CC0-1.0"
        match = _CC_VERSION.search(self.url or "")
        if match is None or match[1] not in _SPDX_VERSIONS or not self.license.startswith("CC BY"):
            return None
        return f"{self.license.replace(' ', '-')}-{match[1]}"


@dataclass(frozen=True, slots=True)
class Credits:
    """The tables of attribution, and what they add up to."""

    files: tuple[ReleaseFile, ...]
    licenses: tuple[LicenseCount, ...]  # the freest first, then the most frequent
    num_articles: int
    num_journals: int
    languages: dict[str, int]  # samples by ISO 639-1 code, the most frequent first; "" where it is not sure


class _Sums:
    """Licences, articles, journals and languages, added up table by table."""

    def __init__(self) -> None:
        self._licenses: Counter[tuple[str, str | None]] = Counter()
        self._articles: list[npt.NDArray[np.int64]] = []
        self._journals: set[str] = set()
        self._languages: Counter[str] = Counter()

    def add(self, table: pa.Table) -> None:
        for row in _counted(table, "license", "license_url"):
            self._licenses[row["license"], row["license_url"]] += row["count_all"]
        for row in _counted(table, "caption_language"):
            self._languages[row["caption_language"] or ""] += row["count_all"]
        numbers = pc.cast(pc.utf8_slice_codeunits(pc.unique(table["pmcid"]), 3), pa.int64())
        self._articles.append(numbers.to_numpy(zero_copy_only=False))
        self._journals.update(str(name) for name in pc.unique(table["journal"]).drop_null().to_pylist())

    def credits(self, files: tuple[ReleaseFile, ...]) -> Credits:
        counts = [LicenseCount(name, url, count) for (name, url), count in self._licenses.items()]
        counts.sort(key=lambda count: (LICENSE_CLASSES.index(count.license), -count.num_samples, count.url or ""))
        num_articles = len(np.unique(np.concatenate(self._articles))) if self._articles else 0
        languages = dict(sorted(self._languages.items(), key=lambda item: (-item[1], item[0])))
        return Credits(files, tuple(counts), num_articles, len(self._journals), languages)


def _counted(table: pa.Table, *columns: str) -> list[dict[str, Any]]:
    return table.group_by(list(columns)).aggregate([([], "count_all")]).to_pylist()


def write_attribution(store: Store, tables: Iterable[str]) -> Credits:
    """Write both tables of a release.

    Args:
        store: the release.
        tables: its tables of pairs, `pairs/*.parquet`, in any order.
    """
    sums = _Sums()
    with store.scratch_folder() as folder:
        table_path, text_path = Path(folder) / "rows.parquet", Path(folder) / "rows.tsv.gz"
        num_rows = 0
        with (
            pq.ParquetWriter(table_path, ATTRIBUTION_SCHEMA, **PARQUET_OPTIONS) as writer,
            pa.CompressedOutputStream(str(text_path), "gzip") as text,
        ):
            text.write(("\t".join(COLUMNS) + "\n").encode())
            for name in sorted(tables):
                table = pa.concat_tables(read_tables(store, name, (*COLUMNS, *_COUNTED)))
                shown = table.select(COLUMNS).cast(ATTRIBUTION_SCHEMA)
                writer.write_table(shown)
                text.write(tsv_lines(shown))
                sums.add(table)
                num_rows += table.num_rows
        return sums.credits(
            (
                put_large_file(store, table_path, ATTRIBUTION_TABLE, num_rows),
                put_large_file(store, text_path, ATTRIBUTION_TEXT, None),
            )
        )


def tsv_lines(table: pa.Table) -> bytes:
    """Return rows of strings as tab-separated lines: no quotes, since no value keeps a tab or a line break."""
    columns: list[Any] = table.columns
    texts = [pc.fill_null(pc.replace_substring_regex(column, _BREAKS, " "), "") for column in columns]
    lines: Any = pc.binary_join_element_wise(*texts, "\t")
    return "".join(f"{line}\n" for line in lines.to_pylist()).encode()
