"""Encode: the right size, the same bytes every time, and nothing of the metadata."""

import subprocess
import sys
from dataclasses import replace
from io import BytesIO
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageCms
from PIL.JpegImagePlugin import JpegImageFile

from pmc15m.config import RESAMPLING, EncodeConfig, ImagesConfig
from pmc15m.images.encode import changes_pixels, encode_image, goes_verbatim, shrunk_size
from pmc15m.images.probe import probe_image
from pmc15m.records import ImageInfo

IMAGES = ImagesConfig()
CONFIG = EncodeConfig()
VERBATIM = EncodeConfig(verbatim_jpeg=True)


def picture(width: int = 90, height: int = 60) -> Image.Image:
    coarse = np.random.RandomState(1).randint(0, 256, (6, 8, 3)).astype(np.uint8)
    return Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC)


def pack(image: Image.Image, image_format: str, **options: Any) -> bytes:
    out = BytesIO()
    image.save(out, image_format, **options)
    return out.getvalue()


def probe(data: bytes) -> ImageInfo:
    return probe_image(data, IMAGES)


def encode(data: bytes, config: EncodeConfig = CONFIG) -> tuple[Image.Image, str]:
    """Return the encoded image, loaded, and what was done."""
    encoded, change = encode_image(data, probe(data), IMAGES, config)
    image = Image.open(BytesIO(encoded))
    image.load()
    return image, change


def test_a_large_image_is_shrunk_to_its_short_side() -> None:
    image, change = encode(pack(picture(1200, 800), "PNG"))
    assert image.size == (576, 384)
    assert change == "resized from 1200x800 to 576x384 px and re-encoded as JPEG quality 90"


def test_a_small_image_is_never_enlarged() -> None:
    image, change = encode(pack(picture(90, 60), "PNG"))
    assert image.size == (90, 60)
    assert change == "re-encoded as JPEG quality 90"
    distance = np.abs(np.asarray(image, int) - np.asarray(picture(90, 60), int))
    assert distance.mean() < 4


def test_sizes_and_words_are_of_the_upright_image() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    image, change = encode(pack(picture(800, 400), "JPEG", exif=exif), EncodeConfig(short_side_px=100))
    assert image.size == (100, 200)
    assert change.startswith("resized from 400x800 to 100x200 px")


@given(st.integers(1, 70_000), st.integers(1, 70_000), st.integers(16, 2000))
def test_sizes_keep_the_aspect_and_stay_in_their_limits(width: int, height: int, short_side_px: int) -> None:
    new_width, new_height = shrunk_size((width, height), short_side_px)
    assert 1 <= new_width <= min(width, 65_500)
    assert 1 <= new_height <= min(height, 65_500)
    assert min(new_width, new_height) <= short_side_px
    if max(width, height) <= 65_500:
        assert min(new_width, new_height) == min(width, height, short_side_px)
    # the exact aspect rounds to this size on its longer side
    if new_width >= new_height:
        assert abs(new_height * width - new_width * height) <= max(width, height)
    else:
        assert abs(new_width * height - new_height * width) <= max(width, height)


@pytest.mark.parametrize(
    ("size", "expected"),
    [((70_000, 1), (65_500, 1)), ((1, 70_000), (1, 65_500)), ((769, 385), (767, 384)), ((384, 384), (384, 384))],
)
def test_extreme_sizes(size: tuple[int, int], expected: tuple[int, int]) -> None:
    assert shrunk_size(size, 384) == expected


def test_a_strip_of_one_pixel_is_encoded() -> None:
    image, _ = encode(pack(Image.new("RGB", (3000, 1), "red"), "PNG"))
    assert image.size == (3000, 1)


@pytest.mark.parametrize("mode", ["RGB", "L", "RGBA", "P", "CMYK", "1", "LA"])
def test_every_mode_becomes_a_baseline_jpeg(mode: str) -> None:
    data = pack(picture(600, 500).convert(mode), "TIFF" if mode == "CMYK" else "PNG")
    encoded, _ = encode_image(data, probe(data), IMAGES, CONFIG)
    image = Image.open(BytesIO(encoded))
    assert (image.format, image.mode) == ("JPEG", "L" if mode in ("L", "1", "LA") else "RGB")
    assert encoded.count(b"\xff\xc0") == 1, "baseline"
    if image.mode == "RGB":
        assert isinstance(image, JpegImageFile)
        assert [layer[1:3] for layer in image.layer] == [(2, 2), (1, 1), (1, 1)], "4:2:0"


