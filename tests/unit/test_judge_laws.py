"""Laws of curation, on small sets of every kind of neighbour: order, copies, splits, growth."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from pmc15m.config import DatasetConfig, FiltersConfig, SplitsConfig
from pmc15m.curate.identity import MAX_WORK_ARTICLES
from pmc15m.curate.near import is_comparable, pack_hashes
from pmc15m.records import Pair, article_order
from tests.judging import DENSE, LINES, Judged, judged, shown, words_of

CONFIG = DatasetConfig(
    filters=FiltersConfig(max_caption_articles=2, max_caption_figs=3, max_image_articles=3),
    splits=SplitsConfig(val_fraction=0.3, test_fraction=0.3),
)
CUT = replace(CONFIG, splits=replace(CONFIG.splits, max_group_articles=2))
CAPTIONS = ["A mill by the old river in early spring.", "A mill by the old river in late autumn.", "A dam of stone."]
PICTURES = [(name, bits) for name in ("mill", "dam", "weir") for bits in (0, 8, 12, 20, 28)]


@st.composite
def pair_sets(draw: st.DrawFn, first: int = 1, last: int = 40, most: int = 6) -> list[Pair]:
    """Draw pairs of a few articles; pictures, captions and works are few, so that most have neighbours."""
    pairs = []
    for number in draw(st.lists(st.integers(first, last), min_size=1, max_size=most, unique=True)):
        facts = {
            "doi": draw(st.sampled_from([None, None, "10.5555/a", "10.5555/b", f"10.5555/{number}"])),
            "title": draw(st.sampled_from([None, None, "On the mills of the north", "On the dams of the south"])),
            "related": draw(st.sampled_from([(), (), ("doi:10.5555/b",), ("pmcid:PMC1",)])),
            "is_preprint": draw(st.booleans()),
            "is_manuscript": draw(st.booleans()),
        }
        for fig in range(1, draw(st.integers(1, 3)) + 1):
            for graphic in range(1, draw(st.sampled_from([1, 1, 2])) + 1):
                name, bits = draw(st.sampled_from(PICTURES))
                caption = draw(st.sampled_from([*CAPTIONS, words_of(f"{number} {fig}")]))
                pairs.append(
                    shown(
                        f"PMC{number}_{fig:04d}_{graphic:02d}", name, bits, caption,
                        format=draw(st.sampled_from(["JPEG", "PNG"])), file=draw(st.sampled_from("ab")),
                        white_cells_fraction=DENSE if name == "dam" else LINES,
                        grey_std=2.0 if (name, bits) == ("weir", 28) else 40.0, **facts,
                    )
                )  # fmt: skip
    return pairs


previous_splits = st.dictionaries(
    st.integers(1, 40).map("PMC{}".format), st.sampled_from(["train", "val", "test"]), max_size=12
)
configs = st.sampled_from([CONFIG, CUT])

fewer = settings(max_examples=settings().max_examples * 2 // 5)
"""Each example is written to files and read again, some of them twice."""


def bits_between(one: Pair, other: Pair) -> int:
    """Return the bits of the nearer hash, 256 where no hash says anything."""
    bits = [256]
    for name in ("phash", "phash_content"):
        hashes = pack_hashes([getattr(one.image, name), getattr(other.image, name)])
        if is_comparable(hashes, np.array([one.image.grey_std, other.image.grey_std])).all():
            bits.append(int(np.bitwise_count(hashes[0] ^ hashes[1]).sum()))
    return min(bits)


def is_near(one: Pair, other: Pair) -> bool:
    """Return whether two pairs must not be in two splits."""
    is_same = one.image.pixel_sha256 == other.image.pixel_sha256
    return is_same or bits_between(one, other) <= CONFIG.splits.max_distance


def is_one_work(one: Pair, other: Pair) -> bool:
    """Return whether two articles have a DOI, or title and author, in common, or one names the other."""
    left, right = one.figure.article, other.figure.article
    ids = [{f"doi:{article.doi}", f"pmcid:{article.pmcid}"} - {"doi:None"} for article in (left, right)]
    is_titled = left.title is not None and left.title == right.title and left.first_author == right.first_author
    return (
        (left.doi is not None and left.doi == right.doi)
        or is_titled
        or bool(ids[0] & set(right.related) or ids[1] & set(left.related))
    )


@fewer
@given(pair_sets(), configs, previous_splits, st.data())
def test_order_and_files_of_rows_decide_nothing(
    pairs: list[Pair], config: DatasetConfig, previous: Mapping[str, str], data: st.DataObject
) -> None:
    other = data.draw(st.permutations(pairs))
    assert judged(pairs, config, previous) == judged(other, config, previous, num_files=3)


@fewer
@given(pair_sets(), configs, previous_splits)
def test_every_copy_has_the_pixels_of_its_leader_or_is_near_it(
    pairs: list[Pair], config: DatasetConfig, previous: Mapping[str, str]
) -> None:
    found = judged(pairs, config, previous)
    by_key = {pair.key: pair for pair in pairs}
    for key, reject in found.rejects.items():
        if reject.reason not in {"duplicate_file", "duplicate_pixels", "duplicate_image"}:
            continue
        leader, _, told = reject.detail.partition(" ")
        assert found.reasons.get(leader) in {None, "would_leak"}
        pair, other = by_key[key], by_key[leader]
        if reject.reason == "duplicate_image":
            bits = bits_between(pair, other)
            assert told == f"{bits} bits"
            assert bits <= config.duplicates.drop_distance
        else:
            assert pair.image.pixel_sha256 == other.image.pixel_sha256
            assert (pair.image.sha256 == other.image.sha256) == (reject.reason == "duplicate_file")


@fewer
@given(pair_sets(), configs, previous_splits)
def test_nothing_that_stays_is_in_two_splits(
    pairs: list[Pair], config: DatasetConfig, previous: Mapping[str, str]
) -> None:
    found = judged(pairs, config, previous)
    kept = [pair for pair in pairs if pair.key in found.decisions]
    for number, one in enumerate(kept):
        for other in kept[:number]:
            assert one.image.pixel_sha256 != other.image.pixel_sha256
            if found.outcomes[one.key] != found.outcomes[other.key]:
                assert bits_between(one, other) > config.splits.max_distance
                assert not is_one_work(one, other)
    assert set(found.leaks["crossings"].values()) == {0}


@fewer
@given(pair_sets(), previous_splits)
def test_what_an_earlier_release_decided_stays(pairs: list[Pair], previous: Mapping[str, str]) -> None:
    found = judged(pairs, CONFIG, previous)
    assert {pmcid: found.splits[pmcid] for pmcid in previous} == previous
    assert set(found.splits) == set(previous) | {pair.figure.article.pmcid for pair in pairs}


@fewer
@given(pair_sets())
def test_cluster_and_group_of_what_stays_are_the_smallest_of_theirs(pairs: list[Pair]) -> None:
    found = judged(pairs, CONFIG)
    copied: dict[str, set[str]] = {key: {key} for key in found.decisions}
    for key, reject in found.rejects.items():
        if str(reject.reason).startswith("duplicate_") and reject.reason != "duplicate_article":
            copied[reject.detail.partition(" ")[0]].add(key)
    captions = {pair.key: pair.figure.caption for pair in pairs}
    for key, members in copied.items():
        decision = found.decisions[key]
        assert decision.cluster == min(members, key=lambda member: (article_order(member.split("_")[0]), member))
        assert decision.other_captions == tuple(sorted({captions[member] for member in members} - {captions[key]}))
        assert article_order(decision.split_group) <= article_order(key.split("_")[0])


def those(pairs: Sequence[Pair], found: Judged) -> list[Pair]:
    """Return the pairs that stay."""
    return [pair for pair in pairs if pair.key in found.decisions]


@fewer
@given(pair_sets(most=MAX_WORK_ARTICLES), configs)  # of more of one work, a series, none goes until few are left
def test_what_stays_stays_when_it_is_judged_again(pairs: list[Pair], config: DatasetConfig) -> None:
    first = judged(pairs, config)
    again = judged(those(pairs, first), config, first.splits)
    assert again.rejects == {}
    assert {key: decision.split for key, decision in again.decisions.items()} == {
        key: decision.split for key, decision in first.decisions.items()
    }
    assert judged(those(pairs, first), CONFIG).rejects == {}


@fewer
@given(pair_sets(), configs, previous_splits, st.integers(1, 99).filter(lambda number: number > 40))
def test_article_that_has_nothing_in_common_with_any_changes_nothing(
    pairs: list[Pair], config: DatasetConfig, previous: Mapping[str, str], number: int
) -> None:
    stranger = shown(f"PMC{number}_0001_01", title="Of birds and other things that fly", doi="10.5555/z")
    before, after = judged(pairs, config, previous), judged([*pairs, stranger], config, previous)
    assert after.decisions.keys() - before.decisions.keys() == {stranger.key}
    assert before.decisions.items() <= after.decisions.items()
    assert before.rejects == after.rejects
    assert before.splits.items() <= after.splits.items()


@fewer
@given(pair_sets(), configs, st.data())
def test_newcomers_never_move_an_old_article_or_take_the_place_of_its_pictures(
    pairs: list[Pair], config: DatasetConfig, data: st.DataObject
) -> None:
    old = judged(pairs, config)
    copied = data.draw(st.sampled_from(pairs))
    key = f"PMC{data.draw(st.integers(41, 60))}_0001_01"
    copy = shown(
        key, caption=copied.figure.caption, title=data.draw(st.sampled_from([None, copied.figure.article.title]))
    )
    copy = replace(copy, image=copied.image)
    new = judged([*pairs, copy], config, old.splits)
    assert old.splits.items() <= new.splits.items()
    for name, reject in new.rejects.items():
        if str(reject.reason).startswith("duplicate_") and name in old.decisions:
            assert not reject.detail.startswith(key)


@fewer
@given(pair_sets(1, 20), pair_sets(21, 40), pair_sets(41, 60))
def test_three_releases_one_after_the_other_never_leak(one: list[Pair], two: list[Pair], three: list[Pair]) -> None:
    splits: dict[str, str] = {}
    for pairs in (one, [*one, *two], [*two, *three]):
        found = judged(pairs, CONFIG, splits)
        assert splits.items() <= found.splits.items()
        assert set(found.leaks["crossings"].values()) == {0}
        splits = found.splits


@fewer
@given(pair_sets(1, 20), pair_sets(21, 40), pair_sets(41, 60))
def test_picture_that_was_once_in_test_never_comes_to_be_trained_on(
    one: list[Pair], two: list[Pair], three: list[Pair]
) -> None:
    splits: dict[str, str] = {}
    tested: dict[str, Pair] = {}
    for pairs in (one, [*one, *two], [*one, *two, *three]):
        found = judged(pairs, CONFIG, splits)
        kept = {pair.key: pair for pair in those(pairs, found)}
        for key, pair in kept.items():
            if found.outcomes[key] != "test":
                assert not [name for name, other in tested.items() if is_near(pair, other)]
        tested |= {key: pair for key, pair in kept.items() if found.outcomes[key] == "test"}
        splits = found.splits
