"""The right answer to an article: what a right pipeline makes of it under the default configuration."""

import json
import re
from dataclasses import asdict, dataclass

from pmc15m.records import Reason, Stage, make_key
from pmc15m.synth.config import pmcid_of
from pmc15m.synth.fault_images import upright_size
from pmc15m.synth.faults import ARTICLE_OUTCOMES, FIGURE_OUTCOMES, Fault, Outcome
from pmc15m.synth.plan import Fig, Media, Plan, Role
from pmc15m.synth.planning import OPEN_CODES, Case
from pmc15m.synth.rich import clean

PAIR = "pair"
_FIG_TAG = re.compile(r'<fig (?:[^>]* )?id="([^"]+)"')


@dataclass(frozen=True, slots=True)
class ExpectedFigure:
    """One graphic of one fig: what it says, and whether it becomes a sample."""

    key: str  # graphic and part are 0 where the fig has no graphic
    fig_id: str
    label: str | None  # without a closing stop or colon
    caption: str | None  # None where there is none
    mentions: tuple[str, ...]
    kind: str  # "figure" or "graphical_abstract"
    graphic: str | None  # name of the media file; None where none is to be found
    part: int
    num_parts: int
    license: str  # class
    license_url: str
    width_px: int | None  # of the upright picture; None where it is no sound image
    height_px: int | None
    outcome: str  # "pair", or the reason of the reject
    stage: str | None  # of the reject
    duplicate_of: str | None  # key of the figure of an earlier article that it copies


@dataclass(frozen=True, slots=True)
class Expected:
    """The right answer to one article version.

    Graphics outside any fig (images of tables) are not told of: a pipeline may reject each as
    `not_a_figure`, or pass over it. A copy is a duplicate where the article that it copies from is in
    the set too: that is always an earlier one. What curation makes of the curated articles hangs on the
    whole set: here their figures are pairs, and `verdicts.curation_truth` tells the rest.
    """

    pmcid: str
    version: int
    style: str
    fault: str | None
    outcome: str  # "figures", or the reason why the whole article is rejected
    stage: str | None  # of the reject
    doi: str
    pmid: int | None
    title: str
    journal: str
    year: int
    article_type: str
    license_code: str
    figures: tuple[ExpectedFigure, ...]  # in document order; none if the article is rejected

    @property
    def pairs(self) -> tuple[ExpectedFigure, ...]:
        """The figures that become samples."""
        return tuple(figure for figure in self.figures if figure.outcome == PAIR)

    def to_json(self) -> str:
        """Return one line of JSON."""
        return json.dumps(asdict(self), ensure_ascii=False)


def fig_ordinals(xml: str) -> dict[str, int]:
    """Return the ordinal of every fig by its id: start tags come in document order."""
    return {fig_id: ordinal for ordinal, fig_id in enumerate(_FIG_TAG.findall(xml), 1)}


def expect_article(case: Case, xml: str, source_xml: str = "") -> Expected:
    """Return the right answer.

    Args:
        case: the plan.
        xml: the sound XML of it.
        source_xml: the XML of the article that a figure is copied from, if one is.
    """
    facts = case.plan.facts
    outcome = ARTICLE_OUTCOMES.get(case.fault) if case.fault else None
    if case.is_superseded:
        outcome = (Stage.EXTRACT, Reason.SUPERSEDED)
    figures = () if outcome else _expect_figures(case, fig_ordinals(xml), fig_ordinals(source_xml))
    return Expected(
        pmcid=facts.pmcid,
        version=facts.version,
        style=case.plan.style.name,
        fault=case.fault.value if case.fault else None,
        outcome=outcome[1].value if outcome else "figures",
        stage=outcome[0].value if outcome else None,
        doi=facts.doi,
        pmid=facts.pmid,
        title=facts.title.cleaned,
        journal=facts.journal.name,
        year=facts.year,
        article_type=facts.article_type,
        license_code=facts.license.code,
        figures=figures,
    )


