"""Filters: the first reason against a pair, at the very edge of each threshold."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pmc15m.config import LICENSE_CLASSES, FiltersConfig
from pmc15m.curate.filters import filter_candidate
from pmc15m.records import Reason, Reject, Stage
from tests import some

CONFIG = FiltersConfig(
    licenses=("CC0", "CC BY"), min_side_px=64, min_caption_chars=20, min_caption_words=3, max_caption_chars=100
)


def judge(**changes: Any) -> Any:
    (item,) = filter_candidate(some.candidate(**changes), CONFIG)
    return item


def test_wanted_pair_goes_on_as_it_is() -> None:
    assert judge() == some.candidate()


@pytest.mark.parametrize(
    "changes",
    [
        {"license": "CC0"},
        {"width_px": 64, "height_px": 64},
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


@given(
    st.fixed_dictionaries(
        {
            "license": st.sampled_from(LICENSE_CLASSES),
            "width_px": st.integers(1, 200),
            "height_px": st.integers(1, 200),
            "num_chars": st.integers(1, 200),
            "num_words": st.integers(1, 50),
        }
    )
)
def test_every_pair_goes_on_or_is_rejected_once(values: dict[str, Any]) -> None:
    is_wanted = (
        values["license"] in CONFIG.licenses
        and min(values["width_px"], values["height_px"]) >= 64
        and 20 <= values["num_chars"] <= 100
        and values["num_words"] >= 3
    )
    assert isinstance(judge(**values), Reject) != is_wanted
