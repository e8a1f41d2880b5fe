"""One image file to canonical pixels, or a refusal that says why.

Canonical pixels are what everything after works on: first frame or page, upright after EXIF
orientation, transparency over white, 16-bit grey scaled by the range of its type, palette, CMYK,
YCbCr and LAB as RGB, colour profiles ignored; grey files stay grey. There is one path from a
file to them, from full pixels: a draft or a thumbnail would move the hashes.

Guards stand before the work that they guard: bytes and JPEG scans before the file is opened,
sides and pixels before its pixels are loaded, and the file counts how often it is read. Only four
formats are tried, by content. Pillow's `verify` is not used, because it passes half a JPEG, GIF or
TIFF; `n_frames` and `seek` neither, because a GIF may hold 100,000 frames. No state of Pillow is changed; its own limit
(`Image.MAX_IMAGE_PIXELS`, twice that is refused) stays on top of ours. What no guard written in
Python can bound (time, memory, a crash of a decoder) is left to `images.children`.
"""

import hashlib
import re
import struct
import threading
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from typing import Any

from PIL import Image, UnidentifiedImageError
from PIL.ExifTags import Base as Tag
from PIL.TiffImagePlugin import TiffImageFile

from pmc15m.config import ImagesConfig
from pmc15m.records import Reason

_MAGIC = (
    (b"\xff\xd8\xff", "JPEG"),
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"GIF87a", "GIF"),
    (b"GIF89a", "GIF"),
    (b"II*\0", "TIFF"),
    (b"MM\0*", "TIFF"),
    (b"II+\0", "TIFF"),
    (b"MM\0+", "TIFF"),
)
_END_MARKS = {"JPEG": b"\xff\xd9", "PNG": b"IEND\xae\x42\x60\x82", "GIF": b";"}
_START_OF_SCAN = b"\xff\xda"
_BAND_PIXELS = 2**16  # small enough for the cache and for the allocator to keep
_MAX_TIMES_READ = 8  # Pillow reads a sound file once, a TIFF's directory up to three times
_MIN_READ_BYTES = 2**20
_NO_MEMORY = re.compile("(?i)out of memory|insufficient memory")  # Pillow's decoders, zlib

# What Pillow raises on bytes that are not what they claim. The last row is rare: odd values of EXIF and TIFF tags.
_BROKEN = (
    *(OSError, SyntaxError, ValueError, EOFError, struct.error, zlib.error),
    *(TypeError, LookupError, ArithmeticError, AssertionError),
)

_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}

_QUIET = threading.Lock()


class ImageRefused(ValueError):
    """An image that does not go on, with the reason and a detail for its reject."""

    def __init__(self, reason: Reason, detail: str) -> None:
        """Keep reason and detail."""
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail

    def __reduce__(self) -> tuple[type["ImageRefused"], tuple[Reason, str]]:
        """Let it cross to another process whole."""
        return ImageRefused, (self.reason, self.detail)


@dataclass(frozen=True, slots=True)
class Decoded:
    """A decoded image."""

    image: Image.Image  # canonical pixels in mode "RGB" or "L", no metadata
    format: str  # "JPEG", "PNG", "GIF" or "TIFF"
    mode: str  # Pillow's mode of the file
    is_upright: bool  # False: EXIF asked for a turn, which was made


def decode_image(data: bytes, config: ImagesConfig) -> Decoded:
    """Decode an image file in full.

    Pillow warns of damage that it can live with (broken EXIF, odd TIFF tags). Whether a warning
    is printed, dropped or raised is up to the process; the outcome is the same: where warnings
    are raised, the file is decoded again with warnings off. Only then are the filters of the
    process touched, one thread at a time, since `catch_warnings` is not made for threads.

    Args:
        data: the bytes of the file.
        config: the guards.

    Raises:
        ImageRefused: with one of the reasons `IMAGE_*`.
        MemoryError: also where a decoder says that it had not enough.
    """
    image_format = _check_file(data, config)
    try:
        return _decode(data, image_format, config)
    except Warning:
        with _QUIET, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return _decode(data, image_format, config)


