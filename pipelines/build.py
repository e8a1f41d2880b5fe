"""The stages one after the other: each is skipped where its output is complete and of the same origin."""

import hashlib
import logging

from pipelines import curate, extract, shard
from pipelines.asking import Ask
from pipelines.fetching import count_archives, run_archives, run_harvest
from pipelines.progress import Counts
from pipelines.running import Run, run_pipeline
from pmc15m import __version__
from pmc15m.acquire.packages import list_articles
from pmc15m.acquire.source import Source
from pmc15m.acquire.table import INVENTORY
from pmc15m.config import SelectConfig, digest, to_toml
from pmc15m.curate.splits import SPLITS
from pmc15m.errors import UsageError
from pmc15m.records import ArticleRef
from pmc15m.release.finish import ReleaseJob, check_release, start_release
from pmc15m.release.rejects import RejectsJob, plan_reject_tables
from pmc15m.release.shards import ShardJob, plan_shards
from pmc15m.rows import content_of
from pmc15m.stages import Origin, OutputError, StageFiles, locked_output, read_stage, start_stage
from pmc15m.store import Store

LOG = logging.getLogger("pmc15m")
REJECTS_FOLDER = ".rejects"


class SourceError(UsageError):
    """There are no articles where they were said to be."""


def run_extract(source: str, out: str, run: Run) -> StageFiles:
    """Read a source and write its pairs.

    Raises:
        SourceError: the source is missing or holds no article.
        OutputError: the output folder cannot be used.
    """
    num_articles, inputs = _look_at(source, run.config.select)
    origin = Origin("extract", __version__, digest(run.config.select, run.config.xml, run.config.images), inputs)
    with locked_output(out):
        if start_stage(out, origin, run.fresh):
            counts = Counts("extract", "articles", num_articles, "read_package/in", "pairs/made")
            run_pipeline(run, counts, lambda p, meter: extract.run(p, source, out, run.config, origin, meter))
        else:
            LOG.info("extract: %s is complete, nothing to do", out)
        return read_stage(out, "extract")


def run_curate(pairs: str, out: str, run: Run) -> StageFiles:
    """Judge the pairs of extract and write decisions.

    Raises:
        OutputError: `pairs` is no complete output of extract, or the output folder cannot be used.
    """
    extracted = read_stage(pairs, "extract")
    origin = Origin("curate", __version__, digest(run.config.filters, run.config.splits), extracted.content)
    with locked_output(out):
        if start_stage(out, origin, run.fresh):
            total = extracted.tallies.get("pairs/made", 0)
            counts = Counts("curate", "pairs", total, "filter_candidate/in", "decide/out")
            run_pipeline(run, counts, lambda p, meter: curate.run(p, pairs, extracted, out, run.config, origin, meter))
        else:
            LOG.info("curate: %s is complete, nothing to do", out)
        return read_stage(out, "curate")


def run_shard(source: Source, pairs: str, decisions: str, out: str, run: Run) -> None:
    """Write the release of some decisions.

    Raises:
        OutputError: `pairs` or `decisions` is incomplete, they do not belong together, or the output
            folder cannot be used.
    """
    extracted, curated = read_stage(pairs, "extract"), read_stage(decisions, "curate")
    _check_origin(extracted, pairs, digest(run.config.select, run.config.xml, run.config.images))
    _check_origin(curated, decisions, digest(run.config.filters, run.config.splits))
    if curated.origin.inputs != extracted.content:
        raise OutputError(f"{decisions} was made from other pairs than those of {pairs}: run curate again")
    rows = (extracted.content, content_of(extracted.rejects), curated.content, content_of(curated.rejects))
    inputs = hashlib.sha256(" ".join(rows).encode()).hexdigest()
    origin = Origin("shard", __version__, digest(run.config), inputs)
    with locked_output(out):
        if start_release(out, origin, run.overwrite or run.fresh):
            _run_shard(source, pairs, extracted, decisions, curated, out, origin, run)
        else:
            LOG.info("shard: %s is complete, nothing to do", out)


