"""Decisions to a release: tars, tables, rejects, report, and the manifest last."""

import apache_beam as beam
from apache_beam.pvalue import AsList, PCollection

from pmc15m.progress import Meter
from pmc15m.release.files import Shard
from pmc15m.release.finish import ReleaseJob, finish_release
from pmc15m.release.parts import PartJob, finish_part
from pmc15m.release.rejects import RejectsJob, write_reject_table
from pmc15m.release.shards import ShardJob, ShardSpec, write_shard
from pmc15m.steps import Finish, Ledger, Step


def build(p: beam.Pipeline, specs: list[ShardSpec], job: ShardJob, ledger: Ledger) -> PCollection[Shard]:
    """Return the shards, written."""
    shards: PCollection[Shard] = (
        p | "Specs" >> beam.Create(specs) | "SpreadSpecs" >> beam.Reshuffle() | Step(write_shard, job, ledger=ledger)
    )
    return shards


def run_part(p: beam.Pipeline, specs: list[ShardSpec], job: ShardJob, part: PartJob, meter: Meter) -> None:
    """Add a part of the stage to a pipeline: some shards, and the account of the part."""
    with Ledger(part.folder, meter) as ledger:
        shards = build(p, specs, job, ledger)
    p | "Finish" >> Finish(finish_part, part, after=[shards, ledger.output()], ledger=ledger)


def run(
    p: beam.Pipeline, specs: list[ShardSpec], job: ShardJob, rejects: RejectsJob, release: ReleaseJob, meter: Meter
) -> None:
    """Add the whole stage to a pipeline."""
    with Ledger(rejects.own, meter) as ledger:
        shards = build(p, specs, job, ledger)
    own = ledger.output()
    tables = (
        p
        | "RejectTables" >> beam.Create(range(rejects.count))
        | "WriteRejectTables" >> beam.Map(write_reject_table, rejects, AsList(own))
    )
    p | "Finish" >> Finish(finish_release, release, after=[shards, tables], ledger=ledger)
