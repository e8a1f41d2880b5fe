"""`SHA256SUMS`: what `sha256sum -c` checks a copy of a release with.

It names every file but itself and `manifest.json`: the manifest names it, and is written after it.
"""

from collections.abc import Iterable

from pmc15m.release.files import ReleaseFile, put_small_file
from pmc15m.store import Store

CHECKSUMS = "SHA256SUMS"


def write_checksums(store: Store, files: Iterable[ReleaseFile]) -> ReleaseFile:
    """Write the sums of all other files, in the order of their paths."""
    lines = [f"{file.sha256}  {file.path}\n" for file in sorted(files, key=lambda file: file.path)]
    return put_small_file(store, CHECKSUMS, "".join(lines).encode())
