"""Filters: the first reason against a pair, at the very edge of each threshold."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pmc15m.config import FiltersConfig
from pmc15m.curate.filters import RULES, filter_candidate
from pmc15m.licenses import LICENSE_CLASSES
from pmc15m.records import Reason, Reject, Stage
from tests import some

CONFIG = FiltersConfig(
    licenses=("CC0", "CC BY"),
    refused_flags=("reproduced_with_permission", "own_permissions"),
    min_side_px=64,
    max_aspect=8.0,
    min_grey_std=3.0,
    max_mode_fraction=0.995,
    min_caption_chars=20,
    min_caption_words=3,
    max_caption_chars=100,
)
BOUGHT = "reproduced_with_permission: Reprinted with permission from ref. 4"


def judge(**changes: Any) -> Any:
    (item,) = filter_candidate(some.candidate(**changes), CONFIG)
    return item


def test_wanted_pair_goes_on_as_it_is() -> None:
    assert judge() == some.candidate()


@pytest.mark.parametrize(
    "changes",
    [
        {"license": "CC0"},
        {"article_license": "CC0"},
        {"rights_flags": ("adapted", "with_permission"), "rights_phrases": ("adapted: adapted from [4]",)},
        {"width_px": 64, "height_px": 64},
        {"width_px": 640, "height_px": 80},
        {"grey_std": 3.0},
        {"mode_fraction": 0.995},
        {"num_chars": 20},
        {"num_words": 3},
        {"num_chars": 100},
    ],
)
def test_pair_at_the_edge_goes_on(changes: dict[str, Any]) -> None:
    assert judge(**changes) == some.candidate(**changes)


@pytest.mark.parametrize(
    ("changes", "reason", "detail"),
    [
        ({"license": "CC BY-NC"}, Reason.LICENSE, "CC BY-NC; wanted: CC0, CC BY"),
        ({"license": "none"}, Reason.LICENSE, "none; wanted: CC0, CC BY"),
        ({"article_license": "CC BY-NC"}, Reason.LICENSE, "CC BY-NC of the article; wanted: CC0, CC BY"),
        (
            {
                "rights_flags": ("adapted", "reproduced_with_permission"),
                "rights_phrases": ("adapted: adapted from [4]", BOUGHT),
            },
            Reason.RIGHTS_FLAG,
            BOUGHT,
        ),
        ({"rights_flags": ("own_permissions",)}, Reason.RIGHTS_FLAG, "own_permissions"),
        ({"width_px": 641, "height_px": 80}, Reason.IMAGE_ASPECT, "641x80 px; at most 8 : 1"),
        ({"width_px": 80, "height_px": 641}, Reason.IMAGE_ASPECT, "80x641 px; at most 8 : 1"),
        ({"grey_std": 2.999}, Reason.IMAGE_BLANK, "grey_std 2.999; wanted: 3"),
        ({"mode_fraction": 0.99501}, Reason.IMAGE_BLANK, "mode_fraction 0.99501; at most 0.995"),
        (
            {"is_boilerplate": True},
            Reason.BOILERPLATE_CAPTION,
            "36 characters that say nothing of the figure",
        ),
        ({"width_px": 63}, Reason.IMAGE_TOO_SMALL, "63x480 px; wanted: 64"),
        ({"height_px": 63}, Reason.IMAGE_TOO_SMALL, "640x63 px; wanted: 64"),
        ({"num_chars": 19}, Reason.CAPTION_TOO_SHORT, "19 characters; wanted: 20"),
        ({"num_words": 2}, Reason.CAPTION_TOO_SHORT, "2 words; wanted: 3"),
        ({"num_chars": 101}, Reason.CAPTION_TOO_LONG, "101 characters; at most 100"),
    ],
)
def test_pair_beyond_the_edge_is_rejected_and_told_why(changes: dict[str, Any], reason: Reason, detail: str) -> None:
    assert judge(**changes) == Reject("PMC7_0001_01", "PMC7", 1, "F1", Stage.CURATE, reason, detail)


def test_first_reason_counts_and_only_one() -> None:
    assert judge(license="none", width_px=1, num_chars=1, num_words=0).reason is Reason.LICENSE
    assert judge(width_px=1, num_chars=1, num_words=0).reason is Reason.IMAGE_TOO_SMALL
    assert judge(is_boilerplate=True, num_chars=1, num_words=0).reason is Reason.BOILERPLATE_CAPTION


def test_every_rule_has_a_reason_of_its_own() -> None:
    reasons = [reason for reason, _ in RULES]
    assert len(set(reasons)) == len(reasons)


def test_boilerplate_goes_on_where_the_config_wants_it() -> None:
    candidate = some.candidate(is_boilerplate=True)
    assert list(filter_candidate(candidate, FiltersConfig(allow_boilerplate=True))) == [candidate]


def test_nothing_is_refused_by_flag_where_the_config_names_none() -> None:
    candidate = some.candidate(rights_flags=("reproduced_with_permission",), rights_phrases=(BOUGHT,))
    assert list(filter_candidate(candidate, FiltersConfig(refused_flags=()))) == [candidate]
    (reject,) = filter_candidate(candidate, FiltersConfig())
    assert isinstance(reject, Reject)
    assert (reject.reason, reject.detail) == (Reason.RIGHTS_FLAG, BOUGHT)


@given(
    st.fixed_dictionaries(
        {
            "license": st.sampled_from(LICENSE_CLASSES),
            "width_px": st.integers(1, 1_000),
            "height_px": st.integers(1, 1_000),
            "grey_std": st.floats(0, 10),
            "mode_fraction": st.floats(0.9, 1),
            "num_chars": st.integers(1, 200),
            "num_words": st.integers(1, 50),
        }
    )
)
def test_every_pair_goes_on_or_is_rejected_once(values: dict[str, Any]) -> None:
    is_wanted = (
        values["license"] in CONFIG.licenses
        and min(values["width_px"], values["height_px"]) >= 64
        and 1 / 8 <= values["width_px"] / values["height_px"] <= 8
        and values["grey_std"] >= 3
        and values["mode_fraction"] <= 0.995
        and 20 <= values["num_chars"] <= 100
        and values["num_words"] >= 3
    )
    assert isinstance(judge(**values), Reject) != is_wanted
