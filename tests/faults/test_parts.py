"""A build in parts: the bytes of a whole one, whatever is killed, missing, changed or left over on the way."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from pipelines.build import run_build
from pipelines.cli import main
from pipelines.extracting import SourceError, finish_extract, run_extract
from pipelines.launching import LocalProcesses, PartFailedError
from pipelines.options import parse_beam_options
from pipelines.parts import InParts
from pipelines.running import Run
from pmc15m.acquire.archives import list_archives
from pmc15m.config import DatasetConfig, parse_config, to_toml
from pmc15m.parts import Part, parts_of
from pmc15m.release.parts import PARTS_FOLDER
from pmc15m.stages import MARKER, OutputError, locked_output
from tests import tiny
from tests.conftest import ROOT
from tests.faults.wanted import PLAIN, be_quick, serving
from tests.tree import digests, states

CONFIG = parse_config(tiny.CONFIG)
PATIENCE_S = 60


@dataclass(frozen=True)
class Here:
    """Runs parts in this process, and notes what it ran; `meet` is called before each."""

    ran: list[str] = field(default_factory=list)
    meet: Callable[[str, str], None] = lambda stage, part: None

    def run(self, stage: str, commands: Sequence[Sequence[str]], shared: str) -> None:
        for words in commands:
            part = words[words.index("--part") + 1]
            self.meet(stage, part)
            self.ran.append(f"{stage} {part}")
            assert main(list(words)) == 0


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("parts") / "source"
    tiny.write_source(folder)
    return folder


@pytest.fixture(scope="module")
def whole(source: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Return the release of a build in one part."""
    out = tmp_path_factory.mktemp("whole")
    run_build(str(source), str(out / "work"), str(out / "release"), run())
    return digests(out / "release")


def run(config: DatasetConfig = CONFIG, *, fresh: bool = False, overwrite: bool = False) -> Run:
    return Run(config, parse_beam_options([]), fresh, overwrite)


def build(source: Path, folder: Path, count: int, how: Run | None = None, here: Here | None = None) -> list[str]:
    """Build in parts, in this process; return which parts were run."""
    how, here = how or run(), here or Here()
    path = folder / "config.toml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(to_toml(how.config), encoding="utf-8")
    parts = InParts(count, here, ("--config", str(path), "--log-level", "WARNING"), ())
    run_build(str(source), str(folder / "work"), str(folder / "release"), how, parts=parts)
    return here.ran


pytestmark = pytest.mark.usefixtures("log_as_before")


@pytest.mark.parametrize("count", [1, 3, 7])
def test_release_of_any_number_of_parts_is_that_of_the_whole(
    source: Path, whole: dict[str, str], tmp_path: Path, count: int
) -> None:
    ran = build(source, tmp_path, count)
    assert digests(tmp_path / "release") == whole
    assert ran == [f"{stage} {part}" for stage in ("extract", "shard") for part in parts_of(count)]


def test_complete_parts_and_the_release_are_left_alone(source: Path, tmp_path: Path) -> None:
    build(source, tmp_path, 3)
    before = states(tmp_path / "work"), states(tmp_path / "release")
    assert build(source, tmp_path, 3) == build(source, tmp_path, 2) == []
    assert (states(tmp_path / "work"), states(tmp_path / "release")) == before


def test_empty_part_is_complete_and_adds_nothing(source: Path, tmp_path: Path) -> None:
    empty = next(part for part in parts_of(64) if not any(part.holds(f"PMC{n}") for n in range(1001, 1009)))
    assert run_extract(str(source), str(tmp_path / "pairs"), run(), replace(empty, count=64)).files == ()
    assert (tmp_path / "pairs" / empty.folder / MARKER).exists()


def test_build_that_lost_a_part_makes_that_part_again(source: Path, whole: dict[str, str], tmp_path: Path) -> None:
    def stop_at_the_second_shard(stage: str, part: str) -> None:
        if (stage, part) == ("shard", "2/3"):
            raise PartFailedError("lost")

    with pytest.raises(PartFailedError, match="lost"):
        build(source, tmp_path, 3, here=Here(meet=stop_at_the_second_shard))
    before = states(tmp_path / "release" / PARTS_FOLDER)
    assert not (tmp_path / "release" / "manifest.json").exists()

    def look(stage: str, part: str) -> None:
        if (stage, part) == ("shard", "2/3"):
            assert states(tmp_path / "release" / PARTS_FOLDER) == before

    build(source, tmp_path, 3, here=Here(meet=look))
    assert digests(tmp_path / "release") == whole


