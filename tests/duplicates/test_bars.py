"""The bars of near duplicates, on drawn look-alikes and their transforms."""

import numpy as np
import pytest
from PIL import Image

from pmc15m.config import ImagesConfig
from pmc15m.curate.near import find_edges
from pmc15m.images.decode import decode_image, pixel_sha256
from tests.duplicates.bars import BARS, GAPS, STRICT, Bar
from tests.duplicates.benchmark import (
    DROP,
    SPLIT,
    Benchmark,
    fingerprint,
    gather,
    match_originals,
    near_pairs,
    row_distances,
)
from tests.duplicates.families import FAMILIES, draw_degenerate, draw_symmetric, make_originals
from tests.duplicates.stars import publish
from tests.duplicates.transforms import CORE, TRANSFORMS, comment_jpeg, pack, repack

# What leaves a blank a blank: a border would draw a box.
_PLAIN = ("JPEG 50", "x 0.5", "x 2", "gamma 1.3", "thumbnail 120")


@pytest.mark.parametrize("bar", BARS, ids=lambda bar: bar.name)
def test_bar_is_met(bar: Bar, bench: Benchmark) -> None:
    value = bar.measure(bench)
    assert bar.is_met(value), f"{bar.name}: {value} is not {bar.sense} {bar.limit}"


@pytest.mark.parametrize("gap", GAPS, ids=lambda gap: f"{gap.name} {gap.sense} {gap.limit}")
def test_known_gap_is_as_documented(gap: Bar, bench: Benchmark) -> None:
    value = gap.measure(bench)
    assert gap.is_met(value), f"{gap.name}: {value} is not {gap.sense} {gap.limit}"


def test_collection_is_as_large_and_as_full_of_traps_as_it_has_to_be(bench: Benchmark) -> None:
    assert len(bench.originals) >= 1_000
    assert len({original.family.name for original in bench.originals}) == 18
    assert sum(original.num_members >= 6 for original in bench.originals) == len(bench.originals)
    assert match_originals(bench, DROP).num_matches["slice"] > 0
    assert match_originals(bench, DROP).num_matches["flow chart"] > 0


def test_same_seed_draws_the_same_pixels_and_another_seed_others() -> None:
    for family in FAMILIES:
        first, again, other = (
            next(original for original in make_originals(seed) if original.family is family) for seed in (1, 1, 2)
        )
        assert first.draw().tobytes() == again.draw().tobytes()
        assert fingerprint(first.draw()) != fingerprint(other.draw())


def test_packing_leaves_the_pixels_and_so_their_digest() -> None:
    originals = [original for original in make_originals(1) if original.member == original.series == 0][::3]
    digests = set()
    for original in originals:
        image = original.draw()
        jpeg = pack(image, "JPEG", quality=90)
        decoded = _decoded(jpeg)
        digest = pixel_sha256(decoded)
        assert pixel_sha256(_decoded(comment_jpeg(jpeg))) == digest
        assert {name for name, data in repack(decoded).items() if pixel_sha256(_decoded(data)) != digest} == set()
        digests |= {digest, pixel_sha256(image)}
    assert len(digests) == 2 * len(originals)


def _decoded(data: bytes) -> Image.Image:
    return decode_image(data, ImagesConfig()).image


def test_blanks_ramps_and_halves_are_never_compared() -> None:
    images = [image.convert("RGB") for _, image in draw_degenerate()]
    plain = [TRANSFORMS[name](image) for name in _PLAIN for image in images]
    features = gather([fingerprint(image) for image in images + plain])
    assert not np.any(features.usable)
    assert not len(find_edges(features.hashes, features.usable, SPLIT).left)


def test_blanks_and_ramps_would_all_be_one_without_the_guard() -> None:
    names, prints = zip(*((name, fingerprint(image)) for name, image in draw_degenerate()), strict=True)
    features = gather(prints)
    open_to_all = (np.ones(len(names), np.bool_), np.ones(len(names), np.bool_))
    edges = find_edges(features.hashes, open_to_all, DROP)
    met = {frozenset((names[one], names[other])) for one, other in zip(edges.left, edges.right, strict=True)}
    assert frozenset(("white", "black")) in met
    assert frozenset(("white", "vertical ramp")) in met
    assert frozenset(("vertical ramp", "left half")) in met


def test_image_that_is_its_own_mirror_image_is_compared_and_found() -> None:
    image = draw_symmetric(1)
    assert image.tobytes() == image.transpose(Image.Transpose.FLIP_LEFT_RIGHT).tobytes()
    original = gather([fingerprint(image)] * len(CORE))
    copies = gather([fingerprint(TRANSFORMS[name](image)) for name in CORE])
    assert np.all(original.usable)
    distances = dict(zip(CORE, row_distances(original, copies).tolist(), strict=True))
    # Half of its coefficients are zero but for rounding, and their bits are shaken by what JPEG leaves.
    assert {name for name, distance in distances.items() if distance > DROP} == {"JPEG 50", "combination"}


@pytest.mark.parametrize(("max_distance", "missed_fraction"), [(STRICT, 0), (DROP, 0.001), (SPLIT, 0.025)])
def test_search_by_bands_finds_what_comparing_all_pairs_finds(
    max_distance: int, missed_fraction: float, bench: Benchmark
) -> None:
    features = publish(bench).features
    edges = find_edges(features.hashes, features.usable, max_distance)
    found = set(zip(edges.left.tolist(), edges.right.tolist(), edges.distance.tolist(), strict=True))
    real = set(zip(*(column.tolist() for column in near_pairs(features, max_distance)), strict=True))
    assert found <= real
    assert len(real - found) <= missed_fraction * len(real)
    assert min((distance for _, _, distance in real - found), default=10) >= 10


@pytest.mark.parametrize("name", TRANSFORMS)
def test_transform_changes_the_pixels(name: str) -> None:
    image = make_originals(1)[0].draw()
    assert pixel_sha256(TRANSFORMS[name](image)) != pixel_sha256(image)
