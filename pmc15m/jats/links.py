"""What an `xref` is: its `ref-type` where that is one of JATS's, else its target decides (rule T6)."""

from collections.abc import Iterator

from lxml import etree

_Element = etree._Element

# JATS 1.4, @ref-type, the values that need no look at the target; footnotes of tables are footnotes.
_KINDS = {
    "bibr": "bibr",
    "fn": "fn",
    "table-fn": "fn",
    "fig": "fig",
    "table": "table",
    "supplementary-material": "supplementary-material",
    "disp-formula": "disp-formula",
    "sec": "sec",
    "app": "app",
    "boxed-text": "boxed-text",
    "scheme": "fig",
    "aff": "aff",
    "corresp": "corresp",
    "author-notes": "author-notes",
    "contrib": "contrib",
    "chem": "chem",
    "kwd": "kwd",
    "list": "list",
    "other": "",
    "plate": "fig",
    "statement": "statement",
}
PLAIN_LINKS = frozenset(name for name, kind in _KINDS.items() if kind and kind != "fn")
"""Types of links whose text stays, whatever they point at."""

# Elements that a link of unknown kind may point at.
_TARGETS = {
    "ref": "bibr",
    "element-citation": "bibr",
    "mixed-citation": "bibr",
    "nlm-citation": "bibr",
    "citation": "bibr",
    "fn": "fn",
    "table-wrap-foot": "fn",
    "fig": "fig",
    "fig-group": "fig",
    "table-wrap": "table",
    "supplementary-material": "supplementary-material",
}


class Links:
    """The link targets of one article, found when first asked for."""

    def __init__(self, article: _Element) -> None:
        """Remember the article; nothing is read yet."""
        self._article = article
        self._kinds: dict[str, str] | None = None

    def kind(self, xref: _Element) -> str:
        """Return "bibr", "fn", "fig", ... of a link; "" where nothing tells."""
        known = _KINDS.get(xref.get("ref-type", ""))
        if known:
            return known
        if self._kinds is None:
            self._kinds = dict(self._find_kinds())
        return next((self._kinds[rid] for rid in xref.get("rid", "").split() if rid in self._kinds), "")

    def _find_kinds(self) -> Iterator[tuple[str, str]]:
        for element in self._article.iter(*_TARGETS):
            if target := element.get("id"):
                yield target, _TARGETS[str(element.tag)]
