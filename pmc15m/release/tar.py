"""Reproducible USTAR archives: the members' bytes alone decide the archive's, and its digest comes with it."""

import hashlib
import tarfile
from collections.abc import Iterable
from typing import BinaryIO

BLOCK_BYTES = 512
RECORD_BYTES = 20 * BLOCK_BYTES
MAX_NAME_BYTES = 100
_BUFFER_BYTES = 2**20


class TarFile:
    """Writes members one after the other: mtime 0, uid and gid 0, mode 0644, no compression."""

    def __init__(self, target: BinaryIO) -> None:
        """Start an archive in an open binary file."""
        self._target = target
        self._digest = hashlib.sha256()
        self._pending: list[bytes] = []
        self._pending_bytes = 0
        self.num_bytes = 0

    def add(self, name: str, data: bytes) -> int:
        """Add a member and return the offset of its first byte of data.

        Raises:
            ValueError: the name is not plain ASCII of at most 100 bytes.
        """
        offset = self.num_bytes + BLOCK_BYTES
        self._put(make_header(name, len(data)))
        self._put(data)
        if padding := -len(data) % BLOCK_BYTES:
            self._put(bytes(padding))
        return offset

    def close(self) -> str:
        """End the archive, pad it to whole records, and return its sha256."""
        self._put(bytes(2 * BLOCK_BYTES))
        self._put(bytes(-self.num_bytes % RECORD_BYTES))
        self._write()
        return self._digest.hexdigest()

    def _put(self, data: bytes) -> None:
        self._pending.append(data)
        self._pending_bytes += len(data)
        self.num_bytes += len(data)
        if self._pending_bytes >= _BUFFER_BYTES:
            self._write()

    def _write(self) -> None:
        chunk = b"".join(self._pending)
        self._digest.update(chunk)
        self._target.write(chunk)
        self._pending, self._pending_bytes = [], 0


def make_header(name: str, num_bytes: int) -> bytes:
    """Return the header block of a member, as `tarfile` writes it.

    Only name, size and checksum differ between members: they are put into a block that tarfile made,
    which is several times faster than to have it make each. What does not fit is left to it.
    """
    if not name.isascii() or not 0 < len(name) <= MAX_NAME_BYTES:
        raise ValueError(f"a member's name must be ASCII of 1 to {MAX_NAME_BYTES} bytes, not {name!r}")
    if not num_bytes < _MAX_OCTAL_BYTES or "\0" in name or name.endswith("/"):
        return _by_tarfile(name, num_bytes)
    raw, size = name.encode(), b"%011o" % num_bytes
    checksum = _BLANK_SUM + sum(raw) + sum(size) - _BLANK_SIZE_SUM
    return b"".join((raw.ljust(MAX_NAME_BYTES, b"\0"), _BEFORE_SIZE, size, _AFTER_SIZE, b"%06o\0" % checksum, _REST))


def _by_tarfile(name: str, num_bytes: int) -> bytes:
    info = tarfile.TarInfo(name)  # mtime 0, mode 0644, uid and gid 0 are its defaults
    info.size = num_bytes
    return info.tobuf(tarfile.USTAR_FORMAT)


# The fields of a USTAR header: name 100, mode 8, uid 8, gid 8, size 12, mtime 12, checksum 8, the rest.
_BLANK = _by_tarfile("", 0)
_BEFORE_SIZE, _AFTER_SIZE, _REST = _BLANK[100:124], _BLANK[135:148], _BLANK[155:]
_BLANK_SUM = int(_BLANK[148:154], 8)
_BLANK_SIZE_SUM = sum(_BLANK[124:135])
_MAX_OCTAL_BYTES = 8**11


def write_tar(target: BinaryIO, members: Iterable[tuple[str, bytes]]) -> str:
    """Write a whole archive and return its sha256."""
    tar = TarFile(target)
    for name, data in members:
        tar.add(name, data)
    return tar.close()
