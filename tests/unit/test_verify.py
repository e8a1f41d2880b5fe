"""Verify: a sound release is sound, and nothing that could be wrong with one goes unseen."""

import json
import random
import shutil
import tarfile
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from pmc15m.release.closing import seal
from pmc15m.release.reading import open_release
from pmc15m.release.tar import TarFile
from pmc15m.release.verify import verify_release
from pmc15m.stages import OutputError
from tests.whole import PAIRS, REJECTS, forge, forge_table, write_whole

TAR, TABLE = "train/pmc15m-train-000000.tar", "pairs/pmc15m-train-000000.parquet"
VAL_TABLE = "pairs/pmc15m-val-000000.parquet"
REJECT_TABLE = "rejects/rejects-000000.parquet"
Rows = list[dict[str, Any]]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_whole(tmp_path_factory.mktemp("whole") / "release")


@pytest.fixture
def release(made: Path, tmp_path: Path) -> Path:
    """A release of one's own."""
    return Path(shutil.copytree(made, tmp_path / "release"))


def problems(release: Path, **how: Any) -> list[str]:
    return [str(problem) for problem in verify_release(str(release), **how).problems]


def test_sound_release_is_sound(made: Path) -> None:
    verdict = verify_release(str(made), num_threads=3)
    assert verdict.problems == ()
    assert verdict.release is not None
    assert sum(shard.num_samples for shard in verdict.release.shards) == len(PAIRS)
    assert verdict.release.manifest["counts"]["rejects"] == len(REJECTS)
    assert problems(made, is_fast=True) == []


def test_folder_without_a_manifest_is_no_release(release: Path) -> None:
    (release / "manifest.json").unlink()
    with pytest.raises(OutputError, match=r"holds no release: no manifest\.json"):
        verify_release(str(release))


# --- files ----------------------------------------------------------------------------------------


def test_what_is_missing_is_left_over_or_has_another_size_is_named_even_in_haste(release: Path) -> None:
    (release / TAR).unlink()
    (release / "train" / ".making-1-x").write_bytes(b"half")
    (release / "notes.txt").write_bytes(b"mine")
    with (release / TABLE).open("ab") as stream:
        stream.write(b"x")
    size = (release / TABLE).stat().st_size
    wanted = [
        f"{TABLE}: has {size:,} bytes, wanted {size - 1:,}",
        f"{TAR}: is not there, the manifest lists it",
        "notes.txt: is there, but the manifest does not list it",
        "train/.making-1-x: is there, but the manifest does not list it",
    ]
    assert problems(release, is_fast=True) == wanted
    assert problems(release) == wanted


def test_changed_byte_is_found_by_its_digest_and_not_in_haste(release: Path) -> None:
    for path in (TAR, "README.md"):
        data = bytearray((release / path).read_bytes())
        data[len(data) // 2] ^= 1
        (release / path).write_bytes(data)
    assert problems(release, is_fast=True) == []
    found = problems(release)
    assert [line.split(" has sha256 ")[0] for line in found] == ["README.md:", f"{TAR}:"]
    assert all(", wanted " in line for line in found)


def test_no_bit_of_the_manifest_can_change_unseen(release: Path) -> None:
    path, dice = release / "manifest.json", random.Random(5)
    data = path.read_bytes()
    for bit in dice.sample(range(8 * len(data)), 300):
        flipped = bytearray(data)
        flipped[bit // 8] ^= 1 << bit % 8
        path.write_bytes(flipped)
        verdict = verify_release(str(release), is_fast=True)
        assert verdict.release is None, bit
        assert [problem.path for problem in verdict.problems] == ["manifest.json"], bit


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"schema_version": 2}, "schema_version 2, this pmc15m reads 1"),
        ({"files": [{"path": "../secret", "num_bytes": 1, "sha256": "", "num_rows": None}]}, "is no path in a release"),
        ({"files": [{"path": TAR, "num_bytes": 1, "sha256": "", "num_rows": 1}]}, f"{TAR} has no table"),
        ({"files": [{"path": TABLE, "num_bytes": 1, "sha256": "", "num_rows": 1}]}, "has 1 rows, its tar None"),
    ],
)
def test_manifest_that_lists_what_cannot_be_is_refused(release: Path, change: dict[str, Any], said: str) -> None:
    path = release / "manifest.json"
    path.write_bytes(seal(json.loads(path.read_bytes()) | change))
    (line,) = problems(release)
    assert line.startswith("manifest.json: ")
    assert said in line


