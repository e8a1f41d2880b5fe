"""Samples to shards: which go where, and the tar and the Parquet of each.

A sample's shard is the share of the digest range that its key falls in, so that one shard is a fair
draw of its split, and a shard can be written from row files alone: it reads the row groups that
overlap its range.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from pmc15m.acquire.policy import FetchError
from pmc15m.acquire.source import Source
from pmc15m.config import EncodeConfig, ImagesConfig, ShardsConfig
from pmc15m.images.children import encode_guarded
from pmc15m.images.decode import ImageRefused
from pmc15m.images.encode import changes_pixels, output_size
from pmc15m.records import Decision, Pair, Reason, Reject, Stage, Tally
from pmc15m.rejects import reject_figure
from pmc15m.release.files import Shard
from pmc15m.release.table import PAIRS_SCHEMA, pair_row, sample_json
from pmc15m.release.tar import TarFile
from pmc15m.rows import order_range, read_range, write_table
from pmc15m.store import Store, TooLargeError

IMAGE_EXTENSION = "jpg"
TABLE_ROW_GROUP_ROWS = 1_000


@dataclass(frozen=True, slots=True)
class ShardSpec:
    """One shard to write."""

    split: str
    index: int  # from 0
    count: int  # shards of the split

    @property
    def name(self) -> str:
        """The shard's name, stem of its tar and of its Parquet."""
        return f"pmc15m-{self.split}-{self.index:06d}"


@dataclass(frozen=True, slots=True)
class ShardJob:
    """Where shards are made from, and where they go."""

    source: Source  # of the articles
    pairs: str  # folder of the row files of extract
    pair_files: tuple[str, ...]
    decisions: str  # folder of the row files of curate
    decision_files: tuple[str, ...]
    out: str  # the release
    images: ImagesConfig
    encode: EncodeConfig
    withdrawn: frozenset[str] = frozenset()  # keys that were withdrawn from the release before


def plan_shards(num_samples: Mapping[str, int], config: ShardsConfig) -> list[ShardSpec]:
    """Return the shards of a release.

    Args:
        num_samples: samples by split.
        config: the mean size of a shard.
    """
    specs = []
    for split, number in sorted(num_samples.items()):
        count = max(1, round(number / config.samples_per_shard)) if number else 0
        specs += [ShardSpec(split, index, count) for index in range(count)]
    return specs


def write_shard(spec: ShardSpec, job: ShardJob) -> Iterator[Shard | Reject | Tally]:
    """Write the tar and the Parquet of a shard; samples stand in the order of their keys.

    Rejects: `withdrawn`, `no_derivatives`, `source_changed`, `image_timeout`, `decoder_crashed`. Tallies:
    `samples/planned`, `samples/written`, and `release/<column>/<value>`.
    """
    rows: list[dict[str, Any]] = []
    with Store(job.out).scratch_folder() as folder:
        tar_path, table_path = Path(folder) / "shard.tar", Path(folder) / "shard.parquet"
        with tar_path.open("wb") as target:
            tar = TarFile(target)
            samples = _samples(spec, job)
            yield Tally("samples/planned", len(samples))
            for (pair, decision), data in job.source.read_ahead(samples, lambda sample: _read(sample[0], job)):
                done = data if isinstance(data, Reject) else _add_sample(tar, pair, decision, data, spec, job)
                if isinstance(done, Reject):
                    yield done
                else:
                    rows.append(done)
                    yield Tally("samples/written", 1)
            sha256 = tar.close()
        if not rows:
            return
        write_table(pa.Table.from_pylist(rows, schema=PAIRS_SCHEMA), table_path, TABLE_ROW_GROUP_ROWS)
        table = table_path.read_bytes()
        shard = Shard(
            spec.name, spec.split, len(rows), tar.num_bytes, sha256, len(table), hashlib.sha256(table).hexdigest()
        )
        store = Store(job.out)
        store.put_file(tar_path, tar_name(shard))
        store.put_file(table_path, table_name(shard))
    yield from _tallies(rows)
    yield shard


