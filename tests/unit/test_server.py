"""The test server: objects, listings and inventories as the Cloud Service has them."""

import csv
import gzip
import io
import json
import re
import zlib
from collections.abc import Iterator
from dataclasses import replace
from urllib.parse import quote

import pytest

from pmc15m.synth import make_article
from tests.server import Collection, Server, ServerConfig, Variant
from tests.server.client import Client, asked_server, texts
from tests.server.inventory import BAD_ROWS, ROOT, SCHEMAS, Inventories, dated
from tests.server.variants import md5_of

CONFIG = ServerConfig(
    articles=24, synth_faults=("superseded", "retracted", "json_missing"), synth_fault_every=8, variants_every=2
)


@pytest.fixture(scope="module")
def running() -> Iterator[tuple[Server, Client]]:
    with asked_server(CONFIG) as both:
        yield both


@pytest.fixture
def server(running: tuple[Server, Client]) -> Server:
    return running[0]


@pytest.fixture
def client(running: tuple[Server, Client]) -> Client:
    return running[1]


@pytest.fixture(scope="module")
def collection() -> Collection:
    return Collection(CONFIG)


# Objects


def test_objects_are_the_bytes_of_the_generator(client: Client) -> None:
    article = make_article(CONFIG.synth, 2)
    for name, data in article.files.items():
        answer = client.get(f"/{article.folder}/{quote(name)}?md5={'0' * 32}")
        assert (answer.status, answer.data) == (200, data)
        assert answer.headers["Accept-Ranges"] == "bytes"
        assert answer.headers["Last-Modified"].endswith(" GMT")
        assert re.fullmatch(r'"[0-9a-f]{32}(-2)?"', answer.headers["ETag"])
    metadata = client.get(f"/metadata/{article.folder}.json")
    assert metadata.data == article.files[f"{article.folder}.json"]
    assert metadata.headers["ETag"] == f'"{md5_of(metadata.data)}"'


def test_some_etags_are_not_the_md5(collection: Collection) -> None:
    stored = [one for version in collection.versions(0).values() for one in collection.files(version).values()]
    parts = [one for one in stored if one.etag.endswith("-2")]
    assert 0.1 < len(parts) / len(stored) < 0.4
    assert all(one.etag == md5_of(one.data) for one in stored if one not in parts)


def test_head_has_the_headers_and_no_body(client: Client) -> None:
    get = client.get("/README.txt")
    head = client.get("/README.txt", method="HEAD")
    assert head.data == b""
    assert dict(head.headers) == dict(get.headers)
    assert int(head.headers["Content-Length"]) == len(get.data)


@pytest.mark.parametrize(
    ("asked", "first", "last"),
    [("bytes=0-9", 0, 9), ("bytes=5-", 5, None), ("bytes=-4", -4, None), ("bytes=3-99999", 3, None)],
)
def test_a_range_is_answered_with_206(client: Client, asked: str, first: int, last: int | None) -> None:
    whole = client.get("/README.txt").data
    answer = client.get("/README.txt", range=asked)
    part = whole[first : None if last is None else last + 1]
    start = first % len(whole)
    assert (answer.status, answer.data) == (206, part)
    assert answer.headers["Content-Range"] == f"bytes {start}-{start + len(part) - 1}/{len(whole)}"


@pytest.mark.parametrize("asked", ["bytes=9-3", "bytes=a-b", "lines=1-2", "bytes=0-1,4-5", "bytes=-"])
def test_a_range_that_makes_no_sense_is_passed_over(client: Client, asked: str) -> None:
    assert client.get("/README.txt", range=asked).status == 200


def test_conditions_are_heeded(client: Client) -> None:
    whole = client.get("/README.txt")
    assert client.get("/README.txt", range="bytes=99999-").status == 416
    same = client.get("/README.txt", if_none_match=whole.headers["ETag"])
    assert (same.status, same.data, same.headers["ETag"]) == (304, b"", whole.headers["ETag"])
    assert client.get("/README.txt", if_none_match='"other"').status == 200
    assert client.get("/README.txt", if_modified_since=whole.headers["Last-Modified"]).status == 304
    assert client.get("/README.txt", if_modified_since="Mon, 05 Jan 1998 00:00:00 GMT").status == 200
    assert client.get("/README.txt", if_match='"other"').status == 412
    assert client.get("/README.txt", if_match=whole.headers["ETag"]).status == 200


