"""What archives of articles share: caps, sound names, and the refusal of what is no honest archive.

Nothing is ever extracted. Members are read into memory, one at a time, and known by a checked base
name; a path of the archive never becomes a path of ours.
"""

import re
import unicodedata
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Protocol

from pmc15m.acquire.metadata import MAX_NAME_BYTES
from pmc15m.config import XmlConfig
from pmc15m.records import Reason

_ODD_CHARACTER = re.compile(r'[\\<>:"|?*]')
_ODD_ENDS = re.compile(r"^[. ]|[. ]$")
_DEVICE = re.compile(r"(?:con|prn|aux|nul|com\d|lpt\d)(?:\..*)?", re.IGNORECASE)
_ODD_CATEGORIES = frozenset(("Cc", "Cf", "Cs", "Zl", "Zp"))  # control, bidi marks and the like, surrogates


class ArchiveRefused(Exception):
    """The bytes are not an archive of one article that may be read."""

    def __init__(self, reason: Reason, detail: str) -> None:
        """Take the reason (`tar_member`, `tar_limit`, `tar_corrupt` and few others) and what was found."""
        super().__init__(reason, detail)
        self.reason = reason
        self.detail = detail

    def __str__(self) -> str:
        """Return both parts."""
        return f"{self.reason}: {self.detail}"


@dataclass(frozen=True, slots=True)
class Caps:
    """How much an archive may hold; more is refused before it is read."""

    max_inflated_bytes: int = 4 * 2**30
    max_member_bytes: int = 512 * 2**20
    max_members: int = 10_000
    max_header_bytes: int = 2**20  # long names and pax headers of a tar; directory and manifest of a MECA
    max_xml_bytes: int = XmlConfig().max_bytes  # of the article
    max_ratio: int = 200  # inflated to compressed; deflate reaches 1,030, real packages 40
    min_ratio_bytes: int = 64 * 2**20  # what is inflated before the ratio counts

    def check_inflated(self, num_bytes: int, num_compressed_bytes: int) -> None:
        """Refuse a whole that is too large, or much larger than what it is made of."""
        if num_bytes > self.max_inflated_bytes:
            raise ArchiveRefused(Reason.TAR_LIMIT, f"more than {self.max_inflated_bytes:,} bytes inflated")
        if num_bytes > max(self.min_ratio_bytes, self.max_ratio * num_compressed_bytes):
            detail = f"{num_bytes:,} bytes and more out of {num_compressed_bytes:,}, a bomb"
            raise ArchiveRefused(Reason.TAR_LIMIT, detail)

    def check_xml(self, name: str, num_bytes: int) -> None:
        """Refuse an article that would not be parsed."""
        if num_bytes > self.max_xml_bytes:
            detail = f"{name} has {num_bytes:,} bytes, more than {self.max_xml_bytes:,}"
            raise ArchiveRefused(Reason.TOO_LARGE, detail)


DEFAULT_CAPS = Caps()


class Archive(Protocol):
    """An archive of one article."""

    names: tuple[str, ...]  # base names of its files, sorted
    xml: bytes  # the article
    version: int | None  # where the archive tells

    def read(self, names: Collection[str]) -> Iterator[tuple[str, bytes]]:
        """Yield some files, one at a time, in the order of the archive.

        Raises:
            ArchiveRefused: a file is not what the archive's headers say.
        """
        ...


class MemberBook:
    """The members met so far: sound paths, sizes within caps, no two files of one base name."""

    def __init__(self, caps: Caps) -> None:
        """Start with none."""
        self._caps = caps
        self._num_members = 0
        self._paths: dict[str, str] = {}

    def add(self, path: str, num_bytes: int, is_folder: bool = False) -> str:
        """Note a member and return its base name.

        Raises:
            ArchiveRefused: its path or size is not sound, or its name was there before.
        """
        self._num_members += 1
        if self._num_members > self._caps.max_members:
            raise ArchiveRefused(Reason.TAR_LIMIT, f"more than {self._caps.max_members:,} members")
        if num_bytes < 0:
            raise ArchiveRefused(Reason.TAR_MEMBER, f"{_shown(path)} has a negative size, {num_bytes}")
        if num_bytes > self._caps.max_member_bytes:
            detail = f"{_shown(path)} has {num_bytes:,} bytes, more than {self._caps.max_member_bytes:,}"
            raise ArchiveRefused(Reason.TAR_LIMIT, detail)
        name = base_name(path, is_folder)
        if is_folder:
            return name
        folded = fold_name(name)
        if folded in self._paths:
            other = self._paths[folded]
            detail = f"{_shown(path)} twice" if path == other else f"{_shown(other)} and {_shown(path)} are one name"
            raise ArchiveRefused(Reason.TAR_MEMBER, detail)
        self._paths[folded] = path
        return name


def fold_name(name: str) -> str:
    """Return what names that some file system or href takes for one have in common."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def base_name(path: str, is_folder: bool = False) -> str:
    """Return the last part of a member's path.

    Raises:
        ArchiveRefused: the path is absolute, climbs, or has a part that is no plain file name.
    """
    inner = path.removeprefix("./")
    if is_folder:
        inner = inner.removesuffix("/")
        if inner in {"", "."}:
            return ""
    parts = inner.split("/")
    for part in parts:
        if fault := _fault_of(part):
            raise ArchiveRefused(Reason.TAR_MEMBER, f"{_shown(path)}: {fault}")
    return parts[-1]


def _fault_of(part: str) -> str:
    """Return what is wrong with one part of a path; "" where nothing is."""
    if not part:
        return "an empty or absolute path"
    if part in {".", ".."}:
        return "a path that climbs"
    if any(unicodedata.category(character) in _ODD_CATEGORIES for character in part):
        return "a control, format or undecodable character"
    if len(part.encode()) > MAX_NAME_BYTES:
        return f"longer than {MAX_NAME_BYTES} bytes"
    if _ODD_CHARACTER.search(part) or _ODD_ENDS.search(part) or _DEVICE.fullmatch(part):
        return "no plain file name"
    return ""


def _shown(path: str) -> str:
    return ascii(path[:100])
