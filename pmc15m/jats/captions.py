"""Label and caption of a fig and of its graphics (F3, F5 to F7, T12)."""

import re

from lxml import etree

from pmc15m.jats.figs import XML_LANG, Fig, first_child, is_online, is_print_only, lang_rank
from pmc15m.jats.links import Links
from pmc15m.jats.text import clean_text, is_own_doi

_Element = etree._Element

_CLOSING = " .:;,|\u2010\u2011\u2012\u2013\u2014\u2015-"
_AFTER_LABEL = re.compile(
    r"\s*[.:|]+(?!\d)\s*(?:[|\u2010-\u2015-]\s+)?"  # a full stop, colon or bar; "Fig. 1. | Growth" has two
    r"|\s*[\u2010-\u2015\u2212-](?:\s+|(?=[^\W\d_a-z]|[(\[{]))"  # a dash, but not that of "Figure 1-3"
    r"|\s+(?=[(\[{])"  # a blank and a bracket; a capital letter is looked at in code
)
_PANEL_MARK = re.compile(r"[(\[]?(?:[A-Za-z]|[ivxIVX]{1,4}|(?<=[(\[])\d{1,2})[)\].:]{0,2}")
_TABLE_LABEL = re.compile(
    r"(?:(?:supplementary|supplemental|supporting|extended data|appendix|online)\s+)?"
    r"(?:table|tab\.|tabla|tabela|tableau|tabelle|tabella)(?![a-z])"
    r"(?:\W*$|\W*[a-z]{0,2}\W?\d|\s+(?:[ivxlc]+|[a-z])\b)",  # 1, S1, A.1, IV, B, or nothing
    re.IGNORECASE,
)


_NUMBER = re.compile(r"(?:figure|fig|scheme|chart|plate)s?\.?\s*(\w?\d+)\w?\b", re.IGNORECASE)
_WORD = re.compile(r"[^\W_]+")
_SUPPLEMENT = re.compile(r"suppl|support|extended|append|online", re.IGNORECASE)
_CONTINUED = re.compile(r"\b(?:continued|contd|cont d|cont)(?: from (?:the )?(?:previous|last) page)?\b")


class CaptionReader:
    """Reads labels and captions of one article."""

    def __init__(self, links: Links, article_lang: str) -> None:
        """Keep what decides between languages and odd links."""
        self._links = links
        self._article_lang = article_lang
        self._labels: dict[_Element, str | None] = {}
        self._texts: dict[_Element, str] = {}  # of captions

    def label(self, fig: Fig) -> str | None:
        """Return the label of a fig; a bare panel mark in a group takes the group's before it (F6)."""
        own = self._own_label(fig.element)
        if own and fig.groups and _PANEL_MARK.fullmatch(own):
            group_label = next(filter(None, map(self._own_label, reversed(fig.groups))), None)
            if group_label:
                return f"{group_label.rstrip(_CLOSING)} {own}"
        return own

    def caption(self, fig: Fig, graphic: _Element) -> str:
        """Return group caption, fig caption and graphic caption joined by blanks; "" if there is none."""
        own = self._own_caption(fig.element, fig.element) or self._loose_text(fig.element)
        if not len(graphic) and not fig.groups:
            return own
        groups = [self._own_caption(group, group) for group in fig.groups]
        has_label = own or first_child(graphic, "label") is not None
        of_graphic = self._own_caption(graphic, graphic if has_label else fig.element)
        return " ".join(part for part in (*groups, own, of_graphic) if part)

    def _own_label(self, element: _Element) -> str | None:
        if element not in self._labels:
            label = self._pick(list(element.iterchildren("label")))
            self._labels[element] = (clean_text(label, self._links) or None) if label is not None else None
        return self._labels[element]

    def _own_caption(self, element: _Element, labelled: _Element) -> str:
        """Return the caption of an element, less the label of that or of another element at its start."""
        texts = {caption: text for caption in element.iterchildren("caption") if (text := self._text_of(caption))}
        best = self._pick(list(texts))
        if best is None:
            return ""
        # Captions that nothing tells apart are parts of one, not forms of one.
        text = " ".join(text for caption, text in texts.items() if caption is best or _form(caption) == _form(best))
        label = self._own_label(labelled)
        return cut_label(text, label) if label is not None else text

    def _text_of(self, caption: _Element) -> str:
        if caption not in self._texts:
            self._texts[caption] = self._read(caption)
        return self._texts[caption]

    def _read(self, caption: _Element) -> str:
        blocks = list(caption)
        if len(blocks) > 1 and len({lang for block in blocks if (lang := block.get(XML_LANG))}) > 1:
            best = min(lang_rank(block, self._article_lang) for block in blocks)
            blocks = [block for block in blocks if lang_rank(block, self._article_lang) == best]
        between = [caption.text, *(block.tail for block in blocks)]
        if any(text and not text.isspace() for text in between) or any(b.tag not in {"title", "p"} for b in blocks):
            return clean_text(caption, self._links)
        texts = [clean_text(block, self._links) for block in blocks]
        return " ".join(text for text in texts if text and not is_own_doi(text))

    def _loose_text(self, fig: _Element) -> str:
        """Return the text of `p` and `statement` that stand in a fig without a caption (F7)."""
        texts = [clean_text(block, self._links) for block in fig.iterchildren("p", "statement")]
        label = self._own_label(fig)
        text = " ".join(text for text in texts if text and not is_own_doi(text))
        return cut_label(text, label) if label is not None else text

    def _pick(self, elements: list[_Element]) -> _Element | None:
        """Return one of several labels or captions: online, English, first (F5)."""
        if len(elements) < 2:
            return elements[0] if elements else None
        return min(
            elements,
            key=lambda element: (
                is_print_only(element),
                not is_online(element),
                lang_rank(element, self._article_lang),
            ),
        )


def _form(caption: _Element) -> tuple[str | None, ...]:
    return caption.get("specific-use"), caption.get("content-type"), caption.get(XML_LANG)


def cut_label(text: str, label: str) -> str:
    """Cut the figure's very label off the start of its caption, once (T12).

    It is cut where a full stop, colon, bar or dash follows, or a blank and a new sentence; "Fig 3A and
    3B" and "Figure 1-3" are left alone. A text that is only the label is no caption: "".
    """
    core = label.rstrip(_CLOSING)
    if not core or not text.startswith(core):
        return text
    rest = text[len(core) :]
    if not rest.strip(_CLOSING):
        return ""
    mark = _AFTER_LABEL.match(rest)
    if mark:
        return rest[mark.end() :]
    if rest[0] == " " and rest[1:2].isupper():
        return rest[1:]
    return text


def continues(label: str | None, caption: str) -> tuple[str, bool]:
    """Return the number of a fig, "" if it has none, and whether its caption only says "(continued)".

    "Figure 3 (cont.)" without a caption counts too; "Figure 3 (continued). Later stages." has one of its own.
    """
    number = _NUMBER.search(label or "") or _NUMBER.match(caption)
    words = " ".join(_WORD.findall(_NUMBER.sub(" ", caption, count=1) if _NUMBER.match(caption) else caption.lower()))
    is_marked = bool(_CONTINUED.search((label or "").lower())) and not words
    series = "s" if number and _SUPPLEMENT.search(number.string, 0, number.start()) else ""
    return (series + number[1].lower() if number else ""), is_marked or _CONTINUED.fullmatch(words) is not None


def is_table_label(label: str | None) -> bool:
    """Return whether a label says that the fig is a table in disguise (F8)."""
    return label is not None and _TABLE_LABEL.match(label) is not None
