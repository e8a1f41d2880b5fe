"""README.md and CITATION.cff: the numbers of the run, every threshold, and nothing that is not known."""

import hashlib
import re
import tomllib
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from pmc15m.about import ReleaseConfig
from pmc15m.config import DatasetConfig, SelectConfig, parse_config, to_toml
from pmc15m.errors import ConfigError
from pmc15m.licenses import LICENSE_CLASSES
from pmc15m.release.cards import CONDITIONS, CardFacts, write_cards
from pmc15m.release.checksums import CHECKSUMS, write_checksums
from pmc15m.release.features import MEANINGS, SAMPLE_SCHEMA, sample_fields
from pmc15m.release.files import ReleaseFile
from pmc15m.release.report import report_json, stage_flows
from pmc15m.release.table import PAIRS_SCHEMA, sample_json
from pmc15m.store import Store
from tests import some
from tests.release import ZERO, row, write_shards
from tests.tree import digests
from tests.unit.test_report import CURATE, EXTRACT, SHARD

ROWS = {
    "pmc15m-val-000000": [row("PMC9_0001_01", split="val", license="CC0", license_url=ZERO)],
    "pmc15m-train-000000": [row("PMC7_0001_01"), row("PMC7_0002_01", caption_language=None)],
}
TOLD = ReleaseConfig(
    name="Mills of \"PMC\": a|b",
    version="2.1.0",
    description="Mills, rivers & dams.",
    creators=("Müller, A.", "The Mill Society"),
    url="https://example.org/mills",
    contact="mills@example.org",
    date="2026-11-24",
    license_note="Ask before you print.",
)  # fmt: skip


def written(out: Path, release: ReleaseConfig = TOLD, rows: Any = None, **changes: Any) -> dict[str, str]:
    """Write the cards of a release and return their texts."""
    shards = write_shards(out, ROWS if rows is None else rows)
    report = report_json(stage_flows(EXTRACT, CURATE, SHARD), SHARD)
    report["curation"] = {"against": ["x" * 64], "leaks": {"crossings": {"near": 0, "same_doi": 1}}}
    config = replace(DatasetConfig(), release=release)
    facts = CardFacts(release.version, config, {"kind": "folder", "inventory_date": None}, None, tuple(shards), report)
    files = write_cards(Store(str(out)), replace(facts, **changes), [])
    for file in files:
        assert hashlib.sha256((out / file.path).read_bytes()).hexdigest() == file.sha256
        assert (out / file.path).stat().st_size == file.num_bytes
    return {name: (out / name).read_text(encoding="utf-8") for name in ("README.md", "CITATION.cff", "croissant.json")}


def front(card: str) -> dict[str, Any]:
    """Return the front matter of a card."""
    found: dict[str, Any] = yaml.safe_load(card.split("---\n")[1])
    return found


def test_front_matter_names_splits_and_features_of_the_json_member(tmp_path: Path) -> None:
    said = front(written(tmp_path)["README.md"])
    (config,) = said["configs"]
    assert [(part["split"], part["path"]) for part in config["data_files"]] == [
        ("train", "train/*.tar"),
        ("val", "val/*.tar"),
    ]
    features = {feature["name"]: feature for feature in said["dataset_info"]["features"]}
    assert list(features) == ["jpg", "json", "txt", "__key__", "__url__"]
    assert [(field["name"], field["dtype"]) for field in features["json"]["struct"]] == sample_fields()
    assert said["pretty_name"] == TOLD.name
    assert said["license"] == ["cc-by-4.0", "cc0-1.0"]
    assert said["size_categories"] == ["n<1K"]
    assert said["language"] == ["en"]


def test_schema_of_the_json_member_is_what_samples_have() -> None:
    nothing: dict[str, Any] = {"fig_id": None, "label": None, "license_url": None, "article": some.article(doi=None)}
    for pair in (some.pair(), some.pair(**nothing)):
        sample = sample_json(pair, 640, 480)
        assert list(sample) == SAMPLE_SCHEMA.names
        types = {"string": str, "int64": int}
        assert {name: type(value) for name, value in sample.items()} == {
            name: types[kind] for name, kind in sample_fields()
        }


def test_every_column_has_a_meaning_and_every_licence_a_condition() -> None:
    assert list(MEANINGS) == PAIRS_SCHEMA.names
    assert list(CONDITIONS) == list(LICENSE_CLASSES)


def test_every_value_of_the_config_stands_in_the_card(tmp_path: Path) -> None:
    card = written(tmp_path)["README.md"]
    for table, values in asdict(DatasetConfig()).items():
        for name in values:
            assert (f"| `{table}.{name}` | " in card) == (table != "release")


