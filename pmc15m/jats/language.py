"""The language of a caption: by its script, and within Latin and Cyrillic script by its small words.

A rule of our own instead of a library: captions are short and full of names, units and symbols,
on which models of letters guess. Nothing is guessed here: None where the words do not tell.
"""

import re
from collections import Counter

_MIN_LETTERS = 8
_MIN_SCORE = 3  # one word that only one language has, and one more
_MIN_ENGLISH_SCORE = 2  # one word is enough for what nearly all captions are
_MAX_CHARS = 2_000  # the start of a long caption tells

# Small words, and the words that captions are made of; no single letters of ASCII, which name panels and genera.
_WORDS = {
    "en": (
        "the of and in to with for is are was were by from on at an after between each shown show shows showing "
        "using used which that this these their both or not during not has have been bar bars cells control groups "
        "group patients data mean time days effect effects analysis left right top bottom panel study model schematic "
        "image images view before expression representative indicated indicate represents results error per"
    ),
    "de": (
        "der die das und in im den dem des ein eine einer eines mit von zu zur zum bei nach auf aus durch für ist "
        "sind wurde wurden nicht auch als wie oder sowie zwischen links rechts oben unten zeigt abbildung vor über "
        "patienten gruppe verlauf darstellung jahre"
    ),
    "fr": (
        "le la les de des du et en un une dans avec pour par sur est sont au aux ou entre qui que chez après "
        "selon ces cette ce à gauche droite montrant patients avant été années sans plus leur"
    ),
    "es": (
        "el la los las de del en un una con para por se es son al entre que como su sus según después "
        "desde sobre muestra muestran pacientes izquierda derecha años grupo antes durante están fue sin "
        "elaboración propia fuente tiempo"
    ),
    "pt": (
        "os as de do da dos das em no na nos nas um uma com para por se é são ao à ou entre que como "
        "seu sua segundo após desde sobre mostra mostrando pacientes esquerda direita anos grupo antes durante foi "
        "não pelo pela fonte tempo sem"
    ),
    "it": (
        "il lo la gli le di del della dei delle dello in un una con per da dal dalla nel nella che è sono al alla "
        "ai tra fra come dopo secondo pazienti sinistra destra anni gruppo prima durante non questo sul sulla"
    ),
    "nl": (
        "de het een en van in op met voor door is zijn werd werden naar uit bij aan niet tussen na als dat deze "
        "links rechts boven onder toont patiënten jaar groep worden wordt"
    ),
    "ru": "и в на с по для из от у к до при не после как через рисунок рис больных пациентов группы",  # noqa: RUF001  Cyrillic it is
    "bg": "и в на с по за от до при не след чрез са се фигура пациенти",  # noqa: RUF001  Cyrillic it is
    "uk": "і та в у на з за для від до при не після як через рисунок рис хворих",  # noqa: RUF001  Cyrillic it is
}
_LANGUAGES_OF = {
    word: tuple(sorted(language for language, words in _WORDS.items() if word in words.split()))
    for word in sorted({word for words in _WORDS.values() for word in words.split()})
}
_RUSSIAN = re.compile("[\u044b\u044d\u0451]", re.IGNORECASE)  # letters that its neighbours have not
_WORD = re.compile(r"[^\W\d_]+")
# Scripts of one language each, by range; Han letters are Chinese where no kana stand beside them.
_SCRIPTS = (
    ("ja", re.compile("[\u3040-\u30ff]")),
    ("ko", re.compile("[\uac00-\ud7a3]")),
    ("zh", re.compile("[\u3400-\u4dbf\u4e00-\u9fff]")),
    ("el", re.compile("[\u03ac-\u03ce\u1f00-\u1fff]")),
    ("he", re.compile("[\u05d0-\u05ea]")),
    ("th", re.compile("[\u0e01-\u0e4e]")),
    ("fa", re.compile("[\u067e\u0686\u0698\u06af\u06cc\u06a9]")),
    ("ar", re.compile("[\u0621-\u064a]")),
)
_LETTERS_A_SIGN = {"zh": 3, "ja": 2, "ko": 2}
"""How many letters of an alphabet one sign of these is worth."""


def caption_language(text: str) -> str | None:
    """Return the ISO 639-1 code of the language of a caption, or None where nothing is sure."""
    text = text[:_MAX_CHARS]
    if not text.isascii() and (language := _by_script(text)):
        return language
    return _by_words(text)


def _by_script(text: str) -> str | None:
    """Return the language of the script that most of the letters are of."""
    num_letters = sum(map(len, _WORD.findall(text)))
    counts = {language: len(pattern.findall(text)) for language, pattern in _SCRIPTS}
    if counts["ja"]:
        counts["ja"] += counts.pop("zh")
    if counts["fa"]:
        counts["fa"] += counts.pop("ar")
    language = max(counts, key=lambda name: (counts[name], name))
    weight = _LETTERS_A_SIGN.get(language, 1)
    num_signs = counts[language]
    is_most = 2 * weight * num_signs > num_letters + (weight - 1) * num_signs
    return language if weight * num_signs >= _MIN_LETTERS and is_most else None


def _by_words(text: str) -> str | None:
    """Return the language that the small words are of, where no other comes near."""
    scores: Counter[str] = Counter()
    for word in _WORD.findall(text.lower()):
        languages = _LANGUAGES_OF.get(word, ())
        for language in languages:
            scores[language] += 2 if len(languages) == 1 else 1
    if _RUSSIAN.search(text):
        scores["ru"] += 2
    if not scores:
        return None
    (best, score), *others = sorted(scores.items(), key=lambda item: (-item[1], item[0]))
    second = others[0][1] if others else 0
    least = _MIN_ENGLISH_SCORE if best == "en" else _MIN_SCORE
    return best if score >= least and 2 * score >= 3 * second else None
