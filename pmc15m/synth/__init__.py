"""Generated articles with figures whose right answers are known: for demo, tests and benchmarks."""

from pmc15m.synth.articles import SynthArticle, make_article, make_expected
from pmc15m.synth.config import SynthConfig, pmcid_of
from pmc15m.synth.faults import Fault
from pmc15m.synth.truth import Expected, ExpectedFigure
from pmc15m.synth.write import read_truth, write_articles

__all__ = [
    "Expected",
    "ExpectedFigure",
    "Fault",
    "SynthArticle",
    "SynthConfig",
    "make_article",
    "make_expected",
    "pmcid_of",
    "read_truth",
    "write_articles",
]
