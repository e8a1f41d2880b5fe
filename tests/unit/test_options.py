"""Beam's options after the bare `--`: none is dropped in silence, no engine is chosen unasked."""

import pytest
from apache_beam.options.pipeline_options import DirectOptions, PipelineOptions, SetupOptions, StandardOptions

from pipelines.options import OptionsError, parse_beam_options
from pmc15m.errors import UsageError


def runner(options: PipelineOptions) -> str:
    return str(options.view_as(StandardOptions).runner)


def refusal(capfd: pytest.CaptureFixture[str], *argv: str) -> str:
    """Return what is said of words that are refused."""
    with pytest.raises(OptionsError) as refused:
        parse_beam_options(list(argv))
    assert isinstance(refused.value, UsageError)
    assert "\n" not in str(refused.value)
    assert capfd.readouterr() == ("", "")  # no usage of two hundred lines
    return str(refused.value)


def test_without_words_the_runner_in_memory_is_used_and_nothing_is_said(capfd: pytest.CaptureFixture[str]) -> None:
    options = parse_beam_options([])
    assert runner(options) == "FnApiRunner"
    assert not options.view_as(SetupOptions).save_main_session
    assert options.view_as(SetupOptions).pickle_library == "cloudpickle"
    assert capfd.readouterr() == ("", "")


def test_options_that_beam_knows_are_taken() -> None:
    options = parse_beam_options(["--direct_num_workers=2", "--direct_running_mode", "multi_processing"])
    assert options.view_as(DirectOptions).direct_num_workers == 2
    assert options.view_as(DirectOptions).direct_running_mode == "multi_processing"
    parse_beam_options(["--experiments=a", "--experiments", "b", "--streaming"])


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (["--nonesuch=1"], "unknown Beam option --nonesuch (after --)"),
        (["--nonesuch", "1"], "unknown Beam option --nonesuch (after --)"),
        (["--direct_num_workers=2", "--nonesuch"], "unknown Beam option --nonesuch (after --)"),
        (["--direct-num-workers=2"], "unknown Beam option --direct-num-workers (after --)"),
        (["--direct_num_work=2"], "unknown Beam option --direct_num_work (after --)"),
        (["-x"], "unknown Beam option -x (after --)"),
        (["--"], "unknown Beam option -- (after --)"),
        (["--=3"], "unknown Beam option -- (after --)"),
        (["--source", "articles"], "unknown Beam option --source (after --)"),
    ],
)
def test_unknown_option_is_refused_by_name(capfd: pytest.CaptureFixture[str], argv: list[str], said: str) -> None:
    assert refusal(capfd, *argv) == said


@pytest.mark.parametrize(
    "argv", [["stray"], ["--direct_num_workers", "2", "stray"], ["--streaming", "stray"], ["stray", "--streaming"]]
)
def test_stray_word_is_refused(capfd: pytest.CaptureFixture[str], argv: list[str]) -> None:
    assert refusal(capfd, *argv) == "'stray' after -- is no Beam option"


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (["--direct_num_workers=two"], "argument --direct_num_workers: invalid int value: 'two'"),
        (["--direct_num_workers"], "argument --direct_num_workers: expected one argument"),
        (["--direct_running_mode=fast"], "argument --direct_running_mode: invalid choice: 'fast'"),
        (["--gcs_custom_audit_entries=x"], "Expecting value"),
    ],
)
def test_value_that_cannot_be_read_is_refused(capfd: pytest.CaptureFixture[str], argv: list[str], said: str) -> None:
    assert refusal(capfd, *argv).startswith(f"Beam option after --: {said}")


@pytest.mark.parametrize(
    "name",
    ["DirectRunner", "directrunner", "direct", "SwitchingDirectRunner", "apache_beam.runners.direct.DirectRunner"],
)
def test_direct_runner_is_mapped_and_said_so(capfd: pytest.CaptureFixture[str], name: str) -> None:
    assert runner(parse_beam_options([f"--runner={name}"])) == "FnApiRunner"
    out, said = capfd.readouterr()
    assert out == ""
    assert said == (
        f"pmc15m: --runner={name} would try to download another engine first; FnApiRunner is used, "
        "which is what DirectRunner falls back to\n"
    )


@pytest.mark.parametrize(
    "name",
    [
        "DaskRunner",
        "dask",
        "apache_beam.runners.dask.dask_runner.DaskRunner",
        "InteractiveRunner",
        "RenderRunner",
        "beam_pyspark_runner.pyspark_runner.PySparkRunner",
    ],
)
def test_runner_that_is_known_to_be_wrong_is_refused(capfd: pytest.CaptureFixture[str], name: str) -> None:
    assert refusal(capfd, f"--runner={name}").startswith(f"--runner={name} is refused: it ")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("Nonesuch", "Unexpected pipeline runner: Nonesuch"),
        ("no.such.Runner", "No module named 'no'"),
        ("json.Runner", "module 'json' has no attribute 'Runner'"),
        ("json.dumps", "dumps() missing"),
    ],
)
def test_unknown_runner_is_refused_before_anything_is_done(
    capfd: pytest.CaptureFixture[str], name: str, said: str
) -> None:
    assert refusal(capfd, f"--runner={name}").startswith(f"--runner={name}: {said}")


@pytest.mark.parametrize(
    "name", ["FnApiRunner", "fnapirunner", "PrismRunner", "FlinkRunner", "SparkRunner", "PortableRunner"]
)
def test_other_engines_are_taken_as_they_are(name: str) -> None:
    assert runner(parse_beam_options([f"--runner={name}"])) == name
