"""A group of curated articles: its facts, the pictures that its articles share, and captions alike and unlike."""

from dataclasses import dataclass, replace

from pmc15m.synth import words
from pmc15m.synth.alterations import Alteration
from pmc15m.synth.captions import Setting, make_caption
from pmc15m.synth.config import SynthConfig
from pmc15m.synth.curation import Curation, Note, Part
from pmc15m.synth.dice import Dice
from pmc15m.synth.facts import make_facts
from pmc15m.synth.figures import MIN_REFERENCES
from pmc15m.synth.lookalikes import Curves
from pmc15m.synth.micrographs import make_micrograph
from pmc15m.synth.photos import GROUNDS, brightness, make_landscape, make_objects
from pmc15m.synth.plan import Caption, Facts, Media, Role, Style
from pmc15m.synth.pool import Size
from pmc15m.synth.rich import plain
from pmc15m.synth.scans import make_scan
from pmc15m.synth.scenes import Scene, make_single
from pmc15m.synth.styles import STYLES

_FORCED = {
    Curation.ABSTRACT_COPY: "graphical",
    Curation.BOILERPLATE: "graphical",
    Curation.PAGE_COPY: "display_objects",
    Curation.CONTINUED: "display_objects",  # in other styles a figure may stand behind the rest of it
}
_MAX_DENSE_GROUND = 150  # brightness of a ground that no rule takes for white paper
_STEP_PX = 4  # of sides, so that halves and three quarters of them are whole


@dataclass(frozen=True, slots=True)
class Cast:
    """A figure that is there to be curated."""

    media: tuple[Media, ...]  # one a page; of the name nothing but the extension
    caption: Caption
    note: Note
    role: Role = Role.MAIN


@dataclass(frozen=True, slots=True)
class Group:
    """Articles that belong together; `member` is the position of one among them."""

    config: SynthConfig
    part: Part

    @property
    def kind(self) -> Curation:
        """What the group is there for."""
        return self.part.kind

    def dice(self, member: int, purpose: str) -> Dice:
        """Return the draws of one purpose of one article."""
        return Dice(self.config.seed, self.part.numbers[member], f"curation {purpose}")

    def style(self, member: int) -> Style:
        """Return the house style of an article."""
        forced = _FORCED.get(self.kind)
        if forced:
            return next(style for style in STYLES if style.name == forced)
        return self.dice(member, "style").pick(STYLES)

    def facts(self, member: int, version: int = 1) -> Facts:
        """Return the facts of an article as if it stood alone; all are free to use."""
        return make_facts(self.config.seed, self.part.numbers[member], self.style(member), version, "CC BY")

    def draw(self, member: int, index: int, scene: Scene, size: Size, extension: str = "jpg") -> Media:
        """Return a picture of an article's own."""
        number, quality = self.part.numbers[member], self.dice(member, f"quality {index}").between(86, 94)
        return Media(f".{extension}", scene, size, number, f"draw {self.kind} {index}", "RGB", quality, False)

    def picture(self, member: int, index: int, look: str = "any", extension: str = "jpg") -> Media:
        """Return a picture of an article's own.

        Args:
            member: the article.
            index: of the picture.
            look: "dense" covers its sheet; "cells" does so and has a ground that every trim of a white border
                finds (that of a pale sky goes too far); "line" is drawn on white paper; or "any".
            extension: of its file.
        """
        dice = self.dice(member, f"picture {index}")
        width = dice.between(420, 620)
        size = _whole(width), _whole(width * dice.uniform(0.7, 0.85))
        if look == "line":
            scene = self.curves(member, index)
        else:
            scene = {"dense": _dense_scene, "cells": _cells, "any": make_single}[look](dice)
        return self.draw(member, index, scene, size, extension)

    def curves(self, member: int, index: int) -> Scene:
        """Return lines over a template that no other article has."""
        dice = self.dice(member, f"curves {index}")
        colours = tuple(dice.sample(words.BRIGHT_NAMES, dice.between(1, 3)))
        return Curves(
            100 * self.part.numbers[member] + index, colours, dice.pick(words.X_AXES), dice.pick(words.Y_AXES)
        )

    def caption(self, member: int, index: int, media: Media) -> Caption:
        """Return the caption that an article gives its own picture."""
        setting = Setting(self.facts(member), "paragraph", self.style(member).cites, MIN_REFERENCES, None, False)
        return make_caption(self.dice(member, f"caption {index}"), media.scene, setting)

    def other_caption(self, member: int, index: int) -> Caption:
        """Return the caption that an article gives a picture of another: not a phrase of it is the same."""
        dice, facts = self.dice(member, f"other caption {index}"), self.facts(member)
        name, surname = words.invent_name(facts.number), dice.pick(words.SURNAMES)
        text = dice.pick(
            (
                f"What {surname} saw at {name} on day {dice.between(2, 90)}, long before {facts.treatment}",
                f"Record {dice.between(11, 99)} of {name}, which all later work on {facts.host} builds upon",
                f"Starting point chosen by {surname} for the {name} series: {facts.tissue}, untouched",
            )
        )
        return Caption(None, (plain(f"{text}; item {index + 1}."),))


def alike(caption: Caption) -> Caption:
    """Return a caption with one more sentence."""
    return replace(caption, blocks=(*caption.blocks[:-1], caption.blocks[-1] + " The earlier report has it too."))


def tailed(caption: Caption, tail: str) -> Caption:
    """Return a caption with a sentence at its end."""
    return replace(caption, blocks=(*caption.blocks[:-1], caption.blocks[-1] + f" {tail}"))


def altered(media: Media, alteration: Alteration) -> Media:
    """Return a JPEG after an alteration."""
    return replace(media, alteration=alteration)


def repacked(media: Media, extension: str) -> Media:
    """Return the pixels of a picture in a PNG or TIFF."""
    return replace(media, name=f".{extension}", is_repacked=media.extension == "jpg")


def _whole(side: float) -> int:
    return round(side / _STEP_PX) * _STEP_PX


def _cells(dice: Dice) -> Scene:
    """Return cells that glow on black."""
    scene = make_micrograph(dice)
    while scene.ground != "black":
        scene = make_micrograph(dice)
    return scene


def _dense_scene(dice: Dice) -> Scene:
    """Return something that covers its sheet: no paper is seen."""
    kind = dice.between(0, 3)
    if kind == 0:
        return make_landscape(dice)
    if kind == 1:
        return make_scan(dice)
    if kind == 2:
        return _cells(dice)
    objects = make_objects(dice)
    while brightness(GROUNDS[objects.ground]) > _MAX_DENSE_GROUND:
        objects = make_objects(dice)
    return objects
