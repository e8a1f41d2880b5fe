"""One MECA zip of a preprint server: `manifest.xml`, which names the article, and `content/`.

NISO RP-30 (Manuscript Exchange Common Approach); bioRxiv and medRxiv write the early form, in which
the item is an `article`. zipfile reads the directory; members are inflated here, counted and checked.
"""

import io
import re
import stat
import struct
import zipfile
import zlib
from collections.abc import Collection, Iterator
from typing import BinaryIO
from urllib.parse import unquote

from lxml import etree

from pmc15m.acquire.members import DEFAULT_CAPS, ArchiveRefused, Caps, MemberBook
from pmc15m.jats.entities import XmlRefused, cut_doctype
from pmc15m.records import Reason

MANIFEST = "manifest.xml"
ARTICLE_TYPES = ("article", "article-metadata", "manuscript")
"""Types of the item whose XML is the article, the first that is there: early form, then RP-30."""

_CHUNK_BYTES = 2**18
_TAIL_BYTES = 2**17  # zipfile looks there for the end of the directory, twice
_LOCAL_HEADER = struct.Struct("<4s2x2H16x2H")
_END = struct.Struct("<4s6xH10x")  # of the directory: how many entries it has
_ENCRYPTED = 0x2061  # encrypted, patched, strongly encrypted, masked
_RAW_DEFLATE = -15
_VERSION = re.compile(r"v([1-9]\d{0,3})$")


class Meca:
    """A MECA archive, its directory and article read when made."""

    def __init__(self, stream: BinaryIO | bytes, caps: Caps = DEFAULT_CAPS) -> None:
        """Check the directory and read the article.

        Args:
            stream: the file, or one that can be sought; it has to stay open.
            caps: how much it may hold.

        Raises:
            ArchiveRefused: it is damaged, holds what a MECA does not, or holds too much.
        """
        self._stream = io.BytesIO(stream) if isinstance(stream, bytes) else stream
        self._members: dict[str, zipfile.ZipInfo] = {}
        book = MemberBook(caps)
        infos = _read_directory(self._stream, caps)
        for info in infos:
            is_folder = info.orig_filename.endswith("/")
            name = book.add(info.orig_filename, info.file_size, is_folder)
            _check_member(info, is_folder)
            if not is_folder:
                self._members[name] = info
        self.names = tuple(sorted(self._members))
        manifest = next((info for info in infos if info.orig_filename.removeprefix("./") == MANIFEST), None)
        if manifest is None:
            raise ArchiveRefused(Reason.TAR_MEMBER, f"no {MANIFEST}")
        if manifest.file_size > caps.max_header_bytes:
            raise ArchiveRefused(Reason.TAR_LIMIT, f"{MANIFEST} has {manifest.file_size:,} bytes")
        href, self.version = _find_article(_inflate(self._stream, manifest))
        hrefs = {href.removeprefix("./"), unquote(href).removeprefix("./")}
        article = next((info for info in infos if info.orig_filename.removeprefix("./") in hrefs), None)
        if article is None:
            raise ArchiveRefused(Reason.TAR_MEMBER, f"{MANIFEST} names {href[:100]!a}, which is not there")
        caps.check_xml(article.orig_filename, article.file_size)
        self.xml = _inflate(self._stream, article)

    def read(self, names: Collection[str]) -> Iterator[tuple[str, bytes]]:
        """Yield some files, one at a time, in the order of the archive."""
        for name, info in self._members.items():
            if name in names:
                yield name, _inflate(self._stream, info)


def _read_directory(stream: BinaryIO, caps: Caps) -> list[zipfile.ZipInfo]:
    """Return the entries of the directory: no more bytes of it are read than may be, and none overlap."""
    window = _Window(stream, caps.max_header_bytes + _TAIL_BYTES)
    try:
        archive = zipfile.ZipFile(window)
    except (zipfile.BadZipFile, NotImplementedError, struct.error, ValueError, OverflowError) as error:
        raise ArchiveRefused(Reason.TAR_CORRUPT, f"no sound zip: {error}") from error
    infos = archive.infolist()
    window.seek(-_END.size - len(archive.comment), io.SEEK_END)
    signature, count = _END.unpack(window.read(_END.size))
    if signature != b"PK\x05\x06" or count not in {len(infos), 0xFFFF}:
        raise ArchiveRefused(Reason.TAR_CORRUPT, f"the directory has {len(infos)} entries, its end says {count}")
    caps.check_inflated(sum(info.file_size for info in infos), window.num_bytes)
    infos.sort(key=lambda info: info.header_offset)
    end = 0
    for info in infos:
        if info.header_offset < end:
            raise ArchiveRefused(Reason.TAR_CORRUPT, f"{info.orig_filename[:100]!a} lies on another member")
        end = info.header_offset + _LOCAL_HEADER.size + len(info.orig_filename) + info.compress_size
    if end > window.num_bytes:
        raise ArchiveRefused(Reason.TAR_CORRUPT, "members lie beyond the end of the file")
    return infos


def _check_member(info: zipfile.ZipInfo, is_folder: bool) -> None:
    shown = ascii(info.orig_filename[:100])
    if info.flag_bits & _ENCRYPTED:
        raise ArchiveRefused(Reason.TAR_MEMBER, f"{shown} is encrypted")
    if info.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
        raise ArchiveRefused(Reason.TAR_MEMBER, f"{shown} is compressed by method {info.compress_type}")
    kind = stat.S_IFMT(info.external_attr >> 16)
    if kind not in {0, stat.S_IFDIR if is_folder else stat.S_IFREG}:
        raise ArchiveRefused(Reason.TAR_MEMBER, f"{shown} is neither file nor folder")
    if is_folder and info.file_size:
        raise ArchiveRefused(Reason.TAR_MEMBER, f"{shown} is a folder of {info.file_size:,} bytes")


