"""Near rows: what banding finds beside what comparing all with all finds, caps, groups, order."""

import random
from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from pmc15m.curate import bands, near
from pmc15m.curate.clusters import components, star_clusters
from pmc15m.curate.near import Edges, Hashes, distance, find_edges, find_matches, is_comparable, pack_hashes

DROP, SPLIT = 12, 24
CERTAIN = bands.NUM_BANDS - 1  # bits that may differ while one band of ten must be equal

Usable = NDArray[np.bool_]
Found = dict[tuple[int, int], int]


def some_hashes(num_rows: int, seed: int, max_flips: int = 40, num_sources: int | None = None) -> Hashes:
    """Return hashes of a few sources, each with up to so many bits flipped."""
    rng = np.random.default_rng(seed)
    sources = rng.integers(0, 2, (num_sources or max(1, num_rows // 4), 256), dtype=np.uint8)
    bits = sources[rng.integers(0, len(sources), num_rows)]
    for row, num_flips in zip(bits, rng.integers(0, max_flips + 1, num_rows), strict=True):
        row[rng.choice(256, num_flips, replace=False)] ^= 1
    return pack_bits(bits)


def pack_bits(bits: NDArray[np.uint8]) -> Hashes:
    return pack_hashes([row.tobytes() for row in np.packbits(bits, axis=1)])


def all_of(hashes: Sequence[Hashes]) -> list[Usable]:
    return [np.ones(len(kind), np.bool_) for kind in hashes]


def found_of(edges: Edges) -> Found:
    rows = zip(edges.left.tolist(), edges.right.tolist(), edges.distance.tolist(), strict=True)
    return {(left, right): differing for left, right, differing in rows}


def brute(
    hashes: Sequence[Hashes],
    usable: Sequence[Usable],
    others: Sequence[Hashes],
    other_usable: Sequence[Usable],
    max_distance: int,
) -> Found:
    """Compare all with all."""
    smallest = np.full((len(hashes[0]), len(others[0])), 999)
    for one, is_one, two, is_two in zip(hashes, usable, others, other_usable, strict=True):
        differing = np.bitwise_count(one[:, None] ^ two[None]).sum(axis=2, dtype=np.int64)
        smallest = np.where(is_one[:, None] & is_two[None], np.minimum(smallest, differing), smallest)
    left, right = np.nonzero(smallest <= max_distance)
    return {(i, j): int(smallest[i, j]) for i, j in zip(left.tolist(), right.tolist(), strict=True)}


def brute_edges(hashes: Sequence[Hashes], usable: Sequence[Usable], max_distance: int) -> Found:
    found = brute(hashes, usable, hashes, usable, max_distance)
    return {(left, right): differing for (left, right), differing in found.items() if left < right}


@st.composite
def sets(draw: st.DrawFn) -> tuple[list[Hashes], list[Usable]]:
    """Draw rows with two hashes each: near ones, equal ones, some unusable in one kind or both."""
    num_rows = draw(st.integers(0, 40))
    seed = draw(st.integers(0, 2**32 - 1))
    max_flips = draw(st.sampled_from([0, 2, 8, 16]))
    rng = np.random.default_rng(seed)
    hashes = [some_hashes(num_rows, seed + kind, max_flips) for kind in range(2)]
    return hashes, [rng.random(num_rows) < 0.8 for _ in hashes]


@settings(max_examples=50)
@given(sets())
def test_no_pair_is_missed_that_must_be_equal_in_a_band(drawn: tuple[list[Hashes], list[Usable]]) -> None:
    assert found_of(find_edges(*drawn, CERTAIN)) == brute_edges(*drawn, CERTAIN)


@settings(max_examples=50)
@given(sets())
def test_what_is_found_is_near_by_the_true_distance(drawn: tuple[list[Hashes], list[Usable]]) -> None:
    truth = brute_edges(*drawn, SPLIT)
    found = found_of(find_edges(*drawn, SPLIT))
    assert found.items() <= truth.items()
    assert {pair for pair, differing in truth.items() if differing <= CERTAIN} <= found.keys()


@settings(max_examples=50)
@given(sets(), st.randoms(use_true_random=False))
def test_edges_are_a_function_of_the_set_of_rows(drawn: tuple[list[Hashes], list[Usable]], dice: random.Random) -> None:
    hashes, usable = drawn
    order = list(range(len(hashes[0])))
    dice.shuffle(order)
    shuffled = find_edges([kind[order] for kind in hashes], [kind[order] for kind in usable], SPLIT)
    back = {
        (min(order[i], order[j]), max(order[i], order[j])): differing
        for (i, j), differing in found_of(shuffled).items()
    }
    assert back == found_of(find_edges(hashes, usable, SPLIT))


@settings(max_examples=50)
@given(sets(), st.integers(0, 40))
def test_matches_are_the_pairs_between_two_sets(drawn: tuple[list[Hashes], list[Usable]], cut: int) -> None:
    hashes, usable = drawn
    ours = [kind[:cut] for kind in hashes], [kind[:cut] for kind in usable]
    others = [kind[cut:] for kind in hashes], [kind[cut:] for kind in usable]
    assert found_of(find_matches(*ours, *others, CERTAIN)) == brute(*ours, *others, CERTAIN)


def test_few_copies_of_changed_pictures_are_missed() -> None:
    hashes, num_pairs = changed_pictures(3_000, seed=7)
    found = find_edges(hashes, all_of(hashes), SPLIT)
    pairs = set(zip(found.left.tolist(), found.right.tolist(), strict=True))
    copies = np.arange(num_pairs)
    smallest = np.minimum(*(distance(kind, copies, copies + num_pairs) for kind in hashes))
    is_found = np.array([(row, row + num_pairs) in pairs for row in range(num_pairs)])
    for max_distance, least in ((DROP, 0.998), (SPLIT, 0.97)):
        near_ones = smallest <= max_distance
        assert near_ones.sum() > num_pairs / 3
        assert is_found[near_ones].mean() >= least
    assert ((smallest > DROP) & (smallest <= SPLIT)).sum() > num_pairs / 10


def changed_pictures(num_pairs: int, seed: int) -> tuple[list[Hashes], int]:
    """Return hashes of pictures and, behind them, of changed copies, and the number of the pictures.

    A hash is made as from a picture: coefficients that fall with the frequency, those above their
    median set; a change adds noise to all alike, more in one copy than in another.
    """
    rng = np.random.default_rng(seed)
    frequency = np.add.outer(np.arange(16), np.arange(16)).ravel()
    hashes = []
    noise = 10 ** rng.uniform(-4, -1.6, (num_pairs, 1))
    for _ in range(2):
        coefficients = rng.normal(size=(num_pairs, 256)) / (1 + frequency)
        copies = coefficients + noise * rng.normal(size=coefficients.shape)
        rows = np.concatenate([coefficients, copies])
        hashes.append(pack_bits((rows > np.median(rows, axis=1, keepdims=True)).astype(np.uint8)))
    return hashes, num_pairs


@settings(max_examples=50)
@given(sets(), st.randoms(use_true_random=False), st.integers(1, 4), st.integers(0, 3))
def test_caps_change_what_is_found_but_by_the_set_alone(
    drawn: tuple[list[Hashes], list[Usable]], dice: random.Random, max_bucket: int, num_neighbours: int
) -> None:
    hashes, usable = drawn
    order = list(range(len(hashes[0])))
    dice.shuffle(order)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bands, "MAX_BUCKET", max_bucket)
        patch.setattr(bands, "NUM_NEIGHBOURS", num_neighbours)
        edges = find_edges(hashes, usable, SPLIT)
        shuffled = find_edges([kind[order] for kind in hashes], [kind[order] for kind in usable], SPLIT)
    ends = ((order[i], order[j], differing) for (i, j), differing in found_of(shuffled).items())
    assert {(min(i, j), max(i, j)): differing for i, j, differing in ends} == found_of(edges)
    assert shuffled.num_capped == edges.num_capped
    assert found_of(edges).items() <= brute_edges(hashes, usable, SPLIT).items()


def counted(num_rows: int) -> Hashes:
    """Return hashes that differ in their last bits alone: row 5 ends with 101."""
    hashes = some_hashes(1, seed=3, max_flips=0).repeat(num_rows, axis=0)
    hashes[:, 3] = hashes[:, 3] >> np.uint64(50) << np.uint64(50) | np.arange(num_rows, dtype=np.uint64)
    return hashes


def test_rows_above_the_cap_are_compared_with_those_next_to_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bands, "MAX_BUCKET", 30)
    monkeypatch.setattr(bands, "NUM_NEIGHBOURS", 2)
    hashes = [counted(100)]
    edges = find_edges(hashes, all_of(hashes), SPLIT)
    assert found_of(edges).keys() == {(row, row + step) for row in range(100) for step in (1, 2) if row + step < 100}
    assert edges.num_capped == 9 * 100  # the tenth band differs
    hashes = [hashes[0].repeat(2, axis=0)]
    assert find_edges(hashes, all_of(hashes), SPLIT).num_capped == 9 * 200


def test_rows_above_the_cap_are_compared_in_full_where_the_next_band_parts_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(bands, "MAX_BUCKET", 6)
    monkeypatch.setattr(bands, "NUM_NEIGHBOURS", 0)
    hashes = some_hashes(18, seed=5, num_sources=1000)
    same = np.uint64(2**64 - 2**39)  # the 25 bits of the first band
    following = np.uint64(2**39 - 2**13)  # the 26 bits of the next
    first = hashes[:, 0]
    first[:12] = first[:12] & ~same | first[0] & same
    first[6:] = first[6:] & ~following | first[6] & following
    first[:6] = first[:6] & ~following | first[0] & following
    edges = find_edges([hashes], all_of([hashes]), 255)
    assert set(found_of(edges)) == {
        (left, right) for group in (range(6), range(6, 12)) for left in group for right in group if left < right
    }
    assert edges.num_capped == 12 + 12


def test_a_hash_is_not_taken_for_its_negative(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bands, "MAX_BUCKET", 1)
    hashes = [np.concatenate([counted(2), ~counted(2)])]
    assert found_of(find_edges(hashes, all_of(hashes), SPLIT)) == {(0, 1): 1, (2, 3): 1}


@settings(max_examples=50)
@given(sets(), st.integers(1, 3))
def test_clusters_of_large_groups_are_those_of_all_pairs(
    drawn: tuple[list[Hashes], list[Usable]], max_group: int
) -> None:
    picked = np.random.default_rng(1).integers(0, max(1, len(drawn[0][0]) // 4), len(drawn[0][0]))
    hashes, usable = [kind[picked] for kind in drawn[0]], [kind[picked] for kind in drawn[1]]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(near, "MAX_GROUP", max_group)
        edges = find_edges(hashes, usable, CERTAIN)
    truth = brute_edges(hashes, usable, CERTAIN)
    left, right = np.array(list(truth), np.int64).reshape(-1, 2).T
    count = len(picked)
    assert found_of(edges).items() <= truth.items()
    stars = [
        star_clusters(count, i, j, np.arange(count)).tolist() for i, j in ((left, right), (edges.left, edges.right))
    ]
    assert stars[0] == stars[1]
    assert components(count, edges.left, edges.right).tolist() == components(count, left, right).tolist()


def test_a_large_group_has_an_edge_a_row_and_not_one_a_pair() -> None:
    hashes = [np.concatenate([counted(2).repeat(near.MAX_GROUP + 50, axis=0), counted(3)[2:]])]
    edges = find_edges(hashes, all_of(hashes), SPLIT)
    num_rows = len(hashes[0])
    assert len(edges.left) < 4 * num_rows
    assert (edges.right == num_rows - 1).sum() == num_rows - 1  # the one that is not in a group has all its pairs


def test_every_row_near_a_large_group_of_the_other_set_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(near, "MAX_GROUP", 2)
    ours, others = [counted(2).repeat(5, axis=0)], [counted(1).repeat(4, axis=0)]
    edges = find_matches(ours, all_of(ours), others, all_of(others), SPLIT)
    assert found_of(edges) == {(row, 0): int(row >= 5) for row in range(10)}


def test_a_short_list_is_compared_with_more_rows_than_a_bucket_may_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bands, "MAX_BUCKET", 20)
    monkeypatch.setattr(bands, "NUM_NEIGHBOURS", 1)
    ours, others = [counted(200)], [counted(1)]
    edges = find_matches(ours, all_of(ours), others, all_of(others), SPLIT)
    assert (len(edges.left), edges.num_capped) == (200, 0)


def test_matches_do_not_hang_on_rows_that_meet_nothing() -> None:
    ours, others = [some_hashes(50, 1), some_hashes(50, 2)], [some_hashes(5, 3), some_hashes(5, 4)]
    others[1][3] = ours[1][40]
    edges = find_matches(ours, all_of(ours), others, all_of(others), DROP)
    assert found_of(edges)[40, 3] == 0


def test_rows_that_are_not_usable_are_not_compared() -> None:
    hashes = [counted(4), counted(4)]
    hashes[1][3] = ~hashes[1][3]
    usable = [np.array([True, False, True, True]), np.array([False, True, False, True])]
    assert found_of(find_edges(hashes, usable, DROP)) == {(0, 2): 1, (0, 3): 2, (2, 3): 1}


def test_a_row_usable_in_one_kind_is_not_taken_for_one_usable_in_another() -> None:
    hashes = [np.zeros((4, 4), np.uint64)] * 2
    hashes[1] = hashes[1].copy()
    hashes[1][3, 0] = 1
    usable = [np.array([True, False, False, False]), np.array([False, True, True, True])]
    assert found_of(find_edges(hashes, usable, DROP)) == {(1, 2): 0, (1, 3): 1, (2, 3): 1}


def test_blanks_and_ramps_are_not_comparable_but_symmetric_pictures_are() -> None:
    bits = np.zeros((5, 256), np.uint8)
    for row, num_bits in enumerate((0, 5, near.MIN_BITS - 1, near.MIN_BITS, 128)):
        bits[row, :num_bits] = 1
    hashes, grey = pack_bits(bits), np.full(5, 40.0)
    assert is_comparable(hashes, grey).tolist() == [False, False, False, True, True]
    grey[[3, 4]] = near.MIN_STD, near.MIN_STD - 0.01
    assert is_comparable(hashes, grey).tolist() == [False, False, False, True, False]
    assert not is_comparable(hashes, np.full(5, np.nan)).any()


@pytest.mark.parametrize("num_rows", [0, 1])
def test_no_rows_and_one_row_have_no_edges(num_rows: int) -> None:
    hashes = [some_hashes(num_rows, 1), some_hashes(num_rows, 2)]
    none: list[Hashes] = [np.empty((0, 4), np.uint64)] * 2
    for edges in (
        find_edges(hashes, all_of(hashes), SPLIT),
        find_edges(hashes, [~kind for kind in all_of(hashes)], SPLIT),
        find_matches(hashes, all_of(hashes), none, all_of(none), SPLIT),
        find_matches(none, all_of(none), hashes, all_of(hashes), SPLIT),
    ):
        assert (edges.left.tolist(), edges.right.tolist(), edges.num_capped) == ([], [], 0)
        assert [part.dtype.name for part in (edges.left, edges.right, edges.distance)] == ["int64", "int64", "uint16"]


def test_edges_are_sorted() -> None:
    hashes = [some_hashes(200, 1, 10, 5), some_hashes(200, 2, 10, 5)]
    edges = find_edges(hashes, all_of(hashes), SPLIT)
    pairs = list(zip(edges.left.tolist(), edges.right.tolist(), strict=True))
    assert len(pairs) > 1000
    assert pairs == sorted(set(pairs))
    assert all(left < right for left, right in pairs)


def test_bits_are_counted_from_the_first_byte() -> None:
    assert pack_hashes([b"\x80" + bytes(30) + b"\x01"]).tolist() == [[1 << 63, 0, 0, 1]]
    hashes = pack_hashes([bytes(32), b"\xff" * 32, b"\x0f" * 32])
    assert distance(hashes, np.array([0, 0, 1]), np.array([1, 2, 1])).tolist() == [256, 128, 0]


@pytest.mark.parametrize("kind", [pa.binary(), pa.large_binary(), pa.binary(32)])
def test_a_column_is_packed_like_its_values(kind: pa.DataType) -> None:
    values = [bytes([number]) * 32 for number in range(7)]
    column = pa.chunked_array([pa.array(values[:3], kind), pa.array(values[2:], kind).slice(1)])
    assert pack_hashes(column).tolist() == pack_hashes(values).tolist()
    assert pack_hashes(pa.array([], kind)).shape == (0, 4)
    assert pack_hashes(column.slice(7)).shape == (0, 4)


@pytest.mark.parametrize(
    "hashes", [[bytes(31)], [bytes(31), bytes(33)], pa.array([bytes(31), bytes(33)]), pa.array([bytes(32), None])]
)
def test_a_hash_that_is_missing_or_too_short_is_refused(hashes: list[bytes]) -> None:
    with pytest.raises(ValueError, match=r"hash|32"):
        pack_hashes(hashes)
