"""The command: what it answers to words that it cannot take, and that it touches nothing then."""

import json
import logging
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pyarrow.parquet as pq
import pytest

from pipelines.cli import main
from pmc15m import __version__
from pmc15m.config import ImagesConfig
from pmc15m.images.hashes import HASH_VERSION
from pmc15m.images.probe import probe_image
from pmc15m.stages import locked_output
from tests import some, tiny
from tests.conftest import ROOT
from tests.tree import states

COMMANDS = (
    "fetch", "build", "extract", "curate", "shard", "inspect", "verify", "diff", "withdraw", "subset", "hashes", "demo",
)  # fmt: skip


class Answer(NamedTuple):
    code: int
    out: str
    said: str


class Command:
    """Runs the command in this process, in a folder of its own."""

    def __init__(self, folder: Path, capture: pytest.CaptureFixture[str]) -> None:
        self.folder = folder
        self._capture = capture

    def __call__(self, *words: str) -> Answer:
        self._capture.readouterr()
        try:
            code = main(list(words))
        except SystemExit as error:  # argparse's
            code = int(error.code or 0)
        return Answer(code, *self._capture.readouterr())

    def refusal(self, *words: str) -> str:
        """Return the one sentence that refuses some words, which touch nothing."""
        before = states(self.folder)
        code, out, said = self(*words)
        assert code == 2, said
        assert out == ""
        assert re.fullmatch(r"pmc15m: [^\n]+\n", said), said
        assert states(self.folder) == before
        return said.removeprefix("pmc15m: ").rstrip("\n")


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Iterator[Command]:
    """Return the command; the log is as before when the test ends."""
    monkeypatch.chdir(tmp_path)
    root, own = logging.getLogger(), logging.getLogger("pmc15m")
    before = (root.handlers[:], root.level, own.level)
    yield Command(tmp_path, capfd)
    root.handlers[:], root.level, _ = before
    own.setLevel(before[2])


@pytest.fixture
def source(tmp_path: Path) -> Path:
    tiny.ARTICLES[0](tmp_path / "source")
    return tmp_path / "source"


def test_version_is_told(command: Command) -> None:
    assert command("--version") == Answer(0, f"pmc15m {__version__}\n", "")


def test_help_names_every_command(command: Command) -> None:
    code, out, said = command("--help")
    assert (code, said) == (0, "")
    for name in COMMANDS:
        assert re.search(rf"^ +{name} +\w", out, re.MULTILINE)


@pytest.mark.parametrize("name", COMMANDS)
def test_help_of_a_command_explains_it(command: Command, name: str) -> None:
    code, out, said = command(name, "--help")
    assert (code, said) == (0, "")
    assert out.startswith(f"usage: pmc15m {name} ")
    assert "--log-level" in out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "the following arguments are required: COMMAND"),
        (["bild"], "invalid choice: 'bild'"),
        (["build"], "the following arguments are required: --source, --out"),
        (["build", "--source", "s", "--out", "o", "--nonesuch"], "unrecognized arguments: --nonesuch"),
        (["build", "--sourc", "s", "--out", "o"], "required: --source"),
        (["build", "--source", "s", "--out", "o", "--log-level", "LOUD"], "invalid choice: 'LOUD'"),
        (["inspect"], "required: ARTICLE.xml"),
        (["inspect", "--config", "c", "a.xml"], "unrecognized arguments"),
        (["demo", "--articles", "many"], "invalid int value: 'many'"),
        (["curate", "--out", "o"], "required: --pairs"),
        (["hashes", "d"], "required: --out"),
        (["shard", "--source", "s", "--pairs", "p", "--out", "o"], "required: --decisions"),
    ],
)
def test_words_that_are_not_known_are_refused(command: Command, words: list[str], said: str) -> None:
    assert said in command.refusal(*words)


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ("[filter]\n", "unknown table filter; known: "),
        ("[filters]\nmin_side = 3\n", "unknown key filters.min_side; known: "),
        ("[filters]\nmin_side_px = 'x'\n", "filters.min_side_px must be int, not 'x'"),
        ("[encode]\njpeg_quality = 101\n", "encode.jpeg_quality must be in [1, 100], not 101"),
        ("[filters", "not TOML: "),
        ("\udcff\udcfe", "cannot read the config "),
        (None, "cannot read the config "),
    ],
)
def test_config_that_cannot_be_used_is_refused(
    command: Command, source: Path, tmp_path: Path, config: str | None, said: str
) -> None:
    path = tmp_path / "config.toml"
    path.mkdir() if config is None else path.write_bytes(config.encode("utf-8", "surrogateescape"))
    for words in (["build", "--source", str(source)], ["extract", "--source", str(source)], ["curate", "--pairs", "p"]):
        sentence = command.refusal(*words, "--out", "out", "--config", str(path))
        assert said in sentence
        assert str(path) in sentence


