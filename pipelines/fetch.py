"""A bucket to a store: first the index of what there is, then the articles themselves."""

from collections.abc import Callable, Sequence
from typing import Any

import apache_beam as beam
from apache_beam.pvalue import PCollection

from pmc15m.acquire.archives import list_archives, unpack_archive
from pmc15m.acquire.fetch import FetchJob, Stored, fetch_range
from pmc15m.acquire.index import IndexRow
from pmc15m.acquire.members import Caps
from pmc15m.progress import Meter
from pmc15m.records import ArticleRef
from pmc15m.stages import Origin, finish_stage
from pmc15m.steps import Finish, Ledger, Step, WriteRows

MAX_SMALL_ROWS = 50_000
"""Rows of an index or of a table of articles in one file: they are small, and each range opens every file."""


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


def run_archives(p: beam.Pipeline, source: str, store: str, caps: Caps, out: str, origin: Origin, meter: Meter) -> None:
    """Add the stage that unpacks legacy archives into a store."""
    with Ledger(out, meter) as ledger:
        refs: PCollection[ArticleRef] = (
            p
            | "Source" >> beam.Create([source])
            | Step(list_archives, ledger=ledger)
            | "SpreadArchives" >> beam.Reshuffle()
            | Step(unpack_archive, source, store, caps, ledger=ledger)
        )
        files = refs | "WriteRefs" >> WriteRows(ArticleRef, out, "unpacked")
    p | "Finish" >> Finish(finish_stage, out, origin, after=[files, ledger.output()], ledger=ledger)


def run(p: beam.Pipeline, job: FetchJob, out: str, origin: Origin, meter: Meter) -> None:
    """Add the fetch stage: articles go to the store, its table of them to `out`."""
    with Ledger(out, meter) as ledger:
        stored: PCollection[Stored] = (
            p
            | "Ranges" >> beam.Create(range(job.index.num_ranges))
            | "SpreadRanges" >> beam.Reshuffle()
            | Step(fetch_range, job, ledger=ledger)
        )
        files = stored | "WriteStored" >> WriteRows(Stored, out, "stored", MAX_SMALL_ROWS)
    p | "Finish" >> Finish(finish_stage, out, origin, after=[files, ledger.output()], ledger=ledger)
