"""NLM 3.0 with a DOCTYPE: named entities, hrefs without extension, object DOIs, some figs within paragraphs."""

from pmc15m.synth import jats
from pmc15m.synth.dice import Dice
from pmc15m.synth.plan import Facts, Fig, Journal, Plan, Slot, Style, main_slots
from pmc15m.synth.rich import Rich

_DOCTYPE = (
    '<!DOCTYPE article PUBLIC "-//NLM//DTD Journal Publishing DTD v3.0 20080202//EN" '
    '"http://dtd.nlm.nih.gov/publishing/3.0/journalpublishing3.dtd">\n'
)


def _fig_id(facts: Facts, slot: Slot) -> str:
    return f"{facts.journal.slug}-{facts.eloc:07d}-g{slot.number:03d}"


def _label(slot: Slot) -> str:
    return f"Figure {slot.number}"


def _stem(facts: Facts, slot: Slot, _index: int) -> str:
    return f"{facts.journal.slug}.{facts.eloc:07d}.g{slot.number:03d}"


def _fig(fig: Fig) -> str:
    doi = fig.caption.doi_block if fig.caption else ""
    object_id = f'<object-id pub-id-type="doi">{doi}</object-id>' if doi else ""
    return (
        f'<fig id="{fig.fig_id}" position="float">{object_id}{jats.label(fig)}{jats.caption(fig.caption)}'
        f"{jats.graphics(fig)}{fig.permissions}</fig>"
    )


def _front(plan: Plan) -> str:
    facts = plan.facts
    rights = (
        f"<copyright-year>{facts.year}</copyright-year>"
        f'<license license-type="open-access" xlink:href="{facts.license.url}">'
        f"<license-p>Anyone may use this work under {facts.license.code} if its makers are named.</license-p></license>"
    )
    dates = jats.pub_year("collection", facts.year) + jats.pub_date(facts, "epub")
    return jats.front(facts, "pmc", dates, rights, f"<abstract><p>{plan.abstract}</p></abstract>")


def _paragraph(rich: Rich, figs: str) -> str:
    """Set the figs of a longer paragraph into it, before its text; behind the others."""
    return f"<p>{figs}{rich.xml}</p>" if len(rich.text) > 220 else f"<p>{rich.xml}</p>{figs}"


def _table(facts: Facts) -> str:
    return (
        f'<table-wrap id="{facts.journal.slug}-t001"><label>Table 1</label><caption><p>Sites.</p></caption>'
        f'<graphic xlink:href="{facts.journal.slug}.{facts.eloc:07d}.t001"/></table-wrap>'
    )


def render(plan: Plan) -> str:
    """Return the article; some have a table that is an image."""
    table = _table(plan.facts) if plan.extra_media else ""
    text = jats.body(plan, {fig.fig_id: _fig(fig) for fig in plan.figs}, _paragraph).removesuffix("</sec></body>")
    content = f"{_front(plan)}{text}{table}</sec></body><back>{jats.references(plan)}</back>"
    attributes = f'{jats.MATHML} {jats.XLINK} dtd-version="3.0" xml:lang="EN"'
    return f"{jats.DECLARATION}{_DOCTYPE}{jats.article(plan.facts, attributes, content)}"


def _extras(facts: Facts, dice: Dice) -> tuple[str, ...]:
    """Name the image of a table, and a small GIF twin of the first figure: the stem has two files then."""
    stem = f"{facts.journal.slug}.{facts.eloc:07d}"
    return dice.pick(((), (f"{stem}.t001.jpg",), (f"{stem}.g001.gif", f"{stem}.t001.jpg")))


STYLE = Style(
    name="entities",
    journals=(
        Journal("Public Works in Biology", "Publ Works Biol", "pwbi", "Library of Works"),
        Journal("Public Works in Health", "Publ Works Health", "pwhe", "Library of Works"),
    ),
    years=(2004, 2014),
    charset="entities",
    href_form="stem",
    word="Figure",
    caption_form="split",
    cites="bracket",
    slots=main_slots,
    fig_id=_fig_id,
    label=_label,
    stem=_stem,
    render=render,
    extras=_extras,
)
