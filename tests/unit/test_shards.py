"""Shards: how many, which samples in each, and what a written one holds."""

import hashlib
import json
import tarfile
from collections.abc import Mapping
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from pmc15m.acquire.source import Source
from pmc15m.config import EncodeConfig, ImagesConfig, ShardsConfig
from pmc15m.images.probe import probe_image
from pmc15m.records import Decision, Pair, Reason, Reject, Tally, make_key
from pmc15m.release.files import Shard
from pmc15m.release.shards import ShardJob, ShardSpec, plan_shards, table_name, tar_name, write_shard
from pmc15m.release.table import PAIRS_SCHEMA
from pmc15m.rows import order_of, order_range, write_rows
from pmc15m.store import Store
from tests import some
from tests.tiny import packed, picture


@pytest.mark.parametrize(
    ("sizes", "counts"),
    [
        ({}, {}),
        ({"train": 0, "val": 0}, {}),
        ({"train": 1}, {"train": 1}),
        ({"train": 149, "val": 3}, {"train": 1, "val": 1}),
        ({"train": 151}, {"train": 2}),
        ({"train": 1_000, "test": 260}, {"test": 3, "train": 10}),
    ],
)
def test_shards_of_a_split_have_the_size_asked_for(sizes: dict[str, int], counts: dict[str, int]) -> None:
    specs = plan_shards(sizes, ShardsConfig(samples_per_shard=100))
    assert specs == [ShardSpec(split, n, counts[split]) for split in sorted(counts) for n in range(counts[split])]


def test_name_of_a_shard_is_its_split_and_number() -> None:
    assert ShardSpec("val", 12, 40).name == "pmc15m-val-000012"
    shard = Shard("pmc15m-val-000012", "val", 1, 1, "", 1, "")
    assert tar_name(shard) == "val/pmc15m-val-000012.tar"
    assert table_name(shard) == "pairs/pmc15m-val-000012.parquet"


@given(st.lists(st.integers(1, 10**9), max_size=50), st.integers(1, 40))
def test_every_key_falls_in_one_shard_of_its_split(numbers: list[int], count: int) -> None:
    ranges = [order_range(spec.index, spec.count) for spec in (ShardSpec("train", n, count) for n in range(count))]
    for number in numbers:
        order = order_of(make_key(f"PMC{number}", 1, 1))
        assert sum(low <= order < high for low, high in ranges) == 1


class Made:
    """A source of a few articles, and the row files that extract and curate would have written."""

    def __init__(self, root: Path, num_pairs: int, changes: Mapping[int, dict[str, Any]]) -> None:
        self.root = root
        self.out = root / "release"
        self.pairs = []
        for number in range(1, num_pairs + 1):
            data = packed(picture(number), "JPEG")
            key = make_key(f"PMC{number}", 1, 1)
            Store(str(root / "source")).put_bytes(data, f"PMC{number}.1/mill.jpg")
            figure = some.figure(
                key, location=f"PMC{number}.1", caption=f"M\u00fchle {number}.", **changes.get(number, {})
            )
            self.pairs.append(Pair(figure, probe_image(data, ImagesConfig())))
        self.decisions = [
            some.decision(pair.key, split="val" if n % 3 else "train") for n, pair in enumerate(self.pairs)
        ]

    def job(self, **encode: Any) -> ShardJob:
        pairs, decisions = Store(str(self.root / "pairs")), Store(str(self.root / "decisions"))
        return ShardJob(
            source=Source(str(self.root / "source")),
            pairs=pairs.uri,
            pair_files=tuple(
                write_rows(part, Pair, pairs, "pairs").name for part in (self.pairs[::2], self.pairs[1::2])
            ),
            decisions=decisions.uri,
            decision_files=(write_rows(self.decisions, Decision, decisions, "decisions").name,),
            out=str(self.out),
            images=ImagesConfig(),
            encode=EncodeConfig(**({"short_side_px": 60} | encode)),
        )

    def write(self, split: str, count: int = 1, **encode: Any) -> list[Any]:
        """Return what the step yields for all shards of a split."""
        job = self.job(**encode)
        return [item for n in range(count) for item in write_shard(ShardSpec(split, n, count), job)]


