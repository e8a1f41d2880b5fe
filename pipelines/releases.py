"""What people do with a release: check it, compare it with another, withdraw samples, cut a part of it."""

import logging
import os
from pathlib import Path

from pmc15m.errors import BrokenWorldError, UsageError
from pmc15m.release.changes import write_changes
from pmc15m.release.diff import Difference, Step, compare_releases, step_of
from pmc15m.release.finish import start_release
from pmc15m.release.reading import Release, open_release
from pmc15m.release.remake import Names, read_names
from pmc15m.release.subset import RELATION as SUBSET
from pmc15m.release.subset import plan_subset, write_subset
from pmc15m.release.verify import verify_release
from pmc15m.release.withdraw import plan_withdrawal, write_withdrawal
from pmc15m.stages import Origin, OutputError, check_unused, locked_output
from pmc15m.store import Store

LOG = logging.getLogger("pmc15m")
MAX_TOLD = 100


class NotAsListedError(BrokenWorldError):
    """A release is not what its manifest says."""


def run_verify(release: str, is_fast: bool) -> tuple[list[str], str]:
    """Check a release; return a line for each thing that is wrong, and one that sums up.

    Raises:
        OutputError: there is no release.
    """
    verdict = verify_release(release, is_fast, max(2, os.cpu_count() or 1))
    lines = [str(problem) for problem in verdict.problems[:MAX_TOLD]]
    if len(verdict.problems) > MAX_TOLD:
        lines.append(f"... and {len(verdict.problems) - MAX_TOLD:,} more")
    if verdict.release is None or verdict.problems:
        return lines, f"{release} is not what its manifest says: {len(verdict.problems):,} things are wrong"
    counts = verdict.release.manifest["counts"]
    looked = "names and sizes of" if is_fast else "every byte of"
    return [], (
        f"{release}: version {verdict.release.version}, {counts['samples']:,} samples in"
        f" {len(verdict.release.shards):,} shards, {counts['rejects']:,} rejects: {looked}"
        f" {len(verdict.release.files) + 1:,} files as they must be"
    )


# --- diff -----------------------------------------------------------------------------------------


def run_diff(old: str, new: str, out: str | None) -> list[str]:
    """Compare two releases; return what is to be told, and write the tables of changes where they are asked for.

    Raises:
        OutputError: one is none, or the output folder holds something.
    """
    if out is not None:
        check_unused(out)
    before, after = open_release(old), open_release(new)
    difference = compare_releases(before, after)
    if out is not None:
        with locked_output(out):
            write_changes(out, difference.added, difference.removed, difference.changed)
    return [*_counts(difference), _proposal(step_of(difference, before, after), before, after)]


def _counts(difference: Difference) -> list[str]:
    lines = [f"same     {difference.num_same:>12,}", f"added    {difference.added.num_rows:>12,}"]
    lines.append(f"removed  {difference.removed.num_rows:>12,}")
    lines += _ranked(list(map(str, difference.removed["reason"].to_pylist())))
    lines.append(f"changed  {difference.changed.num_rows:>12,}")
    lines += _ranked([name for names in difference.changed["columns"].to_pylist() for name in names or ()])
    return lines


def _ranked(names: list[str]) -> list[str]:
    counts = {name: names.count(name) for name in set(names)}
    return [f"  {name:<28}{count:>12,}" for name, count in sorted(counts.items(), key=lambda item: (-item[1], item[0]))]


def _proposal(step: Step, old: Release, new: Release) -> str:
    parent = new.manifest["parent"] or {}
    if (parent.get("relation"), parent.get("manifest_sha256")) == (SUBSET, old.seal):
        return f"version: NEW is a subset of {old.version}, and no step from it"
    if not step.part:
        return f"version: {old.version} stays: {step.why}"
    said = "" if new.version == step.after(old.version) else f" (NEW calls itself {new.version})"
    return f"version: {old.version} -> {step.after(old.version)}, {step.part}: {step.why}{said}"


# --- cuts -----------------------------------------------------------------------------------------


def run_withdraw(release: str, keys: Path, out: str, overwrite: bool) -> None:
    """Write a release without the samples and articles that a list names.

    Raises:
        UsageError: the list cannot be read, or names nothing of the release, or the output cannot be used.
    """
    _check_apart(release, out)
    plan = plan_withdrawal(open_release(release), _read_names(keys))
    if plan.absent:
        LOG.warning("withdraw: %d of the list are not in the release: %s", len(plan.absent), ", ".join(plan.absent[:5]))
    with locked_output(out):
        if not _is_started(out, plan.origin, overwrite):
            return
        write_withdrawal(plan, out)
    LOG.info("withdraw: %d samples went, %d shards were written anew", plan.num_gone, plan.num_shards)


def run_subset(release: str, where: str | None, keys: Path | None, out: str, overwrite: bool, is_fast: bool) -> None:
    """Write a part of a release as a release of its own.

    Raises:
        UsageError: the expression or the list is wrong, or wants nothing, or the output cannot be used.
    """
    _check_apart(release, out)
    wanted = where if keys is None else _read_names(keys)
    if wanted is None:
        raise UsageError("say what is wanted: --where EXPR or --keys FILE")
    plan = plan_subset(open_release(release), wanted)
    with locked_output(out):
        if _is_started(out, plan.origin, overwrite):
            write_subset(plan, out, is_fast)


def _is_started(out: str, origin: Origin, overwrite: bool) -> bool:
    if start_release(out, origin, overwrite):
        return True
    LOG.info("%s is complete, nothing to do", out)
    return False


def _read_names(path: Path) -> Names:
    try:
        return read_names(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"cannot read the list {path}: {error}") from error
    except UsageError as error:
        raise UsageError(f"{path}: {error}") from error


def _check_apart(release: str, out: str) -> None:
    """Refuse an output that is the release itself, or lies in it, or holds it.

    Raises:
        OutputError: it does.
    """
    one, other = (
        f"{store.local_path.resolve() if (store := Store(uri)).is_local else uri.rstrip('/')}/"
        for uri in (release, out)
    )
    if one.startswith(other) or other.startswith(one):
        raise OutputError(f"{out} and {release} must not lie in each other: choose another folder")
