"""Facts of an article: from the metadata where it has them, from the XML where it has not."""

from typing import Any

import pytest

from pmc15m.jats.facts import read_facts
from pmc15m.jats.links import Links
from pmc15m.jats.reader import read_article
from pmc15m.records import Article, ArticleRef
from tests import some

META = """
<article-id pub-id-type="publisher-id">mills-7</article-id>
<article-id pub-id-type="pmid"> 70 </article-id>
<article-id pub-id-type="doi">10.5555/mills.7</article-id>
<title-group><article-title>Mills of <italic>the</italic>
  north<xref ref-type="fn" rid="fn1">*</xref></article-title></title-group>
<contrib-group>
  <contrib contrib-type="author"><name><surname>Miller</surname><given-names>Ada B.</given-names></name></contrib>
  <contrib><name><surname>van der Mill</surname><given-names>Jean-Luc</given-names></name></contrib>
  <contrib contrib-type="editor"><name><surname>Editor</surname><given-names>E</given-names></name></contrib>
</contrib-group>
<pub-date pub-type="epub"><year>2020</year></pub-date>
<pub-date pub-type="ppub"><year>2019</year></pub-date>
<pub-date pub-type="pmc-release"><year>2011</year></pub-date>
"""


def facts(meta: str = META, attributes: str = 'article-type="research-article"', **of_package: Any) -> Article:
    article = read_article(some.article_xml(meta=meta, attributes=attributes), 2**20)
    return read_facts(article, some.package(**of_package), Links(article))


def with_authors(*contribs: str) -> Article:
    """Return the facts of an article that has authors and nothing else."""
    article = read_article(f"<article><front><article-meta><contrib-group>{''.join(contribs)}</contrib-group>"
                           "</article-meta></front></article>".encode(), 2**20)  # fmt: skip
    return read_facts(article, some.package(), Links(article))


def authors(*contribs: str) -> str:
    """Return the citation of such an article."""
    return with_authors(*contribs).citation


def name(surname: str, given: str = "") -> str:
    return f"<contrib><name><surname>{surname}</surname><given-names>{given}</given-names></name></contrib>"


def test_facts_come_from_the_xml_where_the_metadata_has_none() -> None:
    assert facts() == Article(
        pmcid="PMC7",
        version=1,
        doi="10.5555/mills.7",
        pmid=70,
        title="Mills of the north",
        journal="Journal of Mills",
        year=2019,
        article_type="research-article",
        citation="Miller AB, van der Mill JL. Mills of the north. Journal of Mills. 2019. doi: 10.5555/mills.7",
        article_url="https://pmc.ncbi.nlm.nih.gov/articles/PMC7/",
        first_author="Miller",
        related=(),
        is_preprint=False,
        is_manuscript=False,
    )


def test_facts_of_the_metadata_go_first() -> None:
    found = facts(doi="10.5555/better", pmid=71, title="Better mills.", citation="J Mills. 2019; 7:1.")
    assert (found.doi, found.pmid, found.title) == ("10.5555/better", 71, "Better mills.")
    assert found.citation == "Miller AB, van der Mill JL. Better mills. J Mills. 2019; 7:1"


def test_article_that_says_nothing_has_no_facts_but_its_ids() -> None:
    article = read_article(b"<article><body/></article>", 100)
    found = read_facts(article, some.package(), Links(article))
    assert found == some.article(
        doi=None, pmid=None, title=None, journal=None, year=None, article_type=None, citation="", first_author=None,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("dates", "year"),
    [
        ("", None),
        ("<pub-date><year>2019</year></pub-date>", 2019),
        ("<pub-date><year> 2019\n</year></pub-date>", 2019),
        ("<pub-date pub-type='pmc-release'><year>2019</year></pub-date>", None),
        ("<pub-date><year>in press</year></pub-date>", None),
        ("<pub-date><year>0201</year></pub-date>", None),
        ("<pub-date><year>2999</year></pub-date>", None),
        ("<pub-date><year>19</year></pub-date>", None),
        ("<pub-date><month>5</month></pub-date>", None),
        (f"<pub-date><year>{'9' * 5_000}</year></pub-date>", None),
        ("<pub-date><year>1665</year></pub-date><pub-date><year>1666</year></pub-date>", 1665),
    ],
)
def test_year_is_the_earliest_of_publication(dates: str, year: int | None) -> None:
    assert facts(dates).year == year


@pytest.mark.parametrize(
    ("text", "pmid"),
    [
        ("70", 70),
        (" 70\n", 70),
        ("", None),
        ("PMID:70", None),
        ("-1", None),
        ("9" * 18, int("9" * 18)),
        ("9" * 19, None),
        ("9" * 5_000, None),
    ],
)
def test_pmid_is_a_number_of_64_bits_or_none(text: str, pmid: int | None) -> None:
    assert facts(f'<article-id pub-id-type="pmid">{text}</article-id>').pmid == pmid


def test_citation_names_three_authors_and_says_that_there_are_more() -> None:
    assert authors(name("A", "Ann"), name("B"), name("C", "Cy D.")) == "A A, B, C CD"
    assert authors(name("A", "Ann"), name("B"), name("C"), name("D")) == "A A, B, C, et al"


def test_citation_names_a_group_of_authors() -> None:
    assert authors(name("A", "Ann"), "<contrib><collab>The Mill Group</collab></contrib>") == "A A, The Mill Group"
    assert authors("<contrib><anonymous/></contrib>", "<contrib/>") == ""


