"""JATS elements to clean text: captions, labels and mentions (rules T1 to T11).

The text is for CLIP training and stays a faithful record: nothing the author wrote is invented,
reordered or translated; what is only typography goes; what would be misread is marked. The
rules are listed in RULES.md; each is named where it is applied.
"""

import re
import unicodedata
from collections.abc import Callable
from functools import cache
from itertools import pairwise

from lxml import etree

from pmc15m.jats.formulae import math_text, pick_rendering, tex_body
from pmc15m.jats.links import PLAIN_LINKS, Links

_Element = etree._Element

MATHML = "{http://www.w3.org/1998/Math/MathML}"

_INVISIBLE = re.compile(
    "[\u00ad\u200b\u2060\ufeff\u200e\u200f\u202a-\u202e\u2066-\u2069"  # T3: soft hyphen to direction marks
    "\ue000-\uf8ff\U000f0000-\U000ffffd\U00100000-\U0010fffd]"  # T3: private use
)
_SEPARATORS = re.compile(r"(?:[\s,;.\-\u2010-\u2015\u2212()\[\]&]|and|to)*")  # between the numbers of a citation (T6)
_MARKED = re.compile(r"[+\-\u2212\u2010-\u2014\u00b1\u2213]?\d")  # T5: a digit, or a sign and a digit
_OWN_DOI = re.compile(r"(doi\s*:?\s*)?(https?://(dx\.)?doi\.org/)?10\.\d{4,9}/\S+", re.IGNORECASE)

# T11: what stands inside a caption or a paragraph and is not its running text.
NOT_TEXT = frozenset(
    "label alt-text long-desc attrib permissions object-id inline-graphic inline-media graphic media fig fig-group "
    "table-wrap table-wrap-group table supplementary-material code fn fn-group index-term kwd-group "
    "related-object processing-meta".split()
)
NOT_MENTION = NOT_TEXT | {"boxed-text"}
# T1: blocks are cleaned one by one and joined by one space; `break` is a space.
_BLOCKS = frozenset(
    "title subtitle p list list-item def-list def-item term def disp-quote speech speaker statement verse-group "
    "verse-line preformat sec disp-formula disp-formula-group boxed-text caption break hr array".split()
)
_LABEL_KEEPERS = frozenset(("list-item", "def-item", "list", "def-list"))
_RENDERINGS = frozenset((f"{MATHML}math", "math", "tex-math", "textual-form", "alternatives"))
_FORMULAE = frozenset(("inline-formula", "disp-formula", "alternatives", f"{MATHML}math", "math", "tex-math"))


def clean_text(element: _Element, links: Links, skip: frozenset[str] = NOT_TEXT) -> str:
    """Return the clean text of an element, without its tail.

    Args:
        element: the block to read: a `p`, `title`, `label`, `caption`...
        links: the targets of the article, which decide what an odd `xref` is.
        skip: local names of elements that are no part of the text.
    """
    if not len(element):
        return normalize(element.text or "")
    return normalize(_Reader(links, skip).read(element))


def normalize(text: str) -> str:
    """Drop invisible characters, compose (NFC, not NFKC), and make white space single blanks (T2 to T4).

    All invisible characters and all white space but the blank are "not printable": most texts are
    clean once three frequent kinds of white space are blanks, and need no look at every word.
    """
    if not text.isprintable():
        for white in ("\u00a0", "\n", "\u2009"):
            text = text.replace(white, " ")
        if not text.isprintable():
            text = " ".join(_INVISIBLE.sub("", text).split())
    text = " ".join(text.split()) if "  " in text else text.strip()
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def is_own_doi(text: str) -> bool:
    """Return whether a clean block is nothing but the object's own DOI (T11)."""
    return len(text) < 200 and _OWN_DOI.fullmatch(text) is not None


