"""What a folder holds, to compare it with another or with itself later."""

import hashlib
from pathlib import Path


def digests(folder: Path) -> dict[str, str]:
    """Return the sha256 of every file by its path, and "" for folders."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
        for path in sorted(folder.rglob("*"))
    }


def states(folder: Path) -> dict[str, tuple[int, int]]:
    """Return size and time of change of everything in a folder, and of the folder: what a write would change."""
    paths = [folder, *sorted(folder.rglob("*"))] if folder.exists() else []
    return {str(path): ((stat := path.stat()).st_size, stat.st_mtime_ns) for path in paths}
