"""Decontamination: lists are read or refused in one sentence, and what they hold is found."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pmc15m.curate.decontaminate import EvalList, ListedImage, find_overlaps, read_list, write_list
from pmc15m.curate.near import Hashes, pack_hashes
from pmc15m.errors import UsageError

VERSION = "dct256-2"


def a_hash(seed: int, flipped: int = 0) -> bytes:
    """Return the hash of some picture, with its first bits turned."""
    bits = np.unpackbits(np.frombuffer(np.random.RandomState(seed).bytes(32), np.uint8))
    bits[:flipped] ^= 1
    return np.packbits(bits).tobytes()


def image(name: str, whole: bytes, content: bytes | None = None, **changes: Any) -> ListedImage:
    made = ListedImage("vqa", name, whole, content or whole, 640, 480, 40.0, VERSION)
    return replace(made, **changes)


def made(folder: Path, *images: ListedImage) -> EvalList:
    write_list(images, folder / "list.parquet")
    return read_list(folder / "list.parquet", VERSION)


def articles(folder: Path, **columns: list[Any]) -> EvalList:
    pq.write_table(pa.table(columns), folder / "articles.parquet")
    return read_list(folder / "articles.parquet", VERSION)


def overlaps(rows: list[tuple[bytes, bytes]], *lists: EvalList, max_distance: int = 24) -> list[tuple[int, str]]:
    """Return what is found of rows, each a hash of the whole and one of the content; their pmcids count from 1."""
    hashes: list[Hashes] = [pack_hashes([row[kind] for row in rows]) for kind in range(2)]
    usable = [np.ones(len(rows), np.bool_)] * 2
    pmcids = [f"PMC{number}" for number in range(1, len(rows) + 1)]
    return find_overlaps(hashes, usable, pmcids, lists, max_distance)


def twice(value: bytes) -> tuple[bytes, bytes]:
    return value, value


# --- lists ----------------------------------------------------------------------------------------


def test_list_is_read_as_it_was_written(tmp_path: Path) -> None:
    images = [image("b.png", a_hash(1), a_hash(2), grey_std=7.25), image("a.png", a_hash(3))]
    listed = made(tmp_path, *images)
    assert listed.names == ("vqa:b.png", "vqa:a.png")
    assert [hashes.tolist() for hashes in listed.hashes] == [
        pack_hashes([a_hash(1), a_hash(3)]).tolist(),
        pack_hashes([a_hash(2), a_hash(3)]).tolist(),
    ]
    assert listed.grey_std.tolist() == [7.25, 40.0]
    assert listed.pmcids == {}


def test_same_images_are_the_same_bytes_and_columns_are_those_promised(tmp_path: Path) -> None:
    write_list([image("a", a_hash(1))], tmp_path / "1.parquet")
    write_list([image("a", a_hash(1))], tmp_path / "2.parquet")
    assert (tmp_path / "1.parquet").read_bytes() == (tmp_path / "2.parquet").read_bytes()
    assert pq.read_schema(tmp_path / "1.parquet").names == (
        "source id phash phash_content width_px height_px grey_std hash_version".split()
    )


def test_list_of_articles_names_the_first_of_its_sources(tmp_path: Path) -> None:
    listed = articles(tmp_path, pmcid=["PMC7", "PMC8", "PMC7"], source=["roco", "roco", "medicat"])
    assert (listed.names, listed.pmcids) == ((), {"PMC7": "medicat:PMC7", "PMC8": "roco:PMC8"})


def test_list_of_images_with_pmcids_is_both(tmp_path: Path) -> None:
    write_list([image("a", a_hash(1))], tmp_path / "images.parquet")
    table = pq.read_table(tmp_path / "images.parquet").append_column("pmcid", pa.array(["PMC7"]))
    pq.write_table(table, tmp_path / "both.parquet")
    listed = read_list(tmp_path / "both.parquet", VERSION)
    assert (listed.names, listed.pmcids) == (("vqa:a",), {"PMC7": "vqa:PMC7"})


def refusal(path: Path, table: pa.Table) -> str:
    """Return what is said of a list that is refused, without its path."""
    pq.write_table(table, path)
    with pytest.raises(UsageError) as refused:
        read_list(path, VERSION)
    assert "\n" not in str(refused.value)
    assert str(path) in str(refused.value)
    return str(refused.value).replace(str(path), "LIST")


def test_list_that_cannot_be_used_is_refused(tmp_path: Path) -> None:
    write_list([image("a", a_hash(1))], tmp_path / "sound.parquet")
    sound = pq.read_table(tmp_path / "sound.parquet")
    path = tmp_path / "list.parquet"
    assert refusal(path, sound.drop_columns(["phash"])) == "the list LIST has no column phash"
    missing = sound.set_column(0, "source", pa.array([None], pa.string()))
    assert refusal(path, missing) == "the list LIST has a row without source"
    other = sound.set_column(7, "hash_version", pa.array(["dct64-0"]))
    assert refusal(path, other) == f"LIST has hashes of version dct64-0, the pairs of {VERSION}: make the list anew"
    short = sound.set_column(2, "phash", pa.array([b"1234"]))
    assert refusal(path, short).startswith("the list LIST has phash that is no fixed_size_binary[32]")
    number = pa.table({"pmcid": [4991227], "source": ["roco"]})
    assert refusal(path, number) == "the list LIST has the pmcid '4991227': write PMC4991227"
    assert refusal(path, pa.table({"pmcid": ["PMC7"]})) == "the list LIST has no column source"


def test_file_that_is_no_list_is_refused(tmp_path: Path) -> None:
    (tmp_path / "list.parquet").write_text("phash\n")
    for name in ("list.parquet", "absent.parquet", "."):
        with pytest.raises(UsageError, match=r"^cannot read the list "):
            read_list(tmp_path / name, VERSION)


# --- overlaps -------------------------------------------------------------------------------------


def test_near_image_is_found_by_either_hash_up_to_the_limit(tmp_path: Path) -> None:
    listed = made(tmp_path, image("a.png", a_hash(1), a_hash(2)))
    rows = [
        (a_hash(1, 8), a_hash(9)),
        (a_hash(9), a_hash(2, 8)),
        (a_hash(8), a_hash(9)),
        (a_hash(2), a_hash(1)),  # a whole is not compared with a content box
    ]
    assert overlaps(rows, listed) == [(0, "vqa:a.png"), (1, "vqa:a.png")]
    assert overlaps(rows, listed, max_distance=7) == []


def test_nearest_image_is_named_and_of_equal_ones_the_first_in_the_alphabet(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    one = made(tmp_path, image("near", a_hash(1, 1)), image("exact", a_hash(1)))
    two = made(tmp_path / "other", image("z", a_hash(1), source="slake"), image("exact", a_hash(1), source="path"))
    for lists in ([one, two], [two, one]):
        assert overlaps([twice(a_hash(1)), twice(a_hash(1, 1))], *lists) == [(0, "path:exact"), (1, "vqa:near")]


def test_article_of_a_list_goes_with_all_its_rows(tmp_path: Path) -> None:
    images = made(tmp_path, image("a", a_hash(2)))
    listed = articles(tmp_path, pmcid=["PMC2", "PMC9"], source=["roco", "roco"])
    assert overlaps([twice(a_hash(n)) for n in (1, 2, 3)], images, listed) == [(1, "roco:PMC2")]


def test_image_without_structure_is_compared_with_nothing(tmp_path: Path) -> None:
    blank = bytes(31) + b"\x01"
    listed = made(tmp_path, image("blank", blank), image("dim", a_hash(1), grey_std=2.9))
    assert overlaps([twice(blank), twice(a_hash(1))], listed) == []
    hashes = [pack_hashes([a_hash(1)])] * 2
    dim = made(tmp_path, image("a", a_hash(1)))
    assert find_overlaps(hashes, [np.zeros(1, np.bool_)] * 2, ["PMC1"], [dim], 24) == []


def test_no_list_and_no_row_are_no_overlap(tmp_path: Path) -> None:
    assert overlaps([twice(a_hash(1))]) == []
    assert overlaps([], made(tmp_path, image("a", a_hash(1)))) == []
    assert overlaps([twice(a_hash(1))], made(tmp_path)) == []


@settings(max_examples=30)
@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 9)), max_size=12), st.randoms(use_true_random=False))
def test_order_of_rows_and_of_lists_does_not_matter(rows: list[tuple[int, int]], random: Any) -> None:
    hashes = [a_hash(seed, flipped) for seed, flipped in rows]
    images = [(f"x:{seed}", pack_hashes([a_hash(seed)])) for seed in range(3)]
    lists = [EvalList((name,), (packed, packed), np.array([40.0]), {}) for name, packed in images]
    found = overlaps([twice(value) for value in hashes], *lists)
    assert found == [(row, f"x:{seed}") for row, (seed, _) in enumerate(rows) if seed < 3]
    order = random.sample(range(len(rows)), len(rows))
    shuffled = overlaps([twice(hashes[row]) for row in order], *random.sample(lists, 3))
    assert sorted((order[row], name) for row, name in shuffled) == found
