"""What must add up in a release, and what must hold between its shards."""

import itertools
import json
import tomllib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from pmc15m.records import ARTICLE_KEY_PATTERN, MAX_DETAIL_CHARS, Reason, Stage, article_order
from pmc15m.release.closing import MANIFEST, by_split, sizes_bytes
from pmc15m.release.members import Seen, Splits
from pmc15m.release.reading import REJECTS_FOLDER, DamagedError, Release, read_checked, read_table
from pmc15m.release.report import Flow, failed_sums
from pmc15m.release.shards import table_name
from pmc15m.release.splits import SPLITS_FILE
from pmc15m.rows import order_of, order_range

CONFIG_FILE, REPORT_FILE = "config.toml", "report.json"

Rejects = Counter[tuple[str, str, str]]
"""Rejects by stage, unit ("articles" or "figures") and reason."""


@dataclass(frozen=True, slots=True)
class Numbers:
    """What report.json says."""

    flows: list[Flow]
    composition: dict[str, dict[str, int]]  # samples by column and value


def read_numbers(release: Release) -> Numbers:
    """Return the sums of report.json.

    Raises:
        DamagedError: it has none.
    """
    try:
        report = json.loads(read_checked(release, REPORT_FILE))
        flows = [
            Flow(flow["stage"], flow["unit"], flow["in"], flow["out"], dict(flow["rejects_by_reason"]))
            for flow in report["flows"]
        ]
        composition = {column: dict(counts) for column, counts in report["composition"].items()}
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise DamagedError(REPORT_FILE, f"does not hold the sums of a release: {error!r}") from error
    if not flows:
        raise DamagedError(REPORT_FILE, "holds no flows")
    return Numbers(flows, composition)


def short_side_of(release: Release) -> int:
    """Return what config.toml shrinks images to.

    Raises:
        DamagedError: it does not say, or is not the config of the manifest.
    """
    file = release.files.get(CONFIG_FILE)
    wanted = release.manifest["config_sha256"]
    if file is None or file.sha256 != wanted:
        raise DamagedError(CONFIG_FILE, f"has sha256 {file and file.sha256}, wanted config_sha256 {wanted}")
    try:
        return int(tomllib.loads(read_checked(release, CONFIG_FILE).decode())["encode"]["short_side_px"])
    except (ValueError, LookupError, TypeError) as error:
        raise DamagedError(CONFIG_FILE, f"does not say encode.short_side_px: {error!r}") from error


def read_article_splits(release: Release) -> Splits:
    """Return splits.parquet, if no article is in it twice and no group in two splits.

    Raises:
        DamagedError: one is.
    """
    if SPLITS_FILE not in release.files:
        raise DamagedError(SPLITS_FILE, "the manifest does not list it")
    table = read_table(release, SPLITS_FILE, ("pmcid", "split", "split_group"))
    pmcids, splits, groups = (list(map(str, table[name].to_pylist())) for name in ("pmcid", "split", "split_group"))
    try:
        numbers, anchors = (np.fromiter(map(article_order, some), np.int64, len(some)) for some in (pmcids, groups))
    except ValueError as error:
        raise DamagedError(SPLITS_FILE, f"holds something that is no pmcid: {error}") from error
    if (stuck := np.flatnonzero(np.diff(numbers) <= 0)).size:
        raise DamagedError(SPLITS_FILE, f"{pmcids[stuck[0] + 1]} stands after {pmcids[stuck[0]]}: numbers ascend")
    names, codes = np.unique(np.array(splits, np.str_), return_inverse=True)
    order = np.lexsort((codes, anchors))
    crosses = (np.diff(anchors[order]) == 0) & (np.diff(codes[order]) != 0)
    if crosses.any():
        raise DamagedError(SPLITS_FILE, f"group {groups[order[np.argmax(crosses)]]} is in two splits")
    return Splits(numbers, codes.astype(np.int64), anchors, tuple(map(str, names)))


def count_rejects(release: Release) -> Rejects:
    """Count the rows of the tables of rejects.

    Raises:
        DamagedError: a table holds what does not belong there.
    """
    counts: Rejects = Counter()
    paths = release.paths(REJECTS_FOLDER)
    for index, path in enumerate(paths):
        table = read_table(release, path, ("key", "stage", "reason", "detail"))
        rows = list(zip(*(table[name].to_pylist() for name in ("key", "stage", "reason", "detail")), strict=True))
        low, high = order_range(index, len(paths))
        before = ""
        for key, stage, reason, detail in rows:
            if stage not in set(Stage) or reason not in set(Reason):
                raise DamagedError(path, f"{key}: no such reason of {stage}: {reason}")
            if len(detail) > MAX_DETAIL_CHARS:
                raise DamagedError(path, f"{key}: its detail has {len(detail)} characters, at most {MAX_DETAIL_CHARS}")
            if not low <= order_of(key) < high or key < before:
                raise DamagedError(path, f"{key} belongs into another table or another place")
            before = key
            counts[stage, "articles" if ARTICLE_KEY_PATTERN.match(key) else "figures", reason] += 1
    return counts


