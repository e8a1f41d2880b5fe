"""A release loads with no glue: every reader that its card names gives every value of its Parquet rows."""

import gc
import io
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pyarrow.parquet as pq
import pytest
from PIL import Image

from pipelines.cli import main
from pmc15m.licenses import LICENSE_CLASSES
from pmc15m.release.features import sample_fields
from pmc15m.synth import Fault, SynthConfig, write_articles
from tests.unit.test_croissant import RECOMMENDED, REQUIRED

ARTICLES = SynthConfig(
    seed=5, faults=tuple(Fault), fault_every=4, duplicates_every=10, curation_every=5, image_scale=0.3
)
NUM_ARTICLES = 70
CONFIG = f"""
[filters]
licenses = {json.dumps(LICENSE_CLASSES[:8])}
[splits]
val_fraction = 0.15
test_fraction = 0.15
[shards]
samples_per_shard = 40
[release]
name = "Mills"
version = "2.1.0"
creators = ["Müller, A."]
contact = "mills@example.org"
date = "2026-11-24"
"""
Rows = dict[str, dict[str, Any]]


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("loading")
    write_articles(ARTICLES, range(NUM_ARTICLES), folder / "articles")
    (folder / "config.toml").write_text(CONFIG, encoding="utf-8")
    words = ["--source", str(folder / "articles"), "--out", str(folder / "release")]
    assert main(["build", *words, "--config", str(folder / "config.toml")]) == 0
    return folder / "release"


@pytest.fixture(scope="module")
def rows(release: Path) -> Rows:
    """Return the Parquet rows by key: what every reader is held against."""
    return {row["key"]: row for row in pq.read_table(release / "pairs").to_pylist()}


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Return `datasets`, which is told to ask no hub and to keep its cache here."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {"HF_HUB_OFFLINE": "1", "HF_HUB_DISABLE_TELEMETRY": "1"}.items():
            patch.setenv(name, value)
        patch.setenv("HF_HOME", str(tmp_path_factory.mktemp("hub")))
        import datasets  # it reads these variables once

        datasets.disable_progress_bars()
        yield datasets


def of_split(rows: Rows, split: str) -> Rows:
    return {key: row for key, row in rows.items() if row["split"] == split}


def image_of(release: Path, row: Mapping[str, Any]) -> bytes:
    """Return the encoded image of a row by its byte range."""
    path: Path = release / row["split"] / f"{row['shard']}.tar"
    with path.open("rb") as tar:
        tar.seek(row["image_offset"])
        return tar.read(int(row["image_num_bytes"]))


def sample_of(release: Path, row: Mapping[str, Any]) -> dict[str, Any]:
    """Return the sample that a row stands for: image, JSON member and text."""
    image = image_of(release, row)
    width, height = Image.open(io.BytesIO(image)).size
    names = [name for name, _ in sample_fields() if name not in {"width", "height"}]
    values = {name: "" if row[name] is None else row[name] for name in names}
    return {"jpg": image, "json": values | {"width": width, "height": height}, "txt": row["caption"]}


def check_samples(samples: Iterable[Mapping[str, Any]], release: Path, rows: Rows) -> None:
    """Fail unless these are all samples of the rows, each once and with every value."""
    seen = set()
    for sample in samples:
        key = sample["__key__"]
        assert key not in seen
        seen.add(key)
        assert {name: sample[name] for name in ("jpg", "json", "txt")} == sample_of(release, rows[key])
    assert seen == set(rows)


def test_release_has_the_variety_that_a_loader_could_stumble_over(release: Path, rows: Rows) -> None:
    assert {row["split"] for row in rows.values()} == {"train", "val", "test"}
    assert {row["kind"] for row in rows.values()} == {"figure", "graphical_abstract"}
    assert {row["format"] for row in rows.values()} == {"JPEG", "PNG", "GIF", "TIFF"}
    assert len({row["license"] for row in rows.values()}) >= 3
    for column in ("label", "pmid"):
        assert {row[column] is None for row in rows.values()} == {True, False}, column
    assert len(list((release / "train").glob("*.tar"))) > 1


