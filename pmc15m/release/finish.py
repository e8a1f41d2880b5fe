"""The end of a release: whose folder it is, whether nothing was lost, and what makes it complete."""

from dataclasses import asdict, dataclass
from importlib.metadata import version
from typing import Any

from PIL import features

from pmc15m import __version__
from pmc15m.config import parse_config
from pmc15m.images.hashes import HASH_VERSION
from pmc15m.release.closing import INCOMPLETE as INCOMPLETE
from pmc15m.release.closing import MANIFEST as MANIFEST
from pmc15m.release.closing import About, close_release, json_bytes
from pmc15m.release.files import ReleaseFile, Shard
from pmc15m.release.following import follow
from pmc15m.release.report import failed_sums, report_json, stage_flows
from pmc15m.release.splits import write_splits
from pmc15m.stages import Origin, OutputError, check_unused, check_writable, read_json
from pmc15m.store import Store

STAGE = "shard"


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
    parent: str | None = None  # the release before


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
    store.put_bytes(json_bytes({"origin": asdict(origin)}), INCOMPLETE)
    store.delete(MANIFEST)
    for entry in list(store.list()):
        if entry.name != INCOMPLETE:
            store.delete(entry.name)
    return True


def start_release_parts(out: str, origin: Origin, overwrite: bool, fresh: bool) -> bool:
    """Make a folder ready for all parts of a release; return False where the release is complete there.

    Parts of the same release stay, unless `fresh`; of another one that was not finished, nothing does.

    Raises:
        OutputError: it holds something foreign, or another release and overwrite is False.
    """
    store = Store(out)
    begun = _read_own(store, INCOMPLETE) or {}
    if not fresh and _read_own(store, MANIFEST) is None and begun.get("origin") == asdict(origin):
        return True
    return start_release(out, origin, overwrite or fresh)


def start_release_part(out: str, origin: Origin) -> bool:
    """Make a folder ready for one part of a release; return False where the release is complete there.

    What other parts of it wrote stays. Safe to be called by several at once: they write the same.

    Raises:
        OutputError: it holds something foreign, another release, or parts of another.
    """
    store = Store(out)
    if _read_own(store, MANIFEST) is not None:
        return start_release(out, origin, overwrite=False)
    if _read_own(store, INCOMPLETE) is None:
        try:
            check_unused(out)
        except OutputError:
            if _read_own(store, INCOMPLETE) is None:  # else another part was faster
                raise
        check_writable(out)
        store.put_bytes(json_bytes({"origin": asdict(origin)}), INCOMPLETE)
    begun = _read_own(store, INCOMPLETE) or {}
    if begun.get("origin") != asdict(origin):
        raise OutputError(f"{out} holds parts of another release: delete it, or choose another folder")
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
    files = [*tables, write_splits(*job.splits, job.out)]
    report = report_json(flows, tallies) | {"curation": job.curation}
    for name in job.scratch:
        store.delete(name)
    version = parse_config(job.config_toml).release.version
    after = follow(job.parent, job.out, version, shards, files, job.source)
    about = About(job.origin, after.version, versions(), HASH_VERSION, job.config_toml, job.source, after.parent)
    close_release(store, about, shards, [*files, *after.files], report)


def versions() -> dict[str, str]:
    """Return the versions of what decides the bytes of a release."""
    return {
        "pmc15m": __version__,
        "apache-beam": version("apache-beam"),
        "lxml": version("lxml"),
        "pillow": version("pillow"),
        "libjpeg": str(features.version("libjpeg_turbo") or features.version("jpg")),
        "pyarrow": version("pyarrow"),
        "jinja2": version("jinja2"),
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
