"""One article: XML and the names of its media to figures and rejects, every fig accounted for.

Rejects of a fig come in a fixed order of reasons: `not_a_figure`, `no_graphic`, `no_caption`,
`not_licensed`, `graphic_not_in_package`; one for a fig that fails whole, one per graphic where only
some of them fail. A graphic that no fig owns is a `not_a_figure` of its own, so that figs and
graphics seen are figures and rejects, no more and no less.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from lxml import etree

from pmc15m.config import XmlConfig
from pmc15m.jats.captions import CaptionReader, continues, is_table_label
from pmc15m.jats.facts import bare_package, read_facts
from pmc15m.jats.figs import XML_LANG, Fig, Unit, find_figs, href_of
from pmc15m.jats.language import caption_language
from pmc15m.jats.links import Links
from pmc15m.jats.media import MediaIndex
from pmc15m.jats.mentions import MentionFinder
from pmc15m.jats.panels import find_panel_labels, marks_of
from pmc15m.jats.phrases import license_in, screen_phrases
from pmc15m.jats.reader import XmlRefused, read_article
from pmc15m.jats.rights import Rights, article_rights, credits_of, object_rights, stricter
from pmc15m.records import (
    Article,
    ArticleRef,
    Figure,
    Package,
    Reason,
    Reject,
    Stage,
    make_key,
)
from pmc15m.rejects import reject_article

_Element = etree._Element


def parse_article(package: Package, xml: bytes, config: XmlConfig) -> list[Figure | Reject]:
    """Return the figures and rejects of one article, in document order.

    Returns:
        A single reject of the article where it cannot be read (`xml_syntax`, `too_large`) or has no
        fig (`no_figures`, with the `not_a_figure` of its graphics after it); else at least one item.
    """
    try:
        article = read_article(xml, config.max_bytes)
    except XmlRefused as refused:
        return [reject_article(package.ref, Stage.EXTRACT, refused.reason, refused.detail)]
    return list(_ArticleParser(package, article).parse())


def inspect_article(xml: bytes, media: Sequence[str], pmcid: str = "PMC0") -> dict[str, Any]:
    """Return what `pmc15m inspect` prints: figures and rejects of one XML file and its media names."""
    package = bare_package(ArticleRef(pmcid, 1, ""), media)
    items = parse_article(package, xml, XmlConfig())
    return {
        "figures": [_figure_form(item) for item in items if isinstance(item, Figure)],
        "rejects": [
            {"fig_id": item.fig_id, "reason": str(item.reason), "detail": item.detail}
            for item in items
            if isinstance(item, Reject)
        ],
    }


def _figure_form(figure: Figure) -> dict[str, Any]:
    return {
        "fig_id": figure.fig_id,
        "label": figure.label,
        "caption": figure.caption,
        "graphic": figure.graphic,
        "mentions": [mention.text for mention in figure.mentions],
        "kind": figure.kind,
        "license": figure.license_url,
        "license_class": figure.license,
        "rights_flags": list(figure.rights_flags),
        "rights_phrases": list(figure.rights_phrases),
        "caption_language": figure.caption_language,
        "panel_labels": list(figure.panel_labels),
        "key": figure.key,
    }


@dataclass(slots=True)
class _Judged:
    """One graphic of a fig: the first reason against it, or what makes it a figure."""

    unit: Unit
    reason: Reason | None = None
    detail: str = ""
    caption: str = ""
    rights: Rights | None = None  # of the figure's own


class _ArticleParser:
    """Holds what all figs of one article share."""

    def __init__(self, package: Package, article: _Element) -> None:
        self._package = package
        self._ref = package.ref
        self._article = article
        self._md5s = {file.name: file.md5 for file in package.media}
        self._links = Links(article)
        self._captions = CaptionReader(self._links, str(article.get(XML_LANG, "en")))
        self._parents: dict[str, str] = {}  # captions of the figs so far that may be continued, by number

    def parse(self) -> Iterator[Figure | Reject]:
        found = find_figs(self._article, MediaIndex(self._md5s))
        if not any(not fig.exclusion.startswith("repeats") for fig in found.figs):
            yield reject_article(self._ref, Stage.EXTRACT, Reason.NO_FIGURES, "no fig element in the article")
        self._mentions = MentionFinder(self._article, found.figs, self._links, found.xrefs)
        for fig in found.figs:
            yield from self._judge(fig)
        for ordinal, (graphic, holder) in enumerate(found.strays, 1):
            key = make_key(self._ref.pmcid, 0, ordinal)
            detail = f"graphic {href_of(graphic)!r} in {holder}"
            yield self._reject(key, None, Reason.NOT_A_FIGURE, detail)

    @cached_property
    def _facts(self) -> Article:
        return read_facts(self._article, self._package, self._links)

    @cached_property
    def _rights(self) -> Rights:
        return article_rights(self._article)

    def _judge(self, fig: Fig) -> Iterator[Figure | Reject]:
        """Yield the figures of a fig, and one reject for it or for each graphic that fails."""
        label = self._captions.label(fig)
        units = fig.units
        if len(units) > 1:
            units = [unit for unit in units if not unit.is_thumbnail] or units
        if fig.exclusion or is_table_label(label):
            detail = fig.exclusion or f"labelled {label!r}"
            yield self._fig_reject(fig, units, Reason.NOT_A_FIGURE, detail)
            return
        judged = [self._judge_unit(fig, label, unit) for unit in units]
        failures = [(one.reason, one.detail) for one in judged if one.reason is not None]
        if len(failures) == len(judged):
            none = (Reason.NO_GRAPHIC, "the fig has no graphic of its own")
            first, detail = min(failures, key=lambda failure: _ORDER.index(failure[0]), default=none)
            yield self._fig_reject(fig, units, first, detail)
            return
        for part, one in enumerate(judged, 1):
            if one.reason is None:
                yield self._figure(fig, label, one, part, len(judged))
            else:
                key = make_key(self._ref.pmcid, fig.ordinal, one.unit.ordinal)
                yield self._reject(key, fig.fig_id, one.reason, one.detail)

    def _inherited(self, label: str | None, caption: str) -> str:
        """Return the caption, or that of the fig which a mere "(continued)" goes on with (F7)."""
        number, is_continued = continues(label, caption)
        if is_continued:
            return self._parents.get(number, caption)
        if number and caption:
            self._parents.setdefault(number, caption)
        return caption

    def _judge_unit(self, fig: Fig, label: str | None, unit: Unit) -> _Judged:
        """Return the first reason against one graphic of a fig; None if it is a figure."""
        href = href_of(unit.chosen)
        if not href:
            return _Judged(unit, Reason.NO_GRAPHIC, "the graphic has an empty href")
        caption = self._inherited(label, self._captions.caption(fig, unit.chosen))
        if not caption:
            return _Judged(unit, Reason.NO_CAPTION, f"graphic {href!r}")
        own = object_rights([unit.chosen, fig.element, *reversed(fig.groups)])
        if own is not None and not own.names_license:
            detail = "permissions of its own name no licence: all rights reserved"
            return _Judged(unit, Reason.NOT_LICENSED, detail)
        if unit.media is None:
            detail = f"href {href!r} names none of {len(self._md5s)} media files"
            return _Judged(unit, Reason.GRAPHIC_NOT_IN_PACKAGE, detail)
        return _Judged(unit, caption=caption, rights=own)

    def _figure(self, fig: Fig, label: str | None, judged: _Judged, part: int, num_parts: int) -> Figure:
        license_class, url, flags = self._rights_of(judged.rights, license_in(judged.caption))
        credits = credits_of([judged.unit.chosen, fig.element, *fig.groups])
        phrases = screen_phrases("; ".join([judged.caption, *credits]))
        media = str(judged.unit.media)
        return Figure(
            key=make_key(self._ref.pmcid, fig.ordinal, judged.unit.ordinal),
            article=self._facts,
            fig_id=fig.fig_id,
            label=label,
            caption=judged.caption,
            mentions=self._mentions.mentions_of(fig),
            kind="graphical_abstract" if _is_in_abstract(fig.element) else "figure",
            graphic=media,
            graphic_md5=self._md5s[media],
            location=self._ref.location,
            part=part,
            num_parts=num_parts,
            license=license_class,
            license_url=url,
            article_license=self._article_license[0],
            rights_flags=tuple(sorted(flags.union(phrase.flag for phrase in phrases))),
            rights_phrases=tuple(sorted(map(str, phrases))),
            panel_labels=find_panel_labels(judged.caption, marks_of(fig.element)),
            caption_language=caption_language(judged.caption),
        )

    def _rights_of(self, own: Rights | None, worded: str | None) -> tuple[str, str | None, set[str]]:
        """Return class, URL and flags: own permissions before the article's, and no freer than the caption says."""
        license_class, url, article_flags = self._article_license
        flags = set(article_flags)
        if own is not None:
            flags = {"own_permissions"} | ({"license_conflict"} if own.is_conflicting else set())
            license_class, url = own.license, own.url or (url if own.license == license_class else None)
        if worded is not None:
            flags.add("license_in_caption")
            strict = stricter((worded, license_class))
            license_class, url = strict, (url if strict == license_class else None)
        return license_class, url, flags

    @cached_property
    def _article_license(self) -> tuple[str, str | None, frozenset[str]]:
        """Class, URL and flags of the article: the stricter of XML and metadata."""
        rights = self._rights
        flags = {"license_conflict"} if rights.is_conflicting else set()
        if rights.is_prose:
            flags.add("license_by_words")
        by_metadata = self._package.license
        if by_metadata is None:  # `inspect` has no metadata
            return rights.license, rights.url, frozenset(flags)
        if not rights.names_license:
            return by_metadata, None, frozenset(flags | {"license_by_metadata_only"})
        strict = stricter((by_metadata, rights.license))
        if by_metadata != rights.license:
            flags.add("license_conflict")
        return strict, rights.url if strict == rights.license else None, frozenset(flags)

    def _fig_reject(self, fig: Fig, units: list[Unit], reason: Reason, detail: str) -> Reject:
        graphic = units[0].ordinal if len(units) == 1 else 0
        return self._reject(make_key(self._ref.pmcid, fig.ordinal, graphic), fig.fig_id, reason, detail)

    def _reject(self, key: str, fig_id: str | None, reason: Reason, detail: str) -> Reject:
        return Reject(key, self._ref.pmcid, self._ref.version, fig_id, Stage.EXTRACT, reason, detail)


_ORDER = (
    Reason.NOT_A_FIGURE,
    Reason.NO_GRAPHIC,
    Reason.NO_CAPTION,
    Reason.NOT_LICENSED,
    Reason.GRAPHIC_NOT_IN_PACKAGE,
)


def _is_in_abstract(element: _Element) -> bool:
    return next(element.iterancestors("abstract"), None) is not None