def keys_of(path: Path) -> list[str]:
    """Return the keys of a tar in its order."""
    with tarfile.open(path) as archive:
        return list(dict.fromkeys(name.split(".", maxsplit=1)[0] for name in archive.getnames()))


def tallies(items: list[Any]) -> dict[str, int]:
    sums: dict[str, int] = {}
    for item in items:
        if isinstance(item, Tally):
            sums[item.name] = sums.get(item.name, 0) + item.count
    return sums


def test_shard_holds_the_samples_of_its_split_in_the_order_of_their_keys(tmp_path: Path) -> None:
    made = Made(tmp_path, 9, {})
    items = made.write("val")
    (shard,) = (item for item in items if isinstance(item, Shard))
    wanted = sorted(decision.key for decision in made.decisions if decision.split == "val")
    path = made.out / "val" / "pmc15m-val-000000.tar"
    assert keys_of(path) == wanted
    with tarfile.open(path) as archive:
        assert archive.getnames() == [f"{key}.{kind}" for key in wanted for kind in ("jpg", "json", "txt")]
    table = made.out / "pairs" / "pmc15m-val-000000.parquet"
    assert shard == Shard(
        name="pmc15m-val-000000",
        split="val",
        num_samples=6,
        num_bytes=path.stat().st_size,
        sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
        table_num_bytes=table.stat().st_size,
        table_sha256=hashlib.sha256(table.read_bytes()).hexdigest(),
    )
    assert tallies(items) == {
        "samples/planned": 6,
        "samples/written": 6,
        "release/split/val": 6,
        "release/license/CC BY": 6,
        "release/kind/figure": 6,
        "release/format/JPEG": 6,
        "release/year/2019": 6,
    }


def test_table_says_where_each_image_lies_and_what_was_done_to_it(tmp_path: Path) -> None:
    made = Made(tmp_path, 4, {})
    made.write("val")
    path = made.out / "val" / "pmc15m-val-000000.tar"
    table = pq.read_table(made.out / "pairs" / "pmc15m-val-000000.parquet")
    assert table.schema.equals(PAIRS_SCHEMA)
    assert table["key"].to_pylist() == keys_of(path)
    written = path.read_bytes()
    with tarfile.open(path) as archive:
        for row in table.to_pylist():
            data = written[row["image_offset"] : row["image_offset"] + row["image_num_bytes"]]
            member = archive.extractfile(f"{row['key']}.jpg")
            assert member is not None
            assert member.read() == data
            assert Image.open(BytesIO(data)).size == (80, 60)
            assert row["changes"] == "resized from 160x120 to 80x60 px and re-encoded as JPEG quality 90"


def test_members_are_the_caption_and_a_flat_json(tmp_path: Path) -> None:
    made = Made(tmp_path, 3, {3: {"fig_id": None, "label": None}})
    made.write("val")
    with tarfile.open(made.out / "val" / "pmc15m-val-000000.tar") as archive:
        members = {info.name: archive.extractfile(info).read() for info in archive}  # type: ignore[union-attr]
    assert members["PMC3_0001_01.txt"].decode() == "M\u00fchle 3."
    first, second = (json.loads(members[f"PMC{n}_0001_01.json"]) for n in (2, 3))
    assert list(first) == list(second)
    assert (second["fig_id"], second["label"], second["width"], second["height"]) == ("", "", 80, 60)
    assert (first["key"], first["pmcid"], first["version"]) == ("PMC2_0001_01", "PMC2", 1)


def test_shards_of_a_split_hold_every_sample_once(tmp_path: Path) -> None:
    made = Made(tmp_path, 20, {})
    items = made.write("val", 3)
    shards = [item for item in items if isinstance(item, Shard)]
    keys = [key for shard in shards for key in keys_of(made.out / tar_name(shard))]
    assert sorted(keys) == sorted(decision.key for decision in made.decisions if decision.split == "val")
    assert sum(shard.num_samples for shard in shards) == len(keys)


