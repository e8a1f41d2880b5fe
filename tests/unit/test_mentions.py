"""Mentions: the paragraphs that link to a figure, in document order, each once."""

import pytest

from pmc15m.jats.figs import find_figs
from pmc15m.jats.links import Links
from pmc15m.jats.media import MediaIndex
from pmc15m.jats.mentions import MentionFinder
from pmc15m.jats.reader import read_article
from pmc15m.records import Mention
from tests import some

FIGS = "".join(
    f'<fig id="F{n}"><label>Figure {n}</label><caption><p>Mill {n}.</p></caption><graphic xlink:href="m{n}"/></fig>'
    for n in range(1, 6)
)


def find(body: str, figs: str = FIGS) -> dict[str, list[Mention]]:
    """Return the mentions of each fig by its id; figs that are not mentioned are left out."""
    article = read_article(some.article_xml(body + figs), 2**20)
    found = find_figs(article, MediaIndex([])).figs
    finder = MentionFinder(article, found, Links(article))
    mentions = {str(fig.fig_id or fig.ordinal): list(finder.mentions_of(fig)) for fig in found}
    return {fig_id: texts for fig_id, texts in mentions.items() if texts}


def mentioned(paragraph: str) -> set[str]:
    """Return the figs that a paragraph mentions."""
    return set(find(f"<p>{paragraph}</p>"))


def xref(rid: str, text: str = "it", kind: str = "fig") -> str:
    return f'<xref ref-type="{kind}" rid="{rid}">{text}</xref>'


def test_paragraph_is_cleaned_and_named_by_its_sections() -> None:
    body = (
        "<sec><title>Results</title><sec><title>Mills &amp; <italic>dams</italic></title>"
        f"<p>See {xref('F1', 'Figure 1')}, 10<sup>2</sup>\n years old.</p></sec></sec>"
    )
    assert find(body) == {"F1": [Mention("See Figure 1, 10^2 years old.", "Results > Mills & dams")]}


def test_paragraphs_come_in_document_order_each_once() -> None:
    one, two = xref("F1"), xref("F2")
    body = f"<p>One {two} {one}.</p><p>Two {one} {one}.</p><p>None.</p><p>Three {one}.</p>"
    found = find(body)
    assert [mention.text for mention in found["F1"]] == ["One it it.", "Two it it.", "Three it."]
    assert [mention.text for mention in found["F2"]] == ["One it it."]


def test_paragraph_without_section_has_none_and_one_in_an_abstract_says_so() -> None:
    assert find(f"<p>See {xref('F1')}.</p>") == {"F1": [Mention("See it.", None)]}
    article = some.article_xml(FIGS, meta=f"<abstract><p>See {xref('F1')}.</p></abstract>")
    root = read_article(article, 2**20)
    figs = find_figs(root, MediaIndex([])).figs
    assert MentionFinder(root, figs, Links(root)).mentions_of(figs[0]) == (Mention("See it.", "Abstract"),)


@pytest.mark.parametrize(
    "body",
    [
        "<list><list-item><p>See {}.</p></list-item></list>",
        "<boxed-text><p>See {}.</p></boxed-text>",
        "<disp-quote><p>See {}.</p></disp-quote>",
        "<statement><p>See {}.</p></statement>",
        "<p><bold>See {}.</bold></p>",
    ],
)
def test_running_text_counts_wherever_it_stands(body: str) -> None:
    assert [mention.text for mention in find(body.format(xref("F1")))["F1"]] == ["See it."]


@pytest.mark.parametrize(
    "body",
    [
        "<fig id='x'><caption><p>As {}.</p></caption></fig>",
        "<table-wrap><table><tbody><tr><td><p>{}</p></td></tr></tbody></table></table-wrap>",
        "<table-wrap><table-wrap-foot><p>{}</p></table-wrap-foot></table-wrap>",
        "<sec><title>On {}</title></sec>",
        "<fn-group><fn><p>See {}.</p></fn></fn-group>",
        "<notes><p>See {}.</p></notes>",
        "<supplementary-material><caption><p>See {}.</p></caption></supplementary-material>",
        "<sub-article article-type='translation'><body><p>Voir {}.</p></body></sub-article>",
        "<sec>Loose {}</sec>",
    ],
)
def test_links_outside_running_text_do_not_count(body: str) -> None:
    assert "F1" not in find(body.format(xref("F1")))


