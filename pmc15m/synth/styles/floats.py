"""PMC's own rewriting of 2026: figs in the body and in floats-group, xlink declared where it is used."""

from pmc15m.synth import jats
from pmc15m.synth.plan import Facts, Fig, Journal, Plan, Slot, Style, main_slots

_GRAPHIC = f'{jats.XLINK} position="float"'


def _fig_id(_facts: Facts, slot: Slot) -> str:
    return f"F{slot.number}"


def _label(slot: Slot) -> str:
    return f"Figure {slot.number}"


def _stem(facts: Facts, slot: Slot, _index: int) -> str:
    return f"{facts.journal.slug}-{facts.volume:02d}-{facts.eloc}-g{slot.number:03d}"


def _fig(fig: Fig) -> str:
    alt = f"<alt-text>{fig.caption.alt_text}</alt-text>" if fig.caption and fig.caption.alt_text else ""
    images = "".join(f'<graphic {_GRAPHIC} xlink:href="{g.href}">{alt}</graphic>' for g in fig.graphics)
    inner = f"{jats.label(fig)}{jats.caption(fig.caption)}{images}{fig.permissions}"
    return f'<fig position="float" id="{fig.fig_id}">{inner}</fig>'


def _front(plan: Plan) -> str:
    facts = plan.facts
    dates = jats.pub_date(facts, "epub") + jats.pub_year("collection", facts.year + (facts.month == 12))
    ali = f'<ali:license_ref {jats.ALI} specific-use="textmining">{facts.license.url}</ali:license_ref>'
    words = f"<license-p>This article may be used under {facts.license.code}, as said at its publisher.</license-p>"
    rights = f"<copyright-statement>The authors, {facts.year}</copyright-statement><license>{ali}{words}</license>"
    more_ids = (
        f'<article-id pub-id-type="pmcid-ver">{facts.pmcid}.{facts.version}</article-id>'
        f'<article-version article-version-type="pmc-version">{facts.version}</article-version>'
    )
    return jats.front(facts, "pmcid", dates, rights, f"<abstract><p>{plan.abstract}</p></abstract>", more_ids)


def render(plan: Plan) -> str:
    """Return the article: even figures float, odd ones stand in the body."""
    floating = [fig for fig in plan.figs if fig.slot.number % 2 == 0]
    standing = {fig.fig_id: _fig(fig) for fig in plan.figs if fig not in floating}
    group = f"<floats-group>{''.join(map(_fig, floating))}</floats-group>" if floating else ""
    meta = (
        '<processing-meta base-tagset="archiving" table-model="xhtml" tagset-family="jats">'
        "<restricted-by>pmc</restricted-by></processing-meta>"
    )
    content = f"{meta}{_front(plan)}{jats.body(plan, standing)}<back>{jats.references(plan)}</back>{group}"
    return jats.article(plan.facts, f'{jats.MATHML} dtd-version="1.4" xml:lang="en"', content)


STYLE = Style(
    name="floats",
    journals=(
        Journal("Open Fen Biology", "Open Fen Biol", "ofb", "Fen House"),
        Journal("Letters in Marsh Medicine", "Lett Marsh Med", "lmm", "Fen House"),
    ),
    years=(2018, 2026),
    charset="numeric",
    href_form="full",
    word="Figure",
    caption_form="paragraph",
    cites="year",
    slots=main_slots,
    fig_id=_fig_id,
    label=_label,
    stem=_stem,
    render=render,
)
