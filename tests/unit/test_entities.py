"""Named references: what they stand for, in whatever prolog, and what amplification comes to."""

import html
import time
from collections.abc import Callable
from html.entities import html5

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from pmc15m.jats.entities import MAX_ENTITY_DEPTH, NAMED_REFERENCE, named_characters, resolve_entities
from pmc15m.jats.reader import XmlRefused, read_article
from pmc15m.records import Reason

MIB = 2**20
DTD = '<!DOCTYPE article PUBLIC "-//NLM//DTD JATS//EN" "JATS.dtd">'
PROLOGS = ["", DTD, '<?xml version="1.0" standalone="yes"?>\n' + DTD, "<!-- > --><?p ?>\n<!DOCTYPE article [\n]  >"]
PIECES = ["&", ";", "<![CDATA[", "]]>", "<!--", "-->", "<?", "?>", "&amp;", "&#38;", "x", "é"]
CONTENT = ["&pi;", "a", "<b>", "</b>", "<!-- &pi; -->", "<![CDATA[&pi;]]>", "&lt;", "\n", "&#9;"]
OPENINGS = [
    "<![CDATA[",
    "<!--",
    "<?",
    "&",
    "&a",
    "&pi;",
    "<!ENTITY",
    "<!ENTITY x '",
    " ",
    "<!DOCTYPE a ",
    "<!ENTITY x ''>",
]


def read(document: str | bytes) -> etree._Element:
    """Read a document."""
    return read_article(document.encode() if isinstance(document, str) else document, 32 * MIB)


def read_with(subset: str, content: str) -> etree._Element:
    """Read an article with this internal subset and content."""
    return read(f"<!DOCTYPE article [{subset}]><article>{content}</article>")


def refusal(document: str | bytes) -> str:
    """Return why the document is not well-formed."""
    with pytest.raises(XmlRefused) as refused:
        read(document)
    assert refused.value.reason is Reason.XML_SYNTAX
    return refused.value.detail


def refusal_with(subset: str, content: str) -> str:
    """Return why the article is refused."""
    return refusal(f"<!DOCTYPE article [{subset}]><article>{content}</article>")


def quick(action: Callable[[], object], limit_s: float = 1.5) -> None:
    """Run an action that would take much longer if its time were quadratic."""
    start = time.perf_counter()
    action()
    assert time.perf_counter() - start < limit_s


# Named characters


@pytest.mark.parametrize("prolog", PROLOGS)
def test_named_characters_come_out_right_in_text_and_attributes_whatever_the_doctype(prolog: str) -> None:
    article = read(
        f'{prolog}<article><p t="1&thinsp;m &lt;">a&hairsp;b&agr;&ast;&bne; &amp;lt; <i/>&mgr;</p></article>'
    )
    assert article[0].get("t") == "1\u2009m <"
    assert article[0].text == "a\u200ab\u03b1*=\u20e5 &lt; "
    assert article[0][0].tail == "μ"


def test_a_lone_reference_far_from_the_head_is_replaced() -> None:
    assert read(f"{DTD}<article><p>{'x' * 100_000}</p><p>&thinsp;</p></article>")[1].text == "\u2009"


def test_names_mean_what_html_says_but_for_the_letters_that_jats_reads_otherwise() -> None:
    meanings = {name.decode(): html.unescape(value.decode()) for name, value in named_characters().items()}
    other = {name for name, value in meanings.items() if html5.get(f"{name};", value) != value}
    assert other == {"epsi", "epsiv", "phi", "phiv", "varepsilon", "varphi"}
    assert {f"{name};" for name in meanings} >= {name for name in html5 if name.endswith(";")}
    names = "phi phiv epsilon thetav lang b.alpha jnodot gcaron khgr trpezium Hmacr".split()
    assert [meanings[name] for name in names] == [*"ϕφεϑ⟨𝛂ȷǧχ⏢", "H\u0304"]
    assert not [name for name, value in meanings.items() if any(0xE000 <= ord(c) < 0xF900 for c in value)]


def test_names_of_the_characters_of_markup_are_data_never_markup() -> None:
    article = read('<article t="&QUOT;&apos;&LT;&quot;&NewLine;">&AMP;lt;&LT;b&GT;&AMP;</article>')
    assert article.text == "&lt;<b>&"
    assert article.get("t") == '"\'<"\n'


def test_cdata_comments_and_instructions_are_left_alone_and_their_tails_stay() -> None:
    article = read(
        f"{DTD}<article>a<!-- &x; --> b&pi;<?p &x; ?>c<![CDATA[&pi;<x>]]>&pi;<!-- <![CDATA[ -->&pi;</article>"
    )
    assert article.text == "a bπc&pi;<x>ππ"
    assert len(article) == 0


def test_an_unknown_name_is_refused_with_its_line_never_dropped() -> None:
    assert refusal(f"{DTD}\n<article>\n<p>&pi; &nosuch;</p></article>") == "unknown entity &nosuch; (line 3)"
    assert refusal('<article><p t="&nosuch;"/></article>') == "unknown entity &nosuch; (line 1)"
    assert refusal(f"{DTD}<article>{'x' * 10_000}&pi;\n&é;</article>") == "unknown entity &é; (line 2)"


@given(st.lists(st.sampled_from(PIECES)))
def test_text_without_named_references_is_not_touched(pieces: list[str]) -> None:
    data = "".join(pieces).encode()
    if not NAMED_REFERENCE.search(data):
        assert resolve_entities(data) is data


@given(st.lists(st.sampled_from(CONTENT)))
def test_only_the_references_of_the_text_are_replaced(pieces: list[str]) -> None:
    document = f"<article>{''.join(pieces)}</article>".encode()
    resolved = resolve_entities(document)
    assert resolved.count(b"&#960;") == pieces.count("&pi;")
    assert resolved.replace(b"&#960;", b"&pi;") == document
    assert resolve_entities(resolved) == resolved


