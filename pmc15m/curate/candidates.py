"""Pairs as curate shuffles them: keys, digests and a place to read the rest from, never whole records."""

import functools
from collections.abc import Iterator
from dataclasses import dataclass

import pyarrow.parquet as pq

from pmc15m.rows import read_tables
from pmc15m.store import Store

_COLUMNS = "key pmcid version fig_id kind license width_px height_px sha256 pixel_sha256 caption".split()


@dataclass(frozen=True, slots=True)
class Candidate:
    """A pair under judgement."""

    key: str
    pmcid: str
    version: int
    fig_id: str | None
    kind: str
    license: str
    width_px: int
    height_px: int
    sha256: str
    pixel_sha256: str
    num_chars: int  # of the caption
    num_words: int
    file: str  # row file of the pair
    row_group: int
    row: int  # in its row group


def read_candidates(file: str, pairs: str) -> Iterator[Candidate]:
    """Yield a candidate for every pair of a row file.

    Args:
        file: name of the row file.
        pairs: folder of the pairs.
    """
    for row_group, table in enumerate(read_tables(Store(pairs), file, _COLUMNS)):
        for row, values in enumerate(table.to_pylist()):
            caption = values.pop("caption")
            yield Candidate(
                **values,
                num_chars=len(caption),
                num_words=len(caption.split()),
                file=file,
                row_group=row_group,
                row=row,
            )


def read_caption(candidate: Candidate, pairs: str) -> str:
    """Return the caption of a candidate, read again from its row."""
    return _captions(pairs, candidate.file, candidate.row_group)[candidate.row]


@functools.lru_cache(maxsize=64)
def _captions(pairs: str, file: str, row_group: int) -> list[str]:
    with Store(pairs).open_file(file) as stream, pq.ParquetFile(stream, page_checksum_verification=True) as rows:
        captions = rows.read_row_group(row_group, columns=["caption"])["caption"].to_pylist()
    return [str(caption) for caption in captions]
