"""The daily inventories of the metadata: 31 dated folders, the newest of them without a manifest."""

import gzip
import json
import uuid
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

from tests.server.collection import DAY_S, TODAY, Collection, Lru, Stored, Version
from tests.server.variants import md5_of

BUCKET = "pmc-oa-opendata"
ROOT = f"inventory-reports/{BUCKET}/metadata/"
KEPT_DAYS = 31
SCHEMAS = (("Bucket", "Key", "LastModifiedDate", "ETag"), ("Bucket", "Key", "ETag", "LastModifiedDate"))
"""The order of the columns: that of the README every other day, as seen in shards on the days between."""

BAD_ROWS = (
    '"pmc-oa-opendata","metadata/PMC80000000.json"',
    '"pmc-oa-opendata","metadata/","2026-01-08T11:47:59.000Z","d41d8cd98f00b204e9800998ecf8427e"',
    '"pmc-oa-opendata","metadata/PMC80000000.one.json","2026-01-08T11:47:59.000Z","d41d8cd98f00b204e9800998ecf8427e"',
    '"pmc-oa-opendata","README.txt","2026-01-08T11:47:59.000Z","d41d8cd98f00b204e9800998ecf8427e","1"',
)


def iso_of(seconds: int) -> str:
    """Return a time as S3 writes it, in ms."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")


def dated(index: int) -> str:
    """Return the folder of the inventory of a day, "2026-11-02T01-00Z/"."""
    return datetime.fromtimestamp(TODAY + index * DAY_S, UTC).strftime("%Y-%m-%dT01-00Z/")


def schema_of(index: int) -> tuple[str, ...]:
    """Return the columns of the inventory of a day."""
    return SCHEMAS[index % 2 == 0]


class Inventories:
    """What lies under `inventory-reports/`; the folder of day `index` tells of the state of one day, for ever."""

    def __init__(self, collection: Collection) -> None:
        self._collection = collection
        self._config = collection.config
        self._made: Lru[Mapping[str, Stored]] = Lru(KEPT_DAYS)

    def keys(self, day: int) -> list[str]:
        """Return the keys that there are on a day, sorted."""
        return sorted(key for index in range(day - KEPT_DAYS + 1, day + 1) for key in self._keys_of(index, day))

    def find(self, key: str, day: int) -> Stored | None:
        """Return an object, None where there is none."""
        for index in range(day - KEPT_DAYS + 1, day + 1):
            if key in self._keys_of(index, day):
                return self._of(index)[key]
        return None

    def described_day(self, index: int) -> int:
        """Return the day whose articles the inventory of a day lists."""
        return max(0, index + 1 - self._config.lag_days)

    def _keys_of(self, index: int, day: int) -> list[str]:
        keys = [ROOT + dated(index) + "manifest.checksum"]
        if index < day:
            keys += [ROOT + dated(index) + "manifest.json", _hive_key(index)]
            keys += [self._shard_key(index, number) for number in range(self._config.shards)]
        return keys

    def _shard_key(self, index: int, number: int) -> str:
        name = uuid.UUID(md5_of(f"{self._config.seed}:{index}:{number}".encode()), version=4)
        return f"{ROOT}data/{name}.csv.gz"

    def _of(self, index: int) -> Mapping[str, Stored]:
        return self._made.get(index, lambda: self._make(index), hold=True)

    def _make(self, index: int) -> dict[str, Stored]:
        """Make the files of the inventory of a day."""
        data: dict[str, bytes] = {}
        files = []
        for number in range(self._config.shards):
            shard, md5 = self._make_shard(index, number)
            key = self._shard_key(index, number)
            data[key] = shard
            files.append({"key": key, "size": len(shard), "MD5checksum": md5})
        manifest = {
            "sourceBucket": BUCKET,
            "destinationBucket": f"arn:aws:s3:::{BUCKET}",
            "version": "2016-11-30",
            "creationTimestamp": str((TODAY + index * DAY_S + 3_600) * 1_000),
            "fileFormat": "CSV",
            "fileSchema": ", ".join(schema_of(index)),
            "files": files,
        }
        text = json.dumps(manifest, indent=2, separators=(",", " : ")).encode()
        data[ROOT + dated(index) + "manifest.json"] = text
        data[ROOT + dated(index) + "manifest.checksum"] = md5_of(text).encode()
        data[_hive_key(index)] = "\n".join(f"s3://{BUCKET}/{file['key']}" for file in files).encode()
        updated = TODAY + index * DAY_S + 3_600
        return {key: Stored(value, md5_of(value), updated) for key, value in data.items()}

    def _make_shard(self, index: int, number: int) -> tuple[bytes, str]:
        """Return the bytes of a shard, and the md5 that the manifest tells."""
        text = "".join(f"{row}\n" for row in self._rows(index, number))
        data = gzip.compress(text.encode(), 6, mtime=0)
        if number or not self._config.corrupt_shard:
            return data, md5_of(data)
        spoilt = bytearray(data)
        spoilt[len(data) // 2] ^= 0xFF
        return bytes(spoilt), md5_of(data if self._config.corrupt_shard == "md5" else bytes(spoilt))

    def _rows(self, index: int, number: int) -> Iterator[str]:
        versions = self._collection.versions(self.described_day(index))
        for folder in sorted(versions)[number :: self._config.shards]:
            yield self._row(versions[folder], index)
        if self._config.bad_rows and number == 0:
            yield from BAD_ROWS

    def _row(self, version: Version, index: int) -> str:
        values = {
            "Bucket": BUCKET,
            "Key": f"metadata/{version.folder}.json",
            "LastModifiedDate": iso_of(version.updated),
            "ETag": self._collection.index_etag(version),
        }
        return ",".join(f'"{values[column]}"' for column in schema_of(index))


def _hive_key(index: int) -> str:
    day = datetime.fromtimestamp(TODAY + index * DAY_S, UTC).strftime("%Y-%m-%d")
    return f"{ROOT}hive/dt={day}-01-00/symlink.txt"