def test_journal_of_older_files_stands_outside_a_group() -> None:
    xml = b"<article><front><journal-meta><journal-title>Old Mills</journal-title></journal-meta></front></article>"
    article = read_article(xml, 2**20)
    assert read_facts(article, some.package(), Links(article)).journal == "Old Mills"


def test_preprint_under_a_made_up_pmcid_is_cited_by_its_doi() -> None:
    ref = ArticleRef("PMC900000000000123", 1, "PMC900000000000123.1")
    assert facts(ref=ref, doi="10.1101/x.1").article_url == "https://doi.org/10.1101/x.1"


def test_first_author_is_a_surname_or_a_group() -> None:
    editor = '<contrib contrib-type="editor"><name><surname>Editor</surname></name></contrib>'
    assert with_authors(editor, name("van der Mill", "Jean-Luc"), name("Stone")).first_author == "van der Mill"
    assert with_authors("<contrib><collab>The Mill Group</collab></contrib>", name("Stone")).first_author == (
        "The Mill Group"
    )
    assert with_authors("<contrib><anonymous/></contrib>").first_author is None


def link(kind: str, href: str, more: str = 'ext-link-type="doi"', tag: str = "related-article") -> str:
    return f'<{tag} related-article-type="{kind}" xlink:href="{href}" {more}/>'


def history(events: str, kind: str = "") -> str:
    return f'<pub-history><event event-type="{kind}">{events}</event></pub-history>'


def uri(kind: str, href: str) -> str:
    return f'<self-uri content-type="{kind}" xlink:href="{href}"/>'


def event_id(doi: str, more: str = "") -> str:
    return f'<article-id pub-id-type="doi" {more}>{doi}</article-id>'


@pytest.mark.parametrize(
    ("meta", "related"),
    [
        ("", ()),
        (link("preprint", "10.1101/2020.01.02.003"), ("doi:10.1101/2020.01.02.003",)),
        (link("Preprint", "https://doi.org/10.1101/2020.01.02.003V2."), ("doi:10.1101/2020.01.02.003",)),
        (link("preprint", "info:doi/10.5555/A.v2"), ("doi:10.5555/a.v2",)),
        (link("published-article", "PMC12", 'ext-link-type="pmc"'), ("pmcid:PMC12",)),
        (link("version-of-record", "0012", 'ext-link-type="pmcid"'), ("pmcid:PMC12",)),
        (link("article-version", "https://pmc.ncbi.nlm.nih.gov/articles/PMC12/", ""), ("pmcid:PMC12",)),
        (link("preprint", "70", 'ext-link-type="pubmed"'), ()),
        (link("preprint", "https://preprints.example/1", 'ext-link-type="uri"'), ()),
        (link("preprint", "10.5555/b") + link("preprint", "10.5555/a"), ("doi:10.5555/a", "doi:10.5555/b")),
        (link("preprint", "10.5555/a") + link("preprint", "10.5555/A"), ("doi:10.5555/a",)),
        *((link(kind, "10.5555/a"), ()) for kind in (
            "commentary", "corrected-article", "retracted-article", "companion", "article-reference",
            "peer-reviewed-article", "letter", "",
        )),
        ('<related-object content-type="preprint" document-id="10.5555/a"/>', ("doi:10.5555/a",)),
        ('<related-object content-type="generated-dataset" document-id="10.5555/a"/>', ()),
        (history(uri("preprint", "https://doi.org/10.1101/1") + uri("pdf", "10.1101/2")), ("doi:10.1101/1",)),
        (history(event_id("10.1101/3"), "pre-print"), ("doi:10.1101/3",)),
        (history(event_id("10.1101/4"), "pmc-live"), ()),
        (event_id("10.5555/a") + event_id("10.5555/a.2", 'specific-use="version"'), ("doi:10.5555/a.2",)),
    ],
)  # fmt: skip
def test_related_are_other_ids_of_the_same_work(meta: str, related: tuple[str, ...]) -> None:
    assert facts(meta).related == related


def test_article_is_not_related_to_itself() -> None:
    itself = link("preprint", "10.5555/SELF") + link("article-version", "PMC7", 'ext-link-type="pmc"')
    assert facts(itself, doi="10.5555/self").related == ()


def test_links_of_a_review_in_a_sub_article_are_not_the_articles() -> None:
    xml = some.article_xml().replace(
        b"</article>",
        f"<sub-article><front-stub>{link('preprint', '10.5555/a')}</front-stub></sub-article></article>".encode(),
    )
    article = read_article(xml, 2**20)
    assert read_facts(article, some.package(), Links(article)).related == ()


def test_preprint_is_one_by_its_type_its_property_or_its_made_up_pmcid() -> None:
    prop = (
        "<custom-meta-group><custom-meta><meta-name>pmc-prop-preprint</meta-name><meta-value>{}</meta-value>"
        "</custom-meta></custom-meta-group>"
    )
    assert not facts().is_preprint
    assert facts(attributes='article-type="preprint"').is_preprint
    assert facts(prop.format("yes")).is_preprint
    assert not facts(prop.format("no")).is_preprint
    assert facts(ref=ArticleRef("PMC900000000000123", 1, "PMC900000000000123.1"), doi="10.1101/x.1").is_preprint


def test_manuscript_is_one_by_the_metadata() -> None:
    assert facts(is_manuscript=True).is_manuscript
    assert not facts().is_manuscript
