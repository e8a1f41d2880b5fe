"""Hashes: the same bits as the oracle, the same bits for ever, and few other bits for the same picture."""

import imagehash
import numpy as np
import PIL
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageOps

from pmc15m.images.hashes import HASH_VERSION, content_box, content_hash, dct_hash, grey_std
from pmc15m.images.resize import shrink


def soft(width: int, height: int, seed: int) -> Image.Image:
    """Return a soft grey picture."""
    coarse = np.random.RandomState(seed).randint(0, 256, (9, 12)).astype(np.uint8)
    return Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC)


def plot(seed: int, width: int = 320, height: int = 240) -> Image.Image:
    """Return thin dark lines on white, away from the edge."""
    random = np.random.RandomState(seed)
    pixels = np.full((height, width), 255, np.uint8)
    pixels[20 : height - 20, 24:26] = 0
    pixels[height - 22 : height - 20, 24 : width - 20] = 0
    line = 40 + (height - 90) * random.rand(width - 50)
    for x, y in enumerate(line.astype(int)):
        pixels[y : y + 3, 28 + x] = 60
    return Image.fromarray(pixels)


def num_bits(value: bytes) -> int:
    return int.from_bytes(value, "big").bit_count()


def distance(one: bytes, other: bytes) -> int:
    return num_bits(bytes(a ^ b for a, b in zip(one, other, strict=True)))


PICTURES = [soft(w, h, s) for s, (w, h) in enumerate([(64, 64), (63, 65), (500, 1), (1, 1), (3, 700), (1000, 750)])]
PICTURES += [Image.fromarray(np.random.RandomState(s).randint(0, 256, (50 + s, 90), np.uint8)) for s in range(20)]
PICTURES += [plot(seed) for seed in range(20)]


IS_PILLOW_12 = int(PIL.__version__.partition(".")[0]) == 12


def resized(image: Image.Image, side_px: int) -> Image.Image:
    """Return what Pillow 12 makes of a grey image; newer ones take columns first for other images than it does."""
    if IS_PILLOW_12:
        return image.resize((side_px, side_px), Image.Resampling.LANCZOS)
    is_tall = image.height > 100 * image.width and image.height > side_px
    first = (image.width, side_px) if is_tall else (side_px, image.height)
    return image.resize(first, Image.Resampling.LANCZOS).resize((side_px, side_px), Image.Resampling.LANCZOS)


def oracle(image: Image.Image) -> bytes:
    """Return the hash by imagehash, which itself resizes to 64 px."""
    seen = image if IS_PILLOW_12 else resized(image.convert("L"), 64)
    return np.packbits(imagehash.phash(seen, hash_size=16).hash).tobytes()


@pytest.mark.parametrize("image", PICTURES, ids=range(len(PICTURES)))
def test_hash_is_bit_for_bit_the_one_of_imagehash(image: Image.Image) -> None:
    assert dct_hash(image) == oracle(image)


