"""Clean text: the rules T1 to T11, one by one, and laws that hold for any inline JATS."""

import unicodedata
from typing import Any
from xml.sax.saxutils import escape

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pmc15m.jats.links import Links
from pmc15m.jats.reader import read_article
from pmc15m.jats.text import NOT_MENTION, NOT_TEXT, clean_text, is_own_doi, normalize
from tests import some

INVISIBLE = "\u00ad\u200b\u2060\ufeff\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
PRIVATE = "\ue000\uf8ff\U000f0000\U0010fffd"


def clean(inside: str, name: str = "p", references: str = "") -> str:
    """Return the clean text of an element of that content; `references` are the targets of its links."""
    xml = (
        f'<article {some.XLINK} xmlns:mml="http://www.w3.org/1998/Math/MathML">'
        f"<body><{name}>{inside}</{name}></body><back>{references}</back></article>"
    )
    article = read_article(xml.encode(), 2**24)
    return clean_text(article[0][0], Links(article))


def bibr(text: str, rid: str = "r1") -> str:
    return f'<xref ref-type="bibr" rid="{rid}">{text}</xref>'


@pytest.mark.parametrize(
    ("inside", "text"),
    [
        ("(<bold>a</bold>)", "(a)"),
        ("<bold>A</bold><italic>b</italic>c", "Abc"),
        ("one<break/>two", "one two"),
        ("<list><list-item><label>A</label><p>Strips.</p></list-item><list-item><p>Rings.</p></list-item></list>",
         "A Strips. Rings."),
        ("<def-list><def-item><term>IL</term><def><p>interleukin</p></def></def-item></def-list>", "IL interleukin"),
        ("before<disp-quote><p>quoted</p></disp-quote>after", "before quoted after"),
        ("<p>one</p><p>two</p>", "one two"),
        ("<title>Title</title><p>text</p>", "Title text"),
        ("<title>Title?</title>text", "Title? text"),
        ("<named-content content-type='x'>a</named-content><styled-content>b</styled-content><sc>c</sc>", "abc"),
    ],
)  # fmt: skip
def test_t1_blocks_are_joined_by_one_space_and_inline_adds_nothing(inside: str, text: str) -> None:
    assert clean(inside, "caption") == text


@pytest.mark.parametrize(
    "space", [" ", "\t", "\n", "\u00a0", "\u2009", "\u202f", "\u2003", "\u3000", "\u2028", "\u0085"]
)
def test_t2_every_white_space_is_one_blank_and_none_at_the_ends(space: str) -> None:
    assert clean(f"{space}a{space}{space} b{space}") == "a b"


@pytest.mark.parametrize("character", INVISIBLE + PRIVATE)
def test_t3_invisible_and_private_characters_go(character: str) -> None:
    assert clean(f"mill{character}stone{character}") == "millstone"
    assert clean(f"a {character} b") == "a b"


def test_t3_joiners_are_spelling_and_stay() -> None:
    assert clean("\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645 \u0915\u094d\u200d\u0937") == (
        "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645 \u0915\u094d\u200d\u0937"
    )


@pytest.mark.parametrize(
    ("text", "composed"),
    [("nai\u0308ve", "na\u00efve"), ("a\u00ad\u030a", "\u00e5"), ("\u212b", "\u00c5"), ("\u2126", "\u03a9")],
)
def test_t4_text_is_composed(text: str, composed: str) -> None:
    assert clean(text) == composed


@pytest.mark.parametrize(
    "text", ["\u00b5m", "\u00bd", "m\u00b2", "\ufb01n", "\u2212\u2013\u2014-", "\u201ca\u201d \u2018b\u2019"]
)
def test_t4_compatibility_characters_dashes_and_quotes_stay(text: str) -> None:
    assert clean(text) == text


