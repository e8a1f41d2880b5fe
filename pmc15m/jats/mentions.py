"""Paragraphs that mention a figure ("Mentions")."""

import re
from collections.abc import Iterable, Iterator
from functools import cached_property

from lxml import etree

from pmc15m.jats.figs import Fig, first_child, is_translation, raw_text
from pmc15m.jats.links import Links
from pmc15m.jats.text import NOT_MENTION, clean_text, normalize
from pmc15m.records import Mention

_Element = etree._Element

# A link in one of these before the paragraph, or a paragraph in one of these, is no mention.
_NOT_RUNNING = frozenset(
    "caption td th title label fn fn-group notes fig fig-group table-wrap table-wrap-foot supplementary-material "
    "trans-abstract trans-title ref ref-list bio attrib alt-text long-desc permissions author-notes".split()
)
_CHOICES = frozenset(("alternatives", "block-alternatives"))
_RANGE = re.compile(r"\s*(?:[-\u2010-\u2015\u2212]|to)\s*")
_MAX_RANGE_CHARS = 40  # a dash and the white space of an indented file
_RANGE_START = frozenset("-\u2010\u2011\u2012\u2013\u2014\u2015\u2212t")
_NUMBERED = re.compile(r"(.*?)(\d{1,9})\s*[(\[]?[A-Za-z]{0,2}[)\]]?\W*", re.DOTALL)


class MentionFinder:
    """Finds the mentions of all figs of an article in one pass over its links."""

    def __init__(
        self, article: _Element, figs: list[Fig], links: Links, xrefs: Iterable[_Element] | None = None
    ) -> None:
        """Gather the links that mention a fig, by fig.

        Args:
            article: all of it.
            figs: its figs.
            links: the targets of its links.
            xrefs: the links in document order, where they were found before.
        """
        self._figs = figs
        self._links = links
        self._holders: dict[_Element | None, _Element | None] = {}  # of links: the paragraph of each
        self._running: dict[_Element, bool] = {}
        self._mentions: dict[_Element, Mention] = {}
        self._sections: dict[_Element, str | None] = {}
        self._targets = _targets_of(figs)
        self._paragraphs: dict[int, dict[_Element, None]] = {}  # by the ordinal of the fig
        if self._targets:
            self._scan(article.iter("xref") if xrefs is None else xrefs)

    def mentions_of(self, fig: Fig) -> tuple[Mention, ...]:
        """Return the paragraphs that mention a fig, in document order, each once."""
        mentions = map(self._mention_of, self._paragraphs.get(fig.ordinal, ()))
        return tuple(mention for mention in mentions if mention.text)

    def _scan(self, xrefs: Iterable[_Element]) -> None:
        names = self._targets.keys()
        open_link: tuple[_Element, _Element, Fig] | None = None  # link, its paragraph, its last target
        for xref in xrefs:
            rids = xref.get("rid", "").split()
            if names.isdisjoint(rids):
                continue
            targets = [fig for rid in rids for fig in self._figs_of(rid, xref)]
            paragraph = self._paragraph_of(xref)
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

    @cached_property
    def _numbers(self) -> dict[int, tuple[str, int]]:
        return _number_labels(self._figs)

    def _paragraph_of(self, xref: _Element) -> _Element | None:
        """Return the innermost paragraph of running text around a link, or None."""
        holder = xref.getparent()
        if holder not in self._holders:
            paragraph = holder
            while paragraph is not None and paragraph.tag != "p":
                paragraph = paragraph.getparent()
            self._holders[holder] = paragraph if paragraph is not None and self._is_running(holder) else None
        return self._holders[holder]

    def _is_running(self, element: _Element | None) -> bool:
        """Return whether nothing forbids that a link in an element is a mention."""
        if element is None:
            return True
        answer = self._running.get(element)
        if answer is None:
            is_fit = element.tag not in _NOT_RUNNING and not is_translation(element)
            answer = self._running[element] = is_fit and self._is_running(element.getparent())
        return answer

    def _mention_of(self, paragraph: _Element) -> Mention:
        if paragraph not in self._mentions:
            text = clean_text(paragraph, self._links, NOT_MENTION)
            self._mentions[paragraph] = Mention(text, self._section_of(paragraph))
        return self._mentions[paragraph]

    def _section_of(self, paragraph: _Element) -> str | None:
        """Return the titles of the sections around a paragraph, outermost first, joined by " > "."""
        parent = paragraph.getparent()
        while parent is not None and parent.tag not in {"sec", "abstract", "app", "boxed-text"}:
            parent = parent.getparent()
        if parent is None:
            return None
        if parent not in self._sections:
            outer = self._section_of(parent)
            title = first_child(parent, "title")
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
        holders = [fig.element.getparent(), *(unit.chosen.getparent() for unit in fig.units)]
        choices = [holder for holder in holders if holder is not None and holder.tag in _CHOICES]
        graphics = [graphic for unit in fig.units for graphic in unit.graphics]
        ids = [element.get("id") for element in (fig.element, *fig.groups, *choices, *graphics)]
        for name in dict.fromkeys(ids):
            if name:
                targets.setdefault(name, []).append(fig)
    return targets


def _number_labels(figs: list[Fig]) -> dict[int, tuple[str, int]]:
    """Return kind and number of the label of each fig, by its ordinal: ("fig", 3)."""
    numbers = {}
    for fig in figs:
        for element in (fig.element, *reversed(fig.groups)):
            label = first_child(element, "label")
            match = _NUMBERED.fullmatch(normalize(raw_text(label))) if label is not None else None
            if match and match.group(1).strip("([ "):
                numbers[fig.ordinal] = (_kind_of(match.group(1)), int(match.group(2)))
                break
    return numbers


def _kind_of(words: str) -> str:
    """Return the kind of a label: "Figure", "Fig." and "FIGS" are one."""
    kind = " ".join(re.sub(r"[.\s\u2013\u2014-]+", " ", words).casefold().split())
    return re.sub(r"^fig(?:ure)?s?\b", "fig", kind)


def _scope_of(element: _Element) -> _Element | None:
    """Return the sub-article or response that an element stands in, or None."""
    return next(element.iterancestors("sub-article", "response"), None)


def _is_range(first: _Element, last: _Element) -> bool:
    """Return whether two links of one paragraph are joined only by a dash or "to"."""
    if (tail := (first.tail or "").lstrip()) and tail[0] not in _RANGE_START:
        return False
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
