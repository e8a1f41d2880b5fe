"""The reader: what comes out right, what is refused, and what an attack can not do."""

import gzip
import html
import http.server
import json
import os
import pickle
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from html.entities import html5
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

import pmc15m
from pmc15m.jats.entities import MAX_ENTITY_DEPTH, NAMED_REFERENCE, named_characters, resolve_entities
from pmc15m.jats.reader import MATHML, XmlRefused, local_name, read_article
from pmc15m.records import Reason

CAP = 32 * 2**20
DTD = '<!DOCTYPE article PUBLIC "-//NLM//DTD JATS//EN" "JATS.dtd">'
PROLOGS = ["", DTD, '<?xml version="1.0" standalone="yes"?>\n' + DTD, "<!-- > --><?p ?>\n<!DOCTYPE article [\n]  >"]
WRAPPED = "<!DOCTYPE article [%s]><article>%s</article>"
MIB = 2**20


def read(document: str | bytes, max_bytes: int = CAP) -> etree._Element:
    """Read a document."""
    return read_article(document.encode() if isinstance(document, str) else document, max_bytes)


def text(content: str, subset: str = "") -> str:
    """Return the text of an article with this content and internal subset."""
    return "".join(read(WRAPPED % (subset, content)).itertext())


def refusal(document: str | bytes) -> str:
    """Return why the document is not well-formed."""
    with pytest.raises(XmlRefused) as refused:
        read(document)
    assert refused.value.reason is Reason.XML_SYNTAX
    return refused.value.detail


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
    assert article[0].text == "a\u200abα*=\u20e5 &lt; "
    assert article[0][0].tail == "μ"


def test_a_lone_reference_far_from_the_head_is_replaced() -> None:
    assert read(f"{DTD}<article><p>{'x' * 100_000}</p><p>&thinsp;</p></article>")[1].text == "\u2009"


def test_names_mean_what_html_says_but_for_the_letters_that_jats_reads_otherwise() -> None:
    meanings = {name.decode(): html.unescape(value.decode()) for name, value in named_characters().items()}
    other = {name for name, value in meanings.items() if html5.get(f"{name};", value) != value}
    assert other == {"epsi", "epsiv", "phi", "phiv", "varepsilon", "varphi"}
    assert {f"{name};" for name in meanings} >= {name for name in html5 if name.endswith(";")}
    names = ("phi", "phiv", "epsilon", "thetav", "lang", "b.alpha", "jnodot", "gcaron", "khgr", "Hmacr", "trpezium")
    assert [meanings[name] for name in names] == list("ϕφεϑ⟨𝛂ȷǧχ") + ["H\u0304", "⏢"]
    assert not [name for name, value in meanings.items() if any(0xE000 <= ord(c) < 0xF900 for c in value)]


def test_names_of_xml_own_characters_are_data_never_markup() -> None:
    assert read('<article t="&QUOT;&apos;&LT;">&AMP;lt;&LT;b&GT;&AMP;</article>').text == "&lt;<b>&"


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


@given(st.lists(st.sampled_from(["&", ";", "<![CDATA[", "]]>", "<!--", "-->", "<?", "?>", "&amp;", "&#38;", "x", "é"])))
def test_text_without_named_references_is_not_touched(pieces: list[str]) -> None:
    data = "".join(pieces).encode()
    if not NAMED_REFERENCE.search(data):
        assert resolve_entities(data) is data


@given(
    st.lists(st.sampled_from(["&pi;", "a", "<b>", "</b>", "<!-- &pi; -->", "<![CDATA[&pi;]]>", "&lt;", "\n", "&#9;"]))
)
def test_resolving_is_idempotent_and_means_the_same_as_the_characters(pieces: list[str]) -> None:
    document = f"<article>{''.join(pieces)}</article>".encode()
    resolved = resolve_entities(document)
    assert resolve_entities(resolved) == resolved
    assert resolved.count(b"&#960;") == pieces.count("&pi;")
    assert resolved.replace(b"&#960;", b"&pi;") == document


# Entities of the internal subset


def test_declared_entities_stand_for_their_text_and_hide_the_table() -> None:
    subset = '<!ENTITY pi "3.14"><!ENTITY j "J. &pi; &thinsp;&#x3b1; &#38;amp; &#38;#60;"><!ENTITY pi "later">'
    assert text("&j;|&pi;|&tau;", subset) == "J. 3.14 \u2009α & <|3.14|τ"


def test_a_declared_entity_may_hold_markup() -> None:
    article = read(WRAPPED % ("<!ENTITY x '<i t=\"1\">a</i>b'>", "&x;<p>&x;</p>"))
    assert [element.tag for element in article.iter()] == ["article", "i", "p", "i"]
    assert article[0].tail == "b"
    assert article[0].get("t") == "1"


