"""README.md runs: its commands, its Python, and the tree that it promises."""

import os
import re
import shlex
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from pipelines.asking import BUCKET
from pipelines.cli import main
from pipelines.words import make_parser
from pmc15m.synth import SynthConfig, write_articles
from tests.server import ServerConfig, running_server

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def _blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def _commands(program: str) -> list[list[str]]:
    lines = (line for block in _blocks("sh") for line in block.splitlines())
    return [words for line in lines if (words := shlex.split(line, comments=True)) and words[0] == program]


@pytest.fixture(scope="module")
def workplace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which the README's relative paths mean something."""
    folder = tmp_path_factory.mktemp("readme")
    write_articles(SynthConfig(seed=5, image_scale=0.5), range(12), folder / "articles")
    first = sorted((folder / "articles").glob("PMC*"))[0]
    for path in first.iterdir():
        name = "PMC4991227.1.xml" if path.suffix == ".xml" else path.name
        shutil.copy(path, folder / name)
    (folder / "my.toml").write_text(
        "[shards]\nsamples_per_shard = 32\n[splits]\nval_fraction = 0.2\n", encoding="utf-8"
    )
    (folder / "pipelines").symlink_to(ROOT / "pipelines")
    (folder / "sample50.toml").write_text("[select]\nmax_articles = 3\n", encoding="utf-8")
    (folder / "my-eval-images").mkdir()
    image = next(path for path in sorted(first.iterdir()) if path.suffix in {".jpg", ".png", ".tif"})
    shutil.copy(image, folder / "my-eval-images")
    names = [path.name for path in sorted((folder / "articles").glob("PMC*"))]
    (folder / "takedown.txt").write_text("\n".join(names[:4]))
    (folder / "store").symlink_to(folder / "articles")
    _pack(first, folder / "oa_package")
    return folder


def _pack(article: Path, folder: Path) -> None:
    """Write an article as a legacy tarball."""
    folder.mkdir()
    pmcid = article.name.partition(".")[0]
    with tarfile.open(folder / f"{pmcid}.tar.gz", "w:gz") as tar:
        for path in sorted(article.iterdir()):
            if path.suffix != ".json":
                name = path.with_suffix(".nxml").name if path.suffix == ".xml" else path.name
                tar.add(path, f"{pmcid}/{name}")


def test_every_command_of_the_readme_runs_in_its_order(workplace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(workplace)
    commands = _commands("pmc15m")
    assert {words[1] for words in commands} == {
        "inspect", "build", "extract", "curate", "shard", "fetch", "hashes", "verify", "diff", "withdraw", "subset",
    }  # fmt: skip
    for words in commands:
        if words[1] == "fetch":  # there is no service here: its words are read, tests/faults fetches
            assert make_parser().parse_args(words[1:]).store == "store/"
            continue
        if BUCKET in words:
            with running_server(ServerConfig(articles=6, image_scale=0.1)) as server:
                assert main([server.url if word == BUCKET else word for word in words[1:]]) == 0
            continue
        if words[1] == "shard":  # it writes the release that `build` wrote before it
            words = [*words, "--overwrite"]
        assert main(words[1:]) == 0, words
    assert (workplace / "release" / "manifest.json").exists()


def test_every_make_target_of_the_readme_is_in_the_makefile() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = {words[1] for words in _commands("make")} | set(re.findall(r"`make (\S+?)`", README))
    assert targets
    assert all(re.search(rf"^{target}:", makefile, re.MULTILINE) for target in targets)


def test_the_python_of_the_readme_reads_a_release(workplace: Path) -> None:
    (code,) = _blocks("python")
    code += "\nfirst = next(iter(samples))\nassert first[0].size and first[1] and first[2]['key'] and rows.num_rows\n"
    release = workplace / "release"
    if not release.exists():
        main(["build", "--source", str(workplace / "articles"), "--out", str(release)])
    done = subprocess.run([sys.executable, "-c", code], cwd=workplace, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_demo_leaves_the_tree_that_the_readme_draws(tmp_path: Path) -> None:
    out = tmp_path / "demo"
    command = [sys.executable, "-m", "pipelines.cli", "demo", "--out", str(out), "--articles", "40"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("stage "), done.stdout
    assert str(out) in done.stdout.splitlines()[-1]
    for name in ("train/pmc15m-train-000000.tar", "train/sizes.json", "pairs/pmc15m-train-000000.parquet"):
        assert (out / "release" / name).is_file(), name
    for name in ("rejects/rejects-000000.parquet", "report.json", "config.toml", "manifest.json", "val", "test"):
        assert (out / "release" / name).exists(), name
    cards = ("README.md", "croissant.json", "CITATION.cff", "SHA256SUMS", "attribution.parquet", "attribution.tsv.gz")
    for name in cards:
        assert (out / "release" / name).is_file(), name
    assert "made up by a program" in (out / "release" / "README.md").read_text(encoding="utf-8")
    assert (out / "work" / "pairs").is_dir()
    assert (out / "work" / "decisions").is_dir()
    assert (out / "articles" / "PMC80000000.1" / "PMC80000000.1.json").is_file()
