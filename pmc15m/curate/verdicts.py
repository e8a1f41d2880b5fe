"""What became of each candidate: the first reason against it stands."""

from collections.abc import Iterable, Iterator

import numpy as np

from pmc15m.curate.arrays import Bools, Candidates, Ints
from pmc15m.curate.copies import Copies
from pmc15m.records import Reason, Reject, Stage


class Verdicts:
    """The rejects of candidates, by row."""

    def __init__(self, rows: Candidates) -> None:
        """Begin with nothing against any."""
        self._rows = rows
        self._of: dict[int, tuple[Reason, str]] = {}
        self.is_open: Bools = np.ones(len(rows.article_of), np.bool_)
        """`[N]`, whether a row may stay."""

    def drop(self, row: int, reason: Reason, detail: str) -> None:
        """Reject a row, unless it is rejected already."""
        if self.is_open[row]:
            self._of[row] = (reason, detail)
            self.is_open[row] = False

    def drop_all(self, rows: Ints, reason: Reason, detail: str) -> None:
        """Reject some rows for one reason."""
        for row in rows.tolist():
            self.drop(row, reason, detail)

    def drop_copies(self, copies: Copies) -> None:
        """Reject the copies; the detail begins with the key of the pair that stays."""
        rows = self._rows
        for row in np.flatnonzero(copies.leader != np.arange(len(copies.leader))).tolist():
            leader = int(copies.leader[row])
            if rows.pixels[row] != rows.pixels[leader]:
                self.drop(row, Reason.DUPLICATE_IMAGE, f"{rows.key(leader)} {_bits(rows, row, leader)} bits")
            elif rows.sha256[row] == rows.sha256[leader]:
                self.drop(row, Reason.DUPLICATE_FILE, f"{rows.key(leader)} the same file")
            else:
                self.drop(row, Reason.DUPLICATE_PIXELS, f"{rows.key(leader)} the same pixels")

    def rejects(self) -> Iterator[Reject]:
        """Yield the rejects, by row."""
        rows = self._rows
        for row, (reason, detail) in sorted(self._of.items()):
            pmcid = rows.pmcids[rows.article_of[row]]
            fig_id = rows.fig_ids[row].as_py()
            yield Reject(rows.key(row), pmcid, int(rows.version[row]), fig_id, Stage.CURATE, reason, detail)


def _bits(rows: Candidates, one: int, other: int) -> int:
    """Return the distance of two rows: the smallest over the hashes that can be compared."""
    return min(_distances(rows, one, other))


def _distances(rows: Candidates, one: int, other: int) -> Iterable[int]:
    for hashes, usable in zip(rows.hashes, rows.usable, strict=True):
        if usable[one] and usable[other]:
            yield int(np.bitwise_count(hashes[one] ^ hashes[other]).sum())
