"""The last files of a release: whose folder it is, and no manifest where anything was lost."""

import hashlib
import json
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from pmc15m.curate.judge import ArticleSplit
from pmc15m.release.checksums import CHECKSUMS
from pmc15m.release.files import ReleaseFile
from pmc15m.release.finish import (
    INCOMPLETE,
    MANIFEST,
    LostError,
    ReleaseJob,
    check_release,
    finish_release,
    read_report,
    start_release,
    versions,
)
from pmc15m.release.splits import read_splits
from pmc15m.rows import write_rows
from pmc15m.stages import Origin, OutputError
from pmc15m.store import SCRATCH_PREFIX, Store
from tests import some
from tests.release import row, write_rejects, write_shards
from tests.unit.test_report import CURATE, EXTRACT, SHARD

ORIGIN = Origin("shard", "0.1.0", "c" * 64, "i" * 64)
ROWS = {
    "pmc15m-val-000000": [row("PMC10_0001_01")],
    "pmc15m-train-000000": [row("PMC9_0001_01"), row("PMC9_0002_01")],
}
SMALL = [
    "CITATION.cff", "README.md", "SHA256SUMS", "attribution.parquet", "attribution.tsv.gz", "config.toml",
    "croissant.json", "manifest.json", "report.json", "splits.parquet",
]  # fmt: skip
NUM_REJECTS = 15
REJECTS = [some.reject(f"PMC7_{number:04d}_01") for number in range(NUM_REJECTS)]
TABLES = [ReleaseFile("rejects/rejects-000000.parquet", 500, "6" * 64, NUM_REJECTS)]


def job(out: Path) -> ReleaseJob:
    curated = out.parent / f"{out.name}.decisions"
    splits = (ArticleSplit("PMC10", "train", "PMC9"), ArticleSplit("PMC9", "train", "PMC9"))
    names = (write_rows(splits, ArticleSplit, Store(str(curated)), "splits").name,)
    source = {"kind": "folder", "inventory_date": None, "pairs_content": "0" * 32}
    return ReleaseJob(
        str(out), (".rejects",), ORIGIN, "[xml]\n", source, EXTRACT, CURATE, (str(curated), names), {"leaks": {}}
    )  # fmt: skip


def tree(folder: Path) -> dict[str, bytes | None]:
    return {str(p.relative_to(folder)): p.read_bytes() if p.is_file() else None for p in sorted(folder.rglob("*"))}


def finished(out: Path, is_reversed: bool = False) -> Path:
    """Make a complete release and return its folder; reversed, all comes in another order."""
    assert start_release(str(out), ORIGIN, overwrite=False)
    (out / ".rejects").mkdir()
    (out / ".rejects" / "rejects-1.parquet").write_bytes(b"rows")
    shards, tables = write_shards(out, ROWS), [write_rejects(out, REJECTS)]
    order = -1 if is_reversed else 1
    finish_release(job(out), shards[::order], tables, dict(list(SHARD.items())[::order]))
    return out


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return finished(tmp_path_factory.mktemp("made") / "release")


@pytest.fixture
def release(made: Path, tmp_path: Path) -> Path:
    """Return the folder of a complete release that a test may change."""
    return Path(shutil.copytree(made, tmp_path / "release"))


def starts() -> list[Callable[[Path], Any]]:
    """Return the two checks of an output, for a release of another config."""
    other = replace(ORIGIN, config="another")
    return [
        lambda out: check_release(str(out), other.config, overwrite=False),
        lambda out: start_release(str(out), other, overwrite=False),
    ]


def test_release_holds_its_small_files_and_nothing_of_the_making(release: Path) -> None:
    assert sorted(path.name for path in release.iterdir() if path.is_file()) == SMALL
    assert [name for name in tree(release) if "/." in f"/{name}"] == []
    assert json.loads((release / "train" / "sizes.json").read_text()) == {"pmc15m-train-000000.tar": 2}
    assert (release / "config.toml").read_text() == "[xml]\n"
    assert read_report(str(release))["flows"][0]["in"] == 9
    assert read_report(str(release))["curation"] == {"leaks": {}}
    assert read_splits(str(release)) == {"PMC9": "train", "PMC10": "train"}


def test_manifest_lists_every_file_and_the_counts(release: Path) -> None:
    manifest = json.loads((release / MANIFEST).read_text())
    assert manifest["origin"] == asdict(ORIGIN)
    assert manifest["versions"] == versions()
    assert manifest["counts"] == {
        "articles": 9,
        "samples": 3,
        "rejects": NUM_REJECTS,
        "by_split": {"train": 2, "val": 1},
    }
    paths = [file["path"] for file in manifest["files"]]
    assert paths == sorted(paths)
    assert set(paths) | {MANIFEST} == {path for path, data in tree(release).items() if data is not None}
    files = {file["path"]: file for file in manifest["files"]}
    for path, file in files.items():
        data = (release / path).read_bytes()
        assert (file["num_bytes"], file["sha256"]) == (len(data), hashlib.sha256(data).hexdigest()), path
    numbers = {path: file["num_rows"] for path, file in files.items() if file["num_rows"] is not None}
    assert numbers == {
        "attribution.parquet": 3,
        "splits.parquet": 2,
        "train/pmc15m-train-000000.tar": 2,
        "val/pmc15m-val-000000.tar": 1,
        "pairs/pmc15m-train-000000.parquet": 2,
        "pairs/pmc15m-val-000000.parquet": 1,
        "rejects/rejects-000000.parquet": NUM_REJECTS,
    }


