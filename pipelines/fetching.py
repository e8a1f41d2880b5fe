"""`pmc15m fetch`: what there is, what is wanted, and the articles themselves; run again, it goes on."""

import argparse
import datetime
import hashlib
import logging
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from pipelines import fetch
from pipelines.build import Run, run_pipeline
from pipelines.options import num_workers
from pipelines.progress import Counts
from pmc15m import __version__
from pmc15m.acquire.archives import ArchiveEntry, list_archives
from pmc15m.acquire.eutils import (
    FIRST_DAY,
    REQUESTS_PER_S,
    REQUESTS_PER_S_WITH_KEY,
    SERVICE,
    Query,
    Service,
    search_pmcids,
)
from pmc15m.acquire.fetch import FetchJob
from pmc15m.acquire.http import HttpPolicy, client_of
from pmc15m.acquire.index import find_versions, make_index, read_inventory_shard
from pmc15m.acquire.inventory import find_inventory
from pmc15m.acquire.members import Caps
from pmc15m.acquire.pmcids import Wanted, read_pmcids
from pmc15m.acquire.table import commit_fetch, known_tables
from pmc15m.config import digest
from pmc15m.errors import TooManyFaultsError, UsageError
from pmc15m.records import FAULTS, Reject
from pmc15m.release.report import rejects_by_step
from pmc15m.rows import ORDER_BITS, order_of, read_range
from pmc15m.stages import Origin, OutputError, StageFiles, locked_output, read_stage, start_stage
from pmc15m.store import SCRATCH_PREFIX, Store

LOG = logging.getLogger("pmc15m")

BUCKET = "https://pmc-oa-opendata.s3.amazonaws.com"
INDEX, UNPACKED = "index", "unpacked"
STORED = ("stored-a", "stored-b")

# Measured means of an article, for the estimate of a dry run: XML and JSON, figures, bytes.
OBJECTS_PER_ARTICLE = 5.5
BYTES_PER_ARTICLE = 530_000


@dataclass(frozen=True, slots=True)
class Ask:
    """What to fetch, and how: nothing here changes a byte of what is stored."""

    bucket: str
    policy: HttpPolicy
    pmcids: Path | None = None  # a list; None: the inventory, or the query
    query: Query | None = None
    service: Service = field(default_factory=Service)
    day: str | None = None  # of the inventory; None: the newest complete one
    max_fault_rate: float = 0.01


def run_fetch(store: str, ask: Ask, run: Run) -> StageFiles:
    """Bring articles into a store.

    Raises:
        UsageError: a list of PMCIDs that is none, an output that cannot be used.
        TooManyFaultsError: more than `max_fault_rate` of the articles could not be fetched.
    """
    home = Store(store)
    with locked_output(store):
        _sweep(home)
        known = known_tables(home)
        indexed, names = _run_index(f"{store}/{INDEX}", ask, known, run)
        index, num_articles = make_index(f"{store}/{INDEX}", indexed.names, run.config.select.max_articles)
        config = digest(run.config.select, run.config.xml)
        origin = Origin("fetch", __version__, config, indexed.content)
        # One of two folders, never that of the last complete fetch, which this one is compared with.
        folder = next(name for name in STORED if not any(table.startswith(f"{name}/") for table in known))
        job = FetchJob(index, ask.bucket, ask.policy, store, run.config, known, run.fresh)
        out = f"{store}/{folder}"
        start_stage(out, origin, fresh=True)
        counts = Counts("fetch", "articles", num_articles, "articles/listed", "fetch_range/out")
        run_pipeline(run, counts, lambda p, meter: fetch.run(p, job, out, origin, meter))
        stored = read_stage(out, "fetch")
        num_faults = stored.tallies.get("faults", 0) + indexed.tallies.get("faults", 0)
        if num_faults > ask.max_fault_rate * max(num_articles, 1):
            detail = f"{num_faults} faults in {num_articles} articles"
            raise TooManyFaultsError(f"{detail}: what was fetched is kept, the same command tries the rest again")
        asked = names - _faulty(f"{store}/{INDEX}", indexed) if names else None

        def is_asked(pmcid: str) -> bool:
            return order_of(pmcid) < index.end and (asked is None or pmcid in asked)

        for kind, count in commit_fetch(home, folder, stored, is_asked).items():
            LOG.info("fetch: %d articles %s", count, kind)
    return stored


def run_archives(source: str, store: str, run: Run) -> StageFiles:
    """Unpack legacy archives into a store.

    Raises:
        UsageError: the output cannot be used, or there is no archive.
    """
    entries = sum(isinstance(item, ArchiveEntry) for item in list_archives(source))
    if not entries:
        raise UsageError(f"{source} holds no archive: no PMC4991227.tar.gz, no .meca")
    with locked_output(store):
        out = f"{store}/{UNPACKED}"
        origin = Origin("unpack", __version__, digest(run.config.xml), source)
        start_stage(out, origin, fresh=True)
        counts = Counts("unpack", "archives", entries, "unpack_archive/in", "unpack_archive/out")
        caps = Caps(max_xml_bytes=run.config.xml.max_bytes)
        run_pipeline(run, counts, lambda p, meter: fetch.run_archives(p, source, store, caps, out, origin, meter))
        return read_stage(out, "unpack")


