"""Drawing and encoding the image files of an article."""

import io
import struct
import zlib

from PIL import Image

from pmc15m.synth.alterations import alter_jpeg
from pmc15m.synth.dice import Dice
from pmc15m.synth.plan import Media
from pmc15m.synth.pool import build_pool

_WHITE = 250
_EXTENSIONS = (("jpg", 880), ("png", 65), ("tif", 25), ("jpeg", 15), ("gif", 15))


def pick_extension(dice: Dice) -> str:
    """Return the extension of an image file: mostly jpg."""
    return dice.weigh(_EXTENSIONS)


def draw_media(seed: int, media: Media) -> Image.Image:
    """Draw the picture of a media file, RGB or L."""
    return media.scene.draw(media.size, Dice(seed, media.number, media.purpose), build_pool(seed))


def to_rgb(image: Image.Image) -> Image.Image:
    """Return the image in RGB."""
    return image if image.mode == "RGB" else image.convert("RGB")


def encode_jpeg(image: Image.Image, quality: int, *, is_progressive: bool = False) -> bytes:
    """Return a JPEG."""
    out = io.BytesIO()
    image.save(out, "JPEG", quality=quality, progressive=is_progressive)
    return out.getvalue()


def cut_out_white(image: Image.Image) -> Image.Image:
    """Return RGBA whose white is transparent black: it looks the same on white paper only."""
    alpha = image.convert("L").point([255 if value < _WHITE else 0 for value in range(256)])
    cut = Image.new("RGBA", image.size)
    cut.paste(image, (0, 0), alpha)
    cut.putalpha(alpha)
    return cut


def _encode_png(image: Image.Image, mode: str) -> bytes:
    if mode == "P":
        image = to_rgb(image).quantize(96, method=Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)
    elif mode == "RGBA":
        image = cut_out_white(to_rgb(image))
    elif mode != image.mode:
        image = image.convert(mode)
    out = io.BytesIO()
    image.save(out, "PNG", compress_level=1)
    return out.getvalue()


def _repack(jpeg: bytes, extension: str) -> bytes:
    """Return the very pixels of a JPEG as PNG or TIFF."""
    out = io.BytesIO()
    with Image.open(io.BytesIO(jpeg), formats=("JPEG",)) as image:
        if extension == "png":
            image.save(out, "PNG", compress_level=1)
        else:
            return encode_tiff(image)
    return out.getvalue()


def encode_tiff(image: Image.Image) -> bytes:
    """Return a TIFF with one deflated strip, of an RGB or L image.

    Pillow's writer (libtiff) leaves padding undefined, so that a picture has other bytes each time.
    """
    num_samples = len(image.getbands())
    strip = zlib.compress(image.tobytes(), 1)
    strip += b"\0" * (len(strip) % 2)
    photometric = 2 if num_samples == 3 else 1
    entries = (
        *((256, image.width), (257, image.height), (258, 8), (259, 8), (262, photometric)),
        *((273, 8), (277, num_samples), (278, image.height), (279, len(strip))),
    )
    bits_at = 8 + len(strip)
    directory = struct.pack("<H", len(entries))
    for tag, value in entries:
        count, held = (3, bits_at) if tag == 258 and num_samples == 3 else (1, value)
        directory += struct.pack("<HHII", tag, 3 if tag == 258 else 4, count, held)
    return struct.pack("<2sHI", b"II", 42, bits_at + 6) + strip + struct.pack("<3H", 8, 8, 8) + directory + bytes(4)


def encode_media(image: Image.Image, media: Media) -> bytes:
    """Return the file of a drawn picture."""
    extension = media.extension
    if media.is_repacked or extension in {"jpg", "jpeg"}:
        jpeg = encode_jpeg(image, media.quality, is_progressive=media.is_progressive)
        if media.alteration:
            return alter_jpeg(jpeg, media.alteration)
        return _repack(jpeg, extension) if media.is_repacked else jpeg
    if extension == "png":
        return _encode_png(image, media.mode)
    out = io.BytesIO()
    if extension == "gif":
        to_rgb(image).quantize(64, method=Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE).save(out, "GIF")
    else:
        return encode_tiff(image)
    return out.getvalue()


def encode_print(image: Image.Image) -> bytes:
    """Return the small grey form for print."""
    grey = image if image.mode == "L" else image.convert("L")
    return encode_jpeg(grey.reduce(2), 80)


def encode_thumbnail(image: Image.Image) -> bytes:
    """Return a GIF 100 pixels wide."""
    out = io.BytesIO()
    small = to_rgb(image).resize((100, max(1, 100 * image.height // image.width)), Image.Resampling.BOX)
    small.quantize(32, method=Image.Quantize.FASTOCTREE).save(out, "GIF")
    return out.getvalue()
