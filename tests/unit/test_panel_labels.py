"""Marks of panels in captions: a sequence from A on, or nothing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pmc15m.jats.panels import find_panel_labels, marks_of
from tests import some

ABC = ("A", "B", "C")


@pytest.mark.parametrize(
    ("caption", "labels"),
    [
        ("Mills. (A) Wheel. (B) Stone. (C) Dam.", ABC),
        ("(a) Wheel, (b) stone, and (c) dam.", ("a", "b", "c")),
        ("[A] Wheel. [B] Stone.", ("A", "B")),
        ("A) Wheel B) Stone C) Dam", ABC),
        ("A: wheel. B: stone.", ("A", "B")),
        ("A: cells. Panda: bears.", ()),  # no P, no a
        ("A. Wheel. B. Stone.", ("A", "B")),
        ("(A-C) Three wheels.", ABC),
        ("(A\u2013C) Three wheels. (D) Stone.", (*ABC, "D")),
        ("(A, B) Wheels. (C) Dam.", ABC),
        ("(A and B) Wheels. (C & D) Dams.", (*ABC, "D")),
        ("(A) Wheel. (B) Stone, as in (A). (C) Dam.", ABC),
        ("(A) Wheel. (B) The same as panel (C) shows. (C) Dam.", ABC),
        ("(A) Wheel. (B) Stone. (A) Wheel again.", ("A", "B")),
        # no sequence
        ("A mill by the river.", ()),
        ("(A) One panel alone.", ()),
        ("(B) Stone. (C) Dam.", ()),
        ("(A) Wheel. (C) Dam.", ()),
        ("(A) Wheel. (b) Stone.", ()),
        ("Mill (M) and wheel (W).", ()),
        ("See panels (A) and (B) of the earlier report.", ()),
        ("Vitamin A. It is good.", ()),
        ("", ()),
    ],
)
def test_marks_of_panels_in_a_caption(caption: str, labels: tuple[str, ...]) -> None:
    assert find_panel_labels(caption, []) == labels


def test_tagging_helps_where_the_text_holds_no_marks() -> None:
    assert find_panel_labels("A wheel B stone", ["A", "B"]) == ("A", "B")
    assert find_panel_labels("A wheel B stone", [" (A) ", "B,"]) == ("A", "B")
    assert find_panel_labels("Wheels B stone", ["A-C", "Bold words", "D"]) == (*ABC, "D")
    assert find_panel_labels("A wheel", ["A", "C"]) == ()
    assert find_panel_labels("(A) Wheel. (B) Stone.", ["A", "B", "C"]) == ("A", "B")


def test_bold_words_and_labels_of_lists_may_be_marks() -> None:
    fig = some.element("<fig><caption><p><bold>A</bold> wheel <bold>B<italic>x</italic></bold></p></caption></fig>")[0]
    assert list(marks_of(fig)) == ["A", "Bx"]
    fig = some.element(
        "<fig><caption><list><list-item><label>A</label><p><bold>wheel</bold></p></list-item>"
        "<list-item><label>B</label><p>stone</p></list-item></list></caption></fig>"
    )[0]
    assert list(marks_of(fig)) == ["A", "B"]
    assert list(marks_of(some.element("<fig/>")[0])) == []


@given(st.text("ABCabc()[],.:- &and\u2013", max_size=30), st.lists(st.text("ABCab() ", max_size=4), max_size=4))
def test_marks_are_a_whole_sequence_from_a_on_or_none(caption: str, marks: list[str]) -> None:
    labels = find_panel_labels(caption, marks)
    assert len(labels) != 1
    if labels:
        assert labels[0] in "Aa"
        assert [ord(label) - ord(labels[0]) for label in labels] == list(range(len(labels)))
