"""Splits: by article, for ever, and in the fractions that were asked for."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pmc15m.config import SplitsConfig
from pmc15m.curate.duplicates import Kept
from pmc15m.curate.splits import SPLITS, decide, split_of
from pmc15m.records import Decision, Tally

HALVES = SplitsConfig(val_fraction=0.25, test_fraction=0.25)
pmcids = st.integers(1, 10**8).map("PMC{}".format)


@pytest.mark.parametrize(
    ("pmcid", "split"),
    [
        ("PMC1", "test"),
        ("PMC2", "train"),
        ("PMC3", "train"),
        ("PMC4", "train"),
        ("PMC5", "val"),
        ("PMC4991227", "val"),
        ("PMC12419688", "val"),
        ("PMC90000002", "train"),
    ],
)
def test_assignment_never_changes(pmcid: str, split: str) -> None:
    assert split_of(pmcid, HALVES) == split


def test_fractions_are_what_was_asked_for() -> None:
    config = SplitsConfig(val_fraction=0.05, test_fraction=0.1)
    splits = [split_of(f"PMC{number}", config) for number in range(1, 20_001)]
    assert abs(splits.count("val") / 20_000 - 0.05) < 0.005
    assert abs(splits.count("test") / 20_000 - 0.1) < 0.007
    assert set(splits) == set(SPLITS)


def test_fraction_of_zero_is_nothing_and_one_in_a_million_is_counted() -> None:
    assert {split_of(f"PMC{n}", SplitsConfig(val_fraction=0, test_fraction=0)) for n in range(2_000)} == {"train"}
    edge = SplitsConfig(val_fraction=0, test_fraction=0.999999)
    assert {split_of(f"PMC{n}", edge) for n in range(2_000)} == {"test"}


def test_salt_deals_anew() -> None:
    other = SplitsConfig(salt="another", val_fraction=0.25, test_fraction=0.25)
    assert [split_of(f"PMC{n}", HALVES) for n in range(40)] != [split_of(f"PMC{n}", other) for n in range(40)]


@given(pmcids)
def test_test_articles_stay_in_test_when_the_fraction_grows(pmcid: str) -> None:
    small = split_of(pmcid, SplitsConfig(val_fraction=0, test_fraction=0.2))
    large = split_of(pmcid, SplitsConfig(val_fraction=0, test_fraction=0.3))
    assert (small, large) != ("test", "train")


@given(pmcids, st.lists(st.integers(1, 99), min_size=1), st.integers(1, 3))
def test_no_article_is_in_two_splits(pmcid: str, figs: list[int], graphic: int) -> None:
    splits = set()
    for fig in figs:
        key = f"{pmcid}_{fig:04d}_{graphic:02d}"
        decision, tally = decide(Kept(key, pmcid, key, ("Other.",)), HALVES)
        assert isinstance(decision, Decision)
        assert decision == Decision(key, decision.split, key, pmcid, ("Other.",))
        assert tally == Tally(f"splits/{decision.split}", 1)
        splits.add(decision.split)
    assert len(splits) == 1
