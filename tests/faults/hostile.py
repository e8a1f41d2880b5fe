"""Files made to cost a decoder seconds to hours, or gigabytes: small to send, sound at first sight."""

import struct
import zlib
from io import BytesIO

import numpy as np
from PIL import Image


def scan_flood(num_scans: int, side_px: int = 2_000) -> bytes:
    """Return a progressive JPEG whose last scan is repeated: time grows with scans and pixels."""
    pixels = np.random.RandomState(0).randint(0, 256, (side_px // 50, side_px // 50, 3)).astype(np.uint8)
    out = BytesIO()
    Image.fromarray(pixels).resize((side_px, side_px)).save(out, "JPEG", quality=30, progressive=True)
    data = out.getvalue()
    start, end = data.rindex(b"\xff\xda"), data.rindex(b"\xff\xd9")
    return data[:end] + data[start:end] * num_scans + data[end:]


def scan_flood_in_tiff(num_scans: int, side_px: int = 2_000) -> bytes:
    """Return a TIFF whose one strip is such a JPEG."""
    strip = scan_flood(num_scans, side_px)
    tags = {256: side_px, 257: side_px, 258: 8, 259: 7, 262: 6, 277: 3, 278: side_px, 279: len(strip)}
    return _tiff([(tag, 4, 1, value) for tag, value in tags.items()], strip, strip_tag=273)


def comment_blocks(num_bytes: int) -> bytes:
    """Return a GIF with a comment of so many bytes in blocks of one byte: Pillow copies all before for each."""
    head = b"GIF89a" + struct.pack("<HHBBB", 1, 1, 0x80, 0, 0) + bytes(6)
    frame = b"," + struct.pack("<HHHHB", 0, 0, 1, 1, 0) + b"\x02\x02\x4c\x01\0;"
    return head + b"\x21\xfe" + b"\x01x" * (num_bytes // 2) + b"\0" + frame


def tiny_chunks(num_bytes: int) -> bytes:
    """Return a PNG of empty chunks: each is read by Python."""
    empty = struct.pack(">I", 0) + b"abCd" + struct.pack(">I", zlib.crc32(b"abCd"))
    out = b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0))
    return out + empty * (num_bytes // 12) + _chunk(b"IDAT", zlib.compress(b"\0\0")) + _chunk(b"IEND", b"")


def tiny_data_chunks(num_bytes: int) -> bytes:
    """Return a PNG of 8 megapixels whose pixels come in chunks of one byte."""
    side_px = 2_900
    dots = np.random.RandomState(0).randint(0, 256, (side_px, side_px + 1)).astype(np.uint8)
    dots[:, 0] = 0
    pixels = zlib.compress(dots.tobytes(), 0)[:num_bytes]
    out = b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", struct.pack(">IIBBBBB", side_px, side_px, 8, 0, 0, 0, 0))
    parts = b"".join(_chunk(b"IDAT", pixels[at : at + 1]) for at in range(len(pixels)))
    return out + parts + _chunk(b"IEND", b"")


def many_tags(num_tags: int, value_bytes: int) -> bytes:
    """Return a TIFF with so many tags, whose values are all the same part of the file."""
    tags = [
        (256, 4, 1, 1),
        (257, 4, 1, 1),
        (258, 4, 1, 8),
        (259, 4, 1, 1),
        (262, 4, 1, 1),
        (277, 4, 1, 1),
        (279, 4, 1, 1),
    ]
    size = 8 + 2 + 12 * (num_tags + 1) + 4
    tags += [(1_000 + number, 7, value_bytes, size) for number in range(num_tags - len(tags))]
    return _tiff(tags, bytes(value_bytes), strip_tag=273)


def empty_segments(num_bytes: int) -> bytes:
    """Return a JPEG of so many empty segments: each is read by Python."""
    out = BytesIO()
    Image.new("L", (8, 8)).save(out, "JPEG")
    data = out.getvalue()
    return data[:2] + b"\xff\xe5\0\x02" * (num_bytes // 4) + data[2:]


def blank_png(side_px: int) -> bytes:
    """Return a square of transparent white: some kilobytes for four bytes a pixel."""
    out = b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", struct.pack(">IIBBBBB", side_px, side_px, 8, 6, 0, 0, 0))
    pack = zlib.compressobj(1)
    row = b"\0" + b"\xff\xff\xff\0" * side_px
    pixels = b"".join([*(pack.compress(row) for _ in range(side_px)), pack.flush()])
    return out + _chunk(b"IDAT", pixels) + _chunk(b"IEND", b"")


def _chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def _tiff(tags: list[tuple[int, int, int, int]], strip: bytes, strip_tag: int) -> bytes:
    """Return a little-endian TIFF: directory of (tag, type, count, value) first, then one strip."""
    size = 8 + 2 + 12 * (len(tags) + 1) + 4
    entries = b"".join(struct.pack("<HHII", *tag) for tag in sorted([*tags, (strip_tag, 4, 1, size)]))
    return b"II*\0" + struct.pack("<IH", 8, len(tags) + 1) + entries + bytes(4) + strip