def test_release_is_not_finished_while_a_part_is_missing(source: Path, tmp_path: Path) -> None:
    config, pairs = tmp_path / "config.toml", tmp_path / "pairs"
    config.write_text(to_toml(CONFIG), encoding="utf-8")
    words = ["extract", "--source", str(source), "--out", str(pairs), "--config", str(config)]
    for part in ("0/3", "2/3"):
        assert main([*words, "--part", part]) == 0
    assert main([*words, "--finish", "--parts", "3"]) == 2
    with pytest.raises(OutputError, match=r"1 of 3 parts of extract in .* are not complete: 1/3"):
        finish_extract(str(pairs), run(), 3)
    assert main([*words, "--part", "1/3"]) == 0
    assert main([*words, "--finish", "--parts", "3"]) == 0


def test_stages_run_part_by_part_by_a_scheduler_give_the_same_release(
    source: Path, whole: dict[str, str], tmp_path: Path
) -> None:
    config = tmp_path / "config.toml"
    config.write_text(to_toml(CONFIG), encoding="utf-8")
    pairs, decisions, out = (str(tmp_path / name) for name in ("pairs", "decisions", "release"))
    common = ["--config", str(config), "--log-level", "ERROR"]
    extract = ["extract", "--source", str(source), "--out", pairs, *common]
    shard = ["shard", "--source", str(source), "--pairs", pairs, "--decisions", decisions, "--out", out, *common]
    ends = [["--part", "1/2"], ["--part", "0/2"], ["--finish", "--parts", "2"]]
    words = [[*extract, *end] for end in ends]
    words += [["curate", "--pairs", pairs, "--out", decisions, *common]]
    words += [[*shard, *end] for end in ends]
    assert [main(line) for line in words] == [0] * 7
    assert digests(tmp_path / "release") == whole
    assert main([*shard, "--part", "1/2"]) == 0, "a part of a complete release has nothing to do"
    assert digests(tmp_path / "release") == whole


@pytest.mark.parametrize(
    "words",
    [["--part", "0/2", "--overwrite"], ["--finish", "--parts", "2", "--overwrite"], ["--part", "0/2", "--finish"],
     ["--part", "2/2"], ["--parts", "2"], ["--finish"], ["--finish", "--parts", "0"]],
)  # fmt: skip
def test_words_of_parts_that_contradict_each_other_are_refused(source: Path, tmp_path: Path, words: list[str]) -> None:
    shard = ["shard", "--source", str(source), "--pairs", "p", "--decisions", "d", "--out", str(tmp_path / "r")]
    assert main([*shard, *words]) == 2
    assert not (tmp_path / "r").exists()


def test_source_without_articles_is_no_stage_of_empty_parts(tmp_path: Path) -> None:
    (tmp_path / "source").mkdir()
    for part in parts_of(2):
        run_extract(str(tmp_path / "source"), str(tmp_path / "pairs"), run(), part)
    with pytest.raises(SourceError, match="hold no article"):
        finish_extract(str(tmp_path / "pairs"), run(), 2)


def test_changed_config_makes_parts_again(source: Path, tmp_path: Path) -> None:
    build(source, tmp_path, 2)
    before = states(tmp_path / "work" / "pairs" / Part(0, 2).folder)
    other = replace(CONFIG, images=replace(CONFIG.images, max_side_px=150))
    build(source, tmp_path, 2, run(other, overwrite=True))
    assert states(tmp_path / "work" / "pairs" / Part(0, 2).folder) != before
    run_build(str(source), str(tmp_path / "w"), str(tmp_path / "r"), run(other))
    assert digests(tmp_path / "release") == digests(tmp_path / "r")


