"""The generator of articles: the same bytes for ever, and right answers that hold."""

import hashlib
import io
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from lxml import etree
from PIL import Image

from pmc15m.jats.article import inspect_article
from pmc15m.synth import (
    Fault,
    SynthArticle,
    SynthConfig,
    make_article,
    make_expected,
    pmcid_of,
    read_truth,
    write_articles,
)
from pmc15m.synth.__main__ import main
from pmc15m.synth.dice import Dice
from pmc15m.synth.encode import encode_tiff
from pmc15m.synth.rich import clean, plain, script, tag
from pmc15m.synth.styles import STYLES
from pmc15m.synth.words import invent_name
from pmc15m.synth.write import write_all

PLAIN = SynthConfig(image_scale=0.25)
FAULTY = SynthConfig(seed=3, faults=tuple(Fault), fault_every=2, duplicates_every=5, image_scale=0.25)
COPYING = SynthConfig(seed=1, duplicates_every=4, image_scale=0.25)
SHARED_NAMES = re.compile(rb"&(?!amp;|lt;|gt;|quot;|apos;)[A-Za-z]+;")


def digest(article: SynthArticle) -> str:
    parts = hashlib.sha256()
    for name, data in sorted(article.files.items()):
        parts.update(name.encode() + b"\0" + data)
    parts.update(article.expected.to_json().encode())
    return parts.hexdigest()


def md5_of(data: bytes) -> str:
    return hashlib.md5(data, usedforsecurity=False).hexdigest()


def xml_of(article: SynthArticle) -> bytes:
    return article.files[f"{article.folder}.xml"]


def metadata_of(article: SynthArticle) -> dict[str, Any]:
    metadata: dict[str, Any] = json.loads(article.files[f"{article.folder}.json"])
    return metadata


def open_image(data: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(data), formats=("JPEG", "PNG", "GIF", "TIFF"))
    image.load()
    return image


def figures_of(config: SynthConfig, count: int) -> Iterator[tuple[SynthArticle, Any]]:
    for number in range(count):
        article = make_article(config, number)
        for figure in article.expected.figures:
            yield article, figure


@pytest.mark.parametrize("hash_seed", ["1", "77"])
def test_an_article_has_the_same_bytes_in_another_process(hash_seed: str) -> None:
    numbers = [2, 5, 11, 17, 30, 48]
    code = (
        "from tests.unit.test_synth import *\n"
        f"print(' '.join(digest(make_article(config, n)) for config in (FAULTY, COPYING) for n in {numbers[::-1]}))"
    )
    run = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONHASHSEED": hash_seed},
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=True,
    )
    here = [digest(make_article(config, n)) for config in (FAULTY, COPYING) for n in numbers[::-1]]
    assert run.stdout.split() == here


def test_an_article_does_not_depend_on_what_was_made_before() -> None:
    alone = digest(make_article(COPYING, 18))
    for number in (40, 3, 18):
        make_article(COPYING, number)
    assert digest(make_article(COPYING, 18)) == alone


def test_another_seed_gives_another_article() -> None:
    assert digest(make_article(PLAIN, 4)) != digest(make_article(SynthConfig(seed=1, image_scale=0.25), 4))


def test_the_answer_is_known_without_drawing() -> None:
    for number in range(0, 60, 7):
        assert make_expected(FAULTY, number) == make_article(FAULTY, number).expected


@pytest.mark.slow
def test_no_two_figures_are_alike() -> None:
    files: set[str] = set()
    pixels: set[str] = set()
    num_figures = 0
    for article, figure in figures_of(SynthConfig(image_scale=0.12), 500):
        data = article.files[figure.graphic]
        image = open_image(data)
        files.add(hashlib.sha256(data).hexdigest())
        pixels.add(hashlib.sha256(f"{image.size}".encode() + image.convert("RGB").tobytes()).hexdigest())
        num_figures += 1
    assert num_figures > 1500
    assert len(files) == len(pixels) == num_figures