def plan_fetch(store: str, ask: Ask, run: Run) -> str:
    """Return in words what a fetch would take; only the index is written."""
    with locked_output(store):
        indexed, _ = _run_index(f"{store}/{INDEX}", ask, known_tables(Store(store)), run)
        _, num_articles = make_index(f"{store}/{INDEX}", indexed.names, run.config.select.max_articles)
    num_requests = round(num_articles * OBJECTS_PER_ARTICLE)
    num_bytes = num_articles * BYTES_PER_ARTICLE
    return (
        f"{num_articles:,} articles, about {num_requests:,} requests and {num_bytes / 1e9:,.1f} GB, less what {store} "
        "has already and what the selection leaves out once the metadata is read"
    )


def ask_of(args: argparse.Namespace, run: Run) -> Ask:
    """Return what the words of the command ask for.

    Raises:
        UsageError: words that contradict each other.
    """
    has_query = bool(args.term or args.journal or args.mesh or args.since or args.until)
    if sum((has_query, args.pmcids is not None, args.day is not None)) > 1:
        raise UsageError("a query, --pmcids and --day are three ways to say what to fetch: choose one")
    workers = num_workers(run.options)
    policy = HttpPolicy(
        connections=args.connections,
        requests_per_s=None if args.requests_per_s is None else args.requests_per_s / workers,
        contact=args.contact,
        proxy=args.proxy,
        ca_file=args.ca_file,
    )
    query = None
    if has_query:
        first = args.since or FIRST_DAY
        query = Query(args.term or "", run.config.select.licenses, args.journal, args.mesh, first, args.until)
    service = Service(args.eutils or SERVICE, args.contact, args.api_key)
    bucket = args.bucket or BUCKET
    return Ask(bucket, policy, args.pmcids, query, service, args.day, args.max_fault_rate)


def _run_index(out: str, ask: Ask, known: tuple[str, ...], run: Run) -> tuple[StageFiles, set[str]]:
    """Make the index, unless it is there; return it, and the pmcids where it is of articles asked for by name."""
    parts, step, args, inputs = _parts_of(ask, known)
    origin = Origin("index", __version__, "", inputs)
    if start_stage(out, origin, run.fresh or _has_faults(out)):
        counts = Counts("index", "parts", len(parts), f"{step.__name__}/in", f"{step.__name__}/out")
        run_pipeline(run, counts, lambda p, meter: fetch.run_index(p, parts, step, args, out, origin, meter))
    indexed = read_stage(out, "index")
    for reason, count in rejects_by_step(indexed.tallies).get(step.__name__, {}).items():
        LOG.info("index: %d rejects %s, see %s", count, reason, out)
    return indexed, {part.pmcid for part in parts if isinstance(part, Wanted)}


def _has_faults(out: str) -> bool:
    """Return whether an index lacks what the server did not tell: it is made again then."""
    try:
        return bool(read_stage(out, "index").tallies.get("faults"))
    except OutputError:
        return False


def _faulty(out: str, indexed: StageFiles) -> set[str]:
    """Return the pmcids that the server did not tell of."""
    rejects = read_range(Store(out), indexed.reject_names, Reject, 0, 1 << ORDER_BITS)
    return {reject.pmcid for reject in rejects if reject.reason in FAULTS}


def _sweep(home: Store) -> None:
    """Delete what a run that was killed did not finish."""
    for path in home.local_path.glob(f"{SCRATCH_PREFIX}*") if home.is_local else ():
        home.delete(path.name)


def _parts_of(ask: Ask, known: tuple[str, ...]) -> tuple[Sequence[Any], Callable[..., Any], tuple[Any, ...], str]:
    """Return the parts of the index, the step that reads one, its arguments, and a digest of the whole."""
    if ask.pmcids is None and ask.query is None:
        inventory = find_inventory(client_of(ask.policy), ask.bucket, ask.day)
        for day in inventory.skipped:
            LOG.info("fetch: the inventory of %s is not complete, %s is taken", day, inventory.day)
        inputs = hashlib.sha256(repr([asdict(shard) for shard in inventory.shards]).encode()).hexdigest()
        return inventory.shards, read_inventory_shard, (ask.bucket, ask.policy), inputs
    wanted = _wanted(ask)
    # After a complete fetch the bucket is asked again: it may have other versions by then.
    inputs = hashlib.sha256(repr((ask.bucket, wanted, known)).encode()).hexdigest()
    return wanted, find_versions, (ask.bucket, ask.policy), inputs


def _wanted(ask: Ask) -> list[Wanted]:
    """Return the articles asked for by name.

    Raises:
        UsageError: there are none.
    """
    if ask.pmcids is not None:
        try:
            listed = list(read_pmcids(ask.pmcids.read_text(encoding="utf-8-sig")))
        except (OSError, ValueError) as error:
            raise UsageError(f"{ask.pmcids}: {error}") from error
        if not listed:
            raise UsageError(f"{ask.pmcids} names no article")
        return listed
    if ask.query is None:
        return []
    rate = REQUESTS_PER_S_WITH_KEY if ask.service.api_key else REQUESTS_PER_S
    rate = min(rate, ask.policy.requests_per_s or rate)
    client = client_of(replace(ask.policy, connections=1, requests_per_s=rate))
    found = search_pmcids(client, ask.query, ask.service, datetime.datetime.now(datetime.UTC).date())
    wanted = sorted((Wanted(pmcid, None) for pmcid in found), key=lambda wanted: wanted.pmcid)
    if not wanted:
        raise UsageError(f"no article answers the query {ask.query.text}")
    return wanted
