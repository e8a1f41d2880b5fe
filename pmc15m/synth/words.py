"""The vocabulary of generated articles. All of it is invented or everyday; nothing comes from a publication."""

import numpy as np

COLOURS: dict[str, tuple[int, int, int]] = {
    "red": (205, 45, 40),
    "orange": (238, 138, 32),
    "yellow": (240, 208, 50),
    "green": (50, 150, 62),
    "teal": (22, 145, 145),
    "blue": (42, 92, 195),
    "purple": (122, 58, 165),
    "magenta": (208, 42, 150),
    "pink": (242, 150, 178),
    "brown": (138, 86, 46),
    "grey": (130, 130, 130),
    "black": (25, 25, 25),
}
COLOUR_NAMES = tuple(COLOURS)
BRIGHT_NAMES = ("red", "orange", "yellow", "green", "teal", "blue", "purple", "magenta", "pink")


def _listed(text: str) -> tuple[str, ...]:
    """Return the items of a list with commas."""
    return tuple(text.split(", "))


NUMBERS = _listed("no, one, two, three, four, five, six, seven, eight, nine, ten, eleven, twelve")
ORDINALS = _listed(
    "zeroth, first, second, third, fourth, fifth, sixth, seventh, eighth, ninth, tenth, eleventh, twelfth"
)

X_AXES = _listed(
    "Time (h), Time (days), Dose (mg), Age (years), Distance (mm), Depth (m), Temperature (C), Cycle, Load (N), "
    "Concentration (mM), Week, Frequency (Hz)"
)
Y_AXES = _listed(
    "Yield (%), Signal (a.u.), Mass (g), Cells per field, Activity (U), Score, Rate (1/s), Pressure (kPa), Length "
    "(mm), Survival (%), Flow (ml/min), Index"
)
GROUPS = _listed("ctrl, low, mid, high, wash, salt, cold, warm, mix, sham, dry, wet")
TISSUES = _listed(
    "liver, root, leaf, kidney, skin, retina, seed coat, heart muscle, gill, spleen, stem, bone marrow, cartilage, "
    "petal, lung, gut wall, tongue, pollen, tail fin, tendon"
)
HOSTS = _listed(
    "field voles, barn owls, river trout, marsh reeds, meadow clover, garden snails, hill ponies, young adults, "
    "school children, night nurses, dairy goats, honey bees, pond newts, wild barley, alpine hares, harbour mussels, "
    "retired rowers, cave crickets, spring wheat, moor grouse"
)
LATIN = _listed("Campula vernalis, Ovidia mollis, Rana ficta, Tardella minor, Lumbrella cava, Festina alta")
TREATMENTS = _listed(
    "slow drying, repeated cooling, a salt diet, mild heat, night light, low oxygen, daily walks, cold storage, "
    "copper dust, acid rain, a week of fasting, steady rocking, dim blue light, hard water, root pruning, quiet rest, "
    "early weaning, brackish water, a barley extract"
)
MEASURES = _listed(
    "growth, enzyme activity, water content, cell density, pulse rate, wound closure, colour change, sugar uptake, "
    "stiffness, oxygen use, sleep length, ion flow, protein yield, reaction time"
)
PLACES = _listed("Marlow Fen, Upper Tarn, Sandwick, Old Ferry, Linden Quay, Hollow Moor, Weir Green, Thornby")
SURNAMES = _listed(
    "Adderley, Bramwell, Corvin, Duskov, Eskell, Farrowby, Gantt, Holmqvist, Iversby, Jarrod, Kestrel, Lindqvar, "
    "Morvane, Nettleby, Ostrava, Pellam, Quillon, Rost, Sandoval-Wick, Tarnow, Ullerby, Vexley, Whinfell, Yarrow, "
    "Zabor, M\u00fcllner, Fr\u00e9chon, \u00d8stby"
)
GIVEN = _listed(
    "Ada, Bruno, Celia, Dov, Edda, Femi, Greta, Hugo, Ines, Jonas, Kaja, Luca, Mira, Nils, Oona, Pavel, Rhea, Sven, "
    "Tove, Ugo, Vera, Wanda, Yusuf, Zoe"
)

_SYLLABLES = tuple(c + v for c in "bdfglmnprstvz" for v in ("a", "e", "i", "o", "u"))


def count_word(number: int) -> str:
    """Return a small number as a word, a large one in digits."""
    return NUMBERS[number] if number < len(NUMBERS) else str(number)


def invent_name(number: int) -> str:
    """Return a pronounceable name: another number below 65 ** 4, another name."""
    base = len(_SYLLABLES)
    left = number * 7_654_321 % base**4 + base  # the factor shares none with 65, so that no two numbers meet
    syllables = []
    while left > 0:
        left, digit = divmod(left - 1, base)
        syllables.append(_SYLLABLES[digit])
    return "".join(reversed(syllables)).capitalize() + "n"


def list_words(items: list[str]) -> str:
    """Return "a", "a and b" or "a, b and c"."""
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} and {items[-1]}"


def shade(rng: np.random.Generator, colour: str, spread: int = 16) -> tuple[int, int, int]:
    """Return the colour of that name, a little changed, so that no two figures share it exactly."""
    shift = rng.integers(-spread, spread + 1, 3)
    if colour in {"grey", "black"}:
        shift[:] = shift[0]  # a tint would belie the name
    red, green, blue = (min(255, max(0, base + int(s))) for base, s in zip(COLOURS[colour], shift, strict=True))
    return red, green, blue


def article_of(word: str) -> str:
    """Return "a" or "an"."""
    return "an" if word[0] in "aeiou" else "a"
