"""What a release says of itself: README.md, croissant.json, CITATION.cff and the tables of attribution.

All numbers are those of the run, all thresholds those of its config, all texts those of
templates/rai.toml.j2, which card and Croissant share. No date is today's: it is the config's, or that of the
inventory, or there is none.
"""

import json
import re
import tomllib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from pmc15m import __version__
from pmc15m.config import DatasetConfig, SelectConfig
from pmc15m.release.attribution import Credits, write_attribution
from pmc15m.release.croissant import CROISSANT, croissant_json
from pmc15m.release.features import column_rows, sample_fields
from pmc15m.release.files import ReleaseFile, Shard, put_small_file
from pmc15m.release.shards import table_name, tar_name
from pmc15m.store import Store

README = "README.md"
CITATION = "CITATION.cff"
KEYWORDS = ("biomedical", "figures", "captions", "vision-language", "PubMed Central")

CONDITIONS = {
    "CC0": "nothing; cite anyway",
    "public domain": "nothing; cite anyway",
    "CC BY": "name authors, source, licence and changes",
    "CC BY-SA": "as CC BY, and what is made of it goes under the same licence",
    "CC BY-NC": "as CC BY, and no commercial use",
    "CC BY-NC-SA": "as CC BY-SA, and no commercial use",
    "CC BY-ND": "as CC BY, and only whole and unchanged",
    "CC BY-NC-ND": "as CC BY-ND, and no commercial use",
    "TDM": "text and data mining only: not to be passed on",
    "none": "no licence is known: all rights reserved",
}
"""What each class of licences asks of who passes a sample on."""

RELATIONS = {
    "built": ", built after version",
    "subset": ", a subset of version",
    "withdrawn": ", which is without what was withdrawn from version",
}
"""How a release is said to come of its parent, by the word that the manifest has for it."""

_HUB_LICENSES = frozenset(
    (
        "cc0-1.0 cc-by-2.0 cc-by-2.5 cc-by-3.0 cc-by-4.0 cc-by-sa-3.0 cc-by-sa-4.0 cc-by-nc-2.0 cc-by-nc-3.0 "
        "cc-by-nc-4.0 cc-by-nd-4.0 cc-by-nc-nd-3.0 cc-by-nc-nd-4.0 cc-by-nc-sa-2.0 cc-by-nc-sa-3.0 cc-by-nc-sa-4.0"
    ).split()
)
_SIZES = ((10**3, "n<1K"), (10**4, "1K<n<10K"), (10**5, "10K<n<100K"), (10**6, "100K<n<1M"), (10**7, "1M<n<10M"))
_LARGEST_SIZE = "10M<n<100M"
_NO_BIBTEX_KEY = re.compile(r"[^a-z0-9]+")
_TEX = str.maketrans({**{sign: f"\\{sign}" for sign in "&%$#_"}, "{": "(", "}": ")", "\\": "/"})
_NOT_IN_LINKS = {ord(sign): f"%{ord(sign):02X}" for sign in " ()<>|"}


@dataclass(frozen=True)  # no slots: what is derived is kept
class CardFacts:
    """What the cards are made of, besides the tables of pairs."""

    version: str
    config: DatasetConfig
    source: Mapping[str, Any]  # as in the manifest
    parent: Mapping[str, Any] | None  # as in the manifest
    shards: tuple[Shard, ...]
    report: Mapping[str, Any]  # report.json

    @cached_property
    def inventory_date(self) -> str:
        """The day of the inventory that the articles are of, or ""."""
        return str(self.source.get("inventory_date") or "")

    @cached_property
    def date(self) -> str:
        """The date of publication, or ""."""
        return self.config.release.date or self.inventory_date

    @cached_property
    def is_fetched(self) -> bool:
        """Whether the articles came from the service, as far as the run knows."""
        return self.source.get("kind") == "fetched"

    @cached_property
    def is_selecting(self) -> bool:
        """Whether articles were chosen."""
        return self.config.select != SelectConfig()

    @cached_property
    def num_samples(self) -> int:
        """Samples of all splits."""
        return sum(shard.num_samples for shard in self.shards)

    @cached_property
    def splits(self) -> list[dict[str, Any]]:
        """The splits that have samples: train first, since a viewer shows the first."""
        names = sorted({shard.split for shard in self.shards}, key=lambda name: (name != "train", name == "test", name))
        shards = {name: [shard for shard in self.shards if shard.split == name] for name in names}
        return [
            {
                "name": name,
                "num_samples": sum(shard.num_samples for shard in own),
                "num_bytes": sum(shard.num_bytes for shard in own),
                "num_shards": len(own),
                "first": min(own, key=lambda shard: shard.name),
            }
            for name, own in shards.items()
        ]

    @cached_property
    def flows(self) -> list[Mapping[str, Any]]:
        """What went into each stage and what came out."""
        return list(self.report.get("flows", []))

    @cached_property
    def crossings(self) -> Mapping[str, int]:
        """What is shared across splits, by kind."""
        return dict(self.report.get("curation", {}).get("leaks", {}).get("crossings", {}))

    @cached_property
    def num_against(self) -> int:
        """Lists that pairs were held against."""
        return len(self.report.get("curation", {}).get("against", []))

    def composition(self, column: str) -> list[tuple[str, int]]:
        """Return the samples by the values of a column, the most frequent first; of years, by decade in their order."""
        counts: dict[str, int] = self.report.get("composition", {}).get(column, {})
        if column != "year":
            return sorted(counts.items(), key=lambda item: (-item[1], item[0]))
        decades: Counter[str] = Counter()
        for year, count in counts.items():
            decades[f"{year[:-1]}0 to {year[:-1]}9" if year.isdigit() else year] += count
        return sorted(decades.items())


