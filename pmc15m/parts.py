"""A share of a stage's work that is run by itself: in a process, by a scheduler, as a task of a cluster.

Articles belong to a part by the digest of their pmcid. Parts never change the bytes: whatever is read of
them is read in an order of its own.
"""

import re
from dataclasses import dataclass

from pmc15m.errors import UsageError
from pmc15m.rows import order_of, order_range

MAX_PARTS = 99_999

_PART = re.compile(r"(\d{1,5})/(\d{1,5})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Part:
    """Part `index` of `count`, from 0."""

    index: int = 0
    count: int = 1

    @property
    def folder(self) -> str:
        """Name of the folder that it writes."""
        return f"part-{self.index:05d}-of-{self.count:05d}"

    def holds(self, pmcid: str) -> bool:
        """Return whether an article belongs to it."""
        low, high = order_range(self.index, self.count)
        return low <= order_of(pmcid) < high

    def __str__(self) -> str:
        """Write it as `parse_part` reads it."""
        return f"{self.index}/{self.count}"


WHOLE = Part()
"""All the work."""


def parse_part(text: str) -> Part:
    """Return the part that a word such as `3/16` names.

    Raises:
        UsageError: it names none.
    """
    match = _PART.fullmatch(text)
    part = Part(int(match.group(1)), int(match.group(2))) if match else None
    if part is None or not part.index < part.count:
        raise UsageError(f"{text!r} is no part: wanted I/N with I from 0 to N - 1, such as 0/16")
    return part
