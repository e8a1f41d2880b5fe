"""The leak report: whatever crosses splits is counted, without trust in the search."""

import json
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pmc15m.curate.identity import IDENTITY_KINDS
from pmc15m.curate.leaks import Rows, leak_report
from pmc15m.curate.near import Edges, pack_hashes
from pmc15m.curate.splits import SPLITS, ArticleEdges, Assignment, Oversize, SplitGroups, join_edges
from pmc15m.records import make_key


@dataclass(frozen=True)
class Release:
    """Figures, as (article, seed of the picture, bits turned in it), and articles with their splits."""

    figures: list[tuple[str, int, int]]
    splits: dict[str, str]
    pixels: dict[int, int] = field(default_factory=dict)  # by figure; all others are different
    works: dict[str, list[tuple[str, str]]] = field(default_factory=dict)
    groups: dict[str, str] = field(default_factory=dict)
    unusable: frozenset[int] = frozenset()
    oversize: tuple[Oversize, ...] = ()

    @property
    def names(self) -> list[str]:
        return list(self.splits)

    def index(self, name: str) -> int:
        return self.names.index(name)

    def rows(self) -> Rows:
        seen: dict[str, int] = {}
        keys, hashes = [], []
        for name, seed, flipped in self.figures:
            seen[name] = seen.get(name, 0) + 1
            keys.append(make_key(name, seen[name], 1))
            bits = np.unpackbits(np.frombuffer(np.random.RandomState(seed).bytes(32), np.uint8))
            bits[:flipped] ^= 1
            hashes.append(np.packbits(bits).tobytes())
        count = len(keys)
        return Rows(
            keys=keys,
            article_of=np.array([self.index(name) for name, _, _ in self.figures], np.int64),
            pixels=np.array([self.pixels.get(row, 1000 + row) for row in range(count)], np.int64),
            hashes=[pack_hashes(hashes), pack_hashes([bytes(32)] * count)],
            usable=[np.array([row not in self.unusable for row in range(count)], np.bool_), np.zeros(count, np.bool_)],
        )

    def identities(self) -> dict[str, Any]:
        pairs = {kind: self.works.get(kind, []) for kind in IDENTITY_KINDS}
        return {
            kind: np.array([sorted(map(self.index, pair)) for pair in pairs[kind]], np.int64).reshape(-1, 2)
            for kind in pairs
        }

    def edges(self) -> ArticleEdges:
        rows, none = self.rows(), np.empty(0, np.int64)
        return join_edges(self.identities(), rows.article_of, rows.pixels, Edges(none, none, none.astype("u2"), 0))

    def report(self, max_rows: int = 20_000) -> dict[str, Any]:
        anchor = np.array([self.index(self.groups.get(name, name)) for name in self.names], np.int64)
        split = np.array([SPLITS.index(split) for split in self.splits.values()], np.int64)
        made = leak_report(
            self.rows(),
            self.names,
            self.identities(),
            self.edges(),
            SplitGroups(anchor, np.zeros(len(anchor), np.bool_), self.oversize),
            Assignment(split, anchor, np.zeros(len(anchor), np.bool_)),
            max_distance=24,
            max_rows=max_rows,
        )
        assert json.loads(json.dumps(made)) == made
        return made

    def crossings(self) -> dict[str, int]:
        """Return the kinds of which something crosses."""
        counts = self.report()["crossings"]
        assert list(counts) == [*sorted(IDENTITY_KINDS), "same_work", "same_pixels", "near"]
        return {kind: count for kind, count in counts.items() if count}


SPLIT = {"PMC1": "train", "PMC2": "test", "PMC3": "val", "PMC4": "train"}
CLEAN = Release([("PMC1", 1, 0), ("PMC2", 2, 0), ("PMC3", 3, 0), ("PMC4", 1, 9)], SPLIT)


def test_clean_release_has_no_crossing() -> None:
    report = CLEAN.report()
    assert set(report["crossings"].values()) == {0}
    assert report["examples"] == []
    assert report["compared"] == {
        "max_distance": 24,
        "num_rows": {"train": 2, "val": 1, "test": 1},
        "num_pairs": 5,  # of four rows six, less the two of train
    }


def test_near_figures_of_two_splits_are_counted_up_to_the_limit_and_shown() -> None:
    for bits, count in [(0, 1), (24, 1), (25, 0)]:
        report = replace(CLEAN, figures=[*CLEAN.figures, ("PMC2", 3, bits)]).report()
        assert report["crossings"]["near"] == count
        assert report["examples"] == [["PMC2_0002_01", "PMC3_0001_01", bits]] * count


