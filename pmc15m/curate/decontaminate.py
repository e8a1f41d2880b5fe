"""Pairs that an evaluation holds: lists of images by hash, lists of articles by pmcid.

A list of hashes is no list of images, so that it may be passed on. Images cut out of a figure
(patches of 28 or 96 px) have other hashes than the figure: no list finds those.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from pmc15m.curate.near import HASH_BYTES, Hashes, find_matches, is_comparable, pack_hashes
from pmc15m.errors import UsageError
from pmc15m.records import ARTICLE_KEY_PATTERN
from pmc15m.rows import schema, to_row, write_table

Bools = npt.NDArray[np.bool_]
Column: TypeAlias = "pa.ChunkedArray[Any]"

_HASHES = ("phash", "phash_content")
_ARTICLES = pa.schema([pa.field("source", pa.string()), pa.field("pmcid", pa.string())])


@dataclass(frozen=True, slots=True)
class ListedImage:
    """One image of an evaluation: a row of a list."""

    source: str  # the evaluation: "vqa-rad"
    id: str  # the image in it, such as its file name
    phash: bytes
    phash_content: bytes
    width_px: int
    height_px: int
    grey_std: float
    hash_version: str


@dataclass(frozen=True, slots=True)
class EvalList:
    """A list as it is searched: of images, of articles, or both."""

    names: tuple[str, ...]  # [M], "source:id" of each image
    hashes: tuple[Hashes, Hashes]  # [M, 4] each: whole, content box
    grey_std: npt.NDArray[np.float64]  # [M]
    pmcids: Mapping[str, str]  # "source:pmcid" by pmcid


def write_list(images: Iterable[ListedImage], path: Path) -> None:
    """Write a list of images as Parquet, in the order given."""
    write_table(pa.Table.from_pylist([to_row(image) for image in images], schema=schema(ListedImage)), path)


def read_list(path: Path, hash_version: str) -> EvalList:
    """Read a list: of images as `write_list` writes it, of articles with columns `source` and `pmcid`, or both.

    Args:
        path: Parquet file.
        hash_version: that of the pairs; hashes of another cannot be compared.

    Raises:
        UsageError: it cannot be read, lacks a column or a value, or has another hash version.
    """
    try:
        with pq.ParquetFile(path, page_checksum_verification=True) as file:
            table = file.read()
    except (OSError, pa.ArrowException) as error:
        raise UsageError(f"cannot read the list {path}: {error}") from error
    has_articles, has_images = (name in table.column_names for name in ("pmcid", "phash"))
    pmcids = _read_articles(table, path) if has_articles else {}
    if has_articles and not has_images:
        table = schema(ListedImage).empty_table()
    values = _columns(table, _image_schema(), path)
    if others := sorted(set(_texts(values["hash_version"])) - {hash_version}):
        raise UsageError(f"{path} has hashes of version {others[0]}, the pairs of {hash_version}: make the list anew")
    hashes = pack_hashes(values["phash"]), pack_hashes(values["phash_content"])
    return EvalList(_names(values["source"], values["id"]), hashes, values["grey_std"].to_numpy(), pmcids)


def _image_schema() -> pa.Schema:
    """Return the schema of a list of images: that of its record, with the width of the hashes."""
    fields: list[Any] = [
        pa.field(f.name, pa.binary(HASH_BYTES)) if f.name in _HASHES else f for f in schema(ListedImage)
    ]
    return pa.schema(fields)


def _read_articles(table: pa.Table, path: Path) -> dict[str, str]:
    """Return "source:pmcid" by pmcid, of several sources the first in the alphabet."""
    values = _columns(table, _ARTICLES, path)
    pmcids = _texts(values["pmcid"])
    for pmcid in pmcids:
        if not ARTICLE_KEY_PATTERN.match(f"{pmcid}.1"):
            raise UsageError(f"the list {path} has the pmcid {pmcid!r}: write PMC4991227")
    return dict(sorted(zip(pmcids, _names(values["source"], values["pmcid"]), strict=True), reverse=True))


def find_overlaps(
    hashes: Sequence[Hashes],
    usable: Sequence[Bools],
    pmcids: Sequence[str],
    lists: Sequence[EvalList],
    max_distance: int,
) -> list[tuple[int, str]]:
    """Return the rows that a list holds, in order, each with "source:id" of the nearest image.

    An article that is listed goes with all its rows, whatever their hashes; of names that are
    equally near the first in the alphabet is told.

    Args:
        hashes: of the rows, [N, 4] each: whole, content box.
        usable: which of them can be compared, [N] each.
        pmcids: of the rows.
        lists: of the evaluations.
        max_distance: bits in which one of the two hashes may differ.
    """
    best: dict[int, tuple[int, str]] = {}
    for row, near in _candidates(hashes, usable, pmcids, lists, max_distance):
        best[row] = min(best.get(row, near), near)
    return [(row, name) for row, (_, name) in sorted(best.items())]


def _candidates(
    hashes: Sequence[Hashes],
    usable: Sequence[Bools],
    pmcids: Sequence[str],
    lists: Sequence[EvalList],
    max_distance: int,
) -> Iterator[tuple[int, tuple[int, str]]]:
    """Yield row, and distance and name of what it overlaps; an article that is listed is nearer than any image."""
    for names in (listed.pmcids for listed in lists if listed.pmcids):
        yield from ((row, (-1, names[pmcid])) for row, pmcid in enumerate(pmcids) if pmcid in names)
    images = [listed for listed in lists if listed.names]
    if not images:
        return
    names_of = [name for listed in images for name in listed.names]
    others = [np.concatenate([listed.hashes[kind] for listed in images]) for kind in range(2)]
    grey_std = np.concatenate([listed.grey_std for listed in images])
    found = find_matches(hashes, usable, others, [is_comparable(other, grey_std) for other in others], max_distance)
    for row, other, distance in zip(found.left, found.right, found.distance, strict=True):
        yield int(row), (int(distance), names_of[other])


def _columns(table: pa.Table, wanted: pa.Schema, path: Path) -> dict[str, Column]:
    """Return the columns of a schema, as its types, none of which lacks a value."""
    columns = {}
    for field in wanted:
        if field.name not in table.column_names:
            raise UsageError(f"the list {path} has no column {field.name}")
        if table[field.name].null_count:
            raise UsageError(f"the list {path} has a row without {field.name}")
        try:
            columns[field.name] = table[field.name].cast(field.type)
        except pa.ArrowException as error:
            raise UsageError(f"the list {path} has {field.name} that is no {field.type}: {error}") from error
    return columns


def _texts(column: Column) -> list[str]:
    return [str(value) for value in column.to_pylist()]


def _names(sources: Column, ids: Column) -> tuple[str, ...]:
    return tuple(f"{source}:{name}" for source, name in zip(_texts(sources), _texts(ids), strict=True))