@pytest.mark.parametrize(
    ("inside", "text"),
    [
        ("H<sub>2</sub>O", "H2O"),
        ("CO<sub>2</sub>", "CO2"),
        ("Ca<sup>2+</sup>", "Ca2+"),
        ("<sup>13</sup>C", "13C"),
        ("R<sup>2</sup>", "R2"),
        ("kg m<sup>\u22122</sup>", "kg m\u22122"),
        ("1<sup>st</sup>", "1st"),
        ("CD4<sup>+</sup>", "CD4+"),
        ("10<sup>5</sup>", "10^5"),
        ("10<sup>\u22123</sup>", "10^\u22123"),
        ("10<sup>-3</sup>", "10^-3"),
        ("SO<sub>4</sub><sup>2\u2212</sup>", "SO4^2\u2212"),
        ("2<sub>1</sub>", "2_1"),
        ("10<bold><sup>5</sup></bold>", "10^5"),
        ("<bold>10</bold><sup>5</sup>", "10^5"),
        ("10 <sup>5</sup>", "10 5"),
        ("10\u200b<sup>5</sup>", "10^5"),
        ("10<sup> 5</sup>", "10^5"),
        ("10<sup><italic>5</italic></sup>", "10^5"),
        ("10<sup><sup>5</sup></sup>", "10^5"),
        ("10<sup><sub>5</sub></sup>", "10^5"),
        ("x<sup>10<sup>5</sup></sup>", "x10^5"),
        ("10<sup>n<sub>2</sub></sup>", "10n2"),
        ("\u0661<sup>2</sup>", "\u0661^2"),
    ],
)
def test_t5_scripts_are_set_on_the_line_and_marked_where_a_digit_would_be_misread(inside: str, text: str) -> None:
    assert clean(inside) == text


REFERENCES = '<ref-list><ref id="r1"/><ref id="r2"/></ref-list><fn id="n1"><p>note</p></fn><fig id="F1"/>'


@pytest.mark.parametrize(
    ("inside", "text"),
    [
        (f"COVID-19<sup>{bibr('35')}</sup> spread", "COVID-19 spread"),
        (f"mills<sup>{bibr('1')},{bibr('2', 'r2')}</sup>.", "mills."),
        (f"mills<sup>{bibr('1')}</sup><sup>\u2013</sup><sup>{bibr('3')}</sup>.", "mills."),
        (f"mills<sup>{bibr('1')}</sup>, <sup>{bibr('3')}</sup> turn", "mills turn"),
        (f"mills{bibr('<sup>3</sup>')}.", "mills."),
        ('mills<sup><xref rid="r1">3</xref></sup>.', "mills."),
        ('mills<sup><xref ref-type="odd" rid="r1">3</xref></sup>.', "mills."),
        (f"mills [{bibr('2')}] and [{bibr('1')}\u2013{bibr('3')}]", "mills [2] and [1\u20133]"),
        (f"{bibr('Doe (1999)')} says", "Doe (1999) says"),
        (f"x<sup>2 {bibr('3')}</sup>", "x2 3"),
        ('mills<sup><xref ref-type="fig" rid="F1">1</xref></sup>', "mills1"),
        ('mills<sup><xref rid="F1">1</xref></sup>', "mills1"),
        ('mills<sup><xref rid="nowhere">1</xref></sup>', "mills1"),
    ],
)
def test_t6_superscript_citations_go_and_those_on_the_line_stay(inside: str, text: str) -> None:
    assert clean(inside, references=REFERENCES) == text


@pytest.mark.parametrize(
    ("inside", "text"),
    [
        ('mills<xref ref-type="fn" rid="n1">*</xref>.', "mills."),
        ('mills<xref rid="n1">a</xref>.', "mills."),
        ('mills<sup><xref ref-type="table-fn" rid="n1">a</xref></sup>.', "mills."),
        ("mills<fn><label>a</label><p>note</p></fn>.", "mills."),
    ],
)
def test_t7_footnotes_and_their_marks_go(inside: str, text: str) -> None:
    assert clean(inside, references=REFERENCES) == text


