"""Candidates as columns: in the order of their keys, what is the same told by equal numbers, the best copy first."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pmc15m.curate.arrays import read_arrays
from tests.judging import arrays, hash_of, shown

KEYS = ["PMC9_0002_01", "PMC9_0002_02", "PMC9_0010_01", "PMC9_10000_01", "PMC10_0002_01", "PMC100_0001_01"]


def same(values: Sequence[int]) -> list[int]:
    """Return for each value the place of the first that equals it."""
    return [list(values).index(value) for value in values]


def test_rows_stand_in_the_order_of_article_fig_and_graphic(tmp_path: Path) -> None:
    rows = arrays([shown(key) for key in KEYS[::-1]], tmp_path)
    assert [rows.key(row) for row in range(len(KEYS))] == KEYS
    assert rows.pmcids == ["PMC9", "PMC10", "PMC100"]
    assert rows.article_of.tolist() == [0, 0, 0, 0, 1, 2]


def test_graphics_of_one_fig_are_told_by_one_number(tmp_path: Path) -> None:
    rows = arrays([shown(key) for key in KEYS], tmp_path)
    assert same(rows.fig.tolist()) == [0, 0, 2, 3, 4, 5]


def test_fig_of_the_same_number_in_the_next_article_is_another(tmp_path: Path) -> None:
    rows = arrays([shown(f"PMC{n}_0001_01") for n in (1, 2, 3)], tmp_path)
    assert same(rows.fig.tolist()) == [0, 1, 2]


def test_equal_pixels_files_and_captions_are_told_by_equal_numbers(tmp_path: Path) -> None:
    pairs = [
        shown("PMC1_0001_01", "mill", caption="Figure 1. A mill, by the river."),
        shown("PMC2_0001_01", "mill", caption="A mill by the river", file="other"),
        shown("PMC3_0001_01", "mill", 2, caption="A dam by the river."),
    ]
    rows = arrays(pairs, tmp_path)
    assert same(rows.pixels.tolist()) == [0, 0, 2]
    assert same(rows.caption.tolist()) == [0, 0, 2]
    assert same(rows.sha256.tolist()) == [0, 1, 2]


@pytest.mark.parametrize(
    ("better", "worse"),
    [
        ({"width_px": 101, "height_px": 100, "format": "JPEG"}, {"width_px": 100, "height_px": 100, "format": "PNG"}),
        ({"format": "PNG", "kind": "graphical_abstract"}, {"format": "JPEG"}),
        ({"format": "TIFF"}, {"format": "JPEG"}),
        ({"caption": "A mill."}, {"kind": "graphical_abstract", "caption": "A mill by the river, in spring."}),
        ({"caption": "A mill by the river, in spring."}, {"caption": "A mill by the river."}),
    ],
    ids=["pixels", "lossless before fig", "lossless", "fig before caption", "caption"],
)
@pytest.mark.parametrize("is_first", [True, False])
def test_best_copy_has_the_lowest_rank(
    tmp_path: Path, better: dict[str, Any], worse: dict[str, Any], is_first: bool
) -> None:
    looks = (better, worse) if is_first else (worse, better)
    rows = arrays([shown(f"PMC{n}_0001_01", **look) for n, look in enumerate(looks, 1)], tmp_path)
    assert rows.rank.tolist() == ([0, 1] if is_first else [1, 0])


def test_of_equal_copies_the_smallest_key_has_the_lowest_rank(tmp_path: Path) -> None:
    rows = arrays([shown(key, caption="A mill by the river.") for key in KEYS], tmp_path)
    assert rows.rank.tolist() == list(range(len(KEYS)))


def test_facts_of_an_article_come_with_the_number_of_its_pairs(tmp_path: Path) -> None:
    facts: dict[str, Any] = {
        "doi": "10.5555/b",
        "first_author": "Miller",
        "related": ("pmcid:PMC9",),
        "is_preprint": True,
    }
    pairs = [shown("PMC2_0001_01"), shown("PMC10_0001_01", **facts), shown("PMC10_0003_01", **facts)]
    one, other = arrays(pairs, tmp_path).facts
    assert (one.pmcid, one.num_pairs, one.doi, one.related) == ("PMC2", 1, "10.5555/PMC2", ())
    assert (other.pmcid, other.num_pairs, other.doi) == ("PMC10", 2, "10.5555/b")
    assert (other.first_author, other.related, other.is_preprint) == ("Miller", ("pmcid:PMC9",), True)
    assert not other.is_manuscript


def test_hash_that_says_nothing_is_not_usable(tmp_path: Path) -> None:
    pairs = [
        shown("PMC1_0001_01"),
        shown("PMC2_0001_01", grey_std=2.9),
        shown("PMC3_0001_01", phash=bytes(32)),
        shown("PMC4_0001_01", phash_content=bytes(32)),
    ]
    rows = arrays(pairs, tmp_path)
    assert [one.tolist() for one in rows.usable] == [[True, False, False, True], [True, False, True, False]]


def test_hashes_are_those_of_their_row(tmp_path: Path) -> None:
    rows = arrays([shown(key) for key in KEYS[::-1]], tmp_path)
    for row, key in enumerate(KEYS):
        assert rows.hashes[0][row].astype(">u8").tobytes() == hash_of(key)
        assert rows.hashes[1][row].astype(">u8").tobytes() == hash_of(f"{key}, its content")


@pytest.mark.parametrize("num_files", [2, 3, 6])
def test_columns_do_not_depend_on_how_rows_lie_in_files(tmp_path: Path, num_files: int) -> None:
    pairs = [shown(key, "mill", n % 2) for n, key in enumerate(KEYS)]
    one = arrays(pairs, tmp_path / "one")
    many = arrays(pairs[::-1], tmp_path / "many", num_files)
    assert len(many.files) == num_files
    for name in ("article_of", "fig", "pixels", "sha256", "caption", "num_chars", "white_cells", "rank", "version"):
        assert np.array_equal(getattr(one, name), getattr(many, name)), name
    assert (one.keys, one.fig_ids, one.pmcids, one.facts) == (many.keys, many.fig_ids, many.pmcids, many.facts)


def test_no_files_are_no_candidates(tmp_path: Path) -> None:
    rows = read_arrays(str(tmp_path), [])
    assert (len(rows.keys), len(rows.rank), rows.pmcids, rows.facts) == (0, 0, [], [])
    assert [one.shape for one in rows.hashes] == [(0, 4), (0, 4)]
