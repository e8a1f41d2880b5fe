"""The TOML file: what it may say, what it says when it says nothing, and what depends on it."""

import dataclasses
import hashlib
import tomllib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.commands import CONFIGS
from pmc15m.config import (
    ConfigError,
    DatasetConfig,
    EncodeConfig,
    FiltersConfig,
    ShardsConfig,
    SplitsConfig,
    digest,
    parse_config,
    to_toml,
)
from pmc15m.errors import UsageError
from pmc15m.licenses import LICENSE_CLASSES

TABLES = [field.name for field in dataclasses.fields(DatasetConfig)]


def refusal(text: str) -> str:
    """Return what is said of a text that is refused."""
    with pytest.raises(ConfigError) as refused:
        parse_config(text)
    assert isinstance(refused.value, UsageError)
    assert "\n" not in str(refused.value)
    return str(refused.value)


def test_empty_file_is_all_defaults() -> None:
    assert parse_config("") == DatasetConfig()


def test_published_file_states_every_default() -> None:
    text = (CONFIGS / "pmc15m.toml").read_text(encoding="utf-8")
    assert parse_config(text) == DatasetConfig()
    stated = {(table, key) for table, values in tomllib.loads(text).items() for key in values}
    assert stated == {(table, key) for table, values in dataclasses.asdict(DatasetConfig()).items() for key in values}


@pytest.mark.parametrize("path", sorted(CONFIGS.glob("*.toml")), ids=lambda path: path.name)
def test_every_file_that_is_shipped_is_read(path: Any) -> None:
    parse_config(path.read_text(encoding="utf-8"))


def test_unknown_table_is_refused_and_the_known_ones_are_named() -> None:
    said = refusal("[filter]\nmin_side_px = 3\n")
    assert said == f"unknown table filter; known: {', '.join(TABLES)}"


@pytest.mark.parametrize("table", TABLES)
def test_unknown_key_is_refused_and_the_known_ones_are_named(table: str) -> None:
    said = refusal(f"[{table}]\nnonesuch = 3\n")
    known = dataclasses.asdict(DatasetConfig())[table]
    assert said == f"unknown key {table}.nonesuch; known: {', '.join(known)}"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("xml = 3", "xml must be a table"),
        ("[xml]\nmax_bytes = 1.0", "xml.max_bytes must be int, not 1.0"),
        ("[xml]\nmax_bytes = true", "xml.max_bytes must be int, not True"),
        ("[xml]\nmax_bytes = '1'", "xml.max_bytes must be int"),
        ("[encode]\nverbatim_jpeg = 1", "encode.verbatim_jpeg must be bool, not 1"),
        ("[encode]\nresampling = ['box']", "encode.resampling must be str"),
        ("[splits]\nval_fraction = '0.1'", "splits.val_fraction must be float"),
        ("[splits]\nval_fraction = true", "splits.val_fraction must be float"),
        ("[filters]\nlicenses = 'CC BY'", "filters.licenses must be a list"),
        ("[filters]\nlicenses = [3]", "filters.licenses must be str"),
        ("[filters]\nlicenses = ['CC-BY']", "filters.licenses must be of CC0, "),
        ("[xml", "not TOML: "),
        ("[xml]\nmax_bytes = 1\nmax_bytes = 2", "not TOML: "),
    ],
)
def test_wrong_type_is_refused_with_what_was_wanted(text: str, said: str) -> None:
    assert said in refusal(text)


