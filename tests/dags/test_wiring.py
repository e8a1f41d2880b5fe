"""What Beam and our steps refuse: a lost reject, a miswired DAG, an annotation that says too little."""

from collections.abc import Iterator
from pathlib import Path

import apache_beam as beam
import pytest
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from apache_beam.testing.util import assert_that, equal_to
from apache_beam.typehints.decorators import TypeCheckError

from pmc15m.acquire.packages import list_articles, read_package
from pmc15m.config import ImagesConfig
from pmc15m.images.pairs import probe_figure
from pmc15m.records import Decision, Reason, Reject, Tally
from pmc15m.rows import RowFile, write_rows
from pmc15m.steps import MAX_BUFFERED_ROWS, Finish, Gather, Ledger, OfKind, Step, WriteRows
from pmc15m.store import Store
from tests import some
from tests.dags.conftest import NOWHERE
from tests.dags.rows import read_all, reasons


def halve(number: int) -> Iterator[int | Reject | Tally]:
    """Yield half of an even number; odd ones are rejects."""
    yield Tally("seen", 1)
    if number % 2:
        yield some.reject(f"PMC{number}_0001_01", reason=Reason.NO_CAPTION)
    else:
        yield number // 2


def shout(word: str) -> Iterator[str]:
    """Yield a word in capitals."""
    yield word.upper()


def test_step_yields_what_goes_on_and_its_ledger_has_the_rest(tmp_path: Path) -> None:
    with beam.Pipeline(FnApiRunner()) as p:
        with Ledger(str(tmp_path), NOWHERE) as ledger:
            halves = p | beam.Create(range(1, 9)) | Step(halve, ledger=ledger)
        assert_that(halves, equal_to([1, 2, 3, 4]), "halves")
        sums = [("halve/in", 8), ("halve/out", 4), ("rejects/extract/figures/no_caption", 4), ("seen", 8)]
        assert_that(ledger.tallies, equal_to(sums), "tallies")
    assert reasons(str(tmp_path)) == [(f"PMC{n}_0001_01", "no_caption") for n in (1, 3, 5, 7)]


def test_ledger_that_is_not_closed_is_refused_before_anything_runs(tmp_path: Path) -> None:
    p = beam.Pipeline(FnApiRunner())
    ledger = Ledger(str(tmp_path), NOWHERE)
    _ = p | beam.Create([1]) | Step(halve, ledger=ledger)
    with pytest.raises(RuntimeError, match=r"(?i)unclosed error handler"):
        p.run()
    assert list(tmp_path.iterdir()) == []


def test_step_after_a_step_of_another_kind_is_refused_while_the_dag_is_built() -> None:
    p = beam.Pipeline(FnApiRunner())
    with Ledger("nowhere", NOWHERE) as ledger:
        halves = p | beam.Create([1]) | Step(halve, ledger=ledger)
        with pytest.raises(TypeCheckError, match="str"):
            _ = halves | Step(shout, ledger=ledger)


def test_dag_that_leaves_out_a_step_is_refused_while_it_is_built() -> None:
    p = beam.Pipeline(FnApiRunner())
    with Ledger("nowhere", NOWHERE) as ledger:
        articles = p | beam.Create(["source"]) | Step(list_articles, ledger=ledger)
        with pytest.raises(TypeCheckError, match=r"Figure.*ArticleRef"):
            _ = articles | Step(probe_figure, "source", ImagesConfig(), ledger=ledger)
        _ = articles | Step(read_package, "source", ledger=ledger)


def test_writer_of_other_records_is_refused_while_the_dag_is_built() -> None:
    p = beam.Pipeline(FnApiRunner())
    rejects = p | beam.Create([some.reject()])
    with pytest.raises(TypeCheckError, match=r"Decision.*Reject"):
        _ = rejects | WriteRows(Decision, "nowhere", "decisions")


def test_exception_of_a_step_fails_the_run(tmp_path: Path) -> None:
    def break_down(_: int) -> Iterator[int]:
        yield 1 // 0

    with pytest.raises(ZeroDivisionError), beam.Pipeline(FnApiRunner()) as p, Ledger(str(tmp_path), NOWHERE) as ledger:
        _ = p | beam.Create([1]) | Step(break_down, ledger=ledger)


def test_writer_bounds_what_it_holds_and_loses_nothing(tmp_path: Path) -> None:
    count = MAX_BUFFERED_ROWS + 10
    records = [some.decision(f"PMC{n}_0001_01") for n in range(count)]
    with beam.Pipeline(FnApiRunner()) as p:
        files = p | beam.Create(records, reshuffle=False) | WriteRows(Decision, str(tmp_path), "decisions")
        assert_that(
            files | beam.Map(lambda file: file.num_rows) | beam.CombineGlobally(max), equal_to([MAX_BUFFERED_ROWS])
        )
    names = [path.name for path in tmp_path.glob("decisions-*.parquet")]
    assert len(names) > 1
    assert read_all(Decision, str(tmp_path), names) == sorted(records, key=lambda record: record.key)


def note(path: str, *seen: object) -> None:
    """Write what a finish was given."""
    with Path(path).open("a") as file:
        file.write(f"{seen}\n")


def test_finish_is_called_once_with_whole_collections_and_the_sums(tmp_path: Path) -> None:
    with beam.Pipeline(FnApiRunner()) as p:
        with Ledger(str(tmp_path / "out"), NOWHERE) as ledger:
            halves = p | beam.Create([4]) | Step(halve, ledger=ledger)
            nothing = halves | beam.Filter(lambda number: number > 9)
        called = p | Finish(note, str(tmp_path / "note"), after=[halves, nothing], ledger=ledger)
        assert_that(called, equal_to([None]))
    sums = {"halve/in": 1, "halve/out": 1, "seen": 1}
    (line,) = (tmp_path / "note").read_text().splitlines()
    assert line.startswith("([2], [], {")
    assert {name: line.count(f"'{name}': {count}") for name, count in sums.items()} == dict.fromkeys(sums, 1)


def sort_out(number: int) -> Iterator[Decision | Tally | str]:
    """Yield a decision for an even number, a word for an odd one."""
    yield Tally("seen", 1)
    yield f"{number}" if number % 2 else some.decision(f"PMC{number}_0001_01")


def test_records_of_several_classes_that_one_step_yields_are_told_apart(tmp_path: Path) -> None:
    with beam.Pipeline(FnApiRunner()) as p:
        with Ledger(str(tmp_path), NOWHERE) as ledger:
            sorted_out = p | beam.Create([1, 2, 3]) | Step(sort_out, ledger=ledger)
        decisions = sorted_out | OfKind(Decision)
        assert_that(decisions, equal_to([some.decision("PMC2_0001_01")]), "decisions")
        assert_that(sorted_out | OfKind(str), equal_to(["1", "3"]), "words")
        assert_that(ledger.tallies, equal_to([("seen", 3), ("sort_out/in", 3), ("sort_out/out", 3)]), "tallies")
        assert decisions.element_type == Decision
    assert reasons(str(tmp_path)) == []


@pytest.mark.parametrize("count", [0, 1, 5])
def test_names_of_row_files_come_to_one_place_sorted(tmp_path: Path, count: int) -> None:
    store = Store(str(tmp_path))
    files = [write_rows([some.decision(f"PMC{n}_0001_01")], Decision, store, "decisions") for n in range(count)]
    with beam.Pipeline(FnApiRunner()) as p:
        made: beam.PCollection[RowFile] = p | beam.Create(files[::-1]).with_output_types(RowFile)
        assert_that(made | Gather(), equal_to([sorted(file.name for file in files)]))
