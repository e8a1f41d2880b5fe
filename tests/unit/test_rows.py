"""Row files: records come back as they were, by ranges of digests, and damage is an error."""

import dataclasses
import itertools
import random
import types
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pmc15m.records import Article, Decision, Figure, Pair, Reject, make_key
from pmc15m.rows import (
    ORDER_BITS,
    ROW_GROUP_ROWS,
    RowFile,
    content_of,
    from_row,
    order_of,
    order_range,
    read_range,
    read_tables,
    schema,
    to_row,
    write_rows,
)
from pmc15m.store import Store
from tests import some

ALL = (0, 1 << ORDER_BITS)

KINDS: dict[Any, st.SearchStrategy[Any]] = {
    str: st.text(st.characters(codec="utf-8")),
    int: st.integers(-(2**63), 2**63 - 1),
    float: st.floats(allow_nan=False),
    bool: st.booleans(),
    bytes: st.binary(min_size=32, max_size=32),
}


def anything(hint: Any) -> st.SearchStrategy[Any]:
    """Return a strategy for a type as records have them."""
    if dataclasses.is_dataclass(hint):
        return st.builds(hint, **{name: anything(kind) for name, kind in get_type_hints(hint).items()})  # type: ignore[arg-type]
    if isinstance(hint, types.UnionType):
        return st.none() | anything(next(kind for kind in get_args(hint) if kind is not types.NoneType))
    if get_origin(hint) is tuple:
        return st.lists(anything(get_args(hint)[0]), max_size=3).map(tuple)
    return KINDS[hint] if hint in KINDS else st.sampled_from(hint)


def make_rejects(count: int, start: int = 0) -> list[Reject]:
    return [
        some.reject(make_key(f"PMC{number}", 1, 1), detail="d" * (number % 7), fig_id=None if number % 3 else "F1")
        for number in range(start, start + count)
    ]


@pytest.mark.parametrize("cls", [Pair, Decision, Reject, Article, Figure])
def test_record_comes_back_from_its_row(cls: Any) -> None:
    @given(anything(cls))
    def check(record: Any) -> None:
        row = to_row(record)
        assert from_row(cls, row) == record
        assert list(row) == schema(cls).names
        table = pa.Table.from_pylist([row], schema=schema(cls))
        assert from_row(cls, table.to_pylist()[0]) == record

    check()


@pytest.mark.parametrize("cls", [Pair, Decision, Reject])
def test_columns_of_a_record_have_names_of_their_own(cls: Any) -> None:
    assert len(set(schema(cls).names)) == len(schema(cls).names)
    assert "order" not in schema(cls).names


def test_column_is_null_only_where_the_record_may_be() -> None:
    nullable = {name for name in schema(Pair).names if schema(Pair).field(name).nullable}
    assert nullable == {
        "doi", "pmid", "title", "journal", "year", "article_type", "first_author", "fig_id", "label", "graphic_md5",
        "license_url", "caption_language",
    }  # fmt: skip


def test_record_of_an_unknown_type_has_no_schema() -> None:
    @dataclasses.dataclass(frozen=True)
    class Odd:
        key: str
        value: complex

    with pytest.raises(TypeError, match="no Arrow type for"):
        schema(Odd)


@settings(max_examples=25)
@given(st.lists(anything(Reject), max_size=40, unique_by=lambda record: record.key), st.randoms(use_true_random=False))
def test_bytes_and_name_do_not_depend_on_the_order_of_records(records: list[Reject], chance: random.Random) -> None:
    first = write_nowhere(records)
    chance.shuffle(records)
    assert write_nowhere(records) == first


def write_nowhere(records: list[Reject]) -> RowFile:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Store, "put_file", lambda *_: None)
        patch.setattr(Store, "_scratch", lambda _: None)
        return write_rows(records, Reject, Store("unused"), "rejects")


def test_rows_of_one_key_lie_in_a_fixed_order_too(tmp_path: Path) -> None:
    twins = [some.reject(detail=str(number)) for number in range(9)]
    first = write_rows(twins, Reject, Store(str(tmp_path)), "rejects")
    assert write_rows(twins[::-1], Reject, Store(str(tmp_path)), "rejects") == first


def test_row_file_says_what_it_holds(tmp_path: Path) -> None:
    store = Store(str(tmp_path))
    file = write_rows(make_rejects(1_000), Reject, store, "rejects")
    assert file.name == f"rejects-{file.sha256[:20]}.parquet"
    assert [entry.name for entry in store.list()] == [file.name]
    assert (file.num_rows, file.num_bytes) == (1_000, (tmp_path / file.name).stat().st_size)
    table = pq.read_table(tmp_path / file.name)
    assert table["order"].to_pylist() == sorted(order_of(str(key)) for key in table["key"].to_pylist())
    assert table.drop_columns("order").schema.equals(schema(Reject))
    assert pq.ParquetFile(tmp_path / file.name).metadata.row_group(0).num_rows == ROW_GROUP_ROWS


def test_content_is_the_same_however_rows_are_dealt_to_files(tmp_path: Path) -> None:
    store = Store(str(tmp_path))
    records = make_rejects(60)
    whole = content_of([write_rows(records, Reject, store, "a")])
    assert whole == content_of(write_rows(records[n::7], Reject, store, "b") for n in reversed(range(7)))
    assert whole != content_of([write_rows(records[1:], Reject, store, "c")])
    assert whole != content_of([write_rows([*records, records[0]], Reject, store, "d")])
    other = [dataclasses.replace(records[0], detail="another"), *records[1:]]
    assert whole != content_of([write_rows(other, Reject, store, "e")])
    assert len(content_of([])) == len(whole) == 32


