"""Pairs to decisions: which stay, which copy each duplicates, which split each is in."""

import apache_beam as beam
from apache_beam.pvalue import PCollection

from pmc15m.config import DatasetConfig
from pmc15m.curate.candidates import read_candidates
from pmc15m.curate.duplicates import keep_first, pixels_of
from pmc15m.curate.filters import filter_candidate
from pmc15m.curate.splits import decide
from pmc15m.progress import Meter
from pmc15m.records import Decision
from pmc15m.stages import Origin, StageFiles, finish_stage
from pmc15m.steps import Finish, Ledger, Step, WriteRows


def build(
    p: beam.Pipeline, files: list[str], pairs: str, config: DatasetConfig, ledger: Ledger
) -> PCollection[Decision]:
    """Return the decisions on the pairs of some row files."""
    decisions: PCollection[Decision] = (
        p
        | "Files" >> beam.Create(files)
        | "SpreadFiles" >> beam.Reshuffle()
        | Step(read_candidates, pairs, ledger=ledger)
        | Step(filter_candidate, config.filters, ledger=ledger)
        | "ByPixels" >> beam.Map(pixels_of)
        | "GroupByPixels" >> beam.GroupByKey()
        | Step(keep_first, pairs, ledger=ledger)
        | Step(decide, config.splits, ledger=ledger)
    )
    return decisions


def run(
    p: beam.Pipeline, pairs: str, extracted: StageFiles, out: str, config: DatasetConfig, origin: Origin, meter: Meter
) -> None:
    """Add the whole stage to a pipeline: decisions, rejects and the marker go to `out`."""
    with Ledger(out, meter) as ledger:
        decisions = build(p, list(extracted.names), pairs, config, ledger)
        files = decisions | "WriteDecisions" >> WriteRows(Decision, out, "decisions")
    p | "Finish" >> Finish(finish_stage, out, origin, after=[files, ledger.output()], ledger=ledger)
