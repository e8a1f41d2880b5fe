"""What becomes of pairs that are held against each other: every reason, and which of two comes first."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pmc15m.config import DatasetConfig, DuplicatesConfig, FiltersConfig, SplitsConfig
from pmc15m.curate.splits import SPLITS, split_of
from pmc15m.records import Decision, Pair, Reason, Reject, Stage
from tests.judging import CONFIG, DENSE, Judged, judged, listed, listed_articles, shown

SPRING = "A mill by the old river in early spring."
WINTER = "The dam above a village, frozen since last winter."
NAMES = {name: [f"PMC{n}" for n in range(1, 400) if split_of(f"PMC{n}", CONFIG.splits) == name] for name in SPLITS}
"""Articles by the split that they are dealt to."""

FEW = replace(CONFIG, filters=FiltersConfig(max_image_articles=3))
"""Four articles with one picture make it a badge."""


def key(pmcid: str, fig: int = 1, graphic: int = 1) -> str:
    return f"{pmcid}_{fig:04d}_{graphic:02d}"


def manuscript(pmcid: str, **changes: Any) -> dict[str, Any]:
    """Return the facts of an author's manuscript of the work of an article."""
    return {"doi": f"10.5555/{pmcid}", "is_manuscript": True} | changes


def in_articles(count: int, picture: str | None = None, first: int = 1, **changes: Any) -> list[Pair]:
    """Return a pair in each of some articles."""
    return [shown(key(f"PMC{first + n}"), picture, **changes) for n in range(count)]


# --- nothing against them ---------------------------------------------------------------------------


def test_pairs_that_have_nothing_in_common_all_stay_alone() -> None:
    pairs = [shown(key(f"PMC{n}", fig)) for n in (1, 2, 10) for fig in (1, 2)]
    found = judged(pairs)
    assert found.decisions == {
        pair.key: Decision(
            pair.key, found.splits[pair.figure.article.pmcid], pair.key, pair.figure.article.pmcid, ()
        )
        for pair in pairs
    }  # fmt: skip
    assert found.splits == {name: split_of(name, CONFIG.splits) for name in ("PMC1", "PMC2", "PMC10")}
    assert found.groups == {name: name for name in ("PMC1", "PMC2", "PMC10")}


def test_no_pairs_are_no_decisions_and_a_report() -> None:
    found = judged([])
    assert (found.outcomes, found.splits) == ({}, {})
    assert set(found.leaks["crossings"].values()) == {0}
    assert found.tallies == {"near/edges": 0, "near/capped": 0}


# --- the same work ----------------------------------------------------------------------------------


def test_manuscript_goes_for_the_article_and_shares_its_split() -> None:
    found = judged([shown(key("PMC1"), **manuscript("PMC2")), shown(key("PMC2")), shown(key("PMC2", 2))])
    assert found.reasons == {key("PMC1"): "duplicate_article"}
    assert found.rejects[key("PMC1")].detail == "PMC2 is the same work"
    assert found.splits["PMC2"] == found.splits["PMC1"] == split_of("PMC1", CONFIG.splits)
    assert {decision.split_group for decision in found.decisions.values()} == {"PMC1"}


def test_reject_names_the_article_version_and_fig() -> None:
    pair = shown(key("PMC1"), fig_id="F9", **manuscript("PMC2"))
    article = replace(pair.figure.article, version=3)
    pair = replace(pair, figure=replace(pair.figure, article=article))
    found = judged([pair, shown(key("PMC2"))])
    assert found.rejects[pair.key] == Reject(
        pair.key, "PMC1", 3, "F9", Stage.CURATE, Reason.DUPLICATE_ARTICLE, "PMC2 is the same work"
    )


def test_picture_of_a_manuscript_that_is_dropped_joins_nothing() -> None:
    alone = [shown(key("PMC3"), "mill")]
    pairs = [shown(key("PMC1"), "mill", **manuscript("PMC2")), shown(key("PMC2"))]
    assert judged([*pairs, *alone]).groups["PMC3"] == "PMC3"


# --- captions that stand everywhere -----------------------------------------------------------------


