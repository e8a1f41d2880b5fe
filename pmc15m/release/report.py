"""The numbers of a build: by stage, by reason, and the sums that must hold."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

Tallies = Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Flow:
    """What went into a stage, what came out, and why the rest did not."""

    stage: str
    unit: str
    num_in: int
    num_out: int
    rejects: dict[str, int]  # by reason, most frequent first


def stage_flows(extract: Tallies, curate: Tallies, shard: Tallies) -> list[Flow]:
    """Return the flows of a build: articles, then figs and graphics, then pairs, then samples."""
    return [*extract_flows(extract), curate_flow(curate), shard_flow(shard)]


def extract_flows(tallies: Tallies) -> list[Flow]:
    """Return the two flows of extract: articles to articles with figs, figs and graphics to pairs."""
    by_step = rejects_by_step(tallies)
    of_articles = _sum(by_step, ("list_articles", "read_package"))
    in_figures = by_step.get("read_figures", {})
    article_reasons = ("not_found", "too_large", "md5_mismatch", "xml_syntax", "no_figures", "not_selected")
    of_articles = _add(of_articles, {r: n for r, n in in_figures.items() if r in article_reasons})
    of_figs = {r: n for r, n in in_figures.items() if r not in article_reasons}
    of_figs = _add(of_figs, by_step.get("probe_figure", {}))
    in_index = tallies.get("list_articles/out", 0) + sum(by_step.get("list_articles", {}).values())
    return [
        Flow("extract", "articles", in_index, tallies.get("articles/with_figs", 0), _ranked(of_articles)),
        Flow(
            "extract",
            "figs and graphics",
            tallies.get("figs_and_graphics/seen", 0),
            tallies.get("probe_figure/out", 0),
            _ranked(of_figs),
        ),
    ]


def fetch_flow(tallies: Tallies) -> Flow:
    """Return the flow of fetch: article versions listed to articles stored."""
    rejects = _sum(rejects_by_step(tallies), ("fetch_range",))
    return Flow(
        "fetch", "articles", tallies.get("articles/listed", 0), tallies.get("fetch_range/out", 0), _ranked(rejects)
    )


def unpack_flow(tallies: Tallies) -> Flow:
    """Return the flow of legacy archives: archives to articles stored."""
    by_step = rejects_by_step(tallies)
    listed = tallies.get("list_archives/out", 0) + sum(by_step.get("list_archives", {}).values())
    rejects = _sum(by_step, ("list_archives", "unpack_archive"))
    return Flow("fetch", "archives", listed, tallies.get("unpack_archive/out", 0), _ranked(rejects))


def curate_flow(tallies: Tallies) -> Flow:
    """Return the flow of curate: pairs to pairs that stay."""
    rejects = _sum(rejects_by_step(tallies), ("filter_candidate", "keep_first"))
    return Flow(
        "curate", "pairs", tallies.get("read_candidates/out", 0), tallies.get("decide/out", 0), _ranked(rejects)
    )


def shard_flow(tallies: Tallies) -> Flow:
    """Return the flow of shard: pairs to samples written."""
    rejects = _sum(rejects_by_step(tallies), ("write_shard",))
    written = tallies.get("samples/written", 0)
    return Flow("shard", "pairs", tallies.get("samples/planned", 0), written, _ranked(rejects))


def failed_sums(flows: list[Flow]) -> list[str]:
    """Return a sentence for each flow whose numbers do not add up, alone or with the next; none is right."""
    pairs = [flow for flow in flows if flow.unit != "articles"]
    lost = [
        f"{before.num_out} out of {before.stage}, but {after.num_in} into {after.stage}"
        for before, after in pairwise(pairs)
        if before.num_out != after.num_in
    ]
    return lost + [
        f"{flow.stage}: {flow.num_in} {flow.unit} in, but {flow.num_out} out + {sum(flow.rejects.values())} rejects"
        for flow in flows
        if flow.num_in != flow.num_out + sum(flow.rejects.values())
    ]


def report_json(flows: list[Flow], tallies: Tallies) -> dict[str, Any]:
    """Return report.json: sums by stage and reason, and the make-up of the release.

    Args:
        flows: of all stages.
        tallies: of the shard stage.
    """
    composition: dict[str, dict[str, int]] = {}
    for name, count in sorted(tallies.items()):
        if name.startswith("release/"):
            _, column, value = name.split("/", 2)
            composition.setdefault(column, {})[value] = count
    return {
        "flows": [
            {
                "stage": flow.stage,
                "unit": flow.unit,
                "in": flow.num_in,
                "out": flow.num_out,
                "rejected": sum(flow.rejects.values()),
                "rejects_by_reason": flow.rejects,
            }
            for flow in flows
        ],
        "composition": composition,
    }


def rejects_by_step(tallies: Tallies) -> dict[str, dict[str, int]]:
    """Return the rejects of each step by reason."""
    found: dict[str, dict[str, int]] = {}
    for name, count in tallies.items():
        step, mark, reason = name.partition("/rejects/")
        if mark:
            found.setdefault(step, {})[reason] = count
    return found


def _sum(by_step: dict[str, dict[str, int]], steps: tuple[str, ...]) -> dict[str, int]:
    total: dict[str, int] = {}
    for step in steps:
        total = _add(total, by_step.get(step, {}))
    return total


def _add(left: dict[str, int], right: dict[str, int]) -> dict[str, int]:
    return {reason: left.get(reason, 0) + right.get(reason, 0) for reason in {**left, **right}}


def _ranked(rejects: dict[str, int]) -> dict[str, int]:
    return dict(sorted(rejects.items(), key=lambda item: (-item[1], item[0])))
