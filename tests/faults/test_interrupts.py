"""A build that is stopped or killed: it ends at once and leaves no release, and the same command goes on."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import tiny
from tests.conftest import ROOT
from tests.some import article_xml, fig_xml, permissions_xml
from tests.tree import digests

NUM_ARTICLES = 30
PATIENCE_S = 60
MAX_END_S = 10
STOPPED = "pmc15m: stopped; nothing half stays valid, the same command goes on\n"
THREADS = ("--", "--direct_num_workers=2", "--direct_running_mode=multi_threading")
PROCESSES = ("--", "--direct_num_workers=2", "--direct_running_mode=multi_processing")

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a source that takes some seconds: images of two megapixels."""
    folder = tmp_path_factory.mktemp("big") / "source"
    for number in range(1, NUM_ARTICLES + 1):
        image = tiny.packed(tiny.picture(number, 1600, 1200), "JPEG")
        tiny.write_article(folder, f"PMC{number}", article_xml(fig_xml(), permissions_xml()), {"mill.jpg": image})
    (folder / "config.toml").write_text(tiny.CONFIG)
    return folder


@pytest.fixture(scope="module")
def undisturbed(source: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Return the release of a build that no one disturbed."""
    out = tmp_path_factory.mktemp("undisturbed") / "release"
    subprocess.run(command(source, out), env=environment(), check=True, capture_output=True, timeout=PATIENCE_S)
    return digests(out)


def command(source: Path, out: Path, beams: tuple[str, ...] = ()) -> list[str]:
    words = ["build", "--source", str(source), "--out", str(out), "--config", str(source / "config.toml"), *beams]
    return [sys.executable, "-W", "ignore", "-m", "pipelines.cli", *words]


def environment() -> dict[str, str]:
    return os.environ | {"PYTHONPATH": str(ROOT)}


@contextlib.contextmanager
def build_until(path: Path, words: list[str]) -> Iterator[subprocess.Popen[str]]:
    """Start a build and wait until a file is there; what is left of it ends with the context."""
    process = subprocess.Popen(
        words, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    try:
        give_up_at = time.monotonic() + PATIENCE_S
        while not path.exists() and process.poll() is None:
            assert time.monotonic() < give_up_at, f"{path} never came"
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(timeout=0.02)
        assert process.poll() is None, process.communicate()
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def end(process: subprocess.Popen[str], number: signal.Signals) -> tuple[int, str]:
    """Send a signal; return the exit code and what was said on stderr."""
    process.send_signal(number)
    _, said = process.communicate(timeout=MAX_END_S)
    return process.returncode, said


def watched(out: Path, stage: str) -> Path:
    """Return the file that a stage writes first."""
    work = Path(f"{out}.work")
    return {"extract": work / "pairs" / "stage.json", "shard": out / "incomplete.json"}[stage]


@pytest.mark.parametrize(
    ("number", "code", "stage"), [(signal.SIGINT, 130, "extract"), (signal.SIGTERM, 143, "shard")], ids=["int", "term"]
)
def test_stopped_build_ends_soon_with_one_sentence_and_goes_on_later(
    source: Path, undisturbed: dict[str, str], tmp_path: Path, number: signal.Signals, code: int, stage: str
) -> None:
    out = tmp_path / "release"
    with build_until(watched(out, stage), command(source, out)) as process:
        returned, said = end(process, number)
    assert (returned, said.splitlines(keepends=True)[-1]) == (code, STOPPED)
    assert "Traceback" not in said
    assert not (out / "manifest.json").exists()
    go_on(source, out, undisturbed)


@pytest.mark.parametrize("beams", [THREADS, PROCESSES], ids=["threads", "processes"])
def test_build_with_workers_is_stopped_too(
    source: Path, undisturbed: dict[str, str], tmp_path: Path, beams: tuple[str, ...]
) -> None:
    out = tmp_path / "release"
    with build_until(watched(out, "extract"), command(source, out, beams)) as process:
        returned, said = end(process, signal.SIGTERM)
    assert (returned, said.splitlines(keepends=True)[-1]) == (143, STOPPED)
    assert not (out / "manifest.json").exists()
    go_on(source, out, undisturbed)


@pytest.mark.parametrize("stage", ["extract", "shard"])
def test_killed_build_leaves_no_release_and_goes_on_later(
    source: Path, undisturbed: dict[str, str], tmp_path: Path, stage: str
) -> None:
    out = tmp_path / "release"
    with build_until(watched(out, stage), command(source, out)) as process:
        returned, _ = end(process, signal.SIGKILL)
    assert returned == -signal.SIGKILL
    assert not (out / "manifest.json").exists()
    go_on(source, out, undisturbed)


def go_on(source: Path, out: Path, undisturbed: dict[str, str]) -> None:
    """Give the same command again: the release is that of an undisturbed build, with nothing left over."""
    subprocess.run(command(source, out), env=environment(), check=True, capture_output=True, timeout=PATIENCE_S)
    assert digests(out) == undisturbed
    work = Path(f"{out}.work")
    for stage in ("pairs", "decisions"):
        assert [path.name for path in (work / stage).iterdir() if not path.name.endswith((".parquet", ".json"))] == []
