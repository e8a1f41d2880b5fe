"""Where two releases differ first, down to the member, the row or the line."""

import tarfile
from itertools import zip_longest
from pathlib import Path

import pyarrow.parquet as pq

from tests.tree import digests


def first_difference(made: Path, wanted: Path) -> str | None:
    """Return the first difference of two folders in words; None where they are the same bytes."""
    one, other = digests(made), digests(wanted)
    if missing := sorted(set(one) ^ set(other)):
        return f"{missing[0]} is only in {made if missing[0] in one else wanted}"
    name = next((name for name in sorted(one) if one[name] != other[name]), None)
    if name is None:
        return None
    return f"{name}: {_inside(made / name, wanted / name)}"


def _inside(made: Path, wanted: Path) -> str:
    if made.suffix == ".tar":
        pieces = [_members(path) for path in (made, wanted)]
    elif made.suffix == ".parquet":
        pieces = [
            [(str(n), repr(row)) for n, row in enumerate(pq.read_table(path).to_pylist())] for path in (made, wanted)
        ]
    else:
        pieces = [
            [(str(n), repr(line)) for n, line in enumerate(path.read_bytes().splitlines())] for path in (made, wanted)
        ]
    for number, (one, other) in enumerate(zip_longest(*pieces)):
        if one != other:
            return f"piece {number}: {one} is not {other}"
    return "the same content in other bytes"


def _members(path: Path) -> list[tuple[str, str]]:
    with tarfile.open(path) as tar:
        return [(member.name, f"{member.size} bytes") for member in tar]