def test_changed_source_makes_again_the_parts_that_it_is_in(tmp_path: Path) -> None:
    tiny.write_source(tmp_path / "source")
    build(tmp_path / "source", tmp_path, 2)
    image = tmp_path / "source" / "PMC1001.1" / "wheel.png"
    image.write_bytes(tiny.packed(tiny.picture(99), "PNG"))
    touched, untouched = sorted(parts_of(2), key=lambda part: not part.holds("PMC1001"))
    folder = tmp_path / "work" / "pairs"
    before = {part: states(folder / part.folder) for part in parts_of(2)}
    build(tmp_path / "source", tmp_path, 2, run(overwrite=True))
    assert states(folder / untouched.folder) == before[untouched]
    assert states(folder / touched.folder) != before[touched]
    run_build(str(tmp_path / "source"), str(tmp_path / "w"), str(tmp_path / "r"), run())
    assert digests(tmp_path / "release") == digests(tmp_path / "r")


def test_parts_of_a_release_that_was_not_finished_give_way_to_another_config(source: Path, tmp_path: Path) -> None:
    def stop(stage: str, part: str) -> None:
        if (stage, part) == ("shard", "1/2"):
            raise PartFailedError("lost")

    with pytest.raises(PartFailedError, match="lost"):
        build(source, tmp_path, 2, here=Here(meet=stop))
    other = replace(CONFIG, encode=replace(CONFIG.encode, short_side_px=50))
    build(source, tmp_path, 2, run(other))
    run_build(str(source), str(tmp_path / "w"), str(tmp_path / "r"), run(other))
    assert digests(tmp_path / "release") == digests(tmp_path / "r")


@pytest.mark.parametrize("stage", ["extract", "shard"])
@pytest.mark.parametrize("second", [2, None])
def test_what_another_number_of_parts_left_is_swept(
    source: Path, whole: dict[str, str], tmp_path: Path, stage: str, second: int | None
) -> None:
    def stop(at: str, part: str) -> None:
        if (at, part) == (stage, "2/3"):
            raise PartFailedError("lost")

    with pytest.raises(PartFailedError, match="lost"):
        build(source, tmp_path, 3, here=Here(meet=stop))
    if second is None:
        run_build(str(source), str(tmp_path / "work"), str(tmp_path / "release"), run())
    else:
        build(source, tmp_path, second)
    assert digests(tmp_path / "release") == whole
    left = {path.name for path in (tmp_path / "work" / "pairs").iterdir() if path.is_dir()}
    made_of = 3 if stage == "shard" else second  # pairs that are complete stay
    assert left == {part.folder for part in (parts_of(made_of) if made_of else [])}


def test_second_run_of_a_part_is_refused_and_so_is_a_whole_run_beside_it(source: Path, tmp_path: Path) -> None:
    pairs, part = str(tmp_path / "pairs"), Part(0, 2)
    run_extract(str(source), pairs, run(), part)
    with locked_output(pairs, is_shared=True), locked_output(f"{pairs}/{part.folder}"):
        with pytest.raises(OutputError, match=r"part-00000-of-00002 is in use by another run"):
            run_extract(str(source), pairs, run(fresh=True), part)
        with pytest.raises(OutputError, match=r"pairs is in use by another run"):
            run_extract(str(source), pairs, run())
        with pytest.raises(OutputError, match=r"pairs is in use by another run"):
            finish_extract(pairs, run(), 2)
        run_extract(str(source), pairs, run(), Part(1, 2))


@pytest.mark.parametrize("stage", ["extract", "shard"])
def test_part_never_writes_beside_what_is_someone_elses(source: Path, tmp_path: Path, stage: str) -> None:
    work, mine = tmp_path / "work", tmp_path / "mine"
    run_build(str(source), str(work), str(tmp_path / "release"), run())
    mine.mkdir()
    (mine / "thesis.tex").write_text("mine")
    (mine / "config.toml").write_text(to_toml(CONFIG), encoding="utf-8")
    before = states(mine)
    folders = ["--pairs", str(work / "pairs"), "--decisions", str(work / "decisions")] if stage == "shard" else []
    words = [stage, "--source", str(source), *folders, "--out", str(mine), "--config", str(mine / "config.toml")]
    for end in (["--part", "0/2"], ["--part", "1/2"], ["--finish", "--parts", "2"]):
        assert main([*words, *end]) == 2
    assert states(mine) == before


