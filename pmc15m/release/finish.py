"""The last files of a release: sizes.json, report.json, and manifest.json, without which there is none."""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from importlib.metadata import version
from typing import Any

from PIL import features

from pmc15m import __version__
from pmc15m.images.hashes import HASH_VERSION
from pmc15m.release.files import ReleaseFile, Shard
from pmc15m.release.report import failed_sums, report_json, stage_flows
from pmc15m.release.shards import table_name, tar_name
from pmc15m.release.splits import write_splits
from pmc15m.stages import Origin, OutputError, check_unused, check_writable, read_json
from pmc15m.store import Store

MANIFEST = "manifest.json"
INCOMPLETE = "incomplete.json"
STAGE = "shard"
SCHEMA_VERSION = 1


class LostError(RuntimeError):
    """What went in is not what came out and was rejected: a fault of the program, never of the data."""


@dataclass(frozen=True, slots=True)
class ReleaseJob:
    """What the manifest says of how a release was made."""

    out: str
    scratch: tuple[str, ...]  # names of folders in the release that go before the manifest is written
    origin: Origin
    config_toml: str  # resolved
    source: dict[str, Any]
    extract_tallies: dict[str, int]
    curate_tallies: dict[str, int]
    splits: tuple[str, tuple[str, ...]]  # folder and row files of the splits of articles
    curation: dict[str, Any]  # what curate says of itself, for the report


def check_release(out: str, config: str, overwrite: bool) -> None:
    """Refuse an output folder before any work is done for it.

    Args:
        out: folder of the release.
        config: digest of the whole config.
        overwrite: another release may be replaced.

    Raises:
        OutputError: it holds something foreign, or a release of another config, or cannot be written.
    """
    store = Store(out)
    manifest = _read_own(store, MANIFEST)
    if manifest is not None:
        if not overwrite and manifest["origin"].get("config") != config:
            raise OutputError(f"{out} holds a release of another config: choose another folder, or say --overwrite")
    elif _read_own(store, INCOMPLETE) is None:
        check_unused(out)
    check_writable(out)


def start_release(out: str, origin: Origin, overwrite: bool) -> bool:
    """Make a folder ready for a release; return False where the same release is complete there.

    Raises:
        OutputError: it holds something foreign, or another release and overwrite is False.
    """
    store = Store(out)
    manifest = _read_own(store, MANIFEST)
    if manifest is None and _read_own(store, INCOMPLETE) is None:
        check_unused(out)
    elif manifest is not None:
        if manifest["origin"] == asdict(origin):
            store.delete(INCOMPLETE)
            return False
        if not overwrite:
            raise OutputError(f"{out} holds another release: choose another folder, or say --overwrite")
    check_writable(out)
    store.put_bytes(_json_bytes({"origin": asdict(origin)}), INCOMPLETE)
    store.delete(MANIFEST)
    for entry in list(store.list()):
        if entry.name != INCOMPLETE:
            store.delete(entry.name)
    return True


def start_release_part(out: str, origin: Origin, overwrite: bool = False) -> bool:
    """Make a folder ready for parts of a release; return False where the release is complete there.

    What other parts of it wrote stays. Safe to be called by several at once: they write the same.

    Raises:
        OutputError: it holds something foreign, another release, or parts of another.
    """
    store = Store(out)
    if _read_own(store, MANIFEST) is not None or overwrite:
        return start_release(out, origin, overwrite)
    if _read_own(store, INCOMPLETE) is None:
        try:
            check_unused(out)
        except OutputError:
            if _read_own(store, INCOMPLETE) is None:  # else another part was faster
                raise
        check_writable(out)
        store.put_bytes(_json_bytes({"origin": asdict(origin)}), INCOMPLETE)
    begun = _read_own(store, INCOMPLETE) or {}
    if begun.get("origin") != asdict(origin):
        raise OutputError(f"{out} holds parts of another release: choose another folder, or say --overwrite")
    return True