def test_config_that_is_not_there_is_refused(command: Command, source: Path) -> None:
    said = command.refusal("build", "--source", str(source), "--out", "out", "--config", "absent.toml")
    assert said == "cannot read the config absent.toml: No such file or directory"


@pytest.mark.parametrize(
    ("beams", "said"),
    [
        (["--nonesuch=1"], "unknown Beam option --nonesuch (after --)"),
        (["--direct-num-workers=2"], "unknown Beam option --direct-num-workers (after --)"),
        (["stray"], "'stray' after -- is no Beam option"),
        (["--direct_num_workers=two"], "Beam option after --: argument --direct_num_workers: invalid int value: 'two'"),
        (["--runner=DaskRunner"], "--runner=DaskRunner is refused: it is silently wrong"),
        (["--runner=Nonesuch"], "--runner=Nonesuch: Unexpected pipeline runner"),
    ],
)
def test_beam_option_that_cannot_be_used_is_refused(
    command: Command, source: Path, beams: list[str], said: str
) -> None:
    for words in (["build", "--source", str(source)], ["extract", "--source", str(source)], ["curate", "--pairs", "p"]):
        assert said in command.refusal(*words, "--out", "out", "--", *beams)


def test_command_without_a_pipeline_takes_no_beam_options(command: Command, source: Path) -> None:
    article = str(source / "PMC1001.1" / "PMC1001.1.xml")
    assert "takes no Beam options: --streaming" in command.refusal("inspect", article, "--", "--streaming")


@pytest.mark.parametrize("name", ["build", "extract"])
def test_source_without_articles_is_refused(command: Command, tmp_path: Path, name: str) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "PMC12").mkdir()
    (tmp_path / "file").write_text("mine")
    assert command.refusal(name, "--source", "absent", "--out", "out") == "there is no source absent"
    for source in ("empty", "other"):
        said = command.refusal(name, "--source", source, "--out", "out")
        archives = ", and no archive" if name == "build" else ""
        assert said == f"{source} holds no article: no folder such as PMC4991227.1{archives}"
    assert command.refusal(name, "--source", "file", "--out", "out") == "the source file is a file, not a folder"


def test_output_of_someone_else_is_refused(command: Command, source: Path, tmp_path: Path) -> None:
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "thesis.tex").write_text("mine")
    (tmp_path / "file").write_text("mine")
    for out in ("thesis", str(source)):
        for words in (["build"], ["extract"], ["build", "--overwrite"], ["build", "--fresh"]):
            assert "which pmc15m did not write" in command.refusal(*words, "--source", str(source), "--out", out)
    for words in (["build"], ["extract"]):
        assert "is a file, not a folder" in command.refusal(*words, "--source", str(source), "--out", "file")
        assert "cannot be written" in command.refusal(*words, "--source", str(source), "--out", "file/inside")


def test_work_folder_of_someone_else_is_refused(command: Command, source: Path, tmp_path: Path) -> None:
    (tmp_path / "work" / "pairs").mkdir(parents=True)
    (tmp_path / "work" / "pairs" / "thesis.tex").write_text("mine")
    said = command.refusal("build", "--source", str(source), "--out", "out", "--work", "work")
    assert "which pmc15m did not write" in said