# Entities of the internal subset


def test_declared_entities_stand_for_their_text_and_hide_the_table() -> None:
    subset = '<!ENTITY pi "3.14"><!ENTITY j "J. &pi; &thinsp;&#xe9; &#38;amp; &#38;#60;"><!ENTITY pi "later">'
    assert read_with(subset, "&j;|&pi;|&tau;").text == "J. 3.14 \u2009é & <|3.14|τ"


def test_a_declared_entity_may_hold_markup() -> None:
    article = read_with("<!ENTITY x '<i t=\"1\">a</i>b'>", "&x;<p>&x;</p>")
    assert [element.tag for element in article.iter()] == ["article", "i", "p", "i"]
    assert (article[0].tail, article[0].get("t")) == ("b", "1")


def test_quotation_marks_of_an_entity_never_end_an_attribute() -> None:
    article = read_with("""<!ENTITY q 'say "hi" &#39;ho&#39; >'>""", "<p t=\"&q;\"/><p t='&q;'>&q;</p>")
    assert article[0].get("t") == article[1].get("t") == article[1].text == "say \"hi\" 'ho' >"
    for value in ("<i/>", "&#39;><![CDATA[a]]>", "&#39; u=&#39;1&#39;/><p t=&#39;"):
        refusal_with(f'<!ENTITY x "{value}">', "<p t='&x;'></p>")


@pytest.mark.parametrize("value", ["<b>", "</b>", "&#60;", "&#38;", "a & b", "&#0;", "&nosuch;", "]]>", "<!-- "])
def test_an_entity_that_is_not_well_formed_by_itself_is_refused_where_it_is_used(value: str) -> None:
    refusal_with(f'<!ENTITY x "{value}">', "<b/>&x;<b/>")
    assert read_with(f'<!ENTITY x "{value}">', "a").text == "a"


@pytest.mark.parametrize("content", ["a", "&#97;", "&#97;<!-- &y; -->", "&ZeroWidthSpace;a"])
def test_other_declarations_parse_and_have_no_effect(content: str) -> None:
    subset = """
      <!-- ]> &x; --><?p ]> ?><!ELEMENT article (#PCDATA)*><!ATTLIST article t CDATA "]>&pi;">
      <!NOTATION n SYSTEM "n"><!ENTITY u SYSTEM "u.gif" NDATA n><!ENTITY e PUBLIC "p" 'file:///e'>
      <!ENTITY % p SYSTEM "p.ent"> %p; <!ENTITY % q "<!ENTITY y 'no'>"> %q;"""
    article = read_with(subset, content)
    assert (article.text or "").strip("\u200b") == "a"
    assert not article.attrib
    assert refusal_with(subset, "&y;") == "unknown entity &y; (line 4)"
    assert refusal_with(subset, "&u;") == "external entity &u; is never read (line 4)"


@pytest.mark.parametrize(
    "subset", ["<!ENTITY x>", '<!ENTITY x "', "<!A>", "x", "<![CDATA[]]>", "<!ATTLIST a '>", "<!--"]
)
def test_a_malformed_internal_subset_is_refused(subset: str) -> None:
    assert "malformed" in refusal_with(subset, "&pi;")
    assert "malformed" in refusal_with(subset, "")


@pytest.mark.parametrize(
    "doctype", ["<!DOCTYPE>", "<!DOCTYPE a SYSTEM>", '<!DOCTYPE a PUBLIC "x">', "<!DOCTYPE a [", DTD * 2]
)
def test_a_malformed_doctype_is_refused(doctype: str) -> None:
    refusal(f"{doctype}<article/>")
    refusal(f"{doctype}<article>&pi;</article>")


# Attacks


def nested(levels: int, times: int) -> str:
    """Return declarations of entities, each of which holds the one before so many times."""
    lines = [f'<!ENTITY e{level} "{f"&e{level - 1};" * times}">' for level in range(1, levels)]
    return '<!ENTITY e0 "lol">' + "".join(lines)


@pytest.mark.parametrize("content", ["&e{};", "<p t='&e{};'/>"])
def test_amplification_is_refused_soon(content: str) -> None:
    attacks = [
        (nested(10, 10), content.format(9)),
        (nested(30, 1), content.format(MAX_ENTITY_DEPTH)),
        ("<!ENTITY e0 '&e1;'><!ENTITY e1 '&e0;'>", content.format(0)),
        (f"<!ENTITY e0 '{'a' * 100_000}'>", content.format(0) * 1000),
    ]
    for subset, text in attacks:
        start = time.perf_counter()
        assert "entity amplification" in refusal_with(subset, text)
        assert time.perf_counter() - start < 1.5
    assert (
        read_with(nested(30, 1), content.format(MAX_ENTITY_DEPTH - 1)).xpath("string(/article[text()]|//@t)") == "lol"
    )


def test_parameter_entities_are_never_expanded() -> None:
    subset = "<!ENTITY % a '<!ENTITY x \"lol\">'>" + "".join(f"<!ENTITY % a{i} '%a;%a;'>" for i in range(30)) + "%a29;"
    quick(lambda: read_with(subset, ""))
    assert "unknown entity &x;" in refusal_with(subset, "&x;")


@pytest.mark.parametrize("start", ["", "<!DOCTYPE article [", "<article>&pi;", "<?xml ", "&pi;<!ENTITY x '1'>"])
@pytest.mark.parametrize("opening", OPENINGS)
def test_time_is_linear_on_hostile_repeats(start: str, opening: str) -> None:
    document = start + opening * (2 * MIB // len(opening))
    quick(lambda: refusal(document), limit_s=5)
