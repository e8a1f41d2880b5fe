"""Source to pairs: articles are read, figures found, images looked at."""

import apache_beam as beam
from apache_beam.pvalue import PCollection

from pmc15m.acquire.packages import list_articles, read_package
from pmc15m.config import DatasetConfig
from pmc15m.images.pairs import probe_figure
from pmc15m.jats.figures import read_figures
from pmc15m.parts import WHOLE, Part
from pmc15m.progress import Meter
from pmc15m.records import Pair
from pmc15m.stages import Origin, finish_stage
from pmc15m.steps import Finish, Ledger, Step, WriteRows


def build(
    p: beam.Pipeline, source: str, config: DatasetConfig, ledger: Ledger, part: Part = WHOLE
) -> PCollection[Pair]:
    """Return the pairs of a source.

    The one shuffle is of article ids: it spreads the articles over workers, and 100-byte ids are all
    that a local runner then holds in memory.
    """
    pairs: PCollection[Pair] = (
        p
        | "Source" >> beam.Create([source])
        | Step(list_articles, config.select, part, ledger=ledger)
        | "SpreadArticles" >> beam.Reshuffle()
        | Step(read_package, source, config.select, ledger=ledger)
        | Step(read_figures, source, config.xml, config.select, ledger=ledger)
        | Step(probe_figure, source, config.images, ledger=ledger)
    )
    return pairs


def run(
    p: beam.Pipeline, source: str, out: str, config: DatasetConfig, part: Part, origin: Origin, meter: Meter
) -> None:
    """Add the whole stage to a pipeline: pairs, rejects and the marker go to `out`."""
    with Ledger(out, meter) as ledger:
        files = build(p, source, config, ledger, part) | "WritePairs" >> WriteRows(Pair, out, "pairs")
    p | "Finish" >> Finish(finish_stage, out, origin, after=[files, ledger.output()], ledger=ledger)
