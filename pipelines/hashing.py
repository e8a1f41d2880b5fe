"""The command `hashes`: a folder of images to a list that curate takes with --decontaminate."""

import logging
import tempfile
from pathlib import Path

from pmc15m.config import ImagesConfig
from pmc15m.curate.decontaminate import ListedImage, write_list
from pmc15m.errors import UsageError
from pmc15m.images.decode import ImageRefused
from pmc15m.images.hashes import HASH_VERSION
from pmc15m.images.probe import probe_image
from pmc15m.store import Store, TooLargeError

LOG = logging.getLogger("pmc15m")


def run_hashes(folder: Path, out: Path, source: str) -> tuple[int, int]:
    """Write the list of a folder; return how many images it has and how many files are none.

    Args:
        folder: searched with all folders in it.
        out: Parquet file to write.
        source: name of the evaluation.

    Raises:
        UsageError: the folder has no image, or cannot be read, or the list cannot be written.
    """
    if not folder.is_dir():
        raise UsageError(f"there is no folder {folder}")
    if out.is_dir():
        raise UsageError(f"{out} is a folder, not a list")
    try:
        images, num_refused = list_images(folder, source)
        if not images:
            raise UsageError(f"{folder} holds no image")
        with tempfile.TemporaryDirectory() as scratch:
            made = Path(scratch) / "list.parquet"
            write_list(images, made)
            Store(str(out.parent)).put_file(made, out.name)
    except OSError as error:
        raise UsageError(f"cannot make the list of {folder}: {error}") from error
    return len(images), num_refused


def list_images(folder: Path, source: str) -> tuple[list[ListedImage], int]:
    """Return the images of a folder by path, and how many files are none; each of these is told in the log."""
    config, store = ImagesConfig(), Store(str(folder))
    images, num_refused = [], 0
    for path in sorted(folder.rglob("*"), key=lambda path: path.relative_to(folder).parts):
        if not path.is_file():
            continue
        name = path.relative_to(folder).as_posix()
        try:
            image = probe_image(store.read_bytes(name, config.max_bytes), config)
        except (ImageRefused, TooLargeError) as refused:
            num_refused += 1
            LOG.warning("%s: %s", name, refused.detail if isinstance(refused, ImageRefused) else refused)
            continue
        images.append(
            ListedImage(
                source=source,
                id=name.encode(errors="surrogateescape").decode(errors="replace"),
                phash=image.phash,
                phash_content=image.phash_content,
                width_px=image.width_px,
                height_px=image.height_px,
                grey_std=image.grey_std,
                hash_version=HASH_VERSION,
            )
        )
    return images, num_refused
