"""What changed between two fetches."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pmc15m.acquire.changes import Change, find_changes
from pmc15m.acquire.stored import Stored

MD5 = "0" * 32


def stored(key: str = "PMC7", version: int = 1, **changes: Any) -> Stored:
    made = Stored(
        key=key,
        version=version,
        seen=MD5,
        updated="2026-01-08T11:47:59.000Z",
        json_md5=MD5,
        xml_md5=MD5,
        license="CC BY",
        is_retracted=False,
        doi=None,
        title=None,
        num_media=1,
        num_bytes=100,
    )
    return replace(made, **changes)


def changes(old: list[Stored], new: list[Stored], *retracted: str) -> list[Change]:
    return list(find_changes(old, new, retracted))


def test_nothing_changes_between_a_fetch_and_itself() -> None:
    rows = [stored("PMC7"), stored("PMC8", 2)]
    assert changes(rows, rows[::-1], "PMC9") == []


@pytest.mark.parametrize(
    ("old", "new", "retracted", "wanted"),
    [
        ([], [stored()], [], Change("PMC7", "new", None, 1, None, "CC BY", None)),
        ([stored()], [], [], Change("PMC7", "gone", 1, None, "CC BY", None, None)),
        ([stored()], [], ["PMC7"], Change("PMC7", "retracted", 1, None, "CC BY", None, None)),
        ([stored()], [stored(json_md5="1" * 32)], [], Change("PMC7", "changed", 1, 1, "CC BY", "CC BY", None)),
        ([stored()], [stored(version=2)], [], Change("PMC7", "changed", 1, 2, "CC BY", "CC BY", None)),
        ([stored()], [stored(license="none")], [], Change("PMC7", "license", 1, 1, "CC BY", "none", None)),
        ([stored()], [stored(version=2, license="CC0")], [], Change("PMC7", "license", 1, 2, "CC BY", "CC0", None)),
        # A retracted version beside the one that is taken is no retraction of the article.
        ([stored()], [stored(json_md5="1" * 32)], ["PMC7"], Change("PMC7", "changed", 1, 1, "CC BY", "CC BY", None)),
    ],
    ids=["new", "gone", "retracted", "changed", "version", "license", "version-and-license", "other-retracted"],
)
def test_change_has_a_kind(old: list[Stored], new: list[Stored], retracted: list[str], wanted: Change) -> None:
    assert changes(old, new, *retracted) == [wanted]


@pytest.mark.parametrize("change", [{"seen": None}, {"updated": None}, {"num_media": 2}, {"title": "Mills"}])
def test_what_follows_from_the_files_alone_is_no_change(change: dict[str, Any]) -> None:
    assert changes([stored()], [stored(**change)]) == []


KEYS = st.sets(st.sampled_from(["PMC1", "PMC2", "PMC3", "PMC10", "PMC11"]))


@given(KEYS, KEYS, KEYS)
def test_every_article_of_one_side_alone_is_a_change(old: set[str], new: set[str], retracted: set[str]) -> None:
    found = changes([stored(key) for key in old], [stored(key) for key in new], *retracted)
    kinds = {change.key: change.change for change in found}
    assert list(kinds) == sorted(kinds)
    wanted = {key: "retracted" if key in retracted else "gone" for key in old - new}
    assert kinds == wanted | dict.fromkeys(new - old, "new")
