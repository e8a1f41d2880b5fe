"""The daily inventory: the newest whole day, its rows in any order of columns, and nothing that cannot be trusted."""

import gzip
import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pmc15m.acquire.inventory import ROOT, Inventory, InventoryError, InventoryShard, find_inventory, read_shard
from pmc15m.records import MAX_DETAIL_CHARS, ArticleRef, Reason, Reject, Stage
from tests.server.inventory import BAD_ROWS
from tests.unit.canned import BUCKET, Answer, Canned, client_with
from tests.unit.scripted import md5_of
from tests.unit.test_listing import folders, page

AS_SEEN = ("Bucket", "Key", "LastModifiedDate", "ETag")
AS_IN_README = ("Bucket", "Key", "ETag", "LastModifiedDate")
KEY = f"{ROOT}data/8f5c5e61-02eb-4ee2-b846-3fa7ae63dc17.csv.gz"
DAY, DAY_BEFORE = "2026-11-24T01-00Z", "2026-11-23T01-00Z"


def manifest(**changes: Any) -> bytes:
    """Return a manifest with one file."""
    fields = {
        "sourceBucket": "pmc-oa-opendata",
        "destinationBucket": "arn:aws:s3:::pmc-oa-opendata",
        "version": "2016-11-30",
        "creationTimestamp": "1789952400000",
        "fileFormat": "CSV",
        "fileSchema": ", ".join(AS_SEEN),
        "files": [{"key": KEY, "size": 22_266_406, "MD5checksum": "0" * 32}],
    }
    return json.dumps(fields | changes).encode()


def bucket_with(manifests: dict[str, Answer], *others: str) -> Canned:
    """Return a client of a bucket with these days, some of them without a manifest."""
    names = [f"{ROOT}{name}/" for name in (*manifests, "data", "hive", *others)]

    def answer(path: str, query: dict[str, str]) -> Answer:
        if path == "/":
            return page(folders(*names)) if query["prefix"] == ROOT else Reason.NOT_FOUND
        return manifests.get(path.removeprefix(f"/{ROOT}").removesuffix("/manifest.json"), Reason.NOT_FOUND)

    return Canned(answer)


# The day


def test_newest_day_is_taken() -> None:
    client = bucket_with({"2026-09-30T01-00Z": manifest(), DAY: manifest(), DAY_BEFORE: Reason.FORBIDDEN})
    shard = InventoryShard(KEY, "0" * 32, 22_266_406, AS_SEEN)
    assert find_inventory(client, BUCKET) == Inventory(DAY, (shard,))


def test_newest_day_without_a_manifest_is_passed_over_and_told() -> None:
    client = bucket_with({DAY: Reason.NOT_FOUND, DAY_BEFORE: manifest(), "2026-11-22T01-00Z": Reason.NOT_FOUND})
    found = find_inventory(client, BUCKET)
    assert (found.day, found.skipped) == (DAY_BEFORE, (DAY,))


@pytest.mark.parametrize(
    "name", ["2026-11-25", "2026-11-25T01-00Z.tmp", "9999-99-99T9-99Z", "\u0662026-11-25T01-00Z", "z"]
)
def test_folder_of_another_name_is_no_day(name: str) -> None:
    assert find_inventory(bucket_with({DAY: manifest()}, name), BUCKET).day == DAY


def test_day_may_be_chosen() -> None:
    client = bucket_with({DAY: manifest(), DAY_BEFORE: manifest()})
    assert find_inventory(client, BUCKET, "2026-11-23").day == DAY_BEFORE
    assert find_inventory(client, BUCKET, DAY_BEFORE).day == DAY_BEFORE


def test_day_that_is_not_there_is_an_error() -> None:
    client = bucket_with({DAY: Reason.NOT_FOUND, DAY_BEFORE: manifest()})
    with pytest.raises(InventoryError, match="has no complete inventory of 2026-11-24: 1 days looked at"):
        find_inventory(client, BUCKET, "2026-11-24")
    with pytest.raises(InventoryError, match="has no complete inventory of 2020-01-01: 0 days looked at"):
        find_inventory(client, BUCKET, "2020-01-01")


def test_bucket_without_an_inventory_is_an_error() -> None:
    with pytest.raises(InventoryError, match=r"http://bucket\.test has no complete inventory: 0 days looked at"):
        find_inventory(bucket_with({}), BUCKET)