def test_every_house_style_comes_up_and_figures_average_three_and_a_half() -> None:
    answers = [make_expected(PLAIN, number) for number in range(400)]
    assert {answer.style for answer in answers} == {style.name for style in STYLES}
    counts = [len({figure.fig_id for figure in answer.figures}) for answer in answers]
    assert min(counts) >= 1
    assert 3.2 < sum(counts) / len(counts) < 3.9
    assert {answer.license_code for answer in answers} >= {"CC BY", "CC0", "CC BY-SA", "CC BY-NC", "CC BY-ND"}
    assert all(2004 <= answer.year <= 2026 for answer in answers)
    assert len({answer.title for answer in answers}) == len({answer.doi for answer in answers}) == len(answers)


def test_captions_are_of_60_to_600_characters_clean_and_hardly_ever_alike() -> None:
    captions = [figure.caption for number in range(300) for figure in make_expected(PLAIN, number).figures]
    assert all(caption is not None and 60 <= len(caption) <= 600 and caption == clean(caption) for caption in captions)
    assert len(set(captions)) > 0.98 * len(captions)


def test_keys_count_the_figs_in_document_order() -> None:
    for number in range(80):
        article = make_article(PLAIN, number)
        parser = etree.XMLParser(resolve_entities=False, load_dtd=False, no_network=True)
        root = etree.fromstring(xml_of(article), parser)
        ids = [fig.get("id") for fig in root.iter("fig")]
        assert len(set(ids)) == len(ids)
        for figure in article.expected.figures:
            pmcid, fig, graphic = figure.key.split("_")
            assert (pmcid, ids[int(fig) - 1], int(graphic)) == (article.pmcid, figure.fig_id, figure.part)
        order = [figure.key for figure in article.expected.figures]
        assert order == sorted(order)


def test_entities_are_written_by_name_in_one_style_only() -> None:
    for number in range(60):
        article = make_article(PLAIN, number)
        assert bool(SHARED_NAMES.search(xml_of(article))) == (article.expected.style == "entities"), number


def test_the_parser_of_the_library_reads_what_the_generator_expects() -> None:
    for number in range(100):
        article = make_article(PLAIN, number)
        media = [name for name in article.files if not name.startswith("PMC")]
        found = inspect_article(xml_of(article), media, article.pmcid)
        expected = {figure.key: figure for figure in article.expected.figures}
        assert {figure["key"] for figure in found["figures"]} == set(expected)
        for figure in found["figures"]:
            answer = expected[figure["key"]]
            assert figure["caption"] == answer.caption
            assert figure["mentions"] == list(answer.mentions)
            assert (figure["graphic"], figure["kind"]) == (answer.graphic, answer.kind)
            assert (figure["license_class"], figure["license"]) == (answer.license, answer.license_url)
            assert (figure["label"] or "").rstrip(".") == (answer.label or "")


def test_the_metadata_is_of_the_cloud_service_form_and_its_md5s_hold() -> None:
    for number in range(40):
        article = make_article(PLAIN, number)
        text = article.files[f"{article.folder}.json"].decode("ascii")
        metadata = json.loads(text)
        assert text == json.dumps(metadata)
        assert (metadata["pmcid"], metadata["version"]) == (article.pmcid, article.version)
        urls = [metadata["xml_url"], *metadata.get("media_urls", [])]
        urls += [metadata["text_url"]] if "text_url" in metadata else []
        assert metadata["media_urls"] == sorted(metadata["media_urls"])
        named = {}
        for url in urls:
            name, _, md5 = url.removeprefix(f"s3://pmc-oa-opendata/{article.folder}/").rpartition("?md5=")
            named[name] = md5
        held = {name: md5_of(data) for name, data in article.files.items() if name[-5:] != ".json"}
        assert named == held


def test_images_have_the_size_that_the_answer_gives() -> None:
    for article, figure in figures_of(PLAIN, 60):
        assert open_image(article.files[figure.graphic]).size == (figure.width_px, figure.height_px)
        assert min(figure.width_px, figure.height_px) >= 64


def test_formats_are_mostly_jpeg_with_some_others() -> None:
    found = [open_image(article.files[figure.graphic]) for article, figure in figures_of(PLAIN, 100)]
    formats = [image.format for image in found]
    assert set(formats) == {"JPEG", "PNG", "TIFF", "GIF"}
    assert formats.count("JPEG") > 0.8 * len(formats)
    assert {image.mode for image in found} >= {"RGB", "L", "P"}