# --- members --------------------------------------------------------------------------------------


def members(data: bytes) -> list[tuple[str, bytes]]:
    with tarfile.open(fileobj=BytesIO(data)) as tar:
        return [(member.name, tar.extractfile(member).read()) for member in tar.getmembers()]  # type: ignore[union-attr]


def packed(parts: list[tuple[str, bytes]]) -> bytes:
    target = BytesIO()
    tar = TarFile(target)
    for name, data in parts:
        tar.add(name, data)
    tar.close()
    return target.getvalue()


def said_by(parts: list[tuple[str, bytes]], **values: Any) -> list[tuple[str, bytes]]:
    """Change the JSON of the first sample, where a value of None drops the key."""
    said = json.loads(parts[1][1]) | values
    return [parts[0], (parts[1][0], json.dumps(said, ensure_ascii=False).encode()), *parts[2:]]


def with_mtime(data: bytes) -> bytes:
    target = BytesIO()
    with tarfile.open(fileobj=target, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for name, content in members(data):
            info = tarfile.TarInfo(name)
            info.size, info.mtime = len(content), 1
            tar.addfile(info, BytesIO(content))
    return target.getvalue()


TARS: list[tuple[Callable[[bytes], bytes], str]] = [
    (lambda data: packed([*members(data)[3:], *members(data)[:3]]), "name is"),
    (lambda data: packed([members(data)[0], *members(data)[2:0:-1], *members(data)[3:]]), "name is"),
    (lambda data: packed(members(data)[3:]), "name is"),
    (lambda data: packed(members(data)[:-3]), "header at"),
    (lambda data: packed([*members(data), ("PMC999_0001_01.jpg", b"x")]), "goes on at"),
    (with_mtime, "mtime is '00000000001', wanted '00000000000'"),
    (lambda data: data.replace(b"0000644", b"0000600", 1), "mode is '0000600', wanted '0000644'"),
    (
        lambda data: packed([*members(data)[:2], (members(data)[2][0], b"another"), *members(data)[3:]]),
        "not the caption",
    ),
    (lambda data: packed([(members(data)[0][0], b"small"), *members(data)[1:]]), "size is"),
    (lambda data: packed(said_by(members(data), license="CC0")), "license is 'CC0', its row says 'CC BY'"),
    (lambda data: packed(said_by(members(data), width=81)), "width is 81, its row says 80"),
    (lambda data: packed(said_by(members(data), version=True)), "version is True, its row says 1"),
    (lambda data: packed(said_by(members(data), more=None)), "more is None, wanted a flat scalar"),
    (lambda data: packed(said_by(members(data), more=1)), "others"),
    (lambda data: packed([members(data)[0], (members(data)[1][0], b"{}"), *members(data)[2:]]), "key is None"),
    (lambda data: packed([members(data)[0], (members(data)[1][0], b"{ }"), *members(data)[2:]]), "not written as"),
    (lambda data: packed([members(data)[0], (members(data)[1][0], b"{"), *members(data)[2:]]), "no JSON"),
    (lambda data: data[:-512], "ends at"),
    (lambda data: data + bytes(10_240), "goes on at"),
    (lambda data: data[:-1] + b"x", "goes on at"),
    (lambda _: b"", "ends at 0"),
]


@pytest.mark.parametrize(("change", "said"), TARS)
def test_tar_that_is_not_that_of_its_rows_is_found(release: Path, change: Callable[[bytes], bytes], said: str) -> None:
    forge(release, TAR, change((release / TAR).read_bytes()))
    (line,) = problems(release)
    assert line.startswith(f"{TAR}: ")
    assert said in line


def put(row: int, **values: Any) -> Callable[[Rows], None]:
    return lambda rows: rows[row].update(values)


TABLES: list[tuple[Callable[[Rows], None], str]] = [
    (put(0, split="val"), "split is 'val', wanted 'train'"),
    (put(0, shard="pmc15m-train-000001"), "shard is"),
    (put(0, pmcid="PMC999"), "pmcid is 'PMC999'"),
    (put(0, split_group="PMC999"), "split_group is 'PMC999'"),
    (put(0, caption="", caption_num_chars=0), "the caption is empty"),
    (put(0, caption_num_chars=1), "caption_num_chars is 1"),
    (put(1, image_offset=512), "begins at"),
    (put(0, key="PMC7"), "'PMC7' is no key"),
    (lambda rows: rows.reverse(), "stands after"),
    (lambda rows: rows[1].update(key=rows[0]["key"]), "keys ascend, each once"),
    (put(0, key="PMC0_0001_01"), "splits.parquet does not know PMC0"),
]


@pytest.mark.parametrize(("change", "said"), TABLES)
def test_row_that_contradicts_its_release_is_found(release: Path, change: Callable[[Rows], None], said: str) -> None:
    forge_table(release, TABLE, change)
    (line,) = problems(release)
    assert line.startswith(f"{TABLE}: " if "begins at" not in said else f"{TAR}: ")
    assert said in line


def test_table_without_a_column_is_found(release: Path) -> None:
    target = BytesIO()
    pq.write_table(pq.read_table(release / TABLE).drop_columns(["split_group"]), target)
    forge(release, TABLE, target.getvalue())
    assert problems(release) == [f"{TABLE}: has no column split_group"]


# --- between shards -------------------------------------------------------------------------------


def test_article_or_group_in_two_splits_is_found(release: Path) -> None:
    forge_table(release, "splits.parquet", lambda rows: rows[4].update(split="train"))
    assert problems(release) == [f"{VAL_TABLE}: PMC5_0001_01: PMC5 is in train by splits.parquet, got val"]
    forge_table(release, "splits.parquet", lambda rows: rows[4].update(split="val", split_group="PMC1"))
    assert problems(release) == ["splits.parquet: group PMC1 is in two splits"]
    forge_table(release, "splits.parquet", lambda rows: rows[5].update(pmcid="PMC5"))
    assert problems(release) == ["splits.parquet: PMC5 stands after PMC5: numbers ascend"]


def named(name: str) -> Callable[[Rows], None]:
    """Have rows say that they are in a shard of that name."""

    def change(rows: Rows) -> None:
        for row in rows:
            row["shard"] = name

    return change


def test_shards_that_share_digests_are_found(tmp_path: Path) -> None:
    out = write_whole(tmp_path / "release")
    names = ["pmc15m-train-000000", "pmc15m-train-000001"]
    manifest = json.loads((out / "manifest.json").read_bytes())
    for kind in ("train/{}.tar", "pairs/{}.parquet"):
        one, other = (out / kind.format(name) for name in names)
        one.rename(out / "aside")
        other.rename(one)
        (out / "aside").rename(other)
    rows = {name: pq.read_table(out / f"pairs/{name}.parquet").num_rows for name in names}
    for file in manifest["files"]:
        for name in names:
            if f"/{name}." in file["path"]:
                file["num_rows"] = rows[name]
    (out / "manifest.json").write_bytes(seal(manifest))
    for name in names:
        forge_table(out, f"pairs/{name}.parquet", named(name))
        forge(out, f"train/{name}.tar", (out / f"train/{name}.tar").read_bytes())
    sizes = {
        f"{shard.name}.tar": shard.num_samples for shard in open_release(str(out)).shards if shard.split == "train"
    }
    forge(out, "train/sizes.json", (json.dumps(sizes, indent=1) + "\n").encode())
    assert problems(out) == [
        "pairs/pmc15m-train-000001.parquet: holds keys that belong into pmc15m-train-000000 by their digest"
    ]


def test_cluster_in_two_splits_is_found_by_its_name_and_by_the_pair_it_is_named_after(tmp_path: Path) -> None:
    by_name = {key: {"cluster": "PMC93_0001_01"} for key in ("PMC5_0001_01", "PMC1_0001_01")}
    out = write_whole(tmp_path / "one", changes=by_name)
    assert problems(out) == ["pairs: a cluster of duplicates is in two splits"]
    out = write_whole(tmp_path / "two", changes={"PMC5_0001_01": {"cluster": "PMC1_0001_02"}})
    (line,) = problems(out)
    assert line.endswith("PMC1_0001_02 is also the cluster of a pair in another split")
    out = write_whole(tmp_path / "three", changes={"PMC5_0001_01": {"cluster": "PMC1_0009_01"}})
    assert problems(out) == []


# --- sums -----------------------------------------------------------------------------------------


def test_lost_reject_is_found(release: Path) -> None:
    forge_table(release, REJECT_TABLE, lambda rows: rows[0].update(reason="superseded"))
    assert problems(release) == [
        "report.json: extract: 1 articles rejected as retracted, the tables of rejects have 0",
        "report.json: extract: 0 articles rejected as superseded, the tables of rejects have 1",
    ]


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"reason": "whim"}, "no such reason of extract: whim"),
        ({"stage": "wish"}, "no such reason of wish: retracted"),
        ({"key": "PMC95.1"}, "belongs into another table or another place"),
        ({"detail": "x" * 501}, "has 501 characters, at most 500"),
    ],
)
def test_reject_that_cannot_be_is_found(release: Path, values: dict[str, Any], said: str) -> None:
    forge_table(release, REJECT_TABLE, lambda rows: rows[0].update(values))
    (line,) = problems(release)
    assert line.startswith(f"{REJECT_TABLE}: ")
    assert said in line


