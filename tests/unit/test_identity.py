"""Article identity: what is linked, and whose pairs are dropped for whom."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pmc15m.curate.clusters import components
from pmc15m.curate.identity import IDENTITY_KINDS, ArticleFacts, find_identities, title_digest

TITLE = title_digest("Water mills of the northern valleys")
OTHER = title_digest("Wind mills of the southern coast")


def facts(number: int, **changes: Any) -> ArticleFacts:
    made = ArticleFacts(
        pmcid=f"PMC{number}",
        doi=None,
        title_digest=None,
        first_author=None,
        related=(),
        is_preprint=False,
        is_manuscript=False,
        num_pairs=3,
    )
    return replace(made, **changes)


def linked(*articles: ArticleFacts) -> dict[str, list[list[int]]]:
    """Return the edges of every kind that has some."""
    edges = find_identities(articles).edges
    assert set(edges) == set(IDENTITY_KINDS)
    assert all(pairs.dtype == np.int64 and pairs.shape[1] == 2 for pairs in edges.values())
    return {kind: pairs.tolist() for kind, pairs in edges.items() if pairs.size}


def superseded(*articles: ArticleFacts) -> dict[str, str]:
    """Return who is dropped for whom, by pmcid."""
    found = find_identities(articles).superseded
    return {articles[dropped].pmcid: articles[kept].pmcid for dropped, kept in found.items()}


# --- titles and DOIs ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "title",
    [
        "WATER MILLS of the Northern Valleys",
        "Water mills of the northern valleys.",
        "Water-mills of the “northern” valleys",
        "Wäter mills of the nórthern valleys",
        "  Water\u00a0mills\nof the northern valleys†",
    ],
)
def test_titles_are_equal_but_for_case_accents_and_punctuation(title: str) -> None:
    assert title_digest(title) == TITLE


@pytest.mark.parametrize("title", ["Water mills of the northern valley", "Water mills of the northern valleys 2"])
def test_titles_of_other_words_differ(title: str) -> None:
    assert title_digest(title) not in {TITLE, None}


@pytest.mark.parametrize("title", [None, "", "Editorial", "Author Correction", "Mills of the north", "— . — . —"])
def test_short_title_identifies_nothing(title: str | None) -> None:
    assert title_digest(title) is None


@pytest.mark.parametrize(
    "doi", ["10.5555/Mill.7", "https://doi.org/10.5555/mill.7", "doi: 10.5555/MILL.7", "10.5555/mill.7."]
)
def test_doi_is_the_same_however_it_is_written(doi: str) -> None:
    assert linked(facts(2, doi="10.5555/mill.7"), facts(9, doi=doi)) == {"same_doi": [[0, 1]]}


def test_version_of_a_preprint_is_no_other_doi_and_elsewhere_it_is() -> None:
    assert linked(facts(1, doi="10.1101/2020.01.02.345v1"), facts(2, doi="10.1101/2020.01.02.345v2"))
    assert not linked(facts(1, doi="10.5555/mill1v1"), facts(2, doi="10.5555/mill1v2"))


@pytest.mark.parametrize("doi", ["", "n/a", "none", "10.5555"])
def test_what_is_no_doi_links_nothing(doi: str) -> None:
    assert linked(facts(1, doi=doi), facts(2, doi=doi)) == {}


# --- one DOI --------------------------------------------------------------------------------------


def test_manuscript_is_dropped_for_the_article_of_the_publisher() -> None:
    manuscript = facts(5, doi="10.5555/a", is_manuscript=True)
    assert superseded(manuscript, facts(9, doi="10.5555/a")) == {"PMC5": "PMC9"}


def test_of_two_of_one_doi_the_smaller_number_is_kept() -> None:
    assert superseded(facts(10, doi="10.5555/a"), facts(9, doi="10.5555/a")) == {"PMC10": "PMC9"}


def test_article_without_pairs_replaces_nothing_and_is_linked() -> None:
    pair = facts(5, doi="10.5555/a", is_manuscript=True), facts(9, doi="10.5555/a", num_pairs=0)
    assert superseded(*pair) == {}
    assert linked(*pair) == {"same_doi": [[0, 1]]}


def test_one_doi_on_other_title_and_other_author_is_a_mistake_and_drops_nothing() -> None:
    mill = facts(1, doi="10.5555/a", title_digest=TITLE, first_author="Miller")
    for title, author, is_work in [(OTHER, "Smith", False), (OTHER, "Miller", True), (TITLE, "Smith", True)]:
        other = facts(2, doi="10.5555/a", title_digest=title, first_author=author)
        assert bool(superseded(mill, other)) == is_work
        assert linked(mill, other)["same_doi"] == [[0, 1]]


def test_doi_of_a_whole_supplement_links_and_drops_nothing() -> None:
    articles = [facts(n, doi="10.5555/supplement") for n in (7, 3, 4, 5, 6)]
    assert superseded(*articles) == {}
    assert linked(*articles) == {"same_doi": [[0, 1], [1, 2], [1, 3], [1, 4]]}
    assert len(superseded(*articles[:4])) == 3


# --- one title ------------------------------------------------------------------------------------


def test_one_title_and_author_link_and_either_alone_does_not() -> None:
    mill = facts(1, title_digest=TITLE, first_author="Müller")
    assert linked(mill, facts(2, title_digest=TITLE, first_author="MULLER")) == {"same_title": [[0, 1]]}
    assert linked(mill, facts(2, title_digest=TITLE, first_author="Miller")) == {}
    assert linked(mill, facts(2, title_digest=OTHER, first_author="Müller")) == {}
    assert linked(facts(1, title_digest=TITLE), facts(2, title_digest=TITLE)) == {}
    assert linked(facts(1, first_author="Müller"), facts(2, first_author="Müller")) == {}


def test_preprint_is_dropped_for_the_article_of_its_title() -> None:
    preprint = facts(1, title_digest=TITLE, first_author="Miller", doi="10.1101/1", is_preprint=True)
    article = facts(2, title_digest=TITLE, first_author="Miller", doi="10.5555/a")
    assert superseded(preprint, article) == {"PMC1": "PMC2"}


def test_manuscript_of_no_other_doi_is_dropped_for_the_article_of_its_title() -> None:
    article = facts(2, title_digest=TITLE, first_author="Miller", doi="10.5555/a")
    for doi, is_dropped in [(None, True), ("10.5555/A", True), ("10.5555/b", False)]:
        assert bool(superseded(article, replace(article, pmcid="PMC1", doi=doi, is_manuscript=True))) == is_dropped


def test_twins_of_one_title_are_linked_and_keep_their_figures() -> None:
    twins = [facts(n, title_digest=TITLE, first_author="Miller", doi=f"10.5555/{n}") for n in (1, 2)]
    assert linked(*twins) == {"same_title": [[0, 1]]}
    assert superseded(*twins) == {}


def test_series_of_one_title_is_linked_and_drops_nothing() -> None:
    series = [facts(n, title_digest=TITLE, first_author="Miller", is_preprint=n == 1) for n in range(1, 6)]
    assert linked(*series) == {"same_title": [[0, 1], [0, 2], [0, 3], [0, 4]]}
    assert superseded(*series) == {}
    assert superseded(*series[:4]) == {"PMC1": "PMC2"}


# --- named ids ------------------------------------------------------------------------------------


@pytest.mark.parametrize("names", [("doi:10.5555/b", None), (None, "doi:10.1101/a"), ("pmcid:PMC9", None)])
def test_preprint_and_article_find_each_other_whoever_names_the_other(names: tuple[str | None, str | None]) -> None:
    mine, theirs = ((name,) if name else () for name in names)
    preprint = facts(3, doi="10.1101/a", related=mine, is_preprint=True, title_digest=TITLE, first_author="Miller")
    article = facts(9, doi="10.5555/b", related=theirs, title_digest=OTHER, first_author="Miller")
    assert linked(preprint, article) == {"related": [[0, 1]]}
    assert superseded(preprint, article) == {"PMC3": "PMC9"}
    stranger = replace(article, first_author="Smith")
    assert linked(preprint, stranger) == {"related": [[0, 1]]}
    assert superseded(preprint, stranger) == {}


def test_articles_that_name_one_preprint_are_linked_where_it_is_not_there() -> None:
    twins = [facts(n, doi=f"10.5555/{n}", related=("doi:10.1101/a",)) for n in (1, 2)]
    assert linked(*twins) == {"related": [[0, 1]]}
    assert superseded(*twins) == {}


def test_two_articles_of_one_preprint_do_not_drop_each_other() -> None:
    preprint = facts(1, doi="10.1101/a", is_preprint=True)
    articles = [facts(n, doi=f"10.5555/{n}", related=("doi:10.1101/a",)) for n in (8, 7)]
    assert superseded(preprint, *articles) == {"PMC1": "PMC7"}


def test_preprint_of_a_manuscript_is_dropped_for_what_replaces_the_manuscript() -> None:
    preprint = facts(1, doi="10.1101/a", is_preprint=True)
    manuscript = facts(2, doi="10.5555/b", is_manuscript=True, related=("doi:10.1101/a",))
    assert superseded(preprint, manuscript, facts(3, doi="10.5555/b")) == {"PMC1": "PMC3", "PMC2": "PMC3"}


def test_chain_of_any_length_ends_at_the_one_that_is_kept() -> None:
    preprints = [facts(1, doi="10.1101/a", is_preprint=True, related=("pmcid:PMC3",)), facts(2, doi="10.1101/a")]
    preprints[1] = replace(preprints[1], is_preprint=True)
    manuscript, article = facts(3, doi="10.5555/b", is_manuscript=True), facts(4, doi="10.5555/b")
    assert superseded(*preprints, manuscript, article) == {"PMC1": "PMC4", "PMC2": "PMC4", "PMC3": "PMC4"}


def test_article_that_names_itself_or_nobody_is_alone() -> None:
    assert linked(facts(1, related=("pmcid:PMC1",)), facts(2, related=("pmcid:PMC3", "doi:10.5555/x"))) == {}
    assert linked() == {}


# --- laws -----------------------------------------------------------------------------------------

dois = st.sampled_from([None, "10.5555/a", "10.5555/b", "10.1101/c"])
many = st.lists(
    st.builds(
        ArticleFacts,
        pmcid=st.integers(1, 99).map("PMC{}".format),
        doi=dois,
        title_digest=st.sampled_from([None, TITLE, OTHER]),
        first_author=st.sampled_from([None, "Miller", "Smith"]),
        related=st.lists(st.sampled_from(["doi:10.5555/a", "doi:10.1101/c", "pmcid:PMC7"]), max_size=1).map(tuple),
        is_preprint=st.booleans(),
        is_manuscript=st.booleans(),
        num_pairs=st.integers(0, 2),
    ),
    max_size=9,
    unique_by=lambda article: article.pmcid,
)


def named(articles: list[ArticleFacts]) -> tuple[object, object]:
    """Return what is found of articles, by pmcid."""
    edges = find_identities(articles).edges
    pairs = {kind: {frozenset(articles[i].pmcid for i in pair) for pair in edges[kind]} for kind in edges}
    return pairs, superseded(*articles)


@given(many, st.randoms(use_true_random=False))
def test_order_of_the_articles_does_not_matter(articles: list[ArticleFacts], random: Any) -> None:
    shuffled = random.sample(articles, len(articles))
    assert named(shuffled) == named(articles)


@given(many)
def test_whoever_is_dropped_is_linked_to_one_that_is_kept_and_has_pairs(articles: list[ArticleFacts]) -> None:
    found = find_identities(articles)
    pairs = np.concatenate(list(found.edges.values()))
    work = components(len(articles), pairs[:, 0], pairs[:, 1])
    for dropped, kept in found.superseded.items():
        assert kept not in found.superseded
        assert articles[kept].num_pairs
        assert work[dropped] == work[kept]
        assert articles[kept].is_preprint <= articles[dropped].is_preprint


@given(many)
def test_article_of_its_own_changes_nothing(articles: list[ArticleFacts]) -> None:
    stranger = facts(100, doi="10.9999/x", title_digest=b"x" * 16, first_author="Nobody")
    assert named([stranger, *articles]) == named(articles)


@given(many.map(lambda articles: articles[:4]))  # a group that was too large to be one work may be one later
def test_without_what_was_dropped_nothing_more_is_dropped(articles: list[ArticleFacts]) -> None:
    dropped = find_identities(articles).superseded
    assert superseded(*(article for index, article in enumerate(articles) if index not in dropped)) == {}