@pytest.mark.parametrize(("num_articles", "is_over"), [(3, False), (4, True)])
def test_caption_under_other_pictures_of_more_than_three_articles_is_boilerplate(
    num_articles: int, is_over: bool
) -> None:
    found = judged([*in_articles(num_articles, caption=SPRING), shown(key("PMC1", 2))])
    wanted = {key(f"PMC{n}"): "boilerplate_caption" for n in range(1, num_articles + 1)} if is_over else {}
    assert found.reasons == wanted
    if is_over:
        assert found.rejects[key("PMC1")].detail == "under 4 figs of 4 articles, with other pictures"


@pytest.mark.parametrize(("num_figs", "is_over"), [(10, False), (11, True)])
def test_caption_under_other_pictures_of_more_than_ten_figs_is_boilerplate(num_figs: int, is_over: bool) -> None:
    found = judged([shown(key("PMC1", fig), caption=SPRING) for fig in range(1, num_figs + 1)])
    assert set(found.outcomes.values()) == ({"boilerplate_caption"} if is_over else {found.splits["PMC1"]})


def test_graphics_of_one_fig_count_as_one() -> None:
    assert judged([shown(key("PMC1", 1, n), caption=SPRING) for n in range(1, 13)]).rejects == {}


def test_captions_are_counted_in_their_normal_form() -> None:
    captions = (
        "Figure 1. A mill by the river.",
        "Fig. 2: a mill, by the river",
        "A MILL BY THE RIVER",
        "A mill by the river",
    )
    pairs = [shown(key(f"PMC{n}"), caption=caption) for n, caption in enumerate(captions, 1)]
    assert set(judged(pairs).reasons.values()) == {"boilerplate_caption"}


def test_picture_that_is_printed_again_with_its_caption_is_no_boilerplate() -> None:
    found = judged(in_articles(9, "mill", caption=SPRING))
    assert set(found.reasons.values()) == {"duplicate_file"}
    assert list(found.decisions) == [key("PMC1")]


def test_every_copy_under_a_common_caption_goes() -> None:
    found = judged([*in_articles(4, caption=SPRING), *in_articles(2, "PMC1_0001_01", first=11, caption=SPRING)])
    assert set(found.outcomes.values()) == {"boilerplate_caption"}
    assert {reject.detail for reject in found.rejects.values()} == {"under 4 figs of 4 articles, with other pictures"}


def test_common_captions_stay_where_the_config_wants_boilerplate() -> None:
    config = replace(CONFIG, filters=FiltersConfig(allow_boilerplate=True))
    assert judged(in_articles(5, caption="Graphical abstract"), config).rejects == {}


def test_limits_of_captions_are_those_of_the_config() -> None:
    config = replace(CONFIG, filters=FiltersConfig(max_caption_articles=1, max_caption_figs=2))
    pairs = [*in_articles(2, caption=SPRING), *(shown(key("PMC9", fig), caption=WINTER) for fig in (1, 2, 3))]
    assert set(judged(pairs, config).outcomes.values()) == {"boilerplate_caption"}


def test_picture_joins_its_articles_whatever_its_caption() -> None:
    pairs = [*in_articles(4, caption=SPRING), shown(key("PMC9"), "PMC1_0001_01")]
    found = judged(pairs)
    assert found.decisions[key("PMC9")].split_group == "PMC1"


# --- pictures that stand everywhere -----------------------------------------------------------------


def test_picture_in_more_than_twenty_articles_goes_and_joins_none_of_them() -> None:
    badges, others = in_articles(21, "badge"), [shown(key(f"PMC{n}", 2)) for n in range(1, 22)]
    found = judged([*badges, *others])
    assert found.reasons == {pair.key: "repeated_image" for pair in badges}
    assert found.rejects[key("PMC1")].detail == "the same picture in 21 articles"
    assert all(group == pmcid for pmcid, group in found.groups.items())
    assert judged([*badges[:-1], *others]).reasons == {pair.key: "duplicate_file" for pair in badges[1:-1]}


def test_what_is_near_a_badge_is_not_joined_by_it_either() -> None:
    found = judged([*in_articles(4, "badge"), shown(key("PMC8"), "badge", 6), shown(key("PMC9"), "other")], FEW)
    assert set(found.decisions) == {key("PMC8"), key("PMC9")}
    assert found.groups == {pmcid: pmcid for pmcid in found.groups}


