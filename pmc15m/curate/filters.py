"""Which pairs are wanted: a flat list of rules, each with its reason and its threshold in the TOML."""

from collections.abc import Iterator

from pmc15m.config import FiltersConfig
from pmc15m.curate.candidates import Candidate
from pmc15m.records import Reason, Reject, Stage


def filter_candidate(candidate: Candidate, config: FiltersConfig) -> Iterator[Candidate | Reject]:
    """Yield the candidate, or the first reason against it."""
    for reason, detail in _reasons(candidate, config):
        yield reject_candidate(candidate, reason, detail)
        return
    yield candidate


def _reasons(candidate: Candidate, config: FiltersConfig) -> Iterator[tuple[Reason, str]]:
    side_px = min(candidate.width_px, candidate.height_px)
    if candidate.license not in config.licenses:
        yield Reason.LICENSE, f"{candidate.license}; wanted: {', '.join(config.licenses)}"
    if side_px < config.min_side_px:
        yield Reason.IMAGE_TOO_SMALL, f"{candidate.width_px}x{candidate.height_px} px; wanted: {config.min_side_px}"
    if candidate.num_chars < config.min_caption_chars:
        yield Reason.CAPTION_TOO_SHORT, f"{candidate.num_chars} characters; wanted: {config.min_caption_chars}"
    if candidate.num_words < config.min_caption_words:
        yield Reason.CAPTION_TOO_SHORT, f"{candidate.num_words} words; wanted: {config.min_caption_words}"
    if candidate.num_chars > config.max_caption_chars:
        yield Reason.CAPTION_TOO_LONG, f"{candidate.num_chars} characters; at most {config.max_caption_chars}"


def reject_candidate(candidate: Candidate, reason: Reason, detail: str) -> Reject:
    """Return the reject of a candidate."""
    return Reject(candidate.key, candidate.pmcid, candidate.version, candidate.fig_id, Stage.CURATE, reason, detail)
