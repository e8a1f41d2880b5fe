"""Compare an answer of the extractor with what a case expects.

A case is a directory with `article.xml`, `media.txt`, `expected.json` and, where the article would be too big to
store, `expand.json`. Nothing here knows how an answer is made.
"""

import json
import re
import unicodedata
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Json = dict[str, Any]

REASONS = frozenset(
    {
        "xml_syntax",
        "no_figures",
        "not_a_figure",
        "no_graphic",
        "no_caption",
        "not_licensed",
        "graphic_not_in_package",
    }
)
"""Every reason that a reject may give."""

FORMAT_CHARACTERS = frozenset(
    [0xAD, 0x200B, 0x2060, 0xFEFF, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A)]
)
"""Invisible characters that clean text never holds; the joiners U+200C and U+200D are spelling and stay."""

PARTIAL_KEYS = ("caption_contains", "caption_excludes")


@dataclass(frozen=True)
class Case:
    """One case as read from its directory."""

    directory: Path
    xml: bytes
    media: list[str]
    expected: Json


def find_cases(root: Path) -> list[Path]:
    """Return the directories below `root` that hold a case, by name."""
    return sorted(path.parent for path in root.glob("*/expected.json"))


def load_case(directory: Path) -> Case:
    """Read a case, its article written out in full."""
    xml = (directory / "article.xml").read_bytes()
    expand = directory / "expand.json"
    if expand.exists():
        rule = json.loads(expand.read_text(encoding="utf-8"))
        xml = xml.replace(rule["token"].encode(), rule["text"].encode() * rule["times"])
    media = [line for line in (directory / "media.txt").read_text(encoding="utf-8").splitlines() if line]
    expected: Json = json.loads((directory / "expected.json").read_text(encoding="utf-8"))
    return Case(directory, xml, media, expected)


def find_faults(expected: Json, answer: Json, *, ordered: bool = False) -> list[str]:
    """Say what is wrong with an answer.

    Args:
        expected: the content of `expected.json`.
        answer: what the extractor returned.
        ordered: whether figures must come in the order of `expected` too.

    Returns:
        One line a fault; none if the answer, or one of `also_accepted`, is met.
    """
    general = [*_general_faults(answer)]
    first: list[str] | None = None
    for wanted in (expected, *expected.get("also_accepted", [])):
        differences = [*_differences(wanted, answer)]
        if ordered and not differences and [_key(f) for f in wanted["figures"]] != [_key(f) for f in answer["figures"]]:
            differences = [f"order of figures: {[_key(f) for f in answer['figures']]}"]
        if not differences:
            return general
        first = first or differences
    return general + (first or [])


def text_faults(text: object, where: str) -> Iterator[str]:
    """Say what is unclean about a caption or a mention."""
    if not isinstance(text, str) or not text:
        yield f"{where}: no text but {text!r}"
        return
    if text != " ".join(text.split()):
        yield f"{where}: white space that is not one ASCII space"
    if not unicodedata.is_normalized("NFC", text):
        yield f"{where}: not NFC"
    if unclean := {c for c in set(text) if ord(c) in FORMAT_CHARACTERS or unicodedata.category(c) == "Co"}:
        yield f"{where}: invisible or private characters {sorted(map(ascii, unclean))}"


def updated(expected: Json, answer: Json) -> Json:
    """Return `expected` with the figures and rejects of the answer.

    What the case leaves open stays open: mentions that are null, keys that are absent, parts of a caption, rejects
    that are null.
    """
    old = {_key(figure): figure for figure in expected["figures"]}
    figures = []
    for figure in answer["figures"]:
        before = old.get(_key(figure), {"mentions": []})
        new = {key: figure.get(key) for key in ("fig_id", "label", "caption", "graphic", "mentions")}
        if before["mentions"] is None:
            new["mentions"] = None
        if any(key in before for key in PARTIAL_KEYS):
            new["caption"] = before["caption"]
        new |= {key: figure.get(key) for key in ("kind", "license") if key in before}
        new |= {key: before[key] for key in PARTIAL_KEYS if key in before}
        figures.append(new)
    rejects = [{key: reject[key] for key in ("fig_id", "reason")} for reject in answer["rejects"]]
    return expected | {"figures": figures, "rejects": None if expected["rejects"] is None else rejects}