@pytest.mark.parametrize(
    ("inside", "text"),
    [
        ('see <xref ref-type="fig" rid="F1">Figure 1</xref>.', "see Figure 1."),
        ('at <ext-link xlink:href="http://x">the mill</ext-link>, <uri>http://x</uri>, <email>a@b</email>!',
         "at the mill, http://x, a@b!"),
        ('<ext-link>a <xref rid="F1">b</xref> c</ext-link> d', "a b c d"),
        ('<inline-graphic xlink:href="x"/>tail', "tail"),
        ("<label>1</label>tail", "tail"),
    ],
)  # fmt: skip
def test_t8_links_and_tails_stay(inside: str, text: str) -> None:
    assert clean(inside, references=REFERENCES) == text


POWER = "<mml:msup><mml:mn>10</mml:mn><mml:mn>2</mml:mn></mml:msup>"
MATH = f"<mml:math><mml:mi>E</mml:mi><mml:mo>=</mml:mo>{POWER}</mml:math>"
TEX = r"<tex-math>\documentclass{minimal}\usepackage{amsmath}\begin{document}$$E=10^2$$\end{document}</tex-math>"


@pytest.mark.parametrize(
    ("inside", "text"),
    [
        (f"<inline-formula>{MATH}</inline-formula>", "E=10^2"),
        (f"<inline-formula><alternatives>{TEX}{MATH}</alternatives></inline-formula>", "E=10^2"),
        (f"<inline-formula>{TEX}</inline-formula>", "E=10^2"),
        (f"let <inline-formula>{TEX}</inline-formula>be", "let E=10^2be"),
        ("<inline-formula><tex-math>$x$</tex-math></inline-formula>", "x"),
        ("<inline-formula><alternatives><graphic/><textual-form>x = 1</textual-form></alternatives></inline-formula>",
         "x = 1"),
        ('a <inline-formula><inline-graphic xlink:href="x"/></inline-formula> b', "a b"),
        ("<inline-formula><italic>x</italic> = 10<sup>2</sup></inline-formula>", "x = 10^2"),
        (f"a<disp-formula>{MATH}<label>(1)</label></disp-formula>b", "a E=10^2 b"),
        ("<mml:math><mml:mfrac><mml:mn>1</mml:mn><mml:mn>2</mml:mn></mml:mfrac></mml:math>", "1/2"),
        ("<mml:math><mml:mi>a</mml:mi><mml:mo>\u2062</mml:mo><mml:mi>b</mml:mi></mml:math>", "ab"),
        ("<mml:math><mml:semantics><mml:mi>a</mml:mi><mml:annotation>b</mml:annotation></mml:semantics></mml:math>",
         "a"),
        ("<mml:math><mml:msubsup><mml:mn>2</mml:mn><mml:mn>3</mml:mn><mml:mn>4</mml:mn></mml:msubsup></mml:math>",
         "2_3^4"),
    ],
)  # fmt: skip
def test_t9_of_a_formula_one_rendering_is_read(inside: str, text: str) -> None:
    assert clean(inside) == text


@pytest.mark.parametrize(
    ("inside", "text"),
    [
        ("&#945;&#x3b2;", "\u03b1\u03b2"),
        ("&alpha;-helix&nbsp;&lt; 5&thinsp;&mu;m &amp; more", "\u03b1-helix < 5 \u03bcm & more"),
        ("<![CDATA[a < b & c]]>", "a < b & c"),
        ("a<!-- not --> b<?not this?> c", "a b c"),
    ],
)
def test_t10_characters_are_resolved_and_comments_are_no_text(inside: str, text: str) -> None:
    assert clean(inside) == text


@pytest.mark.parametrize("name", sorted(NOT_TEXT - {"graphic", "inline-graphic"}))
def test_t11_what_is_no_running_text_goes_and_its_tail_stays(name: str) -> None:
    assert clean(f"a <{name}>inside</{name}>b") == "a b"