# --- sums -----------------------------------------------------------------------------------------


def check_sums(release: Release, numbers: Numbers, rejects: Rejects, seen: Sequence[Seen]) -> Iterator[DamagedError]:
    """Yield every sum that does not hold."""
    for sentence in failed_sums(numbers.flows):
        yield DamagedError(REPORT_FILE, sentence)
    told: Rejects = Counter()
    for flow in numbers.flows:
        for reason, count in flow.rejects.items():
            told[flow.stage, "articles" if flow.unit == "articles" else "figures", reason] += count
    for stage, unit, reason in sorted(told.keys() | rejects.keys()):
        if (got := told[stage, unit, reason]) != (wanted := rejects[stage, unit, reason]):
            yield DamagedError(
                REPORT_FILE, f"{stage}: {got} {unit} rejected as {reason}, the tables of rejects have {wanted}"
            )
    num_samples = sum(one.shard.num_samples for one in seen)
    counts = {
        "articles": numbers.flows[0].num_in,
        "samples": num_samples,
        "rejects": sum(rejects.values()),
        "by_split": by_split(one.shard for one in seen),
    }
    if release.manifest["counts"] != counts:
        yield DamagedError(MANIFEST, f"counts are {release.manifest['counts']}, wanted {counts}")
    if (got := numbers.flows[-1].num_out) != num_samples:
        yield DamagedError(
            REPORT_FILE, f"{got} samples out of {numbers.flows[-1].stage}, the tables hold {num_samples}"
        )
    yield from _check_composition(numbers, seen)
    yield from _check_sizes(release, seen)


def _check_composition(numbers: Numbers, seen: Sequence[Seen]) -> Iterator[DamagedError]:
    for column, told in numbers.composition.items():
        found: Counter[str] = Counter()
        for one in seen:
            found.update(one.counts[column])
        for value in sorted(told.keys() | found.keys()):
            if told.get(value, 0) != found[value]:
                yield DamagedError(
                    REPORT_FILE, f"{told.get(value, 0)} samples of {column} {value}, the tables hold {found[value]}"
                )


def _check_sizes(release: Release, seen: Sequence[Seen]) -> Iterator[DamagedError]:
    for split in sorted({one.shard.split for one in seen}):
        path, wanted = f"{split}/sizes.json", sizes_bytes(one.shard for one in seen if one.shard.split == split)
        if path not in release.files:
            yield DamagedError(path, "the manifest does not list it")
        elif (got := read_checked(release, path)) != wanted:
            yield DamagedError(path, f"says {json.loads(got)}, wanted {json.loads(wanted)}")


# --- between shards -------------------------------------------------------------------------------


def check_between(release: Release, seen: Sequence[Seen]) -> Iterator[DamagedError]:
    """Yield what holds within each shard and not between them: keys once, clusters in one split.

    Shards of a split are ranges of digests of keys, one after the other, so that no key is in two of them; an
    article is in one split by splits.parquet, so that no key is in two splits either.
    """
    ordered = sorted(seen, key=lambda one: (one.shard.split, one.shard.name))
    for before, after in itertools.pairwise(ordered):
        if before.shard.split == after.shard.split and before.high >= after.low:
            yield DamagedError(
                table_name(after.shard), f"holds keys that belong into {before.shard.name} by their digest"
            )
    yield from _check_clusters(release, ordered)


def _check_clusters(release: Release, seen: Sequence[Seen]) -> Iterator[DamagedError]:
    """Yield clusters in two splits: by two names of the cluster, or by its name and the pair that it is named after."""
    names = sorted({one.shard.split for one in seen})
    orders = np.concatenate([one.clusters for one in seen]) if seen else np.empty(0, np.int64)
    codes = np.repeat([names.index(one.shard.split) for one in seen], [len(one.clusters) for one in seen])
    index = np.lexsort((codes, orders))
    if ((np.diff(orders[index]) == 0) & (np.diff(codes[index]) != 0)).any():
        yield DamagedError("pairs", "a cluster of duplicates is in two splits")
    suspects: dict[str, list[str]] = {}
    for one in seen:
        for cluster, split in one.strangers:
            order = order_of(cluster)
            for other in seen:
                if other.shard.split == split and other.low <= order <= other.high:
                    suspects.setdefault(table_name(other.shard), []).append(cluster)
    for path, clusters in sorted(suspects.items()):
        keys = set(read_table(release, path, ("key",))["key"].to_pylist())
        for cluster in sorted(set(clusters) & keys):
            yield DamagedError(path, f"{cluster} is also the cluster of a pair in another split")
