"""A whole small release, made in milliseconds: shards by hand, all else by what ends every build."""

import json
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import replace
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pyarrow as pa
import pyarrow.parquet as pq

from pmc15m.config import DatasetConfig, EncodeConfig, ShardsConfig, to_toml
from pmc15m.curate.judge import ArticleSplit
from pmc15m.images.encode import output_size
from pmc15m.records import ARTICLE_KEY_PATTERN, Decision, Pair, Reason, Reject, Stage
from pmc15m.release.closing import seal
from pmc15m.release.files import Shard
from pmc15m.release.finish import ReleaseJob, finish_release, start_release
from pmc15m.release.rejects import put_reject_table
from pmc15m.release.shards import TABLE_ROW_GROUP_ROWS
from pmc15m.release.table import PAIRS_SCHEMA, REJECTS_SCHEMA, pair_row, sample_json
from pmc15m.release.tar import TarFile
from pmc15m.rows import PARQUET_OPTIONS, order_of, order_range, to_row, write_rows, write_table
from pmc15m.stages import Origin
from pmc15m.store import Store
from tests import some
from tests.tiny import packed, picture

CONFIG = DatasetConfig(encode=EncodeConfig(short_side_px=60), shards=ShardsConfig(samples_per_shard=32))
ORIGIN = Origin("shard", "0.1.0", "c" * 64, "i" * 64)
CHANGES = "resized from 160x120 to 80x60 px and re-encoded as JPEG quality 90"
_IMAGE = packed(picture(1, 80, 60), "JPEG")
PAIRS = {
    f"PMC{number}_0001_{graphic:02d}": "train" if number % 5 else "val" for number in range(1, 21) for graphic in (1, 2)
}
"""Split by key: 40 samples of 20 articles, 8 in val."""

REJECTS = (
    Reject("PMC90.1", "PMC90", 1, None, Stage.EXTRACT, Reason.RETRACTED, ""),
    Reject("PMC91_0001_01", "PMC91", 1, "F1", Stage.EXTRACT, Reason.NO_CAPTION, ""),
    Reject("PMC92_0001_01", "PMC92", 1, "F1", Stage.CURATE, Reason.LICENSE, "CC BY-NC"),
    Reject("PMC92_0002_01", "PMC92", 1, "F2", Stage.SHARD, Reason.SOURCE_CHANGED, "mill.jpg is gone since extract"),
)
COUNTS = {"train": 3, "val": 1}


def write_whole(
    out: Path,
    pairs: Mapping[str, str] = PAIRS,
    *,
    counts: Mapping[str, int] = COUNTS,
    changes: Mapping[str, Mapping[str, Any]] | None = None,
    rejects: Iterable[Reject] = REJECTS,
    config: DatasetConfig = CONFIG,
    origin: Origin = ORIGIN,
    parent: Path | None = None,
) -> Path:
    """Write a release and return its folder.

    Args:
        out: the folder.
        pairs: split of each sample by key.
        counts: shards of each split.
        changes: what is different of some samples: values of the pair, of the decision, or the `image`.
        rejects: of all stages.
        config: that it was made by.
        origin: what it says it was made of.
        parent: the release before.
    """
    rejects, changes = list(rejects), changes or {}
    assert start_release(str(out), origin, overwrite=False)
    shards = [
        _write_shard(out, split, index, count, [key for key in pairs if pairs[key] == split], changes, config)
        for split, count in sorted(counts.items())
        for index in range(count)
    ]
    made = [shard for shard in shards if shard is not None]
    table = pa.Table.from_pylist([to_row(reject) for reject in sorted(rejects, key=lambda r: r.key)], REJECTS_SCHEMA)
    tables = [put_reject_table(str(out), 0, table)]
    tallies = _tallies(rejects, pairs, changes)
    job = ReleaseJob(
        str(out), (), origin, to_toml(config), {"kind": "fetched", "inventory_date": "2026-01-02"},
        tallies, tallies, _splits(out, pairs), {"leaks": {}}, str(parent) if parent else None,
    )  # fmt: skip
    with without_pages():
        finish_release(job, made, tables, tallies)
    return out


def without_pages() -> AbstractContextManager[Any]:
    """Leave out the report's pages, whose contact sheets take a second, and which are files like any other."""
    return patch("pmc15m.release.closing.write_pages", lambda _: [])


def _splits(out: Path, pairs: Mapping[str, str]) -> tuple[str, tuple[str, ...]]:
    folder = Store(str(out.parent / f"{out.name}.decisions"))
    articles = {key.split("_")[0]: split for key, split in pairs.items()}
    rows = [ArticleSplit(pmcid, split, pmcid) for pmcid, split in articles.items()]
    return folder.uri, (write_rows(rows, ArticleSplit, folder, "splits").name,)