def test_copies_are_known_with_what_they_copy() -> None:
    articles = [make_article(COPYING, number) for number in range(60)]
    by_key = {f.key: article.files[f.graphic] for article in articles for f in article.expected.figures if f.graphic}
    copies = [figure for article in articles for figure in article.expected.figures if figure.duplicate_of]
    assert {figure.outcome for figure in copies} == {"duplicate_file", "duplicate_pixels"}
    assert len({figure.duplicate_of for figure in copies}) == len(copies) > 10
    for figure in copies:
        assert figure.duplicate_of is not None
        assert figure.duplicate_of.split("_")[0] < figure.key.split("_")[0]
        source, copy = by_key[figure.duplicate_of], by_key[figure.key]
        if figure.outcome == "duplicate_file":
            assert copy == source
        else:
            assert copy != source
            assert open_image(copy).convert("RGB").tobytes() == open_image(source).convert("RGB").tobytes()


def test_articles_are_written_with_their_answers_whatever_the_number_of_processes(tmp_path: Path) -> None:
    truth = write_articles(FAULTY, [7, 2, 29, 13], tmp_path / "one")
    write_all(FAULTY, [2, 7, 13, 29], tmp_path / "two", jobs=2)
    trees = [{str(p.relative_to(r)): p.read_bytes() for p in r.rglob("*") if p.is_file()} for r in tmp_path.iterdir()]
    assert trees[0] == trees[1]
    rows = read_truth(truth)
    assert [row["pmcid"] for row in rows] == sorted(str(row["pmcid"]) for row in rows)
    assert {row["pmcid"] for row in rows} == {pmcid_of(n) for n in (2, 7, 13, 29)}


def test_the_command_writes_and_says_what(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    argv = [str(tmp_path), "--articles", "3", "--faults", "image_tiny", "--fault-every", "3", "--image-scale", "0.2"]
    assert main(argv) == 0
    captured = capsys.readouterr()
    assert captured.out.startswith("3 articles, ")
    assert captured.out.count("\n") == 1
    assert "3 of 3 articles" in captured.err
    assert [row["fault"] for row in read_truth(tmp_path / "truth.jsonl")] == [None, None, "image_tiny"]


def test_the_command_names_the_known_faults(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main([str(tmp_path), "--articles", "1", "--faults", "nonsense"])
    assert stopped.value.code == 2
    assert "unknown fault 'nonsense'; known: all, xml_truncated" in capsys.readouterr().err


@pytest.mark.parametrize("options", [{"fault_every": -1}, {"duplicates_every": 1}, {"image_scale": 0.0}])
def test_a_configuration_out_of_range_is_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="must be"):
        SynthConfig(**options)


def test_article_numbers_have_a_range() -> None:
    assert pmcid_of(12) == "PMC80000012"
    with pytest.raises(ValueError, match="from 0 to"):
        pmcid_of(10_000_000)


def test_invented_names_differ() -> None:
    assert len({invent_name(number) for number in range(20_000)}) == 20_000


def test_rich_text_reads_as_the_rules_say() -> None:
    run = plain("10") + script("sup", "5", "^") + " a < b\u2009" + tag("italic", "c\u00ad\u0301")
    assert run.xml == "10<sup>5</sup> a &lt; b\u2009<italic>c\u00ad\u0301</italic>"
    assert run.cleaned == "10^5 a < b \u0107"


def test_a_tiff_has_the_pixels_and_always_the_same_bytes() -> None:
    for mode in ("L", "RGB"):
        image = Image.effect_noise((61, 43), 60).convert(mode)
        assert open_image(encode_tiff(image)).tobytes() == image.tobytes()
        assert len({encode_tiff(image) for _ in range(20)}) == 1


def test_dice_keep_to_their_ranges() -> None:
    dice = Dice(0, 0, "test")
    assert {dice.between(1, 3) for _ in range(100)} == {1, 2, 3}
    assert {dice.weigh((("a", 1), ("b", 0), ("c", 1))) for _ in range(100)} == {"a", "c"}
    assert len(set(dice.sample(range(9), 5))) == 5