def _read_own(store: Store, name: str) -> dict[str, Any] | None:
    """Return a JSON object of a release, or None where there is no such file.

    Raises:
        OutputError: someone else wrote it, so that nothing here may be replaced.
    """
    found = read_json(store, name)
    origin = found.get("origin") if found is not None else {"stage": STAGE}
    if not isinstance(origin, dict) or origin.get("stage") != STAGE:
        raise OutputError(f"{store.uri} holds a {name} that pmc15m did not write: choose an empty folder")
    return found


def finish_release(
    job: ReleaseJob,
    shards: list[Shard],
    tables: list[ReleaseFile],
    tallies: dict[str, int],
) -> None:
    """Write what is left of a release, the manifest last.

    Raises:
        LostError: the sums do not hold.
    """
    flows = stage_flows(job.extract_tallies, job.curate_tallies, tallies)
    num_rejects = sum(sum(flow.rejects.values()) for flow in flows)
    lost = failed_sums(flows)
    num_written = sum(table.num_rows or 0 for table in tables)
    if num_written != num_rejects:
        lost.append(f"{num_rejects} rejects counted, but {num_written} written")
    if lost:
        raise LostError("the sums do not hold: " + "; ".join(lost))
    store = Store(job.out)
    files = [*_shard_files(shards), *tables, write_splits(*job.splits, job.out)]
    report = report_json(flows, tallies) | {"curation": job.curation}
    for name, data in _small_files(job, shards, report):
        store.put_bytes(data, name)
        files.append(ReleaseFile(name, len(data), hashlib.sha256(data).hexdigest(), None))
    for name in job.scratch:
        store.delete(name)
    manifest = {
        "schema_version": SCHEMA_VERSION,
        "origin": asdict(job.origin),
        "versions": versions(),
        "hash_version": HASH_VERSION,
        "config_sha256": hashlib.sha256(job.config_toml.encode()).hexdigest(),
        "source": job.source,
        "parent": None,
        "counts": {
            "articles": flows[0].num_in,
            "samples": flows[-1].num_out,
            "rejects": num_rejects,
            "by_split": _by_split(shards),
        },
        "files": [asdict(file) for file in sorted(files, key=lambda file: file.path)],
    }
    store.put_bytes(_json_bytes(manifest), MANIFEST)
    store.delete(INCOMPLETE)


def versions() -> dict[str, str]:
    """Return the versions of what decides the bytes of a release."""
    return {
        "pmc15m": __version__,
        "apache-beam": version("apache-beam"),
        "lxml": version("lxml"),
        "pillow": version("pillow"),
        "libjpeg": str(features.version("libjpeg_turbo") or features.version("jpg")),
        "pyarrow": version("pyarrow"),
        "numpy": version("numpy"),
        "scipy": version("scipy"),
    }


def read_report(release: str) -> dict[str, Any]:
    """Return the report.json of a complete release.

    Raises:
        OutputError: the folder holds no release.
    """
    store = Store(release)
    report = read_json(store, "report.json")
    if report is None or not store.exists(MANIFEST):
        raise OutputError(f"{release} holds no release: no {MANIFEST}")
    return report


def _shard_files(shards: Iterable[Shard]) -> Iterable[ReleaseFile]:
    for shard in shards:
        yield ReleaseFile(tar_name(shard), shard.num_bytes, shard.sha256, shard.num_samples)
        yield ReleaseFile(table_name(shard), shard.table_num_bytes, shard.table_sha256, shard.num_samples)


def _small_files(job: ReleaseJob, shards: list[Shard], report: dict[str, Any]) -> Iterable[tuple[str, bytes]]:
    yield "config.toml", job.config_toml.encode()
    yield "report.json", _json_bytes(report)
    for split in sorted({shard.split for shard in shards}):
        sizes = {f"{shard.name}.tar": shard.num_samples for shard in shards if shard.split == split}
        yield f"{split}/sizes.json", _json_bytes(dict(sorted(sizes.items())))


def _by_split(shards: list[Shard]) -> dict[str, int]:
    sizes: dict[str, int] = {}
    for shard in shards:
        sizes[shard.split] = sizes.get(shard.split, 0) + shard.num_samples
    return dict(sorted(sizes.items()))


def _json_bytes(value: Any) -> bytes:
    return (json.dumps(value, indent=1, ensure_ascii=False) + "\n").encode()
