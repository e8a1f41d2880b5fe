"""The folder of a stage: what it was made from, whether it is complete, and what it holds.

`stage.json` is written first as "making" and last as "complete": a reader goes by its list of files
and by no other, so what a lost worker writes late does not count.
"""

import fcntl
import json
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from typing import Any

from pmc15m.errors import UsageError
from pmc15m.rows import RowFile, content_of
from pmc15m.store import SCRATCH_PREFIX, Store

MARKER = "stage.json"
_MAX_MARKER_BYTES = 2**28


class OutputError(UsageError):
    """An output folder cannot be used: it is foreign, finished with other settings, or in use."""


@dataclass(frozen=True, slots=True)
class Origin:
    """What decides the content of a stage's folder."""

    stage: str
    version: str  # of the package
    config: str  # sha256 of the tables of the TOML that the stage reads
    inputs: str  # digest of what it reads


@dataclass(frozen=True, slots=True)
class StageFiles:
    """What a complete stage holds."""

    origin: Origin
    files: tuple[RowFile, ...]
    rejects: tuple[RowFile, ...]
    tallies: dict[str, int]

    @property
    def content(self) -> str:
        """One digest of all rows: input of the next stage."""
        return content_of(self.files)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the row files."""
        return tuple(file.name for file in self.files)

    @property
    def reject_names(self) -> tuple[str, ...]:
        """Names of the files of rejects."""
        return tuple(file.name for file in self.rejects)


def read_stage(folder: str, stage: str) -> StageFiles:
    """Return what a complete stage holds.

    Raises:
        OutputError: there is no complete stage of that name in the folder.
    """
    marker = _read_marker(folder)
    if marker is None or marker.get("stage") != stage:
        raise OutputError(f"{folder} holds no output of {stage}: no {MARKER} that says so")
    if not marker.get("complete"):
        raise OutputError(f"{folder} holds an unfinished {stage}: run it again")
    return StageFiles(
        Origin(marker["stage"], marker["version"], marker["config"], marker["inputs"]),
        tuple(RowFile(**file) for file in marker["files"]),
        tuple(RowFile(**file) for file in marker["rejects"]),
        marker["tallies"],
    )


def start_stage(folder: str, origin: Origin, fresh: bool = False) -> bool:
    """Make a folder ready for a stage; return False where it is complete and of the same origin.

    Raises:
        OutputError: the folder holds something that is not this stage's, or cannot be written.
    """
    marker = _read_marker(folder)
    if marker is None:
        check_unused(folder)
    elif marker.get("stage") != origin.stage:
        raise OutputError(f"{folder} holds the output of {marker.get('stage')}, not of {origin.stage}: choose another")
    elif marker.get("complete") and not fresh and Origin(**{k: marker[k] for k in asdict(origin)}) == origin:
        return False
    check_writable(folder)
    store = Store(folder)
    store.put_bytes(_marker_bytes({**asdict(origin), "complete": False}), MARKER)
    for entry in list(store.list()):
        if entry.name != MARKER:
            store.delete(entry.name)
    return True


def join_parts(
    folder: str,
    parts: Sequence[str],
    stage: str,
    version: str,
    config: str,
    inputs_of: Callable[[Sequence[str]], str],
) -> StageFiles:
    """Make one stage of its parts, complete stages in folders of its folder; all else there is deleted.

    Args:
        folder: of the whole.
        parts: names of their folders.
        stage: its name.
        version: of the package.
        config: digest of the config.
        inputs_of: digest of the inputs of the whole, from those of the parts.

    Raises:
        OutputError: a part is not complete, or was made with another config or version; or the folder holds
            something that is not this stage's.
    """
    marker = _read_marker(folder)
    if marker is not None and marker.get("stage") != stage:
        raise OutputError(f"{folder} holds the output of {marker.get('stage')}, not of {stage}: choose another")
    found = [read_stage(f"{folder}/{name}", stage) for name in parts]
    for name, part in zip(parts, found, strict=True):
        if (part.origin.version, part.origin.config) != (version, config):
            raise OutputError(f"{folder}/{name} was made with another config or version: run that part again")
    for entry in list(Store(folder).list()):
        if entry.name != MARKER and entry.name not in parts:
            Store(folder).delete(entry.name)
    tallies: dict[str, int] = {}
    for part in found:
        for tally, count in part.tallies.items():
            tallies[tally] = tallies.get(tally, 0) + count
    origin = Origin(stage, version, config, inputs_of([part.origin.inputs for part in found]))
    files = [
        replace(file, name=f"{name}/{file.name}")
        for name, part in zip(parts, found, strict=True)
        for file in part.files
    ]
    rejects = [
        replace(file, name=f"{name}/{file.name}")
        for name, part in zip(parts, found, strict=True)
        for file in part.rejects
    ]
    finish_stage(folder, origin, files, rejects, tallies)
    return read_stage(folder, stage)


def finish_stage(
    folder: str, origin: Origin, files: list[RowFile], rejects: list[RowFile], tallies: dict[str, int]
) -> None:
    """Write the marker of a complete stage."""
    marker = {
        **asdict(origin),
        "complete": True,
        "files": [asdict(file) for file in sorted(files, key=lambda file: file.name)],
        "rejects": [asdict(file) for file in sorted(rejects, key=lambda file: file.name)],
        "tallies": dict(sorted(tallies.items())),
    }
    Store(folder).put_bytes(_marker_bytes(marker), MARKER)


def check_unused(folder: str) -> None:
    """Refuse a folder that holds anything but what a killed run did not finish.

    Raises:
        OutputError: it does, or it is no folder.
    """
    store = Store(folder)
    if store.is_local and store.local_path.exists() and not store.local_path.is_dir():
        raise OutputError(f"{folder} is a file, not a folder")
    first = next((entry for entry in store.list() if not entry.name.startswith(SCRATCH_PREFIX)), None)
    if first is not None:
        raise OutputError(f"{folder} holds {first.name!r}, which pmc15m did not write: choose an empty folder")


def check_writable(folder: str) -> None:
    """Refuse a local folder that cannot be written.

    Raises:
        OutputError: it cannot.
    """
    store = Store(folder)
    if not store.is_local:
        return
    path = store.local_path
    existing = next(parent for parent in (path, *path.parents) if parent.exists())
    if not existing.is_dir():
        raise OutputError(f"{folder} cannot be written: {existing} is a file, not a folder")
    if not os.access(existing, os.W_OK | os.X_OK):
        raise OutputError(f"{folder} cannot be written: no permission in {existing}")
    if os.statvfs(existing).f_flag & os.ST_RDONLY:
        raise OutputError(f"{folder} cannot be written: {existing} is read-only")


@contextmanager
def locked_output(folder: str) -> Iterator[None]:
    """Hold a local output folder for one run; a second run is refused before it writes.

    The lock is on the folder itself: it leaves no file, and ends with the process, however that ends.

    Raises:
        OutputError: another run holds it, or it cannot be made.
    """
    store = Store(folder)
    if not store.is_local:
        yield
        return
    check_writable(folder)
    try:
        store.local_path.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(store.local_path, os.O_RDONLY | os.O_DIRECTORY)
    except (FileExistsError, NotADirectoryError) as error:
        raise OutputError(f"{folder} is a file, not a folder") from error
    except OSError as error:
        raise OutputError(f"{folder} cannot be made: {error.strerror}") from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise OutputError(f"{folder} is in use by another run") from error
    else:
        yield
    finally:
        os.close(descriptor)


def read_json(store: Store, name: str) -> dict[str, Any] | None:
    """Return a JSON object that pmc15m wrote, or None where there is no such file.

    Raises:
        OutputError: it is not what pmc15m writes.
    """
    try:
        found = json.loads(store.read_bytes(name, _MAX_MARKER_BYTES))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except ValueError as error:
        raise OutputError(f"{store.uri}/{name} is damaged ({error}): delete it to start over") from error
    if not isinstance(found, dict):
        raise OutputError(f"{store.uri}/{name} is damaged (no object): delete it to start over")
    return found


def _read_marker(folder: str) -> dict[str, Any] | None:
    return read_json(Store(folder), MARKER)


def _marker_bytes(marker: dict[str, Any]) -> bytes:
    return (json.dumps(marker, indent=1, sort_keys=True) + "\n").encode()
