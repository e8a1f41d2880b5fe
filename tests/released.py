"""A small release on disk, made by hand: some pairs, some rejects, no build."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa

from pmc15m.config import DatasetConfig, to_toml
from pmc15m.records import Pair, Reject
from pmc15m.release.pages.writing import Subject
from pmc15m.release.table import PAIRS_SCHEMA, REJECTS_SCHEMA, pair_row
from pmc15m.release.tar import TarFile
from pmc15m.rows import to_row, write_table
from tests.some import decision
from tests.tiny import packed, picture

FLOWS = [
    {"stage": "extract", "unit": "articles", "in": 3, "out": 2, "rejected": 1, "rejects_by_reason": {"no_figures": 1}},
    {"stage": "curate", "unit": "pairs", "in": 4, "out": 2, "rejected": 2, "rejects_by_reason": {"duplicate_file": 2}},
]
LEAKS: dict[str, Any] = {
    "crossings": {"same_doi": 0, "near": 1},
    "examples": [["PMC7_0001_01", "PMC8_0001_01", 20]],
    "compared": {"max_distance": 24, "num_rows": {"train": 1, "val": 1, "test": 0}, "num_pairs": 1},
    "num_groups": 2,
    "num_joined_groups": 1,
    "largest_groups": [
        {"anchor": "PMC7", "splits": ["train"], "num_articles": 2, "num_pairs": 3, "edges": {"near": 1, "related": 0}}
    ],
    "oversize_groups": [{"anchor": "PMC7", "num_articles": 2_000, "done": "to train"}],
}


def write_release(
    folder: Path,
    pairs: Iterable[tuple[str, Pair]] = (),
    rejects: Iterable[Reject] = (),
    images: Mapping[str, bytes] | None = None,
    config: DatasetConfig | None = None,
    other_captions: tuple[str, ...] = (),
    report: Mapping[str, Any] | None = None,
) -> Subject:
    """Write a shard a split and a table of rejects, and return what pages are made from.

    Args:
        folder: to write.
        pairs: split and pair.
        rejects: of one table.
        images: bytes by key, where they are not a small picture.
        config: of the release.
        other_captions: of every pair.
        report: what report.json says.
    """
    by_split: dict[str, list[Pair]] = {}
    for split, pair in pairs:
        by_split.setdefault(split, []).append(pair)
    paths = []
    for split, some in by_split.items():
        shard = f"pmc15m-{split}-000000"
        for name in (split, "pairs"):
            (folder / name).mkdir(parents=True, exist_ok=True)
        rows = []
        with (folder / split / f"{shard}.tar").open("wb") as target:
            tar = TarFile(target)
            for pair in sorted(some, key=lambda one: one.key):
                data = (images or {}).get(pair.key) or packed(picture(1), "JPEG")
                offset = tar.add(f"{pair.key}.jpg", data)
                made = decision(pair.key, split=split, other_captions=other_captions)
                rows.append(pair_row(pair, made, "none", shard, offset, len(data)))
            tar.close()
        paths.append(f"pairs/{shard}.parquet")
        write_table(pa.Table.from_pylist(rows, schema=PAIRS_SCHEMA), folder / paths[-1])
    (folder / "rejects").mkdir(parents=True, exist_ok=True)
    paths.append("rejects/rejects-000000.parquet")
    write_table(pa.Table.from_pylist([to_row(r) for r in rejects], schema=REJECTS_SCHEMA), folder / paths[-1])
    report = {"flows": FLOWS, "curation": {"leaks": LEAKS, "against": []}} if report is None else report
    source = {"kind": "folder", "inventory_date": None}
    return Subject(str(folder), tuple(paths), report, to_toml(config or DatasetConfig()), source, "1.0.0", "0.1.0")
