"""The plan of one article: everything that is decided before text is set and pixels are drawn."""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum

from pmc15m.synth.alterations import Alteration, altered_size
from pmc15m.synth.curation import Note
from pmc15m.synth.dice import Dice
from pmc15m.synth.pool import Size
from pmc15m.synth.rich import Rich, clean, join
from pmc15m.synth.scenes import Scene


class Role(StrEnum):
    """What a fig is in its article."""

    MAIN = "main"
    SUPPLEMENT = "supplement"  # nested in the fig of its number
    PANEL = "panel"  # a child of the fig-group of its number
    RESPONSE = "response"  # in a sub-article
    ABSTRACT = "abstract"  # graphical abstract


@dataclass(frozen=True, slots=True)
class Slot:
    """A place for a fig."""

    role: Role
    number: int  # "Figure 3"
    part: int = 0  # the how-manieth supplement or panel of this number, from 1
    num_graphics: int = 1


@dataclass(frozen=True, slots=True)
class License:
    """A licence: class as the metadata write it, and URL."""

    code: str
    url: str


@dataclass(frozen=True, slots=True)
class Journal:
    """An invented journal."""

    name: str
    abbreviation: str
    slug: str  # what files and DOIs are named after
    publisher: str


@dataclass(frozen=True, slots=True)
class Facts:
    """What an article says of itself."""

    number: int
    pmcid: str
    version: int
    journal: Journal
    year: int  # earliest year of publication
    month: int
    day: int
    volume: int
    eloc: int  # number of the article in its journal: another one for every article
    doi: str
    pmid: int | None
    title: Rich
    authors: tuple[tuple[str, str], ...]  # (surname, given names)
    article_type: str
    license: License
    host: str
    tissue: str
    treatment: str
    measure: str
    is_manuscript: bool = False  # the author's, of an article that its publisher has too
    related: tuple[str, str] = ("", "")  # kind and DOI of another form of the work that it names

    @property
    def mid(self) -> str:
        """The id that an author manuscript has of its own."""
        return f"NIHMS{9_000_000 + self.number}"


@dataclass(frozen=True, slots=True)
class Media:
    """One image file of a figure, and how its pixels come about."""

    name: str
    scene: Scene
    size: Size
    number: int  # of the article that draws it, and
    purpose: str  # the name of the draws: one number and purpose, one picture
    mode: str  # "RGB", "L", "P" or "RGBA": of a PNG
    quality: int  # of a JPEG
    is_progressive: bool
    is_repacked: bool = False  # the pixels of a JPEG in another file
    alteration: Alteration = Alteration.NONE  # of the JPEG

    @property
    def extension(self) -> str:
        """The extension, in lower case: "jpg"."""
        return self.name.rpartition(".")[2].lower()

    @property
    def file_size(self) -> Size:
        """The size of the picture in the file."""
        return altered_size(self.size, self.alteration)


@dataclass(frozen=True, slots=True)
class Graphic:
    """One graphic position of a fig: one file, or the alternatives of one picture."""

    media: Media
    href: str
    print_name: str = ""  # the small grey form for print, made of the same picture; "" for none
    print_href: str = ""


@dataclass(frozen=True, slots=True)
class Caption:
    """A caption: an optional title, blocks, and perhaps list items; attribution stays outside."""

    title: Rich | None
    blocks: tuple[Rich, ...]
    items: tuple[tuple[str, Rich], ...] = ()
    doi_block: str = ""  # a last paragraph that is nothing but the object's DOI
    attrib: str = ""
    alt_text: str = ""

    @property
    def text(self) -> str:
        """The caption as it is read."""
        parts = ([self.title] if self.title else []) + list(self.blocks)
        listed = [join([Rich("", label), item]) for label, item in self.items]
        return clean(join(parts + listed).text)


@dataclass(frozen=True, slots=True)
class Fig:
    """One fig element."""

    slot: Slot
    fig_id: str
    label: str  # as it stands in the XML; "" for none
    caption: Caption | None
    graphics: tuple[Graphic, ...]
    permissions: str = ""  # XML of its own rights
    license: License | None = None  # what those rights say
    note: Note | None = None  # of a figure that is there to be curated


@dataclass(frozen=True, slots=True)
class Group:
    """A fig-group over panels of one number."""

    group_id: str
    label: str
    caption: Caption


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A paragraph of running text and the figs that it links to."""

    rich: Rich
    fig_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Section:
    """A section with its paragraphs."""

    title: str
    paragraphs: tuple[Paragraph, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """A whole article."""

    style: "Style"
    facts: Facts
    figs: tuple[Fig, ...]  # in the order of their numbers
    groups: dict[int, Group]  # by number
    abstract: str
    sections: tuple[Section, ...]
    response: Paragraph | None  # the paragraph of the author response
    references: tuple[str, ...]
    extra_media: tuple[str, ...] = ()  # small files that are no figures


@dataclass(frozen=True, slots=True)
class Style:
    """The house style of a kind of publisher."""

    name: str
    journals: tuple[Journal, ...]
    years: tuple[int, int]
    charset: str  # how characters outside ASCII are written: "utf8", "numeric" or "entities"
    href_form: str  # "full", "stem" or "tif": the href names the file, its stem, or the author's tif
    word: str  # how text names a figure: "Figure" or "Fig."
    caption_form: str  # "title", "paragraph", "split" (title and paragraphs) or "list"
    cites: str  # how text cites: "high", "bracket" or "year"
    slots: Callable[[Dice, int], tuple[Slot, ...]]
    fig_id: Callable[[Facts, Slot], str]
    label: Callable[[Slot], str]
    stem: Callable[[Facts, Slot, int], str]  # of the media file of a graphic, from 1
    render: Callable[[Plan], str]  # the XML, characters as they are
    has_print: bool = False
    has_ranges: bool = True
    extras: Callable[[Facts, Dice], tuple[str, ...]] = field(default=lambda facts, dice: ())

    def href(self, name: str, stem: str) -> str:
        """Return how a graphic names its file."""
        return {"full": name, "stem": stem, "tif": f"{stem}.tif"}[self.href_form]


def main_slots(_dice: Dice, count: int) -> tuple[Slot, ...]:
    """Return numbered figures and nothing else."""
    return tuple(Slot(Role.MAIN, number) for number in range(1, count + 1))
