"""Golden cases: small articles with the right answer, written from the rules and not from the code."""

import json
from pathlib import Path
from typing import Any

import pytest

from pmc15m.jats.article import inspect_article
from tests.golden.compare import REASONS, Case, find_cases, find_faults, load_case, text_faults, updated

ROOT = Path(__file__).resolve().parents[2]
OWN = find_cases(Path(__file__).parent / "jats")
SHARED_ROOT = ROOT.parent / "shared" / "cases"
SHARED = find_cases(SHARED_ROOT)
MAX_ARTICLE_BYTES = 4096


def inspect(case: Case) -> dict[str, Any]:
    return dict(inspect_article(case.xml, case.media))


@pytest.mark.parametrize("directory", OWN, ids=lambda path: path.name)
def test_own_case_is_answered_as_expected(directory: Path, update_golden: bool) -> None:
    case = load_case(directory)
    answer = inspect(case)
    faults = find_faults(case.expected, answer, ordered=True)
    if faults and update_golden:
        text = json.dumps(updated(case.expected, answer), ensure_ascii=False, indent=1) + "\n"
        (directory / "expected.json").write_text(text, encoding="utf-8")
        pytest.skip("expected.json was rewritten: read the difference")
    assert not faults, "\n".join([case.expected["notes"], *faults])


@pytest.mark.parametrize("directory", SHARED or [SHARED_ROOT], ids=lambda path: path.name)
def test_shared_cases(directory: Path, shared: Path) -> None:
    assert SHARED, f"{shared / 'cases'} holds no case"
    case = load_case(directory)
    faults = find_faults(case.expected, inspect(case))
    assert not faults, "\n".join([case.expected["notes"], *faults])


@pytest.mark.parametrize("directory", OWN, ids=lambda path: path.name)
def test_own_case_is_small_and_says_why(directory: Path) -> None:
    case = load_case(directory)
    assert (directory / "article.xml").stat().st_size < MAX_ARTICLE_BYTES
    assert case.expected["notes"]
    for answer in (case.expected, *case.expected.get("also_accepted", [])):
        assert {reject["reason"] for reject in answer["rejects"] or []} <= REASONS
        for figure in answer["figures"]:
            assert figure["graphic"] in case.media
            texts = [*(figure["mentions"] or []), *([figure["caption"]] if "caption_contains" not in figure else [])]
            assert not [fault for text in texts for fault in text_faults(text, "expected")]


def test_own_cases_do_not_take_the_names_of_shared_ones() -> None:
    assert not {path.name for path in OWN} & {path.name for path in SHARED}


WANTED: dict[str, Any] = {
    "figures": [
        {
            "fig_id": "F1",
            "label": "Figure 1",
            "caption": "Oar.",
            "graphic": "a.png",
            "mentions": ["See Figure 1."],
            "kind": "figure",
            "license": "https://creativecommons.org/licenses/by/4.0/",
        }
    ],
    "rejects": [{"fig_id": "F2", "reason": "no_caption"}],
}


def test_comparison_takes_what_differs_only_in_form() -> None:
    figure = WANTED["figures"][0] | {
        "label": "Figure 1.",
        "kind": None,
        "license": "http://creativecommons.org/licenses/BY/4.0",
    }
    rejects = [{"fig_id": "T1", "reason": "not_a_figure"}, *WANTED["rejects"]]
    assert find_faults(WANTED, {"figures": [figure], "rejects": rejects}, ordered=True) == []


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"caption": "Oar"}, "caption 'Oar'"),
        ({"caption": "Oar.\u00a0"}, "white space"),
        ({"caption": "O\u00adar."}, "invisible"),
        ({"caption": "O\ue000ar."}, "private"),
        ({"caption": "A\u030ar."}, "not NFC"),
        ({"caption": None}, "no text"),
        ({"label": "Figure 2"}, "label"),
        ({"label": None}, "label"),
        ({"mentions": []}, "mentions"),
        ({"mentions": ["See  Figure 1."]}, "white space"),
        ({"kind": "graphical_abstract"}, "kind"),
        ({"license": None}, "license"),
        ({"graphic": "b.png"}, "missing figure"),
    ],
)
def test_comparison_tells_what_is_wrong_with_a_figure(change: dict[str, Any], fault: str) -> None:
    answer = {"figures": [WANTED["figures"][0] | change], "rejects": WANTED["rejects"]}
    assert fault in "\n".join(find_faults(WANTED, answer))


@pytest.mark.parametrize(
    ("rejects", "fault"),
    [
        ([], "missing reject"),
        ([*WANTED["rejects"], *WANTED["rejects"]], "extra reject"),
        ([*WANTED["rejects"], {"fig_id": None, "reason": "no_figures"}], "extra reject"),
        ([*WANTED["rejects"], {"fig_id": "F3", "reason": "ugly"}], "unknown reason"),
    ],
)
def test_comparison_tells_what_is_wrong_with_rejects(rejects: list[dict[str, Any]], fault: str) -> None:
    assert fault in "\n".join(find_faults(WANTED, {"figures": WANTED["figures"], "rejects": rejects}))


def test_comparison_looks_at_order_only_when_asked() -> None:
    second = WANTED["figures"][0] | {"fig_id": "F0"}
    wanted = WANTED | {"figures": [*WANTED["figures"], second]}
    answer = WANTED | {"figures": [second, *WANTED["figures"]]}
    assert find_faults(wanted, answer) == []
    assert "order" in "\n".join(find_faults(wanted, answer, ordered=True))


def test_comparison_takes_one_of_the_accepted_answers_as_a_whole() -> None:
    other = {"figures": [WANTED["figures"][0] | {"caption": "Paddle."}], "rejects": []}
    wanted = WANTED | {"also_accepted": [other]}
    assert find_faults(wanted, other) == []
    assert find_faults(wanted, other | {"rejects": WANTED["rejects"]}) != []


def test_update_keeps_open_what_a_case_leaves_open() -> None:
    open_figure = {"fig_id": "F1", "label": None, "caption": "x^2", "graphic": "a.png", "mentions": None}
    before = {"figures": [open_figure | {"caption_contains": ["x"]}], "rejects": None, "notes": "T9"}
    answer = {"figures": [WANTED["figures"][0] | {"panel_labels": []}], "rejects": WANTED["rejects"]}
    after = updated(before, answer)
    assert after == before | {"figures": [open_figure | {"label": "Figure 1", "caption_contains": ["x"]}]}