def test_no_metadata_is_carried_over() -> None:
    exif = Image.Exif()
    exif[0x010E], exif[0x8298] = "SECRET description", "SECRET owner"
    exif.get_ifd(0x8825)[1] = "N"
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    options = {"exif": exif, "icc_profile": profile, "comment": b"SECRET comment", "dpi": (300, 300)}
    for size in ((90, 60), (900, 600)):
        data = pack(picture(*size), "JPEG", **options)
        assert b"SECRET" in data
        encoded, _ = encode_image(data, probe(data), IMAGES, CONFIG)
        image = Image.open(BytesIO(encoded))
        assert isinstance(image, JpegImageFile)
        assert [name for name, _ in image.applist] == ["APP0"], "JFIF alone"
        assert b"SECRET" not in encoded


@pytest.mark.parametrize("name", RESAMPLING)
def test_every_filter_of_the_config_is_known(name: str) -> None:
    image, _ = encode(pack(picture(900, 600), "PNG"), EncodeConfig(short_side_px=100, resampling=name))
    assert image.size == (150, 100)


def test_quality_is_obeyed() -> None:
    data = pack(picture(900, 600), "PNG")
    sizes = [len(encode_image(data, probe(data), IMAGES, EncodeConfig(jpeg_quality=q))[0]) for q in (30, 60, 95)]
    assert sizes == sorted(sizes)
    assert encode(data, EncodeConfig(jpeg_quality=60))[1].endswith("JPEG quality 60")


SCRIPT = """
import sys
from pmc15m.config import EncodeConfig, ImagesConfig
from pmc15m.images.encode import encode_image
from pmc15m.images.probe import probe_image
data = sys.stdin.buffer.read()
encoded, _ = encode_image(data, probe_image(data, ImagesConfig()), ImagesConfig(), EncodeConfig())
sys.stdout.buffer.write(encoded)
"""


def test_bytes_are_the_same_twice_and_in_another_process() -> None:
    data = pack(picture(1000, 700), "PNG")
    encoded, _ = encode_image(data, probe(data), IMAGES, CONFIG)
    assert encoded == encode_image(data, probe(data), IMAGES, CONFIG)[0]
    done = subprocess.run([sys.executable, "-c", SCRIPT], input=data, stdout=subprocess.PIPE, check=True)
    assert done.stdout == encoded


def test_order_of_rows_and_columns_is_not_left_to_pillow() -> None:
    image = picture(450, 1040)
    rows_first = image.resize((384, 1040), Image.Resampling.LANCZOS).resize((384, 887), Image.Resampling.LANCZOS)
    data = pack(image, "PNG")
    encoded, _ = encode_image(data, probe(data), IMAGES, CONFIG)
    assert encoded == pack(rows_first, "JPEG", quality=90, subsampling="4:2:0")


# verbatim


def test_verbatim_is_off_by_default() -> None:
    info = probe(pack(picture(), "JPEG"))
    assert not goes_verbatim(info, CONFIG)
    assert changes_pixels(info, CONFIG)


@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_a_small_sound_jpeg_goes_verbatim(mode: str) -> None:
    data = pack(picture().convert(mode), "JPEG")
    assert encode_image(data, probe(data), IMAGES, VERBATIM) == (data, "none")
    assert not changes_pixels(probe(data), VERBATIM)


@pytest.mark.parametrize(
    "change",
    [{"format": "PNG"}, {"mode": "CMYK"}, {"is_upright": False}, {"width_px": 900, "height_px": 385}],
    ids=str,
)
def test_all_else_is_made_anew(change: dict[str, Any]) -> None:
    info = replace(probe(pack(picture(), "JPEG")), **change)
    assert not goes_verbatim(info, VERBATIM)
    assert changes_pixels(info, VERBATIM)


def test_the_short_side_decides_over_verbatim() -> None:
    info = replace(probe(pack(picture(), "JPEG")), width_px=384, height_px=9_000)
    assert goes_verbatim(info, VERBATIM)
