"""All candidates at once, as columns: what the one worker that compares them holds.

Text is left in the row files and read again for the few that need it; digests are told apart by 16 bytes.
Rows stand in the order of their keys, so that nothing depends on how they lay in files.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from pmc15m.curate.bands import is_first
from pmc15m.curate.identity import ArticleFacts
from pmc15m.curate.near import Hashes, is_comparable, pack_hashes
from pmc15m.rows import read_tables
from pmc15m.store import Store

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

_KEY = r"PMC(?P<number>\d+)_(?P<fig>\d+)_(?P<graphic>\d+)"
_NUMBERS = ("version", "width_px", "height_px", "num_chars", "row_group", "row")
_FLOATS = ("grey_std", "white_cells_fraction")
_HASHES = ("phash", "phash_content")
_FACTS = ["pmcid", "doi", "title_digest", "first_author", "related", "is_preprint", "is_manuscript"]
_COLUMNS = (
    *("key", "fig_id", "kind", "format", "sha256", "pixel_sha256", "caption_digest", "file"),
    *(*_FACTS, *_HASHES, *_NUMBERS, *_FLOATS),
)
_ARRAYS = (
    *("key", "fig_id", "number", "fig", "graphic", "version", "num_chars", "row_group", "row", "file"),
    *("num_pixels", "is_lossy", "is_other", "sha256", "pixel_sha256", "caption_digest", *_HASHES, *_FLOATS),
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
    store, facts, files = Store(folder), _Facts(), _Names()
    pieces = [
        _read_piece(table, facts, files) for name in sorted(names) for table in read_tables(store, name, _COLUMNS)
    ]
    columns = {name: _join([piece.pop(name) for piece in pieces], name) for name in _ARRAYS}
    order = np.lexsort((columns.pop("graphic"), columns["fig"], columns["number"]))
    texts = {name: columns.pop(name).take(pa.array(order)) for name in ("key", "fig_id")}
    for name in list(columns):
        columns[name] = columns[name][order]
    numbers, figs = columns.pop("number"), columns.pop("fig")
    is_new = is_first(numbers)
    article_of = np.cumsum(is_new) - 1
    pmcids = [f"PMC{number}" for number in numbers[is_new].tolist()]
    num_pairs = np.bincount(article_of, minlength=len(pmcids))
    rank = _rank(columns)
    grey_std = columns["grey_std"]
    hashes = columns["phash"], columns["phash_content"]
    return Candidates(
        keys=texts["key"],
        fig_ids=texts["fig_id"],
        files=files.names,
        file=columns["file"],
        row_group=columns["row_group"],
        row=columns["row"],
        version=columns["version"],
        article_of=article_of,
        fig=np.cumsum(is_new | is_first(figs)) - 1,
        pixels=_codes(columns["pixel_sha256"]),
        sha256=columns["sha256"][:, 0],
        caption=_codes(columns["caption_digest"]),
        num_chars=columns["num_chars"],
        white_cells=columns["white_cells_fraction"],
        hashes=hashes,
        usable=(is_comparable(hashes[0], grey_std), is_comparable(hashes[1], grey_std)),
        rank=rank,
        pmcids=pmcids,
        facts=[facts.of(pmcid, int(count)) for pmcid, count in zip(pmcids, num_pairs, strict=True)],
    )


class _Names:
    """Numbers for names, in the order in which they come."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}

    @property
    def names(self) -> list[str]:
        return list(self._numbers)

    def number_of(self, name: str) -> int:
        return self._numbers.setdefault(name, len(self._numbers))


class _Facts:
    """The facts of each article, from whichever of its rows comes first: all say the same."""

    def __init__(self) -> None:
        self._of: dict[str, ArticleFacts] = {}

    def add(self, table: pa.Table) -> None:
        pmcids = table["pmcid"].to_pylist()
        new = [row for row, pmcid in enumerate(pmcids) if pmcid not in self._of]
        for row in table.select(_FACTS).take(np.array(new, np.int64)).to_pylist():
            self._of[row["pmcid"]] = ArticleFacts(**row | {"related": tuple(row["related"])}, num_pairs=0)

    def of(self, pmcid: str, num_pairs: int) -> ArticleFacts:
        return replace(self._of.pop(pmcid), num_pairs=num_pairs)


def _read_piece(table: pa.Table, facts: _Facts, files: _Names) -> dict[str, Any]:
    """Return the columns of some rows as arrays."""
    facts.add(table)
    parts = pc.extract_regex(table["key"].combine_chunks(), pattern=_KEY)
    piece: dict[str, Any] = {
        name: np.asarray(pc.cast(parts.field(name), pa.int64())) for name in ("number", "fig", "graphic")
    }
    piece |= {name: table[name].to_numpy().astype(np.int32) for name in _NUMBERS}
    piece |= {name: table[name].to_numpy() for name in _FLOATS}
    piece |= {name: pack_hashes(table[name]) for name in _HASHES}
    piece |= {name: _words(table[name].to_pylist()) for name in ("sha256", "pixel_sha256")}
    digests = b"".join(filter(None, table["caption_digest"].to_pylist()))
    piece["caption_digest"] = np.frombuffer(digests, ">u8").reshape(-1, 2)
    piece["file"] = np.array([files.number_of(str(name)) for name in table["file"].to_pylist()], np.int32)
    piece["num_pixels"] = piece.pop("width_px").astype(np.int64) * piece.pop("height_px")
    piece["is_lossy"] = np.array([value in _LOSSY for value in table["format"].to_pylist()])
    piece["is_other"] = np.array([value != "figure" for value in table["kind"].to_pylist()])
    return piece | {name: table[name].combine_chunks() for name in ("key", "fig_id")}


def _join(pieces: list[Any], name: str) -> Any:
    """Return one array of many; of no rows where there are none."""
    if name in ("key", "fig_id"):
        return pa.concat_arrays(pieces) if pieces else pa.array([], pa.string())
    if pieces:
        return np.concatenate(pieces)
    width = {"phash": 4, "phash_content": 4, "sha256": 2, "pixel_sha256": 2, "caption_digest": 2}.get(name)
    return np.empty((0, width) if width else 0, np.uint64 if width else np.int64)


def _words(digests: list[Any]) -> npt.NDArray[np.uint64]:
    """Return the first 16 bytes of digests in hex as two words, `[N, 2]`."""
    return np.frombuffer(bytes.fromhex("".join(text[:32] for text in digests)), ">u8").reshape(-1, 2)


def _codes(words: npt.NDArray[np.uint64]) -> Ints:
    """Return whole numbers from 0 that are equal where both words are."""
    order = np.lexsort((words[:, 1], words[:, 0]))
    ordered = words[order]
    codes = np.empty(len(words), np.int64)
    codes[order] = np.cumsum(np.append(True, np.any(ordered[1:] != ordered[:-1], axis=1))[: len(words)]) - 1
    return codes


def _rank(columns: dict[str, Any]) -> Ints:
    """Return the place of each row: more pixels, lossless, a fig before an abstract, a longer caption, the key."""
    num_pixels, is_lossy, is_other = (columns.pop(name) for name in ("num_pixels", "is_lossy", "is_other"))
    order = np.lexsort((-columns["num_chars"], is_other, is_lossy, -num_pixels))
    rank = np.empty(len(order), np.int64)
    rank[order] = np.arange(len(order))
    return rank
