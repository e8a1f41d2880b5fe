"""The reader: what comes out, what is refused, and what an attack cannot do."""

import gzip
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
from pathlib import Path

import pytest
from lxml import etree

import pmc15m
from pmc15m.jats.reader import MATHML, XmlRefused, local_name, read_article
from pmc15m.records import Reason

CAP = 32 * 2**20
MIB = 2**20
DTD = '<!DOCTYPE article PUBLIC "-//NLM//DTD JATS//EN" "JATS.dtd">'
XLINK = "http://www.w3.org/1999/xlink"


def read(document: str | bytes, max_bytes: int = CAP) -> etree._Element:
    """Read a document."""
    return read_article(document.encode() if isinstance(document, str) else document, max_bytes)


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
    "alias of UTF-7": b"<?xml version='1.0' encoding='CSUNICODE11UTF7'?><article/>",
    "hidden doctype": b"<?xml version='1.0' encoding='JAVA'?>\\u003c!DOCTYPE article><article/>",
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
        f"""<record xmlns="http://oai"><j:article xmlns:j="https://jats" xmlns:xlink="{XLINK}">
        <j:fig xlink:href="a" j:t="b"/><p xmlns="urn:x"/><math xmlns="{MATHML}"><mi/></math>
        <a:x xmlns:a="urn:y"/></j:article> tail</record>"""
    )
    assert [element.tag for element in article.iter()] == [
        "article", "fig", "p", f"{{{MATHML}}}math", f"{{{MATHML}}}mi", "x",
    ]  # fmt: skip
    assert dict(article[0].attrib) == {f"{{{XLINK}}}href": "a", "{https://jats}t": "b"}
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
    for document, max_bytes in (("<article/>", 9), ("<article>&Pi;&Pi;</article>", 27)):
        with pytest.raises(XmlRefused) as refused:
            read(document, max_bytes)
        assert refused.value.reason is Reason.TOO_LARGE
    assert read("<article/>", 10).tag == "article"


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