def _key(figure: Json) -> tuple[str | None, str | None]:
    return figure.get("fig_id"), figure.get("graphic")


def _general_faults(answer: Json) -> Iterator[str]:
    """Say what no answer may hold, whatever the case."""
    for figure in answer["figures"]:
        yield from text_faults(figure.get("caption"), f"{_key(figure)} caption")
        for mention in figure.get("mentions") or []:
            yield from text_faults(mention, f"{_key(figure)} mention")
    for reject in answer["rejects"]:
        if reject.get("reason") not in REASONS:
            yield f"unknown reason {reject.get('reason')!r}"


def _differences(wanted: Json, answer: Json) -> Iterator[str]:
    left = list(answer["figures"])
    for figure in wanted["figures"]:
        got = next((candidate for candidate in left if _key(candidate) == _key(figure)), None)
        if got is None:
            yield f"missing figure {_key(figure)}"
            continue
        left.remove(got)
        for fault in _figure_differences(figure, got):
            yield f"figure {_key(figure)}: {fault}"
    yield from (f"extra figure {_key(figure)}" for figure in left)
    if wanted["rejects"] is not None:
        yield from _reject_differences(wanted, answer["rejects"])


def _figure_differences(wanted: Json, got: Json) -> Iterator[str]:
    caption = got.get("caption") or ""
    if any(key in wanted for key in PARTIAL_KEYS):
        yield from (f"caption lacks {part!r}" for part in wanted.get("caption_contains", []) if part not in caption)
        yield from (f"caption holds {part!r}" for part in wanted.get("caption_excludes", []) if part in caption)
    elif caption != wanted["caption"]:
        yield f"caption {caption[:400]!r}, not {wanted['caption']!r}"
    if _bare_label(got.get("label")) != _bare_label(wanted["label"]):
        yield f"label {got.get('label')!r}, not {wanted['label']!r}"
    if wanted["mentions"] is not None and (got.get("mentions") or []) != wanted["mentions"]:
        yield f"mentions {got.get('mentions')!r}, not {wanted['mentions']!r}"
    if "kind" in wanted and (got.get("kind") or "figure") != wanted["kind"]:
        yield f"kind {got.get('kind')!r}, not {wanted['kind']!r}"
    if "license" in wanted and _bare_url(got.get("license")) != _bare_url(wanted["license"]):
        yield f"license {got.get('license')!r}, not {wanted['license']!r}"
    if "panel_labels" in wanted and got.get("panel_labels") not in (None, wanted["panel_labels"]):
        yield f"panel labels {got['panel_labels']!r}, not {wanted['panel_labels']!r}"


def _reject_differences(wanted: Json, rejects: list[Json]) -> Iterator[str]:
    want = Counter((reject["fig_id"], reject["reason"]) for reject in wanted["rejects"])
    got = Counter((reject.get("fig_id"), reject.get("reason")) for reject in rejects)
    yield from (f"missing reject {pair}" for pair in (want - got).elements())
    for fig_id, reason in (got - want).elements():
        if reason != "not_a_figure" and (reason != "no_figures" or wanted["figures"]):
            yield f"extra reject {(fig_id, reason)}"


def _bare_label(label: str | None) -> str:
    """Return a label without its white space and closing punctuation; none is as good as an empty one."""
    return re.sub(r"[\s.:;,|\u2010-\u2015-]+$", "", " ".join((label or "").split()))


def _bare_url(url: str | None) -> str:
    """Return a licence URL without what does not tell licences apart: scheme, www, case, page, closing slash."""
    host_and_path = re.sub(r"^https?://(www\.)?", "", (url or "").strip().lower())
    return re.sub(r"(/(legalcode|deed)(\.\w+)?)?/*$", "", host_and_path)
