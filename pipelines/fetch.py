"""A bucket to a store: first the index of what there is, then the articles, and in the same pass their pairs."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import apache_beam as beam
from apache_beam.pvalue import PCollection

from pmc15m.acquire.archives import list_archives, unpack_archive
from pmc15m.acquire.fetch import FetchJob, Worker, fetch_range
from pmc15m.acquire.http import HttpPolicy
from pmc15m.acquire.index import IndexRow
from pmc15m.acquire.members import Caps
from pmc15m.acquire.stored import Refused, Stored, pass_rejects
from pmc15m.acquire.table import REFUSED, STORED, finish_fetch
from pmc15m.progress import Meter
from pmc15m.records import ArticleRef, Pair
from pmc15m.stages import Origin, finish_stage
from pmc15m.steps import Finish, Ledger, OfKind, Step, WriteRows

MAX_SMALL_ROWS = 50_000
"""Rows of an index or of a table of articles in one file: they are small, and each range opens every file."""


@dataclass(frozen=True, slots=True)
class Output:
    """The folder of a stage."""

    folder: str
    origin: Origin


def run_index(
    p: beam.Pipeline,
    parts: Sequence[Any],
    step: Callable[..., Any],
    args: tuple[Any, ...],
    out: str,
    origin: Origin,
    meter: Meter,
) -> None:
    """Add the index stage: its parts are shards of an inventory, or articles asked for by name."""
    with Ledger(out, meter) as ledger:
        rows: PCollection[IndexRow] = (
            p | "Parts" >> beam.Create(parts) | "SpreadParts" >> beam.Reshuffle() | Step(step, *args, ledger=ledger)
        )
        files = rows | "WriteIndex" >> WriteRows(IndexRow, out, "index", MAX_SMALL_ROWS)
    p | "Finish" >> Finish(finish_stage, out, origin, after=[files, ledger.output()], ledger=ledger)


def run_archives(
    p: beam.Pipeline, source: str, store: str, caps: Caps, policy: HttpPolicy, out: str, origin: Origin, meter: Meter
) -> None:
    """Add the stage that unpacks legacy archives into a store."""
    with Ledger(out, meter) as ledger:
        refs: PCollection[ArticleRef] = (
            p
            | "Source" >> beam.Create([source])
            | Step(list_archives, policy, ledger=ledger)
            | "SpreadArchives" >> beam.Reshuffle()
            | Step(unpack_archive, source, store, caps, policy, ledger=ledger)
        )
        files = refs | "WriteRefs" >> WriteRows(ArticleRef, out, "unpacked")
    p | "Finish" >> Finish(finish_stage, out, origin, after=[files, ledger.output()], ledger=ledger)


def run(
    p: beam.Pipeline,
    job: FetchJob,
    index_rejects: Sequence[str],
    stored: Output | None,
    pairs: Output | None,
    meter: Meter,
) -> None:
    """Add the fetch stage.

    Args:
        p: the pipeline.
        job: where articles come from and go.
        index_rejects: files of rejects of the index.
        stored: where the table of the store goes; None where nothing is kept.
        pairs: where pairs go, where they are made in the same pass.
        meter: what progress goes to.
    """
    main = pairs or stored
    if main is None:
        raise ValueError("a fetch that neither keeps nor makes anything")
    with Ledger(main.folder, meter) as ledger:
        fetched = (
            p
            | "Ranges" >> beam.Create(range(job.index.num_ranges))
            | "SpreadRanges" >> beam.Reshuffle()
            | Step(fetch_range, Worker(job), ledger=ledger)
        )
        passed = (
            p
            | "IndexRejects" >> beam.Create(index_rejects).with_output_types(str)
            | Step(pass_rejects, job.index.folder, ledger=ledger)
        )
        if pairs is not None:
            pair_files = fetched | OfKind(Pair) | "WritePairs" >> WriteRows(Pair, pairs.folder, "pairs")
    if stored is not None:
        refused = (fetched | "OfFetch" >> OfKind(Refused), passed | "OfIndex" >> OfKind(Refused))
        _finish(p, "FinishStored", finish_fetch, stored, _write_tables(fetched, refused, stored.folder), ledger)
    if pairs is not None:
        _finish(p, "FinishPairs", finish_stage, pairs, [pair_files, ledger.output()], ledger)


def _write_tables(
    fetched: PCollection[Any], refused: tuple[PCollection[Refused], ...], folder: str
) -> list[PCollection[Any]]:
    """Write the tables of a store: what it has, and what it was not given."""
    all_refused = refused | "AllRefused" >> beam.Flatten()
    return [
        fetched | OfKind(Stored) | "WriteStored" >> WriteRows(Stored, folder, STORED, MAX_SMALL_ROWS),
        all_refused | "WriteRefused" >> WriteRows(Refused, folder, REFUSED, MAX_SMALL_ROWS),
    ]


def _finish(
    p: beam.Pipeline, name: str, fn: Callable[..., None], out: Output, after: list[PCollection[Any]], ledger: Ledger
) -> None:
    p | name >> Finish(fn, out.folder, out.origin, after=after, ledger=ledger)