def _inflate(stream: BinaryIO, info: zipfile.ZipInfo) -> bytes:
    """Return the bytes of a member: as many as the directory says, with its CRC, and no more."""
    shown = ascii(info.orig_filename[:100])
    stream.seek(info.header_offset)
    header = bytes(stream.read(_LOCAL_HEADER.size))
    if len(header) < _LOCAL_HEADER.size or not header.startswith(b"PK\x03\x04"):
        raise ArchiveRefused(Reason.TAR_CORRUPT, f"{shown} has no local header")
    _, flags, method, name_bytes, extra_bytes = _LOCAL_HEADER.unpack(header)
    local_name = bytes(stream.read(name_bytes)).decode("utf-8" if flags & 0x800 else "cp437", "replace")
    if local_name != info.orig_filename or method != info.compress_type or flags & _ENCRYPTED:
        raise ArchiveRefused(Reason.TAR_CORRUPT, f"{shown} is another member in its local header")
    stream.seek(extra_bytes, io.SEEK_CUR)
    pieces, num_bytes, crc = [], 0, 0
    for piece in _pieces(stream, info):
        num_bytes += len(piece)
        if num_bytes > info.file_size:
            raise ArchiveRefused(Reason.TAR_CORRUPT, f"{shown} is longer than the {info.file_size:,} bytes it says")
        crc = zlib.crc32(piece, crc)
        pieces.append(piece)
    if num_bytes != info.file_size or crc != info.CRC:
        raise ArchiveRefused(Reason.TAR_CORRUPT, f"{shown} has not the size and CRC that it says")
    return b"".join(pieces)


def _pieces(stream: BinaryIO, info: zipfile.ZipInfo) -> Iterator[bytes]:
    """Yield the data of a member in pieces of bounded size."""
    inflater = zlib.decompressobj(_RAW_DEFLATE) if info.compress_type == zipfile.ZIP_DEFLATED else None
    left = info.compress_size
    while left:
        data = bytes(stream.read(min(left, _CHUNK_BYTES)))
        left -= len(data)
        if not data:
            break
        while data and inflater is not None and not inflater.eof:
            try:
                yield inflater.decompress(data, _CHUNK_BYTES)
            except zlib.error as error:
                raise ArchiveRefused(Reason.TAR_CORRUPT, f"{info.orig_filename[:100]!a}: {error}") from error
            data = inflater.unconsumed_tail
        if inflater is None:
            yield data
    if left or (inflater is not None and (not inflater.eof or inflater.unused_data)):
        raise ArchiveRefused(Reason.TAR_CORRUPT, f"{info.orig_filename[:100]!a} is cut or overlong")


def _find_article(data: bytes) -> tuple[str, int | None]:
    """Return the href of the article's XML and the version that the id of its item ends in."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        manifest = etree.fromstring(cut_doctype(data), parser)
    except (etree.XMLSyntaxError, XmlRefused) as error:
        raise ArchiveRefused(Reason.TAR_CORRUPT, f"{MANIFEST} is no XML: {error}") from error
    found: dict[str, list[tuple[str, str]]] = {}
    for item in manifest.iter("{*}item"):
        for instance in item.iterfind("{*}instance"):
            if "xml" in _attribute(instance, "media-type"):
                kind = _attribute(item, "type") or _attribute(item, "item-type")
                found.setdefault(kind, []).append((_attribute(instance, "href"), _attribute(item, "id")))
    articles = next((found[kind] for kind in ARTICLE_TYPES if kind in found), [])
    if len(articles) != 1:
        raise ArchiveRefused(Reason.TAR_MEMBER, f"{MANIFEST} names {len(articles)} article files, not one")
    href, item_id = articles[0]
    match = _VERSION.search(item_id)
    return href, int(match.group(1)) if match else None


def _attribute(element: etree._Element, name: str) -> str:
    """Return an attribute with or without a namespace: later forms write `xlink:href`."""
    return next((str(value) for key, value in element.attrib.items() if str(key).rpartition("}")[2] == name), "")


class _Window(io.RawIOBase):
    """A file of which only so much may be read, for a library that reads what the file tells it to."""

    def __init__(self, stream: BinaryIO, max_bytes: int) -> None:
        super().__init__()
        self._stream, self._left = stream, max_bytes
        self.num_bytes = stream.seek(0, io.SEEK_END)

    def read(self, size: int = -1, /) -> bytes:
        """Return some bytes, and refuse to return too many."""
        num_bytes = size if size >= 0 else self.num_bytes - self.tell()
        self._left -= num_bytes
        if self._left < 0:
            raise ArchiveRefused(Reason.TAR_LIMIT, "the directory of the zip is too large")
        return bytes(self._stream.read(num_bytes))

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        """Move, within the file only."""
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self.tell(), io.SEEK_END: self.num_bytes}[whence]
        if not 0 <= start + offset <= self.num_bytes:
            raise ArchiveRefused(Reason.TAR_CORRUPT, "the zip points beyond its ends")
        return self._stream.seek(start + offset)

    def tell(self) -> int:
        """Return where the file stands."""
        return self._stream.tell()

    def seekable(self) -> bool:
        """Return that it can be sought."""
        return True
