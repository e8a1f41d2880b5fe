"""Marks of panels in captions: "(A) ... (B) ..."."""

import re

from lxml import etree

_MARK = re.compile(
    r"(?<!\w)(?:"
    r"[(\[](?P<bracketed>[A-Za-z](?:\s*(?:,|&|and|[-\u2013])\s*[A-Za-z])*)[)\]]"  # (A)  (a-c)  (A and B)
    r"|(?P<closed>[A-Za-z](?:\s*(?:,|&|and|[-\u2013])\s*[A-Za-z])*)[):.](?=\s)"  # A)  a:  A.
    r")"
)
_TAGGED = re.compile(r"[\s(]*[A-Za-z](?:\s*(?:,|&|and|[-\u2013])\s*[A-Za-z])*[\s).,:;]*")
_BACK_REFERENCE = re.compile(r"\b(?:in|from|of|panel|panels|as|see|with|to|figure|fig\.?)\s*$", re.IGNORECASE)


def marks_of(fig: etree._Element) -> list[str]:
    """Return what may be panel marks by the tagging of a caption: labels of list items, or bold words."""
    caption = fig.find("caption")
    if caption is None:
        return []
    labels = ["".join(label.itertext()) for label in caption.iterfind(".//list-item/label")]
    return labels or ["".join(bold.itertext()) for bold in caption.iter("bold")]


def find_panel_labels(caption: str, marks: list[str]) -> tuple[str, ...]:
    """Return the panel marks of a caption in order, or () where they make no sequence.

    A sequence starts at A or a, grows by one, is of one case, and has two marks or more; ranges
    expand. A mark after a word such as "in" or "panel" refers back and is left out.

    Args:
        caption: the clean text.
        marks: what the tagging offers where the text holds no bracketed marks, see `marks_of`.
    """
    for style in ("bracketed", "closed"):
        found = [
            match.group(style)
            for match in _MARK.finditer(caption)
            if match.group(style) and not _BACK_REFERENCE.search(caption[: match.start()])
        ]
        if labels := _sequence(found):
            return labels
    return _sequence([mark.strip(" ().,:;") for mark in marks if _TAGGED.fullmatch(mark)])


def _sequence(marks: list[str]) -> tuple[str, ...]:
    labels: list[str] = []
    for mark in marks:
        expanded = _expand(mark)
        if not labels or expanded[0] > labels[-1]:  # else named again further on
            labels += expanded
    first = ord(labels[0]) if labels else 0
    is_sound = len(labels) > 1 and chr(first) in "Aa" and labels == [chr(first + n) for n in range(len(labels))]
    return tuple(labels) if is_sound else ()


def _expand(text: str) -> list[str]:
    letters = re.findall(r"\b[A-Za-z]\b", text)  # and no letter of "and"
    if len(letters) == 2 and re.search(r"[-\u2013]", text) and letters[0] < letters[1]:
        return [chr(code) for code in range(ord(letters[0]), ord(letters[1]) + 1)]
    return letters
