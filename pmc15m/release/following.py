"""A release that was built after another: what changed since, and what was withdrawn before."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pmc15m.records import Reason
from pmc15m.release.changes import WITHDRAWN, parent_of, write_changes, write_withdrawn
from pmc15m.release.closing import shard_files
from pmc15m.release.diff import compare_releases, numbers_of, step_of
from pmc15m.release.files import ReleaseFile, Shard
from pmc15m.release.reading import Release, open_release, read_table
from pmc15m.store import Store

RELATION = "built"


@dataclass(frozen=True, slots=True)
class Following:
    """What a release says of its parent."""

    version: str
    parent: dict[str, Any] | None
    files: list[ReleaseFile]


def follow(
    parent: str | None,
    out: str,
    version: str,
    shards: list[Shard],
    files: Sequence[ReleaseFile],
    source: dict[str, Any],
) -> Following:
    """Write what changed since the parent, where there is one.

    Args:
        parent: the release before.
        out: the release, of which shards, rejects and splits are written.
        version: that the config names; where it is no later one than the parent's, the step by what changed is taken.
        shards: of the release.
        files: its other files.
        source: as in the manifest.

    Raises:
        OutputError: there is no parent there.
        DamagedError: it is not what its manifest says.
    """
    if parent is None:
        return Following(version, None, [])
    old = open_release(parent)
    listed = {file.path: file for file in (*shard_files(shards), *files)}
    new = Release(Store(out), {}, 0, listed, tuple(shards))
    difference = compare_releases(old, new)
    if numbers_of(version) <= numbers_of(old.version):
        version = step_of(difference, old, new).after(old.version)
    return Following(
        version,
        parent_of(old, RELATION),
        [
            *write_changes(out, difference.added, difference.removed, difference.changed),
            write_withdrawn(out, old, difference.added, difference.removed, version, source.get("inventory_date")),
        ],
    )


def withdrawn_keys(parent: Release) -> frozenset[str]:
    """Return the samples that were withdrawn from a release or from those before it, and did not come back."""
    if WITHDRAWN not in parent.files:
        return frozenset()
    rows = read_table(parent, WITHDRAWN, ("key", "reason", "returned_in")).to_pylist()
    return frozenset(
        str(row["key"]) for row in rows if row["reason"] == Reason.WITHDRAWN and row["returned_in"] is None
    )
