"""Selection: what is asked for goes on, the rest is said why."""

import pytest

from pmc15m.config import SelectConfig
from pmc15m.select import EVERYTHING, why_not_licensed, why_not_selected
from tests.some import article, package


@pytest.mark.parametrize(
    ("select", "why"),
    [
        (EVERYTHING, ""),
        (SelectConfig(year_from=2019, year_to=2019), ""),
        (SelectConfig(year_from=2020), "year 2019; wanted: from 2020"),
        (SelectConfig(year_to=2018), "year 2019; wanted: to 2018"),
        (SelectConfig(journals=("JOURNAL of mills", "Other")), ""),
        (SelectConfig(journals=("Other",)), "journal 'Journal of Mills' is not wanted"),
        (SelectConfig(article_types=("research-article",)), ""),
        (SelectConfig(article_types=("review-article",)), "article type 'research-article' is not wanted"),
    ],
)
def test_an_article_is_selected_by_what_its_xml_says(select: SelectConfig, why: str) -> None:
    assert why_not_selected(article(), select) == why


def test_an_unknown_year_is_not_in_any_range() -> None:
    assert why_not_selected(article(year=None), SelectConfig(year_from=1)) == "year None; wanted: from 1"
    assert why_not_selected(article(year=None), SelectConfig(year_to=2100)) == "year None; wanted: to 2100"


def test_a_licence_is_selected_by_the_metadata() -> None:
    assert why_not_licensed(package(license="CC BY-NC"), EVERYTHING) == ""
    assert why_not_licensed(package(license="CC BY"), SelectConfig(licenses=("CC BY",))) == ""
    assert why_not_licensed(package(license="none"), SelectConfig(licenses=("CC BY",))) == "none; wanted: CC BY"
