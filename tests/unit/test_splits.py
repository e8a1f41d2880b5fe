"""Splits: by groups of articles, for ever, in the fractions that were asked for, and nothing in two of them."""

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pmc15m.config import SplitsConfig
from pmc15m.curate.identity import IDENTITY_KINDS
from pmc15m.curate.near import Edges
from pmc15m.curate.splits import (
    EDGE_KINDS,
    SPLITS,
    ArticleEdges,
    Oversize,
    assign_splits,
    find_leaks,
    find_split_groups,
    join_edges,
    split_of,
)
from pmc15m.errors import UsageError
from pmc15m.records import article_order

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


# --- a small world --------------------------------------------------------------------------------


class Link(NamedTuple):
    """An edge between two articles, by their names; near ones between a figure of each."""

    kind: str
    one: str
    other: str
    bits: int = 0


@dataclass(frozen=True)
class World:
    """Articles with two rows each, and what joins them."""

    names: Sequence[str]
    links: Sequence[Link]
    config: SplitsConfig = HALVES
    previous: Mapping[str, str] = field(default_factory=dict)

    def index(self, name: str) -> int:
        return list(self.names).index(name)

    def pairs(self, kind: str) -> np.ndarray[Any, np.dtype[np.int64]]:
        ends = [(self.index(link.one), self.index(link.other)) for link in self.links if link.kind == kind]
        return np.array(sorted({(min(pair), max(pair)) for pair in ends}), np.int64).reshape(-1, 2)

    @property
    def identities(self) -> dict[str, np.ndarray[Any, np.dtype[np.int64]]]:
        return {kind: self.pairs(kind) for kind in IDENTITY_KINDS}

    @property
    def article_of(self) -> np.ndarray[Any, np.dtype[np.int64]]:
        return np.repeat(np.arange(len(self.names)), 2)

    def edges(self) -> ArticleEdges:
        pixels = np.arange(2 * len(self.names))  # the second row of the one is the first of the other
        for link in self.links:
            if link.kind == "same_pixels":
                first, second = pixels[2 * self.index(link.one) + 1], pixels[2 * self.index(link.other)]
                pixels[pixels == first] = second
        return join_edges(self.identities, self.article_of, pixels, self.near())

    def near(self) -> Edges:
        """Return the edges between rows: the second of the article of the smaller number, the first of the other."""
        rows: dict[tuple[int, ...], int] = {}
        for kind, one, other, bits in self.links:
            if kind == "near" and one != other:
                smaller, larger = sorted((one, other), key=article_order)
                pair = tuple(sorted((2 * self.index(smaller) + 1, 2 * self.index(larger))))
                rows[pair] = min(bits, rows.get(pair, 999))
        ends = np.array(sorted(rows), np.int64).reshape(-1, 2)
        bits_of = np.array([rows[pair] for pair in sorted(rows)], np.uint16)
        return Edges(ends[:, 0], ends[:, 1], bits_of, 0)

    def groups(self) -> dict[str, str]:
        """Return the anchor of each article."""
        anchor = find_split_groups(self.names, self.edges(), self.config).anchor
        return {name: self.names[index] for name, index in zip(self.names, anchor, strict=True)}

    def assigned(self) -> dict[str, tuple[str, str]]:
        """Return split and group of each article."""
        groups = find_split_groups(self.names, self.edges(), self.config)
        made = assign_splits(self.names, groups, self.config, self.previous)
        assert made.is_old.tolist() == [name in self.previous for name in self.names]
        return {
            name: (SPLITS[split], self.names[group])
            for name, split, group in zip(self.names, made.split, made.group, strict=True)
        }

    def splits(self) -> dict[str, str]:
        return {name: split for name, (split, _) in self.assigned().items()}

    def leaks(self) -> dict[tuple[str, int], str]:
        """Return the rows that would leak, by article and 0 or 1, and the article that each touches."""
        groups = find_split_groups(self.names, self.edges(), self.config)
        made = assign_splits(self.names, groups, self.config, self.previous)
        found = find_leaks(self.names, self.identities, made, self.article_of, self.near())
        return {(self.names[row // 2], row % 2): self.names[other] for row, other in found.items()}


def chain(*names: str, kind: str = "near", bits: int = 20) -> list[Link]:
    return [Link(kind, one, other, bits) for one, other in itertools.pairwise(names)]


# --- edges ----------------------------------------------------------------------------------------


def test_edges_are_between_different_articles_once_a_kind_with_the_fewest_bits() -> None:
    article_of = np.array([0, 0, 1, 1, 2])
    near = Edges(np.array([0, 0, 1, 2]), np.array([1, 3, 2, 4]), np.array([1, 20, 8, 6], np.uint16), 0)
    identities = {kind: np.empty((0, 2), np.int64) for kind in IDENTITY_KINDS} | {"same_doi": np.array([[0, 2]])}
    edges = join_edges(identities, article_of, np.array([5, 5, 5, -1, -1]), near)
    found = [
        (EDGE_KINDS[kind], int(left), int(right), int(bits))
        for left, right, kind, bits in zip(edges.left, edges.right, edges.kind, edges.distance, strict=True)
    ]
    assert found == [("same_doi", 0, 2, 0), ("same_pixels", 0, 1, 0), ("near", 0, 1, 8), ("near", 1, 2, 6)]


# --- groups ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", EDGE_KINDS)
def test_articles_that_share_a_work_or_a_picture_are_one_group_of_the_smallest_number(kind: str) -> None:
    world = World(["PMC10", "PMC7", "PMC9", "PMC8"], chain("PMC10", "PMC9", "PMC8", kind=kind))
    assert world.groups() == {"PMC10": "PMC8", "PMC7": "PMC7", "PMC9": "PMC8", "PMC8": "PMC8"}


def test_figures_further_apart_than_the_limit_join_nothing() -> None:
    for bits, anchor in [(24, "PMC1"), (25, "PMC2")]:
        assert World(["PMC1", "PMC2"], chain("PMC1", "PMC2", bits=bits)).groups()["PMC2"] == anchor


def test_group_that_is_too_large_is_cut_only_as_far_as_it_must() -> None:
    names = [f"PMC{n}" for n in range(1, 8)]
    links = [
        *chain("PMC1", "PMC2", "PMC3", bits=12),
        *chain("PMC3", "PMC4", bits=13),
        *chain("PMC4", "PMC5", kind="same_pixels"),
        *chain("PMC6", "PMC7", bits=24),
    ]
    world = World(names, links, replace(HALVES, max_group_articles=3))
    assert list(world.groups().values()) == ["PMC1", "PMC1", "PMC1", "PMC4", "PMC4", "PMC6", "PMC6"]
    groups = find_split_groups(names, world.edges(), world.config)
    assert groups.oversize == (Oversize("PMC1", 5, "cut to 12 bits"),)
    assert not groups.is_for_train.any()


def test_group_that_no_cut_makes_small_enough_goes_to_train_and_is_named() -> None:
    names = [f"PMC{n}" for n in range(1, 10)]
    links = [
        *chain("PMC1", "PMC2", "PMC3", bits=12),
        *chain("PMC3", "PMC4", bits=13),
        *chain("PMC4", "PMC5", "PMC6", kind="same_doi"),
        *chain("PMC7", "PMC8", "PMC9", bits=3),
    ]
    all_test = replace(HALVES, max_group_articles=2, val_fraction=0.0, test_fraction=0.999999)
    world = World(names, links, all_test)
    assert find_split_groups(names, world.edges(), world.config).oversize == (
        Oversize("PMC1", 6, "cut to 12 bits"),
        Oversize("PMC7", 3, "cut to 12 bits"),
        Oversize("PMC1", 3, "cut to equal pixels"),
        Oversize("PMC4", 3, "cut to equal pixels"),
        Oversize("PMC7", 3, "cut to equal pixels"),
        Oversize("PMC4", 3, "to train"),
    )
    assert {name for name, split in world.splits().items() if split == "train"} == {"PMC4", "PMC5", "PMC6"}


def test_figures_that_a_cut_left_in_two_splits_are_dropped_from_train() -> None:
    # PMC1 is test, PMC2 and PMC3 are train, PMC5 is val.
    names = ["PMC1", "PMC2", "PMC3", "PMC5"]
    links = [*chain("PMC1", "PMC2"), *chain("PMC2", "PMC3"), *chain("PMC1", "PMC5")]
    world = World(names, links, replace(HALVES, max_group_articles=2))
    assert world.splits() == {name: split_of(name, HALVES) for name in names}
    assert world.leaks() == {("PMC2", 0): "PMC1", ("PMC5", 0): "PMC1"}


# --- an earlier release ---------------------------------------------------------------------------


def test_new_article_joins_the_split_of_its_group() -> None:
    world = World(["PMC1", "PMC5", "PMC9"], chain("PMC1", "PMC5", "PMC9"), previous={"PMC9": "train"})
    assert world.assigned() == dict.fromkeys(world.names, ("train", "PMC1"))
    assert world.leaks() == {}
    assert set(replace(world, previous={}).splits().values()) == {"test"}


def test_article_of_the_earlier_release_never_moves() -> None:
    previous = {"PMC1": "val", "PMC2": "test", "PMC77": "test"}
    assert World(["PMC2", "PMC1", "PMC3"], [], previous=previous).assigned() == {
        "PMC2": ("test", "PMC2"),
        "PMC1": ("val", "PMC1"),
        "PMC3": (split_of("PMC3", HALVES), "PMC3"),
    }


def test_new_article_between_two_splits_gives_up_what_touches_the_more_protected_one() -> None:
    names = ["PMC1", "PMC2", "PMC3"]
    world = World(names, chain("PMC1", "PMC2", "PMC3"), previous={"PMC1": "train", "PMC3": "test"})
    assert world.assigned() == {"PMC1": ("train", "PMC1"), "PMC2": ("train", "PMC1"), "PMC3": ("test", "PMC3")}
    assert world.leaks() == {("PMC2", 1): "PMC3"}
    other = replace(world, previous={"PMC1": "test", "PMC3": "val"})
    assert other.splits()["PMC2"] == "val"
    assert other.leaks() == {("PMC2", 0): "PMC1"}


def test_new_article_that_is_the_work_of_another_split_goes_whole() -> None:
    links = [*chain("PMC1", "PMC2"), *chain("PMC2", "PMC4", "PMC3", kind="same_title")]
    world = World(["PMC1", "PMC2", "PMC3", "PMC4"], links, previous={"PMC1": "train", "PMC3": "test"})
    assert world.splits() == {"PMC1": "train", "PMC2": "train", "PMC3": "test", "PMC4": "train"}
    assert world.leaks() == {(name, row): "PMC3" for name in ("PMC2", "PMC4") for row in (0, 1)}


def test_of_two_old_articles_the_less_protected_gives_up_the_figure() -> None:
    previous = {"PMC1": "test", "PMC2": "train"}
    assert World(["PMC1", "PMC2"], chain("PMC1", "PMC2"), previous=previous).leaks() == {("PMC2", 0): "PMC1"}


def test_figure_of_an_article_that_goes_whole_costs_no_other_figure() -> None:
    links = [*chain("PMC1", "PMC2", kind="same_doi"), *chain("PMC2", "PMC3")]
    world = World(["PMC1", "PMC2", "PMC3"], links, previous={"PMC1": "test", "PMC2": "val", "PMC3": "train"})
    assert world.leaks() == {("PMC2", 0): "PMC1", ("PMC2", 1): "PMC1"}


def test_of_several_articles_that_a_figure_touches_the_smallest_number_is_told() -> None:
    previous = {"PMC2": "train", "PMC9": "test", "PMC10": "test"}
    world = World(["PMC10", "PMC2", "PMC9"], [*chain("PMC2", "PMC10"), *chain("PMC2", "PMC9")], previous=previous)
    assert world.leaks() == {("PMC2", 1): "PMC9"}


def test_new_article_gives_up_its_figure_for_an_old_one_however_protected() -> None:
    # Cut from its group, PMC1 is dealt to test by itself; PMC2 is old.
    config = replace(HALVES, max_group_articles=1)
    world = World(["PMC1", "PMC2"], chain("PMC1", "PMC2"), config, previous={"PMC2": "train"})
    assert world.splits() == {"PMC1": "test", "PMC2": "train"}
    assert world.leaks() == {("PMC1", 1): "PMC2"}


def test_split_that_is_none_is_refused() -> None:
    with pytest.raises(UsageError, match="names a split 'dev'; known: train, val, test"):
        World(["PMC1"], [], previous={"PMC3": "dev"}).splits()


def test_no_article_is_no_split() -> None:
    world = World([], [])
    assert (world.groups(), world.splits(), world.leaks()) == ({}, {}, {})


# --- laws -----------------------------------------------------------------------------------------

NAMES = [f"PMC{n}" for n in (2, 10, 3, 7, 1, 12, 5, 30)]


def links_between(names: Iterable[str]) -> st.SearchStrategy[list[Link]]:
    name = st.sampled_from(sorted(names))
    link = st.builds(Link, st.sampled_from(EDGE_KINDS), name, name, st.integers(0, 30))
    return st.lists(link.filter(lambda link: link.one != link.other), max_size=9)


worlds = st.builds(
    World,
    st.just(NAMES),
    links_between(NAMES),
    st.builds(replace, st.just(HALVES), max_group_articles=st.sampled_from([1, 2, 4, 1000])),
    st.dictionaries(st.sampled_from(NAMES), st.sampled_from(SPLITS), max_size=4),
)


@given(worlds, st.randoms(use_true_random=False))
def test_order_of_articles_and_edges_does_not_matter(world: World, random: Any) -> None:
    links = random.sample([Link(*link) for link in world.links], len(world.links))
    shuffled = replace(world, names=random.sample(NAMES, len(NAMES)), links=links)
    assert shuffled.assigned() == world.assigned()
    assert shuffled.leaks() == world.leaks()


@given(worlds)
def test_no_edge_crosses_splits_once_the_leaks_are_gone(world: World) -> None:
    splits, gone = world.splits(), world.leaks()
    near = world.near()
    for left, right, bits in zip(near.left, near.right, near.distance, strict=True):
        rows = [(NAMES[row // 2], row % 2) for row in (left, right)]
        if bits <= world.config.max_distance and not any(row in gone for row in rows):
            assert splits[rows[0][0]] == splits[rows[1][0]]
    left_over = [name for name in NAMES if (name, 0) not in gone]
    for link in world.links:
        if link.kind in IDENTITY_KINDS and {link.one, link.other} <= set(left_over):
            assert splits[link.one] == splits[link.other]
    assert all(splits[name] != splits[other] for (name, _), other in gone.items())


@given(worlds)
def test_without_an_earlier_release_and_without_cuts_nothing_leaks(world: World) -> None:
    links = [link for link in world.links if link.bits <= HALVES.max_distance]
    whole = replace(world, links=links, config=HALVES, previous={})
    assert whole.leaks() == {}
    assert {name: group for name, (_, group) in whole.assigned().items()} == whole.groups()
    assert all(split == split_of(group, HALVES) for split, group in whole.assigned().values())


@given(worlds)
def test_all_of_a_group_are_in_one_split_and_its_name_is_its_smallest(world: World) -> None:
    assigned = world.assigned()
    for name, (split, group) in assigned.items():
        assert assigned[group] == (split, group)
        assert article_order(group) <= article_order(name)


@given(worlds)
def test_article_of_its_own_changes_nothing(world: World) -> None:
    more = replace(world, names=["PMC4", *NAMES])
    assigned = more.assigned()
    assert assigned.pop("PMC4") == (split_of("PMC4", HALVES), "PMC4")
    assert assigned == world.assigned()
    assert more.leaks() == world.leaks()


@given(worlds, links_between([*NAMES, "PMC4"]))
def test_whatever_comes_later_moves_no_article_of_the_earlier_release(world: World, more: list[Link]) -> None:
    first = world.splits()
    later = replace(world, names=["PMC4", *NAMES], links=[*world.links, *more], previous=first)
    assert {name: split for name, split in later.splits().items() if name in first} == first


@given(worlds)
def test_next_release_of_the_same_is_the_same(world: World) -> None:
    assert replace(world, previous=world.splits()).assigned() == world.assigned()
