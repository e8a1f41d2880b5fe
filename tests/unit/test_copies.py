"""Copies: equal pixels always, near pictures where captions, works or the kind of picture say so too."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pmc15m.config import DuplicatesConfig
from pmc15m.curate.copies import find_copies, first_of
from pmc15m.curate.near import Edges
from pmc15m.records import Pair
from tests.judging import DENSE, LINES, arrays, shown, words_of

SPRING = "A mill by the old river in early spring, seen from the bridge at noon."
ALIKE = "A mill by the old river in early spring, seen from the bridge at dusk."  # 0.85 of the runs of three words
SOMEWHAT = "A mill by the old river in early spring."  # 0.54 of them
OTHER = words_of("another caption")


def test_first_of_equal_pixels_is_the_one_of_lowest_rank() -> None:
    pixels, rank = np.array([5, 3, 5, 3, 5]), np.array([4, 1, 2, 0, 3])
    assert first_of(pixels, rank, np.ones(5, np.bool_)).tolist() == [2, 3, 2, 3, 2]


def test_row_that_is_out_is_first_of_itself_and_of_none_other() -> None:
    pixels, rank = np.array([5, 5, 5, 3]), np.array([0, 1, 2, 3])
    assert first_of(pixels, rank, np.array([False, True, True, False])).tolist() == [0, 1, 1, 3]


def test_first_of_nothing_is_nothing() -> None:
    empty = np.empty(0, np.int64)
    assert first_of(empty, empty, np.empty(0, np.bool_)).tolist() == []


def leaders(
    pairs: Sequence[Pair],
    folder: Path,
    edges: Sequence[tuple[int, int, int]],
    work: Sequence[int] | None = None,
    **config: Any,
) -> list[int]:
    """Return the leader of each pair; edges are of rows, in the order of keys, and bits."""
    rows = arrays(pairs, folder)
    captions = {pair.key: pair.figure.caption for pair in pairs}
    ends = np.array(edges, np.int64).reshape(-1, 3)
    copies = find_copies(
        rows,
        first_of(rows.pixels, rows.rank, np.ones(len(pairs), np.bool_)),
        Edges(ends[:, 0], ends[:, 1], ends[:, 2].astype(np.uint16), 0),
        rows.rank,
        np.arange(len(rows.pmcids)) if work is None else np.array(work),
        lambda row: captions[rows.key(row)],
        DuplicatesConfig(**config),
    )
    return [int(row) for row in copies.leader]


@pytest.mark.parametrize(
    ("caption", "white", "is_one_work", "is_copy"),
    [
        (SPRING, LINES, False, True),
        (ALIKE, LINES, False, True),
        (SOMEWHAT, LINES, False, True),
        (OTHER, LINES, False, False),
        (OTHER, DENSE, False, True),
        (OTHER, LINES, True, True),
    ],
)
def test_near_pictures_of_two_articles_are_copies_if_captions_work_or_density_say_so(
    tmp_path: Path, caption: str, white: float, is_one_work: bool, is_copy: bool
) -> None:
    pairs = [
        shown("PMC1_0001_01", "mill", 0, SPRING, white_cells_fraction=white),
        shown("PMC2_0001_01", "mill", 12, caption, white_cells_fraction=white, width_px=600),
    ]
    work = [0, 0] if is_one_work else [0, 1]
    assert leaders(pairs, tmp_path, [(0, 1, 12)], work) == ([0, 0] if is_copy else [0, 1])


@pytest.mark.parametrize(("caption", "is_copy"), [(SPRING, True), (ALIKE, True), (SOMEWHAT, False), (OTHER, False)])
@pytest.mark.parametrize("white", [DENSE, LINES])
def test_near_pictures_of_one_article_are_copies_only_under_much_the_same_caption(
    tmp_path: Path, caption: str, is_copy: bool, white: float
) -> None:
    pairs = [
        shown("PMC1_0001_01", "mill", 0, SPRING, white_cells_fraction=white),
        shown("PMC1_0002_01", "mill", 2, caption, white_cells_fraction=white, width_px=600),
    ]
    assert leaders(pairs, tmp_path, [(0, 1, 2)]) == ([0, 0] if is_copy else [0, 1])


def test_one_dense_picture_beside_line_art_is_not_enough(tmp_path: Path) -> None:
    pairs = [
        shown("PMC1_0001_01", "mill", 0, SPRING, white_cells_fraction=DENSE),
        shown("PMC2_0001_01", "mill", 2, OTHER, white_cells_fraction=LINES),
    ]
    assert leaders(pairs, tmp_path, [(0, 1, 2)]) == [0, 1]


def test_near_graphics_of_one_fig_are_no_copies_and_equal_ones_are(tmp_path: Path) -> None:
    pairs = [
        shown("PMC1_0001_01", "mill", 0, SPRING, white_cells_fraction=DENSE),
        shown("PMC1_0001_02", "mill", 2, SPRING, white_cells_fraction=DENSE),
        shown("PMC1_0001_03", "mill", 0, SPRING, white_cells_fraction=DENSE),
    ]
    assert leaders(pairs, tmp_path, [(0, 1, 2)]) == [0, 1, 0]


@pytest.mark.parametrize(("bits", "is_copy"), [(12, True), (13, False), (24, False)])
def test_copies_differ_in_no_more_bits_than_the_config_says(tmp_path: Path, bits: int, is_copy: bool) -> None:
    pairs = [shown(f"PMC{n}_0001_01", "mill", n, SPRING) for n in (1, 2)]
    assert leaders(pairs, tmp_path, [(0, 1, bits)]) == ([0, 0] if is_copy else [0, 1])


def test_only_equal_pixels_are_copies_where_the_config_says_so(tmp_path: Path) -> None:
    pairs = [shown(f"PMC{n}_0001_01", "mill", n // 3, SPRING) for n in (1, 2, 3)]
    assert leaders(pairs, tmp_path, [(0, 2, 0)], drop_distance=-1) == [0, 0, 2]


def test_end_of_a_chain_stays_and_copies_of_a_copy_follow_its_leader(tmp_path: Path) -> None:
    pairs = [
        shown("PMC1_0001_01", "mill", 0, SPRING),
        shown("PMC2_0001_01", "mill", 12, SPRING),
        shown("PMC3_0001_01", "mill", 24, SPRING),
        shown("PMC4_0001_01", "mill", 12, OTHER),
    ]
    assert leaders(pairs, tmp_path, [(0, 1, 12), (1, 2, 12)]) == [0, 0, 2, 0]


def test_best_of_a_star_leads_it(tmp_path: Path) -> None:
    pairs = [
        shown("PMC1_0001_01", "mill", 0, SPRING, width_px=300),
        shown("PMC2_0001_01", "mill", 2, SPRING, width_px=900),
    ]
    assert leaders(pairs, tmp_path, [(0, 1, 2)]) == [1, 1]
