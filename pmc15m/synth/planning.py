"""Planning an article: style, figures, text, and what is wrong with it."""

from dataclasses import dataclass

from pmc15m.synth.bodies import link, make_abstract, make_references, make_sections, targets_of
from pmc15m.synth.config import SynthConfig
from pmc15m.synth.curated import num_versions, plan_curated
from pmc15m.synth.dice import Dice
from pmc15m.synth.facts import make_facts
from pmc15m.synth.faults import LICENSE_CODES, Fault, has_target
from pmc15m.synth.figures import MIN_REFERENCES, Special, make_fig, make_groups
from pmc15m.synth.plan import Fig, Paragraph, Plan, Role, Slot, Style, main_slots
from pmc15m.synth.styles import STYLES

OPEN_CODES = ("CC BY", "CC0", "CC BY-SA")
"""Licences that the default configuration keeps."""

_FIG_COUNTS = ((1, 12), (2, 20), (3, 22), (4, 20), (5, 12), (6, 7), (7, 4), (8, 3))
_TRIES = 12


@dataclass(frozen=True, slots=True)
class Case:
    """A plan, what is wrong with it, and the one figure that is special in it."""

    plan: Plan
    fault: Fault | None
    target_id: str  # fig_id of the special figure; "" for none
    special: Special | None
    is_superseded: bool = False  # by a newer version of the same article


def style_of(config: SynthConfig, number: int) -> Style:
    """Return the house style of article n."""
    return Dice(config.seed, number, "style").pick(STYLES)


def _is_main(slot: Slot) -> bool:
    return slot.role == Role.MAIN and slot.num_graphics == 1


def _make_slots(config: SynthConfig, number: int, style: Style, *, needs_main: bool) -> tuple[Slot, ...]:
    dice = Dice(config.seed, number, "slots")
    count = dice.weigh(_FIG_COUNTS)
    if style.name == "waiver" and dice.chance(0.06):
        count = dice.between(10, 11)
    slots = style.slots(dice, count)
    return slots if not needs_main or any(map(_is_main, slots)) else main_slots(dice, count)


def _find_source(config: SynthConfig, number: int) -> Special | None:
    """Return an earlier article's figure for article n to copy: no other article copies the same."""
    dice = Dice(config.seed, number, "copy")
    every = config.duplicates_every
    repacked_as = ("", "png", "", "tif")[number // every % 4]
    for _ in range(_TRIES):
        other = number - dice.between(1, every - 1)
        if config.fault_of(other) or config.is_copying(other) or config.curation_of(other):
            continue
        plan = plan_case(config, other).plan
        if plan.facts.license.code not in OPEN_CODES:
            continue
        for fig in plan.figs:
            media = fig.graphics[0].media
            if fig.slot.num_graphics == 1 and media.extension == "jpg":
                return Special(None, media, other, fig.fig_id, repacked_as)
    return None


def _response(figs: tuple[Fig, ...]) -> Paragraph | None:
    """Return the paragraph of the author response, where it has a figure."""
    fig = next((fig for fig in figs if fig.slot.role == Role.RESPONSE), None)
    if fig is None:
        return None
    reference = link(fig.fig_id, "Author response image 1")
    return Paragraph("We have drawn the counts anew in " + reference + ".", (fig.fig_id,))


def newest_version(config: SynthConfig, number: int) -> int:
    """Return how many versions article n has."""
    return 2 if config.fault_of(number) == Fault.SUPERSEDED else num_versions(config.curation_of(number))


def plan_case(config: SynthConfig, number: int, version: int = 1) -> Case:
    """Plan article n; without pixels, so that it takes but a few milliseconds."""
    is_superseded = version < newest_version(config, number)
    part = config.curation_of(number)
    if part is not None:
        return Case(plan_curated(config, part, version), None, "", None, is_superseded)
    style, fault = style_of(config, number), config.fault_of(number)
    special = Special(fault) if has_target(fault) else None
    if config.is_copying(number):
        special = _find_source(config, number)
    code = LICENSE_CODES.get(fault, "CC BY") if fault else "CC BY" if special else ""
    facts = make_facts(config.seed, number, style, version, code)
    slots = _make_slots(config, number, style, needs_main=special is not None) if fault != Fault.NO_FIGURES else ()
    target = Dice(config.seed, number, "target").pick(list(filter(_is_main, slots))) if special else None
    figs = tuple(make_fig(config, facts, style, slots, slot, special if slot == target else None) for slot in slots)
    groups = make_groups(config, facts, style, slots)
    dice = Dice(config.seed, number, "text")
    num_references = dice.between(MIN_REFERENCES, 14)
    first = " First version." if is_superseded else ""
    plan = Plan(
        style=style,
        facts=facts,
        figs=figs,
        groups=groups,
        abstract=make_abstract(dice, facts) + first,
        sections=make_sections(dice, facts, style, targets_of(style, figs, groups), num_references),
        response=_response(figs),
        references=make_references(dice, num_references),
        extra_media=() if fault else style.extras(facts, dice),
    )
    return Case(plan, fault, style.fig_id(facts, target) if target else "", special, is_superseded)
