"""The numbers of a build: by stage, by reason, and the sums that must hold."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

Tallies = Mapping[str, int]

REJECTS = "rejects/"
"""Start of the names of tallies of rejects: `rejects/<stage>/<articles or figures>/<reason>`."""


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
    """Return the flows of extract: articles to articles with figs, figs and graphics to pairs.

    Before them stands that of fetch where the articles were fetched.
    """
    fetched = [fetch_flow(tallies)] if "articles/listed" in tallies else []
    num_with_figs = tallies.get("articles/with_figs", 0)
    num_seen, num_pairs = tallies.get("figs_and_graphics/seen", 0), tallies.get("pairs/made", 0)
    return [
        *fetched,
        Flow(
            "extract", "articles", tallies.get("articles/read", 0), num_with_figs, _ranked(tallies, "extract/articles")
        ),
        Flow("extract", "figs and graphics", num_seen, num_pairs, _ranked(tallies, "extract/figures")),
    ]


def fetch_flow(tallies: Tallies) -> Flow:
    """Return the flow of fetch: article versions listed to articles stored."""
    num_listed, num_fetched = tallies.get("articles/listed", 0), tallies.get("articles/fetched", 0)
    return Flow("fetch", "articles", num_listed, num_fetched, _ranked(tallies, "fetch/articles"))


def unpack_flow(tallies: Tallies) -> Flow:
    """Return the flow of legacy archives: archives to articles stored."""
    num_listed, num_unpacked = tallies.get("archives/listed", 0), tallies.get("unpack_archive/out", 0)
    return Flow("fetch", "archives", num_listed, num_unpacked, _ranked(tallies, "fetch/articles"))


def curate_flow(tallies: Tallies) -> Flow:
    """Return the flow of curate: pairs to pairs that stay."""
    num_in, num_out = tallies.get("read_candidates/out", 0), tallies.get("pairs/kept", 0)
    return Flow("curate", "pairs", num_in, num_out, _ranked(tallies, "curate/figures"))


def shard_flow(tallies: Tallies) -> Flow:
    """Return the flow of shard: pairs to samples written."""
    num_in, num_out = tallies.get("samples/planned", 0), tallies.get("samples/written", 0)
    return Flow("shard", "pairs", num_in, num_out, _ranked(tallies, "shard/figures"))


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


def _ranked(tallies: Tallies, part: str) -> dict[str, int]:
    """Return the rejects of a stage and unit by reason, the most frequent first."""
    start = f"{REJECTS}{part}/"
    rejects = {name.removeprefix(start): count for name, count in tallies.items() if name.startswith(start)}
    return dict(sorted(rejects.items(), key=lambda item: (-item[1], item[0])))
