"""Planning the figs of an article: scenes, captions, files, and what is wrong with one of them."""

from dataclasses import dataclass, replace

from pmc15m.synth.bodies import link
from pmc15m.synth.captions import Setting, make_caption
from pmc15m.synth.config import SynthConfig
from pmc15m.synth.dice import Dice
from pmc15m.synth.encode import pick_extension
from pmc15m.synth.facts import make_license
from pmc15m.synth.faults import EXTENSIONS, Fault
from pmc15m.synth.plan import Caption, Facts, Fig, Graphic, Group, Media, Role, Slot, Style
from pmc15m.synth.rich import Rich, plain
from pmc15m.synth.scenes import Panels, Scene, make_panels, make_scene, make_single, pick_size

MIN_REFERENCES = 5
_OWN_RIGHTS = (
    "<permissions><copyright-statement>\u00a9 1999 Old Mill Press. All rights are kept.</copyright-statement>{}"
    "</permissions>"
)
_OWN_LICENSE = (
    '<license xmlns:xlink="http://www.w3.org/1999/xlink" xlink:href="{}"><license-p>No sale.</license-p></license>'
)


@dataclass(frozen=True, slots=True)
class Special:
    """What is special in one figure of an article: a fault, or that it copies another article's."""

    fault: Fault | None = None
    copied: Media | None = None
    copied_number: int = -1  # the article that the copied figure belongs to
    copied_id: str = ""  # its fig_id there
    repacked_as: str = ""  # "png" or "tif"; "" for the same bytes


def _scene(dice: Dice, slot: Slot) -> Scene:
    if slot.role == Role.PANEL:
        return make_single(dice)
    return make_panels(dice) if slot.num_graphics > 1 else make_scene(dice)


def _pages(scene: Scene, count: int) -> list[Scene]:
    """Return the parts of a scene that is cut at a page end."""
    if count == 1 or not isinstance(scene, Panels):
        return [scene]
    half = (len(scene.scenes) + 1) // 2
    first = Panels(scene.scenes[:half], scene.letters, min(half, 2))
    rest = scene.scenes[half:]
    return [first, Panels(rest, scene.letters[half:], min(len(rest), 2))]


def _draw_of(config: SynthConfig, dice: Dice, facts: Facts, slot: Slot, page: Scene, index: int) -> Media:
    """Plan the picture of a page; its name comes later."""
    purpose = f"draw {slot.role} {slot.number} {slot.part} {index}"
    mode = dice.weigh((("RGB", 5), ("P", 3), ("RGBA", 2)))
    size = pick_size(page, dice, config.image_scale)
    return Media("", page, size, facts.number, purpose, mode, dice.between(85, 95), dice.chance(0.1))


def _graphics(
    config: SynthConfig, dice: Dice, facts: Facts, style: Style, slot: Slot, scene: Scene, special: Special | None
) -> tuple[Graphic, ...]:
    """Plan the files of a fig."""
    graphics = []
    for index, page in enumerate(_pages(scene, slot.num_graphics), 1):
        stem = style.stem(facts, slot, index)
        web = f"{stem}_OC" if style.has_print else stem
        media = _draw_of(config, dice, facts, slot, page, index)
        extension = pick_extension(dice)
        if special and special.fault:
            extension = EXTENSIONS.get(special.fault, "jpg")
        elif special and special.copied:
            media = replace(special.copied, is_repacked=bool(special.repacked_as))
            extension = special.repacked_as or "jpg"
        media = replace(media, name=f"{web}.{extension}")
        ink = f"{stem}_PB" if style.has_print else ""
        graphics.append(Graphic(media, style.href(media.name, web), f"{ink}.jpg" if ink else "", ink))
    return tuple(graphics)


def _see(dice: Dice, facts: Facts, style: Style, slots: tuple[Slot, ...], slot: Slot) -> Rich | None:
    """Return a link to another figure for a caption, now and then."""
    others = [other for other in slots if other.role == Role.MAIN and other.number != slot.number]
    if not others or not dice.chance(0.3):
        return None
    other = dice.pick(others)
    return link(style.fig_id(facts, other), f"{style.word}\u00a0{other.number}") + dice.pick(("", "A", "B"))


def make_fig(
    config: SynthConfig, facts: Facts, style: Style, slots: tuple[Slot, ...], slot: Slot, special: Special | None
) -> Fig:
    """Plan one fig."""
    dice = Dice(config.seed, facts.number, f"figure {slot.role} {slot.number} {slot.part}")
    scene = special.copied.scene if special and special.copied else _scene(dice, slot)
    see = _see(dice, facts, style, slots, slot)
    setting = Setting(facts, style.caption_form, style.cites, MIN_REFERENCES, see, style.name == "waiver")
    caption = _decorate(dice, make_caption(dice, scene, setting), facts, style, slot)
    graphics = _graphics(config, dice, facts, style, slot, scene, special)
    fig = Fig(slot, style.fig_id(facts, slot), style.label(slot), caption, graphics)
    return _spoil(fig, special.fault, facts) if special and special.fault else fig


def _decorate(dice: Dice, caption: Caption, facts: Facts, style: Style, slot: Slot) -> Caption:
    """Add what stands beside a caption and is no part of it."""
    doi = f"{facts.doi}.g{slot.number:03d}" if style.name == "entities" and dice.chance(0.5) else ""
    attrib = "Photograph by the first author." if dice.chance(0.2) else ""
    alt = "A figure of this article." if dice.chance(0.3) else ""
    return replace(caption, doi_block=doi, attrib=attrib, alt_text=alt)


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


def make_groups(config: SynthConfig, facts: Facts, style: Style, slots: tuple[Slot, ...]) -> dict[int, Group]:
    """Return the fig-groups over panels, by number."""
    groups = {}
    for slot in slots:
        if slot.role == Role.PANEL and slot.part == 1:
            dice = Dice(config.seed, facts.number, f"group {slot.number}")
            host = facts.host.capitalize()
            title = dice.pick((f"Views of {facts.measure}", f"{host} in parts", f"After {facts.treatment}"))
            label = style.label(Slot(Role.MAIN, slot.number))
            groups[slot.number] = Group(f"fig{slot.number}", label, Caption(plain(f"{title}."), ()))
    return groups
