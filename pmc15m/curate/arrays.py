"""All candidates at once, as columns: what the one worker that compares them holds.

About 250 bytes a candidate: text is left in the row files and read again for the few that need it.
Rows stand in the order of their keys, so that nothing depends on how they lay in files.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pmc15m.curate.identity import ArticleFacts
from pmc15m.curate.near import Hashes, is_comparable, pack_hashes
from pmc15m.records import article_order
from pmc15m.rows import read_tables
from pmc15m.store import Store

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

_NUMBERS = ("version", "width_px", "height_px", "num_chars", "row_group", "row")
_FLOATS = ("grey_std", "white_cells_fraction")
_COLUMNS = (
    *("key", "pmcid", "fig_id", "kind", "format", "sha256", "pixel_sha256", "phash", "phash_content"),
    *("caption_digest", "doi", "title_digest", "first_author", "related", "is_preprint", "is_manuscript", "file"),
    *_NUMBERS,
    *_FLOATS,
)
_LOSSY = ("JPEG",)


@dataclass(frozen=True, slots=True)
class Candidates:
    """N candidates of A articles."""

    keys: "pa.Array[Any]"  # [N] strings
    fig_ids: "pa.Array[Any]"  # [N] strings, null where the XML has none
    files: Sequence[str]
    file: Ints  # [N], position in `files` of the row file of the pair
    row_group: Ints
    row: Ints
    version: Ints
    article_of: Ints  # [N], position in `pmcids`
    fig: Ints  # [N], the same for the graphics of one fig
    pixels: Ints  # [N], equal where the pixels are
    sha256: npt.NDArray[np.uint64]  # [N], first 8 bytes
    caption: Ints  # [N], equal where the captions are, in normal form
    num_chars: Ints  # of the caption
    white_cells: npt.NDArray[np.float64]  # [N], fraction
    hashes: tuple[Hashes, Hashes]  # [N, 4] each: whole, content box
    usable: tuple[Bools, Bools]  # [N] each
    rank: Ints  # [N], of several copies the lowest stays
    pmcids: Sequence[str]  # [A], by number
    facts: Sequence[ArticleFacts]  # [A]

    def key(self, row: int) -> str:
        """Return the key of a row."""
        return str(self.keys[row].as_py())


def read_arrays(folder: str, names: Iterable[str]) -> Candidates:
    """Return the candidates of some row files."""
    store = Store(folder)
    tables = [table for name in sorted(names) for table in read_tables(store, name, _COLUMNS)]
    table = pa.concat_tables(tables).combine_chunks() if tables else _no_rows()
    parts = [str(key).split("_") for key in table["key"].to_pylist()]
    numbers = np.array([article_order(part[0]) for part in parts], np.int64)
    figs = np.array([int(part[1]) for part in parts], np.int64)
    graphics = np.array([int(part[2]) for part in parts], np.int64)
    order = np.lexsort((graphics, figs, numbers))
    table, numbers, figs = table.take(order), numbers[order], figs[order]
    columns = {name: table[name].to_numpy().astype(np.int64) for name in _NUMBERS}
    grey_std = table["grey_std"].to_numpy()
    hashes = pack_hashes(table["phash"]), pack_hashes(table["phash_content"])
    is_first = np.append(True, np.diff(numbers) != 0)[: len(numbers)]
    article_of = np.cumsum(is_first) - 1
    files, file = np.unique(np.array(table["file"].to_pylist(), dtype=object), return_inverse=True)
    pixels = _codes(table["pixel_sha256"])
    return Candidates(
        keys=table["key"].combine_chunks(),
        fig_ids=table["fig_id"].combine_chunks(),
        files=[str(name) for name in files],
        file=file.astype(np.int64),
        row_group=columns["row_group"],
        row=columns["row"],
        version=columns["version"],
        article_of=article_of,
        fig=np.cumsum(np.append(True, (np.diff(figs) != 0) | is_first[1:])[: len(figs)]) - 1,
        pixels=pixels,
        sha256=_first_bytes(table["sha256"]),
        caption=_codes(table["caption_digest"]),
        num_chars=columns["num_chars"],
        white_cells=table["white_cells_fraction"].to_numpy(),
        hashes=hashes,
        usable=(is_comparable(hashes[0], grey_std), is_comparable(hashes[1], grey_std)),
        rank=_rank(table, columns),
        pmcids=[str(value.as_py()) for value in table["pmcid"].filter(pa.array(is_first))],
        facts=_facts(table, np.flatnonzero(is_first), np.bincount(article_of)),
    )


def _rank(table: pa.Table, columns: dict[str, Ints]) -> Ints:
    """Return the place of each row: more pixels, lossless, a fig before an abstract, a longer caption, the key."""
    is_lossy = np.isin(np.array(table["format"].to_pylist(), dtype=object), _LOSSY)
    is_other = np.array(table["kind"].to_pylist(), dtype=object) != "figure"
    order = np.lexsort((-columns["num_chars"], is_other, is_lossy, -columns["width_px"] * columns["height_px"]))
    rank = np.empty(len(order), np.int64)
    rank[order] = np.arange(len(order))
    return rank


def _facts(table: pa.Table, firsts: Ints, num_pairs: Ints) -> list[ArticleFacts]:
    """Return the facts of each article, from its first row."""
    names = ["pmcid", "doi", "title_digest", "first_author", "related", "is_preprint", "is_manuscript"]
    rows = table.select(names).take(firsts).to_pylist()
    return [
        ArticleFacts(**row | {"related": tuple(row["related"])}, num_pairs=int(count))
        for row, count in zip(rows, num_pairs, strict=True)
    ]


def _codes(column: "pa.ChunkedArray[Any]") -> Ints:
    """Return whole numbers that are equal where the values are."""
    encoded = column.combine_chunks().dictionary_encode()
    return np.asarray(encoded.indices).astype(np.int64)


def _first_bytes(column: "pa.ChunkedArray[Any]") -> npt.NDArray[np.uint64]:
    """Return the first 8 bytes of digests in hex."""
    return np.fromiter((int(str(value)[:16], 16) for value in column.to_pylist()), np.uint64, len(column))


def _no_rows() -> pa.Table:
    from pmc15m.curate.candidates import Candidate
    from pmc15m.rows import schema

    return schema(Candidate).empty_table().select(_COLUMNS)
