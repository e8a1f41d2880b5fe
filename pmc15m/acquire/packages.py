"""Article versions of a folder in the Cloud Service's layout: `ROOT/PMC4991227.1/PMC4991227.1.json`, `.xml`, media."""

import re
from collections.abc import Iterator

from pmc15m.acquire.metadata import MAX_BYTES, MetadataError, MetadataMismatchError, parse_metadata
from pmc15m.acquire.table import read_account
from pmc15m.acquire.versions import choose_version
from pmc15m.config import SelectConfig
from pmc15m.parts import WHOLE, Part
from pmc15m.records import ArticleRef, Package, Reason, Reject, Stage, Tally, article_order
from pmc15m.rejects import reject_article
from pmc15m.rows import order_of
from pmc15m.select import EVERYTHING, why_not_licensed
from pmc15m.store import Store, TooLargeError

_FOLDER = re.compile(r"(PMC[1-9][0-9]{0,17})\.([1-9][0-9]{0,8})")  # the numbers fit their columns


def list_articles(
    source: str, select: SelectConfig = EVERYTHING, part: Part = WHOLE
) -> Iterator[ArticleRef | Reject | Tally]:
    """Yield the articles of a source by number, of each the version that counts; others are rejects `superseded`.

    With `max_articles` those of the smallest digest of their pmcid: a fair sample, and a small one is part
    of a bigger one. Where a fetch made the source, its rejects come first. Tallies: `articles/read`, and
    those of `read_account`.
    """
    store = Store(source)
    if part.index == 0:
        yield from read_account(store)
    versions: dict[str, list[int]] = {}
    for entry in store.list():
        match = _FOLDER.fullmatch(entry.name)
        if entry.is_folder and match:
            versions.setdefault(match.group(1), []).append(int(match.group(2)))
    taken = sorted(versions, key=order_of)[: select.max_articles or None]
    for pmcid in sorted(filter(part.holds, taken), key=article_order):
        refs = [ArticleRef(pmcid, version, f"{pmcid}.{version}") for version in sorted(versions[pmcid])]
        yield Tally("articles/read", len(refs))
        chosen = refs[0] if len(refs) == 1 else _choose(store, refs)
        for ref in refs:
            if ref != chosen:
                yield reject_article(ref, Stage.EXTRACT, Reason.SUPERSEDED, f"version {chosen.version} is taken")
        yield chosen


def _choose(store: Store, refs: list[ArticleRef]) -> ArticleRef:
    """Return the version that counts by the metadata; the newest where none can be read."""
    packages = []
    for ref in refs:
        try:
            packages.append(parse_metadata(ref, store.read_bytes(f"{ref.location}/{ref.key}.json", MAX_BYTES)))
        except (FileNotFoundError, TooLargeError, MetadataError, MetadataMismatchError):
            continue  # `read_package` says so, if it is the one that is taken
    return choose_version(packages).ref if packages else refs[-1]


def read_package(ref: ArticleRef, source: str, select: SelectConfig = EVERYTHING) -> Iterator[Package | Reject]:
    """Yield the package of an article version, or a reject: no or bad metadata, retracted, not selected."""
    try:
        data = Store(source).read_bytes(f"{ref.location}/{ref.key}.json", MAX_BYTES)
        package = parse_metadata(ref, data)
    except FileNotFoundError:
        yield reject_article(ref, Stage.EXTRACT, Reason.NOT_FOUND, f"no {ref.key}.json")
    except (MetadataError, TooLargeError) as error:
        yield reject_article(ref, Stage.EXTRACT, Reason.METADATA_INVALID, str(error))
    except MetadataMismatchError as error:
        yield reject_article(ref, Stage.EXTRACT, Reason.METADATA_MISMATCH, str(error))
    else:
        if package.is_retracted:
            yield reject_article(ref, Stage.EXTRACT, Reason.RETRACTED, "the metadata says is_retracted")
        elif detail := why_not_licensed(package, select):
            yield reject_article(ref, Stage.EXTRACT, Reason.NOT_SELECTED, detail)
        else:
            yield package