def test_badge_many_times_in_one_article_is_counted_once() -> None:
    assert "repeated_image" not in judged([shown(key("PMC1", n), "badge") for n in range(1, 9)], FEW).reasons.values()


def test_badge_under_a_common_caption_is_told_by_its_caption_and_joins_nothing() -> None:
    pairs = [*in_articles(4, "badge", caption=SPRING), *in_articles(4, first=11, caption=SPRING)]
    found = judged(pairs, FEW)
    assert set(found.outcomes.values()) == {"boilerplate_caption"}
    assert found.groups == {pmcid: pmcid for pmcid in found.groups}


def test_badge_goes_whichever_of_its_captions_is_common() -> None:
    pairs = [
        *in_articles(3, "badge", caption=SPRING),
        shown(key("PMC4"), "badge", caption=WINTER),
        *in_articles(3, first=11, caption=SPRING),
    ]
    found = judged(pairs, FEW)
    assert found.reasons[key("PMC4")] == "repeated_image"
    assert found.groups["PMC4"] == "PMC4"


# --- copies -----------------------------------------------------------------------------------------


def test_copies_name_what_stays_and_what_they_have_in_common() -> None:
    pairs = [
        shown(key("PMC1"), "mill", caption=SPRING),
        shown(key("PMC2"), "mill", caption=SPRING),
        shown(key("PMC3"), "mill", caption=SPRING, file="packed anew"),
        shown(key("PMC4"), "mill", 12, caption=SPRING),
        shown(key("PMC5"), "mill", 14, caption=SPRING),
    ]
    found = judged(pairs, replace(CONFIG, filters=FiltersConfig(max_caption_articles=9)))
    assert {name: (str(reject.reason), reject.detail) for name, reject in found.rejects.items()} == {
        key("PMC2"): ("duplicate_file", f"{key('PMC1')} the same file"),
        key("PMC3"): ("duplicate_pixels", f"{key('PMC1')} the same pixels"),
        key("PMC4"): ("duplicate_image", f"{key('PMC1')} 12 bits"),
    }
    assert {decision.split_group for decision in found.decisions.values()} == {"PMC1"}


def test_equal_pixels_are_dropped_whatever_the_captions_and_their_captions_are_kept() -> None:
    pairs = [
        shown(key("PMC1"), "mill", caption="b"),
        shown(key("PMC2"), "mill", caption="c"),
        shown(key("PMC3"), "mill", caption="a"),
        shown(key("PMC4"), "mill", caption="c"),
        shown(key("PMC5"), "mill", caption="b"),
    ]
    found = judged(pairs)
    (decision,) = found.decisions.values()
    assert (decision.key, decision.cluster, decision.other_captions) == (key("PMC1"), key("PMC1"), ("a", "c"))


def test_cluster_is_the_smallest_key_though_another_stays() -> None:
    pairs = [
        shown(key("PMC10"), "mill", caption=SPRING, width_px=900),
        shown(key("PMC9"), "mill", 4, caption=SPRING, file="a"),
        shown(key("PMC11"), "mill", 4, caption=SPRING, file="b"),
    ]
    found = judged(pairs)
    assert found.decisions == {
        key("PMC10"): Decision(key("PMC10"), found.splits["PMC10"], key("PMC9"), "PMC9", ())
    }  # fmt: skip
    assert set(found.reasons.values()) == {"duplicate_image"}


def test_graphical_abstract_goes_for_the_figure() -> None:
    pairs = [
        shown(key("PMC1", 1), "mill", kind="graphical_abstract", caption="The work in one view, longer than all."),
        shown(key("PMC1", 2), "mill", caption=SPRING),
    ]
    found = judged(pairs)
    assert found.reasons == {key("PMC1", 1): "duplicate_file"}
    assert found.decisions[key("PMC1", 2)].cluster == key("PMC1", 1)


def test_slices_of_one_article_stay_and_line_art_of_two_stays_in_one_split() -> None:
    slices = [
        shown(key("PMC1", n), "slice", 2 * n, white_cells_fraction=DENSE) for n in range(1, 5)
    ]  # fmt: skip
    charts = [shown(key(NAMES[name][1]), "chart", 2 * n) for n, name in enumerate(SPLITS)]
    found = judged([*slices, *charts])
    assert found.rejects == {}
    assert len({found.splits[NAMES[name][1]] for name in SPLITS}) == 1


