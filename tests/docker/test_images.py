"""What the Dockerfiles say, without building them: `make image-check` builds and runs the images."""

import re
import tomllib
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.conftest import ROOT

WORKER, TRAINING = ROOT / "docker/Dockerfile", ROOT / "docker/training.Dockerfile"
DOCKERFILES = (WORKER, TRAINING)


class Line(NamedTuple):
    stage: str
    word: str
    rest: str


def lines(path: Path) -> list[Line]:
    """Return the instructions of a Dockerfile, each with the stage it stands in."""
    text = re.sub(r"^\s*#.*\n", "", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
    found, stage = [], ""
    for line in filter(None, map(str.strip, re.sub(r"\\\n\s*", " ", text).splitlines())):
        word, _, rest = line.partition(" ")
        if word == "FROM":
            stage = rest.partition(" AS ")[2] or "last"
        found.append(Line(stage, word, rest))
    return found


def rests(path: Path, word: str, *stages: str) -> list[str]:
    return [line.rest for line in lines(path) if line.word == word and (not stages or line.stage in stages)]


def defaults(path: Path) -> dict[str, str]:
    """Return the build arguments that stand before the first stage."""
    return dict(rest.split("=") for rest in rests(path, "ARG", ""))


def pin_of(package: str, file: str) -> str:
    (version,) = re.findall(
        rf"^{re.escape(package)}==(\S+) \\$", (ROOT / file).read_text(encoding="utf-8"), re.MULTILINE
    )
    return str(version)


def let_through() -> list[str]:
    """Return what .dockerignore lets through: it shuts out all else."""
    found = [line for line in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines() if line[:1] not in "#"]
    assert found[0] == "*"
    return [line.removeprefix("!") for line in found if line.startswith("!")]


def copied(path: Path) -> list[str]:
    """Return what is copied from the checkout."""
    return [name for rest in rests(path, "COPY") if not rest.startswith("--from=") for name in rest.split()[:-1]]


def test_versions_of_the_base_images_are_those_of_the_pins() -> None:
    args = defaults(WORKER)
    assert (
        args["BEAM_VERSION"] == pin_of("apache-beam", "constraints-gcp.txt") == pin_of("apache-beam", "constraints.txt")
    )
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["requires-python"] == f">={args['PYTHON_VERSION']}"
    assert defaults(TRAINING)["PYTHON_VERSION"] == args["PYTHON_VERSION"]


def test_base_images_are_named_by_version() -> None:
    beam, build, *_ = rests(WORKER, "FROM")
    assert beam == "apache/beam_python${PYTHON_VERSION}_sdk:${BEAM_VERSION} AS beam"
    for path in DOCKERFILES:
        stages = {line.stage for line in lines(path)}
        others = [rest.partition(" ")[0] for rest in rests(path, "FROM") if rest != beam]
        assert set(others) <= {"python:${PYTHON_VERSION}-slim", "${LAUNCHER_IMAGE}", *stages}
    assert build.startswith("python:")


def test_the_entry_of_the_worker_is_a_file_that_is_copied() -> None:
    (entry,) = rests(WORKER, "ENTRYPOINT")
    assert entry == '["/opt/apache/beam/boot"]'
    assert "--from=beam /opt/apache/beam /opt/apache/beam" in rests(WORKER, "COPY", "worker")
    assert rests(TRAINING, "ENTRYPOINT") == ['["python", "-m", "training"]']


def test_the_program_of_the_template_is_where_the_launcher_looks() -> None:
    assert "pipelines/flex.py /template/flex.py" in rests(WORKER, "COPY", "dataflow")
    assert rests(WORKER, "ENV", "dataflow") == ["FLEX_TEMPLATE_PYTHON_PY_FILE=/template/flex.py"]


@pytest.mark.parametrize("path", DOCKERFILES, ids=lambda path: path.name)
def test_what_is_copied_is_let_through_and_nothing_else_is(path: Path) -> None:
    tops = {name if name in let_through() else name.partition("/")[0] for name in copied(path)}
    assert tops <= set(let_through())
    assert set(let_through()) - tops <= {name for path in DOCKERFILES for name in copied(path)}


@pytest.mark.parametrize("path", DOCKERFILES, ids=lambda path: path.name)
def test_what_is_copied_is_there(path: Path) -> None:
    if path == TRAINING and not (ROOT / "training").exists():
        pytest.skip("training/ is not here yet")
    assert [name for name in copied(path) if not (ROOT / name).exists()] == []


@pytest.mark.parametrize("path", DOCKERFILES, ids=lambda path: path.name)
def test_packages_are_installed_by_hash_and_nothing_is_kept(path: Path) -> None:
    installs = [part for rest in rests(path, "RUN") for part in rest.split(" && ") if "pip install" in part]
    of_hash = [part for part in installs if "--require-hashes --only-binary :all:" in part]
    assert [part for part in installs if part not in of_hash] == [
        "/opt/venv/bin/pip install --no-deps --no-build-isolation ."
    ]
    assert len(of_hash) >= 1
    assert "PIP_NO_CACHE_DIR=1" in rests(path, "ENV", "build")[0]


def test_only_the_image_for_dataflow_runs_as_root() -> None:
    assert rests(WORKER, "USER", "worker") == ["10001"]
    assert rests(WORKER, "USER", "dataflow") == ["0"]
    assert rests(TRAINING, "USER") == ["10001"]


def test_the_images_are_checked_on_stand_ins_of_the_same_names() -> None:
    script = (ROOT / "docker/image_check.sh").read_text(encoding="utf-8")
    assert 'docker.io/library/python:$python-slim"' in script
    assert 'docker.io/apache/beam_python${python}_sdk:$beam"' in script
    assert re.search(r"^python=(\S+)$", script, re.MULTILINE).group(1) == defaults(WORKER)["PYTHON_VERSION"]  # type: ignore[union-attr]
