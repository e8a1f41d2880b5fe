"""Which version of an article counts."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pmc15m.acquire.metadata import parse_metadata
from pmc15m.acquire.versions import choose_version
from pmc15m.records import ArticleRef, Package
from tests.some import package


def version(number: int, **changes: Any) -> Package:
    return package(ref=ArticleRef("PMC7", number, f"PMC7.{number}"), **changes)


MANUSCRIPT = {"is_manuscript": True, "is_open_access": False, "license": "TDM"}


@pytest.mark.parametrize(
    ("packages", "chosen"),
    [
        ([version(1)], 1),
        ([version(2)], 2),
        ([version(1), version(2)], 2),
        ([version(9), version(10), version(2)], 10),
        ([version(1, **MANUSCRIPT), version(2)], 2),
        ([version(1), version(2, **MANUSCRIPT)], 1),
        ([version(1, is_manuscript=True), version(2, is_open_access=False)], 1),
        ([version(1), version(2, is_manuscript=True)], 1),
        ([version(1, **MANUSCRIPT), version(2, **MANUSCRIPT)], 2),
        ([version(1), version(2, is_retracted=True)], 2),
    ],
    ids=[
        "one", "only-second", "both-published", "numeric", "manuscript-first", "manuscript-second", "open-first",
        "published-first", "both-manuscripts", "retracted",
    ],
)  # fmt: skip
def test_highest_published_open_version_counts(packages: list[Package], chosen: int) -> None:
    assert choose_version(packages).ref.version == chosen
    assert choose_version(reversed(packages)).ref.version == chosen


def test_of_two_recorded_published_versions_the_second_counts(shared: Path) -> None:
    packages = [
        parse_metadata(
            ArticleRef("PMC7988253", number, f"PMC7988253.{number}"),
            (shared / "samples" / "s3_meta" / f"PMC7988253.{number}.json").read_bytes(),
        )
        for number in (2, 1)
    ]
    assert choose_version(packages).ref.key == "PMC7988253.2"
    assert packages[0].media == packages[1].media
    assert packages[0].xml_md5 != packages[1].xml_md5


def test_recorded_manuscripts_are_no_open_access(shared: Path) -> None:
    for path in (shared / "samples" / "s3_meta").glob("PMC*.1.json"):
        found = parse_metadata(ArticleRef(path.stem.partition(".")[0], 1, path.stem), path.read_bytes())
        assert found.is_manuscript == (not found.is_open_access) == (found.license == "TDM")


@given(st.lists(st.tuples(st.integers(1, 20), st.booleans(), st.booleans()), min_size=1, unique_by=lambda one: one[0]))
def test_no_version_beats_the_one_that_counts(flags: list[tuple[int, bool, bool]]) -> None:
    packages = [version(number, is_open_access=is_open, is_manuscript=is_draft) for number, is_open, is_draft in flags]
    chosen = choose_version(packages)
    for other in packages:
        if other.is_open_access == chosen.is_open_access and other.is_manuscript == chosen.is_manuscript:
            assert other.ref.version <= chosen.ref.version
        assert chosen.is_open_access or not other.is_open_access
