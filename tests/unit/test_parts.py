"""Parts: their names, which articles are whose, and a stage that is put together of them."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pmc15m.errors import UsageError
from pmc15m.parts import (
    MAX_PARTS,
    WHOLE,
    Part,
    add_tallies,
    join_parts,
    parse_part,
    parts_of,
    read_parts,
    start_parts,
)
from pmc15m.rows import RowFile, content_of
from pmc15m.stages import (
    MARKER,
    Origin,
    OutputError,
    finish_stage,
    is_complete,
    mark_unfinished,
    read_stage,
    start_stage,
)
from tests.tree import digests, states

ORIGIN = Origin("extract", "0.1.0", "c" * 64, "")
PARTS = parts_of(3)


@pytest.mark.parametrize(
    ("text", "part"),
    [("0/1", Part(0, 1)), ("3/16", Part(3, 16)), ("00003/00016", Part(3, 16)), ("0/99999", Part(0, MAX_PARTS))],
)
def test_part_is_read_as_it_is_written(text: str, part: Part) -> None:
    assert parse_part(text) == part
    assert parse_part(str(part)) == part


@pytest.mark.parametrize(
    "text",
    ["", "3", "3/", "/3", "3/3", "0/0", "4/3", "-1/3", "1/-3", "1/3/5", " 1/3", "1/3\n", "1.0/3", "1/100000", "1 /3",
     "\N{ARABIC-INDIC DIGIT ONE}/3"],
)  # fmt: skip
def test_word_that_names_no_part_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="is no part: wanted I/N") as refused:
        parse_part(text)
    assert len(str(refused.value).splitlines()) == 1


@pytest.mark.parametrize("count", [0, -1, MAX_PARTS + 1])
def test_number_of_parts_that_cannot_be_is_refused(count: int) -> None:
    with pytest.raises(UsageError, match="wanted 1 to 99,999"):
        parts_of(count)


@given(st.integers(1, 500), st.integers(1, 10**17))
def test_every_article_is_of_exactly_one_part(count: int, number: int) -> None:
    assert sum(part.holds(f"PMC{number}") for part in parts_of(count)) == 1


@given(st.integers(1, MAX_PARTS), st.integers(0, 10**17))
def test_whole_holds_every_article_and_a_part_of_many_says_so_in_its_folder(count: int, number: int) -> None:
    assert WHOLE.holds(f"PMC{number}")
    folder = Part(count - 1, count).folder
    assert folder == f"part-{count - 1:05d}-of-{count:05d}"


def test_parts_are_of_about_the_same_size() -> None:
    sizes = [sum(part.holds(f"PMC{number}") for number in range(8_000)) for part in parts_of(8)]
    assert sum(sizes) == 8_000
    assert min(sizes) > 850
    assert max(sizes) < 1_150


def test_tallies_of_parts_are_added() -> None:
    assert add_tallies([{"a": 1, "b": 2}, {}, {"b": 3, "c": 4}]) == {"a": 1, "b": 5, "c": 4}


# --- a stage of parts -----------------------------------------------------------------------------


def inputs_of(inputs: object) -> str:
    return repr(inputs)


def file(number: int) -> RowFile:
    return RowFile(f"pairs-{number}.parquet", number, 10 * number, "5" * 64, f"{number:032x}")


def make(folder: Path, part: Part, origin: Origin = ORIGIN, tallies: dict[str, int] | None = None) -> None:
    """Make a part of a stage."""
    origin = replace(origin, inputs=str(part.index))
    home = folder / part.folder
    start_parts(str(folder), origin)
    start_stage(str(home), origin, is_own=True)
    (home / file(part.index).name).write_bytes(b"rows")
    finish_stage(str(home), origin, [file(part.index)], [], tallies or {"articles/read": part.index})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with all parts of a stage."""
    for part in PARTS:
        make(tmp_path / "pairs", part)
    return tmp_path / "pairs"


def join(folder: Path, parts: list[Part] = PARTS, origin: Origin = ORIGIN) -> None:
    join_parts(str(folder), parts, origin, inputs_of)


