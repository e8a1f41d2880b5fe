"""`pmc15m fetch`: what there is, what is wanted, and the articles themselves; run again, it goes on."""

import hashlib
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass

from pipelines import fetch
from pipelines.asking import Ask, IndexParts, find_parts
from pipelines.extracting import extract_digest
from pipelines.fetch import Output
from pipelines.progress import Counts
from pipelines.running import Run, run_pipeline
from pmc15m import __version__
from pmc15m.acquire.archives import DEFAULT_POLICY, ArchiveEntry, list_archives
from pmc15m.acquire.fetch import FetchJob
from pmc15m.acquire.http import HttpPolicy
from pmc15m.acquire.index import Index, make_index
from pmc15m.acquire.members import Caps
from pmc15m.acquire.table import UNPACKED, Known, commit_fetch, read_known
from pmc15m.config import digest
from pmc15m.errors import TooManyFaultsError, UsageError
from pmc15m.records import FAULTS, Reject
from pmc15m.release.report import fetch_flow
from pmc15m.rows import ORDER_BITS, content_of, order_of, read_range
from pmc15m.stages import Origin, OutputError, StageFiles, locked_output, read_stage, start_stage
from pmc15m.store import SCRATCH_PREFIX, Store

LOG = logging.getLogger("pmc15m")

INDEX = "index"
STORED = ("stored-a", "stored-b")

# Measured means of an article, for the estimate of a dry run: XML and JSON, figures, bytes.
OBJECTS_PER_ARTICLE = 5.5
BYTES_PER_ARTICLE = 530_000


@dataclass(frozen=True, slots=True)
class Indexed:
    """A complete index, and how much of it is taken."""

    parts: IndexParts
    folder: str
    stage: StageFiles
    index: Index
    num_articles: int


def run_fetch(store: str, ask: Ask, run: Run) -> StageFiles:
    """Bring articles into a store.

    Raises:
        UsageError: a list of PMCIDs that is none, an output that cannot be used.
        TooManyFaultsError: more than `max_fault_rate` of the articles could not be fetched.
    """
    with _opened(store) as known:
        indexed = run_index(f"{store}/{INDEX}", ask, known, run)
        return fetch_indexed(store, known, indexed, ask, run, pairs=None)


def run_harvest(ask: Ask, store: str | None, work: str, run: Run) -> StageFiles:
    """Make pairs of the articles of a bucket as they come, in one pass.

    Args:
        ask: which articles.
        store: where they are kept; None: nowhere.
        work: pairs go to its folder `pairs`, without a store the index to `index`.
        run: how.

    Raises:
        UsageError: a list of PMCIDs that is none, an output that cannot be used.
        TooManyFaultsError: more than `max_fault_rate` of the articles could not be fetched.
    """
    out = f"{work}/pairs"
    with _opened(store) if store is not None else nullcontext(Known()) as known, locked_output(out):
        indexed = run_index(f"{store or work}/{INDEX}", ask, known, run)
        contents = (indexed.stage.content, content_of(indexed.stage.rejects), str(indexed.parts.inventory))
        origin = Origin(
            "extract", __version__, extract_digest(run.config), hashlib.sha256(" ".join(contents).encode()).hexdigest()
        )
        retries = store is not None and has_faults(out, "extract")  # without a store all would be fetched again
        if start_stage(out, origin, run.fresh or retries):
            return fetch_indexed(store, known, indexed, ask, run, Output(out, origin))
        LOG.info("extract: %s is complete, nothing to do", out)
        return read_stage(out, "extract")


@contextmanager
def _opened(store: str) -> Iterator[Known]:
    """Hold a store; the value is what it knows of the last complete fetch."""
    home = Store(store)
    with locked_output(store):
        for path in home.local_path.glob(f"{SCRATCH_PREFIX}*") if home.is_local else ():
            home.delete(path.name)  # what a run that was killed did not finish
        yield read_known(home)


def fetch_indexed(
    store: str | None, known: Known, indexed: Indexed, ask: Ask, run: Run, pairs: Output | None
) -> StageFiles:
    """Bring the articles of an index into a store, or make pairs of them, or both in one pass.

    Raises:
        TooManyFaultsError: more than `max_fault_rate` of the articles could not be fetched.
    """
    stored = None
    if store is not None:
        origin = Origin("fetch", __version__, digest(run.config.select, run.config.xml), indexed.stage.content)
        # One of two folders, never that of the last complete fetch, which this one is compared with.
        folder = next(name for name in STORED if name != known.folder)
        stored = Output(f"{store}/{folder}", origin)
        start_stage(stored.folder, origin, fresh=True)
    job = FetchJob(
        indexed.index,
        ask.bucket,
        ask.policy,
        store,
        run.config,
        known.stored,
        known.refused,
        run.fresh,
        pairs is not None,
        ask.max_fault_rate,
        indexed.parts.inventory,
    )
    done_by = "pairs/made" if pairs is not None else "articles/fetched"
    counts = Counts("fetch", "articles", indexed.num_articles, "articles/listed", done_by)
    rejects = indexed.stage.reject_names
    run_pipeline(run, counts, lambda p, meter: fetch.run(p, job, rejects, stored, pairs, meter))
    main = pairs or stored
    stage = read_stage(main.folder, main.origin.stage) if main is not None else indexed.stage
    _check_faults(stage.tallies, indexed, ask.max_fault_rate)
    if stored is not None and store is not None:
        _commit(store, stored, indexed)
    return stage


