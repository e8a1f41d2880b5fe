"""The row and the JSON of a sample: the columns that the release form names."""

import json
from dataclasses import replace
from typing import Any

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from pmc15m.records import Pair
from pmc15m.release.table import PAIRS_SCHEMA, REJECTS_SCHEMA, pair_row, sample_json
from pmc15m.rows import to_row
from tests import some

BARE: dict[str, Any] = {
    "fig_id": None,
    "label": None,
    "license_url": None,
    "mentions": (),
    "panel_labels": (),
    "caption_language": None,
}
BARE_ARTICLE: dict[str, Any] = {
    "doi": None,
    "pmid": None,
    "title": None,
    "journal": None,
    "year": None,
    "article_type": None,
}


def bare() -> Pair:
    """Return a pair of which nothing is known that may be unknown."""
    pair = some.pair(**BARE)
    return replace(pair, figure=replace(pair.figure, article=replace(pair.figure.article, **BARE_ARTICLE)))


def row(pair: Pair) -> dict[str, Any]:
    decision = some.decision(split="val", cluster="PMC1_0001_01", other_captions=("Other.",))
    return pair_row(pair, decision, "none", "pmc15m-val-000003", 512, 99)


def test_row_says_everything_of_a_sample() -> None:
    pair = some.pair()
    made = row(pair)
    assert list(PAIRS_SCHEMA.names) == [name for name in PAIRS_SCHEMA.names if name in made]
    assert set(made) == set(PAIRS_SCHEMA.names)
    assert made["mentions"] == [
        {"text": "Figure 1 shows a mill.", "section": "Results > Mills"},
        {"text": "See Figure 1.", "section": None},
    ]
    wanted = {
        "split": "val",
        "shard": "pmc15m-val-000003",
        "image_offset": 512,
        "image_num_bytes": 99,
        "changes": "none",
    }
    assert wanted.items() <= made.items()
    assert (made["cluster"], made["split_group"], made["other_captions"]) == ("PMC1_0001_01", "PMC7", ["Other."])
    assert made["caption_num_chars"] == len(made["caption"])
    assert made["caption_language"] == "en"


def test_rows_fit_the_schema_and_come_back() -> None:
    for pair in (some.pair(), bare()):
        table = pa.Table.from_pylist([row(pair)], schema=PAIRS_SCHEMA)
        table.validate(full=True)
        assert table.to_pylist() == [row(pair)]


def test_null_is_allowed_only_where_the_form_says_so() -> None:
    nullable = {name for name in PAIRS_SCHEMA.names if PAIRS_SCHEMA.field(name).nullable}
    unknown = {name for name, value in row(bare()).items() if value is None}
    assert nullable == unknown == {"fig_id", "label", "license_url", "caption_language", *BARE_ARTICLE}


def test_rejects_fit_their_schema() -> None:
    table = pa.Table.from_pylist([to_row(some.reject()), to_row(some.reject(fig_id=None))], schema=REJECTS_SCHEMA)
    table.validate(full=True)
    assert [name for name in REJECTS_SCHEMA.names if REJECTS_SCHEMA.field(name).nullable] == ["fig_id"]


maybe = st.none() | st.text()


@given(
    st.fixed_dictionaries({"fig_id": maybe, "label": maybe, "license_url": maybe}),
    maybe,
    st.integers(1),
    st.integers(1),
)
def test_json_is_flat_with_the_same_keys_and_never_null(
    changes: dict[str, Any], doi: str | None, width_px: int, height_px: int
) -> None:
    pair = some.pair(**changes)
    pair = replace(pair, figure=replace(pair.figure, article=some.article(doi=doi)))
    made = sample_json(pair, width_px, height_px)
    assert list(made) == list(sample_json(some.pair(), 1, 1))
    kinds = {name: type(value) for name, value in made.items()}
    assert kinds == {name: int if name in {"version", "width", "height"} else str for name in made}
    assert json.loads(json.dumps(made)) == made
