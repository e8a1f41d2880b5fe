"""Folders of stages: fresh, complete, foreign, locked, and what the marker says of them."""

import json
import os
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from pmc15m.errors import UsageError
from pmc15m.rows import RowFile, content_of
from pmc15m.stages import (
    MARKER,
    Origin,
    OutputError,
    check_unused,
    check_writable,
    finish_stage,
    locked_output,
    read_json,
    read_stage,
    start_stage,
)
from pmc15m.store import SCRATCH_PREFIX, Store

ORIGIN = Origin("extract", "0.1.0", "c" * 64, "i" * 64)
PAIRS = [RowFile(f"pairs-{n}.parquet", n, 100 * n, "5" * 64, f"{n:032x}") for n in (2, 1)]
REJECTS = [RowFile("rejects-1.parquet", 3, 33, "6" * 64, f"{9:032x}")]


def tree(folder: Path) -> dict[str, bytes | None]:
    """Return everything in a folder."""
    return {str(p.relative_to(folder)): p.read_bytes() if p.is_file() else None for p in sorted(folder.rglob("*"))}


@pytest.fixture
def complete(tmp_path: Path) -> Path:
    """Return a folder with a complete stage."""
    folder = tmp_path / "pairs"
    assert start_stage(str(folder), ORIGIN)
    for file in (*PAIRS, *REJECTS):
        (folder / file.name).write_bytes(b"rows")
    finish_stage(str(folder), ORIGIN, PAIRS, REJECTS, {"b": 2, "a": 1})
    return folder


def refusal(call: Any, *args: Any) -> str:
    """Return what is said of a refused call."""
    with pytest.raises(OutputError) as refused:
        call(*args)
    assert isinstance(refused.value, UsageError)
    return str(refused.value)


def test_stage_starts_in_a_folder_that_is_not_there_yet(tmp_path: Path) -> None:
    folder = tmp_path / "a" / "pairs"
    assert start_stage(str(folder), ORIGIN)
    assert list(tree(folder)) == [MARKER]
    assert refusal(read_stage, str(folder), "extract").endswith("holds an unfinished extract: run it again")


def test_complete_stage_of_the_same_origin_is_left_alone(complete: Path) -> None:
    before = tree(complete)
    assert not start_stage(str(complete), ORIGIN)
    assert tree(complete) == before


def test_complete_stage_says_what_it_holds(complete: Path) -> None:
    stage = read_stage(str(complete), "extract")
    assert stage.origin == ORIGIN
    assert stage.names == ("pairs-1.parquet", "pairs-2.parquet")
    assert stage.reject_names == ("rejects-1.parquet",)
    assert stage.tallies == {"a": 1, "b": 2}
    assert stage.content == content_of(PAIRS)


def test_marker_is_the_same_whatever_the_order_of_files_and_tallies(complete: Path) -> None:
    before = tree(complete)
    finish_stage(str(complete), ORIGIN, PAIRS[::-1], REJECTS, {"a": 1, "b": 2})
    assert tree(complete) == before


@pytest.mark.parametrize("change", ["version", "config", "inputs"])
def test_stage_of_another_origin_is_redone(complete: Path, change: str) -> None:
    origin = replace(ORIGIN, **{change: "another"})
    assert start_stage(str(complete), origin)
    assert list(tree(complete)) == [MARKER]
    assert json.loads((complete / MARKER).read_text())[change] == "another"


def test_complete_stage_is_redone_when_asked(complete: Path) -> None:
    assert start_stage(str(complete), ORIGIN, fresh=True)
    assert list(tree(complete)) == [MARKER]


def test_unfinished_stage_is_redone(complete: Path) -> None:
    assert start_stage(str(complete), replace(ORIGIN, config="another"))
    (complete / "late-of-a-lost-worker.parquet").write_bytes(b"rows")
    assert start_stage(str(complete), ORIGIN)
    assert list(tree(complete)) == [MARKER]


def test_folder_of_another_stage_is_refused_and_untouched(complete: Path) -> None:
    before = tree(complete)
    said = refusal(start_stage, str(complete), replace(ORIGIN, stage="curate"))
    assert said == f"{complete} holds the output of extract, not of curate: choose another"
    assert refusal(read_stage, str(complete), "curate").startswith(f"{complete} holds no output of curate")
    assert tree(complete) == before


