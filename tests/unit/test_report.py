"""The numbers of a build: sums by stage, and every way in which one may not add up."""

from typing import Any

import pytest

from pmc15m.release.report import Flow, failed_sums, report_json, stage_flows

EXTRACT = {
    "articles/read": 9,
    "rejects/extract/articles/superseded": 1,
    "rejects/extract/articles/retracted": 1,
    "rejects/extract/articles/not_found": 2,
    "rejects/extract/articles/no_figures": 1,
    "rejects/extract/figures/no_caption": 2,
    "rejects/extract/figures/md5_mismatch": 2,
    "articles/with_figs": 4,
    "figs_and_graphics/seen": 13,
    "pairs/made": 9,
}
CURATE = {
    "read_candidates/out": 9,
    "rejects/curate/figures/license": 1,
    "rejects/curate/figures/caption_too_short": 1,
    "rejects/curate/figures/duplicate_file": 3,
    "pairs/kept": 4,
    "splits/train": 3,
    "splits/val": 1,
}
SHARD = {
    "samples/planned": 4,
    "samples/written": 3,
    "rejects/shard/figures/no_derivatives": 1,
    "release/split/train": 2,
    "release/split/val": 1,
    "release/license/CC BY": 3,
    "release/year/unknown": 3,
}


def flows(**changes: dict[str, int]) -> list[Flow]:
    return stage_flows(
        EXTRACT | changes.get("extract", {}), CURATE | changes.get("curate", {}), SHARD | changes.get("shard", {})
    )


def test_flows_are_articles_then_figs_then_pairs_then_samples() -> None:
    assert flows() == [
        Flow("extract", "articles", 9, 4, {"not_found": 2, "no_figures": 1, "retracted": 1, "superseded": 1}),
        Flow("extract", "figs and graphics", 13, 9, {"md5_mismatch": 2, "no_caption": 2}),
        Flow("curate", "pairs", 9, 4, {"duplicate_file": 3, "caption_too_short": 1, "license": 1}),
        Flow("shard", "pairs", 4, 3, {"no_derivatives": 1}),
    ]


def test_reasons_are_ranked_by_their_number_then_by_name() -> None:
    ranked = [list(flow.rejects) for flow in flows()]
    assert ranked[0] == ["not_found", "no_figures", "retracted", "superseded"]
    assert ranked[2] == ["duplicate_file", "caption_too_short", "license"]


def test_sums_that_hold_say_nothing() -> None:
    assert failed_sums(flows()) == []
    assert failed_sums(stage_flows({}, {}, {})) == []


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"extract": {"articles/read": 10}}, "extract: 10 articles in, but 4 out + 5 rejects"),
        ({"extract": {"articles/with_figs": 3}}, "extract: 9 articles in, but 3 out + 5 rejects"),
        ({"extract": {"rejects/extract/articles/retracted": 0}}, "extract: 9 articles in, but 4 out + 4 rejects"),
        ({"extract": {"figs_and_graphics/seen": 14}}, "extract: 14 figs and graphics in, but 9 out + 4 rejects"),
        (
            {"extract": {"rejects/extract/figures/no_caption": 1}},
            "extract: 13 figs and graphics in, but 9 out + 3 rejects",
        ),
        (
            {"extract": {"rejects/extract/figures/md5_mismatch": 3}},
            "extract: 13 figs and graphics in, but 9 out + 5 rejects",
        ),
        ({"curate": {"read_candidates/out": 8}}, "9 out of extract, but 8 into curate"),
        ({"curate": {"rejects/curate/figures/license": 0}}, "curate: 9 pairs in, but 4 out + 4 rejects"),
        ({"curate": {"rejects/curate/figures/duplicate_file": 2}}, "curate: 9 pairs in, but 4 out + 4 rejects"),
        ({"curate": {"pairs/kept": 5}}, "5 out of curate, but 4 into shard"),
        ({"shard": {"samples/planned": 3}}, "4 out of curate, but 3 into shard"),
        ({"shard": {"samples/written": 4}}, "shard: 4 pairs in, but 4 out + 1 rejects"),
        ({"shard": {"rejects/shard/figures/no_derivatives": 0}}, "shard: 4 pairs in, but 3 out + 0 rejects"),
    ],
)
def test_each_kind_of_loss_is_told(changes: dict[str, dict[str, int]], said: str) -> None:
    assert said in failed_sums(flows(**changes))


def test_flow_of_fetch_comes_first_where_there_was_one() -> None:
    fetched = {"articles/listed": 12, "articles/fetched": 9, "rejects/fetch/articles/not_found": 3}
    assert flows(extract=fetched)[0] == Flow("fetch", "articles", 12, 9, {"not_found": 3})
    assert failed_sums(flows(extract=fetched)) == []
    assert failed_sums(flows(extract=fetched | {"articles/fetched": 8})) == [
        "fetch: 12 articles in, but 8 out + 3 rejects"
    ]


def test_report_holds_the_flows_and_the_make_up_of_the_release() -> None:
    report: dict[str, Any] = report_json(flows(), SHARD)
    assert report["flows"][3] == {
        "stage": "shard",
        "unit": "pairs",
        "in": 4,
        "out": 3,
        "rejected": 1,
        "rejects_by_reason": {"no_derivatives": 1},
    }
    assert report["composition"] == {
        "license": {"CC BY": 3},
        "split": {"train": 2, "val": 1},
        "year": {"unknown": 3},
    }


def test_report_does_not_depend_on_the_order_of_the_tallies() -> None:
    backwards = dict(reversed(SHARD.items()))
    assert str(report_json(flows(), SHARD)) == str(report_json(stage_flows(EXTRACT, CURATE, backwards), backwards))


def test_value_with_a_slash_is_told_whole() -> None:
    assert report_json([], {"release/kind/a/b": 1})["composition"] == {"kind": {"a/b": 1}}
