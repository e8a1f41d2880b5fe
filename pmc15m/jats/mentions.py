"""Paragraphs that mention a figure ("Mentions")."""

import re
from collections.abc import Iterator

from lxml import etree

from pmc15m.jats.figs import Fig, is_translation
from pmc15m.jats.links import Links
from pmc15m.jats.text import NOT_MENTION, clean_text, normalize
from pmc15m.records import Mention

_Element = etree._Element

# A link in one of these before the paragraph, or a paragraph in one of these, is no mention.
_NOT_RUNNING = frozenset(
    "caption td th title label fn fn-group notes fig fig-group table-wrap table-wrap-foot supplementary-material "
    "trans-abstract trans-title ref ref-list bio attrib alt-text long-desc permissions author-notes".split()
)
_RANGE = re.compile(r"\s*(?:[-\u2010-\u2015\u2212]|to)\s*")
_MAX_RANGE_CHARS = 40  # a dash and the white space of an indented file
_NUMBERED = re.compile(r"(.*?)(\d{1,9})\s*[(\[]?[A-Za-z]{0,2}[)\]]?\W*", re.DOTALL)


class MentionFinder:
    """Finds the mentions of all figs of an article in one pass over its links."""

    def __init__(self, article: _Element, figs: list[Fig], links: Links) -> None:
        """Gather the links that mention a fig, by fig."""
        self._links = links
        self._texts: dict[_Element, str] = {}
        self._sections: dict[_Element | None, str | None] = {}
        self._targets = _targets_of(figs)
        self._numbers = _number_labels(figs) if figs else {}
        self._paragraphs: dict[Fig | int, dict[_Element, None]] = {}
        if self._targets:
            self._scan(article)

    def mentions_of(self, fig: Fig) -> tuple[Mention, ...]:
        """Return the paragraphs that mention a fig, in document order, each once."""
        mentions = ((self._text_of(p), p) for p in self._paragraphs.get(fig.ordinal, ()))
        return tuple(Mention(text, self._section_of(p)) for text, p in mentions if text)

    def _scan(self, article: _Element) -> None:
        open_link: tuple[_Element, _Element, Fig] | None = None  # link, its paragraph, its last target
        for xref in article.iter("xref"):
            targets = [fig for rid in xref.get("rid", "").split() for fig in self._figs_of(rid, xref)]
            if not targets or xref.get("ref-type") == "supplementary-material":
                continue
            paragraph = _paragraph_of(xref)
            if paragraph is None:
                continue
            if open_link is not None and open_link[1] is paragraph and _is_range(open_link[0], xref):
                targets = [*self._between(open_link[2], targets[0]), *targets]
            for fig in targets:
                self._paragraphs.setdefault(fig.ordinal, {})[paragraph] = None
            open_link = (xref, paragraph, targets[-1])

    def _figs_of(self, rid: str, xref: _Element) -> list[Fig]:
        """Return the figs of an id; where it is used twice (eLife's responses), those of the link's own text."""
        figs = self._targets.get(rid, [])
        if len(figs) > 1:
            scope = _scope_of(xref)
            return [fig for fig in figs if _scope_of(fig.element) is scope] or figs
        return figs

    def _between(self, first: Fig, last: Fig) -> Iterator[Fig]:
        """Yield the figs of the same kind of label whose numbers lie between two."""
        low, high = self._numbers.get(first.ordinal), self._numbers.get(last.ordinal)
        if low is None or high is None or low[0] != high[0]:
            return
        for fig in {fig.ordinal: fig for figs in self._targets.values() for fig in figs}.values():
            number = self._numbers.get(fig.ordinal)
            if number is not None and number[0] == low[0] and low[1] < number[1] < high[1]:
                yield fig

    def _text_of(self, paragraph: _Element) -> str:
        if paragraph not in self._texts:
            self._texts[paragraph] = clean_text(paragraph, self._links, NOT_MENTION)
        return self._texts[paragraph]

    def _section_of(self, paragraph: _Element) -> str | None:
        """Return the titles of the sections around a paragraph, outermost first, joined by " > "."""
        parent = paragraph.getparent()
        while parent is not None and parent.tag not in {"sec", "abstract", "app", "boxed-text"}:
            parent = parent.getparent()
        if parent is None:
            return None
        if parent not in self._sections:
            outer = self._section_of(parent)
            title = parent.find("title")
            own = clean_text(title, self._links) if title is not None else ""
            if not own and parent.tag == "abstract":
                own = "Abstract"
            self._sections[parent] = " > ".join(filter(None, (outer, own))) or None
        return self._sections[parent]


def _targets_of(figs: list[Fig]) -> dict[str, list[Fig]]:
    """Return the figs that a rid points at; a link to a fig-group mentions every child."""
    targets: dict[str, list[Fig]] = {}
    for fig in figs:
        if fig.exclusion.startswith("repeats"):
            continue
        ids = [fig.fig_id, *(group.get("id") for group in fig.groups)]
        for holder in {fig.element.getparent(), *(unit.chosen.getparent() for unit in fig.units)}:
            is_choice = holder is not None and holder.tag in {"alternatives", "block-alternatives"}
            ids += [holder.get("id")] if holder is not None and is_choice else []
        ids += [graphic.get("id") for unit in fig.units for graphic in unit.graphics]
        for name in dict.fromkeys(filter(None, ids)):
            targets.setdefault(name, []).append(fig)
    return targets


def _number_labels(figs: list[Fig]) -> dict[int, tuple[str, int]]:
    """Return kind and number of the label of each fig, by its ordinal: ("fig", 3)."""
    numbers = {}
    for fig in figs:
        for element in (fig.element, *reversed(fig.groups)):
            label = element.find("label")
            match = _NUMBERED.fullmatch(normalize("".join(label.itertext()))) if label is not None else None
            if match and match.group(1).strip("([ "):
                numbers[fig.ordinal] = (_kind_of(match.group(1)), int(match.group(2)))
                break
    return numbers


def _kind_of(words: str) -> str:
    """Return the kind of a label: "Figure", "Fig." and "FIGS" are one."""
    kind = " ".join(re.sub(r"[.\s\u2013\u2014-]+", " ", words).casefold().split())
    return re.sub(r"^fig(?:ure)?s?\b", "fig", kind)


def _paragraph_of(xref: _Element) -> _Element | None:
    """Return the innermost paragraph of running text around a link, or None."""
    paragraph = None
    element = xref.getparent()
    while element is not None:
        if element.tag == "p" and paragraph is None:
            paragraph = element
        elif element.tag in _NOT_RUNNING or is_translation(element):
            return None
        element = element.getparent()
    return paragraph


def _scope_of(element: _Element) -> _Element | None:
    """Return the sub-article or response that an element stands in, or None."""
    return next(element.iterancestors("sub-article", "response"), None)


def _is_range(first: _Element, last: _Element) -> bool:
    """Return whether two links of one paragraph are joined only by a dash or "to"."""
    text = ""
    node = first
    while len(text) <= _MAX_RANGE_CHARS:
        text += node.tail or ""
        following = node.getnext()
        if following is None:
            parent = node.getparent()
            if parent is None or parent.tag == "p":
                return False
            node = parent
            continue
        while following is not last and last in following.iterdescendants("xref"):
            text += following.text or ""
            following = following[0]
        if following is last:
            return _RANGE.fullmatch(text) is not None
        text += "".join(following.itertext())
        node = following
    return False
