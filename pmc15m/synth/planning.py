"""Planning an article: style, figures, captions, text, and what is wrong with it."""

from dataclasses import dataclass, replace

from pmc15m.records import Stage
from pmc15m.synth.bodies import link, make_abstract, make_references, make_sections, targets_of
from pmc15m.synth.captions import Setting, make_caption
from pmc15m.synth.config import SynthConfig
from pmc15m.synth.dice import Dice
from pmc15m.synth.encode import pick_extension
from pmc15m.synth.facts import make_facts, make_license
from pmc15m.synth.faults import EXTENSIONS, LICENSE_CODES, Fault, has_target
from pmc15m.synth.plan import Caption, Facts, Fig, Graphic, Group, Media, Paragraph, Plan, Role, Slot, Style, main_slots
from pmc15m.synth.rich import Rich, plain
from pmc15m.synth.scenes import Panels, Scene, make_panels, make_scene, make_single, pick_size
from pmc15m.synth.styles import STYLES

_FIG_COUNTS = ((1, 12), (2, 20), (3, 22), (4, 20), (5, 12), (6, 7), (7, 4), (8, 3))
_OPEN_CODES = ("CC BY", "CC0", "CC BY-SA")
_OWN_RIGHTS = "<permissions><copyright-statement>\u00a9 1999 Old Mill Press. All rights are kept.</copyright-statement>{}</permissions>"
_OWN_LICENSE = '<license xmlns:xlink="http://www.w3.org/1999/xlink" xlink:href="{}"><license-p>No sale.</license-p></license>'
_TRIES = 12


@dataclass(frozen=True, slots=True)
class Case:
    """A plan, and the one figure that is special in it."""

    plan: Plan
    fault: Fault | None
    target_id: str  # fig_id of the figure with the fault, or the copy; "" for none
    copied: Media | None = None  # what that figure copies
    copied_number: int = -1  # the article it is copied from


def style_of(config: SynthConfig, number: int) -> Style:
    """Return the house style of article n."""
    return Dice(config.seed, number, "style").pick(STYLES)


def _slots(config: SynthConfig, number: int, style: Style, *, needs_main: bool) -> tuple[Slot, ...]:
    dice = Dice(config.seed, number, "slots")
    count = dice.weigh(_FIG_COUNTS)
    if style.name == "waiver" and dice.chance(0.06):
        count = dice.between(10, 11)
    slots = style.slots(dice, count)
    if needs_main and not any(slot.role == Role.MAIN and slot.num_graphics == 1 for slot in slots):
        return main_slots(dice, count)
    return slots


def _copy_source(config: SynthConfig, number: int) -> tuple[int, Media] | None:
    """Return an earlier article and its figure that article n copies: no two articles copy the same."""
    dice = Dice(config.seed, number, "copy")
    for _ in range(_TRIES):
        other = number - dice.between(1, config.duplicates_every - 1)
        if config.fault_of(other) is not None or config.is_copying(other):
            continue
        plan = plan_case(config, other).plan
        if plan.facts.license.code not in _OPEN_CODES:
            continue
        for fig in plan.figs:
            if fig.slot.num_graphics == 1 and fig.graphics[0].media.extension == "jpg":
                return other, fig.graphics[0].media
    return None


def _scene(dice: Dice, slot: Slot) -> Scene:
    if slot.role == Role.PANEL:
        return make_single(dice)
    return make_panels(dice) if slot.num_graphics > 1 else make_scene(dice)


def _parts(scene: Scene, count: int) -> list[Scene]:
    """Cut panels into pages."""
    if count == 1 or not isinstance(scene, Panels):
        return [scene] * count
    half = (len(scene.scenes) + 1) // 2
    halves = ((scene.scenes[:half], scene.letters[:half]), (scene.scenes[half:], scene.letters[half:]))
    return [Panels(scenes, letters, min(len(scenes), 2)) for scenes, letters in halves]


def _href(style: Style, name: str, stem: str) -> str:
    return {"full": name, "stem": stem, "tif": f"{stem}.tif"}[style.href_form]


def _graphics(config: SynthConfig, dice: Dice, facts: Facts, style: Style, slot: Slot, scene: Scene, extension: str) -> tuple[Graphic, ...]:
    """Plan the files of a fig."""
    graphics = []
    for index, part in enumerate(_parts(scene, slot.num_graphics), 1):
        stem = style.stem(facts, slot, index)
        web = f"{stem}_OC" if style.has_print else stem
        name = f"{web}.{extension or pick_extension(dice)}"
        mode = dice.weigh((("RGB", 5), ("P", 3), ("RGBA", 2)))
        size = pick_size(part, dice, config.image_scale)
        purpose = f"draw {slot.role} {slot.number} {slot.part} {index}"
        media = Media(name, part, size, facts.number, purpose, mode, dice.between(85, 95), dice.chance(0.1))
        ink = f"{stem}_PB" if style.has_print else ""
        graphics.append(Graphic(media, _href(style, name, web), f"{ink}.jpg" if ink else "", ink))
    return tuple(graphics)


def _see(dice: Dice, facts: Facts, style: Style, slots: tuple[Slot, ...], slot: Slot) -> Rich | None:
    """Return a link to another figure for a caption, now and then."""
    others = [other for other in slots if other.role == Role.MAIN and other.number != slot.number]
    if not others or not dice.chance(0.3):
        return None
    other = dice.pick(others)
    return link(style.fig_id(facts, other), f"{style.word}\u00a0{other.number}") + dice.pick(("", "A", "B"))


