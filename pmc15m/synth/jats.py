"""Pieces of JATS that several house styles share."""

import html
from collections.abc import Callable

from pmc15m.synth.plan import Caption, Facts, Fig, Graphic, Plan, Role
from pmc15m.synth.rich import Rich

XLINK = 'xmlns:xlink="http://www.w3.org/1999/xlink"'
MATHML = 'xmlns:mml="http://www.w3.org/1998/Math/MathML"'
ELECTRONIC = 'publication-format="electronic" date-type'
ALI = 'xmlns:ali="http://www.niso.org/schemas/ali/1.0/"'
DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n'
ENTITIES = {
    "\u00a0": "nbsp",
    "\u00ad": "shy",
    "\u00b0": "deg",
    "\u00b1": "plusmn",
    "\u00b5": "micro",
    "\u00d8": "Oslash",
    "\u00e9": "eacute",
    "\u00fc": "uuml",
    "\u03b1": "alpha",
    "\u03b2": "beta",
    "\u03bb": "lambda",
    "\u2009": "thinsp",
    "\u2013": "ndash",
    "\u2014": "mdash",
    "\u2212": "minus",
}
"""Characters that the style with named entities writes by name."""


def encode(xml: str, charset: str) -> bytes:
    """Return the bytes of an article: characters as they are, by number, or by name."""
    if charset == "utf8":
        return xml.encode()
    if charset == "entities":
        for character, name in ENTITIES.items():
            xml = xml.replace(character, f"&{name};")
    return xml.encode("ascii", "xmlcharrefreplace")


def ids(facts: Facts, pmc_form: str) -> str:
    """Return the article-ids; `pmc_form` is "pmcid" (with prefix) or "pmc" (bare digits, before 2024)."""
    value = facts.pmcid if pmc_form == "pmcid" else facts.pmcid.removeprefix("PMC")
    pmid = f'<article-id pub-id-type="pmid">{facts.pmid}</article-id>' if facts.pmid else ""
    manuscript = f'<article-id pub-id-type="manuscript-id">{facts.mid}</article-id>' if facts.is_manuscript else ""
    return (
        f'<article-id pub-id-type="{pmc_form}">{value}</article-id>{pmid}'
        f'<article-id pub-id-type="doi">{facts.doi}</article-id>{manuscript}'
    )


def related(facts: Facts) -> str:
    """Return the link to another form of the work, "" for none."""
    kind, doi = facts.related
    if not doi:
        return ""
    attributes = f'related-article-type="{kind}" ext-link-type="doi" id="RA1"'
    return f'<related-article {XLINK} {attributes} xlink:href="{doi}"/>'


def front(facts: Facts, pmc_form: str, dates: str, rights: str, abstracts: str, more_ids: str = "") -> str:
    """Return the front matter.

    Args:
        facts: of the article.
        pmc_form: form of the pmcid, see `ids`.
        dates: the pub-dates.
        rights: content of `permissions`.
        abstracts: one abstract element, or more.
        more_ids: elements behind the article-ids.
    """
    return (
        f"<front>{journal_meta(facts)}<article-meta>{ids(facts, pmc_form)}{more_ids}{title_group(facts)}"
        f"{contributors(facts)}{dates}{place(facts)}{history(facts)}<permissions>{rights}</permissions>{related(facts)}{abstracts}"
        "</article-meta></front>"
    )


def article(facts: Facts, attributes: str, content: str) -> str:
    """Return the root element."""
    return f'<article {attributes} article-type="{facts.article_type}">{content}</article>'


def link(url: str) -> str:
    """Return an ext-link that shows its own URL."""
    return f'<ext-link ext-link-type="uri" xlink:href="{url}">{url}</ext-link>'


def journal_meta(facts: Facts) -> str:
    """Return journal-meta in the form since NLM 3.0."""
    journal = facts.journal
    return (
        f'<journal-meta><journal-id journal-id-type="nlm-ta">{journal.abbreviation}</journal-id>'
        f'<journal-id journal-id-type="publisher-id">{journal.slug}</journal-id>'
        f"<journal-title-group><journal-title>{journal.name}</journal-title></journal-title-group>"
        f'<issn pub-type="epub">0000-{len(journal.name):04d}</issn>'
        f"<publisher><publisher-name>{journal.publisher}</publisher-name></publisher></journal-meta>"
    )


