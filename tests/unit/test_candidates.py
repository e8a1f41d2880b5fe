"""Candidates: what curate shuffles of a pair, and the way back to its caption."""

from pathlib import Path

from pmc15m.curate.candidates import read_candidates, read_caption
from pmc15m.records import Pair
from pmc15m.rows import ROW_GROUP_ROWS, write_rows
from pmc15m.store import Store
from tests import some


def test_candidate_says_of_a_pair_what_is_judged(tmp_path: Path) -> None:
    pair = some.pair(
        "PMC8_0002_01", caption="Two  words \u00e9\u00e9.", fig_id=None, kind="graphical_abstract", width_px=99
    )
    file = write_rows([pair], Pair, Store(str(tmp_path)), "pairs").name
    (found,) = read_candidates(file, str(tmp_path))
    assert found == some.candidate(
        "PMC8_0002_01", fig_id=None, kind="graphical_abstract", width_px=99, num_chars=14, num_words=3, file=file
    )


def test_every_pair_of_a_file_is_a_candidate_that_finds_its_caption(tmp_path: Path) -> None:
    pairs = [some.pair(f"PMC{n}_0001_01", caption=f"Mill number {n}.") for n in range(ROW_GROUP_ROWS + 40)]
    file = write_rows(pairs, Pair, Store(str(tmp_path)), "pairs").name
    found = list(read_candidates(file, str(tmp_path)))
    assert {candidate.key for candidate in found} == {pair.key for pair in pairs}
    assert {candidate.row_group for candidate in found} == {0, 1}
    captions = {candidate.key: read_caption(candidate, str(tmp_path)) for candidate in found}
    assert captions == {pair.key: pair.figure.caption for pair in pairs}
