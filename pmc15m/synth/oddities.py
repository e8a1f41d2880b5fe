"""Captions and images that curation has to judge one by one, or by how many articles have them."""

from dataclasses import replace

from pmc15m.records import Reason
from pmc15m.synth import words
from pmc15m.synth.casts import Cast, Group, tailed
from pmc15m.synth.curation import Curation, Note
from pmc15m.synth.dice import Dice
from pmc15m.synth.lookalikes import Badge, Blank, Ramp, Strip
from pmc15m.synth.plan import Caption, Role
from pmc15m.synth.pool import Size
from pmc15m.synth.reuse import Builder
from pmc15m.synth.rich import plain
from pmc15m.synth.scenes import Scene

# Reasons of the curation of a whole set; text, because not every version of the list has them.
ASPECT, BLANK, BOILERPLATE, RIGHTS = "image_aspect", "image_blank", "boilerplate_caption", "rights_flag"
REPRODUCED, ADAPTED = "reproduced_with_permission", "adapted"

_STOCK = (
    "Graphical abstract",
    "Click here for additional data file.",
    "This figure appears in colour online.",
    "Creative Commons Attribution 4.0 International License.",
    "(continued)",
)
_LICENSE_TAIL = "This figure is licensed under the Creative Commons Attribution 4.0 International License."
_PERMISSIONS = (
    "Reproduced with permission from Old Mill Press.",
    "Reproduced from Corvin and Pellam (2003), with permission from the publisher.",
)
_ADAPTED = "Adapted from Nettleby and Rost (2011)."
_HARMLESS = "The pattern was reproduced in three batches with permission of the site owner."
_BADGE_SIZE = (168, 72)


def _single(group: Group, member: int, index: int, note: Note, caption: Caption | None = None) -> Cast:
    media = group.picture(member, index)
    return Cast((media,), caption or group.caption(member, index, media), note)


def _boilerplate(group: Group, member: int, _version: int) -> list[Cast]:
    casts = []
    for index, text in enumerate(_STOCK):
        outcomes: tuple[str, ...] = (BOILERPLATE,)
        if len(text) < 20 or len(text.split()) < 3:
            outcomes += (Reason.CAPTION_TOO_SHORT.value,)
        cast = _single(group, member, index, Note(group.kind, text, outcomes), Caption(None, (plain(text),)))
        casts.append(replace(cast, role=Role.MAIN if index else Role.ABSTRACT))
    return casts


def _shared_caption(group: Group, member: int, _version: int) -> list[Cast]:
    """Caption a picture of one's own as all articles of the group do; one writes it without its stop."""
    name, host = words.invent_name(group.part.numbers[0]), group.facts(0).host
    text = f"Flow of all {host} through the stages of the {name} network as agreed by its sites"
    caption = Caption(None, (plain(text if member == 1 else f"{text}."),))
    return [_single(group, member, 0, Note(group.kind, f"member {member}"), caption)]


def _continued(group: Group, member: int, _version: int) -> list[Cast]:
    """Continue a figure in a fig of its own, which says so and nothing else."""
    notes = Note(group.kind, "first"), Note(group.kind, "rest", is_continued=True)
    return [_single(group, member, index, note) for index, note in enumerate(notes)]


def _license_tail(group: Group, member: int, _version: int) -> list[Cast]:
    bare = _single(group, member, 0, Note(group.kind, "tail"))
    note = replace(bare.note, caption=bare.caption.text)
    return [replace(bare, caption=tailed(bare.caption, _LICENSE_TAIL), note=note)]


def _reproduced(group: Group, member: int, _version: int) -> list[Cast]:
    casts = []
    for index, text in enumerate(_PERMISSIONS):
        cast = _single(group, member, index, Note(group.kind, text, (RIGHTS,), (REPRODUCED,)))
        casts.append(replace(cast, caption=tailed(cast.caption, text)))
    return casts