class _Reader:
    """Walks an element and gathers pieces of text; knows what stands before a sub or sup."""

    def __init__(self, links: Links, skip: frozenset[str]) -> None:
        self._links = links
        self._actions = _actions(skip)
        self._pieces: list[str] = []
        self._script_start = 0  # index of the first piece of the innermost sub or sup

    def read(self, element: _Element) -> str:
        self._inside(element)
        return "".join(self._pieces)

    def _inside(self, element: _Element) -> None:
        add, actions = self._pieces.append, self._actions
        if text := element.text:
            add(text)
        children = list(element)
        if any(map(len, children)) and (dropped := self._dropped(children)):
            self._beside_dropped(children, dropped)
            return
        for child in children:
            action = actions.get(child.tag)
            if action is not None:
                action(self, child)
            elif len(child):
                self._inside(child)
            elif text := child.text:
                add(text)
            if tail := child.tail:
                add(tail)

    def _beside_dropped(self, children: list[_Element], dropped: dict[int, bool]) -> None:
        for index, child in enumerate(children):
            if index not in dropped:
                self._actions.get(child.tag, _Reader._inside)(self, child)
            elif _text_of(child)[-1:].isspace():  # the blank of `word<sup> 1 </sup>next`
                self._pieces.append(" ")
            if child.tail and not dropped.get(index):
                self._pieces.append(child.tail)

    def _nothing(self, element: _Element) -> None:
        pass

    def _label(self, label: _Element) -> None:
        """T1: the mark of a list item stays."""
        parent = label.getparent()
        if parent is not None and parent.tag in _LABEL_KEEPERS:
            self._block(label)

    def _block(self, element: _Element) -> None:
        self._pieces.append(" ")
        start = len(self._pieces)
        self._inside(element)
        if element.tag in {"p", "title"} and is_own_doi(normalize("".join(self._pieces[start:]))):
            del self._pieces[start:]
        self._pieces.append(" ")

    def _script(self, element: _Element) -> None:
        """T5: on the line as people type it; marked only where a digit would be misread."""
        outer, start = self._script_start, len(self._pieces)
        if len(element):
            self._script_start = start
            self._inside(element)  # in place: a reader of its own would nest too deep in hostile files
            self._script_start = outer
            content = "".join(self._pieces[start:]).lstrip()
        else:
            text = element.text or ""
            self._pieces.append(text)
            content = text.lstrip()
        if _MARKED.match(content) and self._last(start).isdecimal():
            self._pieces[start:] = ["^" if element.tag == "sup" else "_", content]

    def _last(self, end: int) -> str:
        """Return the last visible character of the pieces before `end`, white space included, or a blank.

        Of a script its own pieces alone count.
        """
        for index in range(end - 1, self._script_start - 1, -1):
            piece = self._pieces[index]
            if kept := _INVISIBLE.sub("", piece[-1:]) or _INVISIBLE.sub("", piece):
                return kept[-1]
        return " "

    def _xref(self, xref: _Element) -> None:
        if xref.get("ref-type") in PLAIN_LINKS or self._links.kind(xref) != "fn":  # T7: marks of footnotes are dropped
            if len(xref):
                self._inside(xref)
            elif text := xref.text:
                self._pieces.append(text)

    def _block_formula(self, element: _Element) -> None:
        self._pieces.append(" ")
        self._formula(element)
        self._pieces.append(" ")

    def _formula(self, element: _Element) -> None:
        """T9: one rendering per formula; a formula image gives no text."""
        tag = element.tag
        if tag in {f"{MATHML}math", "math"}:
            self._pieces.append(math_text(element))
        elif tag == "tex-math":
            self._pieces.append(tex_body("".join(element.itertext())))
        else:
            rendering = pick_rendering(element)
            if rendering is None or _has_own_text(element):
                self._inside_formula(element, rendering)
            elif rendering.tag in _FORMULAE:
                self._formula(rendering)
            else:
                self._inside(rendering)

    def _inside_formula(self, element: _Element, rendering: _Element | None) -> None:
        """Read a formula that holds words of its own beside its one rendering."""
        if element.tag == "alternatives":
            return
        self._pieces.append(element.text or "")
        for child in element:
            if child is rendering or (rendering is not None and rendering in child.iterdescendants()):
                self._formula(child) if child.tag in _FORMULAE else self._inside(child)
            elif child.tag not in _RENDERINGS:
                self._actions.get(child.tag, _Reader._inside)(self, child)
            self._pieces.append(child.tail or "")

    def _dropped(self, children: list[_Element]) -> dict[int, bool]:
        """Return which children are superscript citations, and whether the tail goes with each (T6)."""
        cited = [i for i, child in enumerate(children) if child.tag in {"sup", "xref"} and self._is_cited(child)]
        if not cited:
            return {}
        dropped = dict.fromkeys(cited, False)
        for before, after in pairwise(cited):
            between = range(before + 1, after)
            tails = [children[i].tail or "" for i in range(before, after)]
            is_joint = all(children[i].tag == "sup" and _is_separator(_text_of(children[i])) for i in between)
            if is_joint and all(map(_is_separator, tails)):
                dropped.update(dict.fromkeys(range(before, after), True))
        for index in cited:  # <sup>[</sup><xref><sup>1</sup></xref><sup>]</sup>
            for step, bracket in ((-1, "[("), (1, "])")):
                beside = index + step
                if 0 <= beside < len(children) and _is_bracket(children[beside], bracket):
                    dropped.setdefault(beside, False)
        return dropped

    def _is_cited(self, element: _Element) -> bool:
        """Return whether an element is a superscript that holds nothing but links to references."""
        if not len(element):
            return False
        if element.tag == "xref":
            outside = _text_outside(element, "sup")
            has_sup = next(element.iter("sup"), None) is not None
            return has_sup and _is_separator(outside) and self._links.kind(element) == "bibr"
        kinds = {self._links.kind(xref) for xref in element.iter("xref")}
        return bool(kinds) and kinds <= {"bibr", "fn"} and _is_separator(_text_outside(element, "xref"))


@cache
def _actions(skip: frozenset[str]) -> dict[object, Callable[[_Reader, _Element], None]]:
    """Return what to do with an element by its name; of all others the inside is read."""
    return {
        "sup": _Reader._script,
        "sub": _Reader._script,
        "xref": _Reader._xref,
        **dict.fromkeys(_FORMULAE, _Reader._formula),
        **dict.fromkeys(_BLOCKS - _FORMULAE, _Reader._block),
        "disp-formula": _Reader._block_formula,
        **dict.fromkeys(skip, _Reader._nothing),
        "label": _Reader._label,
    }


def _text_of(element: _Element) -> str:
    return str(etree.tostring(element, method="text", encoding="unicode", with_tail=False))


def _text_outside(element: _Element, tag: str) -> str:
    """Return the text of an element less that inside descendants of a tag."""
    text = element.text or ""
    for child in element:
        text += ("" if child.tag == tag else _text_outside(child, tag)) + (child.tail or "")
    return text


def _is_bracket(element: _Element, brackets: str) -> bool:
    """Return whether an element is a superscript that holds nothing but a bracket."""
    text = _text_of(element).strip() if element.tag == "sup" else ""
    return len(text) == 1 and text in brackets


def _has_own_text(formula: _Element) -> bool:
    """Return whether words stand in a formula outside its renderings and its label."""
    texts = [formula.text, *(child.tail for child in formula)]
    return any(text and text.strip() for text in texts) and formula.tag != "alternatives"


def _is_separator(text: str) -> bool:
    return _SEPARATORS.fullmatch(text) is not None
