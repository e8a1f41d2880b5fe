"""Verdicts: the first reason against a candidate stands, and the detail of a copy begins with what it copies."""

from pathlib import Path

import numpy as np

from pmc15m.curate.copies import Copies
from pmc15m.curate.verdicts import Verdicts
from pmc15m.records import Reason, Reject, Stage
from tests.judging import arrays, hash_of, shown

KEYS = ["PMC1_0001_01", "PMC1_0002_01", "PMC2_0001_01", "PMC10_0001_01"]


def verdicts(folder: Path) -> Verdicts:
    return Verdicts(arrays([shown(key) for key in KEYS], folder))


def test_nothing_is_against_any_at_first(tmp_path: Path) -> None:
    found = verdicts(tmp_path)
    assert found.is_open.tolist() == [True] * 4
    assert list(found.rejects()) == []


def test_first_reason_stands(tmp_path: Path) -> None:
    found = verdicts(tmp_path)
    found.drop(2, Reason.REPEATED_IMAGE, "first")
    found.drop(2, Reason.WOULD_LEAK, "second")
    assert found.is_open.tolist() == [True, True, False, True]
    assert [(reject.key, reject.reason, reject.detail) for reject in found.rejects()] == [
        ("PMC2_0001_01", Reason.REPEATED_IMAGE, "first")
    ]


def test_rejects_come_by_row_and_are_complete(tmp_path: Path) -> None:
    pairs = [shown("PMC2_0001_01", fig_id=None), shown("PMC10_0002_01", fig_id="F2")]
    found = Verdicts(arrays(pairs, tmp_path))
    found.drop(1, Reason.WOULD_LEAK, "PMC3 is in test")
    found.drop(0, Reason.EVAL_OVERLAP, "vqa:1.png")
    assert list(found.rejects()) == [
        Reject("PMC2_0001_01", "PMC2", 1, None, Stage.CURATE, Reason.EVAL_OVERLAP, "vqa:1.png"),
        Reject("PMC10_0002_01", "PMC10", 1, "F2", Stage.CURATE, Reason.WOULD_LEAK, "PMC3 is in test"),
    ]


def test_some_rows_are_dropped_at_once_but_those_that_are_already(tmp_path: Path) -> None:
    found = verdicts(tmp_path)
    found.drop(0, Reason.REPEATED_IMAGE, "")
    found.drop_all(np.array([0, 3]), Reason.DUPLICATE_ARTICLE, "")
    assert [reject.reason for reject in found.rejects()] == [Reason.REPEATED_IMAGE, Reason.DUPLICATE_ARTICLE]


def test_detail_of_a_copy_says_of_what_and_how_near(tmp_path: Path) -> None:
    pairs = [
        shown("PMC1_0001_01", "mill"),
        shown("PMC2_0001_01", "mill"),
        shown("PMC3_0001_01", "mill", file="packed anew"),
        shown("PMC4_0001_01", "mill", 8),
        shown("PMC5_0001_01", "mill", 10, phash_content=bytes(32)),
        shown("PMC6_0001_01", "mill", 9, phash_content=hash_of("mill, its content", 3)),
        shown("PMC7_0001_01", "dam"),
    ]
    found = Verdicts(arrays(pairs, tmp_path))
    leader = np.array([0, 0, 0, 0, 0, 0, 6])
    found.drop_copies(Copies(leader))
    assert [(reject.reason, reject.detail) for reject in found.rejects()] == [
        (Reason.DUPLICATE_FILE, "PMC1_0001_01 the same file"),
        (Reason.DUPLICATE_PIXELS, "PMC1_0001_01 the same pixels"),
        (Reason.DUPLICATE_IMAGE, "PMC1_0001_01 8 bits"),
        (Reason.DUPLICATE_IMAGE, "PMC1_0001_01 10 bits"),
        (Reason.DUPLICATE_IMAGE, "PMC1_0001_01 3 bits"),
    ]
    assert found.is_open.tolist() == [True, False, False, False, False, False, True]