@given(st.integers(1, 5_000))
def test_ranges_of_digests_cover_all_and_meet(count: int) -> None:
    ranges = [order_range(index, count) for index in range(count)]
    assert ranges[0][0] == 0
    assert ranges[-1][1] == 1 << ORDER_BITS
    assert all(before[1] == after[0] for before, after in itertools.pairwise(ranges))
    assert all(low < high for low, high in ranges)


@given(KINDS[str])
def test_digest_of_a_key_fits_64_signed_bits(key: str) -> None:
    assert 0 <= order_of(key) < 1 << ORDER_BITS


def test_digest_of_a_key_is_the_same_for_ever() -> None:
    assert order_of("PMC4991227_0004_01") == 0x359BF079B607BA3E
    assert order_of("") == 0xE3B0C44298FC1C14 >> 2


def test_ranges_hold_the_same_records_as_a_search_of_all(tmp_path: Path) -> None:
    store = Store(str(tmp_path))
    records = make_rejects(1_700)
    parts = [records[:1_100], records[1_100:1_105], records[1_105:]]
    names = [write_rows(part, Reject, store, f"part{n}").name for n, part in enumerate(parts)]
    orders = sorted(order_of(record.key) for record in records)
    chance = random.Random(5)
    edges = [0, 1, 1 << ORDER_BITS, *(order + step for order in chance.sample(orders, 6) for step in (-1, 0, 1))]
    for _ in range(60):
        low, high = sorted(chance.sample(edges, 2))
        found = list(read_range(store, names, Reject, low, high))
        assert len(found) == len({record.key for record in found})
        assert {record.key for record in found} == {r.key for r in records if low <= order_of(r.key) < high}


def test_shares_of_a_range_are_everything_once(tmp_path: Path) -> None:
    store = Store(str(tmp_path))
    records = make_rejects(300)
    names = [write_rows(records[n::2], Reject, store, "part").name for n in range(2)]
    found = [record for n in range(7) for record in read_range(store, names, Reject, *order_range(n, 7))]
    assert sorted(found, key=lambda r: r.key) == sorted(records, key=lambda r: r.key)


def test_range_reads_only_the_row_groups_that_it_overlaps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = Store(str(tmp_path))
    name = write_rows(make_rejects(3 * ROW_GROUP_ROWS), Reject, store, "part").name
    groups = pq.ParquetFile(tmp_path / name).metadata
    statistics: Any = groups.row_group(1).column(0).statistics
    read: list[int] = []
    original = pq.ParquetFile.read_row_group

    def watched(self: pq.ParquetFile, index: int) -> Any:
        read.append(index)
        return original(self, index)

    monkeypatch.setattr(pq.ParquetFile, "read_row_group", watched)
    assert len(list(read_range(store, [name], Reject, statistics.min, statistics.max + 1))) == ROW_GROUP_ROWS
    assert read == [1]


def test_range_can_be_narrowed_by_a_column_and_by_keys(tmp_path: Path) -> None:
    store = Store(str(tmp_path))
    records = [some.decision(f"PMC{n}_0001_01", split="val" if n % 3 else "test") for n in range(30)]
    names = [write_rows(records, Decision, store, "decisions").name]
    found = read_range(store, names, Decision, *ALL, where=("split", "test"))
    assert {record.key for record in found} == {f"PMC{n}_0001_01" for n in range(0, 30, 3)}
    wanted = {"PMC4_0001_01", "PMC5_0001_01", "PMC999_0001_01"}
    assert {r.key for r in read_range(store, names, Decision, *ALL, keys=wanted)} == {"PMC4_0001_01", "PMC5_0001_01"}
    assert list(read_range(store, names, Decision, *ALL, keys=())) == []


def test_file_without_rows_is_read_as_nothing(tmp_path: Path) -> None:
    store = Store(str(tmp_path))
    file = write_rows([], Reject, store, "rejects")
    assert file.num_rows == 0
    assert list(read_range(store, [file.name], Reject, *ALL)) == []
    assert list(read_range(store, [], Reject, *ALL)) == []


def test_columns_are_read_by_row_group_in_the_order_of_the_file(tmp_path: Path) -> None:
    store = Store(str(tmp_path))
    name = write_rows(make_rejects(ROW_GROUP_ROWS + 1), Reject, store, "rejects").name
    tables = list(read_tables(store, name, ["key", "detail"]))
    assert [table.num_rows for table in tables] == [ROW_GROUP_ROWS, 1]
    assert pa.concat_tables(tables).equals(pq.read_table(tmp_path / name, columns=["key", "detail"]))


def test_flipped_bit_in_a_page_is_an_error_and_never_other_data(tmp_path: Path) -> None:
    store = Store(str(tmp_path))
    file = write_rows(make_rejects(600), Reject, store, "rejects")
    path = tmp_path / file.name
    sound = path.read_bytes()
    expected = list(read_range(store, [file.name], Reject, *ALL))
    num_page_bytes = len(sound) - pq.ParquetFile(path).metadata.serialized_size - 8
    chance = random.Random(3)
    num_found = 0
    for _ in range(250):
        broken = bytearray(sound)
        broken[chance.randrange(4, num_page_bytes)] ^= 1 << chance.randrange(8)
        path.write_bytes(broken)
        try:
            assert list(read_range(store, [file.name], Reject, *ALL)) == expected
        except (OSError, pa.ArrowException):
            num_found += 1
    assert num_found > 200  # what is not found lies in statistics that are not used


def test_cut_file_is_an_error(tmp_path: Path) -> None:
    store = Store(str(tmp_path))
    file = write_rows(make_rejects(5), Reject, store, "rejects")
    path = tmp_path / file.name
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises((OSError, pa.ArrowException)):
        list(read_range(store, [file.name], Reject, *ALL))
