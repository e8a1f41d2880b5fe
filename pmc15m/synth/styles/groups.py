"""fig-groups over panels "(a)", "(b)"; hrefs name the author's tif where the package holds a jpg."""

from pmc15m.synth import jats
from pmc15m.synth.dice import Dice
from pmc15m.synth.plan import Facts, Fig, Journal, Plan, Role, Slot, Style

_DOCTYPE = (
    '<!DOCTYPE article PUBLIC "-//NLM//DTD JATS (Z39.96) Journal Archiving and Interchange DTD v1.3 20210610//EN" '
    '"JATS-archivearticle1-3.dtd">\n'
)


def _slots(dice: Dice, count: int) -> tuple[Slot, ...]:
    slots: list[Slot] = []
    number = 0
    while len(slots) < count:
        number += 1
        room = count - len(slots)
        if room >= 2 and dice.chance(0.45):
            slots += [Slot(Role.PANEL, number, part) for part in range(1, dice.between(2, min(4, room)) + 1)]
        else:
            slots.append(Slot(Role.MAIN, number))
    return tuple(slots)


def _fig_id(_facts: Facts, slot: Slot) -> str:
    return f"fig{slot.number}" + ("abcd"[slot.part - 1] if slot.role == Role.PANEL else "")


def _label(slot: Slot) -> str:
    return f"({'abcd'[slot.part - 1]})" if slot.role == Role.PANEL else f"Figure {slot.number}"


def _stem(facts: Facts, slot: Slot, _index: int) -> str:
    return f"{facts.journal.slug}-{facts.eloc:06d}-{_fig_id(facts, slot)}"


def _fig(fig: Fig) -> str:
    inner = f"{jats.label(fig)}{jats.caption(fig.caption)}{jats.graphics(fig)}{fig.permissions}"
    return f'<fig id="{fig.fig_id}">{inner}</fig>'


def _front(plan: Plan) -> str:
    facts = plan.facts
    rights = (
        f'<license license-type="open-access"><ali:license_ref>{facts.license.url}</ali:license_ref>'
        "<license-p>See the link for what is allowed.</license-p></license>"
    )
    dates = jats.pub_date(facts, "pub", jats.ELECTRONIC)
    return jats.front(facts, "pmcid", dates, rights, f"<abstract><p>{plan.abstract}</p></abstract>")


def render(plan: Plan) -> str:
    """Return the article; a group stands where its first panel would."""
    blocks = {fig.fig_id: _fig(fig) for fig in jats.main_figs(plan)}
    for number, group in plan.groups.items():
        panels = [fig for fig in plan.figs if fig.slot.role == Role.PANEL and fig.slot.number == number]
        inner = f"<label>{group.label}</label>{jats.caption(group.caption)}{''.join(map(_fig, panels))}"
        blocks[panels[0].fig_id] = f'<fig-group id="{group.group_id}">{inner}</fig-group>'
    content = f"{_front(plan)}{jats.body(plan, blocks)}<back>{jats.references(plan)}</back>"
    attributes = f'{jats.XLINK} {jats.ALI} dtd-version="1.3" xml:lang="en"'
    return f"{jats.DECLARATION}{_DOCTYPE}{jats.article(plan.facts, attributes, content)}"


STYLE = Style(
    name="groups",
    journals=(
        Journal("Flows and Fields in Medicine", "Flows Fields Med", "ffm", "Institute of Flows"),
        Journal("Applied Tissue Physics", "Appl Tissue Phys", "atp", "Institute of Flows"),
    ),
    years=(2010, 2026),
    charset="numeric",
    href_form="tif",
    word="Figure",
    caption_form="title",
    cites="bracket",
    slots=_slots,
    fig_id=_fig_id,
    label=_label,
    stem=_stem,
    render=render,
    has_ranges=False,
)
