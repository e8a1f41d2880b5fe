"""Language of captions: told where the words tell, null where they do not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pmc15m.jats.language import caption_language


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Concentration of TNF-\u03b1 and IL-6 (\u03bcg/mL) in the serum", "en"),
        ("Distribution of mills", "en"),
        ("\u00dcberlebenskurven der Patienten nach Behandlung mit Cisplatin.", "de"),
        ("R\u00f6ntgenaufnahme des linken Kniegelenks vor der Operation", "de"),
        ("Courbe de survie des patients trait\u00e9s par chimioth\u00e9rapie", "fr"),
        ("Radiographie du genou gauche avant l'op\u00e9ration", "fr"),
        ("Curvas de supervivencia de los pacientes seg\u00fan el grupo", "es"),
        ("Distribuci\u00f3n de las muestras por regi\u00f3n y a\u00f1o", "es"),
        ("Curvas mostrando o tempo at\u00e9 o transplante em dois grupos", "pt"),
        ("Fluxo do processo de sele\u00e7\u00e3o dos pacientes", "pt"),
        ("Curve di sopravvivenza dei pazienti del gruppo", "it"),
        ("Overleving van pati\u00ebnten met de ziekte", "nl"),
        ("Распределение больных по возрасту", "ru"),
        ("Розподіл хворих за віком та статтю", "uk"),
        ("\u56fe1 \u4e0d\u540c\u5904\u7406\u7ec4\u5c0f\u9f20\u7684\u4f53\u91cd\u53d8\u5316", "zh"),
        ("\u60a3\u8005\u751f\u5b58\u66f2\u7ebf (P<0.05)", "zh"),
        ("\u56f31 \u30de\u30a6\u30b9\u306e\u4f53\u91cd\u5909\u5316", "ja"),
        ("\uadf8\ub9bc 1. \ud658\uc790\uc758 \uc0dd\uc874 \uace1\uc120", "ko"),
        ("توزيع المرضى حسب العمر", "ar"),
    ],
)  # fmt: skip
def test_language_is_told(text: str, language: str) -> None:
    assert caption_language(text) == language


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Western blot",
        "A. citriodora, E. coli and D. de Vries",
        "\u03b1-SMA \u03b2-actin \u03b3-tubulin",
        "Mill and river: \u043c\u0435\u043b",
        "Total (n = 24; 95% CI 1.2\u20133.4)",
        "Des Moines",
    ],
)
def test_nothing_is_guessed(text: str) -> None:
    assert caption_language(text) in {None, "en"}
    assert caption_language(text.replace(" and ", " ")) is None


def test_english_with_words_of_other_scripts_is_english() -> None:
    assert caption_language("The herb \u9ec4\u82aa was given to the mice for 14 days") == "en"


def test_start_of_a_long_caption_tells() -> None:
    assert caption_language("The mill is in the valley. " * 200 + "der die das und von " * 2_000) == "en"


@given(st.text())
def test_any_text_has_a_code_or_none(text: str) -> None:
    found = caption_language(text)
    assert found is None or (len(found) == 2 and found.isalpha())
