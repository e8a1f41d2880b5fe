"""A table of what a folder of XML files holds: figs, pairs but for their media, rejects by reason.

    python -m tests.survey FOLDER [--samples N]

FOLDER holds `*.xml` or `*.xml.gz`, in folders or not. No media are looked for, so that
`graphic_not_in_package` counts what would be a pair if its image were there.
"""

import argparse
import gzip
import hashlib
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from lxml import etree

from pmc15m.config import XmlConfig
from pmc15m.jats.article import parse_article
from pmc15m.jats.facts import bare_package
from pmc15m.jats.reader import XmlRefused, read_article
from pmc15m.records import ArticleRef, Figure, Reason, Reject


def read_files(folder: Path) -> Iterator[tuple[Path, bytes]]:
    """Yield path and bytes of every XML file below a folder, in the order of their paths."""
    for path in sorted(folder.rglob("*.xml*")):
        if path.suffix == ".xml":
            yield path, path.read_bytes()
        elif path.name.endswith(".xml.gz"):
            yield path, gzip.decompress(path.read_bytes())


def parse_without_media(xml: bytes) -> list[Figure | Reject]:
    """Return figures and rejects of an article of which no media file is known."""
    package = bare_package(ArticleRef("PMC1", 1, ""))
    return parse_article(package, xml, XmlConfig())


def describe(xml: bytes) -> tuple[str, str]:
    """Return tag-set version and publisher of an article, "-" where it has none."""
    try:
        article = read_article(xml, XmlConfig().max_bytes)
    except XmlRefused:
        return "unreadable", "-"
    publisher = article.find("front/journal-meta/publisher/publisher-name")
    name = " ".join("".join(publisher.itertext()).split()) if publisher is not None else "-"
    return str(article.get("dtd-version", "-")), name[:40]


def count_elements(xml: bytes) -> tuple[int, int]:
    """Return how many `fig` and `graphic` elements a sound article has, counted by lxml alone."""
    tree = etree.fromstring(xml, etree.XMLParser(resolve_entities=False, recover=True, huge_tree=True))
    return len(list(tree.iter("{*}fig"))), len(list(tree.iter("{*}graphic")))


def survey(folder: Path) -> tuple[dict[tuple[str, str], Counter[str]], list[tuple[str, Reject]]]:
    """Return counts by tag-set version and publisher, and every reject with its file's name."""
    rows: dict[tuple[str, str], Counter[str]] = {}
    rejects = []
    for path, xml in read_files(folder):
        row = rows.setdefault(describe(xml), Counter())
        row["articles"] += 1
        row["figs"] += count_elements(xml)[0] if xml else 0
        for item in parse_without_media(xml):
            if isinstance(item, Reject):
                row[item.reason] += 1
                rejects.append((path.name, item))
    return rows, rejects


def main() -> int:
    """Print the table, and some rejects of each reason to look at by hand."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--samples", type=int, default=0, help="rejects of each reason to print")
    args = parser.parse_args()
    rows, rejects = survey(args.folder)
    reasons = sorted({reject.reason for _, reject in rejects} - {Reason.GRAPHIC_NOT_IN_PACKAGE})
    columns = ["articles", "figs", Reason.GRAPHIC_NOT_IN_PACKAGE, *reasons]
    titles = ["articles", "figs", "pairs but for media", *reasons]
    lines = [f"{'tag set':10} {'publisher':40} " + " ".join(f"{title:>{len(title)}}" for title in titles)]
    total = sum(rows.values(), Counter[str]())
    for (version, publisher), row in [*sorted(rows.items()), (("all", ""), total)]:
        numbers = (f"{row[name]:>{len(title)}}" for name, title in zip(columns, titles, strict=True))
        lines.append(f"{version:10} {publisher:40} " + " ".join(numbers))
    for reason in sorted({reject.reason for _, reject in rejects}):
        found = sorted(
            (item for item in rejects if item[1].reason == reason),
            key=lambda item: hashlib.sha256(f"{item[0]}{item[1].key}".encode()).digest(),
        )
        lines += [f"{reason}: {name} {reject.fig_id} {reject.detail}" for name, reject in found[: args.samples]]
    sys.stdout.write("\n".join(lines) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