@pytest.mark.parametrize(
    ("table", "values"),
    [
        ("xml", {"max_bytes": 0}),
        ("images", {"max_bytes": 0}),
        ("images", {"max_pixels": -1}),
        ("images", {"max_side_px": 0}),
        ("images", {"max_jpeg_scans": 0}),
        ("images", {"max_reads": 0}),
        ("filters", {"min_side_px": -1}),
        ("filters", {"refused_flags": ["nonesuch"]}),
        ("filters", {"max_aspect": 0.9}),
        ("filters", {"min_grey_std": -0.1}),
        ("filters", {"max_mode_fraction": 1.1}),
        ("filters", {"min_caption_chars": -1}),
        ("filters", {"min_caption_words": -1}),
        ("filters", {"min_caption_chars": 30, "max_caption_chars": 29}),
        ("filters", {"max_caption_articles": 0}),
        ("filters", {"max_caption_figs": 0}),
        ("filters", {"max_image_articles": 0}),
        ("duplicates", {"drop_distance": -2}),
        ("duplicates", {"drop_distance": 256}),
        ("duplicates", {"min_similarity_within": 1.1}),
        ("duplicates", {"min_similarity_across": -0.1}),
        ("duplicates", {"max_dense_white_fraction": "nan"}),
        ("splits", {"val_fraction": -0.1}),
        ("splits", {"val_fraction": 1}),
        ("splits", {"test_fraction": "nan"}),
        ("splits", {"test_fraction": "inf"}),
        ("splits", {"val_fraction": 0.5, "test_fraction": 0.5}),
        ("splits", {"max_distance": 256}),
        ("splits", {"cut_distance": -1}),
        ("splits", {"cut_distance": 25}),
        ("splits", {"max_group_articles": 0}),
        ("decontaminate", {"max_distance": -1}),
        ("encode", {"short_side_px": 15}),
        ("encode", {"jpeg_quality": 0}),
        ("encode", {"jpeg_quality": 101}),
        ("encode", {"resampling": "'nearest'"}),
        ("shards", {"samples_per_shard": 31}),
    ],
)
def test_value_out_of_range_is_refused_with_its_name(table: str, values: dict[str, Any]) -> None:
    text = f"[{table}]\n" + "".join(f"{name} = {value}\n" for name, value in values.items())
    said = refusal(text)
    assert any(f"{table}.{name}" in said for name in values)


@pytest.mark.parametrize(
    ("table", "values"),
    [
        ("xml", {"max_bytes": 1}),
        ("filters", {"min_side_px": 0, "min_caption_chars": 0, "min_caption_words": 0, "max_caption_chars": 0}),
        ("filters", {"licenses": []}),
        ("splits", {"val_fraction": 0, "test_fraction": 0.999}),
        ("encode", {"short_side_px": 16, "jpeg_quality": 1}),
        ("encode", {"jpeg_quality": 100}),
        ("shards", {"samples_per_shard": 32}),
    ],
)
def test_value_at_the_edge_of_its_range_is_taken(table: str, values: dict[str, Any]) -> None:
    config = parse_config(f"[{table}]\n" + "".join(f"{name} = {value}\n" for name, value in values.items()))
    read = dataclasses.asdict(getattr(config, table))
    assert {name: list(read[name]) if isinstance(read[name], tuple) else read[name] for name in values} == values


def test_whole_number_is_lent_to_a_fraction() -> None:
    assert type(parse_config("[splits]\nval_fraction = 0").splits.val_fraction) is float


configs = st.builds(
    DatasetConfig,
    filters=st.builds(FiltersConfig, licenses=st.lists(st.sampled_from(LICENSE_CLASSES)).map(tuple)),
    splits=st.builds(SplitsConfig, salt=st.text(), val_fraction=st.floats(0, 0.4), test_fraction=st.floats(0, 0.4)),
    encode=st.builds(EncodeConfig, verbatim_jpeg=st.booleans(), jpeg_quality=st.integers(1, 100)),
    shards=st.builds(ShardsConfig, samples_per_shard=st.integers(32, 10**12)),
)


@given(configs)
def test_resolved_file_reads_back_as_the_same_config(config: DatasetConfig) -> None:
    assert parse_config(to_toml(config)) == config


def test_salt_of_any_characters_survives_the_resolved_file() -> None:
    config = DatasetConfig(splits=SplitsConfig(salt='\U0001f9ec "quoted"\\ \x7f \x00 \n \u00e9'))
    assert parse_config(to_toml(config)) == config


def test_resolved_file_says_every_value_in_a_fixed_order() -> None:
    text = to_toml(DatasetConfig())
    assert [line for line in text.splitlines() if line.startswith("[")] == [f"[{table}]" for table in TABLES]
    assert text == to_toml(parse_config(text))


def test_digest_is_the_same_for_ever() -> None:
    text = b'[{"samples_per_shard": 100}]'
    assert digest(ShardsConfig(samples_per_shard=100)) == hashlib.sha256(text).hexdigest()


def test_digest_tells_values_and_tables_apart() -> None:
    first = digest(ShardsConfig(samples_per_shard=100))
    assert digest(ShardsConfig(samples_per_shard=100)) == first
    assert digest(ShardsConfig(samples_per_shard=101)) != first
    assert digest(SplitsConfig(), ShardsConfig()) != digest(ShardsConfig(), SplitsConfig())
    assert digest(DatasetConfig()) == digest(parse_config(to_toml(DatasetConfig())))
