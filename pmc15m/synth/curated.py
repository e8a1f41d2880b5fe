"""Planning a curated article: the figures that it is there for, and one or two of no interest."""

from dataclasses import replace

from pmc15m.synth import identities, oddities, reuse
from pmc15m.synth.bodies import make_abstract, make_references, make_sections, targets_of
from pmc15m.synth.casts import Cast, Group
from pmc15m.synth.config import SynthConfig
from pmc15m.synth.curation import Curation, Part
from pmc15m.synth.figures import MIN_REFERENCES, make_fig
from pmc15m.synth.plan import Caption, Facts, Fig, Graphic, Media, Plan, Role, Slot, Style
from pmc15m.synth.rich import Rich

_BUILDERS = {**reuse.BUILDERS, **identities.BUILDERS, **oddities.BUILDERS}


def num_versions(part: Part | None) -> int:
    """Return how many versions an article with that part has."""
    return 2 if part is not None and part.kind == Curation.VERSIONS else 1


def plan_curated(config: SynthConfig, part: Part, version: int) -> Plan:
    """Return the plan of an article by the part that it has in its group."""
    group, member = Group(config, part), part.member
    style, facts = group.style(member), identities.facts_of(group, member, version)
    casts = _BUILDERS[part.kind](group, member, version)
    if part.has_badge and part.kind != Curation.BADGE:
        casts.insert(0, oddities.make_badge(group, member))
    dice = group.dice(member, "text")
    fillers = tuple(Slot(Role.MAIN, number) for number in range(1, 1 + dice.weigh(((0, 2), (1, 5), (2, 2)))))
    figs = [make_fig(config, facts, style, fillers, slot, None) for slot in fillers]
    for cast in casts:
        figs.append(_fig(facts, style, cast, figs))
    first = " First version." if version < num_versions(part) else ""
    num_references = dice.between(MIN_REFERENCES, 14)
    named = tuple(fig for fig in figs if not (fig.note and fig.note.is_continued))
    return Plan(
        style=style,
        facts=facts,
        figs=tuple(figs),
        groups={},
        abstract=make_abstract(dice, facts) + first,
        sections=make_sections(dice, facts, style, targets_of(style, named, {}), num_references),
        response=None,
        references=make_references(dice, num_references),
    )


def _fig(facts: Facts, style: Style, cast: Cast, before: list[Fig]) -> Fig:
    """Return the fig of a cast behind others."""
    number = 0 if cast.role == Role.ABSTRACT else 1 + sum(fig.slot.role == Role.MAIN for fig in before)
    slot = Slot(cast.role, number, num_graphics=len(cast.media))
    graphics = tuple(_graphic(facts, style, slot, media, index) for index, media in enumerate(cast.media, 1))
    fig = Fig(slot, style.fig_id(facts, slot), style.label(slot), cast.caption, graphics, note=cast.note)
    if not cast.note.is_continued:
        return fig
    parent = before[-1]
    read = parent.caption.text if parent.caption else ""  # what is read is the caption that goes on (F7)
    words = Rich(f"{parent.label.rstrip('.')} (continued).", read)
    return replace(fig, label=parent.label, caption=Caption(None, (words,)))


def _graphic(facts: Facts, style: Style, slot: Slot, media: Media, index: int) -> Graphic:
    stem = style.stem(facts, slot, index)
    web = f"{stem}_OC" if style.has_print else stem
    ink = f"{stem}_PB" if style.has_print else ""
    name = f"{web}.{media.extension}"
    return Graphic(replace(media, name=name), style.href(name, web), f"{ink}.jpg" if ink else "", ink)