@pytest.mark.parametrize("key", ["PMC1.1/", "PMC80000000.1/", "PMC80000000.1/none", "metadata/PMC1.1.json", "x", "%00"])
def test_what_is_not_there_is_no_such_key(client: Client, key: str) -> None:
    answer = client.get(f"/{key}")
    assert (answer.status, texts(answer.data, "Code")) == (404, ["NoSuchKey"])


def test_names_are_percent_decoded(client: Client, collection: Collection) -> None:
    number = next(number for number in range(24) if collection.variant_of(number) == Variant.ODD_NAMES)
    version = collection.versions(0)[f"PMC{80_000_000 + number}.1"]
    names = [name for name in collection.files(version) if name.startswith("Fig 1+2 \u2013 café #3 100% ")]
    assert names
    for name in names:
        answer = client.get(f"/{version.folder}/{quote(name)}")
        assert answer.data == collection.files(version)[name].data
    assert client.get(f"/{version.folder}/{quote(names[0], safe='+')}").status == 404, "a plus is a space"
    assert client.get("/%ff").status == 400


# Listings


def test_versions_of_an_article_are_listed_as_recorded(client: Client) -> None:
    data = client.get("/?list-type=2&prefix=PMC80000007.&delimiter=/").data
    assert data.decode() == (
        '<?xml version="1.0" encoding="UTF-8"?>\n<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
        "<Name>pmc-oa-opendata</Name><Prefix>PMC80000007.</Prefix><KeyCount>2</KeyCount><MaxKeys>1000</MaxKeys>"
        "<Delimiter>/</Delimiter><IsTruncated>false</IsTruncated><CommonPrefixes><Prefix>PMC80000007.1/</Prefix>"
        "</CommonPrefixes><CommonPrefixes><Prefix>PMC80000007.2/</Prefix></CommonPrefixes></ListBucketResult>"
    )
    empty = client.get("/?list-type=2&prefix=PMC2300466.&delimiter=/").data.decode()
    assert empty.endswith("<KeyCount>0</KeyCount><MaxKeys>1000</MaxKeys><Delimiter>/</Delimiter>"
                          "<IsTruncated>false</IsTruncated></ListBucketResult>")  # fmt: skip


def test_pages_of_a_listing_add_up_in_the_order_of_bytes(client: Client) -> None:
    whole, _, pages = client.list_all()
    assert pages == 1
    assert whole == sorted(whole, key=str.encode)
    assert any(" " in key for key in whole)
    assert client.list_all(**{"max-keys": "7"})[0] == whole
    assert client.list_all(**{"start-after": whole[20]})[0] == whole[21:]
    assert client.list_all(delimiter="/", **{"max-keys": "1"})[:2] == client.list_all(delimiter="/")[:2]
    _, prefixes, _ = client.list_all(delimiter="/")
    assert prefixes == sorted({key.partition("/")[0] + "/" for key in whole if "/" in key})


def test_what_is_listed_is_there_and_of_that_size(client: Client) -> None:
    data = client.get("/?list-type=2&prefix=PMC80000002.1/").data
    for key, size, etag in zip(texts(data, "Key"), texts(data, "Size"), texts(data, "ETag"), strict=True):
        answer = client.get("/" + quote(key))
        assert (str(len(answer.data)), answer.headers["ETag"]) == (size, etag.replace("&quot;", '"'))


@pytest.mark.parametrize("query", ["max-keys=x", "max-keys=-1", "continuation-token=", "continuation-token=1+/YQ=="])
def test_a_wrong_listing_is_refused(client: Client, query: str) -> None:
    answer = client.get(f"/?list-type=2&{query}")
    assert (answer.status, texts(answer.data, "Code")) == (400, ["InvalidArgument"]), "a raw plus is a space"


# Inventories


