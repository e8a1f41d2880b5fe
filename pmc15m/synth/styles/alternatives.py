"""Every figure twice: in colour for the web and in black and white for print, as `alternatives`."""

from pmc15m.synth import jats
from pmc15m.synth.plan import Facts, Fig, Graphic, Journal, Plan, Slot, Style, main_slots


def _fig_id(_facts: Facts, slot: Slot) -> str:
    return f"F{slot.number:04d}"


def _label(slot: Slot) -> str:
    return f"Figure {slot.number}."


def _stem(facts: Facts, slot: Slot, _index: int) -> str:
    return f"{facts.journal.slug.upper()}_A_{facts.eloc}_F{slot.number:04d}"


def _forms(graphic: Graphic) -> str:
    """Set both forms; the one for print comes first now and then."""
    web = f'<graphic specific-use="web-only" content-type="color" xlink:href="{graphic.href}"/>'
    ink = f'<graphic specific-use="print-only" content-type="black-white" xlink:href="{graphic.print_href}"/>'
    return f"<alternatives>{ink + web if len(graphic.href) % 2 else web + ink}</alternatives>"


def _fig(fig: Fig) -> str:
    attrib = f"<attrib>{fig.caption.attrib}</attrib>" if fig.caption and fig.caption.attrib else ""
    forms = "".join(map(_forms, fig.graphics))
    return f'<fig id="{fig.fig_id}">{jats.label(fig)}{jats.caption(fig.caption)}{forms}{attrib}{fig.permissions}</fig>'


def _front(plan: Plan) -> str:
    facts = plan.facts
    rights = (
        f"<copyright-statement>\u00a9 {facts.year} The Author(s).</copyright-statement>"
        f'<license license-type="open-access" xlink:href="{facts.license.url}">'
        f"<license-p>Open to all under the terms of {facts.license.code}.</license-p></license>"
    )
    dates = jats.pub_date(facts, "epub") + jats.pub_year("ppub", facts.year + 1)
    return jats.front(
        facts, "pmc", dates, rights, f"<abstract><title>ABSTRACT</title><p>{plan.abstract}</p></abstract>"
    )


def render(plan: Plan) -> str:
    """Return the article."""
    blocks = {fig.fig_id: _fig(fig) for fig in plan.figs}
    content = f"{_front(plan)}{jats.body(plan, blocks)}<back>{jats.references(plan)}</back>"
    attributes = f'{jats.XLINK} {jats.MATHML} dtd-version="1.1" xml:lang="en"'
    return f"{jats.DECLARATION}<!-- set by machine -->\n{jats.article(plan.facts, attributes, content)}"


STYLE = Style(
    name="alternatives",
    journals=(
        Journal("Annals of Careful Medicine", "Ann Careful Med", "kacm", "Taverner and Frost"),
        Journal("Plants and Signals", "Plants Signals", "kpas", "Taverner and Frost"),
    ),
    years=(2014, 2026),
    charset="utf8",
    href_form="stem",
    word="Figure",
    caption_form="paragraph",
    cites="high",
    slots=main_slots,
    fig_id=_fig_id,
    label=_label,
    stem=_stem,
    render=render,
    has_print=True,
)
