"""`pmc15m extract`: a source to pairs, whole or in parts that are put together at the end."""

import hashlib
import itertools
import logging
from collections.abc import Sequence
from contextlib import nullcontext

from pipelines import extract
from pipelines.progress import Counts
from pipelines.running import Run, run_pipeline
from pmc15m import __version__
from pmc15m.acquire.packages import list_articles
from pmc15m.config import DatasetConfig, SelectConfig, digest
from pmc15m.errors import UsageError
from pmc15m.parts import WHOLE, Part, join_parts, parts_of, start_parts
from pmc15m.records import ArticleRef
from pmc15m.stages import Origin, StageFiles, is_complete, locked_output, read_stage, start_stage
from pmc15m.store import Store

LOG = logging.getLogger("pmc15m")
_MODULUS = 1 << 128


class SourceError(UsageError):
    """There are no articles where they were said to be."""


def extract_digest(config: DatasetConfig) -> str:
    """Return a digest of what extract reads of the config."""
    return digest(config.select, config.xml, config.images)


def run_extract(source: str, out: str, run: Run, part: Part | None = None) -> StageFiles:
    """Read a source, or a part of it, and write its pairs.

    Args:
        source: the articles.
        out: folder of pairs; a part goes to a folder in it.
        run: how.
        part: which articles; None: all, and `out` is complete by itself.

    Raises:
        SourceError: the source is missing or holds no article.
        OutputError: the output folder cannot be used.
    """
    num_articles, inputs = _look_at(source, run.config.select, part or WHOLE)
    if not num_articles and part is None:
        raise SourceError(f"{source} holds no article: no folder such as PMC4991227.1")
    origin = Origin("extract", __version__, extract_digest(run.config), inputs)
    folder = out if part is None else f"{out}/{part.folder}"
    beside = nullcontext() if part is None else locked_output(out, is_shared=True)
    with beside:
        if part is not None and (run.fresh or not is_complete(folder, origin)):
            start_parts(out, origin)
        with locked_output(folder):
            if start_stage(folder, origin, run.fresh, is_own=part is not None):
                counts = Counts("extract", "articles", num_articles, "read_package/in", "pairs/made")
                taken = part or WHOLE
                run_pipeline(
                    run, counts, lambda p, meter: extract.run(p, source, folder, run.config, taken, origin, meter)
                )
            else:
                LOG.info("extract: %s is complete, nothing to do", folder)
            return read_stage(folder, "extract")


def is_extracted(source: str, out: str, run: Run) -> bool:
    """Return whether a folder holds all pairs of a source as it is now, whole or of any number of parts."""
    _, inputs = _look_at(source, run.config.select, WHOLE)
    return is_complete(out, Origin("extract", __version__, extract_digest(run.config), inputs))


def finish_extract(out: str, run: Run, num_parts: int) -> StageFiles:
    """Put the parts of extract together: their files stay where they are.

    Raises:
        OutputError: a part is missing, unfinished or of another config.
        SourceError: none of them held an article.
    """
    parts = parts_of(num_parts)
    with locked_output(out):
        done = join_parts(out, parts, Origin("extract", __version__, extract_digest(run.config), ""), _sum)
    if not done.tallies.get("articles/read"):
        raise SourceError(f"the parts in {out} hold no article: their source had no folder such as PMC4991227.1")
    return done


def _sum(inputs: Sequence[str]) -> str:
    return f"{sum(int(text, 16) for text in inputs) % _MODULUS:032x}"


def _look_at(source: str, select: SelectConfig, part: Part) -> tuple[int, str]:
    """Return how many articles a source has, and a digest that changes when its files or its account do.

    In an object store that takes a request per article, a tenth of what the stage asks for. The digest is a
    sum over what is listed: that of the whole is the sum of those of its parts.
    """
    store = Store(source)
    if not store.exists():
        raise SourceError(f"there is no source {source}")
    if store.is_local and not store.local_path.is_dir():
        raise SourceError(f"the source {source} is a file, not a folder")
    num_articles, digests = 0, []
    items, ahead = itertools.tee(list_articles(source, select, part))
    folders = store.list_each(item.location for item in ahead if isinstance(item, ArticleRef))
    for item in items:
        seen = hashlib.sha256(repr(item).encode())
        if isinstance(item, ArticleRef):
            num_articles += 1
            for entry in next(folders):
                seen.update(f"{entry.name}\0{entry.num_bytes}\0{entry.changed_ns}\0".encode())
        digests.append(seen.hexdigest()[:32])
    return num_articles, _sum(digests)
