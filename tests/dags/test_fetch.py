"""The stages of fetch: their graphs, and what each leaves behind."""

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import apache_beam as beam
import pytest
from apache_beam.runners.portability.fn_api_runner import FnApiRunner

from pipelines import fetch
from pipelines.fetch import Output
from pmc15m.acquire import fetch as fetch_module
from pmc15m.acquire import index as index_module
from pmc15m.acquire.archives import DEFAULT_POLICY
from pmc15m.acquire.fetch import FetchJob
from pmc15m.acquire.http import HttpPolicy
from pmc15m.acquire.index import Index, IndexRow, find_versions, make_index, read_inventory_shard
from pmc15m.acquire.inventory import InventoryShard
from pmc15m.acquire.members import DEFAULT_CAPS
from pmc15m.acquire.pmcids import Wanted
from pmc15m.acquire.stored import Refused, Stored
from pmc15m.records import ArticleRef, Reason
from pmc15m.release.report import fetch_flow
from pmc15m.rows import ORDER_BITS
from pmc15m.stages import Origin, read_stage
from tests import tiny
from tests.dags.conftest import CONFIG, NOWHERE
from tests.dags.rows import read_all, reasons
from tests.dags.test_graph import all_transforms, faults
from tests.unit.canned import BUCKET, Answer, Canned
from tests.unit.scripted import md5_of
from tests.unit.test_inventory import AS_SEEN
from tests.unit.test_listing import folders, page

POLICY = HttpPolicy(connections=4)
ORIGIN = Origin("fetch", "", "", "")
KEY = "inventory-reports/data/mills.csv.gz"
SHARD = InventoryShard(KEY, "0" * 32, 1, AS_SEEN)


def add_inventory(p: beam.Pipeline, out: str) -> None:
    fetch.run_index(p, [SHARD], read_inventory_shard, (BUCKET, POLICY), out, Origin("index", "", "", ""), NOWHERE)


def add_names(p: beam.Pipeline, out: str) -> None:
    parts = [Wanted("PMC1", None), Wanted("PMC2", 1)]
    fetch.run_index(p, parts, find_versions, (BUCKET, POLICY), out, Origin("index", "", "", ""), NOWHERE)


def add_archives(p: beam.Pipeline, out: str) -> None:
    fetch.run_archives(p, "archives", "store", DEFAULT_CAPS, DEFAULT_POLICY, out, Origin("unpack", "", "", ""), NOWHERE)


def add_fetch(p: beam.Pipeline, out: str) -> None:
    job = FetchJob(Index("index", (), 1 << ORDER_BITS, 3), BUCKET, POLICY, "store", CONFIG)
    fetch.run(p, job, ["rejects.parquet"], Output(out, ORIGIN), None, NOWHERE)


def add_harvest(p: beam.Pipeline, out: str) -> None:
    job = FetchJob(Index("index", (), 1 << ORDER_BITS, 3), BUCKET, POLICY, "store", CONFIG, makes_pairs=True)
    fetch.run(p, job, ["rejects.parquet"], Output("stored", ORIGIN), Output(out, ORIGIN), NOWHERE)


def add_harvest_that_keeps_nothing(p: beam.Pipeline, out: str) -> None:
    job = FetchJob(Index("index", (), 1 << ORDER_BITS, 3), BUCKET, POLICY, None, CONFIG, makes_pairs=True)
    fetch.run(p, job, [], None, Output(out, ORIGIN), NOWHERE)


Add = Callable[[beam.Pipeline, str], None]
DAGS = [add_inventory, add_names, add_archives, add_fetch, add_harvest, add_harvest_that_keeps_nothing]


@pytest.mark.parametrize("add", DAGS, ids=lambda add: add.__name__.removeprefix("add_"))
def test_graph_has_no_fault(add: Add) -> None:
    p = beam.Pipeline(FnApiRunner())
    add(p, "out")
    assert list(faults(p)) == []


@pytest.mark.parametrize("add", DAGS, ids=lambda add: add.__name__.removeprefix("add_"))
def test_graph_groups_nothing_that_was_fetched(add: Add) -> None:
    p = beam.Pipeline(FnApiRunner())
    add(p, "out")
    types = [
        str(producer.element_type)
        for transform in all_transforms(p)
        if isinstance(transform.transform, beam.GroupByKey)
        for producer in transform.inputs
    ]
    assert types
    assert not any(
        record in kind for kind in types for record in ("Stored", "Refused", "Pair", "IndexRow", "ArticleRef", "Reject")
    )


# What is left behind


