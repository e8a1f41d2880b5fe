"""Contact sheets: each image in its place, and none that may not be shown."""

from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from pmc15m.config import DatasetConfig, EncodeConfig
from pmc15m.release.pages.sampling import draw_pairs
from pmc15m.release.pages.sheets import CELL_PX, Cell, Sheet, make_sheet
from pmc15m.store import Store
from tests.released import write_release
from tests.some import pair
from tests.tiny import packed

COLOURS = {f"PMC7_000{i}_01": (30 * i, 200 - 20 * i, 20 * i) for i in range(1, 8)}


def sheet_of(folder: Path, *pairs: Any, images: dict[str, bytes], config: DatasetConfig | None = None) -> Sheet:
    config = config or DatasetConfig()
    write_release(folder, [("train", one) for one in pairs], images=images)
    rows = draw_pairs(Store(str(folder)), ["pairs/pmc15m-train-000000.parquet"], 24)
    return make_sheet("s.jpg", Store(str(folder)), rows, config)


def plain(colour: tuple[int, int, int], width: int = 60, height: int = 40) -> bytes:
    return packed(Image.new("RGB", (width, height), colour), "JPEG")


def test_every_image_lies_where_its_cell_says(tmp_path: Path) -> None:
    sheet = sheet_of(tmp_path, *map(pair, COLOURS), images={key: plain(colour) for key, colour in COLOURS.items()})
    assert sorted(sheet.cells) == sorted(COLOURS)
    with Image.open(BytesIO(sheet.data)) as image:
        assert image.size == (sheet.width, sheet.height) == (6 * 244, 2 * 244)
        for key, cell in sheet.cells.items():
            part = image.crop((cell.x + 4, cell.y + 4, cell.x + cell.width - 4, cell.y + cell.height - 4))
            assert np.abs(np.asarray(part).mean(axis=(0, 1)) - COLOURS[key]).max() < 4, key


@pytest.mark.parametrize(
    ("width", "height", "cell"),
    [(960, 480, (240, 120)), (60, 2_400, (6, 240)), (2_400, 1, (240, 1)), (50, 30, (50, 30))],
)
def test_large_images_are_shrunk_to_a_cell_and_small_ones_are_not_enlarged(
    tmp_path: Path, width: int, height: int, cell: tuple[int, int]
) -> None:
    sheet = sheet_of(tmp_path, pair(), images={"PMC7_0001_01": plain((9, 9, 9), width, height)})
    assert sheet.cells["PMC7_0001_01"] == Cell(0, 0, *cell)
    assert max(cell) <= CELL_PX


def test_no_derivatives_means_no_shrunk_copy(tmp_path: Path) -> None:
    one, other = pair(license="CC BY-ND"), pair("PMC7_0002_01")
    images = {one.key: plain((1, 2, 3)), other.key: plain((200, 2, 3))}
    assert list(sheet_of(tmp_path / "a", one, other, images=images).cells) == [other.key]
    allowed = replace(DatasetConfig(), encode=EncodeConfig(change_no_derivatives=True))
    assert len(sheet_of(tmp_path / "b", one, other, images=images, config=allowed).cells) == 2


def test_what_cannot_be_decoded_has_no_cell(tmp_path: Path) -> None:
    sheet = sheet_of(tmp_path, pair(), pair("PMC7_0002_01"), images={"PMC7_0001_01": b"\xff\xd8no image"})
    assert list(sheet.cells) == ["PMC7_0002_01"]


def test_sheet_of_nothing_is_an_image_too(tmp_path: Path) -> None:
    sheet = make_sheet("s.jpg", Store(str(tmp_path)), [], DatasetConfig())
    assert sheet.cells == {}
    with Image.open(BytesIO(sheet.data)) as image:
        assert image.size == (sheet.width, sheet.height)
