"""Images: a probe in a child against one in this process, and what it finds against plain calls of imagehash."""

import math
import time
from collections.abc import Callable, Mapping
from io import BytesIO
from pathlib import Path

import imagehash
import numpy as np
from PIL import Image, ImageDraw, ImageOps

from pmc15m.config import ImagesConfig
from pmc15m.images.children import Children
from pmc15m.images.decode import decode_image
from pmc15m.images.hashes import content_box, hash_pair
from pmc15m.images.probe import probe_image
from tests.bench.measure import Bar, Measurement, interleave

MAX_OF_HERE = 1.10
MAX_OF_IMAGEHASH = 0.5
MAX_S_PER_MEGAPIXEL = 0.010
_CONFIG = ImagesConfig()
_MEGAPIXEL = (1_160, 862)  # what figures of an article are like, in their largest size


def make_bars(_folder: Path, *, is_smoke: bool) -> list[Bar]:
    """Return the bars of images, once both sides were found to agree."""
    size, rounds = ((160, 120), 2) if is_smoke else (_MEGAPIXEL, 25)
    files = [packed(image) for image in (photograph(size), line_plot(size))]
    images = [decode_image(file, _CONFIG).image for file in files]
    children = Children()
    for file, image in zip(files, images, strict=True):
        assert children.probe(file, _CONFIG) == probe_image(file, _CONFIG)
        assert hash_pair(image) == hash_by_imagehash(image)
    return [
        Bar("probe in a child", "in this process", _in_child(children, files, rounds), "<=", MAX_OF_HERE),
        Bar("both hashes", "imagehash.phash", _hashes(images, rounds), "<=", MAX_OF_IMAGEHASH),
        Bar("probe less decode, megapixel", "10 ms", _beyond_decode(files, images, rounds), "<=", 1.0),
    ]


def photograph(size: tuple[int, int]) -> Image.Image:
    """Return a soft picture with a margin."""
    coarse = np.random.RandomState(1).randint(0, 256, (24, 32, 3)).astype(np.uint8)
    inner = Image.fromarray(coarse).resize((size[0] - 40, size[1] - 40), Image.Resampling.BICUBIC)
    return ImageOps.expand(inner, 20, "white")


def line_plot(size: tuple[int, int]) -> Image.Image:
    """Return lines on white."""
    image = Image.new("RGB", size, "white")
    draw = ImageDraw.Draw(image)
    draw.line([(60, 20), (60, size[1] - 50), (size[0] - 20, size[1] - 50)], fill=0, width=3)
    heights = np.random.RandomState(2).randint(30, size[1] - 60, (3, size[0] // 9)).tolist()
    for colour, line in zip(("navy", "crimson", "teal"), heights, strict=True):
        draw.line([(64 + 8 * number, y) for number, y in enumerate(line)], fill=colour, width=2)
    return image


def packed(image: Image.Image) -> bytes:
    """Return a JPEG."""
    out = BytesIO()
    image.save(out, "JPEG", quality=90)
    return out.getvalue()


def hash_by_imagehash(image: Image.Image) -> tuple[bytes, bytes]:
    """Return the two hashes of an image as anyone would ask imagehash for them."""
    whole, content = imagehash.phash(image, 16), imagehash.phash(image.crop(content_box(image)), 16)
    return np.packbits(whole.hash).tobytes(), np.packbits(content.hash).tobytes()


def _in_child(children: Children, files: list[bytes], rounds: int) -> Callable[[], Measurement]:
    """By the clock, best of many: this process waits while a child works, and its CPU time says nothing."""

    def here() -> None:
        for file in files:
            probe_image(file, _CONFIG)

    def there() -> None:
        for file in files:
            children.probe(file, _CONFIG)

    def measure() -> Measurement:
        best = _interleave_by_clock({"peer": here, "ours": there, "again": here}, 4 * rounds)
        return _measurement(best, len(files), sum(map(len, files)))

    return measure


def _hashes(images: list[Image.Image], rounds: int) -> Callable[[], Measurement]:
    def ours() -> None:
        for image in images:
            hash_pair(image)

    def measure() -> Measurement:
        plain = _imagehash_of(images)
        best = interleave({"peer": plain, "ours": ours, "again": plain}, rounds)
        return _measurement(best, len(images))

    return measure


def _beyond_decode(files: list[bytes], images: list[Image.Image], rounds: int) -> Callable[[], Measurement]:
    """Against a number of seconds, which no other machine has to meet; the control is imagehash against itself."""
    num_megapixels = sum(image.width * image.height for image in images) / 1e6

    def decode() -> None:
        for file in files:
            decode_image(file, _CONFIG)

    def probe() -> None:
        for file in files:
            probe_image(file, _CONFIG)

    def measure() -> Measurement:
        plain = _imagehash_of(images)
        best = interleave({"decode": decode, "probe": probe, "peer": plain, "again": plain}, rounds)
        ours, allowed = best["probe"] - best["decode"], MAX_S_PER_MEGAPIXEL * num_megapixels
        return Measurement(ours / allowed, best["again"] / best["peer"], len(files), ours=ours, peer=allowed)

    return measure


def _imagehash_of(images: list[Image.Image]) -> Callable[[], None]:
    def plain() -> None:
        for image in images:
            hash_by_imagehash(image)

    return plain


def _measurement(best: Mapping[str, float], num_items: int, num_bytes: int = 0) -> Measurement:
    control = best["again"] / best["peer"]
    return Measurement(best["ours"] / best["peer"], control, num_items, num_bytes, best["ours"], best["peer"])


def _interleave_by_clock(cases: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """Return the best time of each case by the clock."""
    best = dict.fromkeys(cases, math.inf)
    for number in range(rounds):
        names = list(cases) if number % 2 == 0 else list(cases)[::-1]
        for name in names:
            start = time.perf_counter()
            cases[name]()
            best[name] = min(best[name], time.perf_counter() - start)
    return best
