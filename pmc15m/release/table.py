"""The rows and the JSON of a sample: the columns that users of a release rely on."""

from typing import Any

import pyarrow as pa

from pmc15m.records import Decision, Pair

_MENTION = pa.struct([pa.field("text", pa.string(), nullable=False), pa.field("section", pa.string())])
_STRINGS = pa.list_(pa.field("element", pa.string(), nullable=False))
_HASH = pa.binary(32)

# (name, type, null allowed)
_COLUMNS: tuple[tuple[str, pa.DataType, bool], ...] = (
    ("key", pa.string(), False),
    ("pmcid", pa.string(), False),
    ("version", pa.int32(), False),
    ("fig_id", pa.string(), True),
    ("label", pa.string(), True),
    ("caption", pa.string(), False),
    ("mentions", pa.list_(pa.field("element", _MENTION, nullable=False)), False),
    ("graphic", pa.string(), False),
    ("kind", pa.string(), False),
    ("part", pa.int32(), False),
    ("num_parts", pa.int32(), False),
    ("license", pa.string(), False),
    ("license_url", pa.string(), True),
    ("rights_flags", _STRINGS, False),
    ("rights_phrases", _STRINGS, False),
    ("doi", pa.string(), True),
    ("pmid", pa.int64(), True),
    ("title", pa.string(), True),
    ("journal", pa.string(), True),
    ("year", pa.int32(), True),
    ("article_type", pa.string(), True),
    ("citation", pa.string(), False),
    ("article_url", pa.string(), False),
    ("changes", pa.string(), False),
    ("format", pa.string(), False),
    ("width_px", pa.int32(), False),
    ("height_px", pa.int32(), False),
    ("num_bytes", pa.int64(), False),
    ("sha256", pa.string(), False),
    ("pixel_sha256", pa.string(), False),
    ("phash", _HASH, False),
    ("phash_content", _HASH, False),
    ("grey_std", pa.float64(), False),
    ("white_fraction", pa.float64(), False),
    ("white_cells_fraction", pa.float64(), False),
    ("mode_fraction", pa.float64(), False),
    ("edge_fraction", pa.float64(), False),
    ("num_colors", pa.int32(), False),
    ("cluster", pa.string(), False),
    ("split_group", pa.string(), False),
    ("other_captions", _STRINGS, False),
    ("num_panels_estimate", pa.int32(), False),
    ("panel_labels", _STRINGS, False),
    ("caption_num_chars", pa.int32(), False),
    ("caption_language", pa.string(), True),
    ("split", pa.string(), False),
    ("shard", pa.string(), False),
    ("image_offset", pa.int64(), False),
    ("image_num_bytes", pa.int64(), False),
)

_FIELDS: list[Any] = [pa.field(name, kind, nullable) for name, kind, nullable in _COLUMNS]

PAIRS_SCHEMA = pa.schema(_FIELDS)
"""Schema of pairs/*.parquet."""

_REJECT_FIELDS: list[Any] = [
    pa.field("key", pa.string(), False),
    pa.field("pmcid", pa.string(), False),
    pa.field("version", pa.int32(), False),
    pa.field("fig_id", pa.string()),
    pa.field("stage", pa.string(), False),
    pa.field("reason", pa.string(), False),
    pa.field("detail", pa.string(), False),
]

REJECTS_SCHEMA = pa.schema(_REJECT_FIELDS)
"""Schema of rejects/*.parquet."""


def pair_row(pair: Pair, decision: Decision, changes: str, shard: str, offset: int, num_bytes: int) -> dict[str, Any]:
    """Return the row of a sample.

    Args:
        pair: the figure and its image.
        decision: what curate decided.
        changes: what was done to the pixels, in words.
        shard: name of the tar, without extension.
        offset: of the first byte of the image in the tar.
        num_bytes: of the encoded image.
    """
    figure, image, article = pair.figure, pair.image, pair.figure.article
    return {
        **{name: getattr(figure, name) for name in _FIGURE},
        **{name: getattr(article, name) for name in _ARTICLE},
        **{name: getattr(image, name) for name in _IMAGE},
        "mentions": [{"text": mention.text, "section": mention.section} for mention in figure.mentions],
        "rights_flags": list(figure.rights_flags),
        "rights_phrases": list(figure.rights_phrases),
        "panel_labels": list(figure.panel_labels),
        "changes": changes,
        "cluster": decision.cluster,
        "split_group": decision.split_group,
        "other_captions": list(decision.other_captions),
        "caption_num_chars": len(figure.caption),
        "caption_language": figure.caption_language,
        "split": decision.split,
        "shard": shard,
        "image_offset": offset,
        "image_num_bytes": num_bytes,
    }


_FIGURE = ("key", "fig_id", "label", "caption", "graphic", "kind", "part", "num_parts", "license", "license_url")
_ARTICLE = (
    "pmcid", "version", "doi", "pmid", "title", "journal", "year", "article_type", "citation", "article_url",
)  # fmt: skip
_IMAGE = (
    "format", "width_px", "height_px", "num_bytes", "sha256", "pixel_sha256", "phash", "phash_content", "grey_std",
    "white_fraction", "white_cells_fraction", "mode_fraction", "edge_fraction", "num_colors", "num_panels_estimate",
)  # fmt: skip


def sample_json(pair: Pair, width_px: int, height_px: int) -> dict[str, Any]:
    """Return the JSON member of a sample: flat scalars, the same keys in every sample, never null.

    Args:
        pair: the figure and its image.
        width_px: of the encoded image.
        height_px: of the encoded image.
    """
    figure, article = pair.figure, pair.figure.article
    return {
        "key": figure.key,
        "pmcid": article.pmcid,
        "version": article.version,
        "fig_id": figure.fig_id or "",
        "label": figure.label or "",
        "kind": figure.kind,
        "license": figure.license,
        "license_url": figure.license_url or "",
        "doi": article.doi or "",
        "citation": article.citation,
        "article_url": article.article_url,
        "width": width_px,
        "height": height_px,
    }
