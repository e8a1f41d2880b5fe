"""Candidates: what curate shuffles of a pair, and the way back to its caption."""

from pathlib import Path

from pmc15m.curate.candidates import Candidate, read_candidates, read_caption_at
from pmc15m.curate.captions import caption_digest
from pmc15m.curate.identity import title_digest
from pmc15m.records import Pair
from pmc15m.rows import ROW_GROUP_ROWS, write_rows
from pmc15m.store import Store
from tests import some


def caption_of(candidate: Candidate, pairs: Path) -> str:
    return read_caption_at(str(pairs), candidate.file, candidate.row_group, candidate.row)


def test_candidate_says_of_a_pair_what_is_judged(tmp_path: Path) -> None:
    pair = some.pair(
        "PMC8_0002_01",
        caption="Two  words \u00e9\u00e9.",
        fig_id=None,
        kind="graphical_abstract",
        width_px=99,
        rights_flags=("adapted", "credit"),
        rights_phrases=("adapted: adapted from [4]",),
        article=some.article(pmcid="PMC8", title="On the mills of the north", related=("doi:10.5555/a", "pmcid:PMC9")),
    )
    file = write_rows([pair], Pair, Store(str(tmp_path)), "pairs").name
    (found,) = read_candidates(file, str(tmp_path))
    assert found == some.candidate(
        "PMC8_0002_01",
        fig_id=None,
        kind="graphical_abstract",
        width_px=99,
        rights_flags=("adapted", "credit"),
        rights_phrases=("adapted: adapted from [4]",),
        title_digest=title_digest("On the mills of the north"),
        related=("doi:10.5555/a", "pmcid:PMC9"),
        caption_digest=caption_digest("Two words \u00e9\u00e9"),
        num_chars=14,
        num_words=3,
        file=file,
    )


def test_caption_is_measured_without_the_licence_at_its_end(tmp_path: Path) -> None:
    captions = {
        "PMC8_0001_01": "A mill by the river. \u00a9 2019 Mill Press. All rights reserved.",
        "PMC8_0002_01": "\u00a9 2019 Mill Press. All rights reserved.",
    }
    pairs = [some.pair(key, caption=caption) for key, caption in captions.items()]
    file = write_rows(pairs, Pair, Store(str(tmp_path)), "pairs").name
    found = {candidate.key: candidate for candidate in read_candidates(file, str(tmp_path))}
    first, second = found["PMC8_0001_01"], found["PMC8_0002_01"]
    assert (first.num_chars, first.num_words, first.is_boilerplate) == (20, 5, False)
    assert (second.num_chars, second.num_words, second.is_boilerplate) == (0, 0, True)
    assert caption_of(first, tmp_path) == captions["PMC8_0001_01"]


def test_article_without_a_title_has_no_digest_of_one(tmp_path: Path) -> None:
    file = write_rows([some.pair(article=some.article(title=None))], Pair, Store(str(tmp_path)), "pairs").name
    (found,) = read_candidates(file, str(tmp_path))
    assert found.title_digest is None


def test_every_pair_of_a_file_is_a_candidate_that_finds_its_caption(tmp_path: Path) -> None:
    pairs = [some.pair(f"PMC{n}_0001_01", caption=f"Mill number {n}.") for n in range(ROW_GROUP_ROWS + 40)]
    file = write_rows(pairs, Pair, Store(str(tmp_path)), "pairs").name
    found = list(read_candidates(file, str(tmp_path)))
    assert {candidate.key for candidate in found} == {pair.key for pair in pairs}
    assert {candidate.row_group for candidate in found} == {0, 1}
    captions = {candidate.key: caption_of(candidate, tmp_path) for candidate in found}
    assert captions == {pair.key: pair.figure.caption for pair in pairs}
