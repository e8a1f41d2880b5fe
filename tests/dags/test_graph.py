"""The graphs of all DAGs: what Flink and Spark refuse, and what would leak into the output, is not in them."""

import base64
import bz2
import zlib
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import apache_beam as beam
import pytest
from apache_beam import coders
from apache_beam.portability.api import beam_runner_api_pb2
from apache_beam.runners.pipeline_context import PipelineContext
from apache_beam.runners.portability.fn_api_runner import FnApiRunner

from pipelines import extract, shard
from pmc15m.config import to_toml
from pmc15m.parts import WHOLE
from pmc15m.release.finish import ReleaseJob
from pmc15m.release.parts import PartJob
from pmc15m.release.rejects import RejectsJob
from pmc15m.stages import Origin
from tests.dags.conftest import CONFIG, NOWHERE, run_curate
from tests.dags.test_shard import SPECS, job

FLATTEN, GROUP = "beam:transform:flatten:v1", "beam:transform:group_by_key:v1"
PAR_DO = "beam:transform:pardo:v1"
ORIGIN = Origin("stage", "", "", "")


def faults(pipeline: beam.Pipeline) -> Iterator[str]:
    """Yield what is wrong with a graph."""
    graph = pipeline.to_runner_api()
    parts, context = graph.components, PipelineContext(graph.components)
    consumers: dict[str, set[str]] = defaultdict(set)
    for transform in parts.transforms.values():
        if transform.subtransforms:
            continue
        for name in transform.inputs.values():
            consumers[name].add(transform.spec.urn)
        if transform.spec.urn == FLATTEN:
            (out,) = transform.outputs.values()
            if any(
                parts.pcollections[n].coder_id != parts.pcollections[out].coder_id for n in transform.inputs.values()
            ):
                yield f"{transform.unique_name} re-codes its inputs"
        if transform.spec.urn == GROUP:
            (name,) = transform.inputs.values()
            coder: Any = context.coders.get_by_id(parts.pcollections[name].coder_id)
            if isinstance(coder, coders.WindowedValueCoder):
                coder = coder.wrapped_value_coder
            if not is_plain(coder.key_coder()):
                yield f"{transform.unique_name} groups by {coder.key_coder()}"
        if transform.spec.urn == PAR_DO and b"__main__" in pickled(transform.spec.payload):
            yield f"{transform.unique_name} holds what is of the program that builds the graph, not of a package"
    for name, urns in consumers.items():
        if {FLATTEN, GROUP} <= urns:
            yield f"{parts.pcollections[name].unique_name} feeds a Flatten and a GroupByKey"
        if parts.pcollections[name].is_bounded != 2:  # IsBounded.BOUNDED
            yield f"{parts.pcollections[name].unique_name} is unbounded"
    if len(parts.environments) != 1:
        yield f"{len(parts.environments)} environments"


def pickled(payload: bytes) -> bytes:
    """Return what is pickled of a ParDo, as the pickler of the command writes it."""
    pickle = base64.b64decode(beam_runner_api_pb2.ParDoPayload.FromString(payload).do_fn.payload)
    return bz2.decompress(pickle) if pickle.startswith(b"BZh") else zlib.decompress(pickle)


def is_plain(coder: Any) -> bool:
    """Return whether a coder is of text, whole numbers or tuples of them, whose bytes never vary."""
    if isinstance(coder, coders.TupleCoder):
        return all(is_plain(part) for part in coder.coders())
    return isinstance(coder, coders.StrUtf8Coder | coders.VarIntCoder) and bool(coder.is_deterministic())


Make = Callable[[beam.Pipeline, str, str, str], None]


def add_extract(p: beam.Pipeline, source: str, _pairs: str, _decisions: str) -> None:
    extract.run(p, source, "out", CONFIG, WHOLE, ORIGIN, NOWHERE)


def add_curate(p: beam.Pipeline, _source: str, pairs: str, _decisions: str) -> None:
    run_curate(p, pairs, "out")


def add_shard(p: beam.Pipeline, source: str, pairs: str, decisions: str) -> None:
    rejects = RejectsJob(1, ((pairs, ()),), "own", "out")
    release = ReleaseJob("out", (".rejects",), ORIGIN, to_toml(CONFIG), {}, {}, {}, ("out", ()), {})
    shard.run(p, SPECS, job(source, pairs, decisions, Path("out")), rejects, release, NOWHERE)


def add_shard_part(p: beam.Pipeline, source: str, pairs: str, decisions: str) -> None:
    shard.run_part(p, SPECS, job(source, pairs, decisions, Path("out")), PartJob("part", ORIGIN), NOWHERE)


DAGS = [add_extract, add_curate, add_shard, add_shard_part]


@pytest.mark.parametrize("add", DAGS, ids=lambda add: add.__name__.removeprefix("add_"))
def test_graph_has_no_fault(add: Make, source: str, extracted: str, curated: str) -> None:
    p = beam.Pipeline(FnApiRunner())
    add(p, source, extracted, curated)
    assert list(faults(p)) == []


@pytest.mark.parametrize("add", DAGS, ids=lambda add: add.__name__.removeprefix("add_"))
def test_graph_groups_no_records_but_ids_and_candidates(add: Make, source: str, extracted: str, curated: str) -> None:
    p = beam.Pipeline(FnApiRunner())
    add(p, source, extracted, curated)
    types = [
        str(producer.element_type)
        for transform in all_transforms(p)
        if isinstance(transform.transform, beam.GroupByKey)
        for producer in transform.inputs
    ]
    assert types
    assert not any(record in kind for kind in types for record in ("Figure", "Pair", "Package", "Decision", "Reject"))


def all_transforms(p: beam.Pipeline) -> list[Any]:
    """Return every applied transform of a pipeline."""
    found: list[Any] = []

    class Visitor(beam.pipeline.PipelineVisitor):
        def visit_transform(self, node: Any) -> None:
            found.append(node)

        def enter_composite_transform(self, node: Any) -> None:
            found.append(node)

    p.visit(Visitor())
    return found


def test_check_finds_what_feeds_a_flatten_and_a_group() -> None:
    p = beam.Pipeline(FnApiRunner())
    one = p | "one" >> beam.Create([("a", 1)])
    two = p | "two" >> beam.Create([("b", 1)])
    _ = one | beam.GroupByKey()
    _ = (one, two) | beam.Flatten()
    assert [fault for fault in faults(p) if fault.endswith("feeds a Flatten and a GroupByKey")]


def test_check_finds_a_flatten_that_re_codes() -> None:
    p = beam.Pipeline(FnApiRunner())
    one = p | "one" >> beam.Create([1]).with_output_types(int)
    two = p | "two" >> beam.Create(["b"]).with_output_types(str)
    _ = (one, two) | beam.Flatten()
    assert [fault for fault in faults(p) if "re-codes its inputs" in fault]


def test_check_finds_a_group_by_what_has_no_fixed_bytes() -> None:
    p = beam.Pipeline(FnApiRunner())
    keyed = beam.Map(lambda x: (x, 1)).with_output_types(tuple[dict[str, int], int])
    _ = p | beam.Create([{"a": 1}]) | keyed | beam.GroupByKey()
    assert [fault for fault in faults(p) if "groups by" in fault]


def test_check_finds_what_is_pickled_of_the_program_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    def double(number: int) -> int:
        return number + number

    monkeypatch.setattr(double, "__module__", "__main__")
    p = beam.Pipeline(FnApiRunner())
    _ = p | beam.Create([1]) | "Double" >> beam.Map(double)
    assert [fault for fault in faults(p) if "of the program that builds the graph" in fault]