@pytest.mark.filterwarnings("ignore::ResourceWarning")  # webdataset leaves the files to the garbage collector
def test_webdataset_gives_every_value(release: Path, rows: Rows) -> None:
    import webdataset

    for split in ("train", "val", "test"):
        tars = sorted(str(path) for path in (release / split).glob("*.tar"))
        samples = list(webdataset.WebDataset(tars, shardshuffle=False, empty_check=False))
        gc.collect()
        for sample in samples:
            sample |= {"json": json.loads(sample["json"]), "txt": sample["txt"].decode()}
        check_samples(samples, release, of_split(rows, split))
        sizes = json.loads((release / split / "sizes.json").read_text())
        assert sum(sizes.values()) == len(samples)


@pytest.mark.parametrize("streaming", [False, True])
def test_datasets_gives_every_value_by_the_card(
    hub: Any, release: Path, rows: Rows, tmp_path: Path, streaming: bool
) -> None:
    loaded = hub.load_dataset(str(release), streaming=streaming, cache_dir=str(tmp_path))
    assert list(loaded) == ["train", "val", "test"]
    for split, samples in loaded.items():
        features = samples.features
        assert [(name, feature.dtype) for name, feature in features["json"].items()] == sample_fields()
        assert isinstance(features["jpg"], hub.Image)
        check_samples(undecoded(hub, samples), release, of_split(rows, split))


@pytest.mark.parametrize("streaming", [False, True])
def test_datasets_gives_every_value_without_the_card(
    hub: Any, release: Path, rows: Rows, tmp_path: Path, streaming: bool
) -> None:
    files = {split: str(release / split / "*.tar") for split in ("train", "val", "test")}
    loaded = hub.load_dataset("webdataset", data_files=files, streaming=streaming, cache_dir=str(tmp_path))
    for split, samples in loaded.items():
        check_samples(undecoded(hub, samples), release, of_split(rows, split))


@pytest.mark.parametrize("streaming", [False, True])
def test_pairs_alone_are_a_data_set_of_their_own(
    hub: Any, release: Path, rows: Rows, tmp_path: Path, streaming: bool
) -> None:
    shutil.copytree(release / "pairs", tmp_path / "sibling" / "pairs")
    loaded = hub.load_dataset(str(tmp_path / "sibling"), streaming=streaming, cache_dir=str(tmp_path / "cache"))
    assert set(loaded) == {"train", "validation", "test"}
    assert {row["key"]: row for samples in loaded.values() for row in samples} == rows


def undecoded(hub: Any, samples: Any) -> Iterator[dict[str, Any]]:
    """Yield samples with the bytes of their images."""
    for sample in samples.cast_column("jpg", hub.Image(decode=False)):
        yield sample | {"jpg": sample["jpg"]["bytes"]}


def test_datasets_decodes_the_images(hub: Any, release: Path, rows: Rows) -> None:
    for sample in hub.load_dataset(str(release), split="val", streaming=True):
        assert sample["jpg"].size == (sample["json"]["width"], sample["json"]["height"])
        assert sample["__key__"] in rows


