"""The engines that one release is made on: what each needs, and the words that choose it."""

import contextlib
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.engines import servers
from tests.engines.servers import Found

CACHE = ROOT / ".cache" / "engines"  # filled by `make engines` and `make engines-jars`
REQUIRED = "PMC15M_ENGINES"
"""Names of engines, or beginnings of such, whose lack is a failure: `grpc,external,prism`; `all`."""


@dataclass(frozen=True)
class Engine:
    """One way to run a build. `{name}` in its words is what was found or what its servers tell."""

    name: str
    beams: tuple[str, ...] = ()  # after the bare --
    ours: tuple[str, ...] = ()  # before it
    needs: tuple[str, ...] = ()
    serve: Callable[[Path, Found], contextlib.AbstractContextManager[dict[str, str]]] = servers.nothing


FN_API = ("--runner=FnApiRunner", "--direct_num_workers=2")
PORTABLE = ("--runner=PortableRunner", "--job_endpoint={job_endpoint}")
PRISM = ("--runner=PrismRunner", "--prism_location={prism}")
SPARK = ("--runner=SparkRunner", "--spark_job_server_jar={spark_jar}", "--job_server_jvm_properties=-Xmx3g")
LOOPBACK = "--environment_type=LOOPBACK"
POOL = ("--environment_type=EXTERNAL", "--environment_config={pool}")
BOOT = ("--environment_type=PROCESS", '--environment_config={"command": "{boot}"}')

ENGINES = (
    Engine("threads", (*FN_API, "--direct_running_mode=multi_threading")),
    Engine("processes", (*FN_API, "--direct_running_mode=multi_processing")),
    Engine("parts", ours=("--parts", "3", "--jobs", "2")),
    Engine("embedded", ("--runner=PortableRunner", "--job_endpoint=embed", LOOPBACK)),
    Engine("grpc", (*PORTABLE, LOOPBACK), serve=servers.job_server),
    Engine("external", (*PORTABLE, *POOL), serve=servers.job_server_and_pool),
    Engine("prism", PRISM, needs=("prism",)),
    Engine(
        "prism-external", (*PRISM, *POOL, "--sdk_worker_parallelism=2"), needs=("prism",), serve=servers.worker_pool
    ),
    Engine("prism-process", (*PRISM, *BOOT), needs=("prism", "boot")),
    Engine(
        "spark-parts",
        ours=("--parts", "4", "--launcher", "spark", "--spark-master", "{master}"),
        needs=("pyspark", "java"),
        serve=servers.spark,
    ),
    Engine("beam-spark", (*SPARK, "--spark_master_url=local[2]"), needs=("java", "spark_jar")),
    Engine(
        "beam-spark-standalone",
        (*SPARK, "--spark_master_url={master}", *POOL, "--environment_cache_millis=10000"),
        needs=("java", "pyspark", "spark_jar"),
        serve=servers.spark_and_pool,
    ),
    Engine("beam-flink", (*PORTABLE, LOOPBACK, "--parallelism=2"), needs=("java", "flink_jar"), serve=servers.flink),
)

DATAFLOW = Engine("dataflow", needs=("gcp",))
"""Makes no release: the job is only described, see `dataflow_job`."""


def named(name: str) -> Engine:
    return next(engine for engine in ENGINES if engine.name == name)


# --- what they need -------------------------------------------------------------------------------


def _built(name: str) -> str | None:
    path = CACHE / name
    return str(path) if path.exists() else None


def _jar(variable: str, artifact: str) -> str | None:
    """Return the jar of a job server: that of a variable, or of the cache."""
    told = os.environ.get(variable)
    path = Path(told) if told else CACHE / f"{artifact}-{version('apache-beam')}.jar"
    return str(path.absolute()) if path.exists() else None


def _python_of(venv: Path) -> str | None:
    path = venv / "bin" / "python"
    return str(path) if path.exists() else None


def _java() -> str | None:
    home = os.environ.get("JAVA_HOME")
    return shutil.which("java", path=f"{home}/bin" if home else None)


NEEDS: Mapping[str, tuple[Callable[[], str | None], str]] = {
    "prism": (lambda: _built("prism"), "no Prism in .cache/engines: `make engines` builds it"),
    "boot": (
        lambda: str(Path(__file__).with_name("boot.sh")) if _built("container") else None,
        "no boot of Beam's workers in .cache/engines: `make engines` builds it",
    ),
    "gcp": (
        lambda: _python_of(ROOT / ".cache" / "gcp"),
        "no Python with the extra `gcp` in .cache/gcp: `make gcp` makes it",
    ),
    "java": (_java, "no Java"),
    "pyspark": (servers.spark_home, "no pyspark: `make engines` installs it"),
    "spark_jar": (
        lambda: _jar("PMC15M_SPARK_JOB_SERVER_JAR", "beam-runners-spark-3-job-server"),
        "no jar in PMC15M_SPARK_JOB_SERVER_JAR or .cache/engines: `make engines-jars` fetches it",
    ),
    "flink_jar": (
        lambda: _jar("PMC15M_FLINK_JOB_SERVER_JAR", "beam-runners-flink-1.20-job-server"),
        "no jar in PMC15M_FLINK_JOB_SERVER_JAR or .cache/engines: `make engines-jars` fetches it",
    ),
}


def find(engine: Engine) -> dict[str, str]:
    """Return what an engine needs; skips where something lacks, or fails where that engine is required."""
    found = {}
    for name in engine.needs:
        look, reason = NEEDS[name]
        path = look()
        if path is None:
            if is_required(engine, os.environ.get(REQUIRED, "")):
                pytest.fail(f"{REQUIRED} wants {engine.name}: {reason}")
            pytest.skip(f"{engine.name}: {reason}")
        found[name] = path
    return found


def is_required(engine: Engine, words: str) -> bool:
    """Return whether an engine may not be skipped.

    Raises:
        ValueError: a word that names no engine.
    """
    wanted = [word for word in words.replace(" ", "").split(",") if word]
    for word in wanted:
        if word != "all" and not any(_is_named(one, word) for one in (*ENGINES, DATAFLOW)):
            raise ValueError(
                f"{REQUIRED} names {word!r}: wanted of {', '.join(one.name for one in (*ENGINES, DATAFLOW))}, or all"
            )
    return any(word == "all" or _is_named(engine, word) for word in wanted)


def _is_named(engine: Engine, word: str) -> bool:
    """Return whether a word names an engine: its name, or the start or the end of it ("process": prism-process)."""
    return engine.name == word or engine.name.startswith(f"{word}-") or engine.name.endswith(f"-{word}")


@contextlib.contextmanager
def opened(engine: Engine, folder: Path) -> Iterator[tuple[list[str], list[str], dict[str, str]]]:
    """Start what an engine needs; yield our words, Beam's words, and what the servers told."""
    found = find(engine)
    with engine.serve(folder, found) as told:
        values = found | told
        yield [_filled(word, values) for word in engine.ours], [_filled(word, values) for word in engine.beams], told


def _filled(word: str, values: Mapping[str, str]) -> str:
    for name, value in values.items():
        word = word.replace(f"{{{name}}}", value)
    return word
