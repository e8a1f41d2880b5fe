"""What a store knows of its articles: those that it has, and those that it was not given."""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from pmc15m.acquire.index import IndexRow
from pmc15m.config import DatasetConfig, digest
from pmc15m.records import FAULTS, Reason, Reject, Stage, Tally
from pmc15m.rows import ORDER_BITS, read_range
from pmc15m.store import Store

RETRIED = FAULTS | {Reason.MD5_MISMATCH}
"""Reasons that may be over on another day: until then the store keeps what it has of the article."""


@dataclass(frozen=True, slots=True)
class Stored:
    """One article version of a store."""

    key: str  # the pmcid
    version: int
    seen: str | None  # see `seen_of`; None: to be looked at again, come what may
    updated: str | None
    json_md5: str
    xml_md5: str
    license: str
    is_retracted: bool
    doi: str | None
    title: str | None
    num_media: int  # that its figures name
    num_bytes: int  # of all its files


@dataclass(frozen=True, slots=True)
class Refused:
    """One article version that a fetch did not bring: its reject, and when it need not be asked for again."""

    key: str  # the pmcid
    version: int
    seen: str | None  # as in `Stored`
    reason: Reason
    detail: str

    @property
    def reject(self) -> Reject:
        """The reject."""
        article = f"{self.key}.{self.version}"
        return Reject(article, self.key, self.version, None, Stage.FETCH, self.reason, self.detail)


def refused_of(reject: Reject, seen: str | None) -> Refused:
    """Return a reject of fetch as the store keeps it."""
    kept = None if reject.reason in RETRIED else seen
    return Refused(reject.pmcid, reject.version, kept, reject.reason, reject.detail)


def rules_of(config: DatasetConfig) -> str:
    """Return a digest of what decides, of a given bucket, which files a store has."""
    return digest(config.select, config.xml, config.images)


def seen_of(versions: Iterable[IndexRow], rules: str) -> str | None:
    """Return a digest of all versions of an article as an index tells of them, and of the rules.

    The ETag is that of the metadata, which hold the md5 of every object of their version: while the digest
    is the same, so is the outcome. None where an ETag is not known.
    """
    states = [(row.version, row.etag) for row in versions]
    if any(etag is None for _, etag in states):
        return None
    return hashlib.sha256(repr((rules, states)).encode()).hexdigest()[:32]


def keep_stale(outcomes: Sequence[Stored | Reject], known: Stored | None) -> list[Stored | Reject]:
    """Return what became of the versions of an article; what cannot be had now stays as the store has it.

    Args:
        outcomes: of each version one.
        known: what the store has; None: nothing.
    """
    faulty = [item for item in outcomes if isinstance(item, Reject) and item.reason in RETRIED]
    if known is None or not faulty:
        return list(outcomes)
    own = next((item for item in outcomes if item.version == known.version), None)
    if own not in faulty:
        is_over = isinstance(own, Reject) and own.reason != Reason.SUPERSEDED
        if is_over or any(isinstance(item, Stored) for item in outcomes):
            return list(outcomes)
        own = own or faulty[0]
    return [known if item is own else _superseded(item, known) for item in outcomes]


def _superseded(item: Stored | Reject, known: Stored) -> Reject:
    if isinstance(item, Reject):
        return item
    detail = f"version {known.version} of the last fetch stays"
    return Refused(item.key, item.version, None, Reason.SUPERSEDED, detail).reject


def outcomes_of(stored: Stored | None, refused: Iterable[Refused]) -> Iterator[Stored | Refused | Reject]:
    """Yield again what an earlier fetch made of an article."""
    for one in refused:
        yield one
        yield one.reject
    if stored is not None:
        yield stored


def pass_rejects(file: str, folder: str) -> Iterator[Refused | Reject | Tally]:
    """Yield the rejects of a file of the index, for the account of a fetch."""
    for reject in read_range(Store(folder), [file], Reject, 0, 1 << ORDER_BITS):
        yield Tally("articles/listed", 1)
        yield refused_of(reject, None)
        yield reject