def test_output_of_a_run_that_is_still_at_work_is_refused(command: Command, source: Path) -> None:
    for name in ("out.work/pairs", "out.work/decisions", "out"):
        with locked_output(name):
            words = ("build", "--source", str(source), "--out", "out", "--log-level", "ERROR")
            code, out, said = command(*words)
            assert (code, out, said) == (2, "", f"pmc15m: {name} is in use by another run\n")
    assert command(*words).code == 0


def test_stage_without_the_stage_before_it_is_refused(command: Command, source: Path) -> None:
    said = command.refusal("curate", "--pairs", "absent", "--out", "out")
    assert said == "absent holds no output of extract: no stage.json that says so"
    said = command.refusal("shard", "--source", "s", "--pairs", "absent", "--decisions", "d", "--out", "out")
    assert said == "absent holds no output of extract: no stage.json that says so"


def test_extract_does_not_take_the_folder_of_another_stage(command: Command, source: Path) -> None:
    assert command("extract", "--source", str(source), "--out", "pairs").code == 0
    said = command.refusal("curate", "--pairs", "pairs", "--out", "pairs")
    assert said == "pairs holds the output of extract, not of curate: choose another"


def test_stages_print_their_yields_and_say_the_rest_on_stderr(command: Command, source: Path) -> None:
    code, out, said = command("extract", "--source", str(source), "--out", "pairs")
    assert code == 0
    assert re.search(r"^extract  figs and graphics +3 +3 +0$", out, re.MULTILINE)
    assert said.startswith("extract: 1 articles\n")
    assert command("curate", "--pairs", "pairs", "--out", "decisions").code == 0
    words = ["--source", str(source), "--pairs", "pairs", "--decisions", "decisions", "--out", "release"]
    assert command("shard", *words).code == 0
    again = command("shard", *words)
    assert (again.code, again.said) == (0, "shard: release is complete, nothing to do\n")


def test_quiet_log_says_nothing(command: Command, source: Path) -> None:
    answer = command("build", "--source", str(source), "--out", "release", "--log-level", "WARNING")
    assert (answer.code, answer.said) == (0, "")


@pytest.mark.parametrize("words", [["--articles", "0"], ["--articles", "-3"]])
def test_demo_of_no_articles_is_refused(command: Command, words: list[str]) -> None:
    assert "--articles must be positive" in command.refusal("demo", "--out", "demo", *words)


def test_demo_does_not_take_a_folder_of_someone_else(command: Command, tmp_path: Path) -> None:
    (tmp_path / "demo").mkdir()
    (tmp_path / "demo" / "thesis.tex").write_text("mine")
    assert "holds files that are not the demo's" in command.refusal("demo", "--out", "demo", "--articles", "1")


def test_inspect_prints_figures_and_rejects_as_json(command: Command, source: Path) -> None:
    code, out, said = command("inspect", str(source / "PMC1001.1" / "PMC1001.1.xml"))
    assert (code, said) == (0, "")
    answer = json.loads(out)
    assert [figure["graphic"] for figure in answer["figures"]] == ["mill.jpg", "wheel.png", "stone.png"]
    assert answer["rejects"] == []


def test_inspect_takes_a_list_of_media(command: Command, source: Path, tmp_path: Path) -> None:
    (tmp_path / "media.txt").write_text("mill.jpg\n\nwheel.gif\n")
    _, out, _ = command("inspect", str(source / "PMC1001.1" / "PMC1001.1.xml"), "media.txt")
    answer = json.loads(out)
    assert [figure["graphic"] for figure in answer["figures"]] == ["mill.jpg", "wheel.gif"]
    assert [reject["reason"] for reject in answer["rejects"]] == ["graphic_not_in_package"]


@pytest.mark.parametrize("xml", [b"", b"<article>", b"<html/>", b"\xff\xfe\x00", some.article_xml()[:-5]])
def test_inspect_of_a_broken_article_is_an_answer_and_no_failure(command: Command, tmp_path: Path, xml: bytes) -> None:
    (tmp_path / "article.xml").write_bytes(xml)
    code, out, said = command("inspect", "article.xml")
    assert (code, said) == (0, "")
    answer = json.loads(out)
    assert answer["figures"] == []
    assert [(reject["fig_id"], reject["reason"]) for reject in answer["rejects"]] == [(None, "xml_syntax")]


