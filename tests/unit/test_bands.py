"""Bands cut a hash without a gap, and one that is equal is enough to be compared."""

import random

import numpy as np
import pytest

from pmc15m.curate.bands import NUM_BANDS, Words, band_values, distinct, pack, unpack
from pmc15m.curate.near import find_edges, find_matches

ALL_BITS = 2**256 - 1


def words_of(value: int) -> Words:
    return np.array([[value >> shift & 2**64 - 1 for shift in (192, 128, 64, 0)]], np.uint64)


def mask_of(band: int) -> int:
    """Return the bits of a band, set."""
    start, stop = band * 256 // NUM_BANDS, (band + 1) * 256 // NUM_BANDS
    return (1 << 256 - start) - (1 << 256 - stop)


def test_bands_follow_one_another_and_make_up_the_hash() -> None:
    value = random.Random(1).getrandbits(256)
    parts = [f"{int(band_values(words_of(value), band)[0]):026b}" for band in range(NUM_BANDS)]
    sizes = [mask_of(band).bit_count() for band in range(NUM_BANDS)]
    assert set(sizes) == {25, 26}
    assert "".join(part[-size:] for part, size in zip(parts, sizes, strict=True)) == f"{value:0256b}"
    assert all(part[0] == "0" for part, size in zip(parts, sizes, strict=True) if size == 25)


@pytest.mark.parametrize("band", range(NUM_BANDS))
def test_what_is_equal_in_one_band_alone_is_compared(band: int) -> None:
    value = random.Random(2).getrandbits(256)
    ours, others = words_of(value), words_of(value ^ ALL_BITS ^ mask_of(band))
    hashes, usable = [np.concatenate([ours, others])], [np.ones(2, np.bool_)]
    assert find_edges(hashes, usable, 255).distance.tolist() == [256 - mask_of(band).bit_count()]
    assert find_matches([ours], [usable[0][:1]], [others], [usable[0][:1]], 255).right.tolist() == [0]


def test_pairs_sort_like_tuples_and_come_back_as_they_were() -> None:
    first, second = np.array([3, 0, 2**32 - 1, 3, 0]), np.array([1, 7, 2**32 - 1, 0, 7])
    back = unpack(distinct(pack(first, second)))
    assert list(zip(*(part.tolist() for part in back), strict=True)) == sorted(
        {*zip(first.tolist(), second.tolist(), strict=True)}
    )
