"""Extract on the tiny source: every pair, every reject, every sum."""

from dataclasses import replace
from pathlib import Path

import apache_beam as beam
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from apache_beam.testing.util import assert_that, equal_to

from pipelines import extract
from pmc15m.config import ImagesConfig
from pmc15m.images.probe import probe_image
from pmc15m.records import Article, Figure, Mention, Pair
from pmc15m.stages import read_stage
from pmc15m.steps import Ledger
from tests import tiny
from tests.dags.conftest import CONFIG, NOWHERE
from tests.dags.rows import read_all, reasons
from tests.some import article_xml, fig_xml, permissions_xml

KEYS = [
    "PMC1001_0001_01",
    "PMC1001_0002_01",
    "PMC1001_0002_02",
    "PMC1002_0001_01",
    "PMC1002_0002_01",
    "PMC1003_0001_01",
    "PMC1007_0001_01",
    "PMC1007_0006_01",
    "PMC1007_0007_01",
]
REJECTS = [
    ("PMC1003.1", "superseded"),
    ("PMC1004.1", "xml_syntax"),
    ("PMC1005.1", "retracted"),
    ("PMC1006.1", "no_figures"),
    ("PMC1006_0000_01", "not_a_figure"),
    ("PMC1007_0002_01", "no_caption"),
    ("PMC1007_0003_01", "graphic_not_in_package"),
    ("PMC1007_0004_01", "image_not_found"),
    ("PMC1007_0005_01", "image_truncated"),
    ("PMC1008.1", "not_found"),
]
TALLIES = {
    "articles/with_figs": 4,
    "figs_and_graphics/seen": 14,
    "list_articles/in": 1,
    "list_articles/out": 8,
    "rejects/extract/articles/superseded": 1,
    "articles/read": 9,
    "pairs/made": 9,
    "probe_figure/in": 11,
    "probe_figure/out": 9,
    "rejects/extract/figures/image_not_found": 1,
    "rejects/extract/figures/image_truncated": 1,
    "read_figures/in": 6,
    "read_figures/out": 11,
    "rejects/extract/figures/graphic_not_in_package": 1,
    "rejects/extract/figures/no_caption": 1,
    "rejects/extract/articles/no_figures": 1,
    "rejects/extract/figures/not_a_figure": 1,
    "rejects/extract/articles/xml_syntax": 1,
    "read_package/in": 8,
    "read_package/out": 6,
    "rejects/extract/articles/not_found": 1,
    "rejects/extract/articles/retracted": 1,
}


def mill() -> Pair:
    """Return the first pair of the tiny source, all of it."""
    article = Article(
        pmcid="PMC1001",
        version=1,
        doi="10.5555/PMC1001.1",
        pmid=None,
        title="On mills, part PMC1001",
        journal="Journal of Mills",
        year=2019,
        article_type=None,
        citation="On mills, part PMC1001. Journal of Mills. 2019. doi: 10.5555/PMC1001.1",
        article_url="https://pmc.ncbi.nlm.nih.gov/articles/PMC1001/",
        first_author=None,
        related=(),
        is_preprint=False,
        is_manuscript=False,
    )
    figure = Figure(
        key="PMC1001_0001_01",
        article=article,
        fig_id="F1",
        label="Figure 1.",
        caption="Mill, 10^2 years old.",
        mentions=(Mention("A mill is in Figure 1.", "Results"),),
        kind="figure",
        graphic="mill.jpg",
        graphic_md5=tiny.md5(tiny.MILL),
        location="PMC1001.1",
        part=1,
        num_parts=1,
        license="CC BY",
        license_url="https://creativecommons.org/licenses/by/4.0/",
        article_license="CC BY",
        rights_flags=(),
        rights_phrases=(),
        panel_labels=(),
        caption_language=None,
    )
    return Pair(figure, probe_image(tiny.MILL, ImagesConfig()))


def test_every_figure_is_a_pair_with_all_that_is_known_of_it(extracted: str) -> None:
    pairs = read_all(Pair, extracted, read_stage(extracted, "extract").names)
    assert [pair.key for pair in pairs] == KEYS
    assert pairs[0] == mill()
    assert [(pair.figure.part, pair.figure.num_parts) for pair in pairs[:3]] == [(1, 1), (1, 2), (2, 2)]
    assert [pair.image.format for pair in pairs[:5]] == ["JPEG", "PNG", "PNG", "JPEG", "TIFF"]
    assert pairs[3].image.sha256 == pairs[0].image.sha256
    assert pairs[4].image.pixel_sha256 == pairs[1].image.pixel_sha256 != pairs[0].image.pixel_sha256
    assert (pairs[5].figure.kind, pairs[5].figure.license) == ("graphical_abstract", "CC BY-NC")
    assert pairs[5].figure.article.version == 2


def test_whatever_is_no_pair_is_a_reject(extracted: str) -> None:
    assert reasons(extracted) == REJECTS


def test_every_sum_is_told(extracted: str) -> None:
    assert read_stage(extracted, "extract").tallies == TALLIES


def test_build_returns_the_pairs_and_hands_the_rest_to_the_ledger(tmp_path: Path) -> None:
    source, out = tmp_path / "source", tmp_path / "out"
    tiny.ARTICLES[0](source)
    tiny.ARTICLES[4](source)
    config = replace(CONFIG, images=ImagesConfig(max_side_px=150))
    with beam.Pipeline(FnApiRunner()) as p:
        with Ledger(str(out), NOWHERE) as ledger:
            pairs = extract.build(p, str(source), config, ledger)
        assert_that(pairs | beam.Map(lambda pair: pair.key), equal_to(["PMC1001_0002_02"]), "pairs")
        sums = [("rejects/extract/figures/image_too_large", 2), ("rejects/extract/articles/xml_syntax", 1)]
        told = ledger.tallies | beam.Filter(lambda item: item[0].startswith("rejects/"))
        assert_that(told, equal_to(sums), "tallies")
    assert reasons(str(out)) == [
        ("PMC1001_0001_01", "image_too_large"),
        ("PMC1001_0002_01", "image_too_large"),
        ("PMC1004.1", "xml_syntax"),
    ]


def test_one_hostile_article_does_not_cost_the_others(tmp_path: Path) -> None:
    source, out = tmp_path / "source", tmp_path / "out"
    tiny.ARTICLES[0](source)
    deep = "<sup>" * 245 + "deep" + "</sup>" * 245
    digits = "9" * 5_000
    meta = f'<article-id pub-id-type="pmid">{digits}</article-id><pub-date><year>{digits}</year></pub-date>'
    xml = article_xml(fig_xml(label=f"Figure {digits}", caption=deep), permissions_xml(), meta)
    tiny.write_article(source, "PMC66", xml, {"mill.jpg": tiny.MILL})
    with beam.Pipeline(FnApiRunner()) as p:
        with Ledger(str(out), NOWHERE) as ledger:
            pairs = extract.build(p, str(source), CONFIG, ledger)
        keys = ["PMC1001_0001_01", "PMC1001_0002_01", "PMC1001_0002_02", "PMC66_0001_01"]
        assert_that(pairs | beam.Map(lambda pair: pair.key), equal_to(keys))
