"""Lists of PMCIDs: every usual form is read, and what is none is refused with its line."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pmc15m.acquire.pmcids import Wanted, parse_pmcid, read_pmcids


@pytest.mark.parametrize(
    "text",
    [
        "PMC4991227",
        "pmc4991227",
        "4991227",
        "  PMC4991227\r",
        "https://pmc.ncbi.nlm.nih.gov/articles/PMC4991227/",
        "https://pmc.ncbi.nlm.nih.gov/articles/PMC4991227",
        "https://www.ncbi.nlm.nih.gov/pmc/articles/PMC4991227/?report=classic",
        "https://www.ncbi.nlm.nih.gov/pmc/articles/PMC4991227/pdf/",
        "https://pmc.ncbi.nlm.nih.gov/articles/PMC4991227/pdf/nutrients-08-00377.pdf",
        "https://pmc.ncbi.nlm.nih.gov/articles/PMC4991227/table/1/",
        "https://pmc.ncbi.nlm.nih.gov/articles/PMC4991227/figure/F2/",
        "pmc.ncbi.nlm.nih.gov/articles/pmc4991227/",
        "oa_package/08/e0/PMC4991227.tar.gz",
        "metadata/PMC4991227.json",
    ],
)
def test_article_is_named_in_many_ways(text: str) -> None:
    assert parse_pmcid(text) == Wanted("PMC4991227", None)


@pytest.mark.parametrize(
    "text",
    [
        "PMC4991227.2",
        "4991227.2",
        "s3://pmc-oa-opendata/PMC4991227.2/PMC4991227.2.xml?md5=59da354482d87d6365799de6d45538d5",
        "https://pmc-oa-opendata.s3.amazonaws.com/metadata/PMC4991227.2.json",
        "https://pmc.ncbi.nlm.nih.gov/articles/PMC4991227.2/",
    ],
)
def test_version_may_be_named_too(text: str) -> None:
    assert parse_pmcid(text) == Wanted("PMC4991227", 2)


@pytest.mark.parametrize(
    "text",
    [
        "", "PMC", "PMC0", "PMC0123", "0", "PMC12x", "PMID:123", "PMC123.0", "PMC123.", "PMC123.1.2", "PMC-123", "-5",
        "1e6", "PMC\u0661\u0662", "\u0661\u0662", "\ufeffPMC", "10.1371/journal.pone.0046493", "https://doi.org/10.1371/123/",
        "https://pubmed.ncbi.nlm.nih.gov/25964207/", "https://pmc.ncbi.nlm.nih.gov/articles/123/", "a/b/12",
        "https://example.org/XPMC123/", f"PMC{'9' * 17}",
    ],
)  # fmt: skip
def test_what_is_no_pmcid_is_refused_with_what_it_says(text: str) -> None:
    with pytest.raises(ValueError, match=r"is no PMCID: wanted PMC123, 123, PMC123\.2 or a URL") as refused:
        parse_pmcid(text)
    assert repr(text) in str(refused.value)


def test_list_has_lines_commas_blanks_and_comments() -> None:
    text = (
        "# of mills\nPMC1, PMC2;3\t4.2\n\n   PMC5.1   # the wheel\r\nhttps://pmc.ncbi.nlm.nih.gov/articles/PMC6/#F1\n"
    )
    assert list(read_pmcids(text)) == [
        Wanted("PMC1", None),
        Wanted("PMC2", None),
        Wanted("PMC3", None),
        Wanted("PMC4", 2),
        Wanted("PMC5", 1),
        Wanted("PMC6", None),
    ]


def test_what_stands_twice_is_wanted_once() -> None:
    assert list(read_pmcids("PMC1 1 pmc1 PMC1.1 x/PMC1.1/")) == [Wanted("PMC1", None), Wanted("PMC1", 1)]


def test_list_of_nothing_is_empty() -> None:
    assert list(read_pmcids("")) == list(read_pmcids("# nothing\n\n , ;\n")) == []


def test_line_of_a_word_that_is_none_is_told() -> None:
    with pytest.raises(ValueError, match=r"^line 3: 'PMCID' is no PMCID"):
        list(read_pmcids("PMC1\n\nPMC2, PMCID\n"))


@given(
    st.integers(1, 10**15), st.none() | st.integers(1, 9_999), st.sampled_from(["{}", "PMC{}", "x/PMC{}/", "/pmc{}"])
)
def test_any_number_is_read_back(number: int, version: int | None, form: str) -> None:
    word = form.format(number if version is None else f"{number}.{version}")
    assert parse_pmcid(word) == Wanted(f"PMC{number}", version)


@given(st.text(max_size=40))
def test_any_text_is_a_pmcid_or_refused(text: str) -> None:
    try:
        wanted = parse_pmcid(text)
    except ValueError:
        return
    assert wanted.pmcid.removeprefix("PMC").isascii()
    assert wanted.pmcid.removeprefix("PMC") in text
