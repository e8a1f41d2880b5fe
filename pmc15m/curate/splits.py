"""Splits by article: a pure function of salt and anchor pmcid."""

import hashlib
from collections.abc import Iterator

from pmc15m.config import SplitsConfig
from pmc15m.curate.duplicates import Kept
from pmc15m.records import Decision, Tally

SPLITS = ("train", "val", "test")
_BUCKETS = 1_000_000


def split_of(anchor: str, config: SplitsConfig) -> str:
    """Return the split of an article component, "test", "val" or "train".

    Args:
        anchor: smallest pmcid of the component.
        config: salt and fractions, exact to one in a million.
    """
    digest = hashlib.sha256(f"{config.salt}:{anchor}".encode()).digest()
    bucket = int.from_bytes(digest[:8]) % _BUCKETS
    test = round(config.test_fraction * _BUCKETS)
    val = test + round(config.val_fraction * _BUCKETS)
    return "test" if bucket < test else "val" if bucket < val else "train"


def decide(kept: Kept, config: SplitsConfig) -> Iterator[Decision | Tally]:
    """Yield the decision for a candidate that stays. Tallies: `splits/<name>`."""
    split = split_of(kept.pmcid, config)
    yield Decision(kept.key, split, kept.cluster, kept.pmcid, kept.other_captions)
    yield Tally(f"splits/{split}", 1)
