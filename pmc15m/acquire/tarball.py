"""One `PMC13900.tar.gz` of `oa_package`: article XML, figures, and what else the publisher sent.

tarfile alone is no guard: its stream modes neither check the gzip trailer nor notice a cut at a
member boundary, and a bomb is walked to its end. So the gzip stream is inflated here, under
caps and to its last byte; tarfile only decodes the header blocks.
"""

import io
import tarfile
import zlib
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from typing import BinaryIO

from pmc15m.acquire.members import DEFAULT_CAPS, ArchiveRefused, Caps, MemberBook
from pmc15m.records import Reason

_CHUNK_BYTES = 2**18
_MAX_PADDING_BYTES = 2**20  # zeros after the gzip stream
_GZIP = 31  # zlib: a gzip header and trailer, CRC and length checked
_BLOCK_BYTES = tarfile.BLOCKSIZE
_ZEROS = bytes(_BLOCK_BYTES)
_GLOBAL_DENIED = ("path", "size", "linkpath", "GNU.sparse")


class Tarball:
    """A tarball, read through once when made: it is whole and holds one article."""

    version: int | None = None

    def __init__(self, stream: BinaryIO | bytes, caps: Caps = DEFAULT_CAPS) -> None:
        """Check the whole archive and keep its article.

        Args:
            stream: the file, or one that can be sought; it has to stay open.
            caps: how much it may hold.

        Raises:
            ArchiveRefused: it is damaged, holds what a package does not, or holds too much.
        """
        self._stream = io.BytesIO(stream) if isinstance(stream, bytes) else stream
        self._caps = caps
        names: list[str] = []
        articles: dict[str, bytes] = {}
        for name, data in _read_members(self._stream, caps, lambda name: name.lower().endswith(".nxml")):
            names.append(name)
            if data is not None:
                articles[name] = data
                _check_one(list(articles))
        self.names = tuple(sorted(names))
        self.xml = next(iter(articles.values())) if articles else self._read_xml()

    def read(self, names: Collection[str]) -> Iterator[tuple[str, bytes]]:
        """Yield some files, one at a time, in the order of the archive."""
        left = set(names)
        if not left:
            return
        for name, data in _read_members(self._stream, self._caps, left.__contains__):
            if data is not None:
                yield name, data
                left.discard(name)
            if not left:
                return
        raise ArchiveRefused(Reason.TAR_CORRUPT, f"{sorted(left)} went while it was read")

    def _read_xml(self) -> bytes:
        """Return the article of a package that calls it `.xml`."""
        names = [name for name in self.names if name.lower().endswith(".xml")]
        _check_one(names)
        (item,) = self.read(names)
        return item[1]


def _check_one(names: list[str]) -> None:
    if len(names) != 1:
        detail = f"{len(names)} article files, not one: {', '.join(names[:3])}" if names else "no .nxml and no .xml"
        raise ArchiveRefused(Reason.TAR_MEMBER, detail)


def _read_members(stream: BinaryIO, caps: Caps, is_wanted: Callable[[str], bool]) -> Iterator[tuple[str, bytes | None]]:
    """Yield base name and bytes of every file, None for the bytes of those that are not wanted."""
    stream.seek(0)
    inflated = _Inflated(stream, caps)
    headers, book = _Headers(inflated, caps), MemberBook(caps)
    while (member := headers.next()) is not None:
        name = book.add(member.path, member.num_bytes, member.is_folder)
        if member.is_folder:
            continue
        if is_wanted(name):
            if name.lower().endswith((".nxml", ".xml")):
                caps.check_xml(name, member.num_bytes)
            yield name, inflated.read(member.num_bytes)
        else:
            inflated.skip(member.num_bytes)
            yield name, None
        inflated.skip(-member.num_bytes % _BLOCK_BYTES)
    inflated.drain()


@dataclass(frozen=True, slots=True)
class _Member:
    path: str
    num_bytes: int
    is_folder: bool


class _Inflated:
    """A gzip stream of one member, inflated under caps."""

    def __init__(self, stream: BinaryIO, caps: Caps) -> None:
        self._stream, self._caps = stream, caps
        self._inflater = zlib.decompressobj(_GZIP)
        self._input = self._output = b""
        self._at = 0  # first byte of the output that was not handed over
        self._num_in = self._num_out = 0

    def read(self, num_bytes: int) -> bytes:
        """Return the next bytes, all of them."""
        return b"".join(self._take(num_bytes))

    def skip(self, num_bytes: int) -> None:
        """Pass over the next bytes."""
        for _ in self._take(num_bytes):
            pass

    def drain(self) -> None:
        """Check that nothing but zeros follows, up to the end of the stream and of the file."""
        while not self._output[self._at :].strip(b"\0"):
            self._at = len(self._output)
            if not self._fill():
                break
        else:
            raise ArchiveRefused(Reason.TAR_CORRUPT, "something follows the end of the archive")
        padding, num_bytes = self._inflater.unused_data, 0
        while padding:
            num_bytes += len(padding)
            if padding.strip(b"\0") or num_bytes > _MAX_PADDING_BYTES:
                raise ArchiveRefused(Reason.TAR_CORRUPT, "something follows the gzip stream")
            padding = self._stream.read(_CHUNK_BYTES)

    def _take(self, num_bytes: int) -> Iterator[bytes]:
        while num_bytes:
            if self._at == len(self._output) and not self._fill():
                raise ArchiveRefused(Reason.TAR_CORRUPT, "the tar is cut: it has no end-of-archive blocks")
            piece = self._output[self._at : self._at + num_bytes]
            self._at += len(piece)
            num_bytes -= len(piece)
            yield piece

    def _fill(self) -> bool:
        """Inflate some more; False where the stream has ended, CRC and length right."""
        while not self._inflater.eof:
            if not self._input:
                self._input = bytes(self._stream.read(_CHUNK_BYTES))
                self._num_in += len(self._input)
                if not self._input:
                    raise ArchiveRefused(Reason.TAR_CORRUPT, "the gzip stream is cut")
                if self._num_in > self._caps.max_inflated_bytes:
                    raise ArchiveRefused(Reason.TAR_LIMIT, "the gzip stream is larger than what it may inflate to")
            try:
                output = self._inflater.decompress(self._input, _CHUNK_BYTES)
            except zlib.error as error:
                raise ArchiveRefused(Reason.TAR_CORRUPT, f"the gzip stream is damaged: {error}") from error
            self._input = self._inflater.unconsumed_tail
            if output:
                self._num_out += len(output)
                self._caps.check_inflated(self._num_out, self._num_in - len(self._input))
                self._output, self._at = output, 0
                return True
        return False


