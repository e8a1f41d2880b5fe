"""Named references (`&thinsp;`), replaced before the parser sees the document.

No DTD is ever fetched, so a parser cannot know the names that the DTD declares: depending on the
document type declaration it fails, keeps a node that text functions skip, or drops the reference
from an attribute without a word. Here they become numeric references or,
for entities of the internal subset, the text that these stand for. Rule T10 of the case format.

Everything works on bytes of an encoding in which ASCII is ASCII, and takes linear time: no pattern
has a branch that could be tried again from the next byte.
"""

import html.entities
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache

from lxml import etree

from pmc15m.jats import entity_table
from pmc15m.records import Reason

MAX_EXPANSION_BYTES = 2**20
"""What declared entities may add to a document, besides as much as its own size."""

MAX_ENTITY_DEPTH = 16
"""Entities in entities: deeper is an attack or a loop."""

_NAME = rb"[A-Za-z_:\x80-\xff][\w:.\-\x80-\xff]*+"
_LITERAL = rb"(?:\"[^\"]*+\"|'[^']*+')"
_EXTERNAL_ID = rb"(?:SYSTEM\s++%b|PUBLIC\s++%b\s++%b)" % (_LITERAL, _LITERAL, _LITERAL)

NAMED_REFERENCE = re.compile(rb"&(?!(?:lt|gt|amp|quot|apos);)(%b);" % _NAME)
"""A reference to an entity other than the five of XML."""
_CHARACTER_REFERENCE = re.compile(rb"&#(?:x([0-9A-Fa-f]{1,6})|([0-9]{1,7}));")
_SECTION = re.compile(rb"<(?:!--|!\[CDATA\[|\?)")
_SECTION_ENDS = {b"<!--": b"-->", b"<![CDATA[": b"]]>", b"<?": b"?>"}
_SPACE = re.compile(rb"\s*+")
_DOCTYPE = re.compile(rb"<!DOCTYPE\s++%b(?:\s++%b)?+\s*+" % (_NAME, _EXTERNAL_ID))
_ENTITY = re.compile(
    rb"<!ENTITY\s++(%%\s++)?+(%b)\s++(?:(%b)|%b(?:\s++NDATA\s++%b)?+)\s*+>" % (_NAME, _LITERAL, _EXTERNAL_ID, _NAME)
)
_OTHER_DECLARATION = re.compile(rb"<!(?:ELEMENT|ATTLIST|NOTATION)\s(?:[^\"'<>]++|%b)*+>|%%%b;" % (_LITERAL, _NAME))


class XmlRefused(ValueError):
    """The bytes are not an article that can be read."""

    def __init__(self, reason: Reason, detail: str) -> None:
        """Take the reason (`xml_syntax` or `too_large`) and what was found, with its line."""
        super().__init__(reason, detail)
        self.reason = reason
        self.detail = detail

    def __str__(self) -> str:
        """Return both parts."""
        return f"{self.reason}: {self.detail}"


@dataclass(frozen=True, slots=True)
class Doctype:
    """The document type declaration of a document; empty where there is none."""

    start: int
    end: int
    entities: Mapping[bytes, bytes | None]  # general entities of the internal subset; None: external


def resolve_entities(data: bytes) -> bytes:
    """Replace named references in content and attributes; all other bytes stay.

    CDATA sections, comments, processing instructions and the document type declaration are left
    alone. A name of the internal subset stands for what that declares, any other for its
    character in the JATS, ISO and HTML sets.

    Args:
        data: A document in an encoding that contains ASCII.

    Returns:
        The document, without any named reference but the five of XML.

    Raises:
        XmlRefused: A name is unknown or external, or the declarations are malformed or an attack.
    """
    if not NAMED_REFERENCE.search(data):
        return data
    doctype = _read_doctype(data)
    return data[: doctype.end] + _Replacer(data, doctype.entities).replace(data, doctype.end)


def cut_doctype(data: bytes) -> bytes:
    """Return the document without its document type declaration, whose lines are left empty.

    What the parser never sees it cannot follow, and a reference that is left is then an error.
    """
    doctype = _read_doctype(data)
    if doctype.start == doctype.end:
        return data
    return data[: doctype.start] + b"\n" * data.count(b"\n", doctype.start, doctype.end) + data[doctype.end :]


@cache
def named_characters() -> Mapping[bytes, bytes]:
    """Return the numeric references of all known names (without `&` and `;`).

    They are numeric for ASCII too: a quotation mark by itself would end an attribute.
    """
    characters = {name[:-1]: text for name, text in html.entities.html5.items() if name.endswith(";")}
    for block in (entity_table.GREEK, entity_table.ISO_8879, entity_table.JATS):
        words = block.split()
        for name, codes in zip(words[::2], words[1::2], strict=True):
            characters[name] = "".join(chr(int(code, 16)) for code in codes.split("+"))
    return {
        name.encode(): b"".join(b"&#%d;" % ord(character) for character in text) for name, text in characters.items()
    }


