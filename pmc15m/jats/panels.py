"""Marks of panels in captions: "(A) ... (B) ..."."""

import re
from collections.abc import Iterable, Iterator

from lxml import etree

_LETTERS = r"[A-Za-z](?:(?:\s*[,&\u2013-]\s*|\s+and\s+)[A-Za-z])*"
_BRACKETED = re.compile(rf"[(\[](?<!\w.)({_LETTERS})[)\]]")  # (A)  (a-c)  (A and B)
_CLOSED = re.compile(rf"(?<!\w)(?:[(\[]{_LETTERS}[)\]]|({_LETTERS})[):.](?=\s))")  # A)  a:  A.
_FIRST = re.compile(r"[Aa](?<!\w.)(?:[)\]:.]|\s*[,&\u2013-]|\s+and\b)")  # without it there is no sequence
_TAGGED = re.compile(rf"[\s(]*{_LETTERS}[\s).,:;]*")
_BACK_REFERENCE = re.compile(r"\b(?:in|from|of|panel|panels|as|see|with|to|figure|fig\.?)\s*$", re.IGNORECASE)
_BACK_REFERENCE_CHARS = 12  # no less than the longest, in a clean text


def marks_of(fig: etree._Element) -> Iterator[str]:
    """Yield what may be panel marks by the tagging of a caption: labels of list items, or bold words."""
    caption = next(fig.iterchildren("caption"), None)
    if caption is None:
        return
    labels = ["".join(label.itertext()) for item in caption.iter("list-item") for label in item.iterchildren("label")]
    yield from labels or ("".join(bold.itertext()) for bold in caption.iter("bold"))


def find_panel_labels(caption: str, marks: Iterable[str]) -> tuple[str, ...]:
    """Return the panel marks of a caption in order, or () where they make no sequence.

    A sequence starts at A or a, grows by one, is of one case, and has two marks or more; ranges
    expand. A mark after a word such as "in" or "panel" refers back and is left out.

    Args:
        caption: the clean text.
        marks: what the tagging offers where the text holds no bracketed marks, see `marks_of`.
    """
    for style in (_BRACKETED, _CLOSED) if _FIRST.search(caption) else ():
        found = [
            match.group(1)
            for match in style.finditer(caption)
            if match.group(1) and not _refers_back(caption, match.start())
        ]
        if labels := _sequence(found):
            return labels
    return _sequence([mark.strip(" ().,:;") for mark in marks if _TAGGED.fullmatch(mark)])


def _refers_back(caption: str, end: int) -> bool:
    return _BACK_REFERENCE.search(caption, max(0, end - _BACK_REFERENCE_CHARS), end) is not None


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
    if len(text) == 1:
        return [text]
    letters = re.findall(r"\b[A-Za-z]\b", text)  # and no letter of "and"
    if len(letters) == 2 and re.search(r"[-\u2013]", text) and letters[0] < letters[1]:
        return [chr(code) for code in range(ord(letters[0]), ord(letters[1]) + 1)]
    return letters