def test_card_has_the_numbers_of_the_run(tmp_path: Path) -> None:
    card = written(tmp_path)["README.md"]
    assert "3 pairs of an image and its caption, from 2 articles in 1 journals." in card
    assert "| train | 2 | 1 | 10,240 |\n| val | 1 | 1 | 10,240 |" in card
    assert "| extract | articles | 9 | 4 | 5 |" in card
    assert "| | `duplicate_file` | | | 3 |" in card
    assert "near 0, same_doi 1." in card
    assert f"| CC0 | <{ZERO}> | 1 | 33.3% | nothing; cite anyway |" in card
    assert f"| CC BY | <{some.BY}> | 2 | 66.7% | name authors, source, licence and changes |" in card
    assert "Pairs were held against 1 lists" in card
    assert TOLD.license_note in card
    assert "go to mills@example.org" in card


def test_sections_that_a_data_card_owes_are_there(tmp_path: Path) -> None:
    titles = re.findall(r"^## (.*)$", written(tmp_path)["README.md"], re.MULTILINE)
    assert titles == [
        "Load it", "Motivation", "Composition", "Collection", "Processing", "Uses and limits",
        "Licences and attribution", "Personal data and take-down", "Maintenance and versions", "How to cite",
        "Acknowledgement and currency", "Files",
    ]  # fmt: skip


def test_nlm_is_acknowledged_and_the_snapshot_is_dated_where_it_can_be(tmp_path: Path) -> None:
    source = {"kind": "fetched", "inventory_date": "2026-11-20"}
    quiet = replace(TOLD, date="")
    fetched = written(tmp_path / "a", quiet, source=source)
    local = written(tmp_path / "b", quiet)
    for card in (fetched["README.md"], local["README.md"]):
        assert "courtesy of the US National Library of Medicine (NLM), which does not endorse" in card
        assert "does not reflect\nthe most current data that NLM offers" in card
    assert "accessed as of 2026-11-20 from\n<https://registry.opendata.aws/ncbi-pmc>" in fetched["README.md"]
    assert yaml.safe_load(fetched["CITATION.cff"])["date-released"].isoformat() == "2026-11-20"
    assert "registry.opendata.aws" not in local["README.md"]
    assert "date-released" not in local["CITATION.cff"]
    assert not re.search(r"\b20\d\d-\d\d-\d\d\b", local["README.md"] + local["croissant.json"])


def test_nothing_is_escaped_and_no_template_shows(tmp_path: Path) -> None:
    texts = "".join(written(tmp_path).values())
    assert not re.search(r"&#\d+;|&amp;|\{\{ |\{%|\bNone\b", texts)


def test_signs_of_tex_are_escaped_in_the_citation(tmp_path: Path) -> None:
    card = written(tmp_path, replace(TOLD, name="50% {A} & B_1"))["README.md"]
    assert "  title = {{50\\% (A) \\& B\\_1}},\n  author = {{Müller, A.} and {The Mill Society}},\n" in card


def test_default_config_and_an_empty_release_give_cards_too(tmp_path: Path) -> None:
    texts = written(tmp_path, ReleaseConfig(), rows={})
    said = front(texts["README.md"])
    assert "configs" not in said
    assert "license" not in said
    assert "There is nothing to load" in texts["README.md"]


def test_one_licence_is_named_by_its_own_name_and_one_without_version_by_none(tmp_path: Path) -> None:
    one = written(tmp_path / "a", rows={"pmc15m-train-000000": [row()]})
    assert front(one["README.md"])["license"] == "cc-by-4.0"
    assert yaml.safe_load(one["CITATION.cff"])["license"] == "CC-BY-4.0"
    other = written(tmp_path / "b", rows={"pmc15m-train-000000": [row(license_url=None)]})
    said = front(other["README.md"])
    assert (said["license"], said["license_name"]) == ("other", "one-for-each-sample")
    assert "license" not in yaml.safe_load(other["CITATION.cff"])


def test_what_the_config_switches_shows_in_the_words(tmp_path: Path) -> None:
    text = "[encode]\nverbatim_jpeg = true\nchange_no_derivatives = true\n[duplicates]\ndrop_distance = -1\n"
    config = replace(parse_config(text), select=SelectConfig(year_from=2020))
    card = written(tmp_path, config=config, parent={"version": "1.0.0", "relation": "subset"})["README.md"]
    assert "Metadata of the originals remain" in card
    assert "treated like the others" in card
    assert "those that [select] lets in are taken" in card
    assert "perceptual hash one is kept" not in card
    assert "This is version 2.1.0, a subset of version 1.0.0." in card


def test_only_files_that_are_there_are_told_of(tmp_path: Path) -> None:
    names = ("changes/added.parquet", "withdrawn.parquet", "report/index.html")
    shards = write_shards(tmp_path, ROWS)
    facts = CardFacts("1.0.0", DatasetConfig(), {}, None, tuple(shards), {})
    for files in ([], [ReleaseFile(name, 1, "a" * 64, None) for name in names]):
        write_cards(Store(str(tmp_path)), facts, files)
        card = (tmp_path / "README.md").read_text(encoding="utf-8")
        for start in ("| `changes/*.parquet` |", "| `withdrawn.parquet` |", "| `report/index.html` |"):
            assert (start in card) == bool(files)