def tar_name(shard: Shard) -> str:
    """Return the path of a shard's tar in the release."""
    return f"{shard.split}/{shard.name}.tar"


def table_name(shard: Shard) -> str:
    """Return the path of a shard's Parquet in the release."""
    return f"pairs/{shard.name}.parquet"


def _samples(spec: ShardSpec, job: ShardJob) -> list[tuple[Pair, Decision]]:
    low, high = order_range(spec.index, spec.count)
    wanted = ("split", spec.split)
    decisions = {
        decision.key: decision
        for decision in read_range(Store(job.decisions), job.decision_files, Decision, low, high, wanted)
    }
    pairs = read_range(Store(job.pairs), job.pair_files, Pair, low, high, keys=decisions.keys())
    return [(pair, decisions[pair.figure.key]) for pair in sorted(pairs, key=lambda pair: pair.figure.key)]


def _read(pair: Pair, job: ShardJob) -> bytes | Reject:
    """Return the file of an image, or why it does not go into the release."""
    figure, image = pair.figure, pair.image
    if figure.key in job.withdrawn:
        return reject_figure(figure, Stage.SHARD, Reason.WITHDRAWN, "withdrawn from an earlier release")
    is_changed = changes_pixels(image, job.encode)
    if is_changed and "-ND" in figure.license and not job.encode.change_no_derivatives:
        return reject_figure(
            figure, Stage.SHARD, Reason.NO_DERIVATIVES, f"{figure.license} allows no resized or re-encoded image"
        )
    try:
        data = job.source.read_bytes(f"{figure.location}/{figure.graphic}", job.images.max_bytes)
    except FileNotFoundError:
        return reject_figure(figure, Stage.SHARD, Reason.SOURCE_CHANGED, f"{figure.graphic} is gone since extract")
    except TooLargeError as error:
        return reject_figure(figure, Stage.SHARD, Reason.SOURCE_CHANGED, f"{error}; had {image.num_bytes:,} bytes")
    except FetchError as error:
        return reject_figure(figure, Stage.SHARD, error.reason, error.detail)
    sha256 = hashlib.sha256(data).hexdigest()
    if sha256 != image.sha256:
        return reject_figure(
            figure, Stage.SHARD, Reason.SOURCE_CHANGED, f"{figure.graphic} has sha256 {sha256}, had {image.sha256}"
        )
    return data


def _add_sample(
    tar: TarFile, pair: Pair, decision: Decision, data: bytes, spec: ShardSpec, job: ShardJob
) -> dict[str, Any] | Reject:
    """Add the three members of a sample and return its row, or a reject."""
    figure, image = pair.figure, pair.image
    try:
        encoded, changes = encode_guarded(data, image, job.images, job.encode)
    except ImageRefused as refused:
        return reject_figure(figure, Stage.SHARD, refused.reason, f"{figure.graphic}: {refused.detail}")
    offset = tar.add(f"{figure.key}.{IMAGE_EXTENSION}", encoded)
    sample = sample_json(pair, *output_size(image, job.encode))
    tar.add(f"{figure.key}.json", json.dumps(sample, ensure_ascii=False).encode())
    tar.add(f"{figure.key}.txt", figure.caption.encode())
    return pair_row(pair, decision, changes, spec.name, offset, len(encoded))


def _tallies(rows: Iterable[dict[str, Any]]) -> Iterator[Tally]:
    """Yield how many samples of a shard there are by split, licence, kind, format and year."""
    counts: dict[str, int] = {}
    for row in rows:
        for column in ("split", "license", "kind", "format", "year"):
            name = f"release/{column}/{'unknown' if row[column] is None else row[column]}"
            counts[name] = counts.get(name, 0) + 1
    yield from (Tally(name, count) for name, count in sorted(counts.items()))
