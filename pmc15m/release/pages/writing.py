"""The report of a release: `report/index.html`, its pages, its style and its contact sheets.

It is made of the release alone, so that anyone who has one can make it again, and of nothing else:
no clock, no order, no chance. The pages of a release are the same bytes whenever they are made.
"""

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pmc15m.config import DatasetConfig, parse_config
from pmc15m.release.files import ReleaseFile, put_small_file
from pmc15m.release.pages import histograms
from pmc15m.release.pages.charts import YEAR, column_chart
from pmc15m.release.pages.counting import PairCounts, count_pairs
from pmc15m.release.pages.rejected import find_clusters, find_examples
from pmc15m.release.pages.rendering import render_pages
from pmc15m.release.pages.sampling import draw_pairs, find_pairs, tables_by_split
from pmc15m.release.pages.sheets import Sheet, make_sheet
from pmc15m.store import Store

FOLDER = "report"
NUM_SAMPLES = 24  # of each split
NUM_EXAMPLES = 12  # of each reason
NUM_CLUSTERS = 20
NUM_COPIES = 8  # of each cluster that are named
_SPLITS = ("train", "val", "test")
_QUANTILES = (("min", 0.0), ("25%", 0.25), ("median", 0.5), ("75%", 0.75), ("max", 1.0))


@dataclass(frozen=True, slots=True)
class Subject:
    """The release that the pages are about."""

    release: str  # its folder
    paths: tuple[str, ...]  # of its files, relative to it
    report: Mapping[str, Any]  # report.json
    config_toml: str
    source: Mapping[str, Any]  # what the manifest says of it
    version: str  # of the data
    package_version: str  # of the pmc15m that made it


def write_pages(subject: Subject) -> list[ReleaseFile]:
    """Write the report into the release and return its files."""
    store = Store(subject.release)
    return [put_small_file(store, f"{FOLDER}/{name}", data) for name, data in make_pages(subject).items()]


def make_pages(subject: Subject) -> dict[str, bytes]:
    """Return the files of the report by name, sorted."""
    store = Store(subject.release)
    tables = sorted(path for path in subject.paths if path.startswith("pairs/"))
    rejects = sorted(path for path in subject.paths if path.startswith("rejects/"))
    config = parse_config(subject.config_toml)
    counts = count_pairs(store, tables)
    by_split = tables_by_split(tables)
    samples = {split: draw_pairs(store, by_split[split], NUM_SAMPLES) for split in _SPLITS if split in by_split}
    clusters = find_clusters(store, rejects, NUM_CLUSTERS, NUM_COPIES)
    kept = find_pairs(store, tables, [cluster.key for cluster in clusters])
    sheets = {split: make_sheet(f"samples-{split}.jpg", store, rows, config) for split, rows in samples.items()}
    shown = [kept[cluster.key] for cluster in clusters if cluster.key in kept]
    if shown:
        sheets["duplicates"] = make_sheet("duplicates.jpg", store, shown, config)
    contents = {
        **_facts(subject, config),
        **_tables(counts),
        "counts": counts,
        "examples": find_examples(store, rejects, NUM_EXAMPLES),
        "samples": samples,
        "clusters": clusters,
        "kept": kept,
        "sheets": sheets,
    }
    pages = {**render_pages(contents), **_images(sheets.values())}
    return dict(sorted(pages.items()))


def _images(sheets: Iterable[Sheet]) -> dict[str, bytes]:
    return {sheet.name: sheet.data for sheet in sheets}


def _facts(subject: Subject, config: DatasetConfig) -> dict[str, Any]:
    """Return what a release says of itself."""
    curation = subject.report.get("curation", {})
    return {
        "flows": subject.report["flows"],
        "leaks": curation.get("leaks") or {},
        "against": curation.get("against") or [],
        "about": config.release,
        "version": subject.version,
        "package_version": subject.package_version,
        "source": subject.source,
        "config_toml": subject.config_toml,
        "config_sha256": hashlib.sha256(subject.config_toml.encode()).hexdigest(),
        "splits": _SPLITS,
    }


def _tables(counts: PairCounts) -> dict[str, Any]:
    """Return the charts and the tables of the counts."""
    numbers = counts.numbers
    charts = {
        name: column_chart(histograms.bin_counts(numbers[name], edges), unit)
        for name, edges, unit in (
            ("width_px", histograms.SIDE_EDGES_PX, "px"),
            ("height_px", histograms.SIDE_EDGES_PX, "px"),
            ("image_num_kb", histograms.FILE_EDGES_KB, "kB"),
            ("caption_num_chars", histograms.CAPTION_EDGES_CHARS, "characters"),
            ("short_side_px", histograms.SIDE_EDGES_PX, "px"),
        )
    }
    panels = histograms.bin_counts(numbers["num_panels_estimate"], histograms.PANEL_EDGES)
    charts["num_panels_estimate"] = column_chart(panels, "panels", is_of_edges=False)
    charts["year"] = column_chart(histograms.year_bins(numbers["year"]), YEAR, is_of_edges=False)
    return {
        "charts": charts,
        "quantiles": {
            name: [(word, histograms.quantile(values, fraction)) for word, fraction in _QUANTILES]
            for name, values in numbers.items()
        },
        "ranked": {name: _ranked(values) for name, values in counts.names.items()},
        "ranked_flags": _ranked(counts.rights_flags),
    }


def _ranked(values: Counter[str]) -> Sequence[tuple[str, int]]:
    """Return the most frequent values first."""
    return sorted(values.items(), key=lambda item: (-item[1], item[0]))
