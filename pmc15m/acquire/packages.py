"""Article versions of a folder in the Cloud Service's layout: `ROOT/PMC4991227.1/PMC4991227.1.json`, `.xml`, media."""

import re
from collections.abc import Iterator

from pmc15m.acquire.metadata import MAX_BYTES, MetadataError, MetadataMismatchError, parse_metadata
from pmc15m.records import ArticleRef, Package, Reason, Reject, Stage, article_order
from pmc15m.store import Store, TooLargeError

_FOLDER = re.compile(r"(PMC[1-9][0-9]{0,17})\.([1-9][0-9]{0,8})")  # the numbers fit their columns


def list_articles(source: str) -> Iterator[ArticleRef | Reject]:
    """Yield the newest version of every article of a source by number; older ones are rejects `superseded`."""
    versions: dict[str, list[int]] = {}
    for entry in Store(source).list():
        match = _FOLDER.fullmatch(entry.name)
        if entry.is_folder and match:
            versions.setdefault(match.group(1), []).append(int(match.group(2)))
    for pmcid in sorted(versions, key=article_order):
        *older, newest = sorted(versions[pmcid])
        for version in older:
            ref = ArticleRef(pmcid, version, f"{pmcid}.{version}")
            yield reject_article(ref, Reason.SUPERSEDED, f"version {newest} is there")
        yield ArticleRef(pmcid, newest, f"{pmcid}.{newest}")


def read_package(ref: ArticleRef, source: str) -> Iterator[Package | Reject]:
    """Yield the package of an article version, or a reject: no or bad metadata, retracted."""
    try:
        data = Store(source).read_bytes(f"{ref.location}/{ref.key}.json", MAX_BYTES)
        package = parse_metadata(ref, data)
    except FileNotFoundError:
        yield reject_article(ref, Reason.NOT_FOUND, f"no {ref.key}.json")
    except (MetadataError, TooLargeError) as error:
        yield reject_article(ref, Reason.METADATA_INVALID, str(error))
    except MetadataMismatchError as error:
        yield reject_article(ref, Reason.METADATA_MISMATCH, str(error))
    else:
        if package.is_retracted:
            yield reject_article(ref, Reason.RETRACTED, "the metadata says is_retracted")
        else:
            yield package


def reject_article(ref: ArticleRef, reason: Reason, detail: str) -> Reject:
    """Return the reject of a whole article."""
    return Reject(ref.key, ref.pmcid, ref.version, None, Stage.EXTRACT, reason, detail)
