"""Decoding: canonical pixels of every kind of file. What is refused: test_decode_refusals.py."""

import hashlib
import pickle
import struct
import warnings
import zlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageCms, ImageFile

from pmc15m.config import ImagesConfig
from pmc15m.images.decode import Decoded, ImageRefused, decode_image, pixel_sha256
from pmc15m.records import Reason

CONFIG = ImagesConfig()
WHITE = (255, 255, 255)


def picture(width: int = 48, height: int = 32, seed: int = 0) -> Image.Image:
    """Return a soft colour picture."""
    coarse = np.random.RandomState(seed).randint(0, 256, (6, 8, 3)).astype(np.uint8)
    return Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC)


def pack(image: Image.Image, image_format: str, **options: Any) -> bytes:
    """Return the bytes of a file."""
    out = BytesIO()
    image.save(out, image_format, **options)
    return out.getvalue()


def tiff(width: int, height: int, strip: bytes, *, next_ifd: int = 0, **tags: int) -> bytes:
    """Return a little-endian grey TIFF written by hand: directory first, then one strip."""
    names = {"bits": 258, "compression": 259, "photometric": 262, "sample_format": 339, "orientation": 274}
    values = {256: width, 257: height, 258: 8, 259: 1, 262: 1, 277: 1, 278: height, 279: len(strip)}
    values |= {names[name]: value for name, value in tags.items()}
    values[273] = 8 + 2 + 12 * (len(values) + 1) + 4
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in sorted(values.items()))
    return b"II*\0" + struct.pack("<IH", 8, len(values)) + entries + struct.pack("<I", next_ifd) + strip


def pixels(data: bytes) -> Any:
    """Return the canonical pixels as an array."""
    return np.asarray(decode_image(data, CONFIG).image)


@pytest.mark.parametrize("image_format", ["JPEG", "PNG", "GIF", "TIFF"])
def test_every_format_is_told_by_content(image_format: str) -> None:
    decoded = decode_image(pack(picture(), image_format), CONFIG)
    assert decoded.format == image_format
    assert decoded.image.size == (48, 32)
    assert decoded.is_upright
    assert decoded.image.info == {}


@pytest.mark.parametrize("image_format", ["PNG", "TIFF"])
def test_lossless_formats_give_the_same_pixels_and_hash(image_format: str) -> None:
    decoded = decode_image(pack(picture(), image_format), CONFIG)
    assert np.array_equal(np.asarray(decoded.image), np.asarray(picture()))
    assert pixel_sha256(decoded.image) == pixel_sha256(picture())


def test_pixel_hash_is_of_rgb_bytes_and_knows_size_and_not_packing() -> None:
    image = Image.new("RGB", (4, 2), (1, 2, 3))
    assert pixel_sha256(image) == hashlib.sha256(b"4x2:RGB:" + bytes([1, 2, 3] * 8)).hexdigest()
    assert pixel_sha256(image) != pixel_sha256(image.resize((2, 4)))
    grey = Image.new("L", (4, 2), 7)
    assert pixel_sha256(grey) == pixel_sha256(grey.convert("RGB"))


@pytest.mark.parametrize(
    ("mode", "image_format", "expected"),
    [
        *(("L", "JPEG", "L"), ("L", "PNG", "L"), ("1", "PNG", "L"), ("1", "TIFF", "L"), ("LA", "PNG", "L")),
        *(("P", "PNG", "RGB"), ("P", "GIF", "RGB"), ("RGBA", "PNG", "RGB"), ("PA", "TIFF", "RGB")),
        *(("CMYK", "JPEG", "RGB"), ("CMYK", "TIFF", "RGB"), ("LAB", "TIFF", "RGB")),
    ],
)
def test_grey_files_stay_grey_and_all_others_are_rgb(mode: str, image_format: str, expected: str) -> None:
    # Pillow makes LAB and PA only from RGB and P.
    image = picture().convert("P").convert("PA") if mode == "PA" else picture()
    decoded = decode_image(pack(to_lab(image) if mode == "LAB" else image.convert(mode), image_format), CONFIG)
    assert (decoded.mode, decoded.image.mode) == (mode, expected)
    distance = np.abs(np.asarray(decoded.image.convert("L"), int) - np.asarray(picture().convert("L"), int))
    assert mode == "1" or distance.mean() < 12


