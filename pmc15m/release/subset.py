"""A part of a release as a release of its own: new shards of the samples that are wanted, in the splits that they have.

The rule is that of every release: the samples of a split are dealt by the digest of their key, as many to a
shard as the config says. The output is written one shard at a time, from the shards whose range it touches.
"""

import tomllib
from collections import Counter
from dataclasses import dataclass

import numpy as np

from pmc15m.config import ShardsConfig
from pmc15m.errors import UsageError
from pmc15m.records import Reason
from pmc15m.release.changes import WITHDRAWN, parent_of
from pmc15m.release.cut import Bools, Choice, Cut, choose_rows, keys_of, pass_on, write_cut_shard
from pmc15m.release.files import Shard
from pmc15m.release.reading import DamagedError, Release, orders_of, read_checked, read_table
from pmc15m.release.rejects import plan_reject_tables
from pmc15m.release.remake import Made, Names, columns_counted, finish_cut, origin_of
from pmc15m.release.shards import ShardSpec, plan_shards, table_name
from pmc15m.release.sums import CONFIG_FILE
from pmc15m.release.where import Where
from pmc15m.rows import order_range
from pmc15m.stages import Origin
from pmc15m.store import Store

RELATION = "subset"


@dataclass(frozen=True, slots=True)
class Subset:
    """What a subset takes of a release."""

    release: Release
    wanted: Names | str  # names, or an expression over the columns
    choices: list[Choice]

    @property
    def num_samples(self) -> dict[str, int]:
        """How many samples it has, by split."""
        sizes: dict[str, int] = {}
        for choice in self.choices:
            sizes[choice.shard.split] = sizes.get(choice.shard.split, 0) + choice.num_samples
        return sizes

    @property
    def what(self) -> dict[str, str]:
        """What is wanted, for the manifest."""
        if isinstance(self.wanted, Names):
            return {"keys_sha256": self.wanted.digest}
        return {"where": self.wanted}

    @property
    def origin(self) -> Origin:
        """What decides the bytes of the subset."""
        return origin_of(self.release, RELATION, repr(self.what))


def plan_subset(release: Release, wanted: Names | str) -> Subset:
    """Find which samples of a release are wanted.

    Args:
        release: that it is of.
        wanted: keys and articles, or an expression of DuckDB's SQL over the columns of pairs/*.parquet.

    Raises:
        UsageError: the expression is none, or nothing is wanted.
        DamagedError: a table is not what the manifest says.
    """
    where = None if isinstance(wanted, Names) else Where(wanted)
    choices = []
    for shard in release.shards:
        table = read_table(release, table_name(shard), None if where else ("key",))
        keys = keys_of(table)
        held = where.keys(table) if where else {key for key in keys if isinstance(wanted, Names) and wanted.hold(key)}
        choices.append(choose_rows(shard, keys, np.fromiter((key in held for key in keys), np.bool_, len(keys))))
    if not any(choice.num_samples for choice in choices):
        raise UsageError("no sample of the release is wanted")
    return Subset(release, wanted, choices)


def write_subset(plan: Subset, out: str, is_fast: bool = False) -> None:
    """Write a subset.

    Args:
        plan: what it takes.
        out: its folder.
        is_fast: images are taken of tars that are not compared with the manifest.

    Raises:
        DamagedError: what it is made of is not what the manifest says.
    """
    release = plan.release
    what = next(iter(plan.what.values()))
    cut = Cut(release, out, Reason.NOT_SELECTED, f"not in the subset of version {release.version}: {what}", is_fast)
    columns = columns_counted(release)
    specs = plan_shards(plan.num_samples, _shards_config(release))
    written = [one for spec in specs if (one := _write(cut, spec, plan.choices, columns)) is not None]
    shards, counts = [shard for shard, _ in written], [count for _, count in written]
    num_gone = sum(len(choice.stays) - choice.num_samples for choice in plan.choices)
    num_tables = plan_reject_tables(int(release.manifest["counts"]["rejects"]) + num_gone)
    made = Made(plan.origin, release.version, parent_of(release, RELATION, **plan.what), num_tables)
    listed = [pass_on(release, WITHDRAWN, Store(out))] if WITHDRAWN in release.files else []  # it is never lost
    finish_cut(cut, plan.choices, shards, counts, made, listed)


def _write(
    cut: Cut, spec: ShardSpec, choices: list[Choice], columns: tuple[str, ...]
) -> tuple[Shard, dict[str, Counter[str]]] | None:
    low, high = order_range(spec.index, spec.count)
    sources: list[tuple[Shard, Bools]] = []
    for choice in choices:
        if choice.shard.split == spec.split and choice.low < high and low <= choice.high:
            orders = orders_of(keys_of(read_table(cut.parent, table_name(choice.shard), ("key",))))
            sources.append((choice.shard, choice.stays & (orders >= low) & (orders < high)))
    return write_cut_shard(cut, spec.name, spec.split, sources, columns)


def _shards_config(release: Release) -> ShardsConfig:
    """Return how many samples a shard has by the config of a release."""
    try:
        return ShardsConfig(**tomllib.loads(read_checked(release, CONFIG_FILE).decode())["shards"])
    except (ValueError, LookupError, TypeError) as error:
        raise DamagedError(CONFIG_FILE, f"does not say how samples are dealt to shards: {error!r}") from error