def test_declared_entities_work_in_attributes_even_with_quotation_marks() -> None:
    article = read(WRAPPED % ("""<!ENTITY q 'say "hi" &#39;ho&#39; >'>""", "<p t=\"&q;\"/><p t='&q;'>&q;</p>"))
    assert article[0].get("t") == article[1].get("t") == article[1].text == "say \"hi\" 'ho' >"
    assert "<" in refusal(WRAPPED % ("<!ENTITY x '<i/>'>", '<p t="&x;"/>'))


@pytest.mark.parametrize("value", ["<b>", "</b>", "&#60;", "&#38;", "a & b", "&#0;", "&nosuch;", "]]>", "<!-- "])
def test_an_entity_that_is_not_well_formed_by_itself_is_refused(value: str) -> None:
    refusal(WRAPPED % (f'<!ENTITY x "{value}">', "<b/>&x;<b/>"))
    assert text("a", f'<!ENTITY x "{value}">') == "a"


def test_other_declarations_parse_and_have_no_effect() -> None:
    subset = """
      <!-- ]> &x; --><?p ]> ?><!ELEMENT article (#PCDATA)*><!ATTLIST article t CDATA "]>&pi;">
      <!NOTATION n SYSTEM "n"><!ENTITY u SYSTEM "u.gif" NDATA n><!ENTITY e PUBLIC "p" 'file:///e'>
      <!ENTITY % p SYSTEM "p.ent"> %p; <!ENTITY % q "<!ENTITY y 'no'>"> %q;"""
    for content in ("a", "&#97;&ZeroWidthSpace;"):
        article = read(WRAPPED % (subset, content))
        assert (article.text or "").strip("\u200b") == "a"
        assert not article.attrib
    assert refusal(WRAPPED % (subset, "&y;")) == "unknown entity &y; (line 4)"


@pytest.mark.parametrize(
    "subset", ["<!ENTITY x>", '<!ENTITY x "', "<!FOO>", "x", "<![CDATA[]]>", "<!ATTLIST a '>", "<!--"]
)
def test_a_malformed_internal_subset_is_refused(subset: str) -> None:
    assert "malformed" in refusal(WRAPPED % (subset, "&pi;"))
    assert "malformed" in refusal(WRAPPED % (subset, ""))


def test_a_malformed_doctype_is_refused() -> None:
    for doctype in ("<!DOCTYPE>", "<!DOCTYPE article SYSTEM>", '<!DOCTYPE article PUBLIC "x">', "<!DOCTYPE article ["):
        assert "malformed" in refusal(f"{doctype}<article/>")
    refusal(f"{DTD}{DTD}<article/>")


# Encodings


@pytest.mark.parametrize("codec", ["utf-8", "utf-8-sig", "iso-8859-1", "windows-1252", "utf-16", "utf-16-be", "utf-32"])
def test_declared_encodings_and_entities_go_together(codec: str) -> None:
    document = (
        f"<?xml version='1.0' encoding='{codec.removesuffix('-sig')}'?>{DTD}<article t='&eacute;é'>é&thinsp;é</article>"
    )
    article = read(document.encode(codec))
    assert article.text == "é\u2009é"
    assert article.get("t") == "éé"


def test_names_in_an_encoding_of_one_byte_a_letter_may_be_declared() -> None:
    document = "<?xml version='1.0' encoding='iso-8859-1'?><!DOCTYPE article [<!ENTITY é 'ü'>]><article>&é;</article>"
    assert read(document.encode("iso-8859-1")).text == "ü"


