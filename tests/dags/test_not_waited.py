"""Jobs that are submitted and not waited for: exit code 0, no word of a result, and complete by what the DAG does."""

from pathlib import Path

import pytest

from pipelines import cli, flex
from pmc15m.release.finish import read_report
from pmc15m.stages import read_stage
from tests import tiny

SUBMITTED = "pmc15m: {} is submitted and not waited for: it is complete when its folder says so\n"


def test_stages_of_a_template_make_the_release_that_build_makes(
    source: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config, pairs, decisions = f"file://{tmp_path}/tiny.toml", f"--pairs={tmp_path}/pairs", f"{tmp_path}/decisions"
    (tmp_path / "tiny.toml").write_text(tiny.CONFIG, encoding="utf-8")
    stages = {
        "extract": [f"--source={source}", f"--out={tmp_path}/pairs"],
        "curate": [pairs, f"--out={decisions}"],
        "shard": [f"--source={source}", pairs, f"--decisions={decisions}", f"--out={tmp_path}/release"],
    }
    for stage, words in stages.items():
        assert flex.main([f"--stage={stage}", f"--config={config}", "--runner=FnApiRunner", *words]) == 0
        out, said = capsys.readouterr()
        assert out == ""
        assert said.endswith(SUBMITTED.format(stage))
    assert read_stage(f"{tmp_path}/pairs", "extract").files
    ours = ["--source", source, "--config", str(tmp_path / "tiny.toml")]
    assert cli.main(["build", *ours, "--out", f"{tmp_path}/waited"]) == 0
    assert read_report(f"{tmp_path}/release") == read_report(f"{tmp_path}/waited")
    made = [Path(tmp_path, name, "manifest.json").read_bytes() for name in ("release", "waited")]
    assert made[0] == made[1]


@pytest.mark.parametrize("words", [["build", "--source", "s", "--out", "o"], ["fetch", "--store", "o"]])
def test_what_waits_between_pipelines_is_not_submitted(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main([*words, "--", "--no_wait_until_finish"]) == 2
    assert "run one stage a job" in capsys.readouterr().err