def test_inventory_of_31_days_ends_with_one_that_is_not_whole(client: Client) -> None:
    _, prefixes, _ = client.list_all(prefix=ROOT, delimiter="/")
    days = [prefix.removeprefix(ROOT) for prefix in prefixes]
    assert days == [*(dated(index) for index in range(-30, 1)), "data/", "hive/"]
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d-\d\dZ/", day) for day in days[:-2])
    assert client.get(f"/{ROOT}{dated(0)}manifest.json").status == 404
    assert client.get(f"/{ROOT}{dated(-31)}manifest.json").status == 404


def read_inventory(client: Client, index: int) -> dict[str, dict[str, str]]:
    """Return the rows by key; every md5 and size has to be right."""
    manifest = json.loads(client.get(f"/{ROOT}{dated(index)}manifest.json").data)
    columns = manifest["fileSchema"].split(", ")
    rows = {}
    for file in manifest["files"]:
        data = client.get("/" + file["key"]).data
        assert (len(data), md5_of(data)) == (file["size"], file["MD5checksum"])
        assert data[4:8] == bytes(4), "no time in the gzip header"
        for row in csv.reader(io.StringIO(gzip.decompress(data).decode())):
            rows[row[columns.index("Key")]] = dict(zip(columns, row, strict=True))
    return rows


def test_inventory_lists_the_metadata_with_their_etags(client: Client) -> None:
    keys, _, _ = client.list_all(prefix="metadata/")
    rows = read_inventory(client, -1)
    lost = set(rows) - set(keys)
    assert len(lost) == 1, "of the article without metadata"
    assert set(keys) <= set(rows)
    for key in keys[:6]:
        answer = client.get(f"/{key}")
        assert answer.headers["ETag"] == f'"{rows[key]["ETag"]}"'
        assert rows[key]["LastModifiedDate"].endswith(".000Z")


def test_a_day_takes_one_changes_one_and_adds_one(client: Client, server: Server) -> None:
    try:
        for day in (1, 2, 3):
            server.set_day(day)
            before, now = read_inventory(client, day - 2), read_inventory(client, day - 1)
            (gone,) = set(before) - set(now)
            (added,) = set(now) - set(before)
            changed = [key for key in set(before) & set(now) if before[key]["ETag"] != now[key]["ETag"]]
            assert len(changed) == 1
            assert client.get(f"/{gone}").status == 404
            assert client.get(f"/{added}").status == 200
            answer = client.get(f"/{changed[0]}")
            assert answer.headers["ETag"] == f'"{now[changed[0]]["ETag"]}"'
    finally:
        server.set_day(0)


@pytest.mark.parametrize("kind", ["md5", "gzip"])
def test_a_shard_may_be_corrupt(kind: str) -> None:
    made = Inventories(Collection(ServerConfig(articles=4, quick_etags=True, corrupt_shard=kind, bad_rows=True)))
    manifest = made.find(f"{ROOT}{dated(-1)}manifest.json", 0)
    assert manifest
    first, second = json.loads(manifest.data)["files"]
    spoilt, sound = made.find(first["key"], 0), made.find(second["key"], 0)
    assert spoilt
    assert sound
    assert (md5_of(spoilt.data) == first["MD5checksum"]) == (kind == "gzip")
    assert len(gzip.decompress(sound.data).splitlines()) == 2
    with pytest.raises((OSError, EOFError, zlib.error)):
        gzip.decompress(spoilt.data)


def test_inventory_may_have_rows_that_are_none_and_two_orders_of_columns() -> None:
    made = Inventories(Collection(ServerConfig(articles=4, shards=1, bad_rows=True)))
    orders = set()
    for index in (-1, -2):
        manifest = made.find(f"{ROOT}{dated(index)}manifest.json", 0)
        assert manifest
        fields = json.loads(manifest.data)
        shard = made.find(fields["files"][0]["key"], 0)
        assert shard
        lines = gzip.decompress(shard.data).decode().splitlines()
        assert lines[4:] == list(BAD_ROWS)
        orders.add(tuple(fields["fileSchema"].split(", ")))
    assert orders == set(SCHEMAS)


def test_inventory_may_lag_behind_the_bucket() -> None:
    config = ServerConfig(articles=6, quick_etags=True)
    for lag, day in ((0, 3), (1, 2)):
        made = Inventories(Collection(replace(config, lag_days=lag)))
        assert made.described_day(2) == day, "the newest whole one of day 3"
