"""`pmc15m curate`: what the pairs are held against, and the stage itself."""

import hashlib
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pipelines import curate
from pipelines.progress import Counts
from pipelines.running import Run, run_pipeline
from pmc15m import __version__
from pmc15m.config import DatasetConfig, digest
from pmc15m.curate.decontaminate import EvalList, read_list
from pmc15m.curate.finish import CANDIDATES, CurateJob
from pmc15m.curate.judge import JudgeJob
from pmc15m.errors import UsageError
from pmc15m.images.hashes import HASH_VERSION
from pmc15m.release.splits import read_splits
from pmc15m.stages import Origin, StageFiles, locked_output, read_stage, start_stage

LOG = logging.getLogger("pmc15m")


@dataclass(frozen=True, slots=True)
class Against:
    """What the pairs are held against."""

    previous: Mapping[str, str] = field(default_factory=dict)  # split of each article of an earlier release
    lists: tuple[EvalList, ...] = ()  # of evaluations
    digests: tuple[str, ...] = ()  # of all of these


def read_against(previous: str | None, lists: list[Path]) -> Against:
    """Read an earlier release's splits and lists of evaluations.

    Raises:
        UsageError: one of them cannot be read.
    """
    splits = read_splits(previous) if previous is not None else {}
    digests = [hashlib.sha256(repr(sorted(splits.items())).encode()).hexdigest()] if splits else []
    for path in lists:
        try:
            digests.append(hashlib.sha256(path.read_bytes()).hexdigest())
        except OSError as error:
            raise UsageError(f"cannot read the list {path}: {error.strerror}") from error
    return Against(splits, tuple(read_list(path, HASH_VERSION) for path in lists), tuple(digests))


def curate_digest(config: DatasetConfig) -> str:
    """Return a digest of what curate reads of the config."""
    return digest(config.filters, config.duplicates, config.splits, config.decontaminate)


def run_curate(pairs: str, out: str, run: Run, against: Against | None = None) -> StageFiles:
    """Judge the pairs of extract and write decisions.

    Raises:
        OutputError: `pairs` is no complete output of extract, or the output folder cannot be used.
    """
    against = against or Against()
    extracted = read_stage(pairs, "extract")
    inputs = ":".join((extracted.content, *against.digests))
    origin = Origin("curate", __version__, curate_digest(run.config), inputs)
    judging = JudgeJob(pairs, f"{out}/{CANDIDATES}", run.config, against.previous, against.lists)
    job = CurateJob(out, origin, judging)
    with locked_output(out):
        if start_stage(out, origin, run.fresh):
            total = extracted.tallies.get("pairs/made", 0)
            counts = Counts("curate", "pairs", total, "filter_candidate/in", "pairs/kept")
            files = list(extracted.names)
            run_pipeline(run, counts, lambda p, meter: curate.run(p, files, job, run.config, meter))
        else:
            LOG.info("curate: %s is complete, nothing to do", out)
        return read_stage(out, "curate")