def pixel_sha256(image: Image.Image) -> str:
    """Return the sha256 of size and RGB bytes: equal for a picture however it is packed."""
    width, height = image.size
    digest = hashlib.sha256(f"{width}x{height}:RGB:".encode("ascii"))
    step = max(1, _BAND_PIXELS // width)
    for top in range(0, height, step):  # a band of rows after the other: a copy of all would be large
        band = image.crop((0, top, width, min(top + step, height)))
        digest.update((band if band.mode == "RGB" else band.convert("RGB")).tobytes())
    return digest.hexdigest()


class _CountedFile(BytesIO):
    """A file that is not read in too many pieces, nor the same pieces again and again.

    Pillow reads blocks of a GIF, chunks of a PNG, segments of a JPEG and tags of a TIFF in Python, and a file of
    60 MB may have millions of them, or 65,000 tags whose value is all of the file. In a GIF each
    block of a comment copies all before it.
    """

    def __init__(self, data: bytes, max_reads: int) -> None:
        super().__init__(data)
        self._left_reads, self._max_reads = max_reads, max_reads
        self._left_bytes = _MAX_TIMES_READ * len(data) + _MIN_READ_BYTES

    def read(self, size: int | None = -1, /) -> bytes:
        self._left_reads -= 1
        if self._left_reads < 0:
            raise ImageRefused(Reason.IMAGE_TOO_COMPLEX, f"to be read in more than {self._max_reads} pieces")
        got = super().read(size)
        self._left_bytes -= len(got)
        if self._left_bytes < 0:
            raise ImageRefused(Reason.IMAGE_TOO_COMPLEX, f"to be read more than {_MAX_TIMES_READ} times over")
        return got


def _check_file(data: bytes, config: ImagesConfig) -> str:
    """Return the format by content, after the guards that need no decoder."""
    if not data:
        raise ImageRefused(Reason.IMAGE_UNREADABLE, "the file is empty")
    if len(data) > config.max_bytes:
        raise ImageRefused(Reason.IMAGE_TOO_LARGE, f"{len(data)} bytes, more than {config.max_bytes}")
    image_format = next((name for magic, name in _MAGIC if data.startswith(magic)), None)
    if image_format is None:
        raise ImageRefused(Reason.IMAGE_FORMAT, f"none of JPEG, PNG, GIF, TIFF: starts with {data[:8]!r}")
    if image_format == "JPEG":
        # 500 scans in 78 kB take 10 s to decode; normal files have up to 10.
        num_scans = data.count(_START_OF_SCAN)
        if num_scans > config.max_jpeg_scans:
            detail = f"{num_scans} JPEG scans, more than {config.max_jpeg_scans}"
            raise ImageRefused(Reason.IMAGE_TOO_COMPLEX, detail)
    return image_format


def _decode(data: bytes, image_format: str, config: ImagesConfig) -> Decoded:
    """Decode a file of a known format."""
    max_reads = config.max_reads // 10 if image_format == "GIF" else config.max_reads
    with _refusing(data, image_format):
        image = Image.open(_CountedFile(data, max_reads), formats=(image_format,))
    mode = image.mode
    with _refusing(data, image_format, image):
        _check_size(image, config)
        # Pillow turns a TIFF while it loads and drops the tag, so that nothing is left to turn below.
        orientation = image.tag_v2.get(Tag.Orientation) if isinstance(image, TiffImageFile) else None
        image.load()
        canonical = _to_canonical(image)
    turn = _TURNS.get(_read_orientation(image))
    del image  # or a large one is held three times while it is turned
    if turn is not None:
        canonical = canonical.transpose(turn)
    canonical.info = {}
    return Decoded(canonical, image_format, mode, is_upright=turn is None and orientation not in _TURNS)


def _check_size(image: Image.Image, config: ImagesConfig) -> None:
    width, height = image.size
    if min(width, height) < 1:
        raise ImageRefused(Reason.IMAGE_UNREADABLE, f"{width}x{height} px")
    if max(width, height) > config.max_side_px:
        raise ImageRefused(Reason.IMAGE_TOO_LARGE, f"{width}x{height} px, a side over {config.max_side_px}")
    if width * height > config.max_pixels:
        raise ImageRefused(Reason.IMAGE_TOO_LARGE, f"{width}x{height} px, more than {config.max_pixels} pixels")


def _to_canonical(image: Image.Image) -> Image.Image:
    """Return the pixels as "L" or "RGB": the image itself if it is so already, a copy costs memory and time.

    Raises:
        ImageRefused: a mode without a range to show it by: 32-bit and signed integers, floats.
    """
    if image.mode.startswith("I;16"):
        return _scale_16_bit(image)
    if image.mode in ("I", "F"):
        raise ImageRefused(Reason.IMAGE_FORMAT, f"pixels of mode {image.mode} have no range to scale them by")
    target = "L" if image.mode in ("1", "L", "LA") else "RGB"
    if not image.has_transparency_data:
        return image if image.mode == target else image.convert(target)
    white = Image.new(target, image.size, "white")
    with_alpha = "LA" if target == "L" else "RGBA"
    clear = image if image.mode == with_alpha else image.convert(with_alpha)
    if target == "RGB":  # pasted with its own alpha, without copies that would take most of the memory
        white.paste(clear, mask=clear)
    else:
        white.paste(clear.convert("L"), mask=clear.getchannel("A"))
    return white


def _scale_16_bit(image: Image.Image) -> Image.Image:
    """Return 16-bit grey as 8-bit by the range of the type; Pillow's `convert` would clip it.

    TIFF says of 12-bit pixels that they are 12-bit, and may have 0 for white, which Pillow leaves.
    """
    top, is_white_zero = 65535, False
    if isinstance(image, TiffImageFile):
        is_white_zero = image.tag_v2.get(Tag.PhotometricInterpretation) == 0
        if image.tag_v2.get(Tag.BitsPerSample) == (12,):
            top = 4095
    table = [min((value * 255 + top // 2) // top, 255) for value in range(65536)]
    if is_white_zero:
        table = [255 - value for value in table]
    clear = image.info.get("transparency")  # one grey value, of PNG
    if isinstance(clear, int) and 0 <= clear < 65536:
        table[clear] = 255
    return image.convert("I").point(table, "L")


def _read_orientation(image: Image.Image) -> Any:
    """Return what EXIF, or XMP without it, says of the orientation; 1 where it is broken."""
    try:
        return image.getexif().get(Tag.Orientation, 1)
    except ImageRefused:
        raise
    except _BROKEN:
        return 1


@contextmanager
def _refusing(data: bytes, image_format: str, image: Image.Image | None = None) -> Iterator[None]:
    """Turn what Pillow raises on a bad file into a refusal."""
    try:
        yield
    except ImageRefused:
        raise
    except Image.DecompressionBombError as error:
        raise ImageRefused(Reason.IMAGE_TOO_LARGE, str(error)) from error
    except _BROKEN as error:
        if _NO_MEMORY.search(str(error)):
            raise MemoryError(str(error)) from error
        is_cut = "truncated" in str(error).lower() or _is_cut(data, image_format, image)
        reason = Reason.IMAGE_TRUNCATED if is_cut else Reason.IMAGE_UNREADABLE
        # Pillow names the object that it could not identify, with its address.
        said = "header not understood" if isinstance(error, UnidentifiedImageError) else str(error)
        raise ImageRefused(reason, f"{image_format}: {said or type(error).__name__}") from error


def _is_cut(data: bytes, image_format: str, image: Image.Image | None) -> bool:
    """Whether a file that does not decode lacks its end."""
    if image_format != "TIFF":
        return not data.rstrip(b"\0\r\n").endswith(_END_MARKS[image_format])
    if isinstance(image, TiffImageFile) and _has_strip_beyond(image, len(data)):
        return True
    order = "<" if data.startswith(b"II") else ">"
    where, count, entry_bytes = ("8xQ", "Q", 20) if b"+" in data[:4] else ("4xI", "H", 12)  # BigTIFF or not
    try:
        (start,) = struct.unpack_from(order + where, data)
        (num_entries,) = struct.unpack_from(order + count, data, start)
    except (struct.error, OverflowError):
        return True
    return bool(start + num_entries * entry_bytes > len(data))


def _has_strip_beyond(image: TiffImageFile, num_bytes: int) -> bool:
    """Whether a strip or tile ends after the file; False where the tags are not numbers."""
    tags = image.tag_v2
    offsets = tags.get(Tag.StripOffsets) or tags.get(Tag.TileOffsets) or ()
    sizes = tags.get(Tag.StripByteCounts) or tags.get(Tag.TileByteCounts) or ()
    try:
        return any(offset + size > num_bytes for offset, size in zip(offsets, sizes, strict=False))
    except TypeError:
        return False
