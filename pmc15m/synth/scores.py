"""How well a curation did on a generated set, kind by kind."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from pmc15m.synth.truth import PAIR
from pmc15m.synth.verdicts import Verdict


@dataclass(slots=True)
class Score:
    """Counts of the figures of one kind."""

    num_figures: int = 0
    num_right: int = 0  # with the outcome that was expected, or another that is right too
    num_rejects: int = 0  # that were expected
    num_found: int = 0  # of these, those that were rejected, for whatever reason
    num_lost: int = 0  # rejected, though they ought to be pairs

    @property
    def precision(self) -> float:
        """The fraction of the rejects that are right to be rejects; 1 without rejects."""
        return self.num_found / (self.num_found + self.num_lost) if self.num_found + self.num_lost else 1.0

    @property
    def recall(self) -> float:
        """The fraction of the expected rejects that were rejected; 1 if there are none."""
        return self.num_found / self.num_rejects if self.num_rejects else 1.0


def score_kinds(truth: Mapping[str, Verdict], outcomes: Mapping[str, str]) -> dict[str, Score]:
    """Return the score of each kind, "" for figures that are not there to be curated.

    Args:
        truth: of `verdicts.curation_truth`.
        outcomes: by key, "pair" or a reason; a key that is absent counts as rejected.
    """
    scores: dict[str, Score] = defaultdict(Score)
    for key, verdict in sorted(truth.items()):
        score, outcome = scores[verdict.kind], outcomes.get(key, "")
        score.num_figures += 1
        score.num_right += outcome in verdict.outcomes
        if verdict.is_kept:
            score.num_lost += outcome != PAIR
        else:
            score.num_rejects += 1
            score.num_found += outcome != PAIR
    return dict(scores)


def find_leaks(truth: Mapping[str, Verdict], splits: Mapping[str, str]) -> dict[str, set[str]]:
    """Return the groups that lie in more than one split, with those splits.

    Args:
        truth: of `verdicts.curation_truth`.
        splits: of the pairs of the release, by key.
    """
    found: dict[str, set[str]] = defaultdict(set)
    for key, split in splits.items():
        found[truth[key].split_group].add(split)
    return {group: splits_of for group, splits_of in sorted(found.items()) if len(splits_of) > 1}