def _run_shard(
    source: Source,
    pairs: str,
    extracted: StageFiles,
    decisions: str,
    curated: StageFiles,
    out: str,
    origin: Origin,
    run: Run,
) -> None:
    config = run.config
    num_samples = {split: curated.tallies.get(f"splits/{split}", 0) for split in SPLITS}
    specs = plan_shards(num_samples, config.shards)
    job = ShardJob(
        source, pairs, extracted.names, decisions, curated.names, out, config.images, config.encode
    )  # fmt: skip
    num_rejects = sum(file.num_rows for file in (*extracted.rejects, *curated.rejects))
    rejects = RejectsJob(
        plan_reject_tables(num_rejects),
        ((pairs, extracted.reject_names), (decisions, curated.reject_names)),
        f"{out}/{REJECTS_FOLDER}",
        out,
    )
    release = ReleaseJob(
        out, REJECTS_FOLDER, origin, to_toml(config), _source_of(extracted), extracted.tallies, curated.tallies
    )  # fmt: skip
    counts = Counts("shard", "pairs", sum(num_samples.values()), "samples/written", "samples/written")
    run_pipeline(run, counts, lambda p, meter: shard.run(p, specs, job, rejects, release, meter))


def run_build(source: str, work: str, out: str, run: Run, ask: Ask | None = None, store: str | None = None) -> None:
    """Run all stages: pairs and decisions go to folders of `work`, the release to `out`.

    Args:
        source: a folder of articles, of legacy archives, or a bucket.
        work: folder of what lies between the stages.
        out: the release.
        run: how.
        ask: which articles of a bucket; None where the source is a folder.
        store: where the articles of a bucket or of archives are kept; None: those of a bucket nowhere, those
            of archives in `work`.

    Raises:
        SourceError: the source is missing or holds no article.
        OutputError: an output folder cannot be used, or two of them are one or lie in each other.
    """
    pairs, decisions = f"{work}/pairs", f"{work}/decisions"
    _check_apart(out, pairs, decisions, *([store] if store is not None else []))
    check_release(out, digest(run.config), run.overwrite or run.fresh)
    if ask is not None:
        run_harvest(ask, store, work, run)
        images = Source(ask.bucket, ask.policy) if store is None else Source(store)
    else:
        images = Source(_unpacked(source, store, work, run))
        run_extract(images.uri, pairs, run)
    run_curate(pairs, decisions, run)
    run_shard(images, pairs, decisions, out, run)


def _unpacked(source: str, store: str | None, work: str, run: Run) -> str:
    """Return the folder of articles that a local source comes to: itself, or what its archives held."""
    if not Store(source).exists() or any(isinstance(item, ArticleRef) for item in list_articles(source)):
        if store is not None:
            raise UsageError("--store is where articles of a bucket or of archives are kept: this source has articles")
        return source
    if not count_archives(source):
        raise SourceError(f"{source} holds no article: no folder such as PMC4991227.1, and no archive")
    home = store or f"{work}/articles"
    run_archives(source, home, run)
    return home


def _check_origin(stage: StageFiles, folder: str, config: str) -> None:
    """Refuse a stage that was made with other values than those that the manifest will name."""
    if (stage.origin.version, stage.origin.config) != (__version__, config):
        name = stage.origin.stage
        raise OutputError(f"{folder} was made with another config or version: run {name} again with this one")


def _check_apart(out: str, *others: str) -> None:
    paths = {
        uri: f"{store.local_path if (store := Store(uri)).is_local else uri.rstrip('/')}/" for uri in (out, *others)
    }
    for other in others:
        if paths[out].startswith(paths[other]) or paths[other].startswith(paths[out]):
            raise OutputError(f"{out} and {other} must not lie in each other: choose another folder")


def _look_at(source: str, select: SelectConfig) -> tuple[int, str]:
    """Return how many articles a source has, and a digest that changes when its files do.

    Sizes and times of change are looked at only in a local folder; a bucket is taken by its list of
    articles, since one request per article would cost more than the stage.
    """
    store = Store(source)
    if not store.exists():
        raise SourceError(f"there is no source {source}")
    if store.is_local and not store.local_path.is_dir():
        raise SourceError(f"the source {source} is a file, not a folder")
    articles = [item for item in list_articles(source, select) if isinstance(item, ArticleRef)]
    if not articles:
        raise SourceError(f"{source} holds no article: no folder such as PMC4991227.1")
    seen = hashlib.sha256()
    for ref in articles:
        seen.update(ref.key.encode())
        for entry in store.list(ref.location) if store.is_local else ():
            seen.update(f"{entry.name}\0{entry.num_bytes}\0{entry.changed_ns}\0".encode())
    return len(articles), seen.hexdigest()


def _source_of(extracted: StageFiles) -> dict[str, object]:
    """Return what the manifest says of the source: never a path, since the same input is the same bytes."""
    days = [name.removeprefix(INVENTORY) for name in extracted.tallies if name.startswith(INVENTORY)]
    return {
        "kind": "fetched" if "articles/listed" in extracted.tallies else "folder",
        "inventory_date": days[0] if days else None,
        "pairs_content": extracted.content,
    }
