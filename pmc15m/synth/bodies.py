"""Running text: invented sentences, and the paragraphs that link to figures."""

from dataclasses import dataclass

from pmc15m.synth import words
from pmc15m.synth.captions import cite
from pmc15m.synth.dice import Dice
from pmc15m.synth.plan import Facts, Fig, Group, Paragraph, Role, Section, Style
from pmc15m.synth.rich import Rich, join, plain, script, tag

UNMENTIONED_FRACTION = 0.04  # of figures; in a set of 1,919 real ones 16 were never mentioned
_NOUNS = ("samples", "plots", "strips", "readings", "animals", "cultures", "sections", "sites", "volunteers", "stems")
_VERBS = (
    "rose",
    "fell",
    "stayed level",
    "doubled",
    "varied little",
    "levelled off",
    "recovered",
    "split in two groups",
)
_TIMES = ("within two weeks", "after the first frost", "during the night", "by the end of May", "from the third day on")
_CLAIMS = (
    "The pattern held at every site",
    "The two groups parted early",
    "The controls did not change",
    "Cells kept their shape throughout",
    "The effect was gone by the next visit",
    "No batch stood out",
    "The strongest band was seen in warm samples",
    "Both measures agreed within their error",
)


@dataclass(frozen=True, slots=True)
class Target:
    """Something that text links to: a fig or a fig-group, and the figs that are thereby mentioned."""

    rid: str
    number: int
    name: str  # "Figure 2"
    fig_ids: tuple[str, ...]
    has_panels: bool
    is_ranged: bool  # may stand in a range


def link(rid: str, text: str) -> Rich:
    """Return a link to a figure."""
    return Rich(f'<xref ref-type="fig" rid="{rid}">{plain(text).xml}</xref>', text)


def targets_of(style: Style, figs: tuple[Fig, ...], groups: dict[int, Group]) -> list[Target]:
    """Return what the text can link to, in the order of the figures."""
    targets, seen = [], set()
    for fig in figs:
        slot = fig.slot
        name = f"{style.word} {slot.number}"
        if slot.role == Role.PANEL and slot.number not in seen:
            seen.add(slot.number)
            children = tuple(f.fig_id for f in figs if f.slot.role == Role.PANEL and f.slot.number == slot.number)
            targets.append(Target(groups[slot.number].group_id, slot.number, name, children, False, False))
        elif slot.role == Role.MAIN:
            is_ranged = style.has_ranges and not fig.label.startswith("Table")
            targets.append(Target(fig.fig_id, slot.number, name, (fig.fig_id,), True, is_ranged))
        elif slot.role == Role.SUPPLEMENT:
            long = f"{name}\u2014figure supplement {slot.part}"
            targets.append(Target(fig.fig_id, slot.number, long, (fig.fig_id,), False, False))
    return targets


def _statement(dice: Dice, facts: Facts) -> Rich:
    """Return a sentence without its stop."""
    kind, percent = dice.between(0, 7), dice.between(2, 88)
    if kind < 3:
        text = f"The {facts.measure} of the {dice.pick(_NOUNS)} {dice.pick(_VERBS)} {dice.pick(_TIMES)}"
    elif kind == 3:
        text = f"Of {percent + 20} {dice.pick(_NOUNS)}, {percent} were kept after {facts.treatment}"
    elif kind == 4:
        return plain(f"The yield was {percent} kg m") + script("sup", "\u22122") + f" at {dice.pick(words.PLACES)}"
    elif kind == 5:
        return plain("The air held ") + f"{percent}\u2009ppm CO" + script("sub", "2") + " on average"
    elif kind == 6:
        return plain(f"{dice.pick(_CLAIMS)} (") + tag("italic", "p") + f" = 0.{percent:02d})"
    else:
        text = f"{dice.pick(_CLAIMS)} in {facts.host}"
    return plain(text)


def _sentences(dice: Dice, facts: Facts, style: Style, count: int, num_references: int) -> list[Rich]:
    runs = []
    for _ in range(count):
        run = _statement(dice, facts)
        if dice.chance(0.25):
            run = run + cite(dice, style.cites, num_references)
        runs.append(run + ".")
    return runs


