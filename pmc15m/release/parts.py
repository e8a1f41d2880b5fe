"""A release written in parts: each writes some of its shards, the last step all that needs all of them."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import PurePosixPath

from pmc15m.errors import BrokenWorldError
from pmc15m.parts import Part, add_tallies, read_parts
from pmc15m.release.files import ReleaseFile, Shard
from pmc15m.release.finish import ReleaseJob, finish_release
from pmc15m.release.rejects import RejectsJob, write_reject_table
from pmc15m.release.shards import table_name, tar_name
from pmc15m.rows import RowFile
from pmc15m.stages import Origin, OutputError, finish_stage, read_json
from pmc15m.store import Store

PARTS_FOLDER = ".parts"
SHARDS = "shards.json"
_KEPT = frozenset((PARTS_FOLDER, "incomplete.json"))


@dataclass(frozen=True, slots=True)
class PartJob:
    """Where a part of a release leaves its account."""

    folder: str
    origin: Origin


def finish_part(job: PartJob, shards: list[Shard], rejects: list[RowFile], tallies: dict[str, int]) -> None:
    """Write the account of a part: its shards, its rejects, and the marker last."""
    listed = [asdict(shard) for shard in sorted(shards, key=lambda shard: shard.name)]
    Store(job.folder).put_bytes((json.dumps({"shards": listed}, indent=1) + "\n").encode(), SHARDS)
    finish_stage(job.folder, job.origin, [], rejects, tallies)


def finish_parts(release: ReleaseJob, rejects: RejectsJob, parts: Sequence[Part]) -> None:
    """Make a release of its parts.

    Args:
        release: what the manifest says.
        rejects: of the stages before.
        parts: all of them.

    Raises:
        OutputError: a part is missing, unfinished or of another release.
    """
    home = f"{release.out}/{PARTS_FOLDER}"
    stages = read_parts(home, parts, release.origin.stage)
    for part, stage in zip(parts, stages, strict=True):
        if stage.origin != release.origin:
            raise OutputError(f"part {part} in {release.out} is of another release: run that part again")
    folders = [f"{home}/{part.folder}" for part in parts]
    shards = [shard for folder in folders for shard in _read_shards(folder)]
    _sweep(Store(release.out), shards)
    own = tuple((folder, stage.reject_names) for folder, stage in zip(folders, stages, strict=True))
    job = RejectsJob(rejects.count, (*rejects.folders, *own), rejects.own, rejects.out)
    tables: list[ReleaseFile] = [write_reject_table(index, job, []) for index in range(job.count)]
    finish_release(release, shards, tables, add_tallies(stage.tallies for stage in stages))


def _read_shards(folder: str) -> list[Shard]:
    listed = read_json(Store(folder), SHARDS)
    if listed is None:
        raise BrokenWorldError(f"{folder} has a marker but no {SHARDS}: run that part again with --fresh")
    return [Shard(**shard) for shard in listed["shards"]]


def _sweep(store: Store, shards: Iterable[Shard]) -> None:
    """Delete what no part lists: a part that was run with other shards left it."""
    wanted = {name for shard in shards for name in (tar_name(shard), table_name(shard))}
    folders = {str(PurePosixPath(name).parent) for name in wanted}
    for entry in list(store.list()):
        if entry.name not in folders | _KEPT:
            store.delete(entry.name)
    for folder in sorted(folders):
        for entry in list(store.list(folder)):
            if f"{folder}/{entry.name}" not in wanted:
                store.delete(f"{folder}/{entry.name}")
