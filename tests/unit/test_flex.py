"""The program of the Flex Template: every word goes where it belongs, and none is lost or invented."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from apache_beam.options.pipeline_options import PipelineOptions

from pipelines import cli, flex
from pipelines.options import parse_beam_options
from pipelines.words import make_parser
from pmc15m.errors import UsageError
from tests.conftest import ROOT

TEMPLATE = json.loads((ROOT / "docker/flex/metadata.json").read_text(encoding="utf-8"))
PARAMETERS: dict[str, dict[str, Any]] = {parameter["name"]: parameter for parameter in TEMPLATE["parameters"]}
OURS = {"stage", *flex.VALUES, *flex.SWITCHES}
NEEDED = {
    "extract": ["--source=gs://b/store"],
    "curate": ["--pairs=gs://b/pairs"],
    "shard": ["--source=gs://b/store", "--pairs=gs://b/pairs", "--decisions=gs://b/decisions"],
}
LAUNCHER = [
    "--runner=DataflowRunner", "--project=p", "--region=europe-west4", "--job_name=j", "--temp_location=gs://b/t",
    "--staging_location=gs://b/s", "--template_location=gs://b/s/template", "--sdk_container_image=i:1",
]  # fmt: skip


def beam_names() -> set[str]:
    names: set[str] = set()
    PipelineOptions([]).get_all_options(
        add_extra_args_fn=lambda parser: names.update(
            word.removeprefix("--") for action in parser._actions for word in action.option_strings
        )
    )
    return names


def flags_of(stage: str) -> set[str]:
    """Return the flags of a command, without what argparse adds."""
    (commands,) = (action for action in make_parser()._actions if hasattr(action, "choices") and action.choices)
    assert isinstance(commands.choices, dict)
    actions = commands.choices[stage]._actions
    return {word.removeprefix("--") for action in actions for word in action.option_strings if word.startswith("--")}


def command(*words: str) -> list[str]:
    return flex.command_of(words, Path("nowhere"))


def refusal(*words: str) -> str:
    with pytest.raises(UsageError) as refused:
        command(*words)
    return str(refused.value)


def test_the_form_of_the_template_asks_for_what_the_program_takes() -> None:
    beams = {"sdk_container_image", "number_of_worker_harness_threads"}
    assert set(PARAMETERS) == OURS | beams
    assert len(PARAMETERS) == len(TEMPLATE["parameters"])
    assert {name for name, parameter in PARAMETERS.items() if not parameter["isOptional"]} == {
        "stage", "out", "sdk_container_image",
    }  # fmt: skip
    for parameter in PARAMETERS.values():
        assert set(parameter) == {"name", "label", "helpText", "isOptional", "regexes"}
        assert all(re.compile(regex) for regex in parameter["regexes"])


def test_every_name_is_ours_or_beams_and_none_is_both() -> None:
    assert set(PARAMETERS) - OURS <= beam_names()
    assert not OURS & beam_names()


def test_names_of_ours_are_flags_of_the_stages_but_those_of_parts_and_logs() -> None:
    flags = set().union(*map(flags_of, flex.STAGES))
    assert flags - OURS == {"help", "log-level", "part", "parts", "finish"}
    assert OURS - flags == {"stage"}
    stage = re.compile(PARAMETERS["stage"]["regexes"][0])
    assert all(stage.match(name) for name in flex.STAGES)
    assert not stage.match("build")


@pytest.mark.parametrize("stage", flex.STAGES)
def test_words_are_split_by_whose_name_they_bear(stage: str) -> None:
    words = [f"--stage={stage}", "--out=gs://b/out", "--fresh=true", *NEEDED[stage]]
    argv = command(*LAUNCHER, *words, "--number_of_worker_harness_threads=2")
    ours, beams = argv[: argv.index("--")], argv[argv.index("--") + 1 :]
    assert ours == [stage, "--out=gs://b/out", "--fresh", *NEEDED[stage]]
    assert beams == [
        "--no_wait_until_finish",
        "--sdk_location=container",
        *LAUNCHER,
        "--number_of_worker_harness_threads=2",
    ]
    make_parser().parse_args(ours)
    options = parse_beam_options([word for word in beams if not word.startswith("--runner")])  # that asks for the extra
    assert options.get_all_options()["sdk_container_image"] == "i:1"
    assert options.get_all_options()["no_wait_until_finish"] is True


def test_switches_are_true_or_false_and_what_is_empty_was_left_open() -> None:
    words = ["--stage=extract", "--out=o", "--source=s"]
    assert "--fresh" not in command(*words, "--fresh=false")
    assert command(*words, "--fresh=", "--config=") == command(*words)
    assert refusal(*words, "--fresh=yes") == "--fresh=yes: wanted true or false"


@pytest.mark.parametrize("word", ["out=o", "--out", "source", "--", "-x", "o", ""])
def test_a_word_of_another_form_is_refused(word: str) -> None:
    assert repr(word) in refusal("--stage=extract", word)


@pytest.mark.parametrize("words", [[], ["--stage="], ["--stage=build"], ["--stage=fetch"], ["--out=o"]])
def test_what_is_no_stage_is_refused(words: list[str]) -> None:
    assert refusal(*words).endswith("a template runs one of extract, curate, shard")


def test_a_name_that_is_given_twice_is_refused() -> None:
    assert refusal("--stage=extract", "--out=a", "--out=b") == "--out is given twice"


@pytest.mark.parametrize("word", ["--sauce=gs://b/store", "--Out=gs://b/x", "--log-level=DEBUG", "--max_workers=3"])
def test_a_word_that_nobody_knows_is_refused_before_anything_is_done(
    word: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "source").mkdir()
    assert flex.main(["--stage=extract", f"--source={tmp_path}/source", f"--out={tmp_path}/out", word]) == 2
    out, said = capsys.readouterr()
    assert (out, said) == ("", f"pmc15m: unknown Beam option {word.partition('=')[0]} (after --)\n")
    assert not (tmp_path / "out").exists()


def test_a_parameter_of_another_stage_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        flex.main(["--stage=extract", "--source=s", "--out=o", "--pairs=p"])
    assert left.value.code == 2
    assert "unrecognized arguments: --pairs=p" in capsys.readouterr().err


def test_files_of_a_bucket_are_copied_for_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "my.toml").write_text("[select]\n", encoding="utf-8")
    seen: list[tuple[Path, str]] = []

    def run(argv: list[str]) -> int:
        (word,) = (word for word in argv if word.startswith("--config="))
        path = Path(word.removeprefix("--config="))
        seen.append((path, path.read_text(encoding="utf-8")))
        return 7

    monkeypatch.setattr(cli, "main", run)
    words = ["--stage=curate", "--pairs=p", "--out=o"]
    assert flex.main([*words, f"--config=file://{tmp_path}/my.toml"]) == 7
    ((copy, text),) = seen
    assert text == "[select]\n"
    assert copy != tmp_path / "my.toml"
    assert not copy.exists()
    assert flex.main([*words, f"--config={tmp_path}/my.toml"]) == 7
    assert seen[1] == (tmp_path / "my.toml", text)


def test_a_file_that_is_not_there_is_told_of(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    uri = f"file://{tmp_path}/none.toml"
    assert flex.main(["--stage=curate", "--pairs=p", "--out=o", f"--config={uri}"]) == 2
    assert capsys.readouterr().err.startswith(f"pmc15m: cannot read {uri}: ")
