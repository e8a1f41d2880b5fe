"""Rows and shards of a release that is small enough to be written by hand."""

import hashlib
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from pmc15m.records import Reject
from pmc15m.release.files import ReleaseFile, Shard
from pmc15m.release.table import PAIRS_SCHEMA, REJECTS_SCHEMA, pair_row
from pmc15m.release.tar import TarFile
from pmc15m.rows import to_row
from tests import some
from tests.tiny import MILL

ZERO = "https://creativecommons.org/publicdomain/zero/1.0/"


def row(key: str = "PMC7_0001_01", **changes: Any) -> dict[str, Any]:
    """Return the row of a sample."""
    made = pair_row(some.pair(key), some.decision(key), "re-encoded as JPEG quality 90", "pmc15m-train-000000", 512, 99)
    return made | changes


def pairs_table(rows: list[dict[str, Any]]) -> pa.Table:
    """Return rows as the table of a shard."""
    return pa.Table.from_pylist(rows, schema=PAIRS_SCHEMA)


def write_shards(out: Path, rows: dict[str, list[dict[str, Any]]]) -> list[Shard]:
    """Write some shards, each image the same.

    Args:
        out: the release.
        rows: by the name of their shard, `pmc15m-train-000000`.
    """
    shards = []
    for name, own in rows.items():
        split = name.split("-")[1]
        for folder in ("pairs", split):
            (out / folder).mkdir(parents=True, exist_ok=True)
        tar_path, table_path = out / split / f"{name}.tar", out / "pairs" / f"{name}.parquet"
        with tar_path.open("wb") as target:
            tar = TarFile(target)
            offsets = [tar.add(f"{row['key']}.jpg", MILL) for row in own]
            digest = tar.close()
        placed = {"split": split, "shard": name, "image_num_bytes": len(MILL)}
        made = [row | placed | {"image_offset": offset} for row, offset in zip(own, offsets, strict=True)]
        pq.write_table(pairs_table(made), table_path)
        table = table_path.read_bytes()
        sha256 = hashlib.sha256(table).hexdigest()
        shards.append(Shard(name, split, len(own), tar.num_bytes, digest, len(table), sha256))
    return shards


def write_rejects(out: Path, rejects: list[Reject]) -> ReleaseFile:
    """Write the table of rejects."""
    path = out / "rejects" / "rejects-000000.parquet"
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist([to_row(reject) for reject in rejects], schema=REJECTS_SCHEMA), path)
    data = path.read_bytes()
    name = str(path.relative_to(out))
    return ReleaseFile(name, len(data), hashlib.sha256(data).hexdigest(), len(rejects))
