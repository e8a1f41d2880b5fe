"""The reference articles: real XML and images, met by a whole build. See conftest for where they lie."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from pipelines.cli import main
from pmc15m.jats.captions import cut_label
from pmc15m.records import Figure
from tests.survey import count_elements, parse_without_media, read_files

SMALL = Path(__file__).parents[2] / "pipelines" / "configs" / "small.toml"


def _rows(folder: Path) -> list[dict[str, Any]]:
    return [row for path in sorted(folder.glob("*.parquet")) for row in pq.read_table(path).to_pylist()]


def _bare(label: str | None) -> str | None:
    return " ".join((label or "").split()).rstrip(" .:;") or None


@pytest.fixture(scope="module")
def release(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("real") / "release"
    assert main(["build", "--source", str(shared / "corpus"), "--out", str(out), "--config", str(SMALL)]) == 0
    return out


def test_every_figure_that_was_answered_by_hand_is_in_the_release_as_answered(shared: Path, release: Path) -> None:
    rows = {(row["pmcid"], row["fig_id"], row["graphic"]): row for row in _rows(release / "pairs")}
    truth = [json.loads(line) for line in (shared / "corpus" / "truth.jsonl").read_text(encoding="utf-8").splitlines()]
    assert len(truth) == 31
    for answer in truth:
        row = rows[answer["pmcid"], answer["fig_id"], answer["graphic"]]
        assert _bare(row["label"]) == _bare(answer["label"]), answer
        assert row["caption"].startswith(answer["caption_start"]), answer
        assert row["caption"].endswith(answer["caption_end"]), answer


def test_every_article_ends_as_pairs_or_rejects_and_the_sums_hold(shared: Path, release: Path) -> None:
    articles = {path.name.partition(".")[0] for path in (shared / "corpus").glob("PMC*.1")}
    pairs, rejects = _rows(release / "pairs"), _rows(release / "rejects")
    assert len(articles) == 25
    assert {row["pmcid"] for row in pairs} | {row["pmcid"] for row in rejects} == articles
    report = json.loads((release / "report.json").read_text(encoding="utf-8"))
    for flow in report["flows"]:
        assert flow["in"] == flow["out"] + sum(flow["rejects_by_reason"].values())
    by_reason = sum((Counter(flow["rejects_by_reason"]) for flow in report["flows"]), Counter[str]())
    assert Counter(row["reason"] for row in rejects) == by_reason
    assert len({row["key"] for row in pairs}) == len(pairs) == report["flows"][-1]["out"]
    assert cut_label(pairs[0]["caption"], pairs[0]["label"] or "") == pairs[0]["caption"]


def test_every_fig_and_every_graphic_of_real_xml_is_a_figure_or_a_reject(shared: Path) -> None:
    num_articles = 0
    for path, xml in read_files(shared / "corpus_xml"):
        num_articles += 1
        items = parse_without_media(xml)
        num_figs, num_graphics = count_elements(xml)
        keys = [item.key.split("_") for item in items if isinstance(item, Figure) or not item.is_article]
        assert {int(fig) for _, fig, _ in keys} - {0} == set(range(1, num_figs + 1)), path.name
        strays = [item for item in items if item.key.startswith("PMC1_0000_")]
        assert len(strays) <= num_graphics, path.name
        assert len(items) >= num_figs + len(strays), path.name
    assert num_articles == 229
