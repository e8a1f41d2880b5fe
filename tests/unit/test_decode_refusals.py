"""Decoding: a reason for every file that is no image or must not be decoded."""

import re
import struct
import zlib
from io import BytesIO
from typing import Any

import numpy as np
import PIL
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageFile

from pmc15m.config import ImagesConfig
from pmc15m.images.decode import ImageRefused, decode_image
from pmc15m.records import Reason

CONFIG = ImagesConfig()


def picture(width: int = 48, height: int = 32, seed: int = 0) -> Image.Image:
    """Return a soft colour picture."""
    coarse = np.random.RandomState(seed).randint(0, 256, (6, 8, 3)).astype(np.uint8)
    return Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC)


def pack(image: Image.Image, image_format: str, **options: Any) -> bytes:
    """Return the bytes of a file."""
    out = BytesIO()
    image.save(out, image_format, **options)
    return out.getvalue()


def png(header: tuple[int, int, int, int], rows: bytes, *chunks: tuple[bytes, bytes]) -> bytes:
    """Return a PNG written by hand: (width, height, bits, colour type), raw rows, chunks before them."""
    head = (b"IHDR", struct.pack(">IIBBBBB", *header, 0, 0, 0))
    out = b"\x89PNG\r\n\x1a\n"
    for name, body in (head, *chunks, (b"IDAT", zlib.compress(rows)), (b"IEND", b"")):
        out += struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
    return out


def refusal(data: bytes, config: ImagesConfig = CONFIG) -> Reason:
    """Return why a file is refused."""
    with pytest.raises(ImageRefused) as caught:
        decode_image(data, config)
    assert str(caught.value) == f"{caught.value.reason}: {caught.value.detail}"
    assert not re.search(r"\b0x[0-9a-f]{6}", caught.value.detail), "an address would differ from run to run"
    return caught.value.reason


PACKED: dict[str, bytes] = {
    "jpeg": pack(picture(), "JPEG"),
    "progressive": pack(picture(), "JPEG", progressive=True),
    "png": pack(picture(), "PNG"),
    "png_palette": pack(picture().convert("P"), "PNG"),
    "gif": pack(picture(), "GIF"),
    "tiff": pack(picture(), "TIFF"),
    "tiff_lzw": pack(picture(), "TIFF", compression="tiff_lzw"),
    "tiff_jpeg": pack(picture(400, 300), "TIFF", compression="jpeg"),
    "tiff_group4": pack(picture().convert("1"), "TIFF", compression="group4"),
}


@pytest.mark.parametrize("name", PACKED)
@pytest.mark.parametrize("share", [0.3, 0.5, 0.75, 0.9])
def test_a_cut_file_is_truncated(name: str, share: float) -> None:
    data = PACKED[name]
    assert refusal(data[: int(len(data) * share)]) == Reason.IMAGE_TRUNCATED