class _Headers:
    """The headers of a tar: POSIX and GNU, regular files and folders, nothing else."""

    def __init__(self, inflated: _Inflated, caps: Caps) -> None:
        self._inflated, self._caps = inflated, caps
        self._num_extension_bytes = 0

    def next(self) -> _Member | None:
        """Return the next member, its data unread; None at the end of the archive."""
        extensions: dict[str, str] = {}
        while True:
            block = self._inflated.read(_BLOCK_BYTES)
            if block == _ZEROS:
                if extensions or self._inflated.read(_BLOCK_BYTES) != _ZEROS:
                    raise ArchiveRefused(Reason.TAR_CORRUPT, "an end-of-archive block stands alone")
                return None
            try:
                header = tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
            except tarfile.HeaderError as error:
                raise ArchiveRefused(Reason.TAR_CORRUPT, f"a bad header: {error}") from error
            if header.type == tarfile.XGLTYPE:
                self._check_global(_pax_records(self._read_extension(header)))
            elif header.type == tarfile.XHDTYPE:
                extensions |= _pax_records(self._read_extension(header))
            elif header.type == tarfile.GNUTYPE_LONGNAME:
                extensions["path"] = _decode(self._read_extension(header).rstrip(b"\0"))
            else:
                return _member_of(header, extensions)

    def _read_extension(self, header: tarfile.TarInfo) -> bytes:
        if header.size < 0:
            raise ArchiveRefused(Reason.TAR_MEMBER, f"a header extension of negative size, {header.size}")
        self._num_extension_bytes += _BLOCK_BYTES + header.size
        if self._num_extension_bytes > self._caps.max_header_bytes:
            detail = f"more than {self._caps.max_header_bytes:,} bytes of header extensions"
            raise ArchiveRefused(Reason.TAR_LIMIT, detail)
        data = self._inflated.read(header.size)
        self._inflated.skip(-header.size % _BLOCK_BYTES)
        return data

    @staticmethod
    def _check_global(records: dict[str, str]) -> None:
        for key in records:
            if key.startswith(_GLOBAL_DENIED):
                raise ArchiveRefused(Reason.TAR_MEMBER, f"a global header that sets {key[:40]!a}")


def _member_of(header: tarfile.TarInfo, extensions: dict[str, str]) -> _Member:
    path = extensions.get("path", header.name)
    size = extensions.get("size", str(header.size))
    if header.type not in {tarfile.REGTYPE, tarfile.AREGTYPE, tarfile.DIRTYPE}:
        detail = f"{path[:100]!a} is of type {header.type!r}: neither file nor folder"
        raise ArchiveRefused(Reason.TAR_MEMBER, detail)
    if any(key.startswith("GNU.sparse") for key in extensions):
        raise ArchiveRefused(Reason.TAR_MEMBER, f"{path[:100]!a} is sparse")
    if not (size.removeprefix("-").isascii() and size.removeprefix("-").isdecimal() and len(size) <= 24):
        raise ArchiveRefused(Reason.TAR_MEMBER, f"{path[:100]!a} has size {size[:40]!a}")
    is_folder = header.type == tarfile.DIRTYPE
    if is_folder and int(size):
        raise ArchiveRefused(Reason.TAR_MEMBER, f"{path[:100]!a} is a folder of {int(size):,} bytes")
    return _Member(path, int(size), is_folder)


def _pax_records(data: bytes) -> dict[str, str]:
    """Return the records of a pax header, each `27 path=PMC7/long-name.jpg` and a newline."""
    records = {}
    at = 0
    while at < len(data):
        digits = data[at : data.find(b" ", at, at + 8) + 1].rstrip(b" ")
        end = at + int(digits) if digits.isdigit() else 0
        key, mark, value = data[at + len(digits) + 1 : end - 1].partition(b"=")
        if end > len(data) or end <= at + len(digits) or not mark or data[end - 1 : end] != b"\n":
            raise ArchiveRefused(Reason.TAR_CORRUPT, "a pax header that is none")
        records[_decode(key)] = _decode(value)
        at = end
    return records


def _decode(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")