def test_figure_that_cannot_be_compared_is_near_nothing() -> None:
    leaky = replace(CLEAN, figures=[*CLEAN.figures, ("PMC2", 1, 0)])
    assert leaky.crossings() == {"near": 2}
    assert replace(leaky, unusable=frozenset([4])).crossings() == {}
    assert replace(leaky, unusable=frozenset([0])).crossings() == {"near": 1}


def test_equal_pixels_in_two_splits_are_counted_once() -> None:
    for rows, count in [((0, 1), 1), ((0, 1, 2), 1), ((0, 3), 0)]:
        crossings = replace(CLEAN, pixels=dict.fromkeys(rows, 7)).crossings()
        assert crossings == ({"same_pixels": count} if count else {})


@pytest.mark.parametrize("kind", IDENTITY_KINDS)
def test_work_in_two_splits_is_counted(kind: str) -> None:
    assert replace(CLEAN, works={kind: [("PMC1", "PMC2")]}).crossings() == {kind: 1, "same_work": 1}
    assert replace(CLEAN, works={kind: [("PMC1", "PMC4")]}).crossings() == {}


def test_work_counts_through_an_article_that_has_no_row_left() -> None:
    works = {"same_doi": [("PMC1", "PMC3")], "related": [("PMC3", "PMC2")]}
    assert replace(CLEAN, works=works).crossings() == {"same_doi": 1, "related": 1, "same_work": 1}
    gone = replace(CLEAN, works=works, figures=[figure for figure in CLEAN.figures if figure[0] != "PMC3"])
    assert gone.crossings() == {"same_work": 1}


def test_sample_is_val_and_test_first_then_train() -> None:
    figures = [(name, 100 * number + n, 0) for number, name in enumerate(SPLIT) for n in range(10)]
    release = replace(CLEAN, figures=figures)
    for max_rows, train, held in [(40, 20, 20), (30, 15, 15), (35, 17, 18), (20, 10, 10), (200, 20, 20)]:
        num_rows = release.report(max_rows)["compared"]["num_rows"]
        assert (num_rows["train"], num_rows["val"] + num_rows["test"]) == (train, held)
    few = replace(CLEAN, figures=figures[:10] + figures[10:13])
    assert few.report(10)["compared"]["num_rows"] == {"train": 7, "val": 0, "test": 3}
    lean = replace(CLEAN, figures=figures[:2] + figures[10:20])
    assert lean.report(10)["compared"]["num_rows"] == {"train": 2, "val": 0, "test": 8}


def test_release_without_rows_or_of_one_split_has_no_crossing() -> None:
    assert Release([], {}).crossings() == {}
    assert replace(CLEAN, splits=dict.fromkeys(SPLIT, "train")).report()["compared"]["num_pairs"] == 0
    assert replace(CLEAN, splits=dict.fromkeys(SPLIT, "test")).report()["compared"]["num_pairs"] == 0


def test_largest_groups_are_named_with_what_joins_them() -> None:
    release = replace(
        CLEAN,
        splits={"PMC1": "train", "PMC2": "train", "PMC3": "val", "PMC4": "train"},
        groups={"PMC4": "PMC2"},
        works={"same_doi": [("PMC2", "PMC4"), ("PMC2", "PMC3")]},  # the second: cut
        pixels={1: 7, 3: 7},
        oversize=(Oversize("PMC2", 1001, "to train"),),
    )
    report = release.report()
    assert report["num_groups"] == 3
    assert report["num_joined_groups"] == 1
    assert report["largest_groups"] == [
        {
            "anchor": "PMC2",
            "splits": ["train"],
            "num_articles": 2,
            "num_pairs": 2,
            "edges": {"same_doi": 1, "same_title": 0, "related": 0, "same_pixels": 1, "near": 0},
        }
    ]
    assert report["oversize_groups"] == [{"anchor": "PMC2", "num_articles": 1001, "done": "to train"}]


@given(
    st.lists(st.tuples(st.sampled_from(sorted(SPLIT)), st.integers(0, 4), st.integers(0, 30)), max_size=12),
    st.randoms(use_true_random=False),
)
def test_near_crossings_are_all_of_them_in_any_order_of_articles(
    figures: list[tuple[str, int, int]], random: Any
) -> None:
    release = replace(CLEAN, figures=figures)
    wanted = sum(
        SPLIT[one[0]] != SPLIT[two[0]] and one[1] == two[1] and abs(one[2] - two[2]) <= 24
        for number, one in enumerate(figures)
        for two in figures[:number]
    )
    report = release.report()
    assert report["crossings"]["near"] == wanted
    assert report["compared"]["num_pairs"] == sum(
        SPLIT[one[0]] != SPLIT[two[0]] for number, one in enumerate(figures) for two in figures[:number]
    )
    names = random.sample(sorted(SPLIT), len(SPLIT))
    assert replace(release, splits={name: SPLIT[name] for name in names}).report() == report
