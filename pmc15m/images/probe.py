"""One decode of an image file, and all that the dataset wants to know of it."""

import hashlib

from pmc15m.config import ImagesConfig
from pmc15m.images.decode import decode_image, pixel_sha256
from pmc15m.images.hashes import grey_std, hash_pair
from pmc15m.images.light import describe_light
from pmc15m.images.panels import estimate_num_panels
from pmc15m.records import ImageInfo


def probe_image(data: bytes, config: ImagesConfig) -> ImageInfo:
    """Decode an image file and describe it.

    Args:
        data: the bytes of the file.
        config: the guards.

    Raises:
        ImageRefused: the file is no image that goes on.
    """
    decoded = decode_image(data, config)
    image = decoded.image
    grey = image if image.mode == "L" else image.convert("L")
    counts = grey.histogram()
    phash, phash_content = hash_pair(grey)
    light = describe_light(image, grey, counts)
    return ImageInfo(
        format=decoded.format,
        mode=decoded.mode,
        width_px=image.width,
        height_px=image.height,
        is_upright=decoded.is_upright,
        num_bytes=len(data),
        sha256=hashlib.sha256(data).hexdigest(),
        pixel_sha256=pixel_sha256(image),
        phash=phash,
        phash_content=phash_content,
        grey_std=grey_std(counts),
        white_fraction=light.white_fraction,
        white_cells_fraction=light.white_cells_fraction,
        mode_fraction=light.mode_fraction,
        edge_fraction=light.edge_fraction,
        num_colors=light.num_colors,
        num_panels_estimate=estimate_num_panels(grey),
    )
