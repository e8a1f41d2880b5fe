"""From href to media file: whole names and whole stems, never a neighbour's."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pmc15m.jats.media import IMAGE_EXTENSIONS, MediaIndex, split_name

DIGEST = "0123456789abcdef0123456789abcdef01234567.jpg"


@pytest.mark.parametrize(
    ("href", "names", "found"),
    [
        # the name itself
        ("mill.jpg", ["mill.jpg", "mill.gif"], "mill.jpg"),
        ("figures/mill.jpg", ["mill.jpg"], "mill.jpg"),
        ("figures\\mill.jpg", ["mill.jpg"], "mill.jpg"),
        ("./mill.jpg", ["mill.jpg"], "mill.jpg"),
        (" mill.jpg\n", ["mill.jpg"], "mill.jpg"),
        ("mill.jpg?size=large", ["mill.jpg"], "mill.jpg"),
        ("mill.jpg#page=1", ["mill.jpg"], "mill.jpg"),
        ("mill%20one.jpg", ["mill one.jpg"], "mill one.jpg"),
        ("mill%20one.jpg", ["mill%20one.jpg", "mill one.jpg"], "mill%20one.jpg"),
        ("figures%2Fmill.jpg", ["mill.jpg"], "mill.jpg"),
        ("m%C3%BChle.jpg", ["m\u00fchle.jpg"], "m\u00fchle.jpg"),
        ("mill?one.jpg", ["mill?one.jpg"], "mill?one.jpg"),
        # without regard to case
        ("Mill.JPG", ["mill.jpg"], "mill.jpg"),
        ("Mill.JPG", ["mill.jpg", "Mill.JPG"], "Mill.JPG"),
        ("MILL.JPG", ["Mill.jpg", "mill.jpg"], "Mill.jpg"),
        # the stem with another extension
        ("mill.tif", ["mill.jpg"], "mill.jpg"),
        ("mill", ["mill.jpg"], "mill.jpg"),
        ("mill", ["mill.gif", "mill.png", "mill.tif"], "mill.png"),
        ("mill.eps", ["mill.jpg"], None),
        ("mill.eps", ["mill.eps.jpg"], "mill.eps.jpg"),
        ("MILL", ["mill.jpg"], "mill.jpg"),
        ("mill.TIF", ["Mill.jpg", "mill.png"], "mill.png"),
        ("fict.0099999.g001", ["fict.0099999.g001.jpg"], "fict.0099999.g001.jpg"),
        ("fict.0099999.g001", ["fict.0099999.g0011.jpg"], None),
        ("fict.0099999.g001", ["fict.0099999.jpg"], None),
        ("g001", ["fict.g001.jpg", "g0011.jpg", "g00.jpg"], None),
        ("x.f2", ["x.f2.jpg", "x.jpg"], "x.f2.jpg"),
        # exact case of a stem before folded case of a name: the name goes first
        ("mill.tif", ["MILL.TIF", "mill.jpg"], "MILL.TIF"),
        # the DOI of an old PLOS file
        ("info:doi/10.5555/journal.fict.0060593.g001", ["fict.0060593.g001.jpg"], "fict.0060593.g001.jpg"),
        ("10.5555/journal.fict.0060593.g001", ["fict.0060593.g001.tif"], "fict.0060593.g001.tif"),
        ("journal.fict.0060593.g001", ["fict.0060593.g001.jpg"], None),
        # not local
        ("https://example.org/mill.jpg", ["mill.jpg"], None),
        ("HTTP://example.org/mill.jpg", ["mill.jpg"], None),
        ("ftp://example.org/mill.jpg", ["mill.jpg"], None),
        (f"https://example.org/{DIGEST}", [DIGEST], DIGEST),
        (f"https://example.org/{DIGEST}", [DIGEST.replace("jpg", "png")], None),
        # not raster
        ("mill.pdf", ["mill.pdf"], None),
        ("mill.mp4", ["mill.mp4", "mill.jpg"], None),
        ("mill.svg", ["mill.svg"], None),
        ("mill", ["mill", "mill.pdf", "mill.xml"], None),
        # nothing
        ("", ["mill.jpg"], None),
        ("/", ["mill.jpg"], None),
        ("figures/", ["mill.jpg"], None),
        (".jpg", [".jpg", "mill.jpg"], None),
        ("mill.jpg", [], None),
    ],
)
def test_href_names_a_file_or_none(href: str, names: list[str], found: str | None) -> None:
    assert MediaIndex(names).resolve(href) == found
    assert MediaIndex(names[::-1]).resolve(href) == found


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("mill.jpg", ("mill", "jpg")),
        ("mill.JPEG", ("mill", "jpeg")),
        ("a.b.tiff", ("a.b", "tiff")),
        ("fict.0099999.g001", ("fict.0099999.g001", "")),
        ("mill.pdf", ("mill.pdf", "")),
        ("mill", ("mill", "")),
        (".jpg", (".jpg", "")),
        ("", ("", "")),
    ],
)
def test_only_a_known_image_extension_is_one(name: str, parts: tuple[str, str]) -> None:
    assert split_name(name) == parts


names = st.builds("{}.{}".format, st.text("aAbB01.%_ ", min_size=1, max_size=5), st.sampled_from(IMAGE_EXTENSIONS))


@given(st.lists(names, unique=True), st.data())
def test_name_of_a_file_always_finds_that_file(some_names: list[str], data: st.DataObject) -> None:
    index = MediaIndex(some_names)
    if some_names:
        name = data.draw(st.sampled_from(some_names))
        assert index.resolve(name.strip()) == name or name != name.strip()


@given(st.lists(names, unique=True), st.text(st.characters(codec="utf-8"), max_size=12))
def test_any_href_finds_a_file_of_the_package_or_none(some_names: list[str], href: str) -> None:
    assert MediaIndex(some_names).resolve(href) in {None, *some_names}