def change_report(release: Path, change: Callable[[dict[str, Any]], Any]) -> None:
    report = json.loads((release / "report.json").read_bytes())
    change(report)
    forge(release, "report.json", json.dumps(report).encode())


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda report: report["flows"][1].update({"in": 1}), "extract: 1 figs and graphics in"),
        (lambda report: report["flows"][-1].update({"out": 1}), "1 samples out of shard, the tables hold 40"),
        (lambda report: report["composition"]["year"].update({"2001": 3}), "3 samples of year 2001, the tables hold 2"),
        (lambda report: report["composition"].update({"color": {"blue": 1}}), "has no column color"),
        (lambda report: report.pop("flows"), "does not hold the sums of a release"),
        (lambda report: report.update(flows=[]), "holds no flows"),
    ],
)
def test_report_that_does_not_add_up_is_found(
    release: Path, change: Callable[[dict[str, Any]], Any], said: str
) -> None:
    change_report(release, change)
    assert any(said in line for line in problems(release)), problems(release)


def test_wrong_counts_sizes_config_and_checksums_are_found(release: Path) -> None:
    path = release / "manifest.json"
    data = path.read_bytes()
    manifest = json.loads(data)
    path.write_bytes(seal(manifest | {"counts": manifest["counts"] | {"samples": 41}}))
    assert [line.split(":")[0] for line in problems(release)] == ["manifest.json"]
    path.write_bytes(seal(manifest | {"config_sha256": "0" * 64}))
    assert [line.split(":")[0] for line in problems(release)] == ["config.toml"]
    path.write_bytes(data)
    forge(release, "SHA256SUMS", b"0  README.md\n")
    (line,) = problems(release)
    assert line.startswith("SHA256SUMS: says '0  README.md', wanted ")
    forge(release, "val/sizes.json", b'{\n "pmc15m-val-000000.tar": 9\n}\n')
    assert problems(release) == [
        "val/sizes.json: says {'pmc15m-val-000000.tar': 9}, wanted {'pmc15m-val-000000.tar': 8}"
    ]
