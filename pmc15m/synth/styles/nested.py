"""Figure supplements nested in their figure, and an author response in a sub-article."""

from pmc15m.synth import jats
from pmc15m.synth.dice import Dice
from pmc15m.synth.plan import Facts, Fig, Journal, Plan, Role, Slot, Style


def _slots(dice: Dice, count: int) -> tuple[Slot, ...]:
    slots: list[Slot] = []
    has_response = count > 2 and dice.chance(0.4)
    while len(slots) < count - has_response:
        number = 1 + sum(slot.role == Role.MAIN for slot in slots)
        slots.append(Slot(Role.MAIN, number))
        room = count - has_response - len(slots)
        extra = min(room, dice.weigh(((0, 6), (1, 3), (2, 1))))
        slots += [Slot(Role.SUPPLEMENT, number, part) for part in range(1, extra + 1)]
    return (*slots, *((Slot(Role.RESPONSE, 1),) if has_response else ()))


def _fig_id(_facts: Facts, slot: Slot) -> str:
    if slot.role == Role.RESPONSE:
        return f"respfig{slot.number}"
    return f"fig{slot.number}s{slot.part}" if slot.role == Role.SUPPLEMENT else f"fig{slot.number}"


def _label(slot: Slot) -> str:
    if slot.role == Role.RESPONSE:
        return f"Author response image {slot.number}."
    return f"Figure {slot.number}" + (f"\u2014figure supplement {slot.part}." if slot.role == Role.SUPPLEMENT else ".")


def _stem(facts: Facts, slot: Slot, _index: int) -> str:
    stem = f"{facts.journal.slug}-{facts.eloc:05d}"
    if slot.role == Role.RESPONSE:
        return f"{stem}-resp-fig{slot.number}"
    return f"{stem}-fig{slot.number}" + (f"-figsupp{slot.part}" if slot.role == Role.SUPPLEMENT else "")


def _fig(fig: Fig, children: str = "", attributes: str = 'position="float"') -> str:
    images = jats.graphics(fig, 'mime-subtype="jpeg" mimetype="image"')
    inner = f"<p>{children}</p>" if children else ""
    content = f"{jats.label(fig)}{jats.caption(fig.caption)}{images}{inner}{fig.permissions}"
    return f'<fig id="{fig.fig_id}" {attributes}>{content}</fig>'


def _front(plan: Plan) -> str:
    facts = plan.facts
    rights = (
        f"<copyright-holder>{facts.authors[0][0]} and others</copyright-holder>"
        f'<license xlink:href="{facts.license.url}">'
        f"<license-p>Use is free under {facts.license.code}.</license-p></license>"
    )
    dates = jats.pub_date(facts, "publication", jats.ELECTRONIC) + jats.pub_year("collection", facts.year)
    return jats.front(facts, "pmc", dates, rights, f"<abstract><p>{plan.abstract}</p></abstract>")


def _response(plan: Plan) -> str:
    figs = [fig for fig in plan.figs if fig.slot.role == Role.RESPONSE]
    if not figs or plan.response is None:
        return ""
    stub = "<front-stub><title-group><article-title>Author response</article-title></title-group></front-stub>"
    text = f"<body><p>{plan.response.rich.xml}</p>{''.join(map(_fig, figs))}</body>"
    return f'<sub-article article-type="reply" id="SA2">{stub}{text}</sub-article>'


def render(plan: Plan) -> str:
    """Return the article."""
    blocks = {}
    for fig in jats.main_figs(plan):
        children = [f for f in plan.figs if f.slot.role == Role.SUPPLEMENT and f.slot.number == fig.slot.number]
        blocks[fig.fig_id] = _fig(
            fig, "".join(_fig(child, attributes='specific-use="child-fig"') for child in children)
        )
    content = f"{_front(plan)}{jats.body(plan, blocks)}<back>{jats.references(plan)}</back>{_response(plan)}"
    attributes = f'{jats.ALI} {jats.MATHML} {jats.XLINK} dtd-version="1.1"'
    return f"{jats.DECLARATION}{jats.article(plan.facts, attributes, content)}"


STYLE = Style(
    name="nested",
    journals=(
        Journal("nLife Letters", "nLife Lett", "nlife", "nLife Association"),
        Journal("Measures of Life", "Meas Life", "mlife", "nLife Association"),
    ),
    years=(2013, 2026),
    charset="utf8",
    href_form="full",
    word="Figure",
    caption_form="split",
    cites="year",
    slots=_slots,
    fig_id=_fig_id,
    label=_label,
    stem=_stem,
    render=render,
    has_ranges=False,
)
