"""One release on every engine, byte for byte; and what becomes of it where a worker is killed."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.engines.conftest import Made
from tests.engines.differences import first_difference
from tests.engines.engines import ENGINES, Engine, is_required, named, opened
from tests.engines.servers import environment

LIMIT_S = 150
END_S = 60

pytestmark = [pytest.mark.engine, pytest.mark.slow]


def line(made: Made, out: Path, ours: list[str], beams: list[str]) -> list[str]:
    words = ["build", "--source", str(made.source), "--out", str(out), "--config", str(made.config), *ours]
    return [sys.executable, "-W", "ignore", "-m", "pipelines.cli", *words, *(["--", *beams] if beams else [])]


@contextlib.contextmanager
def building(words: list[str], folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Start a build; it and all that it started end with the context."""
    with (folder / "build.log").open("ab") as log:
        process = subprocess.Popen(words, cwd=folder, env=environment(), stdout=log, stderr=log, start_new_session=True)
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def said(folder: Path) -> str:
    return (folder / "build.log").read_text(errors="replace")


def build(words: list[str], folder: Path) -> None:
    """Build, within a limit of time."""
    with building(words, folder) as process:
        try:
            code = process.wait(LIMIT_S)
        except subprocess.TimeoutExpired:
            pytest.fail(f"no end after {LIMIT_S} s: {said(folder)[-3_000:]}")
    assert code == 0, said(folder)[-3_000:]


def wait_for(found: Callable[[], object], process: "subprocess.Popen[bytes]", folder: Path) -> None:
    give_up_at = time.monotonic() + LIMIT_S
    while not found():
        assert process.poll() is None, f"it ended too soon: {said(folder)[-3_000:]}"
        assert time.monotonic() < give_up_at, said(folder)[-3_000:]
        time.sleep(0.02)


def processes(text: str, at_work_for: int) -> list[int]:
    """Return the ids of the processes with such a command line that a process has started, or what those started."""
    parents, found = {}, []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            parents[int(folder.name)] = parent(int(folder.name))
            if text.encode() in (folder / "cmdline").read_bytes():
                found.append(int(folder.name))
    return sorted(pid for pid in found if at_work_for in ancestors(pid, parents))


def parent(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def ancestors(pid: int, parents: dict[int, int]) -> Iterator[int]:
    while pid in parents:
        pid = parents[pid]
        yield pid


def test_reference_has_rejects_of_every_stage_and_several_shards(made: Made) -> None:
    flows = json.loads((made.release / "report.json").read_text())["flows"]
    assert {flow["stage"] for flow in flows if flow["rejected"]} == {"extract", "curate", "shard"}
    assert len({reason for flow in flows for reason in flow["rejects_by_reason"]}) >= 8
    assert len(list(made.release.rglob("*.tar"))) >= 4


@pytest.mark.parametrize("engine", ENGINES, ids=lambda engine: engine.name)
def test_release_is_the_same_bytes(engine: Engine, made: Made, tmp_path: Path) -> None:
    with opened(engine, tmp_path) as (ours, beams, _):
        build(line(made, tmp_path / "release", ours, beams), tmp_path)
    assert first_difference(tmp_path / "release", made.release) is None
    assert "Traceback" not in said(tmp_path)


@pytest.mark.parametrize(
    ("name", "told"),
    [("processes", "pmc15m: a worker process ended"), ("prism-process", "SDK worker disconnected")],
)
def test_build_whose_worker_is_killed_does_not_wait_for_it_and_the_same_command_goes_on(
    made: Made, tmp_path: Path, name: str, told: str
) -> None:
    out = tmp_path / "release"
    with opened(named(name), tmp_path) as (ours, beams, _):
        words = line(made, out, ours, beams)
        with building(words, tmp_path) as process:
            wait_for(lambda: processes("images.child", process.pid), process, tmp_path)  # one that has begun
            os.kill(parent(processes("images.child", process.pid)[0]), signal.SIGKILL)
            assert process.wait(END_S) == 1
        assert told in said(tmp_path)
        assert not (out / "manifest.json").exists()
        build(words, tmp_path)
    assert first_difference(out, made.release) is None


def test_build_whose_external_worker_is_killed_waits_but_can_be_stopped_and_goes_on(made: Made, tmp_path: Path) -> None:
    """Beam's job server does not miss a worker of a pool: it is the one that has to be told."""
    out = tmp_path / "release"
    with opened(named("external"), tmp_path) as (ours, beams, _):
        words = line(made, out, ours, beams)
        with building(words, tmp_path) as process:
            wait_for(lambda: processes("sdk_worker import SdkHarness", os.getpid()), process, tmp_path)
            os.kill(processes("sdk_worker import SdkHarness", os.getpid())[-1], signal.SIGKILL)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(3)
            process.send_signal(signal.SIGTERM)
            assert process.wait(END_S) in {1, 143}
        assert not (out / "manifest.json").exists()
    with opened(named("external"), tmp_path / "again") as (ours, beams, _):
        build(line(made, out, ours, beams), tmp_path)
    assert first_difference(out, made.release) is None


def test_spark_that_loses_a_worker_runs_its_parts_elsewhere(made: Made, tmp_path: Path) -> None:
    out = tmp_path / "release"
    with (
        opened(named("spark-parts"), tmp_path) as (ours, beams, told),
        building(line(made, out, ours, beams), tmp_path) as process,
    ):
        at_work = tmp_path / "release.work" / "pairs"
        wait_for(lambda: list(at_work.glob("part-*/stage.json")), process, tmp_path)
        os.kill(int(told["pids"].split(",")[0]), signal.SIGKILL)
        assert process.wait(LIMIT_S) == 0, said(tmp_path)[-3_000:]
    assert first_difference(out, made.release) is None


@pytest.mark.parametrize(
    ("words", "is_wanted"),
    [("", False), ("grpc", False), ("prism", True), ("prism-process", True), ("grpc, prism", True), ("all", True)],
)
def test_engines_that_may_not_be_skipped_are_named_by_their_beginnings(words: str, is_wanted: bool) -> None:
    assert is_required(named("prism-process"), words) is is_wanted


def test_engine_that_is_none_may_not_be_asked_for() -> None:
    with pytest.raises(ValueError, match="'prisma': wanted of threads, "):
        is_required(named("grpc"), "prisma")
