"""A program: the job that Dataflow would be given for extract, as JSON on stdout. It asks no one: no key, no network.

It runs under a Python with the extra `gcp`. What it replaces is private to Beam, so that only a test may do it.
"""

import json
import sys
from typing import Any

import apache_beam as beam
from apache_beam.runners.dataflow.dataflow_runner import DataflowRunner
from apache_beam.runners.dataflow.internal import apiclient

from pipelines import extract
from pipelines.options import parse_beam_options
from pmc15m.config import DatasetConfig
from pmc15m.parts import WHOLE
from pmc15m.progress import Meter
from pmc15m.stages import Origin


def describe(words: list[str]) -> dict[str, Any]:
    """Return the job of some options of Beam, what would be staged, and its graph in words."""
    options = parse_beam_options(words)
    p = beam.Pipeline(DataflowRunner(), options=options)
    origin = Origin("extract", "0", "", "")
    extract.run(p, "gs://mill-store/articles", "gs://mill-work/pairs", DatasetConfig(), WHOLE, origin, Meter(None))
    result: Any = p.run()
    job = result.job
    client: Any = apiclient.DataflowApplicationClient(options, job.root_staging_location)
    staged: list[str] = []
    client.stage_file_with_retry = lambda _to, name, *_args, **_more: staged.append(name)
    client._gcs_file_copy = lambda _from, to, **_more: staged.append(to)
    client.create_job_description(job)
    proto = job.proto_pipeline
    return {
        "job": json.loads(job.json()),
        "staged": staged,
        "num_bytes": proto.ByteSize(),
        "environments": [env.urn for env in proto.components.environments.values()],
        "payloads": str(proto),
    }


if __name__ == "__main__":
    json.dump(describe(sys.argv[1:]), sys.stdout)
