"""The index of a fetch: a fair sample that grows, cut into ranges that hold every article once."""

import gzip
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pmc15m.acquire import index as index_module
from pmc15m.acquire.http import HttpPolicy
from pmc15m.acquire.index import Index, IndexRow, find_versions, make_index, read_inventory_shard
from pmc15m.acquire.listing import ListingError
from pmc15m.acquire.pmcids import Wanted
from pmc15m.records import ArticleRef, Reason, Reject, Stage, Tally
from pmc15m.rows import ORDER_BITS, order_of, write_rows
from pmc15m.store import Store
from tests.unit.canned import BUCKET, Canned
from tests.unit.test_inventory import ROW, shard_of
from tests.unit.test_listing import folders, page

POLICY = HttpPolicy()


def row(key: str, version: int = 1) -> IndexRow:
    return IndexRow(key, version, "0" * 32, "2026-01-08T11:47:59.000Z")


def written(folder: Path, *parts: list[IndexRow]) -> list[str]:
    """Write rows as the index stage does, each part a file; return the files' names."""
    return [write_rows(rows, IndexRow, Store(str(folder)), "index").name for rows in parts]


def articles(index: Index) -> list[str]:
    """Return the articles of all ranges in the order in which they are read."""
    return [versions[0].key for number in range(index.num_ranges) for versions in index.read(number)]


# Ranges and samples


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, list[str], list[str]]:
    """Return a folder with an index of 300 articles, its files, and the pmcids by digest."""
    folder = tmp_path_factory.mktemp("index")
    keys = [f"PMC{number}" for number in range(1, 301)]
    parts = [[row(key) for key in keys[start::3]] for start in range(3)]
    parts[1] += [row(key, 2) for key in keys[1::30]]
    return str(folder), written(folder, *parts), sorted(keys, key=order_of)


