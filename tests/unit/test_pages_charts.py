"""Charts: round scales, columns that fit, numbers that can be read."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pmc15m.release.pages.charts import PLOT_HEIGHT_PX, YEAR, column_chart, range_text, round_up, share, short
from pmc15m.release.pages.histograms import Bin

BINS = [Bin(64, 128, 10), Bin(128, 256, 0), Bin(256, None, 1)]


def test_columns_stand_in_per_cent_of_the_width_and_in_px_of_the_height() -> None:
    chart = column_chart(BINS, "px")
    assert [(column.x, column.width) for column in chart.columns] == [
        ("2.67%", "28.00%"),
        ("36.00%", "28.00%"),
        ("69.33%", "28.00%"),
    ]
    assert [(column.y_px, column.height_px) for column in chart.columns] == [(0, 180), (180, 0), (162, 18)]
    assert chart.scale == ("10", "5", "0")


def test_marks_of_edges_stand_where_columns_begin_and_marks_of_values_below_their_middle() -> None:
    edges, values = column_chart(BINS, "px"), column_chart(BINS, "panels", is_of_edges=False)
    assert [(one.mark, one.mark_x) for one in edges.columns] == [("64", "0.00%"), ("128", "33.33%"), ("256", "66.67%")]
    assert [(one.mark, one.mark_x) for one in values.columns] == [
        ("64–127", "16.67%"),  # noqa: RUF001  a range
        ("128–255", "50.00%"),  # noqa: RUF001
        ("256+", "83.33%"),
    ]


def test_years_bear_no_commas_and_no_unit() -> None:
    chart = column_chart([Bin(2019, 2020, 1), Bin(2020, 2021, 3)], YEAR, is_of_edges=False)
    assert [column.mark for column in chart.columns] == ["2019", "2020"]
    assert chart.columns[1].text == "2020: 3 (75.0%)"


def test_many_columns_bear_few_marks_and_half_of_them_on_a_phone() -> None:
    columns = column_chart([Bin(i, i + 1, 1) for i in range(40)], YEAR, is_of_edges=False).columns
    marked = [column for column in columns if column.mark]
    assert len(marked) == 10
    assert sum(column.is_minor for column in marked) == 5


def test_what_is_there_is_seen_however_little_it_is() -> None:
    columns = column_chart([Bin(1, 2, 10**9), Bin(2, 3, 1)], "px").columns
    assert columns[1].height_px == 1


@given(st.lists(st.integers(0, 10**12), min_size=1, max_size=40))
def test_no_column_is_higher_than_the_chart(counts: list[int]) -> None:
    chart = column_chart([Bin(i, i + 1, count) for i, count in enumerate(counts)], "px")
    assert all(0 <= one.height_px <= PLOT_HEIGHT_PX and one.y_px >= 0 for one in chart.columns)


def test_chart_of_nothing_has_no_columns() -> None:
    assert column_chart([], "px").columns == ()


@pytest.mark.parametrize(
    ("value", "top"), [(0, 2), (1, 2), (3, 4), (7, 8), (9, 10), (11, 20), (345, 400), (500, 500), (99_999, 100_000)]
)
def test_scale_ends_at_a_round_number_that_has_a_half(value: int, top: int) -> None:
    assert round_up(value) == top


@given(st.integers(0, 10**15))
def test_scale_is_at_most_twice_as_high_as_what_it_shows(value: int) -> None:
    assert max(value, 2) <= round_up(value) <= max(2 * value, 4)
    assert round_up(value) % 2 == 0


@pytest.mark.parametrize(
    ("count", "total", "text"),
    [(0, 10, "0.0%"), (1, 3, "33.3%"), (10, 10, "100.0%"), (1, 10**6, "<0.1%"), (1, 1_000, "0.1%"), (2, 0, "–")],  # noqa: RUF001
)
def test_share_says_no_zero_of_what_is_there(count: int, total: int, text: str) -> None:
    assert share(count, total) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (1.5, "1.5"), (950, "950"), (1_500, "1.5k"), (2_000, "2k"), (250_000, "250k"), (25 * 10**6, "25M")],
)
def test_short_numbers_are_short(value: float, text: str) -> None:
    assert short(value) == text


@pytest.mark.parametrize(
    ("one", "unit", "text"),
    [
        (Bin(1_024, 2_048, 0), "px", "1,024 to 2,047 px"),
        (Bin(4_096, None, 0), "px", "4,096 px and more"),
        (Bin(3, 4, 0), "panels", "3 panels"),
        (Bin(2_019, 2_020, 0), YEAR, "2019"),
        (Bin(1_890, 1_895, 0), YEAR, "1890 to 1894"),
    ],
)
def test_bin_is_told_in_words(one: Bin, unit: str, text: str) -> None:
    assert range_text(one, unit) == text
