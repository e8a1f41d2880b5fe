"""Bins and quantiles of counted numbers."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pmc15m.release.pages.histograms import Bin, bin_counts, quantile, year_bins

EDGES = (1, 10, 100)


def test_values_fall_into_the_bin_that_begins_at_or_below_them() -> None:
    counts = {1: 1, 9: 2, 10: 4, 99: 8, 100: 16, 5_000: 32}
    assert bin_counts(counts, EDGES) == [Bin(1, 10, 3), Bin(10, 100, 12), Bin(100, None, 48)]


def test_what_lies_below_the_first_edge_is_in_the_first_bin() -> None:
    assert bin_counts({0: 3}, EDGES) == [Bin(1, 10, 3)]


def test_empty_bins_are_left_out_at_the_ends_and_kept_between() -> None:
    assert bin_counts({5: 1, 200: 1}, EDGES) == [Bin(1, 10, 1), Bin(10, 100, 0), Bin(100, None, 1)]
    assert bin_counts({50: 1}, EDGES) == [Bin(10, 100, 1)]
    assert bin_counts({}, EDGES) == []


@given(st.dictionaries(st.integers(0, 10**9), st.integers(1, 10**12)))
def test_bins_hold_every_value_once(counts: dict[int, int]) -> None:
    assert sum(one.count for one in bin_counts(counts, EDGES)) == sum(counts.values())
    assert sum(one.count for one in year_bins(counts)) == sum(counts.values())


def test_each_year_has_a_bin_even_without_a_pair() -> None:
    assert year_bins({2019: 2, 2021: 1}) == [Bin(2019, 2020, 2), Bin(2020, 2021, 0), Bin(2021, 2022, 1)]
    assert year_bins({}) == []


def test_many_years_share_bins_of_round_years() -> None:
    bins = year_bins({1893: 1, 2024: 2})
    assert bins[0] == Bin(1890, 1895, 1)
    assert bins[-1] == Bin(2020, 2025, 2)
    assert len(bins) <= 40


def test_a_year_that_cannot_be_gives_no_endless_chart() -> None:
    assert len(year_bins({1: 1, 99_999: 1})) <= 40


@pytest.mark.parametrize(("fraction", "value"), [(0.0, 1), (0.25, 1), (0.5, 2), (0.75, 3), (1.0, 9)])
def test_quantile_is_a_value_that_was_counted(fraction: float, value: int) -> None:
    assert quantile({1: 2, 2: 2, 3: 3, 9: 1}, fraction) == value


def test_nothing_has_no_quantile() -> None:
    assert quantile({}, 0.5) is None


@given(st.lists(st.integers(0, 50), min_size=1), st.floats(0, 1))
def test_quantile_leaves_at_least_its_fraction_at_or_below(values: list[int], fraction: float) -> None:
    found = quantile(Counter(values), fraction)
    assert found in values
    assert sum(value <= found for value in values) >= fraction * len(values) - 1e-9