def title_group(facts: Facts) -> str:
    """Return the title."""
    return f"<title-group><article-title>{facts.title.xml}</article-title></title-group>"


def contributors(facts: Facts) -> str:
    """Return the authors."""
    names = "".join(
        f'<contrib contrib-type="author"><name><surname>{surname}</surname><given-names>{given}</given-names></name>'
        "</contrib>"
        for surname, given in facts.authors
    )
    return f"<contrib-group>{names}</contrib-group>"


def pub_date(facts: Facts, kind: str, attribute: str = "pub-type") -> str:
    """Return the full date of publication."""
    return date("pub-date", f'{attribute}="{kind}"', facts.year, facts.month, facts.day)


def pub_year(kind: str, year: int, month: int = 0) -> str:
    """Return a pub-date without a day."""
    return date("pub-date", f'pub-type="{kind}"', year, month)


def date(tag: str, attributes: str, year: int, month: int = 0, day: int = 0) -> str:
    """Return a date element."""
    parts = (f"<day>{day}</day>" if day else "") + (f"<month>{month}</month>" if month else "")
    return f"<{tag} {attributes}>{parts}<year>{year}</year></{tag}>"


def history(facts: Facts) -> str:
    """Return the dates before publication: the year before, and no year of publication."""
    received = date("date", 'date-type="received"', facts.year - 1, facts.month, facts.day)
    accepted = date("date", 'date-type="accepted"', facts.year, facts.month, 1)
    return f"<history>{received}{accepted}</history>"


def place(facts: Facts) -> str:
    """Return volume, issue and number."""
    return f"<volume>{facts.volume}</volume><issue>{facts.month}</issue><elocation-id>{facts.eloc}</elocation-id>"


def references(plan: Plan) -> str:
    """Return the reference list."""
    rows = "".join(
        f'<ref id="B{n}"><label>{n}</label><mixed-citation>{html.escape(text, quote=False)}</mixed-citation></ref>'
        for n, text in enumerate(plan.references, 1)
    )
    return f"<ref-list><title>References</title>{rows}</ref-list>"


def caption(value: Caption | None, list_type: str = "simple") -> str:
    """Return the caption element, "" for none."""
    if value is None:
        return ""
    title = f"<title>{value.title.xml}</title>" if value.title else ""
    blocks = "".join(f"<p>{block.xml}</p>" for block in value.blocks)
    if value.items:
        rows = "".join(f"<list-item><label>{label}</label><p>{item.xml}</p></list-item>" for label, item in value.items)
        blocks += f'<p><list list-type="{list_type}">{rows}</list></p>'
    if value.doi_block:
        blocks += f"<p>{value.doi_block}</p>"
    return f"<caption>{title}{blocks}</caption>"


def label(fig: Fig) -> str:
    """Return the label element, "" for none."""
    return f"<label>{fig.label}</label>" if fig.label else ""


def graphic(value: Graphic, attributes: str = "") -> str:
    """Return one graphic element."""
    return f'<graphic {attributes and attributes + " "}xlink:href="{value.href}"/>'


def graphics(fig: Fig, attributes: str = "") -> str:
    """Return the graphics of a fig, one after another."""
    return "".join(graphic(value, attributes) for value in fig.graphics)


def main_figs(plan: Plan) -> list[Fig]:
    """Return the numbered figs that are nobody's children."""
    return [fig for fig in plan.figs if fig.slot.role == Role.MAIN]


def body(plan: Plan, blocks: dict[str, str], wrap: Callable[[Rich, str], str] | None = None) -> str:
    """Return the sections, each block behind the first paragraph that links to one of its figs.

    Args:
        plan: the article.
        blocks: XML by the id of a fig; what no paragraph links to goes to the end of Results.
        wrap: sets a paragraph and its blocks, if not as `<p>` and blocks behind it.
    """
    left, parts = dict(blocks), []
    for section in plan.sections:
        parts.append(f"<sec><title>{section.title}</title>")
        for paragraph in section.paragraphs:
            here = "".join(left.pop(fig_id) for fig_id in paragraph.fig_ids if fig_id in left)
            parts.append(wrap(paragraph.rich, here) if wrap else f"<p>{paragraph.rich.xml}</p>{here}")
        if section.title == "Results":
            parts += left.values()
            left = {}
        parts.append("</sec>")
    return f"<body>{''.join(parts)}</body>"