def test_stage_is_unfinished_until_its_parts_are_put_together(folder: Path) -> None:
    with pytest.raises(OutputError, match="holds an unfinished extract"):
        read_stage(str(folder), "extract")
    join(folder)
    stage = read_stage(str(folder), "extract")
    assert stage.origin == replace(ORIGIN, inputs="['0', '1', '2']")
    assert stage.names == tuple(f"{part.folder}/pairs-{part.index}.parquet" for part in PARTS)
    assert stage.content == content_of([file(part.index) for part in PARTS])
    assert stage.tallies == {"articles/read": 3}


def test_stage_put_together_twice_is_the_same_bytes(folder: Path) -> None:
    join(folder)
    before = digests(folder)
    join(folder)
    assert digests(folder) == before


def test_stage_is_unfinished_again_once_a_part_of_it_is_made_again(folder: Path) -> None:
    join(folder)
    start_parts(str(folder), ORIGIN)
    with pytest.raises(OutputError, match="holds an unfinished extract"):
        read_stage(str(folder), "extract")


def test_parts_that_are_missing_or_unfinished_are_named(folder: Path) -> None:
    (folder / PARTS[0].folder / MARKER).unlink()
    start_stage(str(folder / PARTS[2].folder), ORIGIN, fresh=True)
    before = states(folder)
    with pytest.raises(OutputError) as refused:
        join(folder)
    assert str(refused.value) == (f"2 of 3 parts of extract in {folder} are not complete: 0/3, 2/3; run these first")
    assert states(folder) == before


def test_no_more_than_ten_missing_parts_are_named(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"12 of 12 parts .* 0/12, .*, 9/12, \.\.\.; run"):
        read_parts(str(tmp_path), parts_of(12), "extract")


@pytest.mark.parametrize("change", ["version", "config"])
def test_part_of_another_config_or_version_is_refused(folder: Path, change: str) -> None:
    make(folder, PARTS[1], replace(ORIGIN, **{change: "another"}))
    with pytest.raises(OutputError, match=r"part 1/3 in .* was made with another config or version"):
        join(folder)


def test_what_is_left_of_another_number_of_parts_is_deleted(folder: Path) -> None:
    join(folder)
    make(folder, Part(0, 2))
    make(folder, Part(1, 2))
    (folder / ".making-x").write_bytes(b"left")
    join(folder, parts_of(2))
    assert sorted(path.name for path in folder.iterdir()) == [*(part.folder for part in parts_of(2)), MARKER]


def test_whole_stage_replaces_its_parts(folder: Path) -> None:
    assert start_stage(str(folder), ORIGIN)
    assert [path.name for path in folder.iterdir()] == [MARKER]


def test_part_in_a_foreign_folder_is_refused_and_touches_nothing(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("mine")
    before = states(tmp_path)
    with pytest.raises(OutputError, match=r"holds 'thesis.tex', which pmc15m did not write"):
        start_parts(str(tmp_path), ORIGIN)
    assert states(tmp_path) == before


def test_parts_in_a_foreign_folder_are_not_put_together_and_what_is_there_stays(folder: Path) -> None:
    (folder / MARKER).unlink()
    (folder / "thesis.tex").write_text("mine")
    before = states(folder)
    with pytest.raises(OutputError, match=r"but no stage.json that says they are of pmc15m"):
        join(folder)
    assert states(folder) == before


def test_part_in_the_folder_of_another_stage_is_refused(folder: Path) -> None:
    with pytest.raises(OutputError, match="holds the output of extract, not of curate"):
        start_parts(str(folder), replace(ORIGIN, stage="curate"))


def test_part_that_another_was_faster_than_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def look_too_late(folder: str, stage: str) -> None:
        mark_unfinished(folder, ORIGIN)
        raise OutputError(f"{folder} holds a part, and had no marker of {stage} a moment ago")

    monkeypatch.setattr("pmc15m.parts.check_stage", look_too_late)
    start_parts(str(tmp_path), ORIGIN)
    assert json.loads((tmp_path / MARKER).read_text())["complete"] is False


def test_part_that_was_killed_while_it_was_swept_is_made_again(folder: Path) -> None:
    home = folder / PARTS[1].folder
    (home / MARKER).unlink()
    assert not is_complete(str(home), replace(ORIGIN, inputs="1"))
    make(folder, PARTS[1])
    join(folder)