def test_text_of_figs_and_tables_inside_a_paragraph_is_left_out_and_what_follows_is_kept() -> None:
    table = "<table-wrap><caption><p>Table.</p></caption></table-wrap>"
    body = f"<p>See {xref('F1')}<boxed-text><p>box</p></boxed-text>{table} and after.</p>"
    assert [mention.text for mention in find(body)["F1"]] == ["See it and after."]


def test_rid_is_a_list_and_its_target_decides() -> None:
    assert mentioned(xref("F1 F3")) == {"F1", "F3"}
    assert mentioned('<xref rid="F2">it</xref>') == {"F2"}
    assert mentioned(xref("F2", kind="table")) == {"F2"}
    assert mentioned(xref("F2", kind="supplementary-material")) == {"F2"}
    assert mentioned(xref("F9")) == set()
    assert mentioned("<xref>it</xref>") == set()
    assert mentioned("Figure 1 without a link") == set()


@pytest.mark.parametrize("dash", ["-", "\u2013", "\u2014", "\u2212", " \u2013 ", " to ", "\n  \u2013\n  "])
def test_links_joined_by_a_dash_or_to_are_a_range(dash: str) -> None:
    assert mentioned(f"{xref('F1')}{dash}{xref('F4')}") == {"F1", "F2", "F3", "F4"}


@pytest.mark.parametrize("between", [", ", " and ", "; ", " up to ", " versus ", "-x-", ""])
def test_links_joined_otherwise_are_no_range(between: str) -> None:
    assert mentioned(f"{xref('F1')}{between}{xref('F4')}") == {"F1", "F4"}


def test_range_may_be_in_bold() -> None:
    assert mentioned(f"<bold>{xref('F1')}</bold>\u2013<bold>{xref('F3')}</bold>") == {"F1", "F2", "F3"}


def test_range_does_not_cross_paragraphs() -> None:
    assert set(find(f"<p>{xref('F1')}</p>-<p>{xref('F4')}</p>")) == {"F1", "F4"}


def test_range_holds_figs_of_the_same_kind_of_label_only() -> None:
    figs = "".join(
        f'<fig id="{fig_id}"><label>{label}</label><caption><p>x</p></caption></fig>'
        for fig_id, label in (("F1", "Figure 1"), ("S2", "Scheme 2"), ("F2", "Fig. 2"), ("F3", "FIGURE 3"))
    )
    assert set(find(f"<p>{xref('F1')}-{xref('F3')}</p>", figs)) == {"F1", "F2", "F3"}
    assert set(find(f"<p>{xref('F1')}-{xref('S2')}</p>", figs)) == {"F1", "S2"}


def test_label_of_thousands_of_digits_is_no_crash() -> None:
    figs = f'<fig id="F1"><label>Figure {"9" * 5_000}</label></fig><fig id="F2"><label>Figure 2</label></fig>'
    assert set(find(f"<p>{xref('F2')}-{xref('F1')}</p>", figs)) == {"F1", "F2"}


def test_link_to_a_group_mentions_every_child() -> None:
    group = f'<fig-group id="G1">{FIGS}</fig-group>'
    assert set(find(f"<p>{xref('G1')}</p>", group)) == {"F1", "F2", "F3", "F4", "F5"}


def test_link_to_a_graphic_mentions_its_fig() -> None:
    fig = '<fig id="F1"><caption><p>x</p></caption><graphic id="g1" xlink:href="m1"/></fig>'
    assert set(find(f"<p>{xref('g1')}</p>", fig)) == {"F1"}


def test_id_that_is_used_twice_means_the_fig_of_the_same_part() -> None:
    reply = f'<sub-article article-type="reply"><body><p>Here {xref("F1")}.</p><fig id="F1"/></body></sub-article>'
    article = f"<article><body><p>There {xref('F1')}.</p><fig id='F1'/></body>{reply}</article>"
    root = read_article(article.encode(), 2**20)
    figs = find_figs(root, MediaIndex([])).figs
    finder = MentionFinder(root, figs, Links(root))
    assert [[mention.text for mention in finder.mentions_of(fig)] for fig in figs] == [["There it."], ["Here it."]]


def test_article_without_figs_has_no_mentions() -> None:
    assert find(f"<p>{xref('F1')}</p>", "") == {}
