"""Captions: what the scene shows, with the markup of real ones, and how it must read."""

from dataclasses import dataclass

from pmc15m.synth import words
from pmc15m.synth.dice import Dice
from pmc15m.synth.plan import Caption, Facts
from pmc15m.synth.rich import EMPTY, Rich, join, plain, script, silent, tag
from pmc15m.synth.scenes import Panels, Scene

_XLINK = 'xmlns:xlink="http://www.w3.org/1999/xlink" ext-link-type="uri"'
MIN_CHARS, MAX_CHARS = 60, 600


@dataclass(frozen=True, slots=True)
class Setting:
    """What a caption needs to know of its article."""

    facts: Facts
    form: str  # see `Style.caption_form`
    cites: str  # see `Style.cites`
    num_references: int
    see: Rich | None  # a link to another figure
    has_formula: bool


def cite(dice: Dice, form: str, num_references: int) -> Rich:
    """Return a citation: set high it is not read (T6), on the line it is."""
    first = dice.between(1, num_references)
    link = f'<xref ref-type="bibr" rid="B{first}">'
    if form == "high":
        second = dice.between(1, num_references)
        more = f',<xref ref-type="bibr" rid="B{second}">{second}</xref>' if second > first else ""
        return silent(f"<sup>{link}{first}</xref>{more}</sup>")
    if form == "year":
        year = f"{1995 + first}"
        return Rich(f" ({link}Corvin et al., {year}</xref>)", f" (Corvin et al., {year})")
    return Rich(f" [{link}{first}</xref>]", f" [{first}]")


def _context(dice: Dice, facts: Facts) -> Rich:
    name = words.invent_name(facts.number)
    tissue, host, treatment, measure = facts.tissue, facts.host, facts.treatment, facts.measure
    return plain(
        dice.pick(
            (
                f"{tissue.capitalize()} of {host} after {treatment}",
                f"Samples of {tissue} were taken in {name} after {treatment}",
                f"{measure.capitalize()} in the {tissue} of {host}",
                f"Effect of {treatment} on {measure} at {name}",
                f"{host.capitalize()} at the end of {dice.pick(('autumn', 'the trial', 'week two', 'the season'))}",
            )
        )
    )


def _tails(dice: Dice, setting: Setting) -> list[Rich]:
    """Return sentences that any figure may have, with the markup of real ones."""
    n, low = dice.between(3, 48), dice.between(2, 9)
    tails = [
        plain("Values are means \u00b1 s.d. (") + tag("italic", "n") + f" = {n})",
        tag("italic", "p") + f" < 0.0{low} against the control",
        plain("Counts are given in 10") + script("sup", str(low), "^") + " cells ml" + script("sup", "\u22121"),
        plain(f"Kept at {20 + low}\u00a0\u00b0C under {low}% CO") + script("sub", "2"),
        plain("Ca") + script("sup", "2+") + f" was added after {n} min",
        plain(f"Strips are {n}\u2009mm wide"),
        plain(f"Marks: \u03b1, dry at {low}\u00a0\u00b0C; \u03b2, wet"),
        plain(f"Immuno\u00adstaining by the nai\u0308ve protocol of site {low}"),
        plain("The protocol is that of the earlier survey") + cite(dice, setting.cites, setting.num_references),
        plain("Data are at ")
        + Rich(
            f'<ext-link {_XLINK} xlink:href="https://example.org/d/{n}">example.org/d/{n}</ext-link>',
            f"example.org/d/{n}",
        ),
        plain("Found in ") + tag("italic", dice.pick(("Campula vernalis", "Ovidia mollis", "Rana ficta"))) + " too",
        tag("bold", "Dashed frames") + " mark what is shown elsewhere",
        plain(f"n\u00a0=\u00a0{n}\u2013{n + low} per group"),
    ]
    if setting.see:
        tails.append(plain("Groups as in ") + setting.see)
    if setting.has_formula:
        tails.append(_formula(n))
    return dice.sample(tails, dice.weigh(((0, 2), (1, 4), (2, 4), (3, 1))))


def _formula(number: int) -> Rich:
    """Return a sentence with a formula in two renderings: one token, so that its layout is no question."""
    xml = (
        f'<inline-formula id="IEq{number}"><alternatives><tex-math id="M{number}">'
        "\\documentclass[12pt]{minimal}\\usepackage{amsmath}\\begin{document}$$\\lambda$$\\end{document}</tex-math>"
        f'<mml:math id="M{number}a"><mml:mi>\u03bb</mml:mi></mml:math><inline-graphic xlink:href="IEq{number}.gif"/>'
        "</alternatives></inline-formula>"
    )
    return plain("The fitted rate is ") + Rich(xml, "\u03bb") + f" = 0.{number}"


def _sentence(run: Rich) -> Rich:
    return run + "."


def _panel_runs(scene: Panels, style: str) -> list[tuple[str, Rich]]:
    """Return the letter and the words of each panel; `style` says how the letter is set."""
    runs = []
    for letter, child in zip(scene.letters, scene.scenes, strict=False):
        mark = {"list": EMPTY, "bold": plain("(") + tag("bold", letter) + ") ", "plain": plain(f"({letter}) ")}[style]
        runs.append((letter, _sentence(mark + child.summary)))
    return runs


def make_caption(dice: Dice, scene: Scene, setting: Setting) -> Caption:
    """Return a caption of 60 to 600 characters that describes the scene."""
    head = _sentence(plain(scene.summary))
    is_list = setting.form == "list" and isinstance(scene, Panels)
    if isinstance(scene, Panels):
        panels = _panel_runs(scene, "list" if is_list else dice.pick(("bold", "plain")))
        body = [] if is_list else [run for _, run in panels]
        items = tuple(panels) if is_list else ()
    else:
        body, items = [_sentence(plain(detail)) for detail in scene.details], ()
    context = _sentence(_context(dice, setting.facts))
    lead, body = (context, [head, *body]) if dice.chance(0.4) else (head, [*body, context])
    tails = [_sentence(tail) for tail in _tails(dice, setting)]
    return _fit(dice, setting.form, lead, [*body, *tails], items)


def _fit(dice: Dice, form: str, lead: Rich, sentences: list[Rich], items: tuple[tuple[str, Rich], ...]) -> Caption:
    """Return a caption with as many of the last sentences as the limit allows."""
    fixed = len(lead.text) + sum(len(item.text) + 4 for _, item in items)
    while sentences and fixed + sum(len(run.text) + 1 for run in sentences) > MAX_CHARS:
        sentences.pop()
    if fixed + sum(len(run.text) + 1 for run in sentences) < MIN_CHARS:
        sentences.append(plain("All samples were taken on the same day and kept under the same light."))
    if form == "title":
        return Caption(join([lead, *sentences]), ())
    if form == "paragraph" or not sentences:
        return Caption(None, (join([lead, *sentences]),), items)
    if form == "split" and len(sentences) > 2 and dice.chance(0.4):
        return Caption(lead, (join(sentences[:2]), join(sentences[2:])), items)
    return Caption(lead, (join(sentences),), items)