class World:
    """The tiny source as a bucket."""

    def __init__(self, source: Path) -> None:
        self.source = source
        rows = [
            f'"b","metadata/{path.name}","2026-01-08T11:47:59.000Z","{md5_of(path.read_bytes())}"'
            for path in source.glob("PMC*.*/PMC*.json")
        ]
        self.shard = gzip.compress("\n".join([*rows, "nonsense"]).encode(), mtime=0)

    def answer(self, path: str, query: dict[str, str]) -> Answer:
        if "prefix" in query:
            return page(folders(*(f"{one.name}/" for one in self.source.glob(f"{query['prefix']}*"))))
        if path == f"/{KEY}":
            return self.shard
        try:
            return (self.source / path.removeprefix("/")).read_bytes()
        except FileNotFoundError:
            return Reason.NOT_FOUND


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    tiny.write_source(tmp_path / "bucket")
    world = World(tmp_path / "bucket")
    client = Canned(world.answer)
    for module in (index_module, fetch_module):
        monkeypatch.setattr(module, "client_of", lambda policy: client)
    return world


def run(add: Callable[..., None], *args: Any) -> None:
    with beam.Pipeline(FnApiRunner()) as p:
        add(p, *args)


def index_of(world: World, out: str) -> Index:
    """Run the index stage and return its index."""
    shard = InventoryShard(KEY, md5_of(world.shard), len(world.shard), AS_SEEN)
    origin = Origin("index", "", "", "")
    run(fetch.run_index, [shard], read_inventory_shard, (BUCKET, POLICY), out, origin, NOWHERE)
    return make_index(out, read_stage(out, "index").names, 0)[0]


def test_index_of_an_inventory_is_its_rows_and_rejects(world: World, tmp_path: Path) -> None:
    out = str(tmp_path / "index")
    index = index_of(world, out)
    assert [row.ref.key for row in read_all(IndexRow, out, index.files)] == [
        "PMC1001.1", "PMC1002.1", "PMC1003.1", "PMC1003.2", "PMC1004.1", "PMC1005.1", "PMC1006.1", "PMC1007.1",
    ]  # fmt: skip
    assert reasons(out) == [("PMC0.0", "index_row")]


def test_index_of_names_is_what_the_bucket_lists(world: World, tmp_path: Path) -> None:
    out = str(tmp_path / "index")
    parts = [Wanted("PMC1003", None), Wanted("PMC1001", 1), Wanted("PMC1001", 2), Wanted("PMC9", None)]
    run(fetch.run_index, parts, find_versions, (BUCKET, POLICY), out, Origin("index", "", "", ""), NOWHERE)
    rows = read_all(IndexRow, out, read_stage(out, "index").names)
    assert sorted(row.ref.key for row in rows) == ["PMC1001.1", "PMC1003.1", "PMC1003.2"]
    assert reasons(out) == [("PMC1001.2", "not_found"), ("PMC9.0", "not_found")]


def test_fetch_stores_articles_and_accounts_for_every_version(world: World, tmp_path: Path) -> None:
    out, store = str(tmp_path / "stored"), tmp_path / "store"
    job = FetchJob(index_of(world, str(tmp_path / "index")), BUCKET, POLICY, str(store), CONFIG)
    run(fetch.run, job, [], Output(out, ORIGIN), None, NOWHERE)
    stage = read_stage(out, "fetch")
    stored = read_all(Stored, out, [name for name in stage.names if name.startswith("stored-")])
    refused = read_all(Refused, out, [name for name in stage.names if name.startswith("refused-")])
    assert [(row.key, row.version, row.num_media) for row in stored] == [
        ("PMC1001", 1, 3), ("PMC1002", 1, 2), ("PMC1003", 2, 1),
        ("PMC1004", 1, 0), ("PMC1006", 1, 0), ("PMC1007", 1, 5),
    ]  # fmt: skip
    assert [(row.reject.key, row.reason) for row in refused] == [
        ("PMC1003.1", "superseded"), ("PMC1005.1", "retracted"),
    ]  # fmt: skip
    assert all(row.seen is not None for row in stored)
    assert all(row.seen is not None for row in refused)
    flow = fetch_flow(stage.tallies)
    assert (flow.num_in, flow.num_out, flow.rejects) == (8, 6, {"retracted": 1, "superseded": 1})
    assert stage.tallies["objects/fetched"] == sum(path.is_file() for path in store.rglob("*")) + 2
    assert {path.name for path in (store / "PMC1006.1").iterdir()} == {"PMC1006.1.json", "PMC1006.1.xml"}
    for row in stored:
        metadata = store / f"{row.key}.{row.version}" / f"{row.key}.{row.version}.json"
        assert md5_of(metadata.read_bytes()) == row.json_md5
        assert json.loads(metadata.read_bytes())["pmcid"] == row.key


def test_archives_leave_the_refs_of_what_was_unpacked(tmp_path: Path) -> None:
    out = str(tmp_path / "unpacked")
    (tmp_path / "archives").mkdir()
    (tmp_path / "archives" / "PMC7.tar.gz").write_bytes(b"no gzip")
    origin = Origin("unpack", "", "", "")
    source, store = str(tmp_path / "archives"), str(tmp_path / "store")
    run(fetch.run_archives, source, store, DEFAULT_CAPS, DEFAULT_POLICY, out, origin, NOWHERE)
    assert read_all(ArticleRef, out, read_stage(out, "unpack").names) == []
    assert reasons(out) == [("PMC7.1", "tar_corrupt")]
