"""The image of a sample: the file as it is, or a baseline JPEG made of its canonical pixels.

Same bytes in, same bytes out: quality, filter and subsampling are fixed by the config and this
file. A JPEG made here carries no metadata (EXIF with its place and owner, colour profile,
comment); one that goes verbatim carries what it came with.
"""

from io import BytesIO

from PIL import Image

from pmc15m.config import EncodeConfig, ImagesConfig
from pmc15m.images.decode import decode_image
from pmc15m.images.resize import resize_rows_first
from pmc15m.records import ImageInfo

_MAX_JPEG_SIDE_PX = 65_500


def goes_verbatim(info: ImageInfo, config: EncodeConfig) -> bool:
    """Return whether the file goes into the release byte for byte."""
    return (
        config.verbatim_jpeg
        and info.format == "JPEG"
        and info.mode in ("RGB", "L")
        and info.is_upright
        and min(info.width_px, info.height_px) <= config.short_side_px
    )


def changes_pixels(info: ImageInfo, config: EncodeConfig) -> bool:
    """Return whether the release holds other bytes than the file: what a licence may not allow."""
    return not goes_verbatim(info, config)


def output_size(info: ImageInfo, config: EncodeConfig) -> tuple[int, int]:
    """Return width and height in pixels of the image that `encode_image` gives."""
    size = (info.width_px, info.height_px)
    return size if goes_verbatim(info, config) else shrunk_size(size, config.short_side_px)


def encode_image(data: bytes, info: ImageInfo, images: ImagesConfig, config: EncodeConfig) -> tuple[bytes, str]:
    """Return the JPEG of a sample and what was done, in words for an attribution.

    Args:
        data: the bytes of the file.
        info: what a probe of the same bytes said.
        images: the guards of decoding.
        config: size, quality and filter.

    Returns:
        The file itself and "none", or what `make_jpeg` gives.

    Raises:
        ImageRefused: the file is no image that goes on.
    """
    return (data, "none") if goes_verbatim(info, config) else make_jpeg(data, images, config)


def make_jpeg(data: bytes, images: ImagesConfig, config: EncodeConfig) -> tuple[bytes, str]:
    """Return the canonical pixels of a file as JPEG, and what was done.

    Returns:
        The JPEG and "re-encoded as JPEG quality 90" or "resized from 1200x800 to 576x384 px and
        re-encoded as JPEG quality 90".

    Raises:
        ImageRefused: the file is no image that goes on.
    """
    image = decode_image(data, images).image
    size = shrunk_size(image.size, config.short_side_px)
    change = f"re-encoded as JPEG quality {config.jpeg_quality}"
    if size != image.size:
        change = f"resized from {image.width}x{image.height} to {size[0]}x{size[1]} px and {change}"
        image = resize_rows_first(image, size, Image.Resampling[config.resampling.upper()])
    out = BytesIO()
    image.save(out, "JPEG", quality=config.jpeg_quality, subsampling="4:2:0", optimize=False, progressive=False)
    return out.getvalue(), change


def shrunk_size(size: tuple[int, int], short_side_px: int) -> tuple[int, int]:
    """Return the size with the given short side, aspect kept, never larger than before or than a JPEG can be."""
    short, long = min(size), max(size)
    if short > short_side_px:
        short, long = short_side_px, _round_ratio(long * short_side_px, short)
    if long > _MAX_JPEG_SIDE_PX:
        short, long = max(1, _round_ratio(short * _MAX_JPEG_SIDE_PX, long)), _MAX_JPEG_SIDE_PX
    return (short, long) if size[0] <= size[1] else (long, short)


def _round_ratio(numerator: int, denominator: int) -> int:
    """Return the nearest whole number, halves up."""
    return (2 * numerator + denominator) // (2 * denominator)