def to_lab(image: Image.Image) -> Image.Image:
    """Return a picture in LAB."""
    transform = ImageCms.buildTransform(ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB"), "RGB", "LAB")
    converted = ImageCms.applyTransform(image, transform)
    assert converted is not None
    return converted


def test_one_bit_is_black_and_white() -> None:
    image = Image.fromarray(np.eye(20, dtype=bool))
    assert np.array_equal(pixels(pack(image, "PNG")), np.eye(20) * 255)


def test_16_bit_png_is_scaled_not_clipped() -> None:
    ramp = np.arange(65536, dtype=np.uint16).reshape(256, 256)
    decoded = decode_image(pack(Image.fromarray(ramp), "PNG"), CONFIG)
    assert (decoded.mode, decoded.image.mode) == ("I;16", "L")
    assert np.array_equal(np.asarray(decoded.image), np.round(ramp / 257).astype(np.uint8))
    assert np.unique(np.asarray(decoded.image)).size == 256


@pytest.mark.parametrize("order", ["<", ">"])
def test_16_bit_tiff_of_either_byte_order_is_scaled(order: str) -> None:
    ramp = np.linspace(0, 65535, 400).astype(f"{order}u2").reshape(20, 20)
    mode = "I;16" if order == "<" else "I;16B"
    data = pack(Image.frombytes(mode, (20, 20), ramp.tobytes()), "TIFF")
    assert decode_image(data, CONFIG).mode == mode
    assert np.array_equal(pixels(data), np.round(ramp / 257).astype(np.uint8))


def test_16_bit_tiff_with_white_as_zero_is_not_inverted() -> None:
    ramp = np.linspace(0, 65535, 400).astype("<u2")
    data = tiff(20, 20, ramp.tobytes(), bits=16, photometric=0)
    assert np.array_equal(pixels(data).ravel(), 255 - np.round(ramp / 257).astype(np.uint8))


def test_12_bit_tiff_is_scaled_by_12_bits() -> None:
    values = np.linspace(0, 4095, 400).astype(int)
    packed = b"".join(struct.pack(">I", a << 12 | b)[1:] for a, b in values.reshape(-1, 2).tolist())
    assert np.array_equal(pixels(tiff(20, 20, packed, bits=12)).ravel(), np.round(values * 255 / 4095).astype(np.uint8))


def test_16_bit_transparent_grey_becomes_white() -> None:
    image = Image.fromarray(np.array([[1000, 514]] * 2, np.uint16))
    data = pack(image, "PNG", transparency=1000)
    assert np.array_equal(pixels(data), [[255, 2], [255, 2]])


@pytest.mark.parametrize("mode", ["I", "F"])
def test_pixels_without_a_range_are_refused(mode: str) -> None:
    with pytest.raises(ImageRefused) as caught:
        decode_image(pack(picture().convert("L").convert(mode), "TIFF"), CONFIG)
    assert caught.value.reason == Reason.IMAGE_FORMAT


def test_alpha_is_laid_over_white() -> None:
    image = picture()
    alpha = Image.linear_gradient("L").resize(image.size)
    image.putalpha(alpha)
    weight = np.asarray(alpha, float)[..., None] / 255
    expected = np.asarray(picture(), float) * weight + 255 * (1 - weight)
    for image_format in ("PNG", "TIFF"):
        assert np.abs(pixels(pack(image, image_format)) - expected).max() <= 1


def test_opaque_alpha_changes_nothing() -> None:
    assert np.array_equal(pixels(pack(picture().convert("RGBA"), "PNG")), np.asarray(picture()))


def test_transparent_black_becomes_white_in_grey_with_alpha() -> None:
    assert np.array_equal(pixels(pack(Image.new("LA", (3, 3), (0, 0)), "PNG")), np.full((3, 3), 255))


@pytest.mark.parametrize(("image_format", "transparency"), [("GIF", 1), ("PNG", 1), ("PNG", b"\xff\x00\xff")])
def test_transparent_palette_entries_become_white(image_format: str, transparency: int | bytes) -> None:
    image = Image.new("P", (3, 1))
    image.putpalette([10, 20, 30, 40, 50, 60, 70, 80, 90])
    image.putdata([0, 1, 2])
    expected = [[(10, 20, 30), WHITE, (70, 80, 90)]]
    assert np.array_equal(pixels(pack(image, image_format, transparency=transparency)), expected)


@pytest.mark.parametrize(("mode", "colour"), [("RGB", (9, 9, 9)), ("L", 9)])
def test_a_transparent_colour_of_png_becomes_white(mode: str, colour: Any) -> None:
    data = pack(Image.new(mode, (2, 2), colour), "PNG", transparency=colour)
    assert (pixels(data) == 255).all()


def test_adobe_cmyk_jpeg_has_true_colours() -> None:
    # Pillow writes CMYK JPEGs with Adobe's inversion and reads them so.
    red = pixels(pack(Image.new("CMYK", (16, 16), (0, 255, 255, 0)), "JPEG"))
    assert np.abs(red - [255, 0, 0]).max() <= 2


def test_mpo_is_a_jpeg_of_its_first_picture() -> None:
    data = pack(picture(), "MPO", save_all=True, append_images=[picture(seed=1)])
    assert Image.open(BytesIO(data)).format == "MPO"
    decoded = decode_image(data, CONFIG)
    assert decoded.format == "JPEG"
    assert np.array_equal(np.asarray(decoded.image), pixels(pack(picture(), "JPEG")))


@pytest.mark.parametrize("image_format", ["GIF", "TIFF"])
def test_only_the_first_frame_or_page_is_read(image_format: str) -> None:
    first, second = Image.new("L", (9, 9), 40), Image.new("L", (9, 9), 200)
    data = pack(first, image_format, save_all=True, append_images=[second])
    assert (pixels(data) == 40).all()


@pytest.mark.parametrize("image_format", ["JPEG", "PNG", "TIFF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_applied_once(image_format: str, orientation: int) -> None:
    turns: dict[int, Callable[[Any], Any]] = {
        1: lambda a: a,
        2: lambda a: a[:, ::-1],
        3: lambda a: a[::-1, ::-1],
        4: lambda a: a[::-1],
        5: lambda a: a.swapaxes(0, 1),
        6: lambda a: a.swapaxes(0, 1)[:, ::-1],
        7: lambda a: a.swapaxes(0, 1)[::-1, ::-1],
        8: lambda a: a.swapaxes(0, 1)[::-1],
    }
    exif = Image.Exif()
    exif[0x0112] = orientation
    decoded = decode_image(pack(picture(), image_format, exif=exif), CONFIG)
    assert np.array_equal(np.asarray(decoded.image), turns[orientation](pixels(pack(picture(), image_format))))
    assert decoded.is_upright == (orientation == 1)


@pytest.mark.parametrize("orientation", [0, 9, 77])
def test_an_orientation_that_does_not_exist_is_upright(orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    assert decode_image(pack(picture(), "JPEG", exif=exif), CONFIG).is_upright


def test_a_directory_that_follows_itself_is_read_once() -> None:
    assert (pixels(tiff(4, 4, bytes([7] * 16), next_ifd=8)) == 7).all()


def test_a_compressed_tiff_with_its_directory_first_is_truncated_without_its_end() -> None:
    data = tiff(48, 32, zlib.compress(bytes(range(256)) * 6, 0), compression=8)
    assert pixels(data).shape == (32, 48)
    with pytest.raises(ImageRefused) as caught:
        decode_image(data[:-500], CONFIG)
    assert caught.value.reason == Reason.IMAGE_TRUNCATED


# metadata that is broken, and what Pillow warns of


def with_exif(payload: bytes) -> bytes:
    """Return a JPEG with EXIF as given."""
    return pack(picture(), "JPEG", exif=b"Exif\0\0" + payload)


# an orientation of 6, and a description that lies beyond the end: Pillow warns of the second
CUT_EXIF = struct.pack(">4sIHHHIHHHHIII", b"MM\0*", 8, 2, 0x0112, 3, 1, 6, 0, 0x0131, 2, 64, 2304, 0)


@pytest.mark.parametrize("payload", [b"", b"MM", b"junk" * 9, b"MM\0*\xff\xff\xff\xff", b"II*\0\x08\0\0\0\xff\xff"])
def test_broken_exif_is_no_exif(payload: bytes) -> None:
    decoded = decode_image(with_exif(payload), CONFIG)
    assert decoded.is_upright
    assert np.array_equal(np.asarray(decoded.image), pixels(pack(picture(), "JPEG")))


def test_the_outcome_does_not_depend_on_the_filters_for_warnings() -> None:
    data = with_exif(CUT_EXIF)
    with pytest.warns(UserWarning, match=r"Truncated File Read|Tag data larger than file"):
        decode_image(data, CONFIG)
    outcomes: list[Decoded] = []
    for action in ("error", "ignore"):
        with warnings.catch_warnings():
            warnings.simplefilter(action)
            outcomes.append(decode_image(data, CONFIG))
    assert [outcome.is_upright for outcome in outcomes] == [False, False]
    assert len({pixel_sha256(outcome.image) for outcome in outcomes}) == 1


def test_threads_give_the_same_outcome_and_leave_the_filters_as_they_were() -> None:
    filters = list(warnings.filters)
    jobs = [with_exif(CUT_EXIF), pack(picture(), "PNG"), pack(picture(), "JPEG")] * 20
    with ThreadPoolExecutor(8) as pool:
        decoded = list(pool.map(lambda data: decode_image(data, CONFIG), jobs))
    assert len({pixel_sha256(one.image) for one in decoded}) == 3
    assert list(warnings.filters) == filters


def test_pillow_is_left_as_it_was() -> None:
    assert ImageFile.LOAD_TRUNCATED_IMAGES is False
    assert Image.MAX_IMAGE_PIXELS == 1024**3 // 4 // 3


def test_a_refusal_crosses_processes() -> None:
    refused = ImageRefused(Reason.IMAGE_TOO_LARGE, "9 bytes")
    again = pickle.loads(pickle.dumps(refused))  # noqa: S301
    assert (again.reason, again.detail, str(again)) == (refused.reason, refused.detail, str(refused))
