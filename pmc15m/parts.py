"""A share of a stage's work that is run by itself: in a process, by a scheduler, as a task of a cluster.

Articles belong to a part by the digest of their pmcid. Parts never change the bytes: whatever is read of
them is read in an order of its own.

A part has a folder in that of its stage, and a marker of its own in it. The marker of the stage says that
it is complete only while all parts are.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from pmc15m.errors import UsageError
from pmc15m.rows import RowFile, order_of, order_range
from pmc15m.stages import (
    MARKER,
    Origin,
    OutputError,
    StageFiles,
    check_stage,
    check_writable,
    finish_stage,
    mark_unfinished,
    read_marker,
    read_stage,
)
from pmc15m.store import Store

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


def parts_of(count: int) -> list[Part]:
    """Return so many parts.

    Raises:
        UsageError: there cannot be so many.
    """
    if not 1 <= count <= MAX_PARTS:
        raise UsageError(f"{count} parts: wanted 1 to {MAX_PARTS:,}")
    return [Part(index, count) for index in range(count)]


def start_parts(folder: str, origin: Origin) -> None:
    """Mark a stage unfinished, since a part of it is about to be made; safe to be called by several at once.

    Raises:
        OutputError: the folder holds something that is not this stage's, or cannot be written.
    """
    try:
        check_stage(folder, origin.stage)
    except OutputError:
        if (read_marker(folder) or {}).get("stage") != origin.stage:  # else another part was faster
            raise
    check_writable(folder)
    if (read_marker(folder) or {"complete": True}).get("complete"):
        mark_unfinished(folder, replace(origin, inputs=""))


def join_parts(
    folder: str, parts: Sequence[Part], origin: Origin, inputs_of: Callable[[Sequence[str]], str]
) -> StageFiles:
    """Make one stage of its parts, whose files stay where they are; all else in its folder is deleted.

    Args:
        folder: of the stage.
        parts: all of them.
        origin: what decides its content, but for the inputs.
        inputs_of: digest of the inputs of the whole, from those of the parts.

    Raises:
        OutputError: a part is not complete, or was made with another config or version; or the folder holds
            something that is not this stage's.
    """
    found = read_parts(folder, parts, origin.stage)
    for part, stage in zip(parts, found, strict=True):
        if (stage.origin.version, stage.origin.config) != (origin.version, origin.config):
            raise OutputError(f"part {part} in {folder} was made with another config or version: run that part again")
    if read_marker(folder) is None:
        raise OutputError(f"{folder} holds parts, but no {MARKER} that says they are of pmc15m: run the parts again")
    check_stage(folder, origin.stage)
    kept = {MARKER, *(part.folder for part in parts)}
    for entry in list(Store(folder).list()):
        if entry.name not in kept:
            Store(folder).delete(entry.name)
    tallies = add_tallies(stage.tallies for stage in found)
    files = [_moved(file, part) for part, stage in zip(parts, found, strict=True) for file in stage.files]
    rejects = [_moved(file, part) for part, stage in zip(parts, found, strict=True) for file in stage.rejects]
    inputs = inputs_of([stage.origin.inputs for stage in found])
    finish_stage(folder, replace(origin, inputs=inputs), files, rejects, tallies)
    return read_stage(folder, origin.stage)


def read_parts(folder: str, parts: Sequence[Part], stage: str) -> list[StageFiles]:
    """Return what complete parts hold.

    Raises:
        OutputError: some are not complete; they are named.
    """
    found, missing = [], []
    for part in parts:
        try:
            found.append(read_stage(f"{folder}/{part.folder}", stage))
        except OutputError:
            missing.append(part)
    if missing:
        named = ", ".join(map(str, missing[:_MAX_NAMED])) + (", ..." if missing[_MAX_NAMED:] else "")
        raise OutputError(
            f"{len(missing)} of {len(parts)} parts of {stage} in {folder} are not complete: {named}; run these first"
        )
    return found


def add_tallies(tallies: Iterable[dict[str, int]]) -> dict[str, int]:
    """Return the sums of the tallies of some parts."""
    sums: dict[str, int] = {}
    for one in tallies:
        for name, count in one.items():
            sums[name] = sums.get(name, 0) + count
    return sums


_MAX_NAMED = 10


def _moved(file: RowFile, part: Part) -> RowFile:
    return replace(file, name=f"{part.folder}/{file.name}")
