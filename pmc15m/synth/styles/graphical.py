"""A graphical abstract, captions whose panels are list items, and the licence as `ali:license_ref`."""

from pmc15m.synth import jats
from pmc15m.synth.dice import Dice
from pmc15m.synth.plan import Facts, Fig, Journal, Plan, Role, Slot, Style, main_slots


def _slots(dice: Dice, count: int) -> tuple[Slot, ...]:
    if count > 1 and dice.chance(0.6):
        return (Slot(Role.ABSTRACT, 0), *main_slots(dice, count - 1))
    return main_slots(dice, count)


def _fig_id(facts: Facts, slot: Slot) -> str:
    return "ga1" if slot.role == Role.ABSTRACT else f"{facts.journal.slug}{facts.eloc}-fig-{slot.number:04d}"


def _label(slot: Slot) -> str:
    return "" if slot.role == Role.ABSTRACT else f"FIGURE {slot.number}"


def _stem(facts: Facts, slot: Slot, _index: int) -> str:
    tail = "g000" if slot.role == Role.ABSTRACT else f"g{slot.number:03d}"
    return f"{facts.journal.slug.upper()}-{facts.volume}-e{facts.eloc}-{tail}"


def _fig(fig: Fig) -> str:
    return (
        f'<fig fig-type="FIGURE" id="{fig.fig_id}" position="float">{jats.label(fig)}{jats.caption(fig.caption)}'
        f"{jats.graphics(fig)}{fig.permissions}</fig>"
    )


def _front(plan: Plan) -> str:
    facts = plan.facts
    drawn = "".join(f"<p>{_fig(fig)}</p>" for fig in plan.figs if fig.slot.role == Role.ABSTRACT)
    abstracts = f"<abstract><p>{plan.abstract}</p></abstract>"
    if drawn:
        abstracts += f'<abstract abstract-type="graphical"><title>Graphical Abstract</title>{drawn}</abstract>'
    rights = (
        f"<copyright-statement>\u00a9 {facts.year} The Authors.</copyright-statement>"
        f'<license><ali:license_ref specific-use="textmining">{facts.license.url}</ali:license_ref>'
        "<license-p>Open access as the link says.</license-p></license>"
    )
    dates = jats.pub_date(facts, "epub") + jats.pub_year("collection", facts.year, facts.month)
    return jats.front(facts, "pmcid", dates, rights, abstracts)


def _supplement(name: str) -> str:
    """Return a supplementary image: no figure, and links to it mention none."""
    return (
        '<sec sec-type="supplementary-material"><title>Supporting information</title>'
        '<p>More is in <xref ref-type="supplementary-material" rid="S1">Figure S1</xref>.</p>'
        '<supplementary-material id="S1"><label>Figure S1</label><caption><p>All sites at once.</p></caption>'
        f'<media mimetype="image" xlink:href="{name}"/></supplementary-material></sec>'
    )


def _extras(facts: Facts, dice: Dice) -> tuple[str, ...]:
    """Name a supplementary image, in some articles."""
    return (f"{facts.journal.slug.upper()}-{facts.volume}-e{facts.eloc}-s001.jpg",) if dice.chance(0.3) else ()


def render(plan: Plan) -> str:
    """Return the article."""
    blocks = {fig.fig_id: _fig(fig) for fig in jats.main_figs(plan)}
    more = "".join(map(_supplement, plan.extra_media))
    content = f"{_front(plan)}{jats.body(plan, blocks)}<back>{more}{jats.references(plan)}</back>"
    attributes = f'{jats.XLINK} {jats.ALI} {jats.MATHML} dtd-version="1.3" xml:lang="en"'
    return f"{jats.DECLARATION}{jats.article(plan.facts, attributes, content)}"


STYLE = Style(
    name="graphical",
    journals=(
        Journal("Wharf Medicine", "Wharf Med", "whm", "Wharf Brothers"),
        Journal("Ecology of Weirs", "Ecol Weirs", "ecw", "Wharf Brothers"),
    ),
    years=(2016, 2026),
    charset="utf8",
    href_form="full",
    word="Figure",
    caption_form="list",
    cites="high",
    slots=_slots,
    fig_id=_fig_id,
    label=_label,
    stem=_stem,
    render=render,
    extras=_extras,
)
