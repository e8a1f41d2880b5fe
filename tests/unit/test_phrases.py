"""Phrases of rights: what counts as one, what only looks like one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pmc15m.jats.phrases import MAX_PHRASE_CHARS, Phrase, license_in, screen_phrases
from pmc15m.licenses import RIGHTS_FLAGS


def flags(text: str) -> set[str]:
    return {phrase.flag for phrase in screen_phrases(text)}


def words(text: str, flag: str) -> str:
    """Return the words of the one phrase of a flag."""
    (phrase,) = [phrase for phrase in screen_phrases(text) if phrase.flag == flag]
    return phrase.words


BOUGHT = {"reproduced_with_permission", "with_permission"}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Mill. Reproduced with permission from Miller (1999).", {"reproduced", *BOUGHT}),
        ("Mill. Reprinted with the kind permission of Mill Press.", {"reprinted", *BOUGHT}),
        ("Mill (republished, with permission, from ref. 12).", {"republished", *BOUGHT}),
        (
            "a) Mill. Reproduced with permission.[7] Copyright 2017, Mill Press. b) Dam.",
            {"reproduced", "copyright_statement", *BOUGHT},
        ),
        (
            "Mill. Reprinted from ref. 46. Copyright \u00a9 2023, Mill Press.",
            {"reprinted", "reproduced_with_permission", "copyright_statement"},
        ),
        ("With permission from Mill Press, reproduced from Miller et al.", {"reproduced", *BOUGHT}),
        ("Mill. Reproduced from Miller et al. [12].", {"reproduced"}),
        ("Mill. Image taken from Miller and Stone (2004).", {"reproduced"}),
        ("Mill. Reprinted by permission from the Mill Society.", {"reprinted", *BOUGHT}),
        ("Mill, adapted from [17].", {"adapted"}),
        ("Mill. Adapted from Miller et al., 2012.", {"adapted"}),
        ("Mill. Modified from Stone and Wheel (2013).", {"adapted"}),
        ("Mill, redrawn after Miller 1989.", {"adapted"}),
        ("We adapted the picture in panel B from the Mill Atlas website (https://mills.example).", {"adapted"}),
        (
            "Mill. (Adapted with permission from ref. [64] Copyright @ 2021 Mill Society.)",
            {"adapted", "with_permission", "copyright_statement"},
        ),
        ("Image published with the permission of the Mill Museum.", {"with_permission"}),
        ("Mill (with permission from Mill Press).", {"with_permission"}),
        ("Mill. \u00a9 2009 Mill Press.", {"copyright_statement"}),
        ("Mill. Copyright held by Mill Press. All rights reserved.", {"copyright_statement"}),
        ("Mill. Courtesy of A. Miller.", {"courtesy"}),
        ("Mill. Photo courtesy Mill Museum.", {"courtesy"}),
        ("Mill. Photo: Ada Miller.", {"credit"}),
        ("Mill. Image credit: Mill Museum", {"credit"}),
    ],
)
def test_attribution_is_found(text: str, found: set[str]) -> None:
    assert flags(text) == found


@pytest.mark.parametrize(
    "text",
    [
        "",
        "A mill by the river in early spring.",
        "Results were reproduced in three independent experiments.",
        "These findings were reproduced from three independent experiments.",
        "The trend was reproduced with two other antibodies.",
        "The mice reproduced from week six on; 12 pups were born.",
        "Reproducibility of the measurement and reproductive success of plants.",
        "Cells adapted to cold were modified by a promoter.",
        "Cells adapted from HeLa cells grow in suspension.",
        "Polytropic (P) and modified polytropic (Pm) sequences.",
        "Samples were taken from Patient 3 after treatment.",
        "Values are taken from Fig. 1.",
        "Panel B is modified from Fig. 2.",
        "Radiograph of the knee, published with permission of the patient.",
        "Written informed permission was given by the parents.",
        "With the permission of the Mill Society, we obtained records of all mills.",
        "Tissue was taken with permission from the ethics committee.",
        "One-photon excitation (c) and a photograph of the set-up.",
        "Raw data for (C) 2011 and (D) 2010 are in Dryad.",
        "Volume in cc by age; illustration of the protocol.",
        "Microphotographs by electron microscopy.",
        "courtesy stigma scores in families",
    ],
)
def test_what_only_looks_like_attribution_is_none(text: str) -> None:
    assert flags(text) == set()


def test_copyright_of_the_authors_makes_no_purchase() -> None:
    assert flags("Mill. Reproduced from Miller (1999). \u00a9 The Authors 2019.") == {
        "reproduced",
        "copyright_statement",
    }


def test_open_licence_sets_a_reproduction_free_and_a_closed_one_does_not() -> None:
    text = "Mill. Reproduced with permission under {} 4.0 license from ref. [33]. Copyright 2022, Mill Press."
    assert "reproduced_with_permission" not in flags(text.format("CC BY"))
    assert "reproduced_with_permission" in flags(text.format("CC BY-NC-ND"))


def test_each_reproduction_is_judged_by_what_follows_it() -> None:
    free = "A. Reproduced from Miller (2017), licensed under CC BY 4.0."
    assert "reproduced_with_permission" not in flags(free)
    bought = f"{free} B. Reproduced with permission from Stone (2014)."
    assert words(bought, "reproduced_with_permission") == "Reproduced with permission from Stone (2014)."


def test_words_are_those_that_say_so() -> None:
    text = "Mill. Reprinted with permission from Ref. 46. Copyright \u00a9 2023, Mill Press. Dam."
    assert words(text, "reprinted") == "Reprinted with permission from Ref. 46."
    whole = "Reprinted with permission from Ref. 46. Copyright \u00a9 2023, Mill Press"
    assert words(text, "reproduced_with_permission") == whole
    assert str(screen_phrases(text)[0]) == "copyright_statement: Copyright \u00a9 2023, Mill Press"


def test_of_each_flag_the_first_phrase_is_told_in_order_of_flag() -> None:
    text = "Dam, adapted from [3]. Mill, adapted from [2]. Photo: Ada Miller."
    assert screen_phrases(text) == (Phrase("adapted", "adapted from [3]."), Phrase("credit", "Photo: Ada Miller"))


@given(
    st.text()
    | st.lists(st.sampled_from("Reproduced with permission from Ref . \u00a9 2019 Mill 3 ( )".split())).map(" ".join)
)
def test_any_text_has_short_phrases_of_known_flags(text: str) -> None:
    found = screen_phrases(text)
    assert {phrase.flag for phrase in found} <= set(RIGHTS_FLAGS)
    assert all(len(str(phrase)) <= MAX_PHRASE_CHARS and phrase.words in text for phrase in found)
    assert len({phrase.flag for phrase in found}) == len(found)


@pytest.mark.parametrize(
    ("text", "license_class"),
    [
        ("Made under a Creative Commons Attribution-NonCommercial-NoDerivs 4.0 licence.", "CC BY-NC-ND"),
        ("Mill, used under CC BY 4.0.", "CC BY"),
        ("Mill, used under CC\u2010BY\u20104.0.", "CC BY"),
        ("Mill (https://creativecommons.org/licenses/by-sa/3.0/).", "CC BY-SA"),
        ("Mill: Creative Commons Attribution ShareAlike 3.0; dam: Public Domain Dedication 1.0.", "CC BY-SA"),
        ("Volume in cc by age in CC0 and CC1 groups.", None),
        ("A mill.", None),
    ],
)  # fmt: skip
def test_licence_that_a_caption_names(text: str, license_class: str | None) -> None:
    assert license_in(text) == license_class
