"""croissant.json: what Croissant 1.1 asks for, asked for here, since its validator lets much of it be missing."""

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow.types as pt
import pytest

from pmc15m.about import ReleaseConfig
from pmc15m.release.croissant import CONFORMS_TO, croissant_json
from pmc15m.release.files import ReleaseFile
from pmc15m.release.table import PAIRS_SCHEMA
from tests.unit.test_cards import RAI, TOLD, written

REQUIRED = (
    "@context", "@type", "conformsTo", "description", "license", "name", "url", "creator", "datePublished",
    "distribution",
)  # fmt: skip
RECOMMENDED = ("keywords", "publisher", "version", "inLanguage", "citeAs")


@pytest.fixture
def described(tmp_path: Path) -> dict[str, Any]:
    made: dict[str, Any] = json.loads(written(tmp_path)["croissant.json"])
    return made


def test_all_that_is_required_or_recommended_is_said(described: dict[str, Any]) -> None:
    assert not [name for name in (*REQUIRED, *RECOMMENDED) if not described.get(name)]
    assert described["conformsTo"] == CONFORMS_TO
    assert described["isLiveDataset"] is False
    assert (described["name"], described["version"], described["datePublished"]) == (TOLD.name, "2.1.0", "2026-11-24")
    assert described["creator"] == [{"@type": "sc:Organization", "name": name} for name in TOLD.creators]
    assert described["license"] == [
        "https://creativecommons.org/licenses/by/4.0/",
        "https://creativecommons.org/publicdomain/zero/1.0/",
    ]


def test_all_of_the_rai_vocabulary_is_said_in_one_line_each(described: dict[str, Any]) -> None:
    said = {name.removeprefix("rai:"): value for name, value in described.items() if name.startswith("rai:")}
    assert set(said) == RAI
    texts = [text for value in said.values() for text in (value if isinstance(value, list) else [value])]
    assert all(text.strip() and text == " ".join(text.split()) for text in texts)


def test_without_a_date_and_a_page_nothing_is_made_up(tmp_path: Path) -> None:
    made = json.loads(written(tmp_path, replace(TOLD, date="", url=""))["croissant.json"])
    assert "datePublished" not in made
    assert made["url"] == "README.md"


def test_files_of_the_folder_are_objects_with_digests_and_the_many_are_sets() -> None:
    files = [ReleaseFile("README.md", 12, "a" * 64, None), ReleaseFile("train/x.tar", 10_240, "b" * 64, 3)]
    made = croissant_json(ReleaseConfig(), {"name": "x"}, {}, ["train", "val"], files)
    objects = [part for part in made["distribution"] if part["@type"] == "cr:FileObject"]
    assert objects == [
        {
            "@type": "cr:FileObject",
            "@id": "README.md",
            "name": "README.md",
            "contentUrl": "README.md",
            "contentSize": "12 B",
            "encodingFormat": "text/markdown",
            "sha256": "a" * 64,
        }
    ]
    sets = {part["@id"]: part["includes"] for part in made["distribution"] if part["@type"] == "cr:FileSet"}
    assert sets == {
        "train-tars": "train/*.tar",
        "val-tars": "val/*.tar",
        "pairs-tables": "pairs/*.parquet",
        "rejects-tables": "rejects/*.parquet",
    }


def test_fields_are_the_columns_of_the_pairs_but_for_bytes(described: dict[str, Any]) -> None:
    (records,) = described["recordSet"]
    names = [field["name"] for field in records["field"]]
    assert names == [field.name for field in PAIRS_SCHEMA if not pt.is_fixed_size_binary(field.type)]
    types = {field["name"]: field.get("dataType") for field in records["field"]}
    chosen = {name: types[name] for name in ("key", "article_url", "year", "grey_std", "panel_labels", "mentions")}
    assert chosen == {
        "key": "sc:Text",
        "article_url": "sc:URL",
        "year": "sc:Integer",
        "grey_std": "sc:Float",
        "panel_labels": "sc:Text",
        "mentions": None,
    }
    lists = {field["name"] for field in records["field"] if field.get("isArray")}
    assert lists == {field.name for field in PAIRS_SCHEMA if pt.is_list(field.type)}


def test_every_id_stands_for_one_thing_and_every_reference_leads_to_one(described: dict[str, Any]) -> None:
    named: Counter[str] = Counter()
    referred: set[str] = set()

    def walk(value: Any) -> None:
        if isinstance(value, dict):
            if set(value) == {"@id"}:
                referred.add(value["@id"])
            elif "@type" in value and "@id" in value:
                named[value["@id"]] += 1
            for part in value.values():
                walk(part)
        elif isinstance(value, list):
            for part in value:
                walk(part)

    walk({name: value for name, value in described.items() if name != "@context"})
    assert set(named.values()) == {1}
    assert referred <= set(named)
    assert len(referred) == 2
