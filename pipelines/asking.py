"""What to fetch, from the words of the command: the inventory, a list, or a query."""

import argparse
import datetime
import hashlib
import logging
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from pipelines.options import num_workers
from pmc15m.acquire.eutils import (
    FIRST_DAY,
    REQUESTS_PER_S,
    REQUESTS_PER_S_WITH_KEY,
    SERVICE,
    Query,
    Service,
    search_pmcids,
)
from pmc15m.acquire.http import HttpPolicy, client_of
from pmc15m.acquire.index import find_versions, read_inventory_shard
from pmc15m.acquire.inventory import find_inventory
from pmc15m.acquire.pmcids import Wanted, read_pmcids
from pmc15m.config import DatasetConfig
from pmc15m.errors import UsageError

LOG = logging.getLogger("pmc15m")

BUCKET = "https://pmc-oa-opendata.s3.amazonaws.com"


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


@dataclass(frozen=True, slots=True)
class IndexParts:
    """The parts of an index, and the step that reads one."""

    parts: Sequence[Any]
    step: Callable[..., Any]
    args: tuple[Any, ...]
    inputs: str  # digest of the whole
    inventory: str | None  # its day; None: articles asked for by name

    @property
    def names(self) -> set[str]:
        """The pmcids asked for by name."""
        return {part.pmcid for part in self.parts if isinstance(part, Wanted)}


def ask_of(args: argparse.Namespace, bucket: str | None, config: DatasetConfig, options: Any) -> Ask:
    """Return what the words of the command ask for.

    Raises:
        UsageError: words that contradict each other.
    """
    if sum((has_query(args), args.pmcids is not None, args.day is not None)) > 1:
        raise UsageError("a query, --pmcids and --day are three ways to say what to fetch: choose one")
    workers = num_workers(options)
    policy = HttpPolicy(
        connections=args.connections,
        requests_per_s=None if args.requests_per_s is None else args.requests_per_s / workers,
        contact=args.contact,
        proxy=args.proxy,
        ca_file=args.ca_file,
    )
    query = None
    if has_query(args):
        first = args.since or FIRST_DAY
        query = Query(args.term or "", config.select.licenses, args.journal, args.mesh, first, args.until)
    service = Service(args.eutils or SERVICE, args.contact, args.api_key)
    return Ask(bucket or BUCKET, policy, args.pmcids, query, service, args.day, args.max_fault_rate)


def has_query(args: argparse.Namespace) -> bool:
    """Return whether words of a query were given."""
    return bool(args.term or args.journal or args.mesh or args.since or args.until)


def find_parts(ask: Ask, known: object) -> IndexParts:
    """Return the parts of the index that an ask comes to.

    Args:
        ask: what is asked for.
        known: what the last complete fetch left: after one a bucket is asked again for articles by name.

    Raises:
        UsageError: a list that is none, or a query that nothing answers.
        InventoryError: there is no inventory.
    """
    if ask.pmcids is None and ask.query is None:
        inventory = find_inventory(client_of(ask.policy), ask.bucket, ask.day)
        for day in inventory.skipped:
            LOG.info("fetch: the inventory of %s is not complete, %s is taken", day, inventory.day)
        inputs = hashlib.sha256(repr([asdict(shard) for shard in inventory.shards]).encode()).hexdigest()
        return IndexParts(inventory.shards, read_inventory_shard, (ask.bucket, ask.policy), inputs, inventory.day)
    wanted = _wanted(ask)
    inputs = hashlib.sha256(repr((ask.bucket, wanted, known)).encode()).hexdigest()
    return IndexParts(wanted, find_versions, (ask.bucket, ask.policy), inputs, None)


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
