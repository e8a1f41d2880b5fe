"""Figures used again, in another article or in the same, and figures that only look as if they were."""

from collections.abc import Callable
from dataclasses import replace

from pmc15m.synth import words
from pmc15m.synth.alterations import NEAR, Alteration
from pmc15m.synth.casts import Cast, Group, alike, altered, repacked
from pmc15m.synth.curation import Curation, Note
from pmc15m.synth.lookalikes import CountChart, Curves, Slice
from pmc15m.synth.plan import Caption, Media, Role
from pmc15m.synth.rich import plain
from pmc15m.synth.scenes import Scene

Builder = Callable[[Group, int, int], list[Cast]]
"""Makes the figures of one member of a group, in one version of it."""

NUM_SLICES, NUM_SERIES = 5, 4
_SERIES_SIZE = (480, 360)


def _sources(group: Group, *forms: tuple[str, str]) -> list[Cast]:
    """Return the figures of the first article, by look and extension: what its neighbour uses again."""
    casts = []
    for index, (look, extension) in enumerate(forms):
        media = group.picture(0, index, look, extension)
        casts.append(Cast((media,), group.caption(0, index, media), Note(group.kind, "source")))
    return casts


def _reused_file(group: Group, member: int, _version: int) -> list[Cast]:
    sources = _sources(group, ("any", "jpg"), ("any", "png"))
    if member == 0:
        return sources
    return [
        replace(sources[0], note=Note(group.kind, "same caption")),
        Cast(sources[1].media, group.other_caption(member, 1), Note(group.kind, "other caption")),
    ]


def _reused_pixels(group: Group, member: int, _version: int) -> list[Cast]:
    """Pack the same pixels anew: JPEG as PNG, JPEG as TIFF, PNG as TIFF, JPEG with other metadata."""
    sources = _sources(group, *(("any", extension) for extension in ("jpg", "jpg", "png", "jpg")))
    if member == 0:
        return sources
    first, second, third, last = (cast.media[0] for cast in sources)
    packs = (
        repacked(first, "png"),
        repacked(second, "tif"),
        repacked(third, "tif"),
        altered(last, Alteration.COMMENT),
    )
    casts = []
    for index, (media, name) in enumerate(
        zip(packs, ("jpg to png", "jpg to tif", "png to tif", "comment"), strict=True)
    ):
        is_same = index % 2 == group.part.cycle % 2
        caption = sources[index].caption if is_same else group.other_caption(member, index)
        casts.append(Cast((media,), caption, Note(group.kind, f"{name}, {'same' if is_same else 'other'} caption")))
    return casts


def _near(look: str, *, is_alike: bool) -> Builder:
    """Return the maker of a source and of altered copies of it; a border is set round what it stands out from."""
    bordered = "cells" if look == "dense" else "line"

    def build(group: Group, member: int, _version: int) -> list[Cast]:
        looks = (bordered if alteration == Alteration.BORDER else look for alteration in NEAR)
        sources = _sources(group, *((each, "jpg") for each in looks))
        if member == 0:
            return sources
        casts = []
        for index, (source, alteration) in enumerate(zip(sources, NEAR, strict=True)):
            caption = group.other_caption(member, index)
            if is_alike:
                caption = alike(source.caption) if index % 2 else source.caption
            casts.append(Cast((altered(source.media[0], alteration),), caption, Note(group.kind, alteration)))
        return casts

    return build


def _chain(group: Group, member: int, _version: int) -> list[Cast]:
    """Give every article a figure of its own, and all but the first one of the article before."""
    own = group.picture(member, 1)
    casts = [Cast((own,), group.caption(member, 1, own), Note(group.kind, "own"))]
    if member:
        before = group.picture(member - 1, 1)
        caption = group.caption(member - 1, 1, before)
        forms = (
            (before, caption, "file"),
            (repacked(before, "png"), group.other_caption(member, 0), "pixels"),
            (altered(before, Alteration.JPEG75), alike(caption), "near"),
        )
        media, caption, name = forms[(member + group.part.cycle) % 3]
        casts.insert(0, Cast((media,), caption, Note(group.kind, name)))
    return casts


