"""Pairs as curate shuffles them: keys, digests and a place to read the rest from, never whole records."""

import functools
from collections.abc import Iterator
from dataclasses import dataclass

import pyarrow.parquet as pq

from pmc15m.curate.captions import caption_digest, cut_tails, is_boilerplate
from pmc15m.curate.identity import title_digest
from pmc15m.rows import read_tables
from pmc15m.store import Store

_COLUMNS = (
    "key pmcid version fig_id kind license article_license rights_flags rights_phrases format width_px height_px "
    "sha256 pixel_sha256 phash phash_content grey_std white_cells_fraction mode_fraction doi first_author related "
    "is_preprint is_manuscript caption title"
).split()
_LISTS = ("rights_flags", "rights_phrases", "related")


@dataclass(frozen=True, slots=True)
class Candidate:
    """A pair under judgement."""

    key: str
    pmcid: str
    version: int
    fig_id: str | None
    kind: str
    license: str
    article_license: str
    rights_flags: tuple[str, ...]
    rights_phrases: tuple[str, ...]  # "flag: words"
    format: str
    width_px: int
    height_px: int
    sha256: str
    pixel_sha256: str
    phash: bytes  # 32 bytes, whole image
    phash_content: bytes  # 32 bytes, content box
    grey_std: float
    white_cells_fraction: float
    mode_fraction: float
    doi: str | None
    title_digest: bytes | None  # 16 bytes, see `identity.title_digest`
    first_author: str | None
    related: tuple[str, ...]
    is_preprint: bool
    is_manuscript: bool
    caption_digest: bytes  # 16 bytes, of the normal form
    is_boilerplate: bool  # the caption says nothing of the figure
    num_chars: int  # of the caption, less a licence at its end
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
            caption, title = values.pop("caption"), values.pop("title")
            kept = cut_tails(caption)
            yield Candidate(
                **(values | {name: tuple(values[name]) for name in _LISTS}),
                title_digest=title_digest(title),
                caption_digest=caption_digest(caption),
                is_boilerplate=is_boilerplate(caption),
                num_chars=len(kept),
                num_words=len(kept.split()),
                file=file,
                row_group=row_group,
                row=row,
            )


def read_caption_at(pairs: str, file: str, row_group: int, row: int) -> str:
    """Return the caption of a candidate, read again from its place in the row files of extract."""
    return _captions(pairs, file, row_group)[row]


@functools.lru_cache(maxsize=64)
def _captions(pairs: str, file: str, row_group: int) -> list[str]:
    with Store(pairs).open_file(file) as stream, pq.ParquetFile(stream, page_checksum_verification=True) as rows:
        captions = rows.read_row_group(row_group, columns=["caption"])["caption"].to_pylist()
    return [str(caption) for caption in captions]
