"""Licence only as a link in prose, followed by a CC0 waiver for the data; citations set high; formulae in two forms."""

from pmc15m.synth import jats
from pmc15m.synth.dice import Dice
from pmc15m.synth.plan import Facts, Fig, Journal, Plan, Slot, Style, main_slots

_ZERO = "http://creativecommons.org/publicdomain/zero/1.0/"


def _fig_id(_facts: Facts, slot: Slot) -> str:
    return f"Fig{slot.number}"


def _label(slot: Slot) -> str:
    return f"Fig.\u00a0{slot.number}"


def _stem(facts: Facts, slot: Slot, _index: int) -> str:
    return f"{facts.journal.slug}_{facts.year}_{facts.eloc}_Fig{slot.number}_HTML"


def _fig(fig: Fig) -> str:
    images = jats.graphics(fig, 'id="MO' + str(fig.slot.number) + '"')
    return f'<fig id="{fig.fig_id}">{jats.label(fig)}{jats.caption(fig.caption)}{images}{fig.permissions}</fig>'


def _license(facts: Facts) -> str:
    waiver = ""
    if facts.license.code != "CC0":
        waiver = (
            f' For the data alone the waiver of <ext-link ext-link-type="uri" xlink:href="{_ZERO}">{_ZERO}</ext-link> holds, '
            "unless said otherwise."
        )
    return (
        '<license license-type="OpenAccess"><license-p><bold>Open access</bold> The text and figures are free under the terms of '
        f'<ext-link ext-link-type="uri" xlink:href="{facts.license.url}">{facts.license.url}</ext-link>.{waiver}</license-p></license>'
    )


def _front(plan: Plan) -> str:
    facts = plan.facts
    return (
        f"<front>{jats.journal_meta(facts)}<article-meta>{jats.ids(facts, 'pmc')}"
        f"{jats.title_group(facts)}{jats.contributors(facts)}"
        f"{jats.pub_date(facts, 'epub')}"
        f"{jats.pub_date(facts, 'pmc-release')}"
        f"{jats.pub_year('collection', facts.year)}{jats.place(facts)}{jats.history(facts)}"
        f"<permissions><copyright-statement>\u00a9 The Author(s). {facts.year}</copyright-statement>{_license(facts)}</permissions>"
        f'<abstract id="Abs1"><sec><title>Background</title><p>{plan.abstract}</p></sec></abstract></article-meta></front>'
    )


def render(plan: Plan) -> str:
    """Return the article."""
    blocks = {fig.fig_id: _fig(fig) for fig in plan.figs}
    return (
        f"{jats.DECLARATION}"
        f'<article {jats.XLINK} {jats.MATHML} article-type="{plan.facts.article_type}" xml:lang="en"><?properties open_access?>'
        f"{_front(plan)}{jats.body(plan, blocks)}<back>{jats.references(plan)}</back></article>"
    )


def _extras(facts: Facts, dice: Dice) -> tuple[str, ...]:
    """Name the image of a table, in some articles."""
    return (f"{facts.journal.slug}_{facts.year}_{facts.eloc}_Tab1_HTML.jpg",) if dice.chance(0.3) else ()


STYLE = Style(
    name="waiver",
    journals=(
        Journal("BNC Field Medicine", "BNC Field Med", "12999", "BioNorth"),
        Journal("BNC Rural Health", "BNC Rural Health", "13999", "BioNorth"),
    ),
    years=(2004, 2026),
    charset="utf8",
    href_form="full",
    word="Fig.",
    caption_form="paragraph",
    cites="high",
    slots=main_slots,
    fig_id=_fig_id,
    label=_label,
    stem=_stem,
    render=render,
    extras=_extras,
)