def test_pictures_that_say_nothing_are_not_near() -> None:
    pairs = [shown(key(f"PMC{n}"), "mill", n, caption=SPRING, grey_std=1.0) for n in (1, 2)]
    found = judged(pairs)
    assert found.rejects == {}
    assert found.groups == {"PMC1": "PMC1", "PMC2": "PMC2"}


def test_near_pictures_are_found_though_the_best_of_equal_ones_was_rejected_for_its_caption() -> None:
    pairs = [
        *in_articles(4, caption=SPRING),
        shown(key("PMC1", 2), "mill", caption=SPRING),
        shown(key("PMC7"), "mill", caption=WINTER),
        shown(key("PMC8"), "mill", 2, caption=WINTER),
    ]
    found = judged(pairs)
    assert found.reasons[key("PMC1", 2)] == "boilerplate_caption"
    assert found.rejects[key("PMC8")].detail == f"{key('PMC7')} 2 bits"


def test_picture_near_one_that_was_rejected_for_its_caption_is_a_copy_of_nothing() -> None:
    pairs = [
        *in_articles(4, caption=SPRING),
        shown(key("PMC7"), "PMC1_0001_01", 2, caption=WINTER),
        shown(key("PMC8"), caption=WINTER),
    ]
    assert set(judged(pairs).decisions) == {key("PMC7"), key("PMC8")}


def test_distance_of_a_copy_is_that_of_the_config() -> None:
    pairs = [shown(key(f"PMC{n}"), "mill", 10 * n, caption=SPRING) for n in (1, 2)]
    near = replace(CONFIG, duplicates=DuplicatesConfig(drop_distance=8))
    none = replace(CONFIG, duplicates=DuplicatesConfig(drop_distance=-1))
    assert judged(pairs).reasons == {key("PMC2"): "duplicate_image"}
    assert judged(pairs, near).reasons == judged(pairs, none).reasons == {}


# --- evaluations ------------------------------------------------------------------------------------


def test_what_an_evaluation_holds_goes_from_train_and_val_and_stays_in_test(tmp_path: Path) -> None:
    pmcids = {name: NAMES[name][0] for name in SPLITS}
    pairs = [shown(key(pmcid, fig), f"{pmcid} {fig}") for pmcid in pmcids.values() for fig in (1, 2)]
    found = judged(pairs, lists=[listed([(f"{pmcid} 1", 20) for pmcid in pmcids.values()], tmp_path)])
    assert {name: (str(reject.reason), reject.detail) for name, reject in found.rejects.items()} == {
        key(pmcids[name]): ("eval_overlap", f"vqa:{pmcids[name]} 1-20.png") for name in ("train", "val")
    }


def test_article_that_an_evaluation_is_made_of_goes_from_train_and_val() -> None:
    pmcids = [NAMES[name][0] for name in SPLITS]
    found = judged([shown(key(pmcid, fig)) for pmcid in pmcids for fig in (1, 2)], lists=[listed_articles(*pmcids)])
    assert found.outcomes == {
        key(pmcid, fig): "test" if pmcid == NAMES["test"][0] else "eval_overlap" for pmcid in pmcids for fig in (1, 2)
    }


def test_picture_goes_if_a_copy_that_was_dropped_for_it_is_held(tmp_path: Path) -> None:
    one, other = NAMES["train"][:2]
    pairs = [
        shown(key(one), "mill", caption=SPRING),
        shown(key(other), "mill", 10, caption=SPRING),
        shown(key(other, 2)),
        shown(key(one, 2)),
    ]
    kept = {key(one, 2): "train"}
    by_article = judged(pairs, lists=[listed_articles(other)])
    assert by_article.outcomes == kept | {
        key(one): "eval_overlap", key(other): "duplicate_image", key(other, 2): "eval_overlap"
    }  # fmt: skip
    assert by_article.rejects[key(one)].detail == f"roco:{other}"
    by_picture = judged(pairs, lists=[listed([("mill", 34)], tmp_path)])
    assert by_picture.outcomes == kept | {
        key(one): "eval_overlap", key(other): "duplicate_image", key(other, 2): "train"
    }  # fmt: skip