def _mention(dice: Dice, target: Target, facts: Facts) -> Rich:
    """Return a sentence that links to one target, perhaps to a panel of it."""
    panel = dice.pick("ABCD") if target.has_panels and dice.chance(0.3) else ""
    name = target.name.replace(" ", "\u00a0") if dice.chance(0.2) else target.name
    inside = dice.chance(0.5)
    ref = link(target.rid, name + panel) if inside else link(target.rid, name) + panel
    form = dice.between(0, 3)
    if form == 0:
        return _statement(dice, facts) + " (" + ref + ")."
    if form == 1:
        return ref + f" shows the {facts.measure} of all {dice.pick(_NOUNS)}."
    if form == 2:
        return plain("As seen in ") + ref + f", the {dice.pick(_NOUNS)} {dice.pick(_VERBS)}."
    return _statement(dice, facts) + " (see " + ref + " for the " + tag("italic", facts.tissue) + ")."


def _joint_mention(dice: Dice, some: list[Target], facts: Facts, word: str) -> Rich:
    """Return a sentence that links to two to four targets: a range, a list of ids, or two links."""
    plural = {"Figure": "Figures", "Fig.": "Figs."}[word]
    first, last = some[0], some[-1]
    if len(some) > 2 and all(target.is_ranged for target in some):
        dash = dice.pick(("\u2013", "\u2013", "-", " to "))
        ref = link(first.rid, f"{plural} {first.number}") + dash + link(last.rid, str(last.number))
    elif dice.chance(0.5):
        numbers = words.list_words([str(target.number) for target in some])
        ref = link(" ".join(target.rid for target in some), f"{plural} {numbers}")
    else:
        refs = [link(target.rid, target.name if i == 0 else str(target.number)) for i, target in enumerate(some)]
        ref = join(refs[:-1], ", ") + " and " + refs[-1]
    return _statement(dice, facts) + " (" + ref + ")."


def _joint_paragraph(dice: Dice, targets: list[Target], facts: Facts, style: Style) -> Paragraph | None:
    """Return a paragraph about neighbouring figures, where there are any."""
    plain_targets = [t for t in targets if t.has_panels or len(t.fig_ids) > 1]
    if len(plain_targets) < 2 or dice.chance(0.4):
        return None
    start = dice.between(0, len(plain_targets) - 2)
    some = plain_targets[start : start + dice.between(2, 4)]
    runs = [*_sentences(dice, facts, style, 1, 5), _joint_mention(dice, some, facts, style.word)]
    return Paragraph(join(runs), tuple(fig_id for target in some for fig_id in target.fig_ids))


def make_sections(
    dice: Dice, facts: Facts, style: Style, targets: list[Target], num_references: int
) -> tuple[Section, ...]:
    """Return the sections of the body, with almost every figure mentioned."""

    def filler(low: int, high: int) -> Paragraph:
        return Paragraph(join(_sentences(dice, facts, style, dice.between(low, high), num_references)))

    results: list[Paragraph] = [filler(2, 4)]
    for target in targets:
        if dice.chance(UNMENTIONED_FRACTION):
            continue
        runs = _sentences(dice, facts, style, dice.between(1, 3), num_references)
        runs.insert(dice.between(0, len(runs)), _mention(dice, target, facts))
        results.append(Paragraph(join(runs), target.fig_ids))
        if dice.chance(0.25):
            results.append(Paragraph(_mention(dice, target, facts), target.fig_ids))
    discussion = [filler(3, 5), filler(2, 4)]
    joint = _joint_paragraph(dice, targets, facts, style)
    if joint:
        discussion.insert(1, joint)
    return (
        Section("Introduction", (filler(3, 6), filler(3, 5))),
        Section("Methods", tuple(filler(2, 5) for _ in range(dice.between(2, 4)))),
        Section("Results", tuple(results)),
        Section("Discussion", tuple(discussion)),
    )


def make_abstract(dice: Dice, facts: Facts) -> str:
    """Return the XML of a short abstract's text."""
    return join([_statement(dice, facts) + "." for _ in range(dice.between(2, 4))]).xml


def make_references(dice: Dice, count: int) -> tuple[str, ...]:
    """Return the text of invented references."""
    lines = []
    for index in range(1, count + 1):
        names = words.list_words([f"{s} {g[0]}" for s, g in zip(dice.sample(words.SURNAMES, 2), "AB", strict=True)])
        topic = f"{dice.pick(words.MEASURES)} under {dice.pick(words.TREATMENTS)}"
        pages = dice.between(1, 400)
        lines.append(f"{names}. On {topic}. Fen Letters. {1995 + index};{index}:{pages}\u2013{pages + 7}.")
    return tuple(lines)
