"""`pmc15m report`: the pages of a release, made again from the release alone."""

import hashlib
import json

from pmc15m.release.files import put_small_file
from pmc15m.release.pages.writing import FOLDER, Subject, make_pages
from pmc15m.release.reading import Release, open_release, read_checked
from pmc15m.stages import OutputError, check_unused, locked_output
from pmc15m.store import Store


def run_report(release: str, out: str | None = None) -> str:
    """Write the pages of a release and return where they begin.

    In the release itself they are only put back: its manifest lists their digests.

    Args:
        release: a complete release.
        out: folder of the pages; None: where the release has them.

    Raises:
        OutputError: there is no release, the folder holds something else, or the pages of this version
            are not those that the manifest lists.
        DamagedError: a file of the release is not what its manifest says.
    """
    opened = open_release(release)
    pages = make_pages(_subject(release, opened))
    if out is None:
        _check_listed(opened, pages)
    else:
        check_unused(out)
    folder = f"{release.rstrip('/')}/{FOLDER}" if out is None else out.rstrip("/")
    with locked_output(folder):
        for name, data in pages.items():
            put_small_file(Store(folder), name, data)
    return f"{folder}/index.html"


def _subject(release: str, opened: Release) -> Subject:
    manifest = opened.manifest
    return Subject(
        release,
        tuple(opened.files),
        json.loads(read_checked(opened, "report.json")),
        read_checked(opened, "config.toml").decode(),
        manifest["source"],
        opened.version,
        manifest["versions"]["pmc15m"],
    )


def _check_listed(release: Release, pages: dict[str, bytes]) -> None:
    """Refuse to change what the manifest lists."""
    listed = {path: file.sha256 for path, file in release.files.items() if path.startswith(f"{FOLDER}/")}
    if listed != {f"{FOLDER}/{name}": hashlib.sha256(data).hexdigest() for name, data in pages.items()}:
        raise OutputError(
            f"{release.store.uri} was released with other pages than this version of pmc15m makes of it: "
            "say --out FOLDER"
        )
