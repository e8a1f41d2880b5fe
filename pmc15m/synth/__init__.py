"""Generated articles with figures whose right answers are known: for demo, tests and benchmarks."""

from pmc15m.synth.articles import SynthArticle, make_article, make_expected
from pmc15m.synth.config import SynthConfig, pmcid_of
from pmc15m.synth.curation import Curation
from pmc15m.synth.faults import Fault
from pmc15m.synth.scores import Score, find_leaks, score_kinds
from pmc15m.synth.truth import Expected, ExpectedFigure
from pmc15m.synth.verdicts import Verdict, curation_truth
from pmc15m.synth.write import read_truth, write_articles

__all__ = [
    "Curation",
    "Expected",
    "ExpectedFigure",
    "Fault",
    "Score",
    "SynthArticle",
    "SynthConfig",
    "Verdict",
    "curation_truth",
    "find_leaks",
    "make_article",
    "make_expected",
    "pmcid_of",
    "read_truth",
    "score_kinds",
    "write_articles",
]
