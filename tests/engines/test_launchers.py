"""Our words reach what starts an engine: a stand-in for Java and for Prism notes them, and runs Beam's own server.

This is neither Spark nor Flink nor Prism: it is the command line that they are started with, the pickling of
our steps over gRPC, and a server that lives as long as the command.
"""

import shlex
import sys
from pathlib import Path

import pytest

from tests import tiny
from tests.engines.test_engines import building, said
from tests.tree import digests

pytestmark = [pytest.mark.engine, pytest.mark.slow]

LIMIT_S = 60
SERVER = "apache_beam.runners.portability.local_job_service_main"


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tiny") / "source"
    tiny.write_source(folder)
    (folder / "config.toml").write_text(tiny.CONFIG)
    return folder


def extract(source: Path, folder: Path, beams: list[str]) -> None:
    words = [
        "extract",
        "--source",
        str(source),
        "--out",
        str(folder / "pairs"),
        "--config",
        str(source / "config.toml"),
    ]
    with building([sys.executable, "-W", "ignore", "-m", "pipelines.cli", *words, "--", *beams], folder) as process:
        assert process.wait(LIMIT_S) == 0, said(folder)[-3_000:]


@pytest.fixture(scope="module")
def pairs(source: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Return the pairs that the runner in memory makes."""
    folder = tmp_path_factory.mktemp("memory")
    extract(source, folder, [])
    return digests(folder / "pairs")


@pytest.mark.parametrize(
    ("beams", "wanted"),
    [
        (
            ["--runner=SparkRunner", "--spark_master_url=local[2]", "--spark_job_server_jar={jar}",
             "--job_server_java_launcher={stand_in}", "--job_server_jvm_properties=-Xmx3g"],
            ["-Xmx3g", "--add-opens=java.base/sun.nio.ch=ALL-UNNAMED", "-jar {jar}", "--spark-master-url local[2]"],
        ),
        (
            ["--runner=FlinkRunner", "--flink_master=[local]", "--flink_version=1.20", "--parallelism=2",
             "--flink_job_server_jar={jar}", "--job_server_java_launcher={stand_in}",
             "--job_server_jvm_properties=-Xmx3g"],
            ["-Xmx3g", "-jar {jar}", "--flink-master [local]"],
        ),
        (
            ["--runner=PrismRunner", "--prism_location={stand_in}", "--prism_log_level=warn"],
            ["--log_level warn", "--serve_http=false"],
        ),
    ],
    ids=["spark", "flink", "prism"],
)  # fmt: skip
def test_words_reach_the_launcher_and_the_pairs_are_the_same_bytes(
    source: Path, pairs: dict[str, str], tmp_path: Path, beams: list[str], wanted: list[str]
) -> None:
    jar, stand_in, noted = (tmp_path / name for name in ("server.jar", "stand-in.sh", "noted"))
    jar.touch()
    stand_in.write_text(
        f"#!/bin/sh\necho \"$@\" >> {shlex.quote(str(noted))}\n"
        'while [ "$1" != --job-port ] && [ "$1" != --job_port ]; do shift; done\n'
        f"exec {shlex.quote(sys.executable)} -m {SERVER} -p \"$2\"\n"
    )  # fmt: skip
    stand_in.chmod(0o755)
    values = {"jar": str(jar), "stand_in": str(stand_in)}
    extract(source, tmp_path, [word.format(**values) for word in beams])
    told = noted.read_text()
    assert len(told.splitlines()) == 1
    for words in wanted:
        assert words.format(**values) in told
    assert digests(tmp_path / "pairs") == pairs
