"""The yield table: what went in, what came out, and why the rest did not."""

from pipelines.yields import yield_table
from pmc15m.release.report import Flow

FLOWS = [
    Flow("extract", "articles", 9, 4, {"not_found": 4, "no_figures": 1}),
    Flow("shard", "pairs", 1_234_567, 1_234_567, {}),
    Flow("curate", "pairs", 0, 0, {}),
]


def test_table_has_a_block_a_flow_and_a_line_a_reason() -> None:
    assert yield_table(FLOWS).splitlines() == [
        "stage    what                         in          out     rejected",
        "extract  articles                      9            4            5",
        "           not_found                                             4   44.4%",
        "           no_figures                                            1   11.1%",
        "shard    pairs                 1,234,567    1,234,567            0",
        "curate   pairs                         0            0            0",
    ]


def test_table_of_nothing_is_its_head() -> None:
    assert yield_table([]).split() == ["stage", "what", "in", "out", "rejected"]


def test_reasons_without_anything_in_are_no_division_by_zero() -> None:
    assert "0.0%" in yield_table([Flow("extract", "articles", 0, 0, {"superseded": 2})])