def test_bucket_that_does_not_answer_is_an_error_that_says_why() -> None:
    with pytest.raises(InventoryError, match="the inventory cannot be read: /: fetch_failed"):
        find_inventory(Canned(lambda path, query: Reason.FETCH_FAILED), BUCKET)
    with pytest.raises(InventoryError, match=r"the inventory cannot be read: .*manifest\.json: forbidden"):
        find_inventory(bucket_with({DAY: Reason.FORBIDDEN}), BUCKET)


@pytest.mark.parametrize(
    "data",
    [
        b"", b"<html>", b"[]", b"null", b"{}", manifest()[:-9], manifest(fileFormat="ORC"), manifest(fileSchema=7),
        manifest(fileSchema="Bucket, Key, Size"), manifest(files=[]), manifest(files=None),
        manifest(files=[{"key": KEY}]), manifest(files=[{"key": KEY, "size": "big", "MD5checksum": "0" * 32}]),
        manifest(files=["x"]), b"\xff\xfe",
    ],
)  # fmt: skip
def test_manifest_that_s3_does_not_write_is_an_error(data: bytes) -> None:
    with pytest.raises(InventoryError, match=r"manifest|wanted CSV"):
        find_inventory(bucket_with({DAY: data}), BUCKET)


def test_manifest_of_the_samples_is_read(shared: Path) -> None:
    data = (shared / "samples" / "s3_list" / "manifest_SYNTHETIC.json").read_bytes()
    found = find_inventory(bucket_with({DAY: data}), BUCKET)
    assert [shard.columns for shard in found.shards] == [AS_SEEN] * len(json.loads(data)["files"])


# Rows


def shard_of(data: bytes, columns: tuple[str, ...] = AS_SEEN) -> tuple[Canned, InventoryShard]:
    """Return a client of a bucket with one shard of these bytes, and the shard."""
    return client_with({f"/{KEY}": data}), InventoryShard(KEY, md5_of(data), len(data), columns)


def read(text: str | bytes, columns: tuple[str, ...] = AS_SEEN) -> list[ArticleRef | Reject]:
    data = gzip.compress(text.encode() if isinstance(text, str) else text, mtime=0)
    client, shard = shard_of(data, columns)
    return list(read_shard(client, BUCKET, shard))


ROW = '"pmc-oa-opendata","metadata/PMC12000122.2.json","2026-06-27T19:16:52.000Z","b5d5f8ec5888a9a5fe0bfcf4a2dcaf80"'
REF = ArticleRef(
    "PMC12000122", 2, "PMC12000122.2", "b5d5f8ec5888a9a5fe0bfcf4a2dcaf80", "2026-06-27T19:16:52.000Z"
)  # fmt: skip


@pytest.mark.parametrize("columns", [AS_SEEN, AS_IN_README, ("ETag", "Key", "LastModifiedDate", "Bucket")])
def test_recorded_rows_are_read_in_any_order_of_columns(shared: Path, columns: tuple[str, ...]) -> None:
    lines = (shared / "samples" / "s3_list" / "inventory_rows_verbatim.csv").read_text().splitlines()
    rows = [dict(zip(AS_SEEN, line.split(","), strict=True)) for line in lines]
    items = read("".join(",".join(row[column] for column in columns) + "\n" for row in rows), columns)
    assert [item.key for item in items] == [
        "PMC10000002.1", "PMC10000003.1", "PMC10000005.1", "PMC12000122.2", "PMC2000230.1",
    ]  # fmt: skip
    assert items[3] == REF
    assert read("\n".join(lines)) == items


def test_rows_that_the_readme_of_the_bucket_shows_are_read(shared: Path) -> None:
    readme = (shared / "samples" / "pmc-oa-opendata_README.txt").read_text()
    lines = re.findall(r'^\s*("pmc-oa-opendata",.*)$', readme, re.MULTILINE)
    items = read("\n".join(lines))
    assert [item.key for item in items] == ["PMC10000002.1", "PMC10000003.1", "PMC10000005.1"]
    assert all(isinstance(item, ArticleRef) and item.etag and item.updated for item in items)
    assert ROOT in readme


