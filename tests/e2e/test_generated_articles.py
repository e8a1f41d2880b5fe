"""Generated articles with every fault: the release is what the generator knows it must be."""

from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from pipelines.cli import main
from pmc15m.synth import Fault, SynthConfig, curation_truth, read_truth, write_articles

NUM_ARTICLES = 200
CONFIG = SynthConfig(seed=3, faults=tuple(Fault), fault_every=3, duplicates_every=10, image_scale=0.5)
COLUMNS = (
    "caption",
    "fig_id",
    "graphic",
    "kind",
    "part",
    "num_parts",
    "license",
    "license_url",
    "width_px",
    "height_px",
)


def _rows(folder: Path) -> dict[str, dict[str, Any]]:
    return {row["key"]: row for path in folder.glob("*.parquet") for row in pq.read_table(path).to_pylist()}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("generated")
    write_articles(CONFIG, range(NUM_ARTICLES), folder / "articles")
    assert main(["build", "--source", str(folder / "articles"), "--out", str(folder / "release")]) == 0
    return folder / "articles", folder / "release"


def test_every_generated_article_and_figure_ends_as_its_generator_knows(built: tuple[Path, Path]) -> None:
    articles, release = built
    pairs, rejects = _rows(release / "pairs"), _rows(release / "rejects")
    verdicts = curation_truth(CONFIG, range(NUM_ARTICLES))
    num_figures = num_copies = 0
    for expected in read_truth(articles / "truth.jsonl"):
        if expected["outcome"] != "figures":
            assert rejects[f"{expected['pmcid']}.{expected['version']}"]["reason"] == expected["outcome"], expected
            continue
        figures: Any = expected["figures"]
        for figure in figures:
            num_figures += 1
            verdict = verdicts[figure["key"]]
            if not verdict.is_kept:
                reject = rejects[figure["key"]]
                assert reject["reason"] in verdict.outcomes, expected["fault"]
                if verdict.duplicate_of is not None:
                    num_copies += 1
                    assert reject["detail"].partition(" ")[0] == verdict.duplicate_of
                else:
                    assert (reject["reason"], reject["stage"]) == (figure["outcome"], figure["stage"])
                continue
            row = pairs.pop(figure["key"])
            assert {name: row[name] for name in COLUMNS} == {name: figure[name] for name in COLUMNS}
            assert (row["label"] or "").rstrip(".") == (figure["label"] or "").rstrip(".")
            assert [mention["text"] for mention in row["mentions"]] == figure["mentions"]
    assert num_figures > NUM_ARTICLES
    assert num_copies > NUM_ARTICLES / CONFIG.duplicates_every / 2
    assert not pairs, "pairs that no figure was expected for"


def test_every_fault_of_the_generator_is_met(built: tuple[Path, Path]) -> None:
    articles, _ = built
    assert {expected["fault"] for expected in read_truth(articles / "truth.jsonl")} >= {str(fault) for fault in Fault}