@pytest.mark.parametrize("name", ["thesis.tex", "thesis/chapter.tex", ".git/config", "manifest.json"])
def test_foreign_folder_is_refused_and_untouched(tmp_path: Path, name: str) -> None:
    Store(str(tmp_path)).put_bytes(b"mine", name)
    before = tree(tmp_path)
    first = name.split("/", maxsplit=1)[0]
    for call in (check_unused, lambda folder: start_stage(folder, ORIGIN)):
        said = refusal(call, str(tmp_path))
        assert said == f"{tmp_path} holds {first!r}, which pmc15m did not write: choose an empty folder"
    assert tree(tmp_path) == before


@pytest.mark.parametrize("text", ["", "{", "[1]", "null", "\udcff", '{"stage": "extract"}'])
def test_marker_of_someone_else_or_damaged_is_no_stage(tmp_path: Path, text: str) -> None:
    (tmp_path / MARKER).write_bytes(text.encode("utf-8", "surrogateescape"))
    said = refusal(read_stage, str(tmp_path), "extract")
    assert said.startswith(str(tmp_path))
    assert "\n" not in said


def test_leftovers_of_a_killed_first_start_are_no_obstacle(tmp_path: Path) -> None:
    (tmp_path / f"{SCRATCH_PREFIX}k3x9").mkdir()
    (tmp_path / f"{SCRATCH_PREFIX}k3x9" / "whole").write_bytes(b"{")
    (tmp_path / f"{SCRATCH_PREFIX}4711-{MARKER}").write_bytes(b"{")
    assert start_stage(str(tmp_path), ORIGIN)
    assert list(tree(tmp_path)) == [MARKER]


def test_scratch_of_the_store_has_the_prefix_that_is_overlooked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []
    replace_file = Path.replace

    def look(self: Path, target: Path) -> Path:
        seen.extend(path.name for path in tmp_path.iterdir())
        return replace_file(self, target)

    monkeypatch.setattr(Path, "replace", look)
    assert start_stage(str(tmp_path), ORIGIN)
    assert len(seen) == 2
    assert all(name.startswith(SCRATCH_PREFIX) for name in seen)


@pytest.mark.parametrize("inside", ["", "/deeper"])
def test_file_instead_of_a_folder_is_refused_and_untouched(tmp_path: Path, inside: str) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"mine")
    folder = f"{file}{inside}"
    refusal(start_stage, folder, ORIGIN)
    refusal(locked_output(folder).__enter__)
    assert file.read_bytes() == b"mine"


def test_folder_without_permission_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda *_: False)
    for folder in (tmp_path, tmp_path / "a" / "b"):
        said = refusal(start_stage, str(folder), ORIGIN)
        assert said == f"{folder} cannot be written: no permission in {tmp_path}"
    assert tree(tmp_path) == {}


def test_folder_on_a_read_only_file_system_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "statvfs", lambda _: SimpleNamespace(f_flag=os.ST_RDONLY))
    said = refusal(check_writable, str(tmp_path / "new"))
    assert said == f"{tmp_path / 'new'} cannot be written: {tmp_path} is read-only"
    refusal(start_stage, str(tmp_path / "new"), ORIGIN)
    assert tree(tmp_path) == {}


def test_second_run_on_an_output_is_refused_and_a_third_after_it_is_not(tmp_path: Path) -> None:
    folder = str(tmp_path / "out")
    with locked_output(folder):
        assert refusal(locked_output(folder).__enter__) == f"{folder} is in use by another run"
    with locked_output(folder):
        assert tree(tmp_path / "out") == {}


def test_lock_is_let_go_when_a_run_fails(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="broken"), locked_output(str(tmp_path)):
        raise RuntimeError("broken")
    with locked_output(str(tmp_path)):
        pass


def test_json_that_is_not_there_is_none(tmp_path: Path) -> None:
    assert read_json(Store(str(tmp_path)), "absent.json") is None
    assert read_json(Store(str(tmp_path / "absent")), "absent.json") is None
