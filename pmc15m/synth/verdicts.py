"""The right answer of curation to a whole set: what stays, what each reject duplicates, what shares a split.

All follows from the plans, by construction and not by looking: two figures have the same pixels where
they are packings of the same picture, are near where one is an alteration of the other, and are
strangers otherwise, however alike they look. Order of the reasons: the article is another's work,
the figure by itself is not wanted, its picture or caption is everywhere, it duplicates another.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Iterator
from dataclasses import asdict, dataclass, replace

from pmc15m.records import Reason, Stage, article_order, key_order
from pmc15m.synth.articles import make_answers
from pmc15m.synth.config import SynthConfig
from pmc15m.synth.curation import Note
from pmc15m.synth.plan import Facts, Media
from pmc15m.synth.planning import Case
from pmc15m.synth.sameness import file_of, is_dense, likeness, picture_of, pixels_of, words_of
from pmc15m.synth.truth import PAIR, ExpectedFigure

# Reasons as text where not every version of the list has them.
REPEATED_IMAGE, DUPLICATE_IMAGE = "repeated_image", "duplicate_image"

MAX_BADGE_ARTICLES = 20
MAX_CAPTION_ARTICLES = 3
MAX_CAPTION_FIGS = 10
MIN_LIKENESS_ACROSS = 0.3  # of captions of near figures in two articles, unless both pictures are dense
MIN_LIKENESS_WITHIN = 0.8  # of captions of near figures in one
_DUPLICATES = {Reason.DUPLICATE_FILE.value, Reason.DUPLICATE_PIXELS.value}


@dataclass(frozen=True, slots=True)
class Verdict:
    """What ought to become of one figure, or of an article that gives none."""

    key: str  # of the figure; of the article version (`PMC80000003.1`) where the whole is rejected
    pmcid: str
    kind: str  # of `curation.Curation`; "" for a figure that is not there to be curated
    detail: str
    outcomes: tuple[str, ...]  # "pair" or reasons, the best first; another of them is right too
    duplicate_of: str | None  # key of the kept figure; pmcid of the kept article of the same work
    split_group: str  # smallest pmcid of the articles that must share its split; more may
    caption: str | None  # of a pair
    caption_core: str | None  # without the sentence about its licence, where it has one
    other_captions: tuple[str, ...]  # of its duplicates, where they differ; sorted
    rights_flags: tuple[str, ...]

    def to_json(self) -> str:
        """Return one line of JSON."""
        return json.dumps(asdict(self), ensure_ascii=False)

    @property
    def outcome(self) -> str:
        """What is best: "pair" or a reason."""
        return self.outcomes[0]

    @property
    def is_kept(self) -> bool:
        """Whether it is best kept."""
        return self.outcome == PAIR


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A figure that comes to curation."""

    key: str
    facts: Facts
    media: Media
    caption: str
    note: Note | None
    outcomes: tuple[str, ...]  # of the figure by itself

    @property
    def rank(self) -> tuple[object, ...]:
        """The sort value of quality: of two figures the lesser is kept."""
        width, height = self.media.file_size
        is_lossy = self.media.extension in {"jpg", "jpeg"}
        return -width * height, is_lossy, -len(self.caption), article_order(self.facts.pmcid), key_order(self.key)


def curation_truth(config: SynthConfig, numbers: Iterable[int]) -> dict[str, Verdict]:
    """Return the verdict on every figure of a set, and on every article that gives none, by key.

    Args:
        config: of the set.
        numbers: of the articles.
    """
    verdicts: list[Verdict] = []
    candidates: list[_Candidate] = []
    for number in sorted(set(numbers)):
        for case, expected in make_answers(config, number):
            facts = case.plan.facts
            if expected.outcome != "figures":
                verdicts.append(
                    _blank_verdict(f"{expected.pmcid}.{expected.version}", facts, None, (expected.outcome,))
                )
                continue
            notes = {fig.fig_id: fig.note for fig in case.plan.figs}
            for figure in expected.figures:
                if figure.stage == Stage.EXTRACT:
                    verdicts.append(_blank_verdict(figure.key, facts, notes[figure.fig_id], (figure.outcome,)))
                else:
                    candidates.append(_candidate(case, figure))
    verdicts += _judge(candidates)
    return {verdict.key: verdict for verdict in verdicts}