def _fig(config: SynthConfig, facts: Facts, style: Style, slots: tuple[Slot, ...], slot: Slot, special: "Case | None") -> Fig:
    """Plan one fig."""
    dice = Dice(config.seed, facts.number, f"figure {slot.role} {slot.number} {slot.part}")
    fault, copied = (special.fault, special.copied) if special else (None, None)
    scene = copied.scene if copied else _scene(dice, slot)
    setting = Setting(facts, style.caption_form, style.cites, 5, _see(dice, facts, style, slots, slot), style.name == "waiver")
    caption = _decorate(dice, make_caption(dice, scene, setting), facts, style, slot)
    extension = EXTENSIONS.get(fault, "jpg") if fault else ""
    graphics = _graphics(config, dice, facts, style, slot, scene, extension)
    fig = Fig(slot, style.fig_id(facts, slot), style.label(slot), caption, graphics)
    if copied:
        return replace(fig, graphics=(_copy(fig.graphics[0], copied, style, facts.number),))
    return _spoil(fig, fault, facts) if fault else fig


def _decorate(dice: Dice, caption: Caption, facts: Facts, style: Style, slot: Slot) -> Caption:
    """Add what stands beside a caption and is no part of it."""
    doi = f"{facts.doi}.g{slot.number:03d}" if style.name == "entities" and dice.chance(0.5) else ""
    attrib = "Photograph by the first author." if dice.chance(0.2) else ""
    alt = "A figure of this article." if dice.chance(0.3) else ""
    return replace(caption, doi_block=doi, attrib=attrib, alt_text=alt)


def _copy(graphic: Graphic, copied: Media, style: Style, number: int) -> Graphic:
    """Return a graphic whose file is that of another article, or has the same pixels."""
    is_repacked = number % 2 == 1
    extension = ("png", "tif")[number // 2 % 2] if is_repacked else "jpg"
    stem = graphic.media.name.rpartition(".")[0]
    name = f"{stem}.{extension}"
    return replace(graphic, media=replace(copied, name=name, is_repacked=is_repacked), href=_href(style, name, stem))


def _spoil(fig: Fig, fault: Fault, facts: Facts) -> Fig:
    """Apply a fault of the fig's XML."""
    if fault == Fault.NO_CAPTION:
        return replace(fig, caption=None)
    if fault == Fault.NO_GRAPHIC:
        return replace(fig, graphics=())
    if fault == Fault.TABLE_LABEL:
        return replace(fig, label=f"Table {fig.slot.number}")
    if fault == Fault.SHORT_CAPTION:
        return replace(fig, caption=Caption(None, (plain("Left: wet."),)))
    if fault == Fault.OWN_RIGHTS:
        return replace(fig, permissions=_OWN_RIGHTS.format(""))
    if fault == Fault.OWN_NC:
        own = make_license("CC BY-NC", facts.year)
        return replace(fig, permissions=_OWN_RIGHTS.format(_OWN_LICENSE.format(own.url)), license=own)
    return fig


def _groups(config: SynthConfig, facts: Facts, style: Style, slots: tuple[Slot, ...]) -> dict[int, Group]:
    groups = {}
    for slot in slots:
        if slot.role == Role.PANEL and slot.part == 1:
            dice = Dice(config.seed, facts.number, f"group {slot.number}")
            title = dice.pick((f"Two views of {facts.measure}", f"{facts.host.capitalize()} in parts", f"After {facts.treatment}"))
            label = style.label(Slot(Role.MAIN, slot.number))
            groups[slot.number] = Group(f"fig{slot.number}", label, Caption(plain(f"{title}."), ()))
    return groups


def _target(config: SynthConfig, number: int, slots: tuple[Slot, ...]) -> Slot:
    """Return the slot of the special figure: numbered, with one graphic."""
    return Dice(config.seed, number, "target").pick([s for s in slots if s.role == Role.MAIN and s.num_graphics == 1])


def plan_case(config: SynthConfig, number: int, version: int = 1) -> Case:
    """Plan article n; without pixels, so that it takes a few milliseconds."""
    style, fault = style_of(config, number), config.fault_of(number)
    source = _copy_source(config, number) if config.is_copying(number) else None
    is_special = has_target(fault) or source is not None
    code = "CC BY" if fault or source else ""
    facts = make_facts(config.seed, number, style, version, LICENSE_CODES.get(fault, code) if fault else code)
    slots = () if fault == Fault.NO_FIGURES else _slots(config, number, style, needs_main=is_special)
    target = _target(config, number, slots) if is_special else None
    special = Case(_EMPTY_PLAN, fault, "", source[1] if source else None) if is_special else None
    figs = tuple(_fig(config, facts, style, slots, slot, special if slot == target else None) for slot in slots)
    groups = _groups(config, facts, style, slots)
    dice = Dice(config.seed, number, "text")
    num_references = dice.between(5, 14)
    plan = Plan(
        style=style,
        facts=facts,
        figs=figs,
        groups=groups,
        abstract=make_abstract(dice, facts) + (" First version." if version == 1 and fault == Fault.SUPERSEDED else ""),
        sections=make_sections(dice, facts, style, targets_of(style, figs, groups), num_references),
        response=_response(figs),
        references=make_references(dice, num_references),
        extra_media=() if fault else style.extras(facts, dice),
    )
    target_id = style.fig_id(facts, target) if target else ""
    return Case(plan, fault, target_id, special.copied if special else None, source[0] if source else -1)
