"""Examples of rejects, and the pairs that stand for the most copies."""

from pathlib import Path

import pyarrow as pa

from pmc15m.records import Reason, Reject, Stage
from pmc15m.release.pages.rejected import find_clusters, find_examples
from pmc15m.release.table import REJECTS_SCHEMA
from pmc15m.rows import order_of, to_row, write_table
from pmc15m.store import Store
from tests.some import reject

LOW, HIGH = (
    sorted((f"PMC{i}_0001_01" for i in range(1, 401)), key=order_of)[:200],
    sorted((f"PMC{i}_0001_01" for i in range(1, 401)), key=order_of)[200:],
)


def write(folder: Path, *tables: list[Reject]) -> list[str]:
    """Write tables of rejects and return their names."""
    names = []
    for index, rejects in enumerate(tables):
        names.append(f"rejects-{index}.parquet")
        rows = [to_row(one) for one in sorted(rejects, key=lambda one: one.key)]
        write_table(pa.Table.from_pylist(rows, schema=REJECTS_SCHEMA), folder / names[-1], 50)
    return names


def copy(key: str, leader: str, reason: Reason = Reason.DUPLICATE_FILE) -> Reject:
    return reject(key, stage=Stage.CURATE, reason=reason, detail=f"{leader} the same file")


def test_examples_are_those_of_the_smallest_digests_in_their_order(tmp_path: Path) -> None:
    names = write(tmp_path, [reject(key) for key in LOW], [reject(key) for key in HIGH])
    found = find_examples(Store(str(tmp_path)), names, 12)
    assert [row["key"] for row in found["extract", "figures", "no_caption"]] == LOW[:12]


def test_a_rare_reason_is_found_in_every_table(tmp_path: Path) -> None:
    rare = [reject(key, reason=Reason.NO_GRAPHIC) for key in (LOW[50], HIGH[3], HIGH[9])]
    names = write(tmp_path, [*map(reject, LOW), rare[0]], [*map(reject, HIGH), *rare[1:]])
    found = find_examples(Store(str(tmp_path)), names, 12)
    assert [row["key"] for row in found["extract", "figures", "no_graphic"]] == [one.key for one in rare]
    assert len(found["extract", "figures", "no_caption"]) == 12


def test_articles_and_figures_of_one_reason_are_apart(tmp_path: Path) -> None:
    both = [reject("PMC7.1", reason=Reason.MD5_MISMATCH), reject("PMC7_0001_01", reason=Reason.MD5_MISMATCH)]
    found = find_examples(Store(str(tmp_path)), write(tmp_path, both), 12)
    assert {cause: [row["key"] for row in rows] for cause, rows in found.items()} == {
        ("extract", "articles", "md5_mismatch"): ["PMC7.1"],
        ("extract", "figures", "md5_mismatch"): ["PMC7_0001_01"],
    }


def test_full_articles_hide_no_figures_of_the_next_table(tmp_path: Path) -> None:
    articles = [reject(f"PMC{i}.1", reason=Reason.MD5_MISMATCH) for i in range(1, 4)]
    later = [reject("PMC9.1", reason=Reason.MD5_MISMATCH), reject("PMC9_0001_01", reason=Reason.MD5_MISMATCH)]
    found = find_examples(Store(str(tmp_path)), write(tmp_path, articles, later), 2)
    assert [row["key"] for row in found["extract", "figures", "md5_mismatch"]] == ["PMC9_0001_01"]


def test_clusters_stand_by_their_number_of_copies(tmp_path: Path) -> None:
    copies = [copy(key, "PMC500_0001_01") for key in LOW[:3]] + [copy(LOW[5], "PMC600_0001_01")]
    many = [copy(key, "PMC700_0001_01", Reason.DUPLICATE_PIXELS) for key in HIGH[:20]]
    names = write(tmp_path, copies, [*many, copy(HIGH[50], "PMC500_0001_01", Reason.DUPLICATE_IMAGE)])
    found = find_clusters(Store(str(tmp_path)), names, 2, 8)
    assert [(one.key, one.num_copies, len(one.copies)) for one in found] == [
        ("PMC700_0001_01", 20, 8),
        ("PMC500_0001_01", 4, 4),
    ]
    assert [row["key"] for row in found[0].copies] == sorted(HIGH[:8])


def test_what_names_no_pair_is_no_copy(tmp_path: Path) -> None:
    rejects = [
        reject(LOW[0], reason=Reason.DUPLICATE_ARTICLE, detail="PMC9 is the same work"),
        reject(LOW[1], reason=Reason.DUPLICATE_FILE, detail="<script> and more"),
    ]
    assert find_clusters(Store(str(tmp_path)), write(tmp_path, rejects), 20, 8) == []


def test_no_rejects_are_no_examples(tmp_path: Path) -> None:
    names = write(tmp_path, [])
    assert find_examples(Store(str(tmp_path)), names, 12) == {}
    assert find_clusters(Store(str(tmp_path)), names, 20, 8) == []
