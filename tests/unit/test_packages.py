"""Articles of a folder: the newest version of each, and a reject for whatever cannot be read."""

from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from pmc15m.acquire.metadata import MAX_BYTES
from pmc15m.acquire.packages import list_articles, read_package
from pmc15m.config import SelectConfig
from pmc15m.records import ArticleRef, Package, Reason, Reject, Stage, Tally
from pmc15m.select import EVERYTHING
from tests.some import article_xml
from tests.tiny import write_article, write_source


def read(source: Path, pmcid: str = "PMC7", version: int = 1) -> Package | Reject:
    (item,) = read_package(ArticleRef(pmcid, version, f"{pmcid}.{version}"), str(source))
    return item


def listed(source: Path, select: SelectConfig = EVERYTHING) -> list[ArticleRef | Reject]:
    """Return the articles and rejects of a source; each is counted once as read."""
    items = list(list_articles(str(source), select))
    found = [item for item in items if not isinstance(item, Tally)]
    assert sum(item.count for item in items if isinstance(item, Tally)) == len(found)
    return found


def reject(reason: Reason, detail: str) -> Reject:
    return Reject("PMC7.1", "PMC7", 1, None, Stage.EXTRACT, reason, detail)


def test_articles_come_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    for name in ("PMC10.1", "PMC9.2", "PMC100.1", "PMC9.10"):
        (tmp_path / name).mkdir()
    assert listed(tmp_path) == [
        Reject("PMC9.2", "PMC9", 2, None, Stage.EXTRACT, Reason.SUPERSEDED, "version 10 is taken"),
        ArticleRef("PMC9", 10, "PMC9.10"),
        ArticleRef("PMC10", 1, "PMC10.1"),
        ArticleRef("PMC100", 1, "PMC100.1"),
    ]


@pytest.mark.parametrize(
    "name",
    [
        "PMC7", "PMC7.0", "PMC0.1", "PMC07.1", "PMC7.1.tmp", "PMC7.x", "pmc7.1", "PMC.1", ".PMC7.1", "PMC7.1 ", "7.1",
        "PMC\u0667.1", "PMC7.\u0661", "PMC7.9999999999", f"PMC{'9' * 19}.1", "logs",
    ],
)  # fmt: skip
def test_folder_of_another_name_is_no_article(tmp_path: Path, name: str) -> None:
    (tmp_path / name).mkdir()
    assert listed(tmp_path) == []


def test_file_of_the_name_of_an_article_is_none(tmp_path: Path) -> None:
    (tmp_path / "PMC7.1").write_bytes(b"")
    assert listed(tmp_path) == []


def test_tiny_source_has_its_articles_whatever_order_they_were_written_in(tmp_path: Path) -> None:
    for name, backwards in (("one", False), ("two", True)):
        write_source(tmp_path / name, backwards)
    assert listed(tmp_path / "one") == listed(tmp_path / "two")


def test_package_is_read_from_the_metadata(tmp_path: Path) -> None:
    write_article(tmp_path, "PMC7", article_xml(), {"b.jpg": b"b", "a.jpg": b"a"}, doi="10.5555/x")
    package = read(tmp_path)
    assert isinstance(package, Package)
    assert [file.name for file in package.media] == ["a.jpg", "b.jpg"]
    assert package.doi == "10.5555/x"


def test_article_without_metadata_is_not_found(tmp_path: Path) -> None:
    assert read(tmp_path) == reject(Reason.NOT_FOUND, "no PMC7.1.json")
    (tmp_path / "PMC7.1").mkdir()
    assert read(tmp_path) == reject(Reason.NOT_FOUND, "no PMC7.1.json")


def test_unsound_metadata_is_a_reject_that_says_what_is_wrong(tmp_path: Path) -> None:
    write_article(tmp_path, "PMC7", article_xml(), {}, is_retracted="no")
    assert read(tmp_path) == reject(Reason.METADATA_INVALID, "is_retracted must be bool, not 'no'")


def test_metadata_of_another_article_is_a_reject(tmp_path: Path) -> None:
    write_article(tmp_path, "PMC7", article_xml(), {}, pmcid="PMC8")
    assert read(tmp_path) == reject(Reason.METADATA_MISMATCH, "says PMC8.1, lies under PMC7.1")


def test_huge_metadata_is_a_reject_and_is_not_read(tmp_path: Path) -> None:
    write_article(tmp_path, "PMC7", article_xml(), {}, title="x" * MAX_BYTES)
    item: Any = read(tmp_path)
    assert (item.reason, item.key) == (Reason.METADATA_INVALID, "PMC7.1")


def test_retracted_article_is_a_reject(tmp_path: Path) -> None:
    write_article(tmp_path, "PMC7", article_xml(), {}, is_retracted=True)
    assert read(tmp_path) == reject(Reason.RETRACTED, "the metadata says is_retracted")


def test_published_version_goes_before_a_manuscript_of_a_higher_number(tmp_path: Path) -> None:
    write_article(tmp_path, "PMC7", article_xml(), {}, 1)
    write_article(tmp_path, "PMC7", article_xml(), {}, 2, is_manuscript=True)
    superseded, taken = listed(tmp_path)
    assert taken == ArticleRef("PMC7", 1, "PMC7.1")
    assert isinstance(superseded, Reject)
    assert (superseded.key, superseded.reason) == ("PMC7.2", Reason.SUPERSEDED)


def test_small_sample_is_part_of_a_bigger_one(tmp_path: Path) -> None:
    for number in range(1, 40):
        (tmp_path / f"PMC{number}.1").mkdir()
    samples = [
        {ref.key for ref in listed(tmp_path, SelectConfig(max_articles=size)) if isinstance(ref, ArticleRef)}
        for size in range(1, 39)
    ]
    assert [len(sample) for sample in samples] == list(range(1, 39))
    assert all(small < big for small, big in pairwise(samples))


def test_licence_that_is_not_selected_is_a_reject_before_the_xml_is_read(tmp_path: Path) -> None:
    write_article(tmp_path, "PMC7", b"no xml at all", {}, license_code="CC BY-NC")
    (item,) = read_package(ArticleRef("PMC7", 1, "PMC7.1"), str(tmp_path), SelectConfig(licenses=("CC0", "CC BY")))
    assert item == reject(Reason.NOT_SELECTED, "CC BY-NC; wanted: CC0, CC BY")