def test_inspect_of_a_file_that_cannot_be_read_is_refused(command: Command, tmp_path: Path) -> None:
    (tmp_path / "article.xml").write_bytes(some.article_xml())
    (tmp_path / "media.txt").write_bytes(b"\xff")
    for words in (["absent.xml"], ["."], ["article.xml", "absent.txt"], ["article.xml", "media.txt"]):
        assert command.refusal("inspect", *words).startswith("cannot read: ")


def test_hashes_lists_the_images_of_a_folder_by_path_and_tells_what_is_none(command: Command, tmp_path: Path) -> None:
    (tmp_path / "vqa" / "inner").mkdir(parents=True)
    for name, seed, form in [("b.jpg", 1, "JPEG"), ("inner/a.png", 2, "PNG"), ("a.jpg", 3, "JPEG")]:
        (tmp_path / "vqa" / name).write_bytes(tiny.packed(tiny.picture(seed), form))
    (tmp_path / "vqa" / "README").write_text("no image")
    answer = command("hashes", "vqa", "--out", "lists/vqa.parquet")
    assert (answer.code, answer.out) == (0, "lists/vqa.parquet: 3 images; 1 files are none\n")
    assert answer.said.startswith("README: ")
    rows = pq.read_table(tmp_path / "lists" / "vqa.parquet").to_pylist()
    assert [(row["source"], row["id"]) for row in rows] == [("vqa", "a.jpg"), ("vqa", "b.jpg"), ("vqa", "inner/a.png")]
    image = probe_image((tmp_path / "vqa" / "b.jpg").read_bytes(), ImagesConfig())
    assert rows[1] == {
        "source": "vqa",
        "id": "b.jpg",
        "hash_version": HASH_VERSION,
        **{name: getattr(image, name) for name in "phash phash_content width_px height_px grey_std".split()},
    }
    assert command("hashes", "vqa", "--out", "again.parquet", "--source", "vqa", "--log-level", "ERROR").said == ""
    assert (tmp_path / "again.parquet").read_bytes() == (tmp_path / "lists" / "vqa.parquet").read_bytes()


def test_hashes_of_no_image_or_to_no_place_are_refused(command: Command, tmp_path: Path) -> None:
    (tmp_path / "notes").mkdir()
    (tmp_path / "file").write_text("mine")
    assert command.refusal("hashes", "absent", "--out", "l.parquet") == "there is no folder absent"
    assert command.refusal("hashes", "file", "--out", "l.parquet") == "there is no folder file"
    assert command.refusal("hashes", "notes", "--out", "l.parquet") == "notes holds no image"
    assert command.refusal("hashes", "notes", "--out", "notes") == "notes is a folder, not a list"
    (tmp_path / "notes" / "a.png").write_bytes(tiny.packed(tiny.picture(1), "PNG"))
    assert command.refusal("hashes", "notes", "--out", "file/l.parquet").startswith("cannot make the list of notes: ")
    assert "takes no Beam options" in command.refusal("hashes", "notes", "--out", "l.parquet", "--", "--streaming")


def test_exception_of_the_program_is_not_hidden(
    command: Command, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def break_down(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("pipelines.extracting.run_extract", break_down)
    with pytest.raises(ZeroDivisionError):
        command("extract", "--source", str(source), "--out", "pairs")


@pytest.mark.parametrize(("words", "code"), [(["--version"], 0), (["bild"], 2), (["inspect", "absent.xml"], 2)])
def test_process_ends_with_the_code(tmp_path: Path, words: list[str], code: int) -> None:
    process = subprocess.run(
        [sys.executable, "-m", "pipelines.cli", *words], cwd=ROOT, capture_output=True, check=False, timeout=60
    )
    assert process.returncode == code
    assert bool(process.stderr) == bool(code)