def test_overlap_of_the_picture_itself_is_told_before_that_of_its_copies(tmp_path: Path) -> None:
    one, other = sorted(NAMES["train"][:2], key=lambda pmcid: int(pmcid[3:]), reverse=True)
    pairs = [shown(key(one), "mill", caption=SPRING, width_px=900), shown(key(other), "mill", 10, caption=SPRING)]
    lists = [listed([("mill", 12)], tmp_path), listed_articles(other)]
    assert judged(pairs, lists=lists).rejects[key(one)].detail == "vqa:mill-12.png"


def test_distance_of_an_overlap_is_that_of_the_config(tmp_path: Path) -> None:
    pairs = [shown(key(NAMES["train"][0]), "mill")]
    lists = [listed([("mill", 20)], tmp_path)]
    config = replace(CONFIG, decontaminate=replace(CONFIG.decontaminate, max_distance=18))
    assert judged(pairs, lists=lists).reasons == {pairs[0].key: "eval_overlap"}
    assert judged(pairs, config, lists=lists).reasons == {}


# --- an earlier release -----------------------------------------------------------------------------


def test_articles_of_an_earlier_release_stay_where_they_were_and_take_newcomers_with_them() -> None:
    old, new = NAMES["train"][1], NAMES["train"][0]
    pairs = [shown(key(old), "mill"), shown(key(new), "mill", 20), shown(key(new, 2))]
    found = judged(pairs, previous={old: "val"})
    assert found.splits == {old: "val", new: "val"}
    assert found.rejects == {}


def test_newcomer_that_joins_two_splits_goes_to_the_lesser_and_loses_what_would_leak() -> None:
    train, test, new = "PMC1", "PMC2", "PMC3"
    pairs = [
        shown(key(train), "mill"),
        shown(key(test), "dam"),
        shown(key(new), "mill", 20),
        shown(key(new, 2), "dam", 20),
        shown(key(new, 3)),
    ]
    found = judged(pairs, previous={train: "train", test: "test"})
    assert found.splits == {train: "train", test: "test", new: "train"}
    assert found.reasons == {key(new, 2): "would_leak"}
    assert found.rejects[key(new, 2)].detail == "PMC2 is in test"
    assert set(found.leaks["crossings"].values()) == {0}


def test_newcomer_does_not_replace_a_picture_of_an_earlier_release() -> None:
    pairs = [
        shown(key("PMC5"), "mill", caption=SPRING),
        shown(key("PMC1"), "mill", 2, caption=SPRING, width_px=2_000),
        shown(key("PMC2"), "mill", caption=f"{SPRING} It was never seen again since then."),
    ]
    assert set(judged(pairs).decisions) == {key("PMC1")}
    assert set(judged(pairs, previous={"PMC5": "val"}).decisions) == {key("PMC5")}


@pytest.mark.parametrize("bits", [0, 8])
def test_copy_that_would_have_leaked_never_takes_the_place_of_what_it_would_have_leaked_into(bits: int) -> None:
    train, test, bridge = (
        shown(key("PMC1"), "dam"),
        shown(key("PMC2"), "mill", caption=SPRING),
        [
            shown(key("PMC3"), "dam", 20),
            shown(key("PMC3", 2), "mill", bits, caption=f"{SPRING} Again.", width_px=900 if bits else 640),
        ],
    )
    pairs = [train, test, *bridge]
    previous = {"PMC1": "train", "PMC2": "test"}
    for _ in range(2):
        found = judged(pairs, previous=previous)
        assert found.outcomes[key("PMC2")] == "test"
        assert found.rejects[key("PMC3", 2)].detail.startswith(key("PMC2"))
        previous = found.splits


def test_of_two_old_pictures_that_are_near_the_less_protected_goes() -> None:
    pairs = [shown(key("PMC1"), "mill"), shown(key("PMC2"), "mill", 20)]
    for previous, lost in (({"PMC1": "train", "PMC2": "test"}, "PMC1"), ({"PMC1": "test", "PMC2": "val"}, "PMC2")):
        found = judged(pairs, previous=previous)
        assert found.splits == previous
        assert found.reasons == {key(lost): "would_leak"}


