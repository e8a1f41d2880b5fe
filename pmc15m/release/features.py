"""What the members and the columns of a release are, in words and for the machines that load it.

The JSON member of a sample has the fields of SAMPLE_SCHEMA and no other: a loader that takes types
from the first samples, as `datasets` does, then never meets a surprise, and one that reads the front
matter of README.md is told the same.
"""

from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pyarrow.types as pt

from pmc15m.release.table import PAIRS_SCHEMA

_SAMPLE_TEXTS = (
    "key", "pmcid", "version", "fig_id", "label", "kind", "license", "license_url", "doi", "citation", "article_url",
)  # fmt: skip
_SAMPLE_FIELDS: list[Any] = [
    *(pa.field(name, pa.int64() if name == "version" else pa.string(), nullable=False) for name in _SAMPLE_TEXTS),
    pa.field("width", pa.int64(), nullable=False),
    pa.field("height", pa.int64(), nullable=False),
]

SAMPLE_SCHEMA = pa.schema(_SAMPLE_FIELDS)
"""The JSON member of a sample, see `table.sample_json`."""

MEANINGS = {
    "key": "of the sample: pmcid, ordinal of the fig, ordinal of the graphic in it; the same in every release",
    "pmcid": "article",
    "version": "of the article",
    "fig_id": "`fig/@id` in the XML",
    "label": 'such as "Figure 2"',
    "caption": "clean text",
    "mentions": "paragraphs that link to the figure, in document order, each with the titles of its section",
    "graphic": "name of the media file in the package",
    "kind": "`figure` or `graphical_abstract`",
    "part": "position among the graphics of the fig, from 1",
    "num_parts": "graphics of the fig",
    "license": "class; the stricter of the figure's and the article's",
    "license_url": "with the version, where the XML names it",
    "rights_flags": "what permissions, caption and credit line say of rights",
    "rights_phrases": "the words that say so",
    "doi": "of the article",
    "pmid": "of the article",
    "title": "of the article",
    "journal": "its title",
    "year": "of first publication",
    "article_type": "`article/@article-type`",
    "citation": "of the article, ready for attribution",
    "article_url": "at PubMed Central",
    "changes": "what was done to the pixels",
    "format": "of the original file",
    "width_px": "of the original",
    "height_px": "of the original",
    "num_bytes": "of the original",
    "sha256": "of the original file",
    "pixel_sha256": "of its decoded pixels",
    "phash": "perceptual hash of the whole image",
    "phash_content": "perceptual hash of its content box",
    "grey_std": "standard deviation of grey, 0 to 127.5",
    "white_fraction": "of pixels that are white",
    "white_cells_fraction": "of a grid of 32 x 32 cells; line art has more than 0.35",
    "mode_fraction": "of pixels that have the most frequent grey",
    "edge_fraction": "of pixels unlike their neighbour",
    "num_colors": "at 64 px, up to 4,096",
    "cluster": "smallest key of the duplicates that this sample stands for",
    "split_group": "anchor of the group of articles that share a split",
    "other_captions": "captions of dropped duplicates that differ",
    "num_panels_estimate": "panels by their gutters, from 1",
    "panel_labels": "marks of panels in the caption",
    "caption_num_chars": "length of the caption",
    "caption_language": "ISO 639-1, where it is sure",
    "split": "`train`, `val` or `test`",
    "shard": "name of the tar, without extension",
    "image_offset": "first byte of the encoded image in the tar",
    "image_num_bytes": "of the encoded image",
}
"""What each column of pairs/*.parquet is."""


def sample_fields() -> list[tuple[str, str]]:
    """Return name and type of the fields of a JSON member, as `dataset_info.features` has them."""
    return [(field.name, str(field.type)) for field in SAMPLE_SCHEMA]


def column_rows() -> Iterator[tuple[str, str, str]]:
    """Yield name, type and meaning of every column of pairs/*.parquet."""
    for field in PAIRS_SCHEMA:
        yield field.name, _type_words(field) + (", null" if field.nullable else ""), MEANINGS.get(field.name, "")


def croissant_fields(record_set: str, file_set: str) -> list[dict[str, Any]]:
    """Return the columns of pairs/*.parquet as fields of Croissant, which has no type for the two binary hashes.

    Args:
        record_set: id of the RecordSet that they are of.
        file_set: id of the FileSet that they are read from.
    """
    source = {"fileSet": {"@id": file_set}}
    return [
        _croissant_field(field, f"{record_set}/{field.name}", source | {"extract": {"column": field.name}})
        for field in PAIRS_SCHEMA
        if not pt.is_fixed_size_binary(field.type)
    ]


def _croissant_field(field: Any, field_id: str, source: dict[str, Any]) -> dict[str, Any]:
    made: dict[str, Any] = {"@type": "cr:Field", "@id": field_id, "name": field.name}
    if meaning := MEANINGS.get(field.name):
        made["description"] = meaning
    kind = field.type
    if pt.is_list(kind):
        made |= {"isArray": True, "arrayShape": "-1"}
        kind = kind.value_type
    if pt.is_struct(kind):
        return made | {"subField": [_sub_field(part, field_id, source) for part in kind]}
    return made | {"dataType": _croissant_type(kind, field.name), "source": source}


def _sub_field(part: Any, field_id: str, source: dict[str, Any]) -> dict[str, Any]:
    return {
        "@type": "cr:Field",
        "@id": f"{field_id}/{part.name}",
        "name": part.name,
        "dataType": _croissant_type(part.type, part.name),
        "source": source | {"transform": {"jsonPath": part.name}},
    }


def _croissant_type(kind: pa.DataType, name: str) -> str:
    if pt.is_integer(kind):
        return "sc:Integer"
    if pt.is_floating(kind):
        return "sc:Float"
    return "sc:URL" if name.endswith("_url") else "sc:Text"


def _type_words(field: Any) -> str:
    kind = field.type
    if pt.is_fixed_size_binary(kind):
        return f"binary, {kind.byte_width} bytes"
    if not pt.is_list(kind):
        return str(kind).replace("double", "float64")
    inner = kind.value_type
    return f"list of {inner}" if not pt.is_struct(inner) else f"list of ({', '.join(part.name for part in inner)})"