def test_more_columns_do_no_harm() -> None:
    columns = (*AS_SEEN, "Size")
    assert read(f'{ROW},"674"\n', columns) == [REF]


def test_etag_of_an_upload_in_parts_is_kept_and_an_empty_one_is_none() -> None:
    row = '"b","metadata/PMC7.1.json","2026-01-08T11:47:59.000Z","{}"\n'
    items = read(row.format("9b2cf535f27731c974343645a3985328-3") + row.format(""))
    assert [item.etag for item in items if isinstance(item, ArticleRef)] == ["9b2cf535f27731c974343645a3985328-3", None]


def test_key_may_be_url_encoded_as_in_other_inventories() -> None:
    assert read(ROW.replace("metadata/PMC", "metadata%2FPMC")) == [REF]


@pytest.mark.parametrize(
    "row",
    [
        *BAD_ROWS,
        ROW.replace(".2.json", ".0.json"),
        ROW.replace(".2.json", ".02.json"),
        ROW.replace("PMC12000122", "PMC012000122"),
        ROW.replace("PMC12000122", "PMC1\u0662"),
        ROW.replace("PMC12000122", f"PMC{'9' * 19}"),
        ROW.replace(".2.json", f".{'9' * 10}.json"),
        ROW.replace("metadata/", "metadata/../"),
        ROW.replace("metadata/", "Metadata/"),
        f"{ROW},",
        "",
        "nonsense",
        '"' + "x" * 2_000 + '"',
    ],
)
def test_row_that_is_none_is_a_reject_and_costs_that_row_alone(row: str) -> None:
    first, middle, last = read(f"{ROW}\n{row}\n{ROW}\n")
    assert first == last == REF
    assert isinstance(middle, Reject)
    assert (middle.key, middle.pmcid, middle.version) == ("PMC0.0", "PMC0", 0)
    assert (middle.stage, middle.reason) == (Stage.FETCH, Reason.INDEX_ROW)
    assert middle.detail.startswith(f"{KEY} line 2: ")
    assert len(middle.detail) <= MAX_DETAIL_CHARS


@given(st.lists(st.sampled_from([ROW, "nonsense", *BAD_ROWS])))
def test_every_line_is_an_article_or_a_reject(lines: list[str]) -> None:
    items = read("".join(f"{line}\r\n" for line in lines))
    assert [isinstance(item, ArticleRef) for item in items] == [line == ROW for line in lines]


def test_shard_without_rows_is_empty() -> None:
    assert read("") == []


# What cannot be trusted


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"plain text",
        gzip.compress(ROW.encode())[:-4],
        gzip.compress(ROW.encode())[:20],
        gzip.compress(f"{ROW}\n".encode() * 500)[:100] + b"\xff" * 8 + gzip.compress(f"{ROW}\n".encode() * 500)[108:],
        gzip.compress(ROW.encode()) + b"and more",
        gzip.compress(b'"\xff","x"\n'),
        gzip.compress(b'"' + b"x" * 200_000 + b'"\n'),
    ],
    ids=["nothing", "plain", "no-crc", "cut", "flipped", "more", "no-utf-8", "long-field"],
)
def test_shard_that_is_damaged_is_an_error(data: bytes) -> None:
    client, shard = shard_of(data)
    with pytest.raises(InventoryError, match=f"{re.escape(KEY)} cannot be read"):
        list(read_shard(client, BUCKET, shard))


def test_shard_of_another_md5_is_an_error() -> None:
    data = gzip.compress(ROW.encode())
    client = client_with({f"/{KEY}": data})
    with pytest.raises(InventoryError, match=f"{re.escape(KEY)}: .*another md5"):
        list(read_shard(client, BUCKET, InventoryShard(KEY, "0" * 32, len(data), AS_SEEN)))


def test_shard_that_is_not_there_is_an_error() -> None:
    with pytest.raises(InventoryError, match=f"{re.escape(KEY)}: .*not_found"):
        list(read_shard(client_with({}), BUCKET, InventoryShard(KEY, "0" * 32, 1, AS_SEEN)))


def test_shard_whose_key_cannot_be_asked_for_is_an_error() -> None:
    with pytest.raises(InventoryError, match="dot segments"):
        list(read_shard(client_with({}), BUCKET, InventoryShard("data/../x.csv.gz", "0" * 32, 1, AS_SEEN)))