BROKEN = {
    "empty": b"",
    "blank": b" \n",
    "NUL": b"<article>\0</article>",
    "control": b"<article>\x01</article>",
    "false UTF-8": b"<article>\xe9</article>",
    "false UTF-16": b"\xff\xfe<\0a\0r",
    "lone surrogate": b"\xff\xfe<\0a\0>\0\0\xd8<\0/\0a\0>\0",
    "unknown encoding": b"<?xml version='1.0' encoding='bogus'?><article/>",
    "UTF-7": b"<?xml version='1.0' encoding='UTF-7'?><article>+ACY-pi;</article>",
    "ISO-2022": b"<?xml version='1.0' encoding='ISO-2022-JP'?><article/>",
    "EBCDIC": "<?xml version='1.0' encoding='cp037'?><article/>".encode("cp037"),
    "white space before the declaration": b"\n<?xml version='1.0'?><article/>",
    "two roots": b"<article/><article/>",
    "cut": b"<article><p>a",
    "cut entity": b"<article>&pi",
    "bare ampersand": b"<article>&pi; & </article>",
    "undeclared prefix of an element": b"<article><x:p/></article>",
    "undeclared prefix of an attribute": b"<article><p xlink:href='a'/></article>",
    "lower-case doctype": b"<!doctype html><html><body><br></body></html>",
    "HTML": b"<html xmlns='http://www.w3.org/1999/xhtml'><body><article/></body></html>",
    "no article": b"<book/>",
    "gzip": gzip.compress(b"<article/>"),
    "depth 257": b"<article>" + b"<p>" * 256 + b"</p>" * 256 + b"</article>",
    "name of 60 kB": b"<article><" + b"a" * 60_000 + b"/></article>",
    "text of more than 10 MB": b"<article>" + b"a" * (10 * MIB) + b"</article>",
    "CDATA of more than 10 MB": b"<article><![CDATA[" + b"a" * (10 * MIB) + b"]]></article>",
    "attribute of more than 10 MB": b"<article t='" + b"a" * (10 * MIB) + b"'/>",
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_not_a_well_formed_article_is_refused_soon(name: str) -> None:
    quick(lambda: refusal(BROKEN[name]))


def test_the_refusal_says_what_and_where_and_survives_a_process_boundary() -> None:
    assert "line 2" in refusal(b"<article>\n<p></article>")
    assert refusal(b"<book/>") == "no article element: the root is book"
    copy = pickle.loads(pickle.dumps(XmlRefused(Reason.XML_SYNTAX, "why")))  # noqa: S301
    assert (copy.reason, copy.detail, str(copy)) == (Reason.XML_SYNTAX, "why", "xml_syntax: why")


# Names


def test_elements_have_local_names_except_mathml_and_attributes_keep_theirs() -> None:
    article = read(
        f"""<record xmlns="http://oai"><j:article xmlns:j="https://jats" xmlns:xlink="http://www.w3.org/1999/xlink">
        <j:fig xlink:href="a" j:t="b"/><p xmlns="urn:x"/><math xmlns="{MATHML}"><mi/></math><a:x xmlns:a="urn:y"/></j:article>
        tail</record>"""
    )
    assert [element.tag for element in article.iter()] == [
        "article", "fig", "p", f"{{{MATHML}}}math", f"{{{MATHML}}}mi", "x",
    ]  # fmt: skip
    assert dict(article[0].attrib) == {"{http://www.w3.org/1999/xlink}href": "a", "{https://jats}t": "b"}
    assert article.getparent() is None
    assert article.tail is None


def test_a_namespace_hidden_in_an_entity_or_in_utf_16_is_found() -> None:
    document = '<!DOCTYPE a [<!ENTITY u "urn:x">]><article><fig xmlns="&u;"/></article>'
    assert read(document)[0].tag == "fig"
    assert read('<article xmlns="urn:&#120;"/>'.encode("utf-16")).tag == "article"


def test_local_names_are_told_whatever_the_node() -> None:
    article = read('<article xmlns:ali="http://www.niso.org/schemas/ali/1.0/"><ali:license_ref/><p/></article>')
    assert [local_name(element) for element in article] == ["license_ref", "p"]
    assert [local_name(node) for node in etree.fromstring("<a><!-- --><?p?></a>")] == ["", ""]


def test_the_first_article_of_a_set_is_the_article() -> None:
    assert read("<pmc-articleset>\n<article id='a'/><article id='b'/></pmc-articleset>").get("id") == "a"


# Attacks


def test_what_is_too_large_is_refused_before_and_after_its_entities() -> None:
    for document in ("<article>&pi;</article>", f"<article>{'&Pi;' * 9}</article>"):
        with pytest.raises(XmlRefused) as refused:
            read(document, max_bytes=len(document) - ("9" not in document and "&Pi;&" not in document))
        assert refused.value.reason is Reason.TOO_LARGE
    assert read("<article/>", max_bytes=10).tag == "article"


def nested(levels: int, times: int) -> str:
    """Return declarations of entities that hold others so many times."""
    lines = [f'<!ENTITY e{level} "{f"&e{level - 1};" * times}">' for level in range(1, levels)]
    return '<!ENTITY e0 "lol">' + "".join(lines)


@pytest.mark.parametrize("content", ["&e{};", "<p t='&e{};'/>"])
def test_amplification_is_refused_soon(content: str) -> None:
    laughs = WRAPPED % (nested(10, 10), content.format(9))
    deep = WRAPPED % (nested(30, 1), content.format(MAX_ENTITY_DEPTH))
    loop = WRAPPED % ("<!ENTITY e0 '&e1;'><!ENTITY e1 '&e0;'>", content.format(0))
    quadratic = WRAPPED % (f"<!ENTITY e0 '{'a' * 100_000}'>", content.format(0) * 1000)
    for document in (laughs, deep, loop, quadratic):
        quick(lambda document=document: refusal(document))
        assert "entity amplification" in refusal(document)
    assert text(f"&e{MAX_ENTITY_DEPTH - 1};", nested(30, 1)) == "lol"


def test_parameter_entities_are_never_expanded() -> None:
    subset = "<!ENTITY % a '<!ENTITY x \"lol\">'>" + "".join(f"<!ENTITY % a{i} '%a;%a;'>" for i in range(30)) + "%a29;"
    quick(lambda: read(WRAPPED % (subset, "")))
    assert "unknown entity &x;" in refusal(WRAPPED % (subset, "&x;"))


@pytest.mark.parametrize("head", ["", '<!ENTITY x "1">', "&pi;"])
@pytest.mark.parametrize(
    "piece", ["<![CDATA[", "<!--", "<?", "&", "&a", "&pi;", "<!ENTITY", "<!ENTITY x '", " ", "<!DOCTYPE a "]
)
def test_time_is_linear_on_hostile_repeats(head: str, piece: str) -> None:
    repeats = (head + piece * (2 * MIB // len(piece))).encode()
    for data in (repeats, b"<!DOCTYPE article [" + repeats, b"<article>&pi;" + repeats, b"<?xml " + repeats):

        def attempt(data: bytes = data) -> None:
            with pytest.raises(XmlRefused):
                read(data)

        quick(attempt, limit_s=5)


def test_many_nodes_attributes_and_namespaces_do_no_harm() -> None:
    quick(lambda: read("<article>" + "<p/>" * MIB + "</article>"), limit_s=5)
    attributes = " ".join(f"a{i}='1'" for i in range(200_000))
    quick(lambda: read(f"<article {attributes}/>"))
    declarations = " ".join(f"xmlns:n{i}='urn:{i}'" for i in range(20_000))
    quick(lambda: read(f"<article {declarations}/>"))
    assert read("<article>" + "<p>" * 255 + "</p>" * 255 + "</article>").tag == "article"


HOSTILE = """
import json, sys
from pmc15m.jats.reader import XmlRefused, read_article
documents, events, results = json.loads(sys.argv[1]), [], []
read_article(b"<article>&pi;</article>", 99)
sys.addaudithook(lambda event, args: events.append(event) if event.split(".")[0] in ("open", "socket", "os") else None)
for document in documents:
    try:
        results.append("".join(read_article(document.encode(), 9999).itertext()))
    except XmlRefused as refused:
        results.append(refused.detail)
print(json.dumps([events, results]))
"""


def test_no_file_is_opened_and_no_connection_made(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")  # to open it would take for ever
    hits: list[str] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            hits.append(self.path)

    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        documents = []
        for uri in ((tmp_path / "pipe").as_uri(), str(tmp_path / "pipe"), f"http://127.0.0.1:{server.server_port}/x"):
            external = (
                f'<!DOCTYPE article SYSTEM "{uri}" [<!ENTITY % p SYSTEM "{uri}"> %p; <!ENTITY x SYSTEM "{uri}">]>'
            )
            documents += [f"{external}<article>a</article>", f"{external}<article>&x;</article>"]
            documents += [f"{external}<article t='&x;'/>", f'<!DOCTYPE article SYSTEM "{uri}"><article>&y;</article>']
            documents += [f'<article xmlns:i="http://www.w3.org/2001/XInclude"><i:include href="{uri}"/>a</article>']
        command = [sys.executable, "-c", HOSTILE, json.dumps(documents)]
        root = Path(pmc15m.__file__).parent.parent
        done = subprocess.run(command, capture_output=True, check=True, timeout=30, cwd=root, text=True)
        server.shutdown()
    external, unknown = "external entity &x; is never read (line 1)", "unknown entity &y; (line 1)"
    assert json.loads(done.stdout) == [[], ["a", external, external, unknown, "a"] * 3]
    assert hits == []


def test_threads_may_read_at_once() -> None:
    documents = [f"{DTD}<article xmlns='urn:{i}'>{'<p>&pi;</p>' * 200}{i}</article>" for i in range(64)]
    with ThreadPoolExecutor(8) as threads:
        articles = list(threads.map(read, documents))
    assert ["".join(article.itertext()) for article in articles] == ["π" * 200 + str(i) for i in range(64)]
