"""What an article says of itself: journal, date, title, authors, licence, ids."""

from pmc15m.synth import words
from pmc15m.synth.config import pmcid_of
from pmc15m.synth.dice import Dice
from pmc15m.synth.plan import Facts, License, Style
from pmc15m.synth.rich import Rich, plain, script, tag

_CODES = (("CC BY", 82), ("CC0", 6), ("CC BY-SA", 3), ("CC BY-NC", 5), ("CC BY-ND", 2), ("CC BY-NC-ND", 2))
_TYPES = (("research-article", 80), ("review-article", 7), ("case-report", 6), ("brief-report", 4), ("letter", 3))
_PATHS = {"CC BY": "by", "CC BY-SA": "by-sa", "CC BY-NC": "by-nc", "CC BY-ND": "by-nd", "CC BY-NC-ND": "by-nc-nd"}


def make_license(code: str, year: int) -> License:
    """Return a licence in the version of its time."""
    if code == "CC0":
        return License(code, "https://creativecommons.org/publicdomain/zero/1.0/")
    if year < 2014:
        return License(code, f"http://creativecommons.org/licenses/{_PATHS[code]}/{'2.0' if year < 2009 else '3.0'}/")
    return License(code, f"https://creativecommons.org/licenses/{_PATHS[code]}/4.0/")


def _title(dice: Dice, number: int, facts_words: tuple[str, str, str, str]) -> Rich:
    """Return a title that no other article has: it holds an invented name made of the number."""
    host, tissue, treatment, measure = facts_words
    name = words.invent_name(number)
    form = dice.between(0, 4)
    if form == 0:
        return plain(f"{treatment.capitalize()} and {measure} in the {tissue} of {host}: the {name} study")
    if form == 1:
        return plain(f"{measure.capitalize()} of {host} at {name}, 1998\u2013{dice.between(2001, 2003)}")
    if form == 2:
        latin = tag("italic", dice.pick(words.LATIN))
        return plain(f"Effects of {treatment} on ") + latin + f" {tissue} near {name}"
    if form == 3:
        return plain(f"The {name} protocol for CO") + script("sub", "2") + f" and {measure} in {host}"
    return plain(f"{words.article_of(measure).capitalize()} {measure} map of {tissue} in {host} from {name}")


def make_facts(seed: int, number: int, style: Style, version: int = 1, license_code: str = "") -> Facts:
    """Return the facts of article n; `license_code` fixes the licence."""
    dice = Dice(seed, number, "facts")
    journal = dice.pick(style.journals)
    year = dice.between(*style.years)
    chosen = (dice.pick(words.HOSTS), dice.pick(words.TISSUES), dice.pick(words.TREATMENTS), dice.pick(words.MEASURES))
    code = dice.weigh(_CODES)
    authors = tuple(zip(dice.sample(words.SURNAMES, 6), dice.sample(words.GIVEN, 6), strict=True))
    slug = journal.slug
    return Facts(
        number=number,
        pmcid=pmcid_of(number),
        version=version,
        journal=journal,
        year=year,
        month=dice.between(1, 12),
        day=dice.between(1, 28),
        volume=year - 1999,
        eloc=1000 + number,
        doi=f"10.99999/{slug.upper() if dice.chance(0.1) else slug}.{year}.{1000 + number:06d}",
        pmid=70_000_000 + number if dice.chance(0.93) else None,
        title=_title(dice, number, chosen),
        authors=authors[: dice.between(1, 6)],
        article_type=dice.weigh(_TYPES),
        license=make_license(license_code or code, year),
        host=chosen[0],
        tissue=chosen[1],
        treatment=chosen[2],
        measure=chosen[3],
    )
