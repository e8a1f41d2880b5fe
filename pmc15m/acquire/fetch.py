"""The articles of an index: which need not be asked for, and the others side by side.

An article that is as the last complete fetch left it costs no request. Of the others as many are fetched
at once as there are connections, and the outcome of each is known when its last file is there.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field

from pmc15m.acquire.article_fetch import ArticleFetch
from pmc15m.acquire.http import HttpPolicy, client_of
from pmc15m.acquire.index import Index, IndexRow
from pmc15m.acquire.packages import read_package
from pmc15m.acquire.stored import Refused, Stored, keep_stale, outcomes_of, refused_of, rules_of, seen_of
from pmc15m.acquire.table import INVENTORY
from pmc15m.acquire.transfer import Transfer
from pmc15m.config import DatasetConfig
from pmc15m.images.pairs import probe_figure
from pmc15m.jats.figures import read_figures
from pmc15m.records import Figure, Package, Pair, Reject, Tally
from pmc15m.rows import read_range
from pmc15m.select import EVERYTHING
from pmc15m.store import Store

Outcome = Stored | Refused | Pair | Reject | Tally

MIN_ARTICLES = 1_000
"""Articles that a worker has looked at before it may give up."""


@dataclass(frozen=True, slots=True)
class FetchJob:
    """Where articles come from, and where they go."""

    index: Index
    bucket: str
    policy: HttpPolicy
    store: str | None  # None: nothing is kept
    config: DatasetConfig
    stored: tuple[str, ...] = ()  # paths in the store of the tables of the last fetch that was complete
    refused: tuple[str, ...] = ()
    is_fresh: bool = False  # looks into every article, also where the inventory tells of no change
    makes_pairs: bool = False  # extract in the same pass
    max_fault_rate: float = 1.0  # above it a worker gives up
    inventory: str | None = None  # its day, for the account


@dataclass(slots=True)
class Patience:
    """How a worker fares: whether so much fails that the rest is not worth asking for."""

    num_articles: int = 0
    num_faulty: int = 0

    def is_over(self, max_fault_rate: float) -> bool:
        """Return whether more than this share of a good number of articles failed."""
        return self.num_articles >= MIN_ARTICLES and self.num_faulty > max_fault_rate * self.num_articles

    def note(self, items: Iterable[Outcome]) -> None:
        """Take in what became of an article."""
        self.num_articles += 1
        self.num_faulty += any(isinstance(item, Tally) and item.name == "faults" for item in items)


@dataclass(frozen=True, slots=True)
class Worker:
    """A job, and how it goes in one worker."""

    job: FetchJob
    patience: Patience = field(default_factory=Patience)


def fetch_range(number: int, worker: Worker) -> Iterator[Stored | Refused | Pair | Reject | Tally]:
    """Fetch the articles of one range of the index.

    Rejects: of article versions; what lacks a media file is a matter of extract. With `makes_pairs` the
    pairs and rejects of extract too. Tallies: `articles/listed`, `articles/fetched`, `articles/unchanged`,
    `articles/stale`, `articles/left` (the worker gave up before them), `objects/fetched`, `objects/kept`,
    `bytes/fetched`, `requests/sent`, `faults`, and those of extract.
    """
    job = worker.job
    changed = []
    if number == 0 and job.inventory is not None:
        yield Tally(f"{INVENTORY}{job.inventory}", 1)
    for known in _known_of(number, job):
        yield Tally("articles/listed", len(known.versions))
        if known.is_unchanged(job) and not job.is_fresh:
            yield Tally("articles/unchanged", 1)
            yield from outcomes_of(known.stored, known.refused)
            yield from [Tally("articles/fetched", 1)] if known.stored is not None else []
        else:
            changed.append(known)
    yield from _fetch_all(changed, worker)


def _fetch_all(changed: list["_Known"], worker: Worker) -> Iterator[Outcome]:
    """Yield what becomes of some articles, in order; no more of them are held than are under way."""
    job, patience = worker.job, worker.patience
    waiting = deque(changed)
    with ThreadPoolExecutor(job.policy.connections, thread_name_prefix="fetch") as pool:
        running: deque[Future[list[Outcome]]] = deque()
        while waiting or running:
            if patience.is_over(job.max_fault_rate):
                yield Tally("articles/left", len(waiting))
                waiting.clear()
            while waiting and len(running) < 2 * job.policy.connections:
                running.append(pool.submit(_fetch_article, waiting.popleft(), job))
            if running:
                items = running.popleft().result()
                patience.note(items)
                yield from items


@dataclass(frozen=True, slots=True)
class _Known:
    """The versions of an article that the index names, and what the store knows of it."""

    versions: tuple[IndexRow, ...]
    seen: str | None
    stored: Stored | None
    refused: tuple[Refused, ...]

    def is_unchanged(self, job: FetchJob) -> bool:
        """Return whether the article is as the last complete fetch left it."""
        if job.makes_pairs or job.store is None or self.seen is None:
            return False
        rows: list[Stored | Refused] = [*self.refused, *([self.stored] if self.stored else [])]
        if {row.version for row in rows} != {row.version for row in self.versions}:
            return False
        if any(row.seen != self.seen for row in rows):
            return False
        key = f"{self.versions[0].key}.{self.stored.version}" if self.stored else ""
        return not key or Store(job.store).exists(f"{key}/{key}.json")


def _known_of(number: int, job: FetchJob) -> Iterator[_Known]:
    """Yield the articles of a range, each with what the store knows of it."""
    stored: dict[str, Stored] = {}
    refused: dict[str, list[Refused]] = {}
    if job.store is not None:
        store, (low, high) = Store(job.store), job.index.range(number)
        stored = {row.key: row for row in read_range(store, job.stored, Stored, low, high)}
        for row in read_range(store, job.refused, Refused, low, high):
            refused.setdefault(row.key, []).append(row)
    rules = rules_of(job.config)
    for versions in job.index.read(number):
        key = versions[0].key
        known = sorted(refused.get(key, ()), key=lambda row: row.version)
        yield _Known(versions, seen_of(versions, rules), stored.get(key), tuple(known))


def _fetch_article(known: _Known, job: FetchJob) -> list[Outcome]:
    """Return what becomes of an article."""
    transfer = Transfer(client_of(job.policy), job.bucket, Store(job.store) if job.store else None)
    fetching = ArticleFetch(known.versions, known.seen, transfer, job.config, job.makes_pairs)
    items: list[Outcome] = []
    outcomes = keep_stale(list(fetching.run()), known.stored)
    pairs = fetching.extracted
    for outcome in outcomes:
        if isinstance(outcome, Reject):
            items += [refused_of(outcome, known.seen), outcome]
            continue
        items += [Tally("articles/fetched", 1), outcome]
        if outcome is known.stored:
            items.append(Tally("articles/stale", 1))
            pairs = list(_extract_stored(outcome, job)) if job.makes_pairs else []
    items += pairs
    items += [Tally(name, count) for name, count in transfer.tallies.items() if count]
    return items


def _extract_stored(stored: Stored, job: FetchJob) -> Iterator[Pair | Reject | Tally]:
    """Yield the pairs of an article as the store has it."""
    config, source = job.config, str(job.store)
    ref = IndexRow(stored.key, stored.version, None, None).ref
    yield Tally("articles/read", 1)
    for package in read_package(ref, source, EVERYTHING):
        if not isinstance(package, Package):
            yield package
            continue
        for figure in read_figures(package, source, config.xml, EVERYTHING):
            yield from probe_figure(figure, source, config.images) if isinstance(figure, Figure) else [figure]
