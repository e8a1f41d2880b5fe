"""Contact sheets: the release's own images, shrunk, many to a JPEG file; a page shows each by its rectangle.

Images are decoded in a child process, as always: with `encode.verbatim_jpeg` they are the bytes of
strangers. A licence without derivatives allows no shrunk copy; such images are not shown.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import Any

from PIL import Image

from pmc15m.config import DatasetConfig, EncodeConfig
from pmc15m.images.children import encode_guarded, probe_guarded
from pmc15m.images.decode import ImageRefused
from pmc15m.images.resize import resize_rows_first
from pmc15m.store import Store

CELL_PX = 240
_GAP_PX = 4
_PER_ROW = 6
_GROUND = (225, 225, 225)
_QUALITY = 80
_CLEAN = EncodeConfig(short_side_px=CELL_PX, jpeg_quality=95)


@dataclass(frozen=True, slots=True)
class Cell:
    """Where an image lies on its sheet, in px."""

    x: int
    y: int
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Sheet:
    """A JPEG file of many images; the place of each by its key."""

    name: str
    width: int
    height: int
    cells: Mapping[str, Cell]
    data: bytes


def make_sheet(name: str, store: Store, rows: Sequence[Mapping[str, Any]], config: DatasetConfig) -> Sheet:
    """Return the sheet of some samples; one whose image cannot or may not be shown has no cell.

    Args:
        name: of the file.
        store: the release.
        rows: of its tables of pairs: key, license, split, shard, image_offset, image_num_bytes.
        config: of the release.
    """
    shown = [row for row in rows if config.encode.change_no_derivatives or "-ND" not in row["license"]]
    data = _read_images(store, shown)
    images = [(row["key"], image) for row in shown if (image := _shrink(data[row["key"]], config)) is not None]
    num_rows = -(-len(images) // _PER_ROW) or 1
    step = CELL_PX + _GAP_PX
    sheet = Image.new("RGB", (min(max(len(images), 1), _PER_ROW) * step, num_rows * step), _GROUND)
    cells = {}
    for index, (key, image) in enumerate(images):
        x, y = index % _PER_ROW * step, index // _PER_ROW * step
        sheet.paste(image, (x, y))
        cells[key] = Cell(x, y, image.width, image.height)
    out = BytesIO()
    sheet.save(out, "JPEG", quality=_QUALITY, subsampling="4:2:0", optimize=False, progressive=False)
    return Sheet(name, sheet.width, sheet.height, cells, out.getvalue())


def _read_images(store: Store, rows: Iterable[Mapping[str, Any]]) -> dict[str, bytes]:
    """Return the images by key: of each tar those bytes alone."""
    by_tar: dict[str, list[Mapping[str, Any]]] = {}
    for row in rows:
        by_tar.setdefault(f"{row['split']}/{row['shard']}.tar", []).append(row)
    found = {}
    for name, members in by_tar.items():
        with store.open_file(name) as stream:
            for row in sorted(members, key=lambda member: int(member["image_offset"])):
                stream.seek(row["image_offset"])
                found[row["key"]] = bytes(stream.read(row["image_num_bytes"]))
    return found


def _shrink(data: bytes, config: DatasetConfig) -> Image.Image | None:
    """Return an image that fits a cell, or None where it cannot be decoded."""
    try:
        clean, _ = encode_guarded(data, probe_guarded(data, config.images), config.images, _CLEAN)
    except ImageRefused:
        return None
    image = Image.open(BytesIO(clean)).convert("RGB")
    long = max(image.size)
    if long <= CELL_PX:
        return image
    width, height = (max(1, (2 * side * CELL_PX + long) // (2 * long)) for side in image.size)
    return resize_rows_first(image, (width, height), Image.Resampling.LANCZOS)
