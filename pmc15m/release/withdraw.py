"""A release without some samples: their shards are written anew, all others stay as they are, byte for byte."""

from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from pmc15m.errors import UsageError
from pmc15m.records import Reason
from pmc15m.release.changes import (
    ADDED_SCHEMA,
    CHANGED_SCHEMA,
    REMOVED_SCHEMA,
    parent_of,
    sorted_by_key,
    write_changes,
    write_withdrawn,
)
from pmc15m.release.cut import Bools, Choice, Cut, choose_rows, count_values, keys_of, pass_on, write_cut_shard
from pmc15m.release.diff import Step
from pmc15m.release.files import Shard
from pmc15m.release.reading import REJECTS_FOLDER, Release, read_table
from pmc15m.release.remake import Made, Names, columns_counted, finish_cut, origin_of
from pmc15m.release.shards import table_name, tar_name
from pmc15m.stages import Origin
from pmc15m.store import Store

RELATION = "withdrawn"


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """What is withdrawn of a release."""

    release: Release
    names: Names
    choices: list[Choice]
    absent: tuple[str, ...]  # what was named and is not in the release

    @property
    def num_gone(self) -> int:
        """How many samples go."""
        return sum(len(choice.stays) - choice.num_samples for choice in self.choices)

    @property
    def num_shards(self) -> int:
        """How many shards are written anew, or go."""
        return sum(not choice.stays.all() for choice in self.choices)

    @property
    def version(self) -> str:
        """Version of the release without them: a major one, as every time that samples go."""
        return Step("major", "").after(self.release.version)

    @property
    def origin(self) -> Origin:
        """What decides the bytes of the release without them."""
        return origin_of(self.release, RELATION, self.names.digest)


def plan_withdrawal(release: Release, names: Names) -> Withdrawal:
    """Find what is named in a release.

    Raises:
        UsageError: nothing of it is there.
        DamagedError: a table is not what the manifest says.
    """
    choices, found = [], set()
    for shard in release.shards:
        keys = keys_of(read_table(release, table_name(shard), ("key",)))
        is_named = np.fromiter(map(names.hold, keys), np.bool_, len(keys))
        for row in np.flatnonzero(is_named).tolist():
            found |= {keys[row], keys[row].split("_", 1)[0]}
        choices.append(choose_rows(shard, keys, ~is_named))
    absent = tuple(sorted((names.keys | names.pmcids) - found))
    if all(choice.stays.all() for choice in choices):
        raise UsageError(f"nothing that the list names is in the release: {', '.join(absent[:5])}")
    if not any(choice.num_samples for choice in choices):
        raise UsageError("the list names every sample: delete the release")
    return Withdrawal(release, names, choices, absent)


def write_withdrawal(plan: Withdrawal, out: str) -> None:
    """Write the release without what is withdrawn.

    Raises:
        DamagedError: what it is made of is not what the manifest says.
    """
    release = plan.release
    cut = Cut(release, out, Reason.WITHDRAWN, f"withdrawn from version {release.version}")
    columns = columns_counted(release)
    written = [one for choice in plan.choices if (one := _write(cut, choice, columns)) is not None]
    shards, counts = [shard for shard, _ in written], [count for _, count in written]
    removed = _removed(release, plan.choices, cut)
    inventory_date = release.manifest["source"].get("inventory_date")
    files = [
        *write_changes(out, ADDED_SCHEMA.empty_table(), removed, CHANGED_SCHEMA.empty_table()),
        write_withdrawn(out, release, ADDED_SCHEMA.empty_table(), removed, plan.version, inventory_date),
    ]
    parent = parent_of(release, RELATION, keys_sha256=plan.names.digest)
    made = Made(plan.origin, plan.version, parent, len(release.paths(REJECTS_FOLDER)))
    finish_cut(cut, plan.choices, shards, counts, made, files)


def _write(cut: Cut, choice: Choice, columns: tuple[str, ...]) -> tuple[Shard, dict[str, Counter[str]]] | None:
    """Write a shard without what goes, or pass it on as it is; None: nothing is left of it."""
    shard = choice.shard
    if not choice.stays.all():
        return write_cut_shard(cut, shard.name, shard.split, [(shard, choice.stays)], columns)
    store = Store(cut.out)
    for path in (table_name(shard), tar_name(shard)):
        pass_on(cut.parent, path, store)
    return shard, count_values(read_table(cut.parent, table_name(shard), columns), columns)


def _removed(release: Release, choices: list[Choice], cut: Cut) -> pa.Table:
    """Return what goes, as a table of changes has it."""
    tables = [_gone_of(release, choice.shard, ~choice.stays) for choice in choices if not choice.stays.all()]
    removed = pa.concat_tables(tables)
    for name, text in (("reason", str(cut.reason)), ("detail", cut.detail)):
        removed = removed.append_column(name, pa.array([text] * removed.num_rows, pa.string()))
    return sorted_by_key(removed.select(REMOVED_SCHEMA.names).cast(REMOVED_SCHEMA))


def _gone_of(release: Release, shard: Shard, gone: Bools) -> pa.Table:
    mask: Any = pa.array(gone)
    return read_table(release, table_name(shard), ("key", "pmcid", "split", "sha256")).filter(mask)
