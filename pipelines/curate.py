"""Pairs to decisions: which stay, which copy each duplicates, which split each is in.

The filters look at one pair, on every worker; what compares pairs runs on one worker over arrays, since
25 million fit there and a shuffle of them would cost more than the work.
"""

from typing import Any

import apache_beam as beam
from apache_beam.pvalue import PCollection

from pmc15m.config import DatasetConfig
from pmc15m.curate.candidates import Candidate, read_candidates
from pmc15m.curate.filters import filter_candidate
from pmc15m.curate.finish import DECISIONS, SPLITS_TABLE, CurateJob, finish_curate
from pmc15m.curate.judge import ArticleSplit, LeakReport, judge
from pmc15m.progress import Meter
from pmc15m.records import Decision
from pmc15m.steps import Finish, Gather, Ledger, OfKind, Step, WriteRows

MAX_CANDIDATE_ROWS = 20_000


def build(
    p: beam.Pipeline, files: list[str], job: CurateJob, config: DatasetConfig, ledger: Ledger
) -> PCollection[Any]:
    """Return the decisions on the pairs of some row files, the splits of the articles, and the leak report."""
    candidates: PCollection[Candidate] = (
        p
        | "Files" >> beam.Create(files)
        | "SpreadFiles" >> beam.Reshuffle()
        | Step(read_candidates, job.judge.pairs, ledger=ledger)
        | Step(filter_candidate, config.filters, ledger=ledger)
    )
    rows = candidates | "WriteCandidates" >> WriteRows(
        Candidate, job.judge.candidates, "candidates", MAX_CANDIDATE_ROWS
    )
    return rows | Gather() | Step(judge, job.judge, ledger=ledger)


def run(p: beam.Pipeline, files: list[str], job: CurateJob, config: DatasetConfig, meter: Meter) -> None:
    """Add the whole stage to a pipeline: decisions, rejects and the marker go to the folder of the job."""
    with Ledger(job.out, meter) as ledger:
        judged = build(p, files, job, config, ledger)
        decisions = judged | OfKind(Decision) | "WriteDecisions" >> WriteRows(Decision, job.out, DECISIONS)
        splits = judged | OfKind(ArticleSplit) | "WriteSplits" >> WriteRows(ArticleSplit, job.out, SPLITS_TABLE)
        reports = judged | OfKind(LeakReport)
    after = [decisions, splits, reports, ledger.output()]
    p | "Finish" >> Finish(finish_curate, job, after=after, ledger=ledger)
