"""What a release that was cut of another has beside its shards: rejects, report, splits, cards, manifest."""

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from pmc15m import __version__
from pmc15m.errors import UsageError
from pmc15m.records import KEY_PATTERN
from pmc15m.release.closing import About, close_release
from pmc15m.release.cut import Choice, Cut, gone_rows, keys_of, pass_on
from pmc15m.release.files import ReleaseFile, Shard
from pmc15m.release.finish import STAGE, versions
from pmc15m.release.reading import REJECTS_FOLDER, Release, orders_of, read_checked, read_table
from pmc15m.release.rejects import put_reject_table
from pmc15m.release.splits import SPLITS_FILE
from pmc15m.release.sums import CONFIG_FILE, REPORT_FILE
from pmc15m.rows import order_range
from pmc15m.stages import Origin
from pmc15m.store import Store

Counts = dict[str, Counter[str]]
"""Samples by column and value."""


@dataclass(frozen=True, slots=True)
class Names:
    """Samples by their keys, and whole articles."""

    keys: frozenset[str]
    pmcids: frozenset[str]

    @property
    def digest(self) -> str:
        """Digest of what is named, in whatever order it was."""
        return hashlib.sha256("\n".join(sorted(self.keys | self.pmcids)).encode()).hexdigest()

    def hold(self, key: str) -> bool:
        """Return whether a sample is named, itself or by its article."""
        return key in self.keys or key.split("_", 1)[0] in self.pmcids


def read_names(text: str) -> Names:
    """Return what a list names: a key or a PMCID a line; `#` starts a comment.

    Raises:
        UsageError: a line is neither, or there is none.
    """
    keys, pmcids = set(), set()
    for number, line in enumerate(text.splitlines(), 1):
        word = line.partition("#")[0].strip()
        pmcid = word.removeprefix("PMC").partition(".")[0]
        if KEY_PATTERN.fullmatch(word):
            keys.add(word)
        elif word.startswith("PMC") and pmcid.isascii() and pmcid.isdigit():
            pmcids.add(f"PMC{pmcid}")
        elif word:
            raise UsageError(f"line {number}: {word!r} is no key such as PMC4991227_0004_01 and no PMCID")
    if not keys and not pmcids:
        raise UsageError("the list names nothing")
    return Names(frozenset(keys), frozenset(pmcids))


def origin_of(parent: Release, relation: str, what: str) -> Origin:
    """Return what decides the bytes of a release that is cut of another."""
    inputs = hashlib.sha256(f"{parent.seal} {relation} {what}".encode()).hexdigest()
    return Origin(STAGE, __version__, str(parent.manifest["origin"]["config"]), inputs)


def columns_counted(release: Release) -> tuple[str, ...]:
    """Return the columns by whose values the report counts samples."""
    return tuple(json.loads(read_checked(release, REPORT_FILE))["composition"])


def finish_cut(
    cut: Cut,
    choices: list[Choice],
    shards: list[Shard],
    counts: Sequence[Mapping[str, Mapping[str, int]]],
    made: "Made",
    more: Sequence[ReleaseFile] = (),
) -> None:
    """Write all that a release has beside its shards, the manifest last.

    Args:
        cut: what is cut of which release.
        choices: which rows of each of its shards stay.
        shards: of the release, written.
        counts: samples of each shard by column and value.
        made: what the manifest says.
        more: other files that are written.
    """
    release, store = cut.parent, Store(cut.out)
    files = [*_write_rejects(cut, choices, made.num_reject_tables), pass_on(release, SPLITS_FILE, store), *more]
    num_gone = sum(len(choice.stays) - choice.num_samples for choice in choices)
    report = _report_after(json.loads(read_checked(release, REPORT_FILE)), str(cut.reason), num_gone, counts)
    manifest, now = release.manifest, versions()
    about = About(
        made.origin,
        made.version,
        manifest["versions"] | {name: now[name] for name in ("pmc15m", "pyarrow", "jinja2")},
        manifest["hash_version"],
        read_checked(release, CONFIG_FILE).decode(),
        manifest["source"],
        made.parent,
    )
    close_release(store, about, shards, files, report)


@dataclass(frozen=True, slots=True)
class Made:
    """How a release that is cut of another came to be."""

    origin: Origin
    version: str
    parent: dict[str, Any]
    num_reject_tables: int


def _report_after(
    report: dict[str, Any], reason: str, num_gone: int, counts: Sequence[Mapping[str, Mapping[str, int]]]
) -> dict[str, Any]:
    """Return report.json after some samples went: the last flow has more rejects, the make-up is that of the rest."""
    *before, last = report["flows"]
    reasons = Counter(last["rejects_by_reason"])
    reasons[reason] += num_gone
    ranked = dict(sorted((item for item in reasons.items() if item[1]), key=lambda item: (-item[1], item[0])))
    last |= {"out": last["out"] - num_gone, "rejected": last["rejected"] + num_gone, "rejects_by_reason": ranked}
    composition: Counts = {}
    for one in counts:
        for column, values in one.items():
            composition.setdefault(column, Counter()).update(values)
    made_up = {column: dict(sorted(values.items())) for column, values in sorted(composition.items())}
    return report | {"flows": [*before, last], "composition": made_up}


# --- rejects --------------------------------------------------------------------------------------


def _write_rejects(cut: Cut, choices: list[Choice], count: int) -> Iterator[ReleaseFile]:
    """Write the tables of rejects: those of the parent, and a row for each sample that does not stay."""
    paths = cut.parent.paths(REJECTS_FOLDER)
    for index in range(count):
        low, high = order_range(index, count)
        gone = gone_rows(cut, choices, low, high)
        if len(paths) == count and not gone.num_rows:
            yield pass_on(cut.parent, paths[index], Store(cut.out))
            continue
        tables = [gone]
        for number, path in enumerate(paths):
            its_low, its_high = order_range(number, len(paths))
            if its_low < high and low < its_high:
                table = read_table(cut.parent, path)
                orders = orders_of(keys_of(table))
                tables.append(table.filter(pa.array((orders >= low) & (orders < high))).cast(gone.schema))
        yield put_reject_table(cut.out, index, _ordered(pa.concat_tables(tables)))


def _ordered(table: pa.Table) -> pa.Table:
    """Return rejects in the order of every table of rejects: by key, stage, reason, fig, detail."""
    names = ["key", "stage", "reason", "fig", "detail"]
    fig_id: Any = table["fig_id"]
    ordered = table.append_column("fig", pc.fill_null(fig_id, "")).sort_by([(name, "ascending") for name in names])
    return ordered.drop_columns(["fig"]).combine_chunks()
