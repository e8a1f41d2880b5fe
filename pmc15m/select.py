"""Which articles are taken at all: by licence before the XML is read, by what the XML says after."""

from pmc15m.config import SelectConfig
from pmc15m.records import Article, Package

EVERYTHING = SelectConfig()
"""Selects by nothing."""


def why_not_licensed(package: Package, select: SelectConfig) -> str:
    """Return why an article is not wanted by the licence that its metadata names; "" where it is."""
    if select.licenses and package.license not in select.licenses:
        return f"{package.license}; wanted: {', '.join(select.licenses)}"
    return ""


def why_not_selected(article: Article, select: SelectConfig) -> str:
    """Return why an article is not wanted by year, journal or type; "" where it is."""
    if select.year_from and (article.year is None or article.year < select.year_from):
        return f"year {article.year}; wanted: from {select.year_from}"
    if select.year_to and (article.year is None or article.year > select.year_to):
        return f"year {article.year}; wanted: to {select.year_to}"
    if select.journals and (article.journal or "").casefold() not in map(str.casefold, select.journals):
        return f"journal {article.journal!r} is not wanted"
    if select.article_types and article.article_type not in select.article_types:
        return f"article type {article.article_type!r} is not wanted"
    return ""
