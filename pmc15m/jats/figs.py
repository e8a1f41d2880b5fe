"""Which `fig` elements count, which graphics each owns, and which of several forms is taken (F1 to F6).

Elements only: text is read in `captions`, judgement is passed in `article`.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from lxml import etree

from pmc15m.jats.media import MediaIndex, split_name

_Element = etree._Element

XLINK_HREF = "{http://www.w3.org/1999/xlink}href"
XML_LANG = "{http://www.w3.org/XML/1998/namespace}lang"

# F2: a graphic belongs to the innermost of these; `p`, `alternatives`, `chem-struct-wrap`, lists are transparent.
_OBJECTS = frozenset(
    "fig fig-group table-wrap table-wrap-group disp-formula disp-formula-group inline-formula supplementary-material "
    "inline-supplementary-material fn fn-group notes boxed-text caption bio permissions license attrib label "
    "ref-list front-stub article-meta journal-meta".split()
)
_SOUGHT = ("fig", "graphic", "xref", "sub-article", "response", "trans-abstract")
_ARCHIVAL = frozenset(("tif", "tiff"))
_NUMBERS = re.compile(r"\d+\w?")
_WORDS = re.compile(r"[a-z]+")


@dataclass(slots=True)
class Unit:
    """One position among the graphics of a fig: a graphic, or the graphics of one `alternatives`."""

    ordinal: int  # from 1, in document order, counted before any judgement
    graphics: list[_Element]
    chosen: _Element
    media: str | None  # the file that the chosen graphic resolves to

    @property
    def is_thumbnail(self) -> bool:
        """Whether every form of it is marked as a thumbnail."""
        return all(is_thumbnail(graphic) for graphic in self.graphics)


@dataclass(slots=True)
class Fig:
    """One `fig` element and what it owns."""

    element: _Element
    ordinal: int  # from 1, among all fig elements of the file
    groups: list[_Element]  # fig-group ancestors, outermost first
    units: list[Unit] = field(default_factory=list)
    exclusion: str = ""  # why it is no figure: a translation, another form of the same figure

    @property
    def fig_id(self) -> str | None:
        """The id, or None."""
        return self.element.get("id")


@dataclass(slots=True)
class FigSet:
    """All figs of an article, the graphics that no fig owns, and the links."""

    figs: list[Fig]
    strays: list[tuple[_Element, str]]  # a graphic outside any fig, and the name of what holds it
    xrefs: list[_Element]


def first_child(element: _Element, name: str, *path: str) -> _Element | None:
    """Return the first child of that name, or what lies on a path of names: `find` at half its price."""
    for child in element.iterchildren(name):
        found = first_child(child, *path) if path else child
        if found is not None:
            return found
    return None


def raw_text(element: _Element) -> str:
    """Return the text of an element and its descendants as it stands, without its tail."""
    return "".join(element.itertext()) if len(element) else element.text or ""


def href_of(graphic: _Element) -> str:
    """Return the href under any prefix, failing that any attribute of that local name; "" if none."""
    href = graphic.get(XLINK_HREF)
    if href is None:
        href = next((value for name, value in graphic.attrib.items() if str(name).rpartition("}")[2] == "href"), "")
    return str(href).strip()


def use_words(element: _Element) -> set[str]:
    """Return the words of `content-type` and `specific-use`, which are read alike, case apart (F4)."""
    text = f"{element.get('content-type', '')} {element.get('specific-use', '')}"
    return set(_WORDS.findall(text.lower())) if text != " " else set()


def is_thumbnail(element: _Element) -> bool:
    """Return whether a graphic is marked as a thumbnail."""
    return any(word.startswith("thumb") for word in use_words(element))


def is_print_only(element: _Element) -> bool:
    """Return whether an element is marked for print, and not for online too."""
    words = use_words(element)
    return "print" in words and not words & {"web", "online", "electronic"}


def is_online(element: _Element) -> bool:
    """Return whether an element is marked for online use."""
    return bool(use_words(element) & {"web", "online", "electronic"})


def _is_black_white(graphic: _Element) -> bool:
    words = use_words(graphic)
    return {"black", "white"} <= words or bool(words & {"bw", "grayscale", "greyscale", "gray", "grey", "monochrome"})


def find_figs(article: _Element, media: MediaIndex) -> FigSet:
    """Return every fig with its graphics, and all links, in document order: one pass over the article."""
    found: dict[object, list[_Element]] = {name: [] for name in _SOUGHT}
    for element in article.iter(*_SOUGHT):
        found[element.tag].append(element)
    figs = {element: Fig(element, n, _groups_of(element)) for n, element in enumerate(found["fig"], 1)}
    owned: dict[_Element, list[_Element]] = {}
    strays = []
    for graphic in found["graphic"]:
        owner = _owner_of(graphic)
        if owner is not None and owner.tag == "fig":
            owned.setdefault(owner, []).append(graphic)
        else:
            strays.append((graphic, "no fig" if owner is None else str(owner.tag)))
    for element, graphics in owned.items():
        figs[element].units = _units_of(element, graphics, media)
    _exclude_translations([*found["sub-article"], *found["response"]], found["trans-abstract"], figs)
    _exclude_doubles(figs.values(), str(article.get(XML_LANG, "en")))
    return FigSet(list(figs.values()), strays, found["xref"])


def _owner_of(graphic: _Element) -> _Element | None:
    element = graphic.getparent()
    while element is not None and element.tag not in _OBJECTS:
        element = element.getparent()
    return element


def _groups_of(fig: _Element) -> list[_Element]:
    """Return the fig-groups that hold a fig; a nested fig inherits nothing (F6)."""
    groups = []
    element = fig.getparent()
    while element is not None and element.tag not in {"fig", "sec", "body", "floats-group"}:
        if element.tag == "fig-group":
            groups.append(element)
        element = element.getparent()
    return groups[::-1]


def _units_of(fig: _Element, graphics: list[_Element], media: MediaIndex) -> list[Unit]:
    units: dict[_Element, list[_Element]] = {}
    for graphic in graphics:
        holder = graphic.getparent()
        while holder is not None and holder is not fig and holder.tag != "alternatives":
            holder = holder.getparent()
        one = holder if holder is not None and holder is not fig else graphic
        units.setdefault(one, []).append(graphic)
    return [_choose(n, forms, media) for n, forms in enumerate(units.values(), 1)]


def _choose(ordinal: int, graphics: list[_Element], media: MediaIndex) -> Unit:
    """Return the best form among those the package holds (F4)."""
    resolved = [media.resolve(href) if (href := href_of(graphic)) else None for graphic in graphics]

    def rank(index: int) -> tuple[bool, ...]:
        graphic, name = graphics[index], resolved[index]
        is_archival = name is not None and split_name(name)[1] in _ARCHIVAL
        is_held = name is not None
        return not is_held, is_thumbnail(graphic), is_print_only(graphic), is_archival, _is_black_white(graphic)

    best = min(range(len(graphics)), key=rank) if len(graphics) > 1 else 0
    return Unit(ordinal, graphics, graphics[best], resolved[best])


def is_translation(holder: _Element) -> bool:
    """Return whether a sub-article or response repeats the article in another language."""
    if holder.tag not in {"sub-article", "response"}:  # an article that is a translation itself has all of its own
        return False
    return holder.get("article-type") == "translation" or holder.get("response-type") == "translation"


def _exclude_translations(articles: list[_Element], abstracts: list[_Element], figs: dict[_Element, Fig]) -> None:
    """F1: translations repeat the article."""
    for holder in [*filter(is_translation, articles), *abstracts]:
        for element in holder.iter("fig"):
            figs[element].exclusion = "repeats the article in another language"


def _exclude_doubles(figs: Iterable[Fig], article_lang: str) -> None:
    """F5: of a fig doubled by use (print, online) or by language one is taken: online, with the image."""
    siblings: dict[_Element | None, list[Fig]] = {}
    for fig in figs:
        if not fig.exclusion:
            siblings.setdefault(fig.element.getparent(), []).append(fig)
    twins: dict[tuple[_Element | None, str], list[Fig]] = {}
    for parent, children in siblings.items():
        for fig in children if len(children) > 1 else ():
            if mark := _double_mark(fig):
                twins.setdefault((parent, mark), []).append(fig)
    for group in (group for group in twins.values() if len(group) > 1):
        forms = {(is_print_only(f.element), is_online(f.element), f.element.get(XML_LANG)) for f in group}
        in_block = group[0].element.getparent().tag == "block-alternatives"  # type: ignore[union-attr]
        if len(forms) > 1 or in_block:
            best = min(group, key=lambda fig: _double_rank(fig, article_lang))
            for fig in group:
                if fig is not best:
                    fig.exclusion = f"another form of fig {best.fig_id or best.ordinal}"


def _double_mark(fig: Fig) -> str:
    """Return what two forms of one fig share: their holder, else the number of the label, else the file."""
    parent = fig.element.getparent()
    if parent is not None and parent.tag == "block-alternatives":
        return "block"
    label = first_child(fig.element, "label")
    digits = "".join(_NUMBERS.findall(raw_text(label))) if label is not None else ""
    return digits or " ".join(href_of(unit.chosen) for unit in fig.units)


def _double_rank(fig: Fig, article_lang: str) -> tuple[object, ...]:
    has_image = any(unit.media for unit in fig.units)
    return (
        not has_image,
        is_print_only(fig.element),
        not is_online(fig.element),
        lang_rank(fig.element, article_lang),
        fig.ordinal,
    )


def lang_rank(element: _Element, article_lang: str) -> int:
    """Return 0 for English, 1 for the language of the article, 2 for none given, 3 for others (F5)."""
    lang = str(element.get(XML_LANG, "")).lower()
    if lang.startswith("en"):
        return 0
    if lang and lang[:2] == article_lang.lower()[:2]:
        return 1
    return 3 if lang else 2
