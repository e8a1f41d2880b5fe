"""Same input, same bytes: order of files, workers, processes, time zone, locale, hash seed and umask decide nothing."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from pipelines.build import run_build
from pipelines.curating import run_curate
from pipelines.extracting import run_extract
from pipelines.options import parse_beam_options
from pipelines.running import Run
from pipelines.sharding import run_shard
from pmc15m.acquire.source import Source
from pmc15m.config import DatasetConfig, ImagesConfig, SplitsConfig, parse_config
from pmc15m.stages import OutputError
from tests import tiny
from tests.conftest import ROOT
from tests.some import article_xml, fig_xml, permissions_xml
from tests.tree import digests, states

CONFIG = parse_config(tiny.CONFIG)


def run(config: DatasetConfig = CONFIG, *beams: str, overwrite: bool = False, fresh: bool = False) -> Run:
    return Run(config, parse_beam_options(list(beams)), fresh, overwrite)


@pytest.fixture(scope="module")
def built(source: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with `work` and `release` of the tiny source."""
    folder = tmp_path_factory.mktemp("built")
    run_build(source, f"{folder}/work", f"{folder}/release", run())
    return folder


@pytest.mark.parametrize(
    "beams",
    [
        (),
        ("--direct_num_workers=2", "--direct_running_mode=multi_threading"),
        ("--direct_num_workers=2", "--direct_running_mode=multi_processing"),
    ],
    ids=["in_memory", "threads", "processes"],
)
def test_release_of_the_same_files_in_another_order_is_the_same_bytes(
    built: Path, tmp_path: Path, beams: tuple[str, ...]
) -> None:
    tiny.write_source(tmp_path / "elsewhere" / "articles", backwards=True)
    source, work, out = (str(tmp_path / name) for name in ("elsewhere/articles", "w", "r"))
    run_build(source, work, out, run(CONFIG, *beams))
    assert digests(tmp_path / "r") == digests(built / "release")


