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
    waiver = f" For the data alone the waiver of {jats.link(_ZERO)} holds, unless said otherwise."
    text = f"<bold>Open access</bold> Text and figures are free under the terms of {jats.link(facts.license.url)}."
    more = waiver if facts.license.code != "CC0" else ""
    return f'<license license-type="OpenAccess"><license-p>{text}{more}</license-p></license>'


def _front(plan: Plan) -> str:
    facts = plan.facts
    statement = f"<copyright-statement>\u00a9 The Author(s). {facts.year}</copyright-statement>"
    dates = jats.pub_date(facts, "epub") + jats.pub_date(facts, "pmc-release") + jats.pub_year("collection", facts.year)
    abstract = f'<abstract id="Abs1"><sec><title>Background</title><p>{plan.abstract}</p></sec></abstract>'
    return jats.front(facts, "pmc", dates, statement + _license(facts), abstract)


def render(plan: Plan) -> str:
    """Return the article."""
    blocks = {fig.fig_id: _fig(fig) for fig in plan.figs}
    content = f"{_front(plan)}{jats.body(plan, blocks)}<back>{jats.references(plan)}</back>"
    attributes = f'{jats.XLINK} {jats.MATHML} xml:lang="en"'
    return f"{jats.DECLARATION}{jats.article(plan.facts, attributes, '<?properties open_access?>' + content)}"


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