@pytest.mark.filterwarnings("ignore")  # torch and webdataset have many, by version
def test_open_clip_counts_by_the_sizes_and_gives_every_caption(release: Path, rows: Rows) -> None:
    data = pytest.importorskip("open_clip_train.data", reason="the train extra is not installed")
    train = of_split(rows, "train")
    shards = sorted((release / "train").glob("*.tar"))
    braces = f"{release}/train/pmc15m-train-{{000000..{len(shards) - 1:06d}}}.tar"
    assert data.get_dataset_size(braces) == (len(train), len(shards))
    args = SimpleNamespace(
        train_data=braces, val_data=braces, train_num_samples=None, val_num_samples=None, dataset_resampled=False,
        train_data_upsampling_factors=None, seed=0, batch_size=7, workers=0, world_size=1, distributed=False,
    )  # fmt: skip
    training, evaluation = (
        data.get_wds_dataset(args, lambda image: image.size[0], is_train=is_train, tokenizer=lambda text: [text])
        for is_train in (True, False)
    )
    assert training.dataloader.num_samples == -(-len(train) // 7) * 7  # whole batches
    texts = [text for _, batch in evaluation.dataloader for text in batch]
    assert sorted(texts) == sorted(row["caption"] for row in train.values())


def test_pandas_polars_and_duckdb_read_the_rows(release: Path, rows: Rows) -> None:
    import duckdb
    import pandas
    import polars

    expected = [rows[key] for key in sorted(rows)]
    assert polars.read_parquet(release / "pairs" / "*.parquet").sort("key").to_dicts() == expected
    with duckdb.connect() as connection:
        found = connection.execute(f"SELECT * FROM '{release}/pairs/*.parquet' ORDER BY key")  # noqa: S608, a path of ours
        names = [column[0] for column in found.description or ()]
        assert [dict(zip(names, values, strict=True)) for values in found.fetchall()] == expected
    frame = pandas.read_parquet(release / "pairs", dtype_backend="pyarrow").sort_values("key")
    for name in ("key", "caption", "pmid", "label", "year", "grey_std", "image_offset"):
        column = frame[name].astype(object)
        assert column.where(column.notna(), None).tolist() == [row[name] for row in expected], name


def test_image_is_found_by_its_byte_range(release: Path, rows: Rows) -> None:
    for row in rows.values():
        with Image.open(io.BytesIO(image_of(release, row))) as image:
            image.load()
            assert image.format == "JPEG"


def test_attribution_has_a_row_a_sample(release: Path, rows: Rows) -> None:
    for row in (found := pq.read_table(release / "attribution.parquet").to_pylist()):
        assert row == {name: rows[row["key"]][name] for name in row}
    assert len({row["key"] for row in found}) == len(found) == len(rows)


def test_mlcroissant_finds_nothing_wrong_and_reads_the_rows(release: Path, rows: Rows) -> None:
    # In a process of its own: it brings a logging library that would change ours.
    code = (
        "import json, sys, mlcroissant\n"
        "data = mlcroissant.Dataset(jsonld=sys.argv[1])\n"
        "issues = data.metadata.ctx.issues\n"
        "text = lambda v: v.decode() if isinstance(v, bytes) else str(v)\n"
        "records = [dict(record) for record in data.records('pairs')]\n"
        "print(json.dumps([sorted(issues.errors), sorted(issues.warnings), records], default=text))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "croissant.json"], cwd=release, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    errors, warnings, records = json.loads(done.stdout)
    assert (errors, warnings) == ([], [])
    assert len(records) == len(rows)
    for record in records:
        row = rows[record["pairs/key"]]
        assert {name: unnested(name, row) for name in record} == record


def unnested(name: str, row: Mapping[str, Any]) -> Any:
    """Return what Croissant's reader makes of a value."""
    value = row[name.removeprefix("pairs/")]
    if name == "pairs/mentions":
        return [{f"{name}/{part}": text for part, text in mention.items()} for mention in value]
    return value


def test_croissant_says_all_that_it_must(release: Path) -> None:
    described = json.loads((release / "croissant.json").read_text(encoding="utf-8"))
    assert not [name for name in (*REQUIRED, *RECOMMENDED) if not described.get(name)]
    files = {part["contentUrl"]: part for part in described["distribution"] if "contentUrl" in part}
    listed = {line[66:]: line[:64] for line in (release / "SHA256SUMS").read_text().splitlines()}
    assert {path: part["sha256"] for path, part in files.items()} == {
        path: digest for path, digest in listed.items() if "/" not in path and path != "croissant.json"
    }


def test_sha256sum_finds_every_file_as_it_was_written(release: Path) -> None:
    done = subprocess.run(
        ["sha256sum", "--check", "--strict", "SHA256SUMS"], cwd=release, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    files = {str(path.relative_to(release)) for path in release.rglob("*") if path.is_file()}
    assert {line.removesuffix(": OK") for line in done.stdout.splitlines()} == files - {"SHA256SUMS", "manifest.json"}


def test_the_python_of_the_card_runs(release: Path, tmp_path: Path) -> None:
    card = (release / "README.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```python\n(.*?)```", card, re.DOTALL)
    assert len(blocks) == 3
    checks = "assert first['jpg'].size and first['txt'] and jpeg[:2] == b'\\xff\\xd8'\nassert len(list(samples))\n"
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", "\n".join([*blocks, checks])],
        cwd=release.parent, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
