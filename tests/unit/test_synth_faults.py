"""Faults of generated articles: each is there, and has the outcome that is told of it."""

import json

import pytest
from PIL import Image

from pmc15m.records import Reason, Stage
from pmc15m.synth import Fault, SynthConfig, make_article
from pmc15m.synth.faults import FIGURE_OUTCOMES, parse_faults
from tests.unit.test_synth import metadata_of, open_image, xml_of


def only(fault: Fault) -> SynthConfig:
    return SynthConfig(seed=9, faults=(fault,), fault_every=1, image_scale=0.25)


@pytest.mark.parametrize("fault", sorted(Fault))
def test_a_fault_has_its_outcome_in_one_figure_or_in_the_article(fault: Fault) -> None:
    for number in range(8):
        answer = make_article(only(fault), number).expected
        assert answer.fault == fault
        if answer.outcome != "figures":
            assert answer.figures == ()
            assert answer.outcome in set(Reason)
            assert answer.stage == Stage.EXTRACT
        elif fault in FIGURE_OUTCOMES:
            rejected = [figure for figure in answer.figures if figure.outcome != "pair"]
            assert [(f.stage, f.outcome) for f in rejected] == [FIGURE_OUTCOMES[fault]]
        elif fault in {Fault.LICENSE_NC, Fault.LICENSE_ND}:
            assert {figure.outcome for figure in answer.figures} == {"license"}
        else:
            assert {figure.outcome for figure in answer.figures} == {"pair"}


def special_file(fault: Fault) -> bytes:
    """Return the image of the one figure that is rejected."""
    article = make_article(only(fault), 2)
    (name,) = (figure.graphic for figure in article.expected.figures if figure.outcome != "pair")
    return article.files[str(name)]


def test_broken_images_are_broken_in_their_own_way() -> None:
    assert special_file(Fault.IMAGE_EMPTY) == b""
    assert special_file(Fault.IMAGE_HTML).startswith(b"<!DOCTYPE html>")
    assert special_file(Fault.IMAGE_EPS).startswith(b"%!PS")
    assert special_file(Fault.IMAGE_PDF).startswith(b"%PDF")
    assert special_file(Fault.IMAGE_SCANS).count(b"\xff\xda") > 200
    assert min(open_image(special_file(Fault.IMAGE_TINY)).size) < 64
    with pytest.raises(OSError, match="truncated"):
        open_image(special_file(Fault.IMAGE_TRUNCATED))
    bomb = special_file(Fault.IMAGE_BOMB)
    assert len(bomb) < 100_000
    with pytest.raises(Image.DecompressionBombError):
        open_image(bomb)


def special_figure(fault: Fault) -> Image.Image:
    """Return the image of an oddity: that of the figure with another mode, format or name."""
    article, plain_one = make_article(only(fault), 5), make_article(only(Fault.IMAGE_CMYK), 5)
    return next(
        open_image(article.files[f.graphic])
        for f in article.expected.figures
        if f.graphic and article.files[f.graphic] != plain_one.files.get(f.graphic)
    )


def test_odd_images_are_odd_in_their_own_way() -> None:
    assert special_figure(Fault.IMAGE_16BIT).mode.startswith("I")
    assert special_figure(Fault.IMAGE_ALPHA).mode == "RGBA"
    assert getattr(special_figure(Fault.IMAGE_ANIMATED), "n_frames", 1) == 3
    assert special_figure(Fault.IMAGE_ROTATED).getexif()[0x0112] == 6
    assert special_figure(Fault.IMAGE_MPO).format == "MPO"
    cmyk = make_article(only(Fault.IMAGE_CMYK), 5)
    assert "CMYK" in {open_image(cmyk.files[f.graphic]).mode for f in cmyk.expected.figures if f.graphic}


def test_faults_of_the_package_are_in_its_files() -> None:
    assert xml_of(make_article(only(Fault.XML_EMPTY), 0)) == b""
    assert b"<html>" in xml_of(make_article(only(Fault.XML_HTML), 0))
    assert b"&madeupspace;" in xml_of(make_article(only(Fault.XML_ENTITY), 0))
    missing = make_article(only(Fault.XML_MISSING), 0)
    assert f"{missing.folder}.xml" not in missing.files
    assert "xml_url" in metadata_of(missing)
    unspoken = make_article(only(Fault.JSON_MISSING), 0)
    assert f"{unspoken.folder}.json" not in unspoken.files
    other = make_article(only(Fault.JSON_OTHER), 0)
    assert metadata_of(other)["pmcid"] != other.pmcid
    assert metadata_of(make_article(only(Fault.RETRACTED), 0))["is_retracted"] is True
    with pytest.raises(json.JSONDecodeError):
        metadata_of(make_article(only(Fault.JSON_BROKEN), 0))


def test_lost_media_are_named_and_unlisted_media_are_not() -> None:
    for fault, is_named in ((Fault.MEDIA_LOST, True), (Fault.MEDIA_UNLISTED, False)):
        article = make_article(only(fault), 1)
        named = {url.rpartition("/")[2].partition("?")[0] for url in metadata_of(article).get("media_urls", [])}
        held = {name for name in article.files if not name.startswith("PMC")}
        assert (named - held != set()) == is_named
        assert held <= named


def test_a_superseded_version_comes_with_the_newer_one() -> None:
    newer = make_article(only(Fault.SUPERSEDED), 6)
    (older,) = newer.older
    assert (older.version, newer.version) == (1, 2)
    assert (older.expected.outcome, newer.expected.outcome) == ("superseded", "figures")
    assert xml_of(older) != xml_of(newer)
    media = [{n: d for n, d in a.files.items() if not n.startswith("PMC")} for a in (older, newer)]
    assert media[0] == media[1]


def test_faults_are_read_by_name() -> None:
    assert parse_faults("xml_empty, image_tiny") == ("xml_empty", "image_tiny")
    assert parse_faults("all") == tuple(Fault)
    assert parse_faults("") == ()
