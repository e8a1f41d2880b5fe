"""Records: frozen, slotted, made of text and numbers, with keys that order as numbers do."""

import dataclasses
import pickle
from typing import Any, get_type_hints

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pmc15m import records
from pmc15m.records import (
    ARTICLE_KEY_PATTERN,
    KEY_PATTERN,
    MAX_DETAIL_CHARS,
    ArticleRef,
    Reason,
    article_order,
    key_order,
    make_key,
)
from tests import some

RECORDS = [cls for cls in vars(records).values() if isinstance(cls, type) and dataclasses.is_dataclass(cls)]
FORBIDDEN = ("Image.Image", "_Element", "IO", "memoryview", "Any", "list", "dict", "set")


@pytest.mark.parametrize("cls", RECORDS, ids=lambda cls: cls.__name__)
def test_records_are_frozen_and_slotted(cls: Any) -> None:
    assert cls.__dataclass_params__.frozen
    assert "__dict__" not in dir(cls)


@pytest.mark.parametrize("cls", RECORDS, ids=lambda cls: cls.__name__)
def test_records_hold_text_and_numbers_only(cls: Any) -> None:
    for hint in get_type_hints(cls).values():
        assert not any(word in str(hint).replace("typing.", "") for word in FORBIDDEN)


@pytest.mark.parametrize("record", [some.pair(), some.decision(), some.reject(), some.package()])
def test_records_cross_to_another_process_whole(record: object) -> None:
    assert pickle.loads(pickle.dumps(record)) == record  # noqa: S301, our own


def test_key_has_no_dot_and_no_version() -> None:
    assert make_key("PMC4991227", 4, 1) == "PMC4991227_0004_01"
    assert make_key("PMC7", 12_345, 678) == "PMC7_12345_678"


@given(st.integers(1, 10**9), st.integers(0, 10**5), st.integers(0, 10**3))
def test_key_orders_as_its_numbers_do(number: int, fig: int, graphic: int) -> None:
    key = make_key(f"PMC{number}", fig, graphic)
    assert KEY_PATTERN.match(key)
    assert not ARTICLE_KEY_PATTERN.match(key)
    assert key_order(key) == (number, fig, graphic)


def test_articles_order_by_number_and_not_by_text() -> None:
    assert sorted(["PMC10", "PMC9", "PMC100"], key=article_order) == ["PMC9", "PMC10", "PMC100"]


def test_article_reject_is_told_by_its_key() -> None:
    assert ArticleRef("PMC7", 2, "PMC7.2").key == "PMC7.2"
    assert some.reject("PMC7.2").is_article
    assert not some.reject("PMC7_0001_01").is_article


def test_detail_of_a_reject_is_cut() -> None:
    assert some.reject(detail="x" * 900).detail == "x" * MAX_DETAIL_CHARS
    assert some.reject(detail="short").detail == "short"


def test_key_of_a_pair_is_that_of_its_figure() -> None:
    assert some.pair("PMC8_0002_03").key == "PMC8_0002_03"


def test_reasons_are_plain_words() -> None:
    assert all(reason.value == reason.name.lower() for reason in Reason)
    assert len({reason.value for reason in Reason}) == len(Reason)