@settings(max_examples=300)
@given(st.integers(1, 1200), st.integers(1, 1200), st.integers(0, 2**31 - 1), st.sampled_from([2, 30, 256]))
def test_hash_is_that_of_imagehash_at_any_size(width: int, height: int, seed: int, top: int) -> None:
    pixels = np.random.RandomState(seed).randint(0, top, (height, width)).astype(np.uint8) * (255 // top)
    assert dct_hash(Image.fromarray(pixels)) == oracle(Image.fromarray(pixels))


@pytest.mark.parametrize("mode", ["RGB", "L", "P", "CMYK", "RGBA", "1"])
def test_hash_of_any_mode_is_that_of_imagehash(mode: str) -> None:
    image = Image.merge("RGB", [soft(331, 217, seed) for seed in range(3)]).convert(mode)
    assert dct_hash(image) == oracle(image)


@given(st.integers(1, 900), st.integers(1, 900), st.sampled_from([1, 7, 64]), st.integers(0, 2**31 - 1))
@example(2, 201, 64, 0)  # columns first
@example(2, 200, 64, 0)
@example(1, 64, 64, 0)
@example(64, 64, 64, 0)
@example(900, 257, 64, 0)  # more than one band
def test_shrinking_is_that_of_pillow_12_to_the_bit(width: int, height: int, side_px: int, seed: int) -> None:
    pixels = np.random.RandomState(seed).choice(np.array([0, 1, 128, 254, 255], np.uint8), (height, width))
    assert np.array_equal(shrink(pixels, side_px), np.asarray(resized(Image.fromarray(pixels), side_px)))


def test_colour_is_hashed_by_its_grey() -> None:
    colour = Image.merge("RGB", [soft(90, 70, seed) for seed in range(3)])
    assert dct_hash(colour) == dct_hash(colour.convert("L"))
    assert content_hash(colour) == content_hash(colour.convert("L"))


def test_hashes_of_this_version_are_fixed() -> None:
    images = [soft(300, 200, 1), soft(40, 31, 2), plot(3), ImageOps.expand(soft(200, 200, 4), 30, 255)]
    assert HASH_VERSION == "dct256-2"
    assert [dct_hash(image).hex() for image in images] == [
        "e45aeeb1c1390178180f5c255e70a00f902d53d06fd25ff0a18fa3d2e7f0fccf",
        "fbb128d0796e81eca9f00fd2f678038f70cef6218f31fc700987f425160f6e92",
        "83ff81517e00d0c67f00861ffe003bf1f1016fa8d0706ff2851f7bb8905b6ece",
        "bbc37a30c33acdca84bcb22fd0b31ba5cad96d693362c09a2f87c09a2b226d7a",
    ]
    assert [content_hash(image).hex() for image in images] == [
        "e45aeeb1c1390178180f5c255e70a00f902d53d06fd25ff0a18fa3d2e7f0fccf",
        "fbb128d0796e81eca9f00fd2f678038f70cef6218f31fc700987f425160f6e92",
        "9a1c4a19e470d83ec939e7869e3ec583198652d9dadeb446f55ec24046f792d5",
        "b870770702a5c8872046ee872b6495a54dda3776b22d6a5ad49b1170dfb93776",
    ]


def test_sound_images_set_half_of_the_bits() -> None:
    for seed in range(10):
        assert num_bits(dct_hash(soft(200, 150, seed))) == 128


@pytest.mark.parametrize(
    "image",
    [Image.new("L", (200, 100), grey) for grey in (0, 128, 255)]
    + [Image.linear_gradient("L"), Image.linear_gradient("L").rotate(90)]
    + [Image.fromarray(np.repeat([[0, 255]], 100, 1).repeat(200, 0).astype(np.uint8)), Image.new("L", (1, 1), 9)],
    ids=["black", "grey", "white", "ramp", "ramp across", "half and half", "one pixel"],
)
def test_images_without_structure_set_few_bits(image: Image.Image) -> None:
    assert num_bits(dct_hash(image)) < 24
    assert num_bits(content_hash(image)) < 24


def test_symmetric_images_are_not_taken_for_empty_ones() -> None:
    half = np.asarray(soft(100, 150, 5))
    assert 24 <= num_bits(dct_hash(Image.fromarray(np.hstack([half, half[:, ::-1]])))) <= 128


# content box


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("border", ["margin", "wide margin", "black frame", "black line round margin"])
def test_content_hash_survives_a_border(seed: int, border: str) -> None:
    image = soft(420, 300, seed)
    bordered = {
        "margin": ImageOps.expand(image, 20, 255),
        "wide margin": ImageOps.expand(image, (150, 10, 40, 90), 255),
        "black frame": ImageOps.expand(image, 8, 0),
        "black line round margin": ImageOps.expand(ImageOps.expand(image, 30, 255), 2, 0),
    }[border]
    assert distance(content_hash(image), content_hash(bordered)) <= 24
    assert distance(dct_hash(image), dct_hash(bordered)) > 24


@pytest.mark.parametrize("seed", range(6))
def test_content_hash_of_a_plot_survives_the_cut_of_its_margin(seed: int) -> None:
    image = plot(seed)
    cut = image.crop((15, 12, 310, 230))
    assert distance(content_hash(image), content_hash(cut)) <= 12


def test_box_is_where_the_content_is() -> None:
    image = Image.new("L", (400, 300), 250)
    image.paste(soft(200, 100, 1).point(lambda v: v // 2), (70, 60))
    assert content_box(image) == (70, 60, 270, 160)


def test_box_of_a_large_image_is_found_on_a_copy_and_holds_all_content() -> None:
    image = Image.new("L", (2000, 1500), 255)
    image.paste(Image.new("L", (801, 603), 0), (333, 222))
    left, top, right, bottom = content_box(image)
    assert 329 <= left <= 333
    assert 218 <= top <= 222
    assert 1134 <= right <= 1138
    assert 825 <= bottom <= 829


def test_grey_noise_of_a_margin_is_no_content() -> None:
    pixels = 255 - np.random.RandomState(0).randint(0, 40, (300, 400))
    pixels[100:200, 150:300] = 0
    assert content_box(Image.fromarray(pixels.astype(np.uint8))) == (150, 100, 300, 200)


def test_specks_of_less_than_a_share_are_no_content() -> None:
    pixels = np.full((300, 400), 255, np.uint8)
    pixels[100:200, 150:300] = 0
    pixels[50, 60] = 0
    assert content_box(Image.fromarray(pixels)) == (150, 100, 300, 200)


@pytest.mark.parametrize("grey", [0, 255])
def test_a_plain_image_is_its_own_box(grey: int) -> None:
    assert content_box(Image.new("L", (40, 30), grey)) == (0, 0, 40, 30)


def test_an_image_without_a_plain_frame_is_its_own_box() -> None:
    assert content_box(soft(640, 480, 3)) == (0, 0, 640, 480)


@settings(deadline=None, max_examples=200)
@given(st.integers(1, 900), st.integers(1, 900), st.integers(0, 2**31 - 1), st.sampled_from([2, 30, 256]))
def test_box_lies_in_the_image_and_is_never_empty(width: int, height: int, seed: int, top: int) -> None:
    pixels = np.random.RandomState(seed).randint(0, top, (height, width)).astype(np.uint8) * (255 // top)
    image = Image.fromarray(pixels)
    left, upper, right, lower = content_box(image)
    assert 0 <= left < right <= width
    assert 0 <= upper < lower <= height
    assert len(content_hash(image)) == 32


# grey


@settings(deadline=None, max_examples=50)
@given(st.integers(1, 60), st.integers(1, 60), st.integers(0, 2**31 - 1))
def test_grey_std_is_the_standard_deviation(width: int, height: int, seed: int) -> None:
    pixels = np.random.RandomState(seed).randint(0, 256, (height, width)).astype(np.uint8)
    assert grey_std(Image.fromarray(pixels).histogram()) == pytest.approx(pixels.std(), abs=1e-9)


def test_grey_std_has_its_ends() -> None:
    assert grey_std(Image.new("L", (9, 9), 77).histogram()) == 0
    assert grey_std(Image.fromarray(np.array([[0, 255]], np.uint8)).histogram()) == 127.5