def test_ranges_hold_every_article_once_in_the_order_of_digests(
    many: tuple[str, list[str], list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(index_module, "ARTICLES_PER_RANGE", 64)
    folder, names, keys = many
    index, num_articles = make_index(folder, names, 0)
    assert (num_articles, index.num_ranges) == (300, 5)
    assert index.end == 1 << ORDER_BITS
    assert articles(index) == keys


@settings(max_examples=20)  # each reads files
@given(most=st.integers(1, 320), per_range=st.integers(10, 90))
def test_ranges_of_any_sample_hold_every_article_of_it_once(
    many: tuple[str, list[str], list[str]], most: int, per_range: int
) -> None:
    folder, names, keys = many
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(index_module, "ARTICLES_PER_RANGE", per_range)
        index, num_articles = make_index(folder, names, most)
    assert num_articles == min(most, 300)
    assert articles(index) == keys[:most]


@settings(max_examples=20)
@given(most=st.integers(1, 299))
def test_sample_is_part_of_a_bigger_one(many: tuple[str, list[str], list[str]], most: int) -> None:
    folder, names, _ = many
    small, big = (articles(make_index(folder, names, number)[0]) for number in (most, most + 1))
    assert big[:most] == small
    assert len(big) == most + 1


@given(st.integers(0, 1 << ORDER_BITS), st.integers(1, 50))
def test_ranges_meet_without_gap_or_overlap(end: int, num_ranges: int) -> None:
    index = Index("", (), end, num_ranges)
    ranges = [index.range(number) for number in range(num_ranges)]
    assert [low for low, _ in ranges] == [0, *(high for _, high in ranges[:-1])]
    assert ranges[-1][1] == end


def test_index_does_not_depend_on_how_rows_were_dealt_to_files(tmp_path: Path) -> None:
    rows = [row(f"PMC{number}", version) for number in range(1, 40) for version in (1, 2)]
    found = []
    for name, parts in (("one", [rows]), ("two", [rows[1::2][::-1], rows[::2]])):
        index, num_articles = make_index(str(tmp_path / name), written(tmp_path / name, *parts), 10)
        found.append((num_articles, index.end, [index.read(number) for number in range(index.num_ranges)]))
    assert found[0] == found[1]


def test_versions_of_an_article_come_together_in_numeric_order(tmp_path: Path) -> None:
    names = written(tmp_path, [row("PMC7", 10), row("PMC7", 1)], [row("PMC8"), row("PMC7", 9)])
    index, num_articles = make_index(str(tmp_path), names, 0)
    assert num_articles == 2
    assert {versions[0].key: [one.version for one in versions] for versions in index.read(0)} == {
        "PMC7": [1, 9, 10],
        "PMC8": [1],
    }


def test_row_that_stands_twice_counts_once(tmp_path: Path) -> None:
    names = written(tmp_path, [row("PMC7"), row("PMC7", 2)], [row("PMC7"), row("PMC7")])
    index, num_articles = make_index(str(tmp_path), names, 0)
    assert (num_articles, index.read(0)) == (1, [(row("PMC7"), row("PMC7", 2))])


def test_index_of_nothing_has_one_empty_range(tmp_path: Path) -> None:
    for names in ([], written(tmp_path, [])):
        index, num_articles = make_index(str(tmp_path), names, 5)
        assert (num_articles, index.num_ranges, index.read(0)) == (0, 1, [])


# Rows


def test_md5_of_the_metadata_is_its_etag_unless_that_is_of_parts() -> None:
    assert IndexRow("PMC7", 1, "0" * 32, None).json_md5 == "0" * 32
    for etag in (None, "0" * 32 + "-3", "0" * 31, "X" * 32):
        assert IndexRow("PMC7", 1, etag, None).json_md5 is None


def test_row_names_its_article_version() -> None:
    assert row("PMC7", 2).ref == ArticleRef("PMC7", 2, "PMC7.2", "0" * 32, "2026-01-08T11:47:59.000Z")


def use(client: Canned, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index_module, "client_of", lambda policy: client)


def test_rows_of_an_inventory_become_rows_of_the_index(monkeypatch: pytest.MonkeyPatch) -> None:
    client, shard = shard_of(gzip.compress(f"{ROW}\nnonsense\n".encode()))
    use(client, monkeypatch)
    found, reject = read_inventory_shard(shard, BUCKET, POLICY)
    assert found == IndexRow("PMC12000122", 2, "b5d5f8ec5888a9a5fe0bfcf4a2dcaf80", "2026-06-27T19:16:52.000Z")
    assert isinstance(reject, Reject)
    assert reject.reason == Reason.INDEX_ROW


def found_of(wanted: Wanted, client: Canned, monkeypatch: pytest.MonkeyPatch) -> list[IndexRow | Reject | Tally]:
    use(client, monkeypatch)
    return list(find_versions(wanted, BUCKET, POLICY))


LISTED = Canned(lambda path, query: page(folders("PMC7.1/", "PMC7.10/", "PMC7.2/")))


@pytest.mark.parametrize(("version", "found"), [(None, [1, 2, 10]), (2, [2])])
def test_versions_asked_for_are_found(monkeypatch: pytest.MonkeyPatch, version: int | None, found: list[int]) -> None:
    rows = found_of(Wanted("PMC7", version), LISTED, monkeypatch)
    assert rows == [IndexRow("PMC7", number, None, None) for number in found]


@pytest.mark.parametrize(("version", "key"), [(None, "PMC7.0"), (3, "PMC7.3")])
def test_article_that_is_not_there_is_a_reject(monkeypatch: pytest.MonkeyPatch, version: int | None, key: str) -> None:
    client = Canned(lambda path, query: page()) if version is None else LISTED
    (reject,) = found_of(Wanted("PMC7", version), client, monkeypatch)
    assert reject == Reject(
        key, "PMC7", version or 0, None, Stage.FETCH, Reason.NOT_FOUND, "the bucket has no such article"
    )  # fmt: skip


@pytest.mark.parametrize("reason", [Reason.FETCH_FAILED, Reason.FETCH_TIMEOUT, Reason.FORBIDDEN, Reason.REDIRECT])
def test_bucket_that_does_not_tell_is_a_reject_and_a_fault(monkeypatch: pytest.MonkeyPatch, reason: Reason) -> None:
    reject, tally = found_of(Wanted("PMC7", None), Canned(lambda path, query: reason), monkeypatch)
    assert isinstance(reject, Reject)
    assert (reject.key, reject.reason) == ("PMC7.0", reason)
    assert tally == Tally("faults", 1)


def test_listing_that_is_none_ends_the_index(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ListingError):
        found_of(Wanted("PMC7", None), Canned(lambda path, query: page(token="")), monkeypatch)
