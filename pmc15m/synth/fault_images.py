"""Bytes of images that are broken or odd."""

import io
import struct
import zlib
from collections.abc import Callable
from functools import lru_cache

import numpy as np
from PIL import Image

from pmc15m.synth.encode import cut_out_white, encode_jpeg, to_rgb
from pmc15m.synth.faults import Fault

BOMB_SIZE = (20_000, 12_000)
NUM_SCANS = 240
_ORIENTATION = 0x0112


def make_odd_image(fault: Fault, image: Image.Image, mark: str) -> bytes:
    """Return the file of an image fault: drawn from `image`, and no two alike thanks to `mark`."""
    return _MAKERS[fault](to_rgb(image), mark)


def upright_size(fault: Fault | None, size: tuple[int, int]) -> tuple[int, int]:
    """Return the size of the upright picture of an odd image."""
    return _tiny_size(size) if fault == Fault.IMAGE_TINY else size


def _tiny_size(size: tuple[int, int]) -> tuple[int, int]:
    return 48, max(8, min(60, 48 * size[1] // size[0]))


def _truncate(image: Image.Image, _mark: str) -> bytes:
    data = encode_jpeg(image, 90)
    return data[: len(data) * 55 // 100]


def _html(_image: Image.Image, mark: str) -> bytes:
    return f"<!DOCTYPE html><html><head><title>Checking your browser</title></head><body>{mark}</body></html>".encode()


def _eps(_image: Image.Image, mark: str) -> bytes:
    return (
        f"%!PS-Adobe-3.0 EPSF-3.0\n%%Title: {mark}\n%%BoundingBox: 0 0 200 100\n%%EndComments\n"
        "newpath 10 10 moveto 190 90 lineto stroke\nshowpage\n%%EOF\n"
    ).encode()


def _pdf(_image: Image.Image, mark: str) -> bytes:
    return (
        f"%PDF-1.4\n% {mark}\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[]/Count 0>>endobj\n"
        "trailer<</Root 1 0 R>>\n%%EOF\n"
    ).encode()


def _tiny(image: Image.Image, _mark: str) -> bytes:
    return encode_jpeg(image.resize(_tiny_size(image.size), Image.Resampling.BOX), 90)


def png_chunk(name: bytes, data: bytes) -> bytes:
    """Return a chunk of a PNG with its length and checksum."""
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


@lru_cache(maxsize=1)
def _bomb_pixels() -> bytes:
    width, height = BOMB_SIZE
    return zlib.compress(bytes((width // 8 + 1) * height), 9)


def _bomb(_image: Image.Image, mark: str) -> bytes:
    """Return a sound PNG of some 30 kB with 240 million pixels of one bit."""
    header = struct.pack(">IIBBBBB", *BOMB_SIZE, 1, 0, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"tEXt", b"Comment\0" + mark.encode()), (b"IDAT", _bomb_pixels()), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(png_chunk(name, data) for name, data in chunks)


def _scans(image: Image.Image, _mark: str) -> bytes:
    """Return a progressive JPEG whose smallest scan is repeated a few hundred times."""
    data = encode_jpeg(image, 85, is_progressive=True)
    starts = [at for at in range(len(data) - 1) if data[at : at + 2] == b"\xff\xda"]
    ends = [_scan_end(data, start) for start in starts]
    first_pass = [pair for pair in zip(starts, ends, strict=True) if _is_first_pass(data, pair[0])]
    start, end = min(first_pass, key=lambda pair: pair[1] - pair[0])
    return data[:end] + data[start:end] * NUM_SCANS + data[end:]


def _is_first_pass(data: bytes, start: int) -> bool:
    """Return whether a scan gives coefficients for the first time: repeating it changes nothing."""
    length = int.from_bytes(data[start + 2 : start + 4], "big")
    return data[start + 1 + length] >> 4 == 0


def _scan_end(data: bytes, start: int) -> int:
    at = start + 2
    while True:
        at = data.index(b"\xff", at + 1)
        if data[at + 1] not in {0, 0xFF} and not 0xD0 <= data[at + 1] <= 0xD7:
            return at


def _save(image: Image.Image, form: str, **options: object) -> bytes:
    out = io.BytesIO()
    image.save(out, form, **options)
    return out.getvalue()


def _cmyk(image: Image.Image, _mark: str) -> bytes:
    return _save(image.convert("CMYK"), "JPEG", quality=90)


def _deep(image: Image.Image, _mark: str) -> bytes:
    """Return a grey PNG of 16 bits a pixel."""
    values = np.asarray(image.convert("L"), np.uint16)
    return _save(Image.fromarray(values * 257), "PNG", compress_level=1)


def _rotated(image: Image.Image, _mark: str) -> bytes:
    """Return a JPEG that lies on its side, and whose EXIF says so."""
    exif = Image.Exif()
    exif[_ORIENTATION] = 6
    return _save(image.transpose(Image.Transpose.ROTATE_90), "JPEG", quality=90, exif=exif)


def _mpo(image: Image.Image, _mark: str) -> bytes:
    second = image.resize((max(1, image.width // 4), max(1, image.height // 4)))
    return _save(image, "MPO", save_all=True, append_images=[second], quality=90)


def _animated(image: Image.Image, _mark: str) -> bytes:
    first = image.quantize(64, method=Image.Quantize.FASTOCTREE)
    others = [first.transpose(turn) for turn in (Image.Transpose.FLIP_LEFT_RIGHT, Image.Transpose.FLIP_TOP_BOTTOM)]
    return _save(first, "GIF", save_all=True, append_images=others, duration=200, loop=0)


def _alpha(image: Image.Image, _mark: str) -> bytes:
    return _save(cut_out_white(image), "PNG", compress_level=1)


_MAKERS: dict[Fault, Callable[[Image.Image, str], bytes]] = {
    Fault.IMAGE_TRUNCATED: _truncate,
    Fault.IMAGE_EMPTY: lambda _image, _mark: b"",
    Fault.IMAGE_HTML: _html,
    Fault.IMAGE_EPS: _eps,
    Fault.IMAGE_PDF: _pdf,
    Fault.IMAGE_TINY: _tiny,
    Fault.IMAGE_BOMB: _bomb,
    Fault.IMAGE_SCANS: _scans,
    Fault.IMAGE_CMYK: _cmyk,
    Fault.IMAGE_16BIT: _deep,
    Fault.IMAGE_ROTATED: _rotated,
    Fault.IMAGE_MPO: _mpo,
    Fault.IMAGE_ANIMATED: _animated,
    Fault.IMAGE_ALPHA: _alpha,
}
