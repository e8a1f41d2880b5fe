"""Launchers: every part to its end, one that fails ends the others and is told of, and none outlives its driver."""

import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from pipelines import launching
from pipelines.launching import (
    LocalProcesses,
    PartFailedError,
    SparkTask,
    SparkTasks,
    command_of,
    failure,
    run_task,
    task_of,
)
from pmc15m.errors import UsageError
from pmc15m.stages import IN_USE
from pmc15m.store import Store
from tests.conftest import ROOT

PATIENCE_S = 20


def script(words: Sequence[str]) -> list[str]:
    """Return the line of a part that is a line of Python."""
    return [sys.executable, "-c", *words]


def touch(path: Path, then: str = "") -> list[str]:
    return [f"import os, sys, time; open({str(path)!r}, 'w').write(str(os.getpid())); {then}"]


def wait_for(path: Path) -> int:
    """Return the process id that a part has written."""
    give_up_at = time.monotonic() + PATIENCE_S
    while not path.exists() or not path.read_text():
        assert time.monotonic() < give_up_at, f"{path} never came"
        time.sleep(0.01)
    return int(path.read_text())


def is_alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


# --- processes ------------------------------------------------------------------------------------


def test_all_parts_are_run_and_counted(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "pmc15m")
    LocalProcesses(2, script).run("extract", [touch(tmp_path / str(n)) for n in range(5)], "")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["0", "1", "2", "3", "4"]
    assert caplog.messages == [f"extract: {n} of 5 parts" for n in range(1, 6)]


def test_no_parts_are_done_at_once() -> None:
    LocalProcesses(2, script).run("extract", [], "")


def test_no_more_parts_than_jobs_are_at_work(tmp_path: Path) -> None:
    line = f"import os, time; p = {str(tmp_path)!r} + f'/{{os.getpid()}}'; open(p, 'w'); time.sleep(0.3)"
    count = f"print(len(os.listdir({str(tmp_path)!r})), file=open({str(tmp_path)!r} + '.log', 'a')); os.unlink(p)"
    LocalProcesses(2, script).run("extract", [[f"{line}; {count}"]] * 5, "")
    seen = [int(text) for text in Path(f"{tmp_path}.log").read_text().split()]
    assert len(seen) == 5
    assert max(seen) <= 2


@pytest.mark.parametrize("code", [1, 2, 3])
def test_part_that_fails_ends_the_others_and_its_words_are_told(tmp_path: Path, code: int) -> None:
    lines = [
        touch(tmp_path / "slow", "time.sleep(60)"),
        touch(tmp_path / "bad", f"time.sleep(0.5); print('no such mill', file=sys.stderr); sys.exit({code})"),
        touch(tmp_path / "never"),
    ]
    started_at = time.monotonic()
    with pytest.raises(PartFailedError) as failed:
        LocalProcesses(2, script).run("shard", lines, "")
    assert str(failed.value) == f"part 1 of shard ended with {code}; it said:\nno such mill"
    assert time.monotonic() - started_at < PATIENCE_S
    assert not is_alive(wait_for(tmp_path / "slow"))
    assert not (tmp_path / "never").exists()


def test_parts_that_end_together_are_all_looked_at(tmp_path: Path) -> None:
    with pytest.raises(PartFailedError, match=r"part [012] of shard ended with 1"):
        LocalProcesses(3, script).run("shard", [["import sys; sys.exit(1)"]] * 3, "")


def test_part_that_does_not_end_when_asked_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(launching, "STOP_S", 0.3)
    deaf = touch(tmp_path / "deaf", "time.sleep(60)")
    deaf = [f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {deaf[0]}"]
    with pytest.raises(PartFailedError):
        LocalProcesses(2, script).run("shard", [deaf, ["import time; time.sleep(1); raise SystemExit(1)"]], "")
    assert not is_alive(wait_for(tmp_path / "deaf"))


@pytest.mark.parametrize(
    ("code", "said", "told"),
    [
        (1, "", "part 3 of extract ended with 1; it said:\nnothing"),
        (2, "\nno mill\n\n", "part 3 of extract ended with 2; it said:\nno mill"),
        (-9, "a\nb", "part 3 of extract was ended by signal 9 (out of memory?); it said:\na\nb"),
        (-11, "x", "part 3 of extract was ended by signal 11; it said:\nx"),
        (1, "." * 5_000, f"part 3 of extract ended with 1; it said:\n{'.' * 2_000}"),
    ],
)
def test_failure_says_which_part_how_and_its_last_words(code: int, said: str, told: str) -> None:
    assert failure("extract", 3, code, said) == told


def test_bytes_that_are_no_text_are_told_too() -> None:
    with pytest.raises(PartFailedError, match="mill"):
        LocalProcesses(1, script).run("shard", [["import os; os.write(2, b'\\xff\\xfe mill'); os._exit(1)"]], "")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL], ids=["int", "term", "kill"])
def test_parts_end_with_their_driver_however_it_ends(tmp_path: Path, number: signal.Signals) -> None:
    line = touch(tmp_path / "part", "time.sleep(60)")[0]
    (tmp_path / "part.py").write_text(f"from pipelines.leashed import hold; import sys; hold(int(sys.argv[1])); {line}")
    (tmp_path / "driver.py").write_text(
        "import os, sys\n"
        "from pipelines.launching import LocalProcesses\n"
        "from pipelines.signals import Stop\n"
        f"line = lambda words: [sys.executable, {str(tmp_path / 'part.py')!r}, str(os.getpid())]\n"
        "with Stop() as stop:\n"
        "    LocalProcesses(1, line).run('extract', [[]], '')\n"
    )
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    driver = subprocess.Popen([sys.executable, tmp_path / "driver.py"], env=environment, stderr=subprocess.DEVNULL)
    try:
        pid = wait_for(tmp_path / "part")
        driver.send_signal(number)
        driver.wait(PATIENCE_S)
    finally:
        driver.kill()
        driver.wait()
    give_up_at = time.monotonic() + PATIENCE_S
    while is_alive(pid):
        assert time.monotonic() < give_up_at
        time.sleep(0.01)


