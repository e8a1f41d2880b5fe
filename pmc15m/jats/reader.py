"""From bytes to the `article` element, or to the reason why not.

The bytes are untrusted. They are capped, since the number of nodes is
not limited otherwise; named references are replaced beforehand (see `entities`); and the document
type declaration is cut out, so that the parser has nothing to fetch, to expand or to drop.
"""

import codecs
import re

from lxml import etree

from pmc15m.jats.entities import NAMED_REFERENCE, XmlRefused, cut_doctype, resolve_entities
from pmc15m.records import Reason

__all__ = ["MATHML", "XmlRefused", "local_name", "read_article"]

MATHML = "http://www.w3.org/1998/Math/MathML"

_NAMESPACES_WITHOUT_JATS = (
    "",
    MATHML,
    "http://www.w3.org/1999/xlink",
    "http://www.w3.org/2001/XMLSchema-instance",
    "http://www.w3.org/XML/1998/namespace",
    "http://www.w3.org/2001/XInclude",
    "http://www.niso.org/schemas/ali/1.0",
    "http://www.niso.org/schemas/ali/1.0/",
    "http://www.niso.org/standards/z39-96/ns/oasis-exchange/table",
    "http://docs.oasis-open.org/ns/oasis-exchange/table",
)
_OTHER_NAMESPACE = re.compile(
    rb"xmlns(?!(?::[^\s=\"'<>]++)?+\s*+=\s*+[\"'](?:%b)[\"'])"
    % b"|".join(re.escape(uri).encode() for uri in _NAMESPACES_WITHOUT_JATS)
)

_WIDE_ENCODINGS = (
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # begins with the mark of UTF-16: first
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
    (b"<\0?\0", "utf-16-le"),
    (b"\0<\0?", "utf-16-be"),
)
_ENCODING = re.compile(r"(<\?xml\s[^>]*?)encoding\s*=\s*(?:\"[^\"]*\"|'[^']*')")
_STATEFUL_ENCODING = re.compile(rb"<\?xml\s[^>]*?encoding\s*=\s*[\"'][\w\-]*?(?:utf-?7|iso-?2022|hz)", re.IGNORECASE)
_DECLARATION_BYTES = 200
_HEAD_BYTES = 2**13  # named references mostly show up in this much


def read_article(data: bytes, max_bytes: int) -> etree._Element:
    """Parse JATS bytes and return the `article` element, without what is around it.

    It is the root or, in the wrapper of an article set or of an OAI record, the first descendant
    of this name. Elements have no namespace, except those of MathML and, in most files, the few
    others in which no JATS element lives, such as `ali:license_ref`: `local_name` tells them.
    Attributes keep theirs.

    Args:
        data: The file, in any encoding that XML can declare.
        max_bytes: Largest size, of the file and with its entities resolved.

    Returns:
        The article, without comments, processing instructions and entity nodes.

    Raises:
        XmlRefused: It is too large or not well-formed, or there is no article in it.
    """
    _check_size(len(data), max_bytes)
    root = _read_root(_to_ascii_based(data), max_bytes)
    if local_name(root) == "article":
        return root
    article = None if local_name(root) == "html" else next(root.iter("{*}article"), None)
    if article is None:
        raise XmlRefused(Reason.XML_SYNTAX, f"no article element: the root is {local_name(root)}")
    parent = article.getparent()
    if parent is not None:
        parent.remove(article)  # with its tail
        article.tail = None
    return article


def local_name(element: etree._Element) -> str:
    """Return the name without its namespace, `""` for what is not an element (a comment)."""
    tag: object = element.tag  # a function for comments, whatever the stubs say
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""


def _read_root(data: bytes, max_bytes: int) -> etree._Element:
    """Parse, with references replaced only where there are any.

    Looking for them in a whole file costs 5 % of its parsing. The parser fails on them anyway, so
    past the head of the file this is the test.
    """
    if not NAMED_REFERENCE.search(data, 0, _HEAD_BYTES):
        try:
            return _parse(cut_doctype(data))
        except XmlRefused:
            if not NAMED_REFERENCE.search(data):
                raise
    resolved = resolve_entities(data)
    _check_size(len(resolved), max_bytes)
    return _parse(cut_doctype(resolved))


def _parse(data: bytes) -> etree._Element:
    """Parse a document without document type declaration."""
    parser = etree.XMLParser(  # one a call: threads must not share one
        resolve_entities=False,
        load_dtd=False,
        no_network=True,
        huge_tree=False,
        recover=False,
        dtd_validation=False,
        attribute_defaults=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        root = etree.fromstring(data, parser)
    except etree.XMLSyntaxError as error:
        raise XmlRefused(Reason.XML_SYNTAX, error.msg) from error
    if root.getroottree().docinfo.internalDTD is not None:
        raise XmlRefused(Reason.XML_SYNTAX, "document type declaration in an unknown encoding")
    if _OTHER_NAMESPACE.search(data):
        _drop_namespaces(root)
    return root


def _drop_namespaces(root: etree._Element) -> None:
    """Give all elements but those of MathML their local names."""
    for element in root.iter():
        name = local_name(element)
        if element.tag not in (name, f"{{{MATHML}}}{name}"):
            element.tag = name


def _to_ascii_based(data: bytes) -> bytes:
    """Return UTF-16 and UTF-32 as UTF-8, anything else as it is."""
    if _STATEFUL_ENCODING.match(data, 0, _DECLARATION_BYTES):
        raise XmlRefused(Reason.XML_SYNTAX, "encodings in which ASCII bytes may mean something else are not read")
    for mark, codec in _WIDE_ENCODINGS:
        if data.startswith(mark):
            try:
                text = data.decode(codec).removeprefix("\ufeff")
            except UnicodeDecodeError as error:
                raise XmlRefused(Reason.XML_SYNTAX, f"{codec}: {error.reason} at byte {error.start}") from error
            head = _ENCODING.sub(r"\1", text[:_DECLARATION_BYTES], count=1)
            return (head + text[_DECLARATION_BYTES:]).encode()
    return data


def _check_size(num_bytes: int, max_bytes: int) -> None:
    if num_bytes > max_bytes:
        raise XmlRefused(Reason.TOO_LARGE, f"{num_bytes} bytes of XML, at most {max_bytes} are read")
