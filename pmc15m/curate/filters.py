"""Which pairs are wanted: a flat list of rules, each with its reason and its threshold in the TOML."""

from collections.abc import Callable, Iterator

from pmc15m.config import FiltersConfig
from pmc15m.curate.candidates import Candidate
from pmc15m.records import Reason, Reject, Stage

Rule = Callable[[Candidate, FiltersConfig], str | None]
"""Says what is wrong with a candidate, in the words of the reject's detail, or None."""


def filter_candidate(candidate: Candidate, config: FiltersConfig) -> Iterator[Candidate | Reject]:
    """Yield the candidate, or the first reason against it."""
    for reason, rule in RULES:
        detail = rule(candidate, config)
        if detail is not None:
            yield reject_candidate(candidate, reason, detail)
            return
    yield candidate


def _license(candidate: Candidate, config: FiltersConfig) -> str | None:
    """Of figure and article the stricter licence counts: both have to be wanted."""
    if candidate.license not in config.licenses:
        return f"{candidate.license}; wanted: {', '.join(config.licenses)}"
    if candidate.article_license not in config.licenses:
        return f"{candidate.article_license} of the article; wanted: {', '.join(config.licenses)}"
    return None


def _rights_flag(candidate: Candidate, config: FiltersConfig) -> str | None:
    refused = sorted(set(candidate.rights_flags) & set(config.refused_flags))
    if not refused:
        return None
    words = [phrase for phrase in candidate.rights_phrases if phrase.split(":", 1)[0] in refused]
    return "; ".join([*words, *(flag for flag in refused if not any(word.startswith(f"{flag}:") for word in words))])


def _too_small(candidate: Candidate, config: FiltersConfig) -> str | None:
    if min(candidate.width_px, candidate.height_px) < config.min_side_px:
        return f"{candidate.width_px}x{candidate.height_px} px; wanted: {config.min_side_px}"
    return None


def _aspect(candidate: Candidate, config: FiltersConfig) -> str | None:
    sides_px = candidate.width_px, candidate.height_px
    if max(sides_px) > config.max_aspect * min(sides_px):
        return f"{candidate.width_px}x{candidate.height_px} px; at most {config.max_aspect:g} : 1"
    return None


def _blank(candidate: Candidate, config: FiltersConfig) -> str | None:
    """Neither entropy nor white: these would reject sparse line art (study of duplicates, §6)."""
    if candidate.grey_std < config.min_grey_std:
        return f"grey_std {candidate.grey_std:.3f}; wanted: {config.min_grey_std:g}"
    if candidate.mode_fraction > config.max_mode_fraction:
        return f"mode_fraction {candidate.mode_fraction:.5f}; at most {config.max_mode_fraction:g}"
    return None


def _boilerplate(candidate: Candidate, config: FiltersConfig) -> str | None:
    if candidate.is_boilerplate and not config.allow_boilerplate:
        return f"{candidate.num_chars} characters that say nothing of the figure"
    return None


def _too_short(candidate: Candidate, config: FiltersConfig) -> str | None:
    if candidate.num_chars < config.min_caption_chars:
        return f"{candidate.num_chars} characters; wanted: {config.min_caption_chars}"
    if candidate.num_words < config.min_caption_words:
        return f"{candidate.num_words} words; wanted: {config.min_caption_words}"
    return None


def _too_long(candidate: Candidate, config: FiltersConfig) -> str | None:
    if candidate.num_chars > config.max_caption_chars:
        return f"{candidate.num_chars} characters; at most {config.max_caption_chars}"
    return None


RULES: tuple[tuple[Reason, Rule], ...] = (
    (Reason.LICENSE, _license),
    (Reason.RIGHTS_FLAG, _rights_flag),
    (Reason.IMAGE_TOO_SMALL, _too_small),
    (Reason.IMAGE_ASPECT, _aspect),
    (Reason.IMAGE_BLANK, _blank),
    (Reason.BOILERPLATE_CAPTION, _boilerplate),
    (Reason.CAPTION_TOO_SHORT, _too_short),
    (Reason.CAPTION_TOO_LONG, _too_long),
)
"""In this order: rights, image, caption."""


def reject_candidate(candidate: Candidate, reason: Reason, detail: str) -> Reject:
    """Return the reject of a candidate."""
    return Reject(candidate.key, candidate.pmcid, candidate.version, candidate.fig_id, Stage.CURATE, reason, detail)
