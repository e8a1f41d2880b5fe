"""`pmc15m shard`: decisions to a release, whole or in parts that are put together at the end."""

import hashlib
import logging
from dataclasses import dataclass

from pipelines import shard
from pipelines.curating import curate_digest
from pipelines.extracting import extract_digest
from pipelines.progress import Counts
from pipelines.running import Run, run_pipeline
from pmc15m import __version__
from pmc15m.acquire.source import Source
from pmc15m.acquire.table import INVENTORY
from pmc15m.config import digest, to_toml
from pmc15m.curate.finish import DECISIONS, SPLITS_TABLE, names_of, read_leaks
from pmc15m.curate.splits import SPLITS
from pmc15m.parts import Part, parts_of
from pmc15m.release.finish import ReleaseJob, start_release, start_release_part, start_release_parts
from pmc15m.release.following import withdrawn_keys
from pmc15m.release.parts import PARTS_FOLDER, PartJob, finish_parts
from pmc15m.release.reading import open_release
from pmc15m.release.rejects import RejectsJob, plan_reject_tables
from pmc15m.release.shards import ShardJob, ShardSpec, plan_shards
from pmc15m.rows import content_of
from pmc15m.stages import Origin, OutputError, StageFiles, locked_output, read_stage, start_stage

LOG = logging.getLogger("pmc15m")
REJECTS_FOLDER = ".rejects"


@dataclass(frozen=True, slots=True)
class _Work:
    """What a release is made of, whole or in parts."""

    origin: Origin
    specs: list[ShardSpec]
    job: ShardJob
    rejects: RejectsJob
    release: ReleaseJob

    @property
    def num_samples(self) -> int:
        return sum(self.release.curate_tallies.get(f"splits/{split}", 0) for split in SPLITS)


def run_shard(source: Source, pairs: str, decisions: str, out: str, run: Run) -> None:
    """Write the release of some decisions.

    Raises:
        OutputError: `pairs` or `decisions` is incomplete, they do not belong together, or the output
            folder cannot be used.
    """
    work = _plan(source, pairs, decisions, out, run)
    with locked_output(out):
        if not start_release(out, work.origin, run.overwrite or run.fresh):
            LOG.info("shard: %s is complete, nothing to do", out)
            return
        counts = Counts("shard", "pairs", work.num_samples, "samples/written", "samples/written")
        run_pipeline(
            run, counts, lambda p, meter: shard.run(p, work.specs, work.job, work.rejects, work.release, meter)
        )


def run_shard_part(source: Source, pairs: str, decisions: str, out: str, run: Run, part: Part) -> None:
    """Write some of the shards of a release; `finish_shard` makes it one.

    Raises:
        OutputError: as `run_shard`.
    """
    work = _plan(source, pairs, decisions, out, run)
    folder = f"{out}/{PARTS_FOLDER}/{part.folder}"
    with locked_output(out, is_shared=True):
        if not start_release_part(out, work.origin):
            LOG.info("shard: %s is complete, nothing to do", out)
            return
        with locked_output(folder):
            if not start_stage(folder, work.origin, run.fresh, is_own=True):
                LOG.info("shard: %s is complete, nothing to do", folder)
                return
            specs = work.specs[part.index :: part.count]
            total = work.num_samples // part.count
            counts = Counts("shard", "pairs", total, "samples/written", "samples/written")
            job = PartJob(folder, work.origin)
            run_pipeline(run, counts, lambda p, meter: shard.run_part(p, specs, work.job, job, meter))


def finish_shard(source: Source, pairs: str, decisions: str, out: str, run: Run, num_parts: int) -> None:
    """Make a release of its parts.

    Raises:
        OutputError: a part is missing, unfinished or of another release.
    """
    work = _plan(source, pairs, decisions, out, run)
    with locked_output(out):
        if start_release_part(out, work.origin):
            finish_parts(work.release, work.rejects, parts_of(num_parts))
        else:
            LOG.info("shard: %s is complete, nothing to do", out)


def prepare_shard(source: Source, pairs: str, decisions: str, out: str, run: Run) -> bool:
    """Make a folder ready for the parts of a release; return False where it is complete there."""
    work = _plan(source, pairs, decisions, out, run)
    with locked_output(out):
        if start_release_parts(out, work.origin, run.overwrite, run.fresh):
            return True
    LOG.info("shard: %s is complete, nothing to do", out)
    return False


def _plan(source: Source, pairs: str, decisions: str, out: str, run: Run) -> _Work:
    """Return what a release is made of.

    Raises:
        OutputError: `pairs` or `decisions` is incomplete, or they do not belong together.
    """
    extracted, curated = read_stage(pairs, "extract"), read_stage(decisions, "curate")
    _check_origin(extracted, pairs, extract_digest(run.config))
    _check_origin(curated, decisions, curate_digest(run.config))
    if curated.origin.inputs.partition(":")[0] != extracted.content:
        raise OutputError(f"{decisions} was made from other pairs than those of {pairs}: run curate again")
    rows = (extracted.content, content_of(extracted.rejects), curated.content, content_of(curated.rejects))
    parent = open_release(run.parent) if run.parent is not None else None
    inputs = hashlib.sha256(" ".join((*rows, *([parent.seal] if parent else ()))).encode()).hexdigest()
    config = run.config
    origin = Origin("shard", __version__, digest(config), inputs)
    num_samples = {split: curated.tallies.get(f"splits/{split}", 0) for split in SPLITS}
    job = ShardJob(
        source, pairs, extracted.names, decisions, names_of(curated, DECISIONS), out, config.images, config.encode,
        withdrawn_keys(parent) if parent else frozenset(),
    )  # fmt: skip
    rejects = RejectsJob(
        plan_reject_tables(sum(file.num_rows for file in (*extracted.rejects, *curated.rejects))),
        ((pairs, extracted.reject_names), (decisions, curated.reject_names)),
        f"{out}/{REJECTS_FOLDER}",
        out,
    )
    release = ReleaseJob(
        out,
        (REJECTS_FOLDER, PARTS_FOLDER),
        origin,
        to_toml(config),
        _source_of(extracted),
        extracted.tallies,
        curated.tallies,
        (decisions, names_of(curated, SPLITS_TABLE)),
        {"against": curated.origin.inputs.split(":")[1:], "leaks": read_leaks(decisions)},
        run.parent,
    )
    return _Work(origin, plan_shards(num_samples, config.shards), job, rejects, release)


def _check_origin(stage: StageFiles, folder: str, config: str) -> None:
    """Refuse a stage that was made with other values than those that the manifest will name."""
    if (stage.origin.version, stage.origin.config) != (__version__, config):
        name = stage.origin.stage
        raise OutputError(f"{folder} was made with another config or version: run {name} again with this one")


def _source_of(extracted: StageFiles) -> dict[str, object]:
    """Return what the manifest says of the source: never a path, since the same input is the same bytes."""
    days = [name.removeprefix(INVENTORY) for name in extracted.tallies if name.startswith(INVENTORY)]
    return {
        "kind": "fetched" if "articles/listed" in extracted.tallies else "folder",
        "inventory_date": days[0] if days else None,
        "pairs_content": extracted.content,
    }
