"""Listings of a bucket: all pages, versions in the order of their numbers, and nothing that is no listing."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pmc15m.acquire.http import FetchError
from pmc15m.acquire.listing import Listed, ListingError, list_bucket, list_versions
from pmc15m.records import ArticleRef, Reason
from tests.server.collection import Stored
from tests.server.listing import Bucket, list_objects
from tests.unit.canned import BUCKET, Canned

HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'


def page(inside: str = "", token: str | None = None) -> bytes:
    """Return one page as S3 writes it; with a token it is not the last one."""
    more = f"<NextContinuationToken>{token}</NextContinuationToken>" if token else ""
    is_cut = "false" if token is None else "true"
    return f"{HEAD}<IsTruncated>{is_cut}</IsTruncated>{more}{inside}</ListBucketResult>".encode()


def folders(*names: str) -> str:
    return "".join(f"<CommonPrefixes><Prefix>{name}</Prefix></CommonPrefixes>" for name in names)


def of_one_page(data: bytes) -> Canned:
    return Canned(lambda path, query: data)


def versions(*names: str, pmcid: str = "PMC7") -> list[int]:
    return [ref.version for ref in list_versions(of_one_page(page(folders(*names))), BUCKET, pmcid)]


@pytest.mark.parametrize(("pmcid", "found"), [("PMC4924218", [1]), ("PMC7988253", [1, 2]), ("PMC2300466", [])])
def test_recorded_listing_gives_the_versions(shared: Path, pmcid: str, found: list[int]) -> None:
    (path,) = (shared / "samples" / "s3_list").glob(f"versions_{pmcid}*.xml")
    client = of_one_page(path.read_bytes())
    wanted = [ArticleRef(pmcid, version, f"{pmcid}.{version}") for version in found]
    assert list_versions(client, BUCKET, pmcid) == wanted


def test_versions_are_asked_for_with_a_dot_at_the_end() -> None:
    client = of_one_page(page())
    assert list_versions(client, f"{BUCKET}/", "PMC113") == []
    assert client.asked == [("/", {"list-type": "2", "prefix": "PMC113.", "delimiter": "/"})]


def test_versions_come_in_the_order_of_their_numbers() -> None:
    assert versions("PMC7.1/", "PMC7.10/", "PMC7.11/", "PMC7.2/", "PMC7.9/") == [1, 2, 9, 10, 11]


@pytest.mark.parametrize(
    "name",
    [
        "PMC7.0/",
        "PMC7.01/",
        "PMC7.x/",
        "PMC7./",
        "PMC7.\u0661/",
        "PMC77.1/",
        "PMC8.1/",
        "PMC7.1/2/",
        "PMC7.9999999999/",
        "",
    ],
)
def test_folder_of_another_form_is_no_version(name: str) -> None:
    assert versions("PMC7.3/", name) == [3]


def test_key_that_begins_like_a_version_is_none() -> None:
    data = page("<Contents><Key>PMC7.1/</Key><Size>0</Size></Contents>")
    assert list_versions(of_one_page(data), BUCKET, "PMC7") == []


def test_keys_come_with_size_and_etag() -> None:
    entry = (
        "<Contents><Key>PMC7.1/a &amp; b.jpg</Key><LastModified>2026-01-08T11:47:59.000Z</LastModified>"
        "<ETag>&quot;9b2cf535f27731c974343645a3985328-3&quot;</ETag><ChecksumType>FULL_OBJECT</ChecksumType>"
        "<Size>12345</Size><StorageClass>STANDARD</StorageClass></Contents>"
    )
    found = list(list_bucket(of_one_page(page(f"{entry}<Contents><Key>x</Key></Contents>")), BUCKET, "PMC7.1/", ""))
    assert found == [
        Listed("PMC7.1/a & b.jpg", False, 12_345, "9b2cf535f27731c974343645a3985328-3"),
        Listed("x", False, 0, None),
    ]


def test_listing_without_a_delimiter_asks_for_none() -> None:
    client = of_one_page(page())
    list(list_bucket(client, BUCKET, "a b/&", ""))
    assert client.asked == [("/", {"list-type": "2", "prefix": "a b/&"})]


STORED = Stored(b"", "d41d8cd98f00b204e9800998ecf8427e", 0)


def paging(keys: list[str], size: int) -> Canned:
    """Return a client of a bucket whose pages are small, and whose tokens hold "+", "/" and "="."""
    bucket = Bucket(sorted(keys), lambda folder: [], lambda key: STORED)
    return Canned(lambda path, query: list_objects(bucket, query | {"max-keys": str(size)}))


@given(st.sets(st.text("ab./+&= \u00e9", min_size=1, max_size=5), max_size=12), st.integers(1, 4))
def test_pages_of_any_keys_add_up(keys: set[str], size: int) -> None:
    keys = {key for key in keys if not key.endswith("/")}
    client = paging(list(keys), size)
    assert [listed.name for listed in list_bucket(client, BUCKET, "", "")] == sorted(keys)
    assert len(client.asked) == max(1, -(-len(keys) // size))


def test_token_is_sent_as_it_came() -> None:
    client = paging([f"k{number:02}" for number in range(7)], 2)
    assert len(list(list_bucket(client, BUCKET, "k", "/"))) == 7
    tokens = [query["continuation-token"] for _, query in client.asked[1:]]
    assert all(token.startswith("1+/") for token in tokens)
    assert any(token.endswith("=") for token in tokens)


def test_page_that_leads_back_to_an_earlier_one_is_an_error() -> None:
    tokens = iter(["a", "b", "a", "c"])
    client = Canned(lambda path, query: page(folders("PMC7.1/"), next(tokens)))
    with pytest.raises(ListingError, match=r"lists 'PMC7\.' in a circle: token 'a' again"):
        list_versions(client, BUCKET, "PMC7")
    assert len(client.asked) == 3


def test_page_that_goes_on_without_a_token_is_an_error() -> None:
    with pytest.raises(ListingError, match="in a circle: token '' again"):
        list(list_bucket(of_one_page(page(token="")), BUCKET, "x"))


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "the listing is not XML"),
        (b'{"keys": []}', "the listing is not XML"),
        (b"<html><body>Hello<br></body></html>", "the listing is not XML"),
        (b"<html/>", "the listing is a html, not a ListBucketResult"),
        (b"<Error><Code>AccessDenied</Code></Error>", "the listing is a Error, not a ListBucketResult"),
        (page()[:-5], "the listing is not XML"),
        (b"<!DOCTYPE x [<!ENTITY a SYSTEM 'file:///etc/hostname'>]><ListBucketResult>&a", "the listing is not XML"),
    ],
)
def test_what_is_no_listing_is_an_error(data: bytes, said: str) -> None:
    with pytest.raises(ListingError, match=said):
        list(list_bucket(of_one_page(data), BUCKET, "x"))


def test_entity_in_a_listing_is_not_resolved() -> None:
    data = b"<!DOCTYPE x [<!ENTITY a SYSTEM 'file:///etc/hostname'>]>" + page(folders("PMC7.1/&a;")).partition(b"\n")[2]
    assert [listed.name for listed in list_bucket(of_one_page(data), BUCKET, "x")] == ["PMC7.1/"]


def test_bucket_that_does_not_answer_is_told_as_the_client_tells_it() -> None:
    with pytest.raises(FetchError) as failed:
        list_versions(Canned(lambda path, query: Reason.FORBIDDEN), BUCKET, "PMC7")
    assert failed.value.reason == Reason.FORBIDDEN