def test_sums_are_of_every_file_but_themselves_and_the_manifest(release: Path) -> None:
    listed = {line[66:] for line in (release / CHECKSUMS).read_text(encoding="utf-8").splitlines()}
    files = {path for path, data in tree(release).items() if data is not None}
    assert files - listed == {CHECKSUMS, MANIFEST}
    done = subprocess.run(["sha256sum", "--check", "--quiet", CHECKSUMS], cwd=release, check=False)
    assert done.returncode == 0
    (release / "train" / "sizes.json").write_bytes(b"{}")
    done = subprocess.run(["sha256sum", "--check", "--status", CHECKSUMS], cwd=release, check=False)
    assert done.returncode == 1


def test_manifest_does_not_depend_on_the_order_of_shards(release: Path, tmp_path: Path) -> None:
    assert tree(finished(tmp_path / "again", is_reversed=True)) == tree(release)


@pytest.mark.parametrize(
    ("tables", "tallies", "said"),
    [
        ([], SHARD, "15 rejects counted, but 0 written"),
        ([replace(TABLES[0], num_rows=14)], SHARD, "15 rejects counted, but 14 written"),
        (TABLES, SHARD | {"samples/written": 2}, "shard: 4 pairs in, but 2 out + 1 rejects"),
        (TABLES, SHARD | {"samples/planned": 5}, "4 out of curate, but 5 into shard"),
    ],
)
def test_release_with_a_loss_gets_no_manifest(
    tmp_path: Path, tables: list[ReleaseFile], tallies: dict[str, int], said: str
) -> None:
    assert start_release(str(tmp_path), ORIGIN, overwrite=False)
    with pytest.raises(LostError, match="the sums do not hold: ") as lost:
        finish_release(job(tmp_path), [], tables, tallies)
    assert said in str(lost.value)
    assert list(tree(tmp_path)) == [INCOMPLETE]
    with pytest.raises(OutputError, match="holds no release"):
        read_report(str(tmp_path))


def test_complete_release_of_the_same_origin_is_left_alone(release: Path) -> None:
    before = tree(release)
    check_release(str(release), ORIGIN.config, overwrite=False)
    assert not start_release(str(release), ORIGIN, overwrite=False)
    assert not start_release(str(release), ORIGIN, overwrite=True)
    assert tree(release) == before


def test_mark_that_was_left_beside_the_manifest_goes(release: Path) -> None:
    before = tree(release)
    (release / INCOMPLETE).write_text(json.dumps({"origin": asdict(ORIGIN)}))
    assert not start_release(str(release), ORIGIN, overwrite=False)
    assert tree(release) == before


def test_other_release_is_refused_and_untouched(release: Path) -> None:
    before = tree(release)
    for start in starts():
        with pytest.raises(OutputError, match="say --overwrite"):
            start(release)
    assert tree(release) == before


def test_other_release_is_replaced_when_asked(release: Path) -> None:
    check_release(str(release), "another", overwrite=True)
    assert start_release(str(release), replace(ORIGIN, config="another"), overwrite=True)
    assert list(tree(release)) == [INCOMPLETE]


def test_incomplete_release_is_begun_anew(tmp_path: Path) -> None:
    assert start_release(str(tmp_path), ORIGIN, overwrite=False)
    (tmp_path / "train").mkdir()
    (tmp_path / "train" / "pmc15m-train-000000.tar").write_bytes(b"half")
    (tmp_path / f"{SCRATCH_PREFIX}x").mkdir()
    for start in starts():
        start(tmp_path)
    assert list(tree(tmp_path)) == [INCOMPLETE]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("thesis.tex", "mine"),
        (MANIFEST, '{"name": "an app", "short_name": "app"}'),
        (MANIFEST, '{"origin": "elsewhere"}'),
        (MANIFEST, '{"origin": {"stage": "extract"}}'),
        (MANIFEST, "[]"),
        (MANIFEST, "not JSON"),
        (INCOMPLETE, "{}"),
        ("report.json", "{}"),
    ],
)
def test_folder_of_someone_else_is_refused_even_for_overwriting_and_untouched(
    tmp_path: Path, name: str, text: str
) -> None:
    (tmp_path / name).write_text(text)
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "one.jpg").write_bytes(b"mine")
    before = tree(tmp_path)
    overwriting: list[Callable[[Path], Any]] = [
        lambda out: check_release(str(out), "c", overwrite=True),
        lambda out: start_release(str(out), ORIGIN, overwrite=True),
    ]
    for call in (*starts(), *overwriting):
        with pytest.raises(OutputError):
            call(tmp_path)
    assert tree(tmp_path) == before


def test_report_of_no_release_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"holds no release: no manifest\.json"):
        read_report(str(tmp_path))