def test_same_release_gives_the_same_bytes(tmp_path: Path) -> None:
    written(tmp_path / "a")
    written(tmp_path / "b", rows=dict(reversed(ROWS.items())))
    assert digests(tmp_path / "a") == digests(tmp_path / "b")


# Of schema.json of CFF 1.2.0, the part that is written here.
_NAMED = {
    "type": "object",
    "required": ["name"],
    "properties": {"name": {"type": "string", "minLength": 1}},
    "additionalProperties": False,
}
_CFF: dict[str, Any] = {
    "type": "object",
    "required": ["authors", "cff-version", "message", "title"],
    "additionalProperties": False,
    "properties": {
        "abstract": {"type": "string", "minLength": 1},
        "authors": {"type": "array", "minItems": 1, "uniqueItems": True, "items": _NAMED},
        "cff-version": {"const": "1.2.0"},
        "contact": {"type": "array", "minItems": 1},
        "date-released": {"type": "string", "pattern": r"^\d{4}-\d{2}-\d{2}$"},
        "keywords": {"type": "array", "minItems": 1, "items": {"type": "string"}},
        "license": {"type": "string", "pattern": r"^CC(0|-BY(-NC)?(-SA|-ND)?)-\d\.\d$"},
        "message": {"type": "string", "minLength": 1},
        "references": {"type": "array", "items": {"type": "object", "required": ["authors", "title", "type"]}},
        "title": {"type": "string", "minLength": 1},
        "type": {"enum": ["dataset", "software"]},
        "url": {"type": "string", "pattern": "^https?://"},
        "version": {"type": "string", "minLength": 1},
    },
}


@pytest.mark.parametrize("release", [TOLD, ReleaseConfig(), replace(TOLD, description="yes: no # *&!")])
def test_citation_is_of_the_form_that_cff_asks_for(tmp_path: Path, release: ReleaseConfig) -> None:
    said = yaml.load(written(tmp_path, release)["CITATION.cff"], Loader=yaml.BaseLoader)  # noqa: S506, all strings
    jsonschema.validate(said, _CFF)
    assert (said["title"], said["version"], said["abstract"]) == (release.name, release.version, release.description)
    assert [author["name"] for author in said["authors"]] == list(release.creators)


TEXT = st.text(min_size=1).filter(lambda text: text.isprintable() and bool(text.strip()))


@given(TEXT, TEXT, st.lists(TEXT, min_size=1, unique=True))
def test_whatever_a_release_is_called_survives_toml(name: str, description: str, creators: list[str]) -> None:
    release = ReleaseConfig(name=name, description=description, creators=tuple(creators))
    assert parse_config(to_toml(replace(DatasetConfig(), release=release))).release == release


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"name": " "}, "release.name must not be empty"),
        ({"name": "two\nlines"}, "release.name must be one line of text"),
        ({"description": ""}, "release.description must not be empty"),
        ({"license_note": "a\x85b"}, "release.license_note must be one line of text"),
        ({"creators": ()}, "release.creators must be one name or more"),
        ({"creators": ("",)}, "release.creators must be one name or more"),
        ({"version": "1.0"}, "release.version must be like 1.0.0"),
        ({"version": "01.0.0"}, "release.version must be like 1.0.0"),
        ({"url": "example.org"}, "release.url must be http(s)://"),
        ({"contact": "ask me"}, "release.contact must be a mail address or URL"),
        ({"date": "2026-11-31"}, "release.date must be like 2026-11-24"),
        ({"date": "20261124"}, "release.date must be like 2026-11-24"),
    ],
)
def test_what_no_card_could_say_is_refused(values: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(said)):
        ReleaseConfig(**values)


def test_sums_are_in_the_form_and_order_of_sha256sum(tmp_path: Path) -> None:
    files = [ReleaseFile("train/b.tar", 1, "b" * 64, 1), ReleaseFile("README.md", 2, "a" * 64, None)]
    made = write_checksums(Store(str(tmp_path)), files)
    assert (tmp_path / CHECKSUMS).read_text() == f"{'a' * 64}  README.md\n{'b' * 64}  train/b.tar\n"
    assert made.path == CHECKSUMS


def test_texts_are_those_that_the_rai_vocabulary_names() -> None:
    source = (Path(__file__).parents[2] / "pmc15m/release/templates/rai.toml.j2").read_text(encoding="utf-8")
    assert set(tomllib.loads(source)) == RAI


RAI = {
    "annotationsPerItem", "annotatorDemographics", "dataAnnotationAnalysis", "dataAnnotationPlatform",
    "dataAnnotationProtocol", "dataBiases", "dataCollection", "dataCollectionMissingData", "dataCollectionRawData",
    "dataCollectionType", "dataImputationProtocol", "dataLimitations", "dataManipulationProtocol",
    "dataPreprocessingProtocol", "dataReleaseMaintenancePlan", "dataSocialImpact", "dataUseCases",
    "machineAnnotationTools", "personalSensitiveInformation",
}  # fmt: skip
"""What Croissant's RAI vocabulary has, but for the time frame of a collection, which no run knows."""