def test_shard_without_samples_is_not_written(tmp_path: Path) -> None:
    made = Made(tmp_path, 1, {})
    assert made.write("test") == [Tally("samples/planned", 0)]
    assert list(made.out.rglob("*")) == []


def test_bytes_do_not_depend_on_how_rows_lie_in_files(tmp_path: Path) -> None:
    made = Made(tmp_path, 8, {})
    first = [item for item in made.write("val") if isinstance(item, Shard)]
    made.pairs.reverse()
    made.decisions.reverse()
    assert [item for item in made.write("val") if isinstance(item, Shard)] == first


def test_licence_without_derivatives_is_not_resized(tmp_path: Path) -> None:
    made = Made(tmp_path, 3, {2: {"license": "CC BY-ND"}, 3: {"license": "CC BY-NC-ND"}})
    items = made.write("val")
    rejects = [item for item in items if isinstance(item, Reject)]
    assert [(item.key, item.reason) for item in rejects] == [
        ("PMC2_0001_01", Reason.NO_DERIVATIVES),
        ("PMC3_0001_01", Reason.NO_DERIVATIVES),
    ]
    assert tallies(items) == {"samples/planned": 2}
    assert list(made.out.rglob("*.tar")) == []


def test_licence_without_derivatives_is_resized_where_the_config_says_so(tmp_path: Path) -> None:
    made = Made(tmp_path, 2, {2: {"license": "CC BY-ND"}})
    assert tallies(made.write("val", change_no_derivatives=True))["samples/written"] == 1


def test_licence_without_derivatives_goes_in_byte_for_byte(tmp_path: Path) -> None:
    made = Made(tmp_path, 2, {2: {"license": "CC BY-ND"}})
    assert tallies(made.write("val", verbatim_jpeg=True, short_side_px=200))["samples/written"] == 1
    (row,) = pq.read_table(made.out / "pairs" / "pmc15m-val-000000.parquet").to_pylist()
    written = (made.out / "val" / "pmc15m-val-000000.tar").read_bytes()
    data = written[row["image_offset"] : row["image_offset"] + row["image_num_bytes"]]
    assert data == (tmp_path / "source" / "PMC2.1" / "mill.jpg").read_bytes()
    assert row["changes"] == "none"


@pytest.mark.parametrize("is_gone", [True, False])
def test_source_that_changed_since_extract_is_a_reject(tmp_path: Path, is_gone: bool) -> None:
    made = Made(tmp_path, 3, {})
    image = tmp_path / "source" / "PMC2.1" / "mill.jpg"
    image.unlink() if is_gone else image.write_bytes(packed(picture(99), "JPEG"))
    items = made.write("val")
    (reject,) = (item for item in items if isinstance(item, Reject))
    assert (reject.key, reject.reason) == ("PMC2_0001_01", Reason.SOURCE_CHANGED)
    assert ("is gone since extract" if is_gone else f"had {made.pairs[1].image.sha256}") in reject.detail
    assert keys_of(made.out / "val" / "pmc15m-val-000000.tar") == ["PMC3_0001_01"]


def test_source_that_grew_beyond_the_limit_is_a_reject_too(tmp_path: Path) -> None:
    made = Made(tmp_path, 3, {})
    job = replace(made.job(), images=ImagesConfig(max_bytes=made.pairs[1].image.num_bytes))
    (tmp_path / "source" / "PMC2.1" / "mill.jpg").write_bytes(bytes(made.pairs[1].image.num_bytes + 1))
    rejects = [item for item in write_shard(ShardSpec("val", 0, 1), job) if isinstance(item, Reject)]
    assert (rejects[0].key, rejects[0].reason) == ("PMC2_0001_01", Reason.SOURCE_CHANGED)
