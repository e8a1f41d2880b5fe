"""Text with inline markup, and what it must read like once cleaned (cases/FORMAT.md, rules T1 to T10).

The two sides of a `Rich` are written together by whoever knows both, so that the right answer
never comes from a parser.
"""

import html
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

_INVISIBLE = re.compile("[\u00ad\u200b\u2060\ufeff\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def clean(text: str) -> str:
    """Apply rules T2 to T4: white space, invisible characters, NFC."""
    return unicodedata.normalize("NFC", " ".join(_INVISIBLE.sub("", text).split()))


@dataclass(frozen=True, slots=True)
class Rich:
    """A run of text: `xml` as it stands in the article, `text` as it is read."""

    xml: str
    text: str

    def __add__(self, other: "Rich | str") -> "Rich":
        """Join two runs; a str is plain text."""
        more = other if isinstance(other, Rich) else plain(other)
        return Rich(self.xml + more.xml, self.text + more.text)

    def __radd__(self, other: str) -> "Rich":
        """Join plain text and this run."""
        return plain(other) + self

    @property
    def cleaned(self) -> str:
        """The text as a caption or mention has it."""
        return clean(self.text)


EMPTY = Rich("", "")


def plain(text: str) -> Rich:
    """Return text without markup."""
    return Rich(html.escape(text, quote=False), text)


def tag(name: str, content: Rich | str) -> Rich:
    """Return the content in an inline element that adds nothing: bold, italic, xref..."""
    inner = content if isinstance(content, Rich) else plain(content)
    return Rich(f"<{name}>{inner.xml}</{name.split()[0]}>", inner.text)


def script(name: str, content: str, mark: str = "") -> Rich:
    """Return a `sub` or `sup`; `mark` is what rule T5 puts before it after a digit."""
    return Rich(f"<{name}>{html.escape(content, quote=False)}</{name}>", mark + content)


def silent(xml: str) -> Rich:
    """Return markup that is not read: citations set high, figs in a paragraph, comments."""
    return Rich(xml, "")


def join(parts: Iterable[Rich], separator: str = " ") -> Rich:
    """Return the runs with plain text in between."""
    kept = list(parts)
    return Rich(html.escape(separator, quote=False).join(p.xml for p in kept), separator.join(p.text for p in kept))