@settings(deadline=None, max_examples=150)
@given(st.sampled_from(sorted(PACKED)), st.data())
def test_no_cut_and_no_damage_gives_anything_but_pixels_or_a_reason(name: str, data: st.DataObject) -> None:
    damaged = bytearray(PACKED[name])
    for _ in range(data.draw(st.integers(0, 4))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    cut = bytes(damaged[: data.draw(st.integers(0, len(damaged)))])
    try:
        decoded = decode_image(cut, CONFIG)
    except ImageRefused as error:
        assert error.reason.value.startswith("image_")  # noqa: PT017
    else:
        assert decoded.image.mode in ("L", "RGB")


def test_an_empty_file_is_unreadable() -> None:
    assert refusal(b"") == Reason.IMAGE_UNREADABLE


@pytest.mark.parametrize("length", [1, 2])
def test_a_file_of_few_bytes_is_no_image(length: int) -> None:
    assert refusal(b"\xff\xd8"[:length]) == Reason.IMAGE_FORMAT


@pytest.mark.parametrize(
    "data",
    [
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n",
        b"\xc5\xd0\xd3\xc6" + bytes(40),  # EPS with a preview
        b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"/>',
        b"%PDF-1.7\n",
        b"<!DOCTYPE html><html>404</html>",
        b"RIFF\x24\0\0\0WEBPVP8 ",
        b"\0\0\0\x0cjP  \r\n\x87\n",
        pack(picture(), "BMP"),
        b"I am not a real TIFF",
    ],
    ids=["eps", "eps_preview", "svg", "pdf", "html", "webp", "jp2", "bmp", "text"],
)
def test_other_formats_are_refused_whatever_they_are_called(data: bytes) -> None:
    assert refusal(data) == Reason.IMAGE_FORMAT


def test_damage_inside_a_whole_file_is_unreadable() -> None:
    data = bytearray(PACKED["png"])
    data[60:80] = bytes(20)
    assert refusal(bytes(data)) == Reason.IMAGE_UNREADABLE


def test_guards_of_bytes_sides_and_pixels() -> None:
    data = PACKED["png"]
    assert refusal(data, ImagesConfig(max_bytes=len(data) - 1)) == Reason.IMAGE_TOO_LARGE
    assert refusal(data, ImagesConfig(max_side_px=47)) == Reason.IMAGE_TOO_LARGE
    assert refusal(data, ImagesConfig(max_pixels=48 * 32 - 1)) == Reason.IMAGE_TOO_LARGE
    at_the_limit = ImagesConfig(max_bytes=len(data), max_side_px=48, max_pixels=48 * 32)
    assert decode_image(data, at_the_limit).image.size == (48, 32)


@pytest.mark.parametrize("side", [9_000, 10_000, 20_000], ids=["ours", "Pillow warns", "Pillow raises"])
def test_a_pixel_bomb_is_refused_before_it_is_unpacked(side: int, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(self: object) -> None:
        raise AssertionError("loaded")

    monkeypatch.setattr(ImageFile.ImageFile, "load", fail)
    assert refusal(png((side, side, 1, 0), b"")) == Reason.IMAGE_TOO_LARGE


def test_a_gif_frame_larger_than_its_screen_counts() -> None:
    head = b"GIF89a" + struct.pack("<HHBBB", 1, 1, 0, 0, 0)
    for side in (9_000, 65_535):
        frame = b"," + struct.pack("<HHHHB", 0, 0, side, side, 0) + b"\x02\x02\x4c\x01\0;"
        assert refusal(head + frame) == Reason.IMAGE_TOO_LARGE


def flood(num_scans: int) -> bytes:
    """Return a progressive JPEG whose last scan is repeated."""
    data = PACKED["progressive"]
    start, end = data.rindex(b"\xff\xda"), data.rindex(b"\xff\xd9")
    return data[:end] + data[start:end] * num_scans + data[end:]


def test_a_flood_of_jpeg_scans_is_too_complex() -> None:
    assert refusal(flood(200)) == Reason.IMAGE_TOO_COMPLEX
    assert decode_image(PACKED["progressive"], ImagesConfig(max_jpeg_scans=10)).mode == "RGB"
    assert refusal(PACKED["progressive"], ImagesConfig(max_jpeg_scans=9)) == Reason.IMAGE_TOO_COMPLEX


MANY_BLOCKS: dict[str, bytes] = {
    "PNG chunks": png((1, 1, 8, 0), b"\0\0", *[(b"abCd", b"")] * 200),
    "JPEG segments": PACKED["jpeg"][:2] + b"\xff\xe5\0\x02" * 200 + PACKED["jpeg"][2:],
}


@pytest.mark.parametrize("name", ["PNG chunks", "JPEG segments"])
def test_a_file_in_too_many_pieces_is_too_complex(name: str) -> None:
    assert refusal(MANY_BLOCKS[name], ImagesConfig(max_reads=200)) == Reason.IMAGE_TOO_COMPLEX
    assert decode_image(MANY_BLOCKS[name], ImagesConfig(max_reads=2_000)).image.mode in ("L", "RGB")


def test_a_gif_may_be_read_in_a_tenth_of_the_pieces() -> None:
    data = PACKED["gif"]
    start = data.index(b"\x2c", 13 + 3 * 256)
    commented = data[:start] + b"\x21\xfe" + b"\x01x" * 200 + b"\0" + data[start:]
    assert refusal(commented, ImagesConfig(max_reads=4_000)) == Reason.IMAGE_TOO_COMPLEX
    assert decode_image(commented, ImagesConfig(max_reads=6_000)).image.size == (48, 32)


def test_tags_with_one_value_are_not_read_over_and_over() -> None:
    tags = {256: 48, 257: 32, 258: 8, 259: 1, 262: 1, 277: 1, 278: 32, 279: 48 * 32}
    count = len(tags) + 1 + 200
    start = 10 + 12 * count + 4
    pixels = bytes(2**20)  # of which the image takes the first
    entries = [(tag, 4, 1, value) for tag, value in (tags | {273: start}).items()]
    entries += [(1_000 + number, 7, len(pixels), start) for number in range(200)]
    data = b"II*\0" + struct.pack("<IH", 8, count)
    data += b"".join(struct.pack("<HHII", *entry) for entry in sorted(entries)) + bytes(4) + pixels
    if PIL.__version__ < "13":
        assert refusal(data) == Reason.IMAGE_TOO_COMPLEX
    else:  # Pillow leaves such tags out
        assert decode_image(data, CONFIG).image.size == (48, 32)


def test_sound_files_are_read_in_few_pieces() -> None:
    for name, data in PACKED.items():
        assert decode_image(data, ImagesConfig(max_reads=1_000 if "gif" in name else 100)).image.width >= 48, name


def test_a_text_bomb_in_a_png_is_refused() -> None:
    bomb = b"Comment\0\0" + zlib.compress(bytes(8 * 2**20))
    assert refusal(png((1, 1, 8, 0), b"\0\0", (b"zTXt", bomb))) == Reason.IMAGE_UNREADABLE


def test_an_image_without_sides_is_unreadable() -> None:
    data = b"GIF89a" + struct.pack("<HHBBB", 0, 0, 0, 0, 0) + b"," + bytes(9) + b"\x02\0;"
    assert refusal(data) == Reason.IMAGE_UNREADABLE
