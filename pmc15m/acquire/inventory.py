"""The daily inventory of the bucket: which day is complete, its shards, its rows, and what changed between two.

One row per `metadata/PMC<id>.<v>.json`. Since that JSON holds the md5 of every object of its
version, a change of any object changes the row's ETag: two inventories tell what to fetch again.
"""

import csv
import gzip
import io
import json
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import unquote

from pmc15m.acquire.http import FetchError, HttpClient, object_url
from pmc15m.acquire.listing import list_bucket
from pmc15m.errors import BrokenWorldError
from pmc15m.records import ArticleRef, Reason, Reject, Stage

ROOT = "inventory-reports/pmc-oa-opendata/metadata/"
MAX_MANIFEST_BYTES = 16 * 2**20
MAX_SHARD_BYTES = 2**30

_DAY = re.compile(r"\d{4}-\d\d-\d\dT\d\d-\d\dZ", re.ASCII)
_KEY = re.compile(r"metadata/((PMC[1-9][0-9]{0,17})\.([1-9][0-9]{0,8}))\.json")  # the numbers fit their columns
_SCHEMA = ("Key", "LastModifiedDate", "ETag")


class InventoryError(BrokenWorldError):
    """There is no inventory that can be trusted."""


@dataclass(frozen=True, slots=True)
class InventoryShard:
    """One file of rows."""

    key: str
    md5: str
    num_bytes: int
    columns: tuple[str, ...]  # of the manifest's fileSchema, in order


@dataclass(frozen=True, slots=True)
class Inventory:
    """One complete day."""

    day: str  # "2026-11-24T01-00Z"
    shards: tuple[InventoryShard, ...]
    skipped: tuple[str, ...] = field(default=())  # newer days without a manifest


def find_inventory(client: HttpClient, bucket: str, day: str | None = None) -> Inventory:
    """Return the newest complete inventory, or that of a day.

    Raises:
        InventoryError: the bucket does not answer, no day has a manifest, or that is not what S3 writes.
    """
    skipped: list[str] = []
    try:
        names = [listed.name.removeprefix(ROOT).rstrip("/") for listed in list_bucket(client, bucket, ROOT)]
        days = sorted((name for name in names if _DAY.fullmatch(name) and name.startswith(day or "")), reverse=True)
        for name in days:
            manifest = _read_manifest(client, bucket, name)
            if manifest is not None:
                return Inventory(name, _shards_of(manifest), tuple(skipped))
            skipped.append(name)
    except FetchError as error:
        raise InventoryError(f"the inventory cannot be read: {error.detail}") from error
    raise InventoryError(f"{bucket} has no complete inventory{f' of {day}' if day else ''}: {len(days)} days looked at")


def _read_manifest(client: HttpClient, bucket: str, day: str) -> bytes | None:
    """Return the manifest of a day, None where it is still to be written."""
    try:
        return client.get(object_url(bucket, f"{ROOT}{day}/manifest.json"), max_bytes=MAX_MANIFEST_BYTES).data
    except FetchError as error:
        if error.reason == Reason.NOT_FOUND:
            return None
        raise


def read_shard(client: HttpClient, bucket: str, shard: InventoryShard) -> Iterator[ArticleRef | Reject]:
    """Yield the article versions of one shard, and a reject `index_row` for each line that is none.

    Raises:
        InventoryError: the shard is not the one that the manifest names, twice.
    """
    data = _read_shard_bytes(client, bucket, shard)
    try:
        text = io.TextIOWrapper(gzip.GzipFile(fileobj=io.BytesIO(data)), encoding="utf-8", newline="")
        for number, row in enumerate(csv.reader(text), 1):
            yield _ref_of(row, shard, number)
    except (EOFError, zlib.error, gzip.BadGzipFile, UnicodeDecodeError, csv.Error) as error:
        raise InventoryError(f"{shard.key} cannot be read: {error}") from error


def _read_shard_bytes(client: HttpClient, bucket: str, shard: InventoryShard) -> bytes:
    try:
        data = client.get(object_url(bucket, shard.key), max_bytes=MAX_SHARD_BYTES, md5=shard.md5).data
    except (FetchError, ValueError) as error:  # or a key that cannot be asked for
        raise InventoryError(f"{shard.key}: {error}") from error
    if not data:  # which gzip takes for the end of a file
        raise InventoryError(f"{shard.key} cannot be read: it is empty")
    return data


def _shards_of(manifest: bytes) -> tuple[InventoryShard, ...]:
    try:
        fields = json.loads(manifest)
        columns = tuple(name.strip() for name in fields["fileSchema"].split(","))
        if fields["fileFormat"] != "CSV" or not set(_SCHEMA) <= set(columns):
            raise InventoryError(f"wanted CSV with {_SCHEMA}, got {fields['fileFormat']} with {columns}")
        shards = tuple(
            InventoryShard(str(file["key"]), str(file["MD5checksum"]), int(file["size"]), columns)
            for file in fields["files"]
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InventoryError(f"the manifest is not what S3 writes: {error!r}") from error
    if not shards:  # as if the whole bucket were gone
        raise InventoryError("the manifest names no files")
    return shards


def _ref_of(row: list[str], shard: InventoryShard, number: int) -> ArticleRef | Reject:
    values = dict(zip(shard.columns, row, strict=False))
    match = _KEY.fullmatch(unquote(values.get("Key", "")))
    if match is None or len(row) != len(shard.columns):
        detail = f"{shard.key} line {number}: {','.join(row)[:300]}"
        return Reject("PMC0.0", "PMC0", 0, None, Stage.FETCH, Reason.INDEX_ROW, detail)
    location, pmcid, version = match.groups()
    return ArticleRef(pmcid, int(version), location, values["ETag"].strip('"') or None, values["LastModifiedDate"])
