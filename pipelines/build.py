"""`pmc15m build`: the stages one after the other, each skipped where it is complete and of the same origin."""

from pipelines.asking import Ask
from pipelines.curating import Against, run_curate
from pipelines.extracting import SourceError
from pipelines.fetching import count_archives, run_archives, run_harvest
from pipelines.parts import InParts, extract_in_parts, shard_in_parts
from pipelines.running import Run
from pmc15m.acquire.packages import list_articles
from pmc15m.acquire.source import Source
from pmc15m.config import digest
from pmc15m.errors import UsageError
from pmc15m.records import ArticleRef
from pmc15m.release.finish import check_release
from pmc15m.stages import OutputError
from pmc15m.store import Store


def run_build(
    source: str,
    work: str,
    out: str,
    run: Run,
    ask: Ask | None = None,
    store: str | None = None,
    against: Against | None = None,
    parts: InParts | None = None,
) -> None:
    """Run all stages: pairs and decisions go to folders of `work`, the release to `out`.

    Args:
        source: a folder of articles, of legacy archives, or a bucket.
        work: folder of what lies between the stages.
        out: the release.
        run: how.
        ask: which articles of a bucket; None where the source is a folder.
        store: where articles of a bucket or of archives are kept; None: nowhere, and in `work`.
        against: an earlier release and evaluations.
        parts: how extract and shard are cut; None: not at all.

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
        extract_in_parts(images.uri, pairs, run, parts)
    run_curate(pairs, decisions, run, against)
    shard_in_parts(images, pairs, decisions, out, run, parts)


def _unpacked(source: str, store: str | None, work: str, run: Run) -> str:
    """Return the folder of articles that a local source comes to: itself, or what its archives held."""
    folder = Store(source)
    is_folder = folder.exists() and (not folder.is_local or folder.local_path.is_dir())
    if not is_folder or any(isinstance(item, ArticleRef) for item in list_articles(source)):
        if store is not None:
            raise UsageError("--store is where articles of a bucket or of archives are kept: this source has articles")
        return source
    if not count_archives(source):
        raise SourceError(f"{source} holds no article: no folder such as PMC4991227.1, and no archive")
    home = store or f"{work}/articles"
    run_archives(source, home, run)
    return home


def _check_apart(out: str, *others: str) -> None:
    paths = {
        uri: f"{store.local_path if (store := Store(uri)).is_local else uri.rstrip('/')}/" for uri in (out, *others)
    }
    for other in others:
        if paths[out].startswith(paths[other]) or paths[other].startswith(paths[out]):
            raise OutputError(f"{out} and {other} must not lie in each other: choose another folder")
