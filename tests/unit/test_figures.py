"""The step from packages to figures: files that cannot be read, and the sums of what was seen."""

from pathlib import Path
from typing import Any

import pytest

from pmc15m.config import XmlConfig
from pmc15m.jats.figures import read_figures
from pmc15m.records import ArticleRef, Figure, Package, Reason, Reject, Tally
from tests import some
from tests.tiny import write_article

WELL = some.article_xml(some.fig_xml(), some.permissions_xml())


def read(source: Path, xml: bytes | None, config: XmlConfig | None = None, **of_package: Any) -> list[Any]:
    """Return what the step yields of one article."""
    write_article(source, "PMC7", xml or b"", {"mill.jpg": b""})
    if xml is None:
        (source / "PMC7.1" / "PMC7.1.xml").unlink()
    package: Package = some.package(ref=ArticleRef("PMC7", 1, "PMC7.1"), **of_package)
    return list(read_figures(package, str(source), config or XmlConfig()))


def test_figures_come_after_the_tallies(tmp_path: Path) -> None:
    articles, seen, figure = read(tmp_path, WELL)
    assert articles == Tally("articles/with_figs", 1)
    assert seen == Tally("figs_and_graphics/seen", 1)
    assert isinstance(figure, Figure)
    assert (figure.key, figure.location, figure.graphic) == ("PMC7_0001_01", "PMC7.1", "mill.jpg")


@pytest.mark.parametrize(
    ("xml", "config", "changes", "reason"),
    [
        (None, XmlConfig(), {}, Reason.NOT_FOUND),
        (WELL, XmlConfig(len(WELL) - 1), {}, Reason.TOO_LARGE),
        (WELL, XmlConfig(), {"xml_md5": "0" * 32}, Reason.MD5_MISMATCH),
    ],
)
def test_file_that_cannot_be_read_is_one_reject_of_the_article(
    tmp_path: Path, xml: bytes | None, config: XmlConfig, changes: dict[str, Any], reason: Reason
) -> None:
    (item,) = read(tmp_path, xml, config, **changes)
    assert isinstance(item, Reject)
    assert (item.key, item.reason, item.is_article) == ("PMC7.1", reason, True)


@pytest.mark.parametrize(
    ("xml", "with_figs", "seen", "reasons"),
    [
        (WELL[:-9], 0, 0, [Reason.XML_SYNTAX]),
        (some.article_xml("<p>No fig.</p>"), 0, 0, [Reason.NO_FIGURES]),
        (some.article_xml('<p><graphic xlink:href="x"/></p>'), 0, 1, [Reason.NO_FIGURES, Reason.NOT_A_FIGURE]),
        (some.article_xml(some.fig_xml(caption="")), 1, 1, [Reason.NO_CAPTION]),
        (some.article_xml(some.fig_xml(hrefs=("mill", "gone", "lost"))), 1, 3,
         [Reason.GRAPHIC_NOT_IN_PACKAGE, Reason.GRAPHIC_NOT_IN_PACKAGE]),
        (some.article_xml(some.fig_xml() + some.fig_xml("F2", "Table 2")), 1, 2, [Reason.NOT_A_FIGURE]),
    ],
)  # fmt: skip
def test_what_was_seen_is_figures_and_rejects(
    tmp_path: Path, xml: bytes, with_figs: int, seen: int, reasons: list[Reason]
) -> None:
    first, second, *items = read(tmp_path, xml)
    assert first == Tally("articles/with_figs", with_figs)
    assert second == Tally("figs_and_graphics/seen", seen)
    assert [item.reason for item in items if isinstance(item, Reject)] == reasons
    assert sum(not (isinstance(item, Reject) and item.is_article) for item in items) == seen
    keys = [item.key for item in items]
    assert len(set(keys)) == len(keys)
