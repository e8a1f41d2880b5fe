"""What people do with a release, by its commands: verify, diff, withdraw, subset, and a build after another."""

import random
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from pipelines.cli import main
from pmc15m.synth import SynthConfig, write_articles
from tests.buckets import S3, s3_bucket
from tests.tree import digests, states

NUM_FLIPS = 300
TOML = """
[splits]
val_fraction = 0.2
test_fraction = 0.1

[encode]
short_side_px = 64

[shards]
samples_per_shard = 32
"""
Said = tuple[int, str, str]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with some articles and, built from most of them, a release."""
    folder = tmp_path_factory.mktemp("releases")
    write_articles(SynthConfig(seed=9, image_scale=0.3), range(36), folder / "articles")
    (folder / "small.toml").write_text(TOML)
    fewer = Path(shutil.copytree(folder / "articles", folder / "fewer"))
    for article in sorted(fewer.glob("PMC*"))[-4:]:
        shutil.rmtree(article)
    assert build(folder, "fewer", "release") == 0
    return folder


def build(home: Path, source: str, out: str, *words: str) -> int:
    config = f"--config={home / 'small.toml'}"
    return main(["build", "--source", str(home / source), "--out", str(home / out), config, *words])


@pytest.fixture
def command(capfd: pytest.CaptureFixture[str]) -> Callable[..., Said]:
    """Return the command: exit code, and what it prints."""

    def run(*words: Any) -> Said:
        capfd.readouterr()
        try:
            code = main([str(word) for word in words])
        except SystemExit as error:
            code = int(error.code or 0)
        return code, *capfd.readouterr()

    return run


def rows(release: Path, folder: str = "pairs") -> dict[str, dict[str, Any]]:
    return {row["key"]: row for path in sorted((release / folder).iterdir()) for row in pq.read_table(path).to_pylist()}


def files_of(folder: Path) -> dict[str, str]:
    return {path: digest for path, digest in digests(folder).items() if digest}


# --- verify ---------------------------------------------------------------------------------------


def test_verify_of_a_sound_release_prints_one_line(home: Path, command: Callable[..., Said]) -> None:
    for words in ((), ("--fast",)):
        code, out, said = command("verify", home / "release", *words)
        assert (code, said, out.count("\n")) == (0, "", 1)
        assert f"{len(rows(home / 'release'))} samples in " in out


def test_verify_names_what_is_wrong_and_leaves_with_1(home: Path, tmp_path: Path, command: Callable[..., Said]) -> None:
    release = Path(shutil.copytree(home / "release", tmp_path / "release"))
    table = next(iter(sorted((release / "pairs").iterdir())))
    data = bytearray(table.read_bytes())
    data[-9] ^= 4
    table.write_bytes(data)
    (release / "report.json").unlink()
    code, out, said = command("verify", release)
    assert code == 1
    assert [line.split(":")[0] for line in out.splitlines()] == ["report.json", f"pairs/{table.name}"]
    assert said == f"pmc15m: {release} is not what its manifest says: 2 things are wrong\n"


def test_verify_of_no_release_is_a_matter_of_usage(tmp_path: Path, command: Callable[..., Said]) -> None:
    for folder in (tmp_path, tmp_path / "absent"):
        code, out, said = command("verify", folder)
        assert (code, out) == (2, "")
        assert "holds no release" in said


@pytest.mark.slow
def test_verify_finds_every_bit_that_flips_and_names_its_file(
    home: Path, tmp_path: Path, command: Callable[..., Said]
) -> None:
    release, dice = Path(shutil.copytree(home / "release", tmp_path / "release")), random.Random(11)
    paths = sorted(path for path in release.rglob("*") if path.is_file())
    sizes = [path.stat().st_size for path in paths]
    num_found = 0
    for number in range(NUM_FLIPS):  # half of them in one file after the other, half wherever they fall
        path = paths[number // 2 % len(paths)] if number % 2 else dice.choices(paths, sizes)[0]
        data = path.read_bytes()
        bit = dice.randrange(8 * len(data))
        flipped = bytearray(data)
        flipped[bit // 8] ^= 1 << bit % 8
        path.write_bytes(flipped)
        code, out, _ = command("verify", release)
        path.write_bytes(data)
        assert code == 1, (path, bit)
        num_found += any(line.startswith(f"{path.relative_to(release)}: ") for line in out.splitlines())
    assert num_found == NUM_FLIPS
    assert command("verify", release)[0] == 0


# --- a build after another ------------------------------------------------------------------------


@pytest.fixture(scope="module")
def after(home: Path) -> Path:
    """A release of all articles, after that of most of them without one sample and one article."""
    keys = sorted(rows(home / "release"))
    (home / "keys.txt").write_text(f"{keys[0]}\n{keys[-1].split('_')[0]}\n")
    words = ["withdraw", str(home / "release"), "--keys", str(home / "keys.txt"), "--out", str(home / "without")]
    assert main(words) == 0
    assert build(home, "articles", "after", "--parent", str(home / "without")) == 0
    return home / "after"


def test_build_after_another_keeps_splits_and_what_was_withdrawn_stays_out(
    home: Path, after: Path, command: Callable[..., Said]
) -> None:
    before, now = rows(home / "without"), rows(after)
    assert command("verify", after)[0] == 0
    assert {key: row["split"] for key, row in now.items() if key in before} == {
        key: row["split"] for key, row in before.items() if key in now
    }
    gone = rows(home / "release").keys() - before.keys()
    assert len(gone) >= 2
    assert not gone & now.keys()
    rejects = rows(after, "rejects")
    assert {rejects[key]["reason"] for key in gone} == {"withdrawn"}
    listed = pq.read_table(after / "withdrawn.parquet").to_pylist()
    assert {row["key"] for row in listed if row["version"] == "2.0.0"} == gone
    added = pq.read_table(after / "changes" / "added.parquet")["key"].to_pylist()
    assert set(added) == now.keys() - before.keys() != set()


@pytest.mark.slow
def test_build_after_another_is_the_same_in_parts(home: Path, after: Path) -> None:
    words = ("--parent", str(home / "without"), "--parts", "2", "--jobs", "1")
    assert build(home, "articles", "in-parts", *words) == 0
    assert files_of(home / "in-parts") == files_of(after)


def test_parent_and_previous_together_are_refused(home: Path, command: Callable[..., Said]) -> None:
    release = home / "release"
    words = ("--pairs", home / "release.work" / "pairs", "--out", home / "no", "--parent", release)
    code, _, said = command("curate", *words, "--previous", release)
    assert code == 2
    assert "no --previous beside it" in said


# --- diff -----------------------------------------------------------------------------------------


def test_diff_counts_gives_reasons_and_proposes_a_version(
    home: Path, after: Path, tmp_path: Path, command: Callable[..., Said]
) -> None:
    code, out, said = command("diff", home / "release", home / "without", "--out", tmp_path / "changes")
    assert (code, said) == (0, "")
    gone = rows(home / "release").keys() - rows(home / "without").keys()
    lines = [line.split() for line in out.splitlines()]
    assert [line for line in lines if line[0] in {"added", "removed", "withdrawn", "changed"}] == [
        ["added", "0"], ["removed", str(len(gone))], ["withdrawn", str(len(gone))], ["changed", "0"],
    ]  # fmt: skip
    assert out.splitlines()[-1] == f"version: 1.0.0 -> 2.0.0, major: samples removed: {len(gone)}"
    removed = pq.read_table(tmp_path / "changes" / "changes" / "removed.parquet").to_pylist()
    assert {row["key"] for row in removed} == gone
    assert removed == pq.read_table(home / "without" / "changes" / "removed.parquet").to_pylist()
    code, out, _ = command("diff", home / "without", after)
    assert "version: 2.0.0 -> 3.0.0, major: " in out
    assert "calls itself" not in out


def test_diff_of_a_release_with_itself_is_nothing(home: Path, command: Callable[..., Said]) -> None:
    code, out, _ = command("diff", home / "release", home / "release")
    assert code == 0
    assert out.splitlines()[-1] == "version: 1.0.0 stays: nothing differs"


# --- cuts -----------------------------------------------------------------------------------------


def test_subset_is_a_release_that_verifies_and_knows_where_it_is_from(
    home: Path, tmp_path: Path, command: Callable[..., Said]
) -> None:
    where, out = "license = 'CC BY' and num_panels_estimate = 1", tmp_path / "part"
    code, printed, _ = command("subset", home / "release", "--where", where, "--out", out)
    assert code == 0
    assert "not_selected" in printed
    wanted = {
        key: row["split"]
        for key, row in rows(home / "release").items()
        if row["license"] == "CC BY" and row["num_panels_estimate"] == 1
    }
    assert {key: row["split"] for key, row in rows(out).items()} == wanted
    assert command("verify", out)[0] == 0
    assert where in (out / "README.md").read_text()
    assert "NEW is a subset of 1.0.0" in command("diff", home / "release", out)[1]
    before = states(out)
    assert command("subset", home / "release", "--where", where, "--out", out)[0] == 0
    assert states(out) == before


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--where", "licence = 'CC BY'"), 'Referenced column "licence" not found'),
        (("--where", "year >>"), "syntax error"),
        (("--keys", "absent.txt"), "cannot read the list absent.txt"),
        ((), "one of the arguments --where --keys is required"),
        (("--where", "true", "--keys", "absent.txt"), "not allowed with argument"),
    ],
)
def test_subset_of_what_is_wrong_touches_nothing(
    home: Path, tmp_path: Path, command: Callable[..., Said], words: tuple[str, ...], said: str
) -> None:
    code, out, told = command("subset", home / "release", *words, "--out", tmp_path / "part")
    assert (code, out) == (2, "")
    assert said in told
    assert not (tmp_path / "part").exists()


def test_output_that_lies_in_the_release_or_holds_another_is_refused(
    home: Path, tmp_path: Path, command: Callable[..., Said]
) -> None:
    release = home / "release"
    before = digests(release)
    for out in (release, release / "part", home):
        code, _, said = command("subset", release, "--where", "true", "--out", out, "--overwrite")
        assert code == 2
        assert "must not lie in each other" in said
    assert command("subset", release, "--where", "true", "--out", tmp_path / "part")[0] == 0
    code, _, said = command("subset", release, "--where", "split = 'train'", "--out", tmp_path / "part")
    assert code == 2
    assert "say --overwrite" in said
    words = ("--where", "split = 'train'", "--out", tmp_path / "part", "--overwrite")
    assert command("subset", release, *words)[0] == 0
    assert {row["split"] for row in rows(tmp_path / "part").values()} == {"train"}
    assert digests(release) == before


def test_withdrawal_that_names_nothing_of_the_release_is_refused(
    home: Path, tmp_path: Path, command: Callable[..., Said]
) -> None:
    (tmp_path / "keys.txt").write_text("PMC1\n")
    words = ("--keys", tmp_path / "keys.txt", "--out", tmp_path / "out")
    code, out, said = command("withdraw", home / "release", *words)
    assert (code, out) == (2, "")
    assert "nothing that the list names is in the release: PMC1" in said
    assert not (tmp_path / "out").exists()


# --- object stores --------------------------------------------------------------------------------


@pytest.fixture
def s3() -> Iterator[S3]:
    with s3_bucket() as bucket:
        yield bucket


def test_release_in_a_bucket_is_verified_compared_and_cut_as_one_in_a_folder(
    home: Path, after: Path, tmp_path: Path, command: Callable[..., Said], s3: S3
) -> None:
    for path in files_of(home / "release"):
        s3.put(f"release/{path}", (home / "release" / path).read_bytes())
    release = f"{s3.uri}/release"
    assert command("verify", release)[0] == 0
    assert command("diff", release, home / "release")[1].endswith("nothing differs\n")
    words = ("--keys", home / "keys.txt", "--out", f"{s3.uri}/without")
    assert command("withdraw", release, *words)[0] == 0
    assert s3.read("without") == {path: (home / "without" / path).read_bytes() for path in files_of(home / "without")}
    assert command("subset", release, "--where", "split = 'train'", "--out", f"{s3.uri}/part")[0] == 0
    assert command("verify", f"{s3.uri}/part")[0] == 0
    s3.put("release/train/sizes.json", b"{}\n")
    code, out, _ = command("verify", release)
    assert code == 1
    assert out.startswith("train/sizes.json: has ")
    assert after.exists()