def test_leak_is_found_though_the_best_of_equal_pictures_was_rejected_for_its_caption() -> None:
    pairs = [
        *in_articles(4, caption=SPRING),
        shown(key("PMC1", 2), "mill", caption=SPRING),
        shown(key("PMC7"), "mill", caption="A dam."),
        shown(key("PMC8"), "mill", 20),
    ]
    found = judged(pairs, previous={"PMC1": "train", "PMC7": "test", "PMC8": "train"})
    assert (found.outcomes[key("PMC7")], found.outcomes[key("PMC8")]) == ("test", "would_leak")


def test_article_that_is_gone_keeps_its_split_for_the_next_release() -> None:
    found = judged([shown(key("PMC1"))], previous={"PMC10": "test", "PMC9": "val", "PMC1": "test"})
    assert found.splits == {"PMC1": "test", "PMC9": "val", "PMC10": "test"}
    assert found.groups == {"PMC1": "PMC1", "PMC9": "PMC9", "PMC10": "PMC10"}
    assert set(found.decisions) == {key("PMC1")}


def test_work_that_an_earlier_release_had_in_two_splits_stays_in_the_most_protected() -> None:
    pairs = [shown(key(f"PMC{n}"), title="On the mills of the old north") for n in (1, 2)]
    found = judged(pairs, previous={"PMC1": "train", "PMC2": "test"})
    assert found.outcomes == {key("PMC1"): "would_leak", key("PMC2"): "test"}


# --- groups that are too large ----------------------------------------------------------------------


def test_group_that_is_too_large_is_cut_and_what_then_leaks_goes() -> None:
    config = replace(CONFIG, splits=replace(CONFIG.splits, max_group_articles=2))
    names = [NAMES["test"][0], NAMES["train"][0], NAMES["val"][0]]
    found = judged([shown(key(name), "mill", 14 * n) for n, name in enumerate(names)], config)
    assert {name: found.splits[name] for name in names} == {
        names[0]: "test", names[1]: "train", names[2]: "val"
    }  # fmt: skip
    assert found.reasons == {key(names[1]): "would_leak"}
    assert found.leaks["oversize_groups"][0]["done"] == "cut to 12 bits"
    assert set(found.leaks["crossings"].values()) == {0}


def test_pictures_further_apart_than_splits_ask_for_do_not_leak() -> None:
    config = DatasetConfig(
        duplicates=DuplicatesConfig(drop_distance=30),
        splits=SplitsConfig(val_fraction=0.25, test_fraction=0.25, max_distance=12),
    )
    pairs = [shown(key(NAMES[name][0]), "mill", 20 * n) for n, name in enumerate(("train", "test"))]
    assert judged(pairs, config).outcomes == {pairs[0].key: "train", pairs[1].key: "test"}


# --- the order of reasons ---------------------------------------------------------------------------


MANUSCRIPT = manuscript(NAMES["train"][9])


@pytest.mark.parametrize(
    ("last", "reason"),
    [
        ({"caption": SPRING, "picture": "badge", **MANUSCRIPT}, "duplicate_article"),
        ({"caption": SPRING, "picture": "badge"}, "boilerplate_caption"),
        ({"picture": "badge", "bits": 0}, "repeated_image"),
        ({"picture": "mill", "bits": 0}, "duplicate_file"),
        ({"picture": "dam", "bits": 20}, "eval_overlap"),
        ({"picture": "dam", "bits": 40}, "would_leak"),
    ],
)
def test_first_reason_in_this_order_is_told(tmp_path: Path, last: Mapping[str, Any], reason: str) -> None:
    train, test = NAMES["train"], NAMES["test"]
    pairs: Sequence[Pair] = [
        *(shown(key(pmcid), caption=SPRING) for pmcid in train[1:5]),
        *(shown(key(pmcid, 2), "badge") for pmcid in train[1:5]),
        shown(key(train[1], 3), "mill"),
        shown(key(test[0]), "dam", 30),
        shown(key(train[9])),
        shown(key(train[10]), **last),
    ]
    found: Judged = judged(
        pairs,
        FEW,
        {test[0]: "test", train[10]: "train", train[1]: "train"},
        [listed([("mill", 0), ("dam", 0)], tmp_path)],
    )
    assert found.reasons[key(train[10])] == reason