def test_release_does_not_depend_on_the_environment(built: Path, source: str, tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text(tiny.CONFIG)
    words = ["build", "--source", source, "--out", str(tmp_path / "r"), "--config", str(tmp_path / "config.toml")]
    environment = os.environ | {
        "TZ": "Pacific/Kiritimati",
        "LANG": "tr_TR.UTF-8",
        "LC_ALL": "C",
        "PYTHONHASHSEED": "4711",
        "PYTHONPATH": str(ROOT),
        "HOME": str(tmp_path),
    }
    command = [sys.executable, "-W", "ignore", "-m", "pipelines.cli", *words]
    subprocess.run(command, env=environment, umask=0o077, check=True, cwd=tmp_path, capture_output=True, timeout=120)
    assert digests(tmp_path / "r") == digests(built / "release")
    modes = {path.stat().st_mode & 0o777 for path in (tmp_path / "r").rglob("*") if path.is_file()}
    assert modes == {0o644}


def test_release_names_no_path(built: Path, source: str) -> None:
    for path in (built / "release").rglob("*"):
        if path.is_file():
            data = path.read_bytes()
            assert source.encode() not in data
            assert str(built).encode() not in data


def test_second_build_touches_nothing(built: Path, source: str) -> None:
    before = states(built)
    run_build(source, f"{built}/work", f"{built}/release", run())
    assert states(built) == before


def test_curate_with_another_config_does_not_redo_extract(source: str, tmp_path: Path) -> None:
    work, out = f"{tmp_path}/work", f"{tmp_path}/release"
    run_build(source, work, out, run())
    before = states(tmp_path / "work" / "pairs")
    first = digests(tmp_path / "release")
    other = replace(CONFIG, splits=SplitsConfig(salt="another", val_fraction=0.4, test_fraction=0.4))
    with pytest.raises(OutputError, match="a release of another config"):
        run_build(source, work, out, run(other))
    run_build(source, work, out, run(other, overwrite=True))
    assert states(tmp_path / "work" / "pairs") == before
    assert digests(tmp_path / "release") != first
    run_build(source, work, out, run(overwrite=True))
    assert digests(tmp_path / "release") == first


def test_stages_run_one_by_one_give_the_same_release(built: Path, source: str, tmp_path: Path) -> None:
    pairs, decisions, out = (str(tmp_path / name) for name in ("p", "d", "r"))
    run_extract(source, pairs, run())
    run_curate(pairs, decisions, run())
    run_shard(Source(source), pairs, decisions, out, run())
    assert digests(tmp_path / "r") == digests(built / "release")


def test_shard_can_be_run_again_alone(built: Path, source: str, tmp_path: Path) -> None:
    before = states(built)
    run_shard(Source(source), f"{built}/work/pairs", f"{built}/work/decisions", str(tmp_path / "r"), run())
    assert digests(tmp_path / "r") == digests(built / "release")
    assert states(built) == before


def test_fresh_build_redoes_everything_and_gives_the_same_bytes(source: str, tmp_path: Path) -> None:
    work, out = f"{tmp_path}/work", f"{tmp_path}/release"
    run_build(source, work, out, run())
    before, bytes_before = states(tmp_path), digests(tmp_path)
    run_build(source, work, out, run(fresh=True))
    assert digests(tmp_path) == bytes_before
    after = states(tmp_path)
    stages = [f"{tmp_path}/work/pairs/stage.json", f"{tmp_path}/work/decisions/stage.json"]
    assert all(after[path] != before[path] for path in stages)


def test_shard_refuses_stages_that_were_made_with_another_config(built: Path, source: str, tmp_path: Path) -> None:
    pairs, decisions = f"{built}/work/pairs", f"{built}/work/decisions"
    images = replace(CONFIG, images=ImagesConfig(max_pixels=1_000))
    splits = replace(CONFIG, splits=SplitsConfig(salt="another"))
    for config, name in ((images, "extract"), (splits, "curate")):
        with pytest.raises(OutputError, match=f"another config or version: run {name} again"):
            run_shard(Source(source), pairs, decisions, str(tmp_path / "r"), run(config))
    assert states(tmp_path / "r") == {}


def test_shard_refuses_decisions_on_other_pairs(built: Path, source: str, tmp_path: Path) -> None:
    tiny.ARTICLES[0](tmp_path / "source")
    run_extract(str(tmp_path / "source"), str(tmp_path / "p"), run())
    with pytest.raises(OutputError, match="was made from other pairs than those of"):
        run_shard(Source(source), str(tmp_path / "p"), f"{built}/work/decisions", str(tmp_path / "r"), run())


@pytest.mark.parametrize("is_pair", [True, False])
def test_article_that_joins_the_source_is_in_the_next_release_whether_it_gives_pairs_or_not(
    tmp_path: Path, is_pair: bool
) -> None:
    tiny.write_source(tmp_path / "source")
    source, work, out = (str(tmp_path / name) for name in ("source", "work", "release"))
    run_build(source, work, out, run())
    xml = article_xml(fig_xml(), permissions_xml()) if is_pair else b"<article>"
    tiny.write_article(tmp_path / "source", "PMC2000", xml, {"mill.jpg": tiny.packed(tiny.picture(77), "JPEG")})
    with pytest.raises(OutputError, match="holds another release"):
        run_build(source, work, out, run())
    run_build(source, work, out, run(overwrite=True))
    report = json.loads((tmp_path / "release" / "report.json").read_text())
    assert report["flows"][0]["in"] == 10
    run_build(source, f"{tmp_path}/w2", f"{tmp_path}/r2", run())
    assert digests(tmp_path / "r2") == digests(tmp_path / "release")


@pytest.mark.parametrize(
    ("work", "out"),
    [("w", "w/pairs"), ("w", "w/decisions/r"), ("r/work", "r"), ("r", "r"), ("./w", "w/../w/pairs/r")],
)
def test_outputs_that_lie_in_each_other_are_refused_before_any_work(
    source: str, tmp_path: Path, work: str, out: str
) -> None:
    with pytest.raises(OutputError, match="must not lie in each other"):
        run_build(source, f"{tmp_path}/{work}", f"{tmp_path}/{out}", run())
    assert list(tmp_path.iterdir()) == []