def test_account_of_a_fetch_is_counted_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    be_quick(monkeypatch)
    store, config = str(tmp_path / "store"), tmp_path / "c.toml"
    config.write_text(to_toml(CONFIG), encoding="utf-8")
    with serving(PLAIN) as server:
        assert main(["fetch", "--store", store, "--bucket", server.url, "--config", str(config)]) == 0
    assert not list(list_archives(store))
    build(Path(store), tmp_path / "parts", 3)
    run_build(store, str(tmp_path / "w"), str(tmp_path / "r"), run())
    assert digests(tmp_path / "parts" / "release") == digests(tmp_path / "r")
    flows = json.loads((tmp_path / "r" / "report.json").read_text())["flows"]
    assert flows[0]["stage"] == "fetch"
    assert flows[0]["in"] > 0


# --- processes ------------------------------------------------------------------------------------


def command(source: Path, folder: Path, *words: str) -> list[str]:
    (folder / "config.toml").write_text(to_toml(CONFIG), encoding="utf-8")
    line = ["build", "--source", str(source), "--out", str(folder / "release"), "--config", str(folder / "config.toml")]
    return [sys.executable, "-W", "ignore", "-m", "pipelines.cli", *line, "--parts", "3", "--jobs", "2", *words]


@contextlib.contextmanager
def started(line: list[str], path: Path) -> Iterator[subprocess.Popen[str]]:
    """Start a build in parts and wait until a file is there; what is left of it ends with the context."""
    process = subprocess.Popen(
        line, env=os.environ | {"PYTHONPATH": str(ROOT)}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        start_new_session=True,
    )  # fmt: skip
    try:
        give_up_at = time.monotonic() + PATIENCE_S
        while not path.exists() and process.poll() is None:
            assert time.monotonic() < give_up_at, f"{path} never came"
            time.sleep(0.01)
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def parts_at_work(driver: int) -> list[int]:
    """Return the process ids of the parts that a driver has started."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            if parent == driver and b"pipelines.leashed" in (folder / "cmdline").read_bytes():
                found.append(int(folder.name))
    return sorted(found)


@pytest.mark.slow
def test_part_that_is_killed_stops_the_build_and_the_same_command_goes_on(
    source: Path, whole: dict[str, str], tmp_path: Path
) -> None:
    line = command(source, tmp_path)
    with started(line, tmp_path / "release.work" / "pairs" / "stage.json") as process:
        pids = parts_at_work(process.pid)
        os.kill(pids[-1], signal.SIGKILL)
        _, said = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 1
    assert "of extract was ended by signal 9 (out of memory?); it said:" in said
    assert "Traceback" not in said
    assert not any(Path(f"/proc/{pid}").exists() for pid in pids)
    subprocess.run(
        line, env=os.environ | {"PYTHONPATH": str(ROOT)}, check=True, capture_output=True, timeout=PATIENCE_S
    )
    assert digests(tmp_path / "release") == whole


@pytest.mark.slow
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)], ids=["int", "term"])
def test_build_in_parts_that_is_stopped_leaves_no_part_behind(
    source: Path, tmp_path: Path, number: signal.Signals, code: int
) -> None:
    with started(command(source, tmp_path), tmp_path / "release.work" / "pairs" / "stage.json") as process:
        pids = parts_at_work(process.pid)
        assert pids
        process.send_signal(number)
        _, said = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == code
    assert said.endswith("pmc15m: stopped; nothing half stays valid, the same command goes on\n")
    assert "Traceback" not in said
    assert not any(Path(f"/proc/{pid}").exists() for pid in pids)


@pytest.mark.slow
def test_build_in_processes_says_what_a_part_said_of_what_it_cannot_do(source: Path, tmp_path: Path) -> None:
    (tmp_path / "release.work" / "pairs").mkdir(parents=True)
    (tmp_path / "release.work" / "pairs" / "thesis.tex").write_text("mine")
    (tmp_path / "c.toml").write_text(to_toml(CONFIG), encoding="utf-8")
    parts = InParts(3, LocalProcesses(2), ("--config", str(tmp_path / "c.toml"), "--log-level", "WARNING"), ())
    folders = (str(source), str(tmp_path / "release.work"), str(tmp_path / "release"))
    with pytest.raises(PartFailedError, match=r"(?s)ended with 2; it said:.*'thesis.tex', which pmc15m did not write"):
        run_build(*folders, run(), parts=parts)