def _adapted(group: Group, member: int, _version: int) -> list[Cast]:
    """Say that a figure is adapted, which is a flag and no reason; and use the words for something else."""
    notes = ((_ADAPTED, Note(group.kind, "adapted", (), (ADAPTED,))), (_HARMLESS, Note(group.kind, "harmless")))
    casts = [_single(group, member, index, note) for index, (_, note) in enumerate(notes)]
    return [replace(cast, caption=tailed(cast.caption, text)) for cast, (text, _) in zip(casts, notes, strict=True)]


def make_badge(group: Group, member: int) -> Cast:
    """Return the badge: everywhere the same pixels, now and then in a PNG, and never the same caption."""
    number = group.part.numbers[member]
    picture = group.draw(member, 0, Badge("OPEN"), _BADGE_SIZE)
    media = replace(picture, number=0, purpose="badge", quality=90)
    if number // 2 % 3 == 0:
        media = replace(media, name=".png", is_repacked=True)
    dice = Dice(group.config.seed, number, "badge")
    text = f"Badge for open practice, given to the study at {words.invent_name(number)} in {dice.between(2004, 2026)}."
    return Cast((media,), Caption(None, (plain(text),)), Note(Curation.BADGE, media.extension))


def _scenic(group: Group, member: int, index: int, scene: Scene, size: Size, note: Note) -> Cast:
    media = group.draw(member, index, scene, size, "png" if index % 2 else "jpg")
    return Cast((media,), group.caption(member, index, media), note)


def _blank(group: Group, member: int, _version: int) -> list[Cast]:
    sheets = (("white", Blank(255, 0)), ("black", Blank(0, 0)), ("faint", Blank(201, 0.8)))
    return [
        _scenic(group, member, index, scene, _own_size(group, member), Note(group.kind, name, (BLANK,)))
        for index, (name, scene) in enumerate(sheets)
    ]


def _own_size(group: Group, member: int) -> Size:
    """Return a size that hardly another article has: what has no data is the same picture otherwise."""
    number = group.part.numbers[member]
    return 400 + number % 89, 320 + number % 97


def _ramp(group: Group, member: int, _version: int) -> list[Cast]:
    """Show two wedges, no two of the group alike, though a hash hardly tells them apart."""
    wedges = ((Ramp(10, 245, False), Ramp(0, 200, True)), (Ramp(60, 255, False), Ramp(30, 225, True)))[member]
    return [
        _scenic(group, member, index, scene, _own_size(group, member), Note(group.kind, f"wedge {2 * member + index}"))
        for index, scene in enumerate(wedges)
    ]


def _aspect(group: Group, member: int, _version: int) -> list[Cast]:
    shapes: tuple[tuple[str, Size, tuple[str, ...]], ...] = (
        ("wide", (864, 96), (ASPECT,)),
        ("tall", (96, 864), (ASPECT,)),
        ("allowed", (672, 96), ()),
    )
    return [
        _scenic(group, member, index, Strip(), size, Note(group.kind, name, outcomes))
        for index, (name, size, outcomes) in enumerate(shapes)
    ]


def _small(group: Group, member: int, _version: int) -> list[Cast]:
    too_small = Note(group.kind, "63 px", (Reason.IMAGE_TOO_SMALL.value,))
    return [
        _scenic(group, member, 0, Strip(), (90, 63), too_small),
        _scenic(group, member, 1, Strip(), (90, 64), Note(group.kind, "64 px")),
    ]


BUILDERS: dict[Curation, Builder] = {
    Curation.BOILERPLATE: _boilerplate,
    Curation.COMMON_CAPTION: _shared_caption,
    Curation.RARE_CAPTION: _shared_caption,
    Curation.CONTINUED: _continued,
    Curation.LICENSE_TAIL: _license_tail,
    Curation.REPRODUCED: _reproduced,
    Curation.ADAPTED: _adapted,
    Curation.BADGE: lambda group, member, _version: [make_badge(group, member)],
    Curation.BLANK: _blank,
    Curation.RAMP: _ramp,
    Curation.ASPECT: _aspect,
    Curation.SMALL: _small,
}