def write_cards(store: Store, facts: CardFacts, files: Iterable[ReleaseFile]) -> list[ReleaseFile]:
    """Write the cards of a release and return them for its manifest.

    Args:
        store: the release.
        facts: what it is.
        files: what is written of it: Croissant names those in the release's own folder.
    """
    files = list(files)
    credits = write_attribution(store, [table_name(shard) for shard in facts.shards])
    environment = _environment()
    words = _words(facts, credits) | {"paths": {file.path for file in files}}
    words["rai"] = _rai_texts(environment, words)
    cards = [
        put_small_file(store, name, environment.get_template(f"{name}.j2").render(words).encode())
        for name in (README, CITATION)
    ]
    described = croissant_json(
        facts.config.release,
        _said(facts, credits, words["bibtex"]),
        words["rai"],
        [split["name"] for split in facts.splits],
        [*files, *credits.files, *cards],
    )
    data = (json.dumps(described, indent=1, ensure_ascii=False) + "\n").encode()
    return [*credits.files, *cards, put_small_file(store, CROISSANT, data)]


def _words(facts: CardFacts, credits: Credits) -> dict[str, Any]:
    """Return what the templates may name."""
    spdx = sorted({str(count.spdx) for count in credits.licenses})
    return {
        "bibtex": _bibtex(facts),
        "columns": list(column_rows()),
        "conditions": CONDITIONS,
        "config": facts.config,
        "credits": credits,
        "facts": facts,
        "hub_licenses": sorted({_hub_license(name) for name in spdx}, key=lambda name: (name == "other", name)),
        "keywords": KEYWORDS,
        "languages": ", ".join(f"{code} {count:,}" for code, count in credits.languages.items() if code),
        "only_license": spdx[0] if len(spdx) == 1 and spdx[0] != "None" else None,
        "program": __version__,
        "relations": RELATIONS,
        "release": facts.config.release,
        "sample_fields": sample_fields(),
        "size_category": next((name for size, name in _SIZES if facts.num_samples < size), _LARGEST_SIZE),
        "table_name": table_name,
        "tar_name": tar_name,
        "values": list(_values(facts.config)),
    }


def _said(facts: CardFacts, credits: Credits, bibtex: str) -> dict[str, Any]:
    """Return what Croissant takes from schema.org, without what is not known."""
    licenses = sorted({count.url or count.license for count in credits.licenses})
    said = {
        "name": facts.config.release.name,
        "version": facts.version,
        "license": licenses or ["none"],
        "keywords": list(KEYWORDS),
        "citeAs": bibtex,
        "datePublished": facts.date,
        "inLanguage": [code for code in credits.languages if code],
    }
    return {name: value for name, value in said.items() if value}


def _rai_texts(environment: Environment, words: Mapping[str, Any]) -> dict[str, Any]:
    """Return the texts of templates/rai.toml.j2, each a line."""
    source, _, _ = environment.loader.get_source(environment, "rai.toml.j2")  # type: ignore[union-attr]  # it has one

    def fill(text: str) -> str:
        return " ".join(environment.from_string(text).render(words).split())

    return {
        name: fill(text) if isinstance(text, str) else [fill(part) for part in text]
        for name, text in tomllib.loads(source).items()
    }


def _values(config: DatasetConfig) -> Iterator[tuple[str, str]]:
    """Yield name and value of all that the config says of the data; what it says of the cards stands in them."""
    for table, values in asdict(config).items():
        if table != "release":
            yield from ((f"{table}.{name}", json.dumps(value, ensure_ascii=False)) for name, value in values.items())


def _bibtex(facts: CardFacts) -> str:
    release = facts.config.release
    fields = {
        "title": f"{{{release.name.translate(_TEX)}}}",
        "author": " and ".join(f"{{{creator.translate(_TEX)}}}" for creator in release.creators),
        "year": facts.date[:4],
        "version": facts.version,
        "url": release.url,
    }
    lines = [f"  {name} = {{{value}}}," for name, value in fields.items() if value]
    key = _NO_BIBTEX_KEY.sub("", release.name.lower()) or "dataset"
    return "\n".join((f"@misc{{{key},", *lines, "}"))


def _hub_license(spdx: str) -> str:
    """Return the name that the hub has for a licence."""
    return spdx.lower() if spdx.lower() in _HUB_LICENSES else "other"


def _environment() -> Environment:
    """Return the templates: Markdown, YAML and TOML, of which none is escaped as HTML is."""
    environment = Environment(
        loader=PackageLoader("pmc15m.release"),
        autoescape=select_autoescape(default_for_string=False),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters.update(
        cell=lambda text: text.replace("|", "\\|"),
        count="{:,}".format,
        json=lambda value: json.dumps(value, ensure_ascii=False),
        link=lambda url: url.translate(_NOT_IN_LINKS),
        share=lambda part, whole: f"{part / max(1, whole):.1%}",
    )
    return environment