def test_part_whose_parent_is_gone_already_does_not_begin() -> None:
    words = [sys.executable, "-m", "pipelines.leashed", "1", "--version"]
    done = subprocess.run(words, env=os.environ | {"PYTHONPATH": str(ROOT)}, capture_output=True, check=False)
    assert (done.returncode, done.stdout) == (137, b"")


def test_line_of_a_part_runs_the_command() -> None:
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(command_of(["--version"]), env=environment, capture_output=True, check=True)
    assert done.stdout.startswith(b"pmc15m ")


# --- Spark ----------------------------------------------------------------------------------------


class Context:
    """What is used of a Spark context; tasks are run here, one after the other."""

    defaultParallelism = 2

    def __init__(self) -> None:
        self.tasks: list[Any] = []
        self.level = ""

    def setLogLevel(self, level: str) -> None:
        self.level = level

    def parallelize(self, items: Any, num_slices: int) -> Any:
        items = list(items)
        assert 1 <= num_slices <= max(len(items), 1)

        def run(fn: Any) -> Any:
            self.tasks += items
            return SimpleNamespace(collect=lambda: [fn(item) for item in items])

        return SimpleNamespace(map=run)


class Builder:
    def __init__(self, context: Context) -> None:
        self.context, self.told = context, {}  # type: ignore[var-annotated]

    def __getattr__(self, name: str) -> Any:
        def tell(*words: str) -> Builder:
            self.told[words[0] if name == "config" else name] = words[-1]
            return self

        return tell

    def getOrCreate(self) -> Any:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # as Spark does, with a handler of its own
        return SimpleNamespace(sparkContext=self.context)


@pytest.fixture
def spark(monkeypatch: pytest.MonkeyPatch) -> Iterator[Builder]:
    """Put a Spark in place that runs tasks here."""
    builder = Builder(Context())
    package, sql = ModuleType("pyspark"), ModuleType("pyspark.sql")
    sql.SparkSession = SimpleNamespace(builder=builder)  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "pyspark", package)
    monkeypatch.setitem(sys.modules, "pyspark.sql", sql)
    monkeypatch.setattr(launching, "command_of", script)
    monkeypatch.setenv("PYSPARK_PYTHON", "its-python")
    return builder


def test_spark_runs_a_task_for_each_part(spark: Builder, tmp_path: Path) -> None:
    before = signal.getsignal(signal.SIGINT)
    shared = tmp_path / "out"
    SparkTasks("spark://mill:7077").run("extract", [touch(tmp_path / str(n)) for n in range(3)], str(shared))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["0", "1", "2", "out"]
    assert list(shared.iterdir()) == []
    assert spark.told == {"appName": "pmc15m extract", "master": "spark://mill:7077", "spark.speculation": "false"}
    assert signal.getsignal(signal.SIGINT) is before


def test_spark_asks_for_no_master_where_none_is_named(spark: Builder, tmp_path: Path) -> None:
    SparkTasks(None).run("extract", [["pass"]], str(tmp_path))
    assert "master" not in spark.told


@pytest.mark.usefixtures("spark")
def test_part_that_fails_on_spark_is_told_of(tmp_path: Path) -> None:
    lines = [["pass"], ["import sys; print('no\\0 mill', file=sys.stderr); sys.exit(2)"], ["pass"]]
    with pytest.raises(PartFailedError) as failed:
        SparkTasks(None).run("extract", lines, str(tmp_path))
    assert str(failed.value) == "part 1 of extract ended with 2; it said:\nno mill"


@pytest.mark.usefixtures("spark")
def test_output_that_executors_do_not_see_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Store, "exists", lambda *_: False)
    with pytest.raises(UsageError, match="is not the same folder on every executor"):
        SparkTasks(None).run("extract", [["pass"]], str(tmp_path))
    assert list(tmp_path.iterdir()) == []


def test_without_pyspark_the_launcher_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyspark.sql", None)
    with pytest.raises(UsageError, match=r"pip install 'pmc15m\[spark\]'"):
        SparkTasks(None).run("extract", [], "")


def test_config_goes_to_the_executor_with_the_task(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mill.toml").write_text("salt = 'ü'", encoding="utf-8")
    task = task_of(4, ["extract", "--config", str(tmp_path / "mill.toml"), "--out", "there"])
    assert task == SparkTask(4, ("extract", "--config", str(tmp_path / "mill.toml"), "--out", "there"), "salt = 'ü'")
    (tmp_path / "mill.toml").unlink()
    line = "import sys; sys.exit(open(sys.argv[1], encoding='utf-8').read())"
    monkeypatch.setattr(launching, "command_of", lambda words: script([line, words[2]]))
    assert run_task(task) == (4, 1, "salt = 'ü'\n")


def test_task_waits_for_an_attempt_that_still_holds_its_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(launching, "command_of", script)
    line = f"import os, sys; p = {str(tmp_path / 'seen')!r}; b = os.path.exists(p); open(p, 'w')"
    line += f"; b or sys.exit('x {IN_USE}')"
    assert run_task(SparkTask(1, (line,), "")) == (1, 0, "")


def test_task_does_not_wait_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(launching, "command_of", script)
    monkeypatch.setattr(launching, "IN_USE_S", 0.0)
    assert run_task(SparkTask(1, (f"import sys; sys.exit('x {IN_USE}')",), "")) == (1, 1, f"x {IN_USE}\n")
