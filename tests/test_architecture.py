"""The rules of the house that a program can check: who imports whom, how long things are, what they are called."""

import ast
import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from pmc15m.records import Reason
from tests.conftest import ROOT

FOLDERS = ("pmc15m", "pipelines", "training", "eval")
ROOMS = ("acquire", "jats", "images", "curate", "release", "synth")
MODULES = sorted(path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py"))
MAX_MODULE_LINES = 300
MAX_FUNCTION_LINES = 60
LONG_FUNCTION_LINES = 40
MAX_LONG_FUNCTIONS = 4
BAD_NAMES = {"utils", "util", "helpers", "helper", "common", "manager", "base", "process", "misc"}
# In two parts each, so that this file does not name them either.
REGISTRIES = [
    "".join(parts)
    for parts in (
        ("pypi", ".org"),
        ("python", "hosted.org"),
        ("npm", "js.org"),
        ("npm", "js.com"),
        ("yarn", "pkg.com"),
        ("repo.maven", ".apache.org"),
        ("repo1.", "maven.org"),
        ("proxy.", "golang.org"),
        ("crates", ".io"),
        ("rubygems", ".org"),
        ("conda", ".anaconda.org"),
        ("registry-1.", "docker.io"),
        ("quay", ".io"),
        ("gcr", ".io"),
        ("pkg.", "dev"),
    )
]
SKIPPED_FOLDERS = {"build", "dist", "demo", "__pycache__"}

Function = ast.FunctionDef | ast.AsyncFunctionDef


def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def name_of(path: Path) -> str:
    """Return the dotted name of a module."""
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def imports(path: Path) -> set[str]:
    """Return the dotted names that a module imports, wherever in it; relative imports are not allowed anyway."""
    found = set()
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno} imports relatively"
            found |= {str(node.module)} | {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def is_of(name: str, package: str) -> bool:
    return name == package or name.startswith(f"{package}.")


def function_sizes() -> Iterator[tuple[str, int]]:
    """Yield name and number of lines of every function."""
    for path in MODULES:
        for node in ast.walk(tree(path)):
            if isinstance(node, Function):
                yield f"{name_of(path)}.{node.name}", (node.end_lineno or node.lineno) - node.lineno + 1


def test_only_steps_imports_beam_within_the_library() -> None:
    importers = {name_of(path) for path in MODULES if any(is_of(name, "apache_beam") for name in imports(path))}
    assert [name for name in sorted(importers) if is_of(name, "pmc15m")] == ["pmc15m.steps"]


@pytest.mark.parametrize(
    ("package", "above"),
    [("pmc15m", ("pipelines", "training", "eval", "tests")), ("pipelines", ("training", "eval", "tests"))],
)
def test_package_does_not_import_what_is_built_on_it(package: str, above: tuple[str, ...]) -> None:
    for path in (ROOT / package).rglob("*.py"):
        assert not [name for name in imports(path) for other in above if is_of(name, other)], path


@pytest.mark.parametrize(
    ("module", "allowed"),
    [
        ("errors", ()),
        ("records", ()),
        ("config", ("about", "errors", "licenses")),
        ("about", ("errors",)),
        ("licenses", ()),
        ("progress", ()),
    ],
)
def test_words_that_all_is_written_in_import_nothing_above_them(module: str, allowed: tuple[str, ...]) -> None:
    own = {name for name in imports(ROOT / "pmc15m" / f"{module}.py") if is_of(name, "pmc15m")}
    assert not [name for name in own if not any(is_of(name, f"pmc15m.{other}") for other in allowed)]


@pytest.mark.parametrize("room", ROOMS)
def test_room_knows_nothing_of_steps(room: str) -> None:
    for path in (ROOT / "pmc15m" / room).rglob("*.py"):
        assert not [name for name in imports(path) if is_of(name, "pmc15m.steps")], path


@pytest.mark.parametrize(
    ("room", "others"),
    [
        ("jats", {"acquire", "images", "curate", "release", "synth"}),
        ("images", {"acquire", "jats", "curate", "release", "synth"}),
        ("acquire", {"curate", "release", "synth"}),
        ("curate", {"acquire", "jats", "images", "release", "synth"}),
        ("release", {"jats", "curate", "synth"}),
    ],
)
def test_room_does_not_reach_into_rooms_beside_or_after_it(room: str, others: set[str]) -> None:
    for path in (ROOT / "pmc15m" / room).rglob("*.py"):
        assert not [name for name in imports(path) for other in others if is_of(name, f"pmc15m.{other}")], path


def test_annotations_are_not_switched_off() -> None:
    assert not [name_of(path) for path in MODULES if "__future__" in imports(path)]


def test_modules_are_small_enough_to_read() -> None:
    sizes = {name_of(path): len(path.read_text(encoding="utf-8").splitlines()) for path in MODULES}
    assert {name: lines for name, lines in sizes.items() if lines > MAX_MODULE_LINES} == {}


def test_functions_are_small_enough_to_read() -> None:
    assert {name: lines for name, lines in function_sizes() if lines > MAX_FUNCTION_LINES} == {}


def test_long_functions_are_few() -> None:
    found = {name: lines for name, lines in function_sizes() if lines > LONG_FUNCTION_LINES}
    assert len(found) <= MAX_LONG_FUNCTIONS, found


def test_everything_public_has_a_docstring() -> None:
    bare = [name_of(path) for path in MODULES if not ast.get_docstring(tree(path))]
    for path in MODULES:
        module = tree(path)
        classes = [node for node in module.body if isinstance(node, ast.ClassDef) and not node.name.startswith("_")]
        holders: list[ast.Module | ast.ClassDef] = [module, *classes]
        for node in holders:
            bare += [f"{name_of(path)}.{child.name}" for child in public_parts(node) if not ast.get_docstring(child)]
    assert bare == []


def public_parts(node: ast.Module | ast.ClassDef) -> Iterator[ast.ClassDef | Function]:
    """Yield the public functions and classes of a module or of a class."""
    for child in node.body:
        if isinstance(child, ast.ClassDef | Function) and not child.name.startswith("_"):
            yield child


def test_modules_have_names_that_say_something() -> None:
    assert not [name_of(path) for path in MODULES if BAD_NAMES & set(name_of(path).lower().split("."))]


def test_every_reason_is_in_the_readme() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    rows = {name for line in readme.splitlines() if line.startswith("|") for name in re.findall(r"`(\w+)`", line)}
    assert not [str(reason) for reason in Reason if str(reason) not in rows]


def files() -> Iterator[Path]:
    """Yield the files of the repository; folders that are made are left out."""
    for folder, folders, names in os.walk(ROOT):
        folders[:] = [
            name for name in folders if (name not in SKIPPED_FOLDERS and not name.startswith(".")) or name == ".ci"
        ]
        yield from (Path(folder) / name for name in names)


def test_no_file_names_the_address_of_a_registry() -> None:
    words = re.compile("|".join(map(re.escape, REGISTRIES)).encode())
    assert not [f"{path}: {found[0]!r}" for path in files() if (found := words.search(path.read_bytes()))]


def test_modules_are_found() -> None:
    assert len(MODULES) > 40
    assert {"pmc15m.steps", "pipelines.cli"} <= {name_of(path) for path in MODULES}