def _write_shard(
    out: Path, split: str, index: int, count: int, keys: list[str],
    changes: Mapping[str, Mapping[str, Any]], config: DatasetConfig,
) -> Shard | None:  # fmt: skip
    low, high = order_range(index, count)
    name, target, rows = f"pmc15m-{split}-{index:06d}", BytesIO(), []
    tar = TarFile(target)
    for key in sorted(key for key in keys if low <= order_of(key) < high):
        pair, decision, image = _sample(key, split, dict(changes.get(key, {})))
        offset = tar.add(f"{key}.jpg", image)
        said = sample_json(pair, *output_size(pair.image, config.encode))
        tar.add(f"{key}.json", json.dumps(said, ensure_ascii=False).encode())
        tar.add(f"{key}.txt", pair.figure.caption.encode())
        rows.append(pair_row(pair, decision, CHANGES, name, offset, len(image)))
    digest = tar.close()
    if not rows:
        return None
    for folder in (split, "pairs"):
        (out / folder).mkdir(exist_ok=True)
    (out / split / f"{name}.tar").write_bytes(target.getvalue())
    path = out / "pairs" / f"{name}.parquet"
    write_table(pa.Table.from_pylist(rows, PAIRS_SCHEMA), path, TABLE_ROW_GROUP_ROWS)
    data = path.read_bytes()
    return Shard(name, split, len(rows), tar.num_bytes, digest, len(data), sha256(data).hexdigest())


def _sample(key: str, split: str, changes: dict[str, Any]) -> tuple[Pair, Decision, bytes]:
    image = changes.pop("image", _IMAGE)
    decided = {name: changes.pop(name) for name in list(changes) if name in Decision.__slots__}
    year = changes.pop("year", 2000 + int(key.split("_")[0].removeprefix("PMC")))
    caption = changes.pop("caption", f"M\u00fchle {key}.")
    pair = some.pair(key, width_px=160, height_px=120, caption=caption, sha256=some.digest(key), **changes)
    figure = replace(pair.figure, article=replace(pair.figure.article, year=year))
    return replace(pair, figure=figure), some.decision(key, **({"split": split} | decided)), image


def _tallies(
    rejects: list[Reject], pairs: Mapping[str, str], changes: Mapping[str, Mapping[str, Any]]
) -> dict[str, int]:
    num = dict.fromkeys(Stage, 0)
    tallies = {"samples/written": len(pairs)}
    for reject in rejects:
        is_article = ARTICLE_KEY_PATTERN.match(reject.key) is not None
        name = f"rejects/{reject.stage}/{'articles' if is_article else 'figures'}/{reject.reason}"
        tallies[name] = tallies.get(name, 0) + 1
        num[reject.stage] += not is_article
    num_articles = len({key.split("_")[0] for key in pairs})
    tallies["articles/with_figs"] = num_articles
    tallies["articles/read"] = num_articles + sum(reject.is_article for reject in rejects)
    tallies["samples/planned"] = tallies["pairs/kept"] = len(pairs) + num[Stage.SHARD]
    tallies["read_candidates/out"] = tallies["pairs/made"] = tallies["pairs/kept"] + num[Stage.CURATE]
    tallies["figs_and_graphics/seen"] = tallies["pairs/made"] + num[Stage.EXTRACT]
    for key, split in pairs.items():
        year = changes.get(key, {}).get("year", 2000 + int(key.split("_")[0].removeprefix("PMC")))
        for name in (f"release/split/{split}", f"release/year/{year}"):
            tallies[name] = tallies.get(name, 0) + 1
    return tallies


def forge(out: Path, path: str, data: bytes) -> None:
    """Change a file of a release and have manifest and checksums say that it is right."""
    (out / path).write_bytes(data)
    manifest = json.loads((out / "manifest.json").read_bytes())
    for name in (path, "SHA256SUMS"):
        if name == "SHA256SUMS" and name != path:
            lines = [f"{file['sha256']}  {file['path']}\n" for file in manifest["files"] if file["path"] != name]
            (out / name).write_text("".join(lines))
        for file in manifest["files"]:
            if file["path"] == name:
                now = (out / name).read_bytes()
                file |= {"num_bytes": len(now), "sha256": sha256(now).hexdigest()}
    (out / "manifest.json").write_bytes(seal(manifest))


def forge_table(out: Path, path: str, change: Callable[[list[dict[str, Any]]], None]) -> None:
    """Change the rows of a table of a release, as `forge` does."""
    table = pq.read_table(out / path)
    rows = table.to_pylist()
    change(rows)
    target = BytesIO()
    pq.write_table(pa.Table.from_pylist(rows, table.schema), target, **PARQUET_OPTIONS)
    forge(out, path, target.getvalue())
