"""Figs in a section of the back for display objects; some are cut at page ends into files a and b."""

from pmc15m.synth import jats
from pmc15m.synth.dice import Dice
from pmc15m.synth.plan import Facts, Fig, Journal, Plan, Role, Slot, Style


def _slots(dice: Dice, count: int) -> tuple[Slot, ...]:
    parts = [2 if dice.chance(0.14) else 1 for _ in range(count)]
    return tuple(Slot(Role.MAIN, number, num_graphics=n) for number, n in enumerate(parts, 1))


def _fig_id(facts: Facts, slot: Slot) -> str:
    return f"{facts.journal.slug}-{facts.volume:02d}-{facts.eloc:05d}-f{slot.number:03d}"


def _label(slot: Slot) -> str:
    return f"Figure {slot.number}"


def _stem(facts: Facts, slot: Slot, index: int) -> str:
    part = "" if slot.num_graphics == 1 else "abc"[index - 1]
    return f"{facts.journal.slug}-{facts.volume:02d}-{facts.eloc:05d}-g{slot.number:03d}{part}"


def _fig(fig: Fig) -> str:
    return (
        f'<fig id="{fig.fig_id}" orientation="portrait" position="float">{jats.label(fig)}{jats.caption(fig.caption)}'
        f"{jats.graphics(fig)}{fig.permissions}</fig>"
    )


def _front(plan: Plan) -> str:
    facts = plan.facts
    rights = (
        f"<copyright-statement>\u00a9 {facts.year} by the authors.</copyright-statement>"
        f"<license><license-p>The terms are those of {jats.link(facts.license.url)}.</license-p></license>"
    )
    return jats.front(
        facts, "pmc", jats.pub_date(facts, "epub"), rights, f"<abstract><p>{plan.abstract}</p></abstract>"
    )


def render(plan: Plan) -> str:
    """Return the article."""
    figs = "".join(map(_fig, plan.figs))
    objects = f'<sec sec-type="display-objects"><title>Figures and Tables</title>{figs}</sec>' if figs else ""
    content = f"{_front(plan)}{jats.body(plan, {})}<back>{jats.references(plan)}{objects}</back>"
    attributes = f'{jats.XLINK} {jats.MATHML} xml:lang="en" dtd-version="1.2"'
    return f"{jats.DECLARATION}{jats.article(plan.facts, attributes, content)}"


STYLE = Style(
    name="display_objects",
    journals=(
        Journal("Soils and Cells", "Soils Cells", "soilcell", "Delta Press"),
        Journal("Sleep Matters", "Sleep Matters", "sleepmat", "Delta Press"),
    ),
    years=(2012, 2026),
    charset="utf8",
    href_form="full",
    word="Figure",
    caption_form="paragraph",
    cites="bracket",
    slots=_slots,
    fig_id=_fig_id,
    label=_label,
    stem=_stem,
    render=render,
)
