"""Exact duplicates: of the files, and of the decoded pixels.

Equal files have equal pixels, so one grouping by `pixel_sha256` finds both. The copy that stays is
the same whatever the order: the article of the smallest number, in it a figure before a graphical
abstract, then the smallest key.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from pmc15m.curate.candidates import Candidate, read_caption
from pmc15m.curate.filters import reject_candidate
from pmc15m.records import Reason, Reject, article_order, key_order


def _rank(candidate: Candidate) -> tuple[object, ...]:
    return article_order(candidate.pmcid), candidate.kind != "figure", key_order(candidate.key)


@dataclass(frozen=True, slots=True)
class Kept:
    """A candidate that stays."""

    key: str
    pmcid: str
    cluster: str  # smallest key of the group
    other_captions: tuple[str, ...]


def pixels_of(candidate: Candidate) -> tuple[str, Candidate]:
    """Return a candidate under the digest of its pixels."""
    return candidate.pixel_sha256, candidate


def keep_first(group: tuple[str, Iterable[Candidate]], pairs: str) -> Iterator[Kept | Reject]:
    """Yield the one candidate of a group that stays, and a reject for each other.

    Rejects: `duplicate_file` where the bytes are those of the kept one, else `duplicate_pixels`; the
    detail begins with the kept key. Captions of the others that differ go with the kept one.
    """
    ordered = sorted(group[1], key=_rank)
    first, others = ordered[0], ordered[1:]
    captions: set[str] = set()
    if others:
        captions = {read_caption(candidate, pairs) for candidate in others} - {read_caption(first, pairs)}
    cluster = min((candidate.key for candidate in ordered), key=key_order)
    yield Kept(first.key, first.pmcid, cluster, tuple(sorted(captions)))
    for candidate in others:
        is_same_file = candidate.sha256 == first.sha256
        reason = Reason.DUPLICATE_FILE if is_same_file else Reason.DUPLICATE_PIXELS
        digest = f"sha256 {first.sha256}" if is_same_file else f"pixel_sha256 {first.pixel_sha256}"
        yield reject_candidate(candidate, reason, f"{first.key} {digest}")
