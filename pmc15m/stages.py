"""The folder of a stage: what it was made from, whether it is complete, and what it holds.

`stage.json` is written first as "making" and last as "complete": a reader goes by its list of files
and by no other, so what a lost worker writes late does not count.
"""

import errno
import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any

from pmc15m.errors import UsageError
from pmc15m.rows import RowFile, content_of
from pmc15m.store import SCRATCH_PREFIX, Store

MARKER = "stage.json"
IN_USE = "is in use by another run"
_MAX_MARKER_BYTES = 2**28
_NO_LOCKS = (errno.EBADF, errno.ENOLCK, errno.EOPNOTSUPP, errno.EINVAL, errno.ENOSYS)


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
    marker = read_marker(folder)
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


def start_stage(folder: str, origin: Origin, fresh: bool = False, is_own: bool = False) -> bool:
    """Make a folder ready for a stage; return False where it is complete and of the same origin.

    Args:
        folder: of the stage.
        origin: what decides its content.
        fresh: make it again even so.
        is_own: it lies in a folder of pmc15m, so that nothing in it is anyone else's.

    Raises:
        OutputError: the folder holds something that is not this stage's, or cannot be written.
    """
    if is_complete(folder, origin) and not fresh:
        return False
    if not is_own or read_marker(folder) is not None:
        check_stage(folder, origin.stage)
    check_writable(folder)
    mark_unfinished(folder, origin)
    store = Store(folder)
    for entry in list(store.list()):
        if entry.name != MARKER:
            store.delete(entry.name)
    return True


def is_complete(folder: str, origin: Origin) -> bool:
    """Return whether a folder holds a complete stage of that origin."""
    marker = read_marker(folder) or {}
    return bool(marker.get("complete")) and all(marker.get(name) == value for name, value in asdict(origin).items())


def check_stage(folder: str, stage: str) -> None:
    """Refuse a folder that holds anything but that stage, finished or not.

    Raises:
        OutputError: it does.
    """
    marker = read_marker(folder)
    if marker is None:
        check_unused(folder)
    elif marker.get("stage") != stage:
        raise OutputError(f"{folder} holds the output of {marker.get('stage')}, not of {stage}: choose another")


def mark_unfinished(folder: str, origin: Origin) -> None:
    """Write the marker of a stage that is being made."""
    Store(folder).put_bytes(_marker_bytes({**asdict(origin), "complete": False}), MARKER)


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
def locked_output(folder: str, is_shared: bool = False) -> Iterator[None]:
    """Hold a local output folder for one run, or beside others that share it; another is refused before it writes.

    The lock is on the folder itself: it leaves no file, and ends with the process, however that ends. A file
    system that locks no folders, as NFS, does without: what two runs write to one folder is then the same
    files, each of them whole.

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
        try:
            fcntl.flock(descriptor, (fcntl.LOCK_SH if is_shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise OutputError(f"{folder} {IN_USE}") from error
        except OSError as error:
            if error.errno not in _NO_LOCKS:
                raise
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


def read_marker(folder: str) -> dict[str, Any] | None:
    """Return the marker of a stage, or None where there is none."""
    return read_json(Store(folder), MARKER)


def _marker_bytes(marker: dict[str, Any]) -> bytes:
    return (json.dumps(marker, indent=1, sort_keys=True) + "\n").encode()
