"""What lies in the row files of a stage, in the order of its keys."""

from collections.abc import Iterable
from pathlib import Path
from typing import TypeVar

from pmc15m.records import Reject
from pmc15m.rows import ORDER_BITS, read_range
from pmc15m.store import Store

T = TypeVar("T")


def read_all(cls: type[T], folder: str, names: Iterable[str]) -> list[T]:
    """Return all records of some row files."""
    found = read_range(Store(folder), names, cls, 0, 1 << ORDER_BITS)
    return sorted(found, key=lambda record: str(record.key))  # type: ignore[attr-defined]


def reasons(folder: str) -> list[tuple[str, str]]:
    """Return key and reason of all rejects that lie in a folder."""
    names = sorted(path.name for path in Path(folder).glob("rejects-*.parquet"))
    return [(reject.key, str(reject.reason)) for reject in read_all(Reject, folder, names)]