@pytest.mark.parametrize(
    "text",
    [
        "10.1371/journal.pone.0161231.g001",
        "doi: 10.5555/x.1",
        "https://doi.org/10.5555/x",
        "DOI:https://dx.doi.org/10.5555/x",
    ],
)
def test_t11_block_that_is_only_its_own_doi_goes(text: str) -> None:
    assert is_own_doi(text)
    assert clean(f"<p>A mill.</p><p>{text}</p>", "caption") == "A mill."
    assert clean(f"<p>A mill, {text}</p>", "caption") == f"A mill, {text}"


@pytest.mark.parametrize("text", ["", "10.5 mills", "10.5555/x and more", "see doi: 10.5555/x", "10.5555/" + "x" * 200])
def test_t11_other_blocks_are_no_doi(text: str) -> None:
    assert not is_own_doi(text)


def test_t13_long_text_is_never_cut() -> None:
    assert clean("mill " * 100_000) == ("mill " * 100_000).strip()


def test_mention_leaves_out_boxes_and_a_caption_does_not() -> None:
    element = some.element("a <boxed-text><p>box</p></boxed-text> b")
    assert clean_text(element, Links(element)) == "a box b"
    assert clean_text(element, Links(element), NOT_MENTION) == "a b"


@pytest.mark.parametrize(
    "name", ["sup", "sub", "bold", "list", "disp-quote", "inline-formula", "named-content", "xref"]
)
def test_nesting_as_deep_as_the_parser_takes_it_is_read(name: str) -> None:
    depth = 245
    assert clean(f"<{name}>" * depth + "deep" + f"</{name}>" * depth + "<break/>end") == "deep end"


# Laws

characters = st.characters(codec="utf-8", exclude_categories=["Cc"]) | st.sampled_from(
    INVISIBLE + PRIVATE + " \u00a0\u0308"
)
texts = st.text(characters.filter(lambda c: c not in "\ufffe\uffff"), max_size=8)
SIMPLE = ("bold", "italic", "sc", "underline", "named-content", "ext-link", "email")
INLINE = (
    *SIMPLE,
    "sup",
    "sub",
    "break",
    "list",
    "list-item",
    "p",
    "label",
    "fn",
    "inline-formula",
    "alternatives",
    "uri",
)
XREFS = tuple(
    f'xref ref-type="{kind}" rid="{rid}"' for kind in ("bibr", "fn", "fig", "odd") for rid in ("r1", "n1", "F1")
)


def trees(tags: tuple[str, ...]) -> st.SearchStrategy[str]:
    """Return a strategy for inline JATS of these elements."""

    def wrap(tag: str, inside: str, tail: str) -> str:
        return f"<{tag}>{inside}</{tag.split()[0]}>{escape(tail)}"

    pieces = st.recursive(
        texts.map(escape),
        lambda inner: st.lists(st.builds(wrap, st.sampled_from(tags), inner, texts), max_size=4).map("".join),
        max_leaves=12,
    )
    return st.lists(pieces, max_size=3).map("".join)


def is_clean(text: str) -> bool:
    return (
        text == " ".join(text.split())
        and unicodedata.is_normalized("NFC", text)
        and not set(text) & set(INVISIBLE)
        and not any(unicodedata.category(character) == "Co" for character in text)
    )


@given(st.text())
@example("\u0344\u00ad")
@example("\u1100\u200b\u1161")
def test_normalizing_twice_is_normalizing_once(text: str) -> None:
    once = normalize(text)
    assert normalize(once) == once
    assert " ".join(once.split()) == once


@given(trees((*INLINE, *XREFS)))
def test_text_of_any_inline_jats_is_clean_and_reads_back_as_itself(inside: str) -> None:
    text = clean(inside, references=REFERENCES)
    assert is_clean(text)
    assert clean(escape(text)) == text


@given(trees(SIMPLE))
def test_text_of_simple_elements_is_all_their_characters(inside: str) -> None:
    element: Any = some.element(inside)
    assert clean_text(element, Links(element)) == normalize("".join(element.itertext()))
    forced: Any = some.element(f"{inside}<index-term/>")  # read by walking it
    assert clean_text(forced, Links(forced)) == clean_text(element, Links(element))