def _blank_verdict(key: str, facts: Facts, note: Note | None, outcomes: tuple[str, ...]) -> Verdict:
    """Return a verdict that knows of nothing but its own figure."""
    kind, detail, flags = (note.kind.value, note.detail, note.rights_flags) if note else ("", "", ())
    return Verdict(key, facts.pmcid, kind, detail, outcomes, None, facts.pmcid, None, None, (), flags)


def _candidate(case: Case, figure: ExpectedFigure) -> _Candidate:
    fig = next(fig for fig in case.plan.figs if fig.fig_id == figure.fig_id)
    media = fig.graphics[figure.part - 1].media
    outcomes = fig.note.outcomes if fig.note else ()
    if figure.outcome not in {PAIR, *_DUPLICATES}:
        outcomes = (figure.outcome,)
    return _Candidate(figure.key, case.plan.facts, media, figure.caption or "", fig.note, outcomes)


# --- the same work --------------------------------------------------------------------------------


def _works(articles: Iterable[Facts]) -> Iterator[tuple[str, str]]:
    """Yield pairs of pmcids of one work: same DOI, a link, the same title and first author."""
    first: dict[Hashable, str] = {}
    for facts in articles:
        title = " ".join(words_of(facts.title.cleaned)), facts.authors[0]
        dois = [facts.doi.casefold()] + ([facts.related[1].casefold()] if facts.related[1] else [])
        for mark in (*dois, title):
            yield first.setdefault(mark, facts.pmcid), facts.pmcid


class _Groups:
    """Union of articles; each group bears its smallest pmcid."""

    def __init__(self) -> None:
        self._parents: dict[str, str] = {}

    def find(self, pmcid: str) -> str:
        parent = self._parents.get(pmcid, pmcid)
        return pmcid if parent == pmcid else self.find(parent)

    def join(self, one: str, other: str) -> None:
        small, large = sorted((self.find(one), self.find(other)), key=article_order)
        self._parents[large] = small


def _kept_articles(articles: dict[str, Facts]) -> dict[str, str]:
    """Return for every article the one that is kept of its work: the publisher's, the smallest number."""
    groups = _Groups()
    for one, other in _works(articles.values()):
        groups.join(one, other)

    def rank(pmcid: str) -> tuple[bool, bool, int]:
        facts = articles[pmcid]
        return facts.article_type == "preprint", facts.is_manuscript, article_order(pmcid)

    best: dict[str, str] = {}
    for pmcid in sorted(articles, key=rank):
        best.setdefault(groups.find(pmcid), pmcid)
    return {pmcid: best[groups.find(pmcid)] for pmcid in articles}


# --- figures --------------------------------------------------------------------------------------


def _judge(candidates: list[_Candidate]) -> Iterator[Verdict]:
    works = _kept_articles({candidate.facts.pmcid: candidate.facts for candidate in candidates})
    grounds = _grounds(candidates, works)
    groups = _Groups()
    for pmcid, kept in works.items():
        groups.join(pmcid, kept)
    by_picture: dict[Hashable, list[_Candidate]] = defaultdict(list)
    for candidate in candidates:
        if not set(grounds[candidate.key]) - {Reason.DUPLICATE_ARTICLE.value}:
            by_picture[picture_of(candidate.media)].append(candidate)
    leaders: dict[str, _Candidate] = {}
    for members in by_picture.values():
        for member in members:
            groups.join(members[0].facts.pmcid, member.facts.pmcid)
        leaders |= _leaders([member for member in members if not grounds[member.key]])
    captions: dict[str, set[str]] = defaultdict(set)
    for candidate in candidates:
        if candidate.key in leaders:
            captions[leaders[candidate.key].key].add(candidate.caption)
    for candidate in candidates:
        pmcid, leader = candidate.facts.pmcid, leaders.get(candidate.key)
        verdict = _blank_verdict(candidate.key, candidate.facts, candidate.note, grounds[candidate.key])
        verdict = replace(verdict, split_group=groups.find(pmcid))
        if leader is candidate:
            yield replace(
                verdict,
                outcomes=(PAIR,),
                caption=candidate.caption,
                caption_core=(candidate.note.caption if candidate.note else "") or candidate.caption,
                other_captions=tuple(sorted(captions[candidate.key] - {candidate.caption})),
            )
        elif leader is not None:
            outcomes = (_reason(leader.media, candidate.media),)
            yield replace(verdict, outcomes=outcomes, duplicate_of=leader.key)
        else:
            yield replace(verdict, duplicate_of=works[pmcid] if works[pmcid] != pmcid else None)


