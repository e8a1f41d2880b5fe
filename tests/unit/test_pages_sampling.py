"""Pairs that a page shows: drawn by digest, or looked up by key."""

from pathlib import Path

import pyarrow as pa

from pmc15m.release.pages.sampling import draw_pairs, find_pairs, tables_by_split
from pmc15m.release.table import PAIRS_SCHEMA, pair_row
from pmc15m.rows import order_of, write_table
from pmc15m.store import Store
from tests.some import decision, pair

KEYS = sorted((f"PMC{i}_0001_01" for i in range(1, 41)), key=order_of)


def write(folder: Path, *shards: list[str]) -> list[str]:
    """Write the tables of a split and return their names."""
    names = []
    for index, keys in enumerate(shards):
        names.append(f"pmc15m-train-{index:06d}.parquet")
        rows = [pair_row(pair(key), decision(key), "none", "s", 0, 1) for key in sorted(keys)]
        write_table(pa.Table.from_pylist(rows, schema=PAIRS_SCHEMA), folder / names[-1], 8)
    return names


def test_drawn_pairs_are_those_of_the_smallest_digests(tmp_path: Path) -> None:
    names = write(tmp_path, KEYS[:20], KEYS[20:])
    assert [row["key"] for row in draw_pairs(Store(str(tmp_path)), names, 12)] == KEYS[:12]


def test_a_short_shard_is_made_up_for_by_the_next(tmp_path: Path) -> None:
    names = write(tmp_path, KEYS[:3], KEYS[3:])
    assert [row["key"] for row in draw_pairs(Store(str(tmp_path)), names, 12)] == KEYS[:12]


def test_a_small_split_gives_all_it_has(tmp_path: Path) -> None:
    names = write(tmp_path, KEYS[:3])
    assert [row["key"] for row in draw_pairs(Store(str(tmp_path)), names, 12)] == KEYS[:3]


def test_pairs_are_found_by_key_in_any_table(tmp_path: Path) -> None:
    names = write(tmp_path, KEYS[:20], KEYS[20:])
    found = find_pairs(Store(str(tmp_path)), names, [KEYS[1], KEYS[30], "PMC999_0001_01"])
    assert sorted(found) == sorted([KEYS[1], KEYS[30]])
    assert found[KEYS[1]]["caption"] == pair().figure.caption
    assert find_pairs(Store(str(tmp_path)), names, []) == {}


def test_tables_are_grouped_by_split_in_the_order_of_shards() -> None:
    names = [
        "pairs/pmc15m-val-000000.parquet",
        "pairs/pmc15m-train-000001.parquet",
        "pairs/pmc15m-train-000000.parquet",
    ]
    assert tables_by_split([*names, "pairs/notes.txt"]) == {"train": [names[2], names[1]], "val": [names[0]]}
