"""Captions as they are compared, what says nothing of a figure, and captions that go on with another's."""

import string
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pmc15m.curate.captions import (
    caption_digest,
    caption_similarity,
    cut_tails,
    is_boilerplate,
    normalise_caption,
)
from pmc15m.jats.captions import continues
from pmc15m.jats.text import normalize

# The normal form


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("A mill, by the river.", "a mill by the river"),
        ("A  MILL by the\u00a0river", "a mill by the river"),
        ("\ufb01ne \u00bd mill", "fine 1 2 mill"),
        ("Figure 3. A mill", "a mill"),
        ("Fig. S3: A mill", "a mill"),
        ("Supplementary Figure 2 | A mill", "a mill"),
        ("Scheme IV. A mill", "a mill"),
        ("Figure 3\u2014figure supplement 1. A mill", "a mill"),
        ("Figures of a mill", "figures of a mill"),
        ("CD4+ mills, p < 0.05", "cd4+ mills p < 0 05"),
        ("***", ""),
    ],
)
def test_normal_form_leaves_out_case_label_and_punctuation(text: str, plain: str) -> None:
    assert normalise_caption(text) == plain


def test_captions_that_signs_tell_apart_stay_apart() -> None:
    assert caption_digest("CD4+ mills") != caption_digest("CD4- mills")
    assert caption_digest("Mills, p < 0.05") != caption_digest("Mills, p > 0.05")


def test_digest_is_16_bytes_of_the_normal_form() -> None:
    assert len(caption_digest("")) == 16
    assert caption_digest("Figure 1. A mill.") == caption_digest("a MILL")
    assert caption_digest("A mill") != caption_digest("A dam")
    assert caption_digest("A mill").hex() == "648bfeb1dfb8d0c7e69e5389f53df26e"


@given(st.text())
def test_normal_form_of_a_normal_form_is_itself_but_for_a_label(text: str) -> None:
    plain = normalise_caption(text)
    assert normalise_caption(f"x {plain}") == f"x {plain}".strip()


# Boilerplate


@pytest.mark.parametrize(
    "text",
    [
        "Graphical abstract",
        "GRAPHICAL ABSTRACT.",
        "Visual abstract",
        "TOC graphic",
        "Click here for additional data file.",
        "Supplementary Figure",
        "Supplementary Figure S3",
        "Supporting information",
        "Figure 7",
        "Image 1.",
        "See text.",
        "See legend on next page.",
        "No caption available",
        "(continued)",
        "Figure 3. (Cont\u2019d.)",
        "This figure appears in colour online.",
        "(Color figure online)",
        "\u00a9 2019 Mill Press. All rights reserved.",
        "Creative Commons Attribution 4.0 International License.",
        "For permissions please email mills@example.org.",
        "This is an open access article under the CC BY license.",
        "A mill. Reproduced with permission from Miller et al. (1999), Mill Press.",
        "Author photo",
        "...",
    ],
)
def test_caption_that_says_nothing_is_boilerplate(text: str) -> None:
    assert is_boilerplate(text)


@pytest.mark.parametrize(
    "text",
    [
        "Western blot.",
        "A mill.",
        "Graphical abstract of the mill by the river.",
        "See text for the parameters of the mill: width, height and age. Bars: 1 m.",
        "Continued growth of mills in the valley.",
        "Figure of the mill",
        "Copyright of mills over time: a survey of 30 countries.",
        "Image of a mill by the river. \u00a9 2019 Mill Press.",
        "Flow chart of the mill. This is an open access article under the CC BY license.",
        "Supplementary figure showing the growth of mills",
    ],
)
def test_caption_that_says_something_is_none(text: str) -> None:
    assert not is_boilerplate(text)


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("A mill.", "A mill."),
        ("A mill. Reproduced with permission.[5] Copyright 2018, Mill Press.", "A mill."),
        ("A mill. Reproduced from Ref. 4. A dam.", "A mill. Reproduced from Ref. 4. A dam."),
        ("A mill. Created with BioRender.com", "A mill."),
        ("A mill. [Colour figure can be viewed at mills.example]", "A mill."),
        ("A mill (see text). (Adapted with permission from Miller et al. 1999.)", "A mill (see text)."),
        ("\u00a9 2019 Mill Press.", ""),
    ],
)
def test_tails_are_cut_from_the_end_sentence_by_sentence(text: str, kept: str) -> None:
    assert cut_tails(text) == kept


@given(st.text())
def test_what_is_kept_is_the_beginning(text: str) -> None:
    assert text.startswith(cut_tails(text))
    assert isinstance(is_boilerplate(text), bool)


# Similarity


@pytest.mark.parametrize(
    ("one", "other", "similarity"),
    [
        ("A mill by the river", "Figure 2. A MILL, by the river!", 1.0),
        ("a b c d", "a b c e", 1 / 3),
        ("a b c d e", "a b c d e f", 3 / 4),
        ("mill", "mill dam", 1 / 2),
        ("mill dam", "mill dam river", 1 / 2),
        ("mill", "dam", 0.0),
        ("", "", 1.0),
        ("", "mill", 0.0),
        ("...", "!", 1.0),
    ],
)
def test_similarity_is_the_jaccard_index_of_shingles(one: str, other: str, similarity: float) -> None:
    assert caption_similarity(one, other) == pytest.approx(similarity)


captions = st.lists(st.sampled_from(["mill", "dam", "river", "of", "(A)"]), max_size=8).map(" ".join)


@given(captions, captions)
def test_similarity_is_symmetric_and_1_only_for_the_same_shingles(one: str, other: str) -> None:
    found = caption_similarity(one, other)
    assert 0.0 <= found <= 1.0
    assert found == caption_similarity(other, one)
    assert caption_similarity(one, one) == 1.0
    if caption_digest(one) == caption_digest(other):
        assert found == 1.0


# Captions that go on


@pytest.mark.parametrize(
    ("label", "caption", "found"),
    [
        ("Figure 3", "(continued)", ("3", True)),
        ("Fig. 3.", "Continued.", ("3", True)),
        ("Figure 3", "Cont\u2019d.", ("3", True)),
        ("Figure 3 (Continued)", "", ("3", True)),
        ("Figure 3b", "(cont.)", ("3", True)),
        (None, "Figure 3 (continued).", ("3", True)),
        ("Supplementary Figure 3", "(continued)", ("s3", True)),
        ("Figure S3", "Continued from previous page", ("s3", True)),
        (None, "(continued)", ("", True)),
        ("Figure 3", "A mill.", ("3", False)),
        ("Figure 3 (continued)", "Later stages of the mill.", ("3", False)),
        ("Figure 3", "Continued growth of mills.", ("3", False)),
        ("Figure 3", "", ("3", False)),
        (None, "A mill.", ("", False)),
    ],
)
def test_caption_that_only_says_continued(label: str | None, caption: str, found: Any) -> None:
    assert continues(label, caption) == found


@given(st.text(string.printable), st.none() | st.text(string.printable))
def test_any_label_and_caption_are_judged(caption: str, label: str | None) -> None:
    number, is_continued = continues(label, normalize(caption))
    assert isinstance(is_continued, bool)
    assert number == number.lower()
