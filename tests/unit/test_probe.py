"""Probe: one decode tells all that the dataset wants to know."""

import hashlib
from dataclasses import asdict
from io import BytesIO
from typing import Any

import numpy as np
import pytest
from PIL import Image

from pmc15m.config import ImagesConfig
from pmc15m.images import probe
from pmc15m.images.decode import Decoded, ImageRefused, decode_image, pixel_sha256
from pmc15m.images.hashes import content_hash, dct_hash, grey_std
from pmc15m.images.light import describe_light
from pmc15m.images.probe import probe_image
from pmc15m.records import Reason

CONFIG = ImagesConfig()


def picture(width: int = 90, height: int = 60) -> Image.Image:
    coarse = np.random.RandomState(1).randint(0, 256, (6, 8, 3)).astype(np.uint8)
    return Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC)


def pack(image: Image.Image, image_format: str, **options: Any) -> bytes:
    out = BytesIO()
    image.save(out, image_format, **options)
    return out.getvalue()


def test_all_fields_are_of_the_decoded_image() -> None:
    data = pack(picture(), "PNG")
    info = probe_image(data, CONFIG)
    assert (info.format, info.mode, info.width_px, info.height_px) == ("PNG", "RGB", 90, 60)
    assert (info.is_upright, info.num_bytes, info.num_panels_estimate) == (True, len(data), 1)
    assert info.sha256 == hashlib.sha256(data).hexdigest()
    assert info.pixel_sha256 == pixel_sha256(picture())
    assert (info.phash, info.phash_content) == (dct_hash(picture()), content_hash(picture()))
    counts = picture().convert("L").histogram()
    light = describe_light(picture(), picture().convert("L"), counts)
    assert info.grey_std == grey_std(counts)
    assert asdict(light) == {name: getattr(info, name) for name in asdict(light)}


def test_sizes_are_of_the_upright_image() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    info = probe_image(pack(picture(), "JPEG", exif=exif), CONFIG)
    assert (info.width_px, info.height_px, info.is_upright) == (60, 90, False)


def test_repacked_images_agree_in_pixels_and_hashes_but_not_in_file() -> None:
    infos = [probe_image(pack(picture(), name), CONFIG) for name in ("PNG", "TIFF")]
    infos.append(probe_image(pack(picture().convert("RGBA"), "PNG"), CONFIG))
    assert len({(info.pixel_sha256, info.phash, info.phash_content, info.grey_std) for info in infos}) == 1
    assert len({info.sha256 for info in infos}) == 3


def test_grey_and_the_same_grey_as_colour_agree() -> None:
    grey = picture().convert("L")
    infos = [probe_image(pack(image, "PNG"), CONFIG) for image in (grey, grey.convert("RGB"))]
    assert [info.mode for info in infos] == ["L", "RGB"]
    assert infos[0].pixel_sha256 == infos[1].pixel_sha256
    assert infos[0].phash == infos[1].phash


def test_a_file_is_decoded_once(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[int] = []

    def count(data: bytes, config: ImagesConfig) -> Decoded:
        calls.append(len(data))
        return decode_image(data, config)

    monkeypatch.setattr(probe, "decode_image", count)
    data = pack(picture(), "JPEG")
    probe_image(data, CONFIG)
    assert calls == [len(data)]


def test_what_cannot_be_decoded_is_refused() -> None:
    with pytest.raises(ImageRefused) as caught:
        probe_image(pack(picture(), "JPEG")[:400], CONFIG)
    assert caught.value.reason == Reason.IMAGE_TRUNCATED
