"""What is counted of the pairs of a release: one pass over a few columns of their tables, in flat memory."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pmc15m.store import Store

_BATCH_ROWS = 50_000
_NAMES = ("kind", "format", "license", "license_url", "journal", "article_type", "caption_language")
_NUMBERS = ("year", "caption_num_chars", "num_panels_estimate", "width_px", "height_px")
_COLUMNS = (*_NAMES, *_NUMBERS, "split", "rights_flags", "image_num_bytes")
UNKNOWN = "unknown"


@dataclass(slots=True)
class PairCounts:
    """Counts by value of a column; null is `unknown`, and no number at all."""

    num_pairs: int = 0
    names: dict[str, Counter[str]] = field(default_factory=lambda: {name: Counter() for name in (*_NAMES, "split")})
    numbers: dict[str, Counter[int]] = field(
        default_factory=lambda: {name: Counter() for name in (*_NUMBERS, "short_side_px", "image_num_kb")}
    )
    licenses_by_split: Counter[tuple[str, str]] = field(default_factory=Counter)  # (class, split)
    rights_flags: Counter[str] = field(default_factory=Counter)
    num_flagged: int = 0  # pairs with any flag


def count_pairs(store: Store, names: Iterable[str]) -> PairCounts:
    """Return the counts of all pairs.

    Args:
        store: the release.
        names: of its tables of pairs.
    """
    counts = PairCounts()
    for batch in _batches(store, names):
        _add(counts, batch)
    return counts


def _batches(store: Store, names: Iterable[str]) -> Iterator[pa.RecordBatch]:
    for name in names:
        with store.open_file(name) as stream, pq.ParquetFile(stream, page_checksum_verification=True) as file:
            yield from file.iter_batches(_BATCH_ROWS, columns=list(_COLUMNS))


def _add(counts: PairCounts, batch: pa.RecordBatch) -> None:
    counts.num_pairs += batch.num_rows
    for name, counter in counts.names.items():
        counter.update(_value_counts(pc.fill_null(batch.column(name), pa.scalar(UNKNOWN))))
    short_side = pc.min_element_wise(batch.column("width_px"), batch.column("height_px"))
    size_kb = pc.divide(pc.add(batch.column("image_num_bytes"), pa.scalar(999)), pa.scalar(1_000))
    for number, values in [
        *((name, batch.column(name)) for name in _NUMBERS),
        ("short_side_px", short_side),
        ("image_num_kb", size_kb),
    ]:
        counts.numbers[number].update(_value_counts(values.drop_null()))
    table = pa.table({name: batch.column(name) for name in ("license", "split")})
    for row in table.group_by(["license", "split"]).aggregate([([], "count_all")]).to_pylist():
        counts.licenses_by_split[row["license"], row["split"]] += row["count_all"]
    flags = batch.column("rights_flags")
    counts.rights_flags.update(_value_counts(pc.list_flatten(flags)))
    counts.num_flagged += sum(1 for length in pc.list_value_length(flags).to_pylist() if length)


def _value_counts(values: Any) -> dict[Any, int]:
    """Return how often each value of an array is there."""
    found: Any = pc.value_counts(values)
    return dict(zip(found.field("values").to_pylist(), found.field("counts").to_pylist(), strict=True))