def _expect_figures(
    case: Case, ordinals: dict[str, int], source_ordinals: dict[str, int]
) -> tuple[ExpectedFigure, ...]:
    mentions = _mentions(case.plan)
    figures: list[ExpectedFigure] = []
    for fig in sorted(case.plan.figs, key=lambda fig: ordinals[fig.fig_id]):
        count = len(fig.graphics)
        outcome, duplicate_of = _outcome(case, fig, source_ordinals)
        license_ = fig.license or case.plan.facts.license
        for part in range(min(1, count), count + 1):
            media = fig.graphics[part - 1].media if fig.graphics else None
            width, height = _size(case, fig, media)
            figures.append(
                ExpectedFigure(
                    key=make_key(case.plan.facts.pmcid, ordinals[fig.fig_id], part),
                    fig_id=fig.fig_id,
                    label=_label(case.plan, fig),
                    caption=_caption(case.plan, fig),
                    mentions=tuple(mentions.get(fig.fig_id, ())),
                    kind="graphical_abstract" if fig.slot.role == Role.ABSTRACT else "figure",
                    graphic=media.name if media and _is_listed(case, fig) else None,
                    part=part,
                    num_parts=count,
                    license=license_.code,
                    license_url=license_.url,
                    width_px=width,
                    height_px=height,
                    outcome=outcome[1].value if outcome else PAIR,
                    stage=outcome[0].value if outcome else None,
                    duplicate_of=duplicate_of,
                )
            )
    return tuple(figures)


def _is_listed(case: Case, fig: Fig) -> bool:
    return fig.fig_id != case.target_id or case.fault != Fault.MEDIA_UNLISTED


def _outcome(case: Case, fig: Fig, source_ordinals: dict[str, int]) -> tuple[Outcome | None, str | None]:
    """Return the reject of a figure, or None, and the key of what it copies."""
    special = case.special
    if fig.fig_id == case.target_id and special:
        if special.copied:
            key = make_key(pmcid_of(special.copied_number), source_ordinals[special.copied_id], 1)
            reason = Reason.DUPLICATE_PIXELS if special.repacked_as else Reason.DUPLICATE_FILE
            return (Stage.CURATE, reason), key
        if special.fault in FIGURE_OUTCOMES:
            return FIGURE_OUTCOMES[special.fault], None
    if case.plan.facts.license.code not in OPEN_CODES:
        return (Stage.CURATE, Reason.LICENSE), None
    return None, None


def _size(case: Case, fig: Fig, media: Media | None) -> tuple[int, int] | tuple[None, None]:
    fault = case.fault if fig.fig_id == case.target_id else None
    has_reject = fault in FIGURE_OUTCOMES and FIGURE_OUTCOMES[fault][0] == Stage.EXTRACT
    return (None, None) if media is None or has_reject else upright_size(fault, media.file_size)


def _label(plan: Plan, fig: Fig) -> str | None:
    own = clean(fig.label).rstrip(".:")
    if fig.slot.role == Role.PANEL:
        return f"{clean(plan.groups[fig.slot.number].label)} {own}"
    return own or None


def _caption(plan: Plan, fig: Fig) -> str | None:
    if fig.caption is None:
        return None
    if fig.slot.role == Role.PANEL:
        return f"{plan.groups[fig.slot.number].caption.text} {fig.caption.text}"
    return fig.caption.text


def _mentions(plan: Plan) -> dict[str, list[str]]:
    """Return the paragraphs that link to each fig, in document order, each text once."""
    found: dict[str, list[str]] = {}
    paragraphs = [paragraph for section in plan.sections for paragraph in section.paragraphs]
    for paragraph in [*paragraphs, *([plan.response] if plan.response else [])]:
        for fig_id in paragraph.fig_ids:
            texts = found.setdefault(fig_id, [])
            if paragraph.rich.cleaned not in texts:
                texts.append(paragraph.rich.cleaned)
    return found
