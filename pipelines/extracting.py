"""`pmc15m extract`: a source to pairs, whole or in parts that are put together at the end."""

import hashlib
import logging
from collections.abc import Sequence

from pipelines import extract
from pipelines.progress import Counts
from pipelines.running import Run, run_pipeline
from pmc15m import __version__
from pmc15m.acquire.packages import list_articles
from pmc15m.config import DatasetConfig, SelectConfig, digest
from pmc15m.errors import UsageError
from pmc15m.parts import WHOLE, Part
from pmc15m.records import ArticleRef
from pmc15m.stages import Origin, StageFiles, join_parts, locked_output, read_stage, start_stage
from pmc15m.store import Store

LOG = logging.getLogger("pmc15m")
_MODULUS = 1 << 128


class SourceError(UsageError):
    """There are no articles where they were said to be."""


def extract_digest(config: DatasetConfig) -> str:
    """Return a digest of what extract reads of the config."""
    return digest(config.select, config.xml, config.images)


def run_extract(source: str, out: str, run: Run, part: Part = WHOLE) -> StageFiles:
    """Read a source, or a part of it, and write its pairs.

    Args:
        source: the articles.
        out: folder of pairs; a part goes to a folder in it.
        run: how.
        part: which articles.

    Raises:
        SourceError: the source is missing or holds no article.
        OutputError: the output folder cannot be used.
    """
    num_articles, inputs = _look_at(source, run.config.select, part)
    origin = Origin("extract", __version__, extract_digest(run.config), inputs)
    folder = out if part == WHOLE else f"{out}/{part.folder}"
    with locked_output(folder):
        if start_stage(folder, origin, run.fresh):
            counts = Counts("extract", "articles", num_articles, "read_package/in", "pairs/made")
            run_pipeline(run, counts, lambda p, meter: extract.run(p, source, folder, run.config, part, origin, meter))
        else:
            LOG.info("extract: %s is complete, nothing to do", folder)
        return read_stage(folder, "extract")


def finish_extract(out: str, run: Run, num_parts: int) -> StageFiles:
    """Put the parts of extract together: their files stay where they are.

    Raises:
        OutputError: a part is missing, unfinished or of another config.
    """
    with locked_output(out):
        folders = [Part(index, num_parts).folder for index in range(num_parts)]
        return join_parts(out, folders, "extract", __version__, extract_digest(run.config), _sum)


def _sum(inputs: Sequence[str]) -> str:
    return f"{sum(int(text, 16) for text in inputs) % _MODULUS:032x}"


def _look_at(source: str, select: SelectConfig, part: Part) -> tuple[int, str]:
    """Return how many articles a source has, and a digest that changes when its files do.

    Sizes and times of change are looked at only in a local folder; a bucket is taken by its list of
    articles, since one request per article would cost more than the stage. The digest is a sum over the
    articles: that of the whole is the sum of those of its parts.
    """
    store = Store(source)
    if not store.exists():
        raise SourceError(f"there is no source {source}")
    if store.is_local and not store.local_path.is_dir():
        raise SourceError(f"the source {source} is a file, not a folder")
    articles = [item for item in list_articles(source, select, part) if isinstance(item, ArticleRef)]
    if not articles and part == WHOLE:
        raise SourceError(f"{source} holds no article: no folder such as PMC4991227.1")
    digests = []
    for ref in articles:
        seen = hashlib.sha256(ref.key.encode())
        for entry in store.list(ref.location) if store.is_local else ():
            seen.update(f"{entry.name}\0{entry.num_bytes}\0{entry.changed_ns}\0".encode())
        digests.append(seen.hexdigest()[:32])
    return len(articles), _sum(digests)
