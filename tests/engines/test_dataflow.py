"""The job that Dataflow is given: our image, our numbers, nothing staged without need, nothing of this machine."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ROOT
from tests.engines.engines import DATAFLOW, find
from tests.engines.servers import environment

IMAGE = "example/pmc15m:1"
WORDS = (
    "--runner=DataflowRunner --project=mill --region=us-central1 --no_auth --dry_run=True"
    " --temp_location=gs://pmc15m-dry/tmp --staging_location=gs://pmc15m-dry/staging"
    f" --sdk_location=container --sdk_container_image={IMAGE}"
    " --machine_type=n2-standard-4 --number_of_worker_harness_threads=2 --max_num_workers=7"
).split()
MAX_GRAPH_BYTES = 10 * 2**20  # of a job

pytestmark = [pytest.mark.engine, pytest.mark.slow]


@pytest.fixture(scope="module")
def described(tmp_path_factory: pytest.TempPathFactory) -> Any:
    python = find(DATAFLOW)["gcp"]
    program = Path(__file__).with_name("dataflow_job.py")
    done = subprocess.run(
        [python, "-W", "ignore", str(program), *WORDS], env=environment(), cwd=tmp_path_factory.mktemp("dataflow"),
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3_000:]
    return json.loads(done.stdout)


def test_workers_have_our_image_and_no_other(described: Any) -> None:
    (pool,) = described["job"]["environment"]["workerPools"]
    assert {image["containerImage"] for image in pool["sdkHarnessContainerImages"]} == {IMAGE}
    assert pool["workerHarnessContainerImage"] == IMAGE
    assert described["environments"] == ["beam:env:docker:v1"]


def test_workers_are_of_the_kind_and_number_that_was_asked_for(described: Any) -> None:
    (pool,) = described["job"]["environment"]["workerPools"]
    assert (pool["machineType"], pool["numThreadsPerWorker"]) == ("n2-standard-4", 2)
    assert pool["autoscalingSettings"]["maxNumWorkers"] == 7
    assert described["job"]["type"] == "JOB_TYPE_BATCH"


def test_nothing_is_staged_but_the_graph(described: Any) -> None:
    noted = {"pipeline.pb", "submission_environment_dependencies.txt"}  # the second: a list of what is installed here
    assert {Path(name).name for name in described["staged"]} <= noted
    assert described["num_bytes"] < MAX_GRAPH_BYTES
    assert described["job"]["environment"]["sdkPipelineOptions"]["options"]["save_main_session"] is False


def test_job_names_nothing_of_this_machine(described: Any) -> None:
    assert str(ROOT) not in json.dumps(described)
