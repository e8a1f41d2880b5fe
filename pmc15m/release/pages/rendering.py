"""Templates to HTML. Captions and names are the words of strangers: all that is not ours is escaped.

No script, no style and no data stand in a page, and its content-security policy forbids them; what a
link leads to is a web address or it is no link.
"""

import re
from collections.abc import Mapping
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from pmc15m.licenses import LICENSE_CLASSES
from pmc15m.release.pages.charts import PLOT_HEIGHT_PX, percent, range_text, share
from pmc15m.release.pages.meanings import CROSSINGS, FLAGS, LANGUAGES, MEANINGS

STYLE = "style.css"
PAGES = {
    "index": "Overview",
    "samples": "Samples",
    "rejects": "Rejects",
    "licences": "Licences",
    "journals": "Journals and years",
    "images": "Images and captions",
    "languages": "Languages",
    "duplicates": "Duplicates",
    "splits": "Splits and leaks",
}
"""Stem of each page's file, and its title, in the order of the menu."""

_WEB = re.compile(r"https?://[^\s\x00-\x20\x7f]+\Z")
_PMCID = re.compile(r"PMC[1-9]\d*")


def render_pages(contents: Mapping[str, Any]) -> dict[str, bytes]:
    """Return the pages by the name of their file, and their style.

    Args:
        contents: what the templates ask for; a name that they do not find is an error.
    """
    environment = _environment()
    pages = {
        f"{name}.html": environment.get_template(f"{name}.html").render(contents, page=name).encode() for name in PAGES
    }
    source, _, _ = environment.loader.get_source(environment, STYLE)  # type: ignore[union-attr]  # it has one
    return {**pages, STYLE: source.encode()}


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("pmc15m.release.pages"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters.update(
        count="{:,}".format,
        percent=percent,
        share=share,
        web=web_address,
        article=article_address,
        meaning=lambda reason: MEANINGS.get(reason, ""),
        flag=lambda name: FLAGS.get(name, ""),
        crossing=lambda name: CROSSINGS.get(name, ""),
        language=lambda code: LANGUAGES.get(code, code),
    )
    environment.globals.update(
        pages=PAGES, plot_height_px=PLOT_HEIGHT_PX, license_classes=LICENSE_CLASSES, range_text=range_text
    )
    return environment


def web_address(text: str | None) -> str | None:
    """Return an address that a link may lead to: http or https, and nothing that could be a script."""
    return text if text is not None and _WEB.match(text) else None


def article_address(key: str) -> str | None:
    """Return where the article of a key is read, or None of what is no key: an index row."""
    found = _PMCID.match(key)
    return f"https://pmc.ncbi.nlm.nih.gov/articles/{found[0]}/" if found else None
