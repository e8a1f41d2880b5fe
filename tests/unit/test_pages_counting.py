"""What is counted of the pairs of a release."""

from pathlib import Path

from pmc15m.release.pages.counting import count_pairs
from pmc15m.store import Store
from tests.released import write_release
from tests.some import article, pair

PAIRS = [
    ("train", pair("PMC7_0001_01", width_px=640, height_px=480, rights_flags=("adapted", "credit"))),
    ("train", pair("PMC7_0002_01", width_px=90, height_px=480, rights_flags=("credit",), license="CC0")),
    ("val", pair("PMC8_0001_01", article=article(pmcid="PMC8", journal=None, year=None), caption_language=None)),
]


def test_pairs_are_counted_by_value(tmp_path: Path) -> None:
    subject = write_release(tmp_path, PAIRS)
    counts = count_pairs(Store(subject.release), [path for path in subject.paths if path.startswith("pairs/")])
    assert counts.num_pairs == 3
    assert counts.names["split"] == {"train": 2, "val": 1}
    assert counts.names["journal"] == {"Journal of Mills": 2, "unknown": 1}
    assert counts.names["caption_language"] == {"en": 2, "unknown": 1}
    assert counts.numbers["year"] == {2019: 2}
    assert counts.numbers["short_side_px"] == {480: 2, 90: 1}
    assert counts.licenses_by_split == {("CC BY", "train"): 1, ("CC0", "train"): 1, ("CC BY", "val"): 1}
    assert counts.rights_flags == {"credit": 2, "adapted": 1}
    assert counts.num_flagged == 2


def test_a_part_of_a_kilobyte_is_one(tmp_path: Path) -> None:
    subject = write_release(tmp_path, PAIRS[:2], images={"PMC7_0001_01": b"x" * 1_001, "PMC7_0002_01": b"x"})
    counts = count_pairs(Store(subject.release), ["pairs/pmc15m-train-000000.parquet"])
    assert counts.numbers["image_num_kb"] == {2: 1, 1: 1}


def test_a_release_without_pairs_has_counts_of_nothing(tmp_path: Path) -> None:
    counts = count_pairs(Store(str(tmp_path)), [])
    assert counts.num_pairs == 0
    assert counts.numbers["year"] == {}