class _Replacer:
    """Replaces the references of one document, with one budget for what it declares."""

    def __init__(self, data: bytes, entities: Mapping[bytes, bytes | None]) -> None:
        self._data = data
        self._entities = entities
        self._expanded: dict[bytes, bytes] = {}
        self._budget = len(data) + MAX_EXPANSION_BYTES
        self._position = 0  # of the reference of the document that is being replaced

    def replace(self, text: bytes, start: int = 0, depth: int = 0) -> bytes:
        """Return the text from `start` on, references replaced."""
        pieces = []
        for section_start, section_end in _sections(text, start):
            pieces.append(self._replace_span(text, start, section_start, depth))
            pieces.append(text[section_start:section_end])
            start = section_end
        pieces.append(self._replace_span(text, start, len(text), depth))
        return b"".join(pieces)

    def _replace_span(self, text: bytes, start: int, end: int, depth: int) -> bytes:
        characters = named_characters()
        entities = self._entities

        def replacement(reference: re.Match[bytes]) -> bytes:
            name = reference[1]
            if name in characters and name not in entities:
                return characters[name]
            if depth == 0:
                self._position = start + reference.start()
            return self._look_up(name, depth)

        return NAMED_REFERENCE.sub(replacement, text[start:end])

    def _look_up(self, name: bytes, depth: int) -> bytes:
        """Return what a declared entity stands for, once its bytes are paid for."""
        if name not in self._entities:
            raise self._refused("unknown entity &%s;", name)
        expanded = self._expanded.get(name)
        if expanded is None:
            expanded = self._expanded[name] = self._expand(name, depth)
        self._budget -= len(expanded)
        if self._budget < 0:
            raise self._refused("entity amplification at &%s;", name)
        return expanded

    def _expand(self, name: bytes, depth: int) -> bytes:
        """Return what can stand for a declared entity in content and in attributes.

        Character references count at the declaration (XML 1.0, 4.4.5), all others where the entity
        is used. In an attribute value no quotation mark of an entity ends the value, and markup is
        an error: an empty comment in front sees to it, before a quotation mark could do harm.
        """
        literal = self._entities[name]
        if literal is None:
            raise self._refused("external entity &%s; is never read", name)
        if depth == MAX_ENTITY_DEPTH:
            raise self._refused("entity amplification at &%s;", name)
        expanded = self.replace(_CHARACTER_REFERENCE.sub(_ascii_character, literal), depth=depth + 1)
        if not _is_balanced(expanded):
            raise self._refused("entity &%s; is not well-formed", name)
        if b"<" in expanded:
            return b"<!---->" + expanded
        return expanded.replace(b'"', b"&#34;").replace(b"'", b"&#39;").replace(b">", b"&#62;")

    def _refused(self, template: str, name: bytes) -> XmlRefused:
        return _refused(template % name.decode(errors="replace"), self._data, self._position)


def _sections(text: bytes, start: int) -> Iterator[tuple[int, int]]:
    """Yield start and end of each comment, CDATA section and processing instruction."""
    while section := _SECTION.search(text, start):
        end = _section_end(text, section)
        yield section.start(), end
        start = end


def _section_end(text: bytes, section: re.Match[bytes]) -> int:
    """Return the end; for a section without one that of the text: the parser will say so."""
    closing = _SECTION_ENDS[section[0]]
    end = text.find(closing, section.end())
    return len(text) if end < 0 else end + len(closing)


def _ascii_character(reference: re.Match[bytes]) -> bytes:
    """Return an ASCII character for itself; others, and what XML forbids, stay as they are."""
    code = int(reference[1], 16) if reference[1] else int(reference[2])
    return bytes([code]) if code in (9, 10, 13) or 32 <= code < 127 else reference[0]


def _is_balanced(text: bytes) -> bool:
    """Whether the text of an entity is well-formed content by itself, prefixes aside."""
    content = text.decode("latin-1").replace(":", "_")
    try:
        etree.fromstring(f"<entity>{content}</entity>", etree.XMLParser(resolve_entities=False, no_network=True))
    except etree.XMLSyntaxError:
        return False
    return True


def _read_doctype(data: bytes) -> Doctype:
    """Find the document type declaration, after the comments and instructions of the prolog."""
    position = 3 if data.startswith(b"\xef\xbb\xbf") else 0
    while True:
        position = _skip_space(data, position)
        section = _SECTION.match(data, position)
        if not section:
            break
        position = _section_end(data, section)
    if not data.startswith(b"<!DOCTYPE", position):
        return Doctype(position, position, {})
    start = position
    entities: dict[bytes, bytes | None] = {}
    if head := _DOCTYPE.match(data, position):
        position = head.end()
        if data.startswith(b"[", position):
            entities, position = _read_internal_subset(data, position + 1)
    if not data.startswith(b">", position):
        raise _refused("malformed document type declaration", data, position)
    return Doctype(start, position + 1, entities)


def _read_internal_subset(data: bytes, position: int) -> tuple[dict[bytes, bytes | None], int]:
    """Return the general entities of the subset and the position after it and white space.

    Parameter entities are not expanded, and no other declaration has an effect.
    """
    entities: dict[bytes, bytes | None] = {}
    while True:
        position = _skip_space(data, position)
        if data.startswith(b"]", position):
            return entities, _skip_space(data, position + 1)
        if declaration := _ENTITY.match(data, position):
            is_parameter, name, literal = declaration.groups()
            if not is_parameter:
                entities.setdefault(name, literal and literal[1:-1])  # the first one counts
            position = declaration.end()
        elif declaration := _OTHER_DECLARATION.match(data, position):
            position = declaration.end()
        elif (section := _SECTION.match(data, position)) and section[0] != b"<![CDATA[":
            position = _section_end(data, section)
        else:
            raise _refused("malformed internal subset", data, position)


def _skip_space(data: bytes, position: int) -> int:
    space = _SPACE.match(data, position)
    return space.end() if space else position


def _refused(detail: str, data: bytes, position: int) -> XmlRefused:
    line = data.count(b"\n", 0, position) + 1
    return XmlRefused(Reason.XML_SYNTAX, f"{detail} (line {line})")