def _grounds(candidates: list[_Candidate], works: dict[str, str]) -> dict[str, tuple[str, ...]]:
    """Return the reasons against every figure, but that it duplicates another, in their order."""
    own = [candidate for candidate in candidates if works[candidate.facts.pmcid] == candidate.facts.pmcid]
    repeated, common = _repeated(own), _common_captions(own)
    grounds: dict[str, tuple[str, ...]] = {}
    for candidate in candidates:
        found = [] if works[candidate.facts.pmcid] == candidate.facts.pmcid else [Reason.DUPLICATE_ARTICLE.value]
        found += candidate.outcomes
        if candidate.key in common and Reason.BOILERPLATE_CAPTION not in found:
            found.append(Reason.BOILERPLATE_CAPTION.value)
        if pixels_of(candidate.media) in repeated:
            found.append(REPEATED_IMAGE)
        grounds[candidate.key] = tuple(found)
    return grounds


def _repeated(candidates: Iterable[_Candidate]) -> set[Hashable]:
    """Return the pixels that are in too many articles to be a figure of any."""
    articles: dict[Hashable, set[str]] = defaultdict(set)
    for candidate in candidates:
        articles[pixels_of(candidate.media)].add(candidate.facts.pmcid)
    return {pixels for pixels, pmcids in articles.items() if len(pmcids) > MAX_BADGE_ARTICLES}


def _common_captions(candidates: Iterable[_Candidate]) -> set[str]:
    """Return the keys of the figures whose caption is in too many articles or figs."""
    figs: dict[tuple[str, ...], dict[str, str]] = defaultdict(dict)
    for candidate in candidates:
        figs[words_of(candidate.caption)][candidate.key] = candidate.key.rpartition("_")[0]
    common: set[str] = set()
    for keys in figs.values():
        by_article = Counter(fig.partition("_")[0] for fig in set(keys.values()))
        if len(by_article) > MAX_CAPTION_ARTICLES or by_article.total() > MAX_CAPTION_FIGS:
            common |= keys.keys()
    return common


def _leaders(members: list[_Candidate]) -> dict[str, _Candidate]:
    """Return who each form of one picture duplicates; what is kept leads itself."""
    leaders: dict[str, _Candidate] = {}
    kept: list[_Candidate] = []
    for member in sorted(members, key=lambda member: member.rank):
        leader = next((leader for leader in kept if _is_duplicate(leader, member)), member)
        leaders[member.key] = leader
        if leader is member:
            kept.append(member)
    return leaders


def _is_duplicate(leader: _Candidate, other: _Candidate) -> bool:
    """Return whether a form of the same picture is to be dropped."""
    if pixels_of(leader.media) == pixels_of(other.media):
        return True
    like = likeness(leader.caption, other.caption)
    if leader.facts.pmcid == other.facts.pmcid:
        return like >= MIN_LIKENESS_WITHIN
    return like >= MIN_LIKENESS_ACROSS or (is_dense(leader.media) and is_dense(other.media))


def _reason(leader: Media, other: Media) -> str:
    if file_of(leader) == file_of(other):
        return Reason.DUPLICATE_FILE.value
    if pixels_of(leader) == pixels_of(other):
        return Reason.DUPLICATE_PIXELS.value
    return DUPLICATE_IMAGE