def _commit(store: str, stored: Output, indexed: Indexed) -> None:
    names = indexed.parts.names
    asked = names - _faulty(indexed) if names else None

    def is_asked(pmcid: str) -> bool:
        return order_of(pmcid) < indexed.index.end and (asked is None or pmcid in asked)

    folder = stored.folder.rpartition("/")[2]
    stage = read_stage(stored.folder, stored.origin.stage)
    for kind, count in commit_fetch(Store(store), folder, stage, is_asked, indexed.parts.inventory).items():
        LOG.info("fetch: %d articles %s", count, kind)


def _check_faults(tallies: Mapping[str, int], indexed: Indexed, max_fault_rate: float) -> None:
    num_faults = tallies.get("faults", 0) + indexed.stage.tallies.get("faults", 0)
    num_left = tallies.get("articles/left", 0)
    if not num_left and num_faults <= max_fault_rate * max(indexed.num_articles, 1):
        return
    detail = f"{num_faults:,} faults in {indexed.num_articles - num_left:,} articles"
    left = f", {num_left:,} articles not asked for" if num_left else ""
    raise TooManyFaultsError(f"{detail}{left}: what was fetched is kept, the same command tries the rest again")


def run_archives(
    source: str, store: str, run: Run, policy: HttpPolicy = DEFAULT_POLICY, max_fault_rate: float = 1.0
) -> StageFiles:
    """Unpack legacy archives into a store.

    Args:
        source: a folder of them or one archive, here, in an object store, or by URL.
        store: where the articles go.
        run: how.
        policy: how a server is asked.
        max_fault_rate: most of the archives that may fail to be fetched.

    Raises:
        UsageError: the output cannot be used, or there is no archive.
        TooManyFaultsError: more than `max_fault_rate` of the archives could not be fetched.
    """
    num_archives = count_archives(source, policy)
    if not num_archives:
        raise UsageError(f"{source} holds no archive: no PMC4991227.tar.gz, no .meca")
    with locked_output(store):
        out = f"{store}/{UNPACKED}"
        origin = Origin("unpack", __version__, digest(run.config.xml), source)
        start_stage(out, origin, fresh=True)
        counts = Counts("unpack", "archives", num_archives, "unpack_archive/in", "unpack_archive/out")
        caps = Caps(max_xml_bytes=run.config.xml.max_bytes)
        run_pipeline(
            run, counts, lambda p, meter: fetch.run_archives(p, source, store, caps, policy, out, origin, meter)
        )
        stage = read_stage(out, "unpack")
    num_faults = stage.tallies.get("faults", 0)
    if num_faults > max_fault_rate * num_archives:
        detail = f"{num_faults:,} faults in {num_archives:,} archives"
        raise TooManyFaultsError(f"{detail}: what was unpacked is kept, the same command starts over")
    return stage


def count_archives(source: str, policy: HttpPolicy = DEFAULT_POLICY) -> int:
    """Return how many archives a folder holds."""
    return sum(isinstance(item, ArchiveEntry) for item in list_archives(source, policy))


def plan_fetch(store: str, ask: Ask, run: Run) -> str:
    """Return in words what a fetch would take; only the index is written."""
    with locked_output(store):
        num_articles = run_index(f"{store}/{INDEX}", ask, read_known(Store(store)), run).num_articles
    num_requests = round(num_articles * OBJECTS_PER_ARTICLE)
    num_bytes = num_articles * BYTES_PER_ARTICLE
    return (
        f"{num_articles:,} articles, about {num_requests:,} requests and {num_bytes / 1e9:,.1f} GB, less what {store} "
        "has already and what the selection leaves out once the metadata is read"
    )


def run_index(out: str, ask: Ask, known: Known, run: Run) -> Indexed:
    """Make the index, unless it is there."""
    parts = find_parts(ask, known)
    origin = Origin("index", __version__, "", parts.inputs)
    name = parts.step.__name__
    if start_stage(out, origin, run.fresh or has_faults(out, "index")):
        counts = Counts("index", "parts", len(parts.parts), f"{name}/in", f"{name}/out")
        run_pipeline(
            run, counts, lambda p, meter: fetch.run_index(p, parts.parts, parts.step, parts.args, out, origin, meter)
        )
    stage = read_stage(out, "index")
    for reason, count in fetch_flow(stage.tallies).rejects.items():
        LOG.info("index: %d rejects %s, see %s", count, reason, out)
    index, num_articles = make_index(out, stage.names, run.config.select.max_articles)
    return Indexed(parts, out, stage, index, num_articles)


def has_faults(folder: str, stage: str) -> bool:
    """Return whether a stage lacks what a server did not tell: it is made again then."""
    try:
        return bool(read_stage(folder, stage).tallies.get("faults"))
    except OutputError:
        return False


def _faulty(indexed: Indexed) -> set[str]:
    """Return the pmcids that the server did not tell of."""
    rejects = read_range(Store(indexed.folder), indexed.stage.reject_names, Reject, 0, 1 << ORDER_BITS)
    return {reject.pmcid for reject in rejects if reject.reason in FAULTS}
