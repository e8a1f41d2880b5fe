"""The yield table: what went in, what came out, and why the rest did not."""

from collections.abc import Iterable

from pmc15m.release.report import Flow


def yield_table(flows: Iterable[Flow]) -> str:
    """Return the table as plain text, one block a flow, the most frequent reason first."""
    lines = [f"{'stage':8} {'what':18} {'in':>12} {'out':>12} {'rejected':>12}"]
    for flow in flows:
        num_rejects = sum(flow.rejects.values())
        lines.append(f"{flow.stage:8} {flow.unit:18} {flow.num_in:>12,} {flow.num_out:>12,} {num_rejects:>12,}")
        for reason, count in flow.rejects.items():
            share = count / flow.num_in if flow.num_in else 0
            lines.append(f"{'':8}   {reason:42} {count:>12,}  {share:6.1%}")
    return "\n".join(lines)
