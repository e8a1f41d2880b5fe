"""Exact duplicates: one of a group stays, whatever the order, and knows what the others said."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pmc15m.curate import duplicates
from pmc15m.curate.candidates import Candidate, read_candidates
from pmc15m.curate.duplicates import Kept, keep_first, pixels_of
from pmc15m.records import Pair, Reason, Reject, Stage, key_order, make_key
from pmc15m.rows import write_rows
from pmc15m.store import Store
from tests import some

PIXELS = some.digest("pixels")


def judge(pairs: list[Pair], folder: Path) -> list[Kept | Reject]:
    """Return what is decided of a group of pairs."""
    file = write_rows(pairs, Pair, Store(str(folder)), "pairs").name
    return list(keep_first((PIXELS, read_candidates(file, str(folder))), str(folder)))


def test_pairs_are_grouped_by_their_pixels() -> None:
    assert pixels_of(some.candidate()) == (PIXELS, some.candidate())


def test_pair_alone_stays(tmp_path: Path) -> None:
    assert judge([some.pair()], tmp_path) == [Kept("PMC7_0001_01", "PMC7", "PMC7_0001_01", ())]


def test_smallest_key_by_number_stays_and_the_reject_names_it(tmp_path: Path) -> None:
    pairs = [some.pair("PMC10_0001_01"), some.pair("PMC9_0002_01"), some.pair("PMC9_0010_01", sha256=some.digest("x"))]
    assert judge(pairs, tmp_path) == [
        Kept("PMC9_0002_01", "PMC9", "PMC9_0002_01", ()),
        Reject("PMC9_0010_01", "PMC9", 1, "F1", Stage.CURATE, Reason.DUPLICATE_PIXELS,
               f"PMC9_0002_01 pixel_sha256 {PIXELS}"),
        Reject("PMC10_0001_01", "PMC10", 1, "F1", Stage.CURATE, Reason.DUPLICATE_FILE,
               f"PMC9_0002_01 sha256 {some.digest('file')}"),
    ]  # fmt: skip


def test_in_an_article_a_figure_goes_before_a_graphical_abstract(tmp_path: Path) -> None:
    pairs = [some.pair("PMC1_0001_01", kind="graphical_abstract"), some.pair("PMC1_0002_01")]
    kept, reject = judge(pairs, tmp_path)
    assert kept == Kept("PMC1_0002_01", "PMC1", "PMC1_0001_01", ())
    assert reject.key == "PMC1_0001_01"


def test_the_article_of_the_smaller_number_goes_before_the_kind(tmp_path: Path) -> None:
    pairs = [some.pair("PMC1_0001_01", kind="graphical_abstract"), some.pair("PMC2_0001_01")]
    assert judge(pairs, tmp_path)[0] == Kept("PMC1_0001_01", "PMC1", "PMC1_0001_01", ())


def test_captions_of_the_others_that_differ_are_kept_once_and_sorted(tmp_path: Path) -> None:
    captions = ["Mill.", "Wheel.", "Mill.", "A dam.", "Wheel."]
    pairs = [some.pair(f"PMC{n}_0001_01", caption=caption) for n, caption in enumerate(captions, 1)]
    kept = judge(pairs, tmp_path)[0]
    assert isinstance(kept, Kept)
    assert kept.other_captions == ("A dam.", "Wheel.")


def test_caption_of_a_pair_alone_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(duplicates, "read_caption", lambda *_: pytest.fail("read"))
    assert len(list(keep_first((PIXELS, [some.candidate()]), "nowhere"))) == 1


members = st.builds(
    some.candidate,
    key=st.builds(make_key, st.integers(1, 12).map("PMC{}".format), st.integers(1, 12), st.integers(1, 2)),
    kind=st.sampled_from(["figure", "graphical_abstract"]),
    sha256=st.sampled_from([some.digest("a"), some.digest("b")]),
    num_chars=st.integers(1, 4),
)


@given(st.lists(members, min_size=1, max_size=8, unique_by=lambda candidate: candidate.key), st.data())
def test_order_of_a_group_decides_nothing_and_no_member_is_lost(group: list[Candidate], data: st.DataObject) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(duplicates, "read_caption", lambda candidate, _: "c" * candidate.num_chars)
        first = list(keep_first((PIXELS, group), ""))
        shuffled = data.draw(st.permutations(group))
        assert list(keep_first((PIXELS, iter(shuffled)), "")) == first
    kept, *rejects = first
    assert isinstance(kept, Kept)
    assert sorted(item.key for item in first) == sorted(candidate.key for candidate in group)
    assert kept.cluster == min((candidate.key for candidate in group), key=key_order)
    assert kept.other_captions == tuple(sorted(set(kept.other_captions)))
    by_key = {candidate.key: candidate for candidate in group}
    for reject in rejects:
        is_same_file = by_key[reject.key].sha256 == by_key[kept.key].sha256
        assert isinstance(reject, Reject)
        assert reject.reason is (Reason.DUPLICATE_FILE if is_same_file else Reason.DUPLICATE_PIXELS)
        assert reject.detail.split()[0] == kept.key


@given(st.lists(members, min_size=2, max_size=8, unique_by=lambda candidate: candidate.key))
def test_one_that_joins_a_group_changes_only_the_kept_if_it_goes_before_it(group: list[Candidate]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(duplicates, "read_caption", lambda *_: "c")
        before = next(iter(keep_first((PIXELS, group[1:]), "")))
        after = next(iter(keep_first((PIXELS, group), "")))
    assert after.key in {before.key, group[0].key}
