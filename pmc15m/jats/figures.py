"""The step from packages to figures."""

from collections.abc import Iterator, Sequence

from pmc15m.config import SelectConfig, XmlConfig
from pmc15m.jats.article import parse_article
from pmc15m.records import Figure, Package, Reason, Reject, Stage, Tally
from pmc15m.rejects import reject_article
from pmc15m.select import EVERYTHING, why_not_selected
from pmc15m.store import Md5MismatchError, Store, TooLargeError


def read_figures(
    package: Package, source: str, config: XmlConfig, select: SelectConfig = EVERYTHING
) -> Iterator[Figure | Reject | Tally]:
    """Yield the figures of an article, and a reject for every fig or graphic that is none.

    Tallies: `articles/with_figs`, and `figs_and_graphics/seen`: each of the latter ends as a figure
    or as a reject that is not the article's.
    """
    ref = package.ref
    try:
        xml = Store(source).read_bytes(f"{ref.location}/{ref.key}.xml", config.max_bytes, package.xml_md5)
    except FileNotFoundError:
        yield reject_article(ref, Stage.EXTRACT, Reason.NOT_FOUND, f"no {ref.key}.xml")
        return
    except TooLargeError as error:
        yield reject_article(ref, Stage.EXTRACT, Reason.TOO_LARGE, str(error))
        return
    except Md5MismatchError as error:
        yield reject_article(ref, Stage.EXTRACT, Reason.MD5_MISMATCH, str(error))
        return
    items = parse_article(package, xml, config)
    first = next((item for item in items if isinstance(item, Figure)), None)
    if first is not None and (detail := why_not_selected(first.article, select)):
        yield reject_article(ref, Stage.EXTRACT, Reason.NOT_SELECTED, detail)
        return
    yield from account_for(items)
    yield from (item for item in items if isinstance(item, Figure))


def account_for(items: Sequence[Figure | Reject]) -> Iterator[Reject | Tally]:
    """Yield all but the figures of what the XML of an article comes to: rejects, and the tallies of `read_figures`."""
    num_rejected = sum(isinstance(item, Reject) and item.is_article for item in items)
    yield Tally("articles/with_figs", 1 - num_rejected)
    yield Tally("figs_and_graphics/seen", len(items) - num_rejected)
    yield from (item for item in items if isinstance(item, Reject))