def _abstract_copy(group: Group, member: int, _version: int) -> list[Cast]:
    """Show a figure as graphical abstract, the same file or the same pixels."""
    media = group.picture(member, 0)
    copy = repacked(media, "png") if group.part.cycle % 2 else media
    name = words.invent_name(group.part.numbers[member])
    return [
        Cast(
            (copy,),
            Caption(None, (plain(f"The {name} work in one view."),)),
            Note(group.kind, "abstract"),
            Role.ABSTRACT,
        ),
        Cast((media,), group.caption(member, 0, media), Note(group.kind, "figure")),
    ]


def _print_copy(group: Group, member: int, _version: int) -> list[Cast]:
    """Show a figure in colour, and once more small and grey under the same caption."""
    media = group.picture(member, 0, "dense")
    caption = group.caption(member, 0, media)
    return [
        Cast((media,), caption, Note(group.kind, "colour")),
        Cast((altered(media, Alteration.GREY_HALF),), caption, Note(group.kind, "grey")),
    ]


def _page_copy(group: Group, member: int, _version: int) -> list[Cast]:
    """Show a figure of two pages: one is a figure of its own too, and the other must stay."""
    first, second = group.picture(member, 0), group.picture(member, 1)
    return [
        Cast((first, second), group.caption(member, 0, first), Note(group.kind, "pages")),
        Cast((second,), group.caption(member, 1, second), Note(group.kind, "figure")),
    ]


def _slices(group: Group, member: int, _version: int) -> list[Cast]:
    """Show neighbouring slices, whose captions differ in two numbers."""
    number, facts = group.part.numbers[member], group.facts(member)
    step_mm = group.dice(member, "step").between(1, 3)
    casts = []
    for level in range(NUM_SLICES):
        media = group.draw(member, level, Slice(number, level), (480, 400))
        where = (
            f"Slice {level + 1} through the {facts.tissue} of one of the {facts.host} from {words.invent_name(number)}"
        )
        text = f"{where}, {12 + step_mm * level} mm above the base; the bright rim is the outer wall."
        casts.append(Cast((media,), Caption(None, (plain(text),)), Note(group.kind, f"level {level}")))
    return casts


def _series(group: Group, member: int, _version: int) -> list[Cast]:
    """Show one chart week after week: the axes stay, the lines do not."""
    facts, scene = group.facts(member), group.curves(member, 0)
    casts = []
    for week in range(NUM_SERIES):
        media = group.draw(member, week, scene, _SERIES_SIZE)
        when = f"in week {week + 1} of {facts.treatment}, when {7 * week + 5} of the {facts.host} were left"
        text = f"{scene.summary} {when}."
        casts.append(Cast((media,), Caption(None, (plain(text),)), Note(group.kind, f"week {week + 1}")))
    return casts


def _lookalike(make_scene: Callable[[int], Scene]) -> Builder:
    """Return the maker of one figure in each article, all of one template."""

    def build(group: Group, member: int, _version: int) -> list[Cast]:
        media: Media = group.draw(member, 0, make_scene(100 * group.part.numbers[0]), _SERIES_SIZE)
        return [Cast((media,), group.other_caption(member, 0), Note(group.kind, f"member {member}"))]

    return build


BUILDERS: dict[Curation, Builder] = {
    Curation.REUSED_FILE: _reused_file,
    Curation.REUSED_PIXELS: _reused_pixels,
    Curation.NEAR_ALIKE: _near("any", is_alike=True),
    Curation.NEAR_DENSE: _near("dense", is_alike=False),
    Curation.NEAR_LINE: _near("line", is_alike=False),
    Curation.CHAIN: _chain,
    Curation.ABSTRACT_COPY: _abstract_copy,
    Curation.PRINT_COPY: _print_copy,
    Curation.PAGE_COPY: _page_copy,
    Curation.SLICES: _slices,
    Curation.SERIES: _series,
    Curation.LOOKALIKE_CURVES: _lookalike(lambda template: Curves(template, ("blue", "red"), "Time (h)", "Yield (%)")),
    Curation.LOOKALIKE_COUNTS: _lookalike(CountChart),
}
