"""Servers that engines need: each on a free loopback port, with a limit in time, and ended by process id."""

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import sysconfig
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path

from tests.conftest import ROOT

START_S = 60
NUM_WORKERS = 2
BIN = sysconfig.get_path("scripts")

Found = Mapping[str, str]
"""What an engine needs, by name."""


def environment() -> dict[str, str]:
    """Return the environment of everything that is started: the worker pool takes the first `python` of PATH."""
    return os.environ | {
        "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "PYSPARK_PYTHON": sys.executable,
        "SPARK_LOCAL_IP": "127.0.0.1",
        "RUN_PYTHON_SDK_IN_DEFAULT_ENVIRONMENT": "1",  # else Beam's boot makes a virtual environment of its own
    }


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@contextlib.contextmanager
def started(
    line: Sequence[str], folder: Path, more: Mapping[str, str] | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """Start a program in a folder, which gets its log; it and all that it started end with the context."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            line, cwd=folder, env={**environment(), **(more or {})}, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            start_new_session=True,
        )  # fmt: skip
    try:
        yield process
    finally:
        for number in (signal.SIGTERM, signal.SIGKILL):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, number)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(5)


def wait_for_port(process: "subprocess.Popen[bytes]", port: int, folder: Path) -> None:
    give_up_at = time.monotonic() + START_S
    while True:
        with socket.socket() as one:
            if one.connect_ex(("127.0.0.1", port)) == 0:
                return
        said = (folder / "log").read_text(errors="replace")[-2_000:]
        assert process.poll() is None, f"{process.args!r} ended with {process.returncode}: {said}"
        assert time.monotonic() < give_up_at, f"{process.args!r} does not listen: {said}"
        time.sleep(0.1)


@contextlib.contextmanager
def nothing(_folder: Path, _found: Found) -> Iterator[dict[str, str]]:
    yield {}


@contextlib.contextmanager
def job_server(folder: Path, _found: Found) -> Iterator[dict[str, str]]:
    """Run Beam's Python job server."""
    port, home = free_port(), folder / "jobs"
    module = "apache_beam.runners.portability.local_job_service_main"
    with started(
        [sys.executable, "-m", module, "-p", str(port), "--staging_dir", str(home / "staging")], home
    ) as process:
        wait_for_port(process, port, home)
        yield {"job_endpoint": f"localhost:{port}"}


@contextlib.contextmanager
def worker_pool(folder: Path, _found: Found) -> Iterator[dict[str, str]]:
    """Run Beam's external worker pool, whose workers are processes of their own."""
    path = environment()["PATH"]
    assert shutil.which("python", path=path) == f"{BIN}/python", "the pool would start a Python without Beam, and wait"
    port, home = free_port(), folder / "pool"
    module = "apache_beam.runners.worker.worker_pool_main"
    with started([sys.executable, "-m", module, "--service_port", str(port)], home) as process:
        wait_for_port(process, port, home)
        yield {"pool": f"localhost:{port}"}


@contextlib.contextmanager
def job_server_and_pool(folder: Path, found: Found) -> Iterator[dict[str, str]]:
    with job_server(folder, found) as jobs, worker_pool(folder, found) as pool:
        yield jobs | pool


def spark_home() -> str | None:
    """Return the folder of Spark, which comes with pyspark."""
    spec = find_spec("pyspark")
    return None if spec is None or spec.origin is None else str(Path(spec.origin).parent)


@contextlib.contextmanager
def spark(folder: Path, _found: Found) -> Iterator[dict[str, str]]:
    """Run a standalone Spark: a master, and workers of one core each."""
    home = str(spark_home())
    more = {"SPARK_HOME": home, "SPARK_DAEMON_MEMORY": "512m"}
    run = f"{home}/bin/spark-class"
    port, web = free_port(), free_port()
    words = [
        "org.apache.spark.deploy.master.Master",
        "--host",
        "127.0.0.1",
        "--port",
        str(port),
        "--webui-port",
        str(web),
    ]
    with contextlib.ExitStack() as stack:
        master = stack.enter_context(started([run, *words], folder / "master", more))
        wait_for_port(master, port, folder / "master")
        wait_for_port(master, web, folder / "master")
        pids = []
        for number in range(NUM_WORKERS):
            mine = folder / f"worker-{number}"
            words = ["org.apache.spark.deploy.worker.Worker", "--host", "127.0.0.1", "--cores", "1", "--memory", "1g"]
            words += ["--webui-port", str(free_port()), "--work-dir", str(mine), f"spark://127.0.0.1:{port}"]
            pids.append(stack.enter_context(started([run, *words], mine, more)).pid)
        wait_for_workers(web, NUM_WORKERS, folder)
        yield {"master": f"spark://127.0.0.1:{port}", "pids": ",".join(map(str, pids))}


def wait_for_workers(web_port: int, count: int, folder: Path) -> None:
    give_up_at = time.monotonic() + START_S
    while True:
        with urllib.request.urlopen(f"http://127.0.0.1:{web_port}/json/", timeout=10) as answer:
            alive = json.load(answer)["aliveworkers"]
        if alive == count:
            return
        logs = [path.read_text(errors="replace")[-1_000:] for path in folder.glob("worker-*/log")]
        assert time.monotonic() < give_up_at, f"{alive} of {count} workers of Spark: {logs}"
        time.sleep(0.2)


@contextlib.contextmanager
def spark_and_pool(folder: Path, found: Found) -> Iterator[dict[str, str]]:
    with spark(folder, found) as own, worker_pool(folder, found) as pool:
        yield own | pool


FLINK_OPENS = tuple(f"--add-opens=java.base/java.{name}=ALL-UNNAMED" for name in ("lang", "nio", "util"))
FLINK_CONF = "taskmanager.memory.network.fraction: 0.2\ntaskmanager.memory.network.max: 2gb\n"
"""With its own values a small machine has too few network buffers (Beam issue 34450)."""


@contextlib.contextmanager
def flink(folder: Path, found: Found) -> Iterator[dict[str, str]]:
    """Run Beam's job server of Flink, which runs jobs in itself."""
    port, home = free_port(), folder / "flink"
    conf = home / "conf"
    conf.mkdir(parents=True)
    for name in ("flink-conf.yaml", "config.yaml"):  # of Flink 1 and 2
        (conf / name).write_text(FLINK_CONF)
    java = f"{os.environ['JAVA_HOME']}/bin/java" if "JAVA_HOME" in os.environ else "java"
    line = [
        java,
        "-Xmx3g",
        "-XX:-UseContainerSupport",
        *FLINK_OPENS,
        "-jar",
        found["flink_jar"],
        "--flink-master",
        "[local]",
    ]
    line += ["--flink-conf-dir", str(conf), "--job-port", str(port), "--artifact-port", "0", "--expansion-port", "0"]
    line += ["--artifacts-dir", str(home / "artifacts")]
    with started(line, home) as process:
        wait_for_port(process, port, home)
        yield {"job_endpoint": f"localhost:{port}"}
