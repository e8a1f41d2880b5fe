"""Formulae to text: MathML tokens in order, or the body of TeX (rule T9)."""

import re
from collections.abc import Callable

from lxml import etree

_Element = etree._Element

_MATHML = "{http://www.w3.org/1998/Math/MathML}"
_DOCUMENT = re.compile(r"\\begin\{document\}(.*)\\end\{document\}", re.DOTALL)
_DELIMITERS = re.compile(r"\$+|\\[\[\]()]")
_PREAMBLE = re.compile(r"\\(documentclass|usepackage|setlength|begin|end)(\[[^\]]*\])?(\{[^}]*\})*")
_INVISIBLE_OPERATORS = str.maketrans("", "", "\u2061\u2062\u2063\u2064")
_MARKED = re.compile(r"[+\-\u2212]?\d")


def pick_rendering(formula: _Element) -> _Element | None:
    """Return the one rendering to read of a formula or `alternatives`: MathML, else TeX, else text.

    None where it holds none of the three: then its plain text is read.
    """
    for names in ((f"{_MATHML}math", "math"), ("tex-math",), ("textual-form",)):
        found = next(formula.iter(*names), None)
        if found is not None:
            return found
    if formula.tag == "alternatives":
        return next((child for child in formula if "".join(child.itertext()).strip()), None)
    return None


def tex_body(tex: str) -> str:
    r"""Return TeX without preamble and delimiters: `\documentclass...$$x$$...` is `x`."""
    body = _DOCUMENT.search(tex)
    text = body.group(1) if body else _PREAMBLE.sub("", tex) if "\\documentclass" in tex else tex
    return _DELIMITERS.sub("", text)


def math_text(math: _Element) -> str:
    """Return the tokens of MathML in order; a script that starts with a digit after a digit is marked (T5)."""
    return _text(math).translate(_INVISIBLE_OPERATORS)


def _text(element: _Element) -> str:
    name = etree.QName(element).localname
    if name in _LEAVES:
        return " ".join("".join(element.itertext()).split()) if name != "mtext" else "".join(element.itertext())
    if name in _SKIPPED:
        return ""
    parts = [_text(child) for child in element]
    return _LAYOUTS.get(name, _join)(parts)


def _join(parts: list[str]) -> str:
    return "".join(parts)


def _script(marks: str) -> Callable[[list[str]], str]:
    """Return a layout that sets scripts on the line, each with its mark where a digit would be misread."""

    def layout(parts: list[str]) -> str:
        text = parts[0] if parts else ""
        for mark, script in zip(marks, parts[1:], strict=False):
            is_misread = text[-1:].isdecimal() and _MARKED.match(script)
            text += (mark if is_misread else "") + script
        return text

    return layout


def _fraction(parts: list[str]) -> str:
    return "/".join(parts)


def _fenced(parts: list[str]) -> str:
    return f"({','.join(parts)})"


def _rows(parts: list[str]) -> str:
    return " ".join(parts)


_LEAVES = frozenset(("mi", "mn", "mo", "mtext", "ms"))
_SKIPPED = frozenset(("annotation", "annotation-xml", "mphantom"))
_LAYOUTS: dict[str, Callable[[list[str]], str]] = {
    "msup": _script("^"),
    "mover": _join,
    "msub": _script("_"),
    "msubsup": _script("_^"),
    "mfrac": _fraction,
    "mfenced": _fenced,
    "mtr": _rows,
    "mtable": _rows,
}
