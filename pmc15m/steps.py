"""Beam: the one module of the library that imports it.

A step is a plain function `f(element, *args) -> Iterator[X | Reject | Tally]`. `Step` applies it and
hands rejects and tallies to the `Ledger` of the DAG, so that a DAG reads as a straight pipe and no
reject can be lost: Beam refuses a ledger that was not closed.
"""

import functools
import operator
from collections.abc import Callable, Iterable, Iterator
from types import NoneType
from typing import Any, get_args, get_type_hints

import apache_beam as beam
from apache_beam.pvalue import AsDict, AsList, PCollection, TaggedOutput
from apache_beam.transforms.error_handling import ErrorHandler
from apache_beam.transforms.window import GlobalWindow
from apache_beam.utils.windowed_value import WindowedValue

from pmc15m.progress import Meter
from pmc15m.records import Reject, Tally
from pmc15m.rows import RowFile, write_rows
from pmc15m.store import Store

MAX_BUFFERED_ROWS = 4_000
"""Rows that a writer holds before it writes a file: bounds memory, never changes the release."""

StepFunction = Callable[..., Iterable[Any]]


class Ledger(ErrorHandler):
    """What a stage accounts for: its rejects, as row files, and its tallies, summed by name.

    A context manager: when it closes, `output()` is the files of rejects and `tallies` the sums.
    """

    def __init__(self, out: str, meter: Meter) -> None:
        """Make an open ledger.

        Args:
            out: folder of the reject files.
            meter: where steps report progress to.
        """
        super().__init__(WriteRows(Reject, out, "rejects"))
        self.meter = meter
        self.tallies: PCollection[tuple[str, int]]
        self._counts: list[PCollection[tuple[str, int]]] = []

    def add(self, rejects: PCollection[Reject], counts: PCollection[tuple[str, int]]) -> None:
        """Take in what one step rejects and counts."""
        self.add_error_pcollection(rejects)
        self._counts.append(counts)

    def close(self) -> None:
        """Write the rejects and sum the counts of all steps."""
        super().close()
        counts = tuple(self._counts) | "FlattenTallies" >> beam.Flatten()
        self.tallies = counts | "SumTallies" >> beam.CombinePerKey(sum)


class Step(beam.PTransform[Any, Any]):
    """Apply a step function; hand its rejects and tallies to the ledger."""

    def __init__(self, fn: StepFunction, *args: Any, ledger: Ledger) -> None:
        """Name the function and the arguments that follow the element."""
        super().__init__()
        self._fn, self._args, self._ledger = fn, args, ledger

    def default_label(self) -> str:
        """Return the function's name."""
        return self._fn.__name__

    def expand(self, elements: PCollection[Any]) -> PCollection[Any]:
        """Take elements, give what goes on."""
        apply = _Apply(self._fn, self._args, self.default_label(), self._ledger.meter)
        typed = beam.ParDo(apply).with_input_types(_what_goes_in(self._fn))
        typed = typed.with_output_types(_what_goes_on(self._fn), rejects=Reject, tallies=tuple[str, int])
        done = elements | "Apply" >> typed.with_outputs("rejects", "tallies", main="out")
        self._ledger.add(done.rejects, done.tallies)
        goes_on: PCollection[Any] = done.out
        return goes_on


def _what_goes_in(fn: StepFunction) -> Any:
    """Return the type of the element that a step function takes: its first argument."""
    return next(iter(get_type_hints(fn).values()))


def _what_goes_on(fn: StepFunction) -> Any:
    """Return X for a step function annotated `-> Iterator[X | Reject | Tally]`, a union where there are several."""
    (yielded,) = get_args(get_type_hints(fn)["return"])
    kinds = [kind for kind in get_args(yielded) or (yielded,) if kind not in (Reject, Tally)]
    return functools.reduce(operator.or_, kinds) if kinds else NoneType


class _Apply(beam.DoFn):
    """Splits what a step function yields, and counts it: tallies leave once a bundle."""

    def __init__(self, fn: StepFunction, args: tuple[Any, ...], label: str, meter: Meter) -> None:
        self._fn, self._args, self._label, self._meter = fn, args, label, meter
        self._counts: dict[str, int] = {}

    def start_bundle(self) -> None:
        self._counts = {}

    def process(self, element: Any) -> Iterator[Any]:
        for item in self._fn(element, *self._args):
            if isinstance(item, Reject):
                unit = "articles" if item.is_article else "figures"
                self._count(f"rejects/{item.stage}/{unit}/{item.reason}", 1)
                yield TaggedOutput("rejects", item)
            elif isinstance(item, Tally):
                self._count(item.name, item.count)
            else:
                self._count(f"{self._label}/out", 1)
                yield item
        self._count(f"{self._label}/in", 1)

    def finish_bundle(self) -> Iterator[Any]:
        self._meter.flush()
        for name, count in sorted(self._counts.items()):
            window = GlobalWindow()
            yield TaggedOutput("tallies", WindowedValue((name, count), window.max_timestamp(), (window,)))

    def _count(self, name: str, count: int) -> None:
        self._counts[name] = self._counts.get(name, 0) + count
        self._meter.count(name, count)


class OfKind(beam.PTransform[Any, Any]):
    """Let through the records of one class, where a step yields several."""

    def __init__(self, cls: type[Any]) -> None:
        """Name the class."""
        super().__init__()
        self._cls = cls

    def default_label(self) -> str:
        """Return the name of what is let through."""
        return f"Of{self._cls.__name__}"

    def expand(self, elements: PCollection[Any]) -> PCollection[Any]:
        """Take elements, give those of the class."""
        return elements | beam.Filter(isinstance, self._cls).with_output_types(self._cls)


class Gather(beam.PTransform[Any, Any]):
    """Bring the names of all row files to one worker, as one sorted list."""

    def expand(self, files: PCollection[RowFile]) -> PCollection[list[str]]:
        """Take row files, give one list of names, empty where there are none."""
        names = files | "Names" >> beam.Map(_name_of)
        return (
            names.pipeline
            | "One" >> beam.Create([None])
            | "Gather" >> beam.Map(_sorted_list, AsList(names)).with_output_types(list[str])
        )


def _name_of(file: RowFile) -> str:
    return file.name


def _sorted_list(_: None, names: list[str]) -> list[str]:
    return sorted(names)


class WriteRows(beam.PTransform[Any, Any]):
    """Write records as row files; elements out are the files, and no other file counts."""

    def __init__(self, cls: type[Any], out: str, prefix: str, max_rows: int = MAX_BUFFERED_ROWS) -> None:
        """Name the record, the folder, the start of the files' names, and the rows that are held at most."""
        super().__init__()
        self._cls, self._out, self._prefix, self._max_rows = cls, out, prefix, max_rows

    def expand(self, records: PCollection[Any]) -> PCollection[RowFile]:
        """Take records, give row files."""
        write = _WriteRows(self._cls, self._out, self._prefix, self._max_rows)
        return records | beam.ParDo(write).with_input_types(self._cls).with_output_types(RowFile)


class _WriteRows(beam.DoFn):
    def __init__(self, cls: type[Any], out: str, prefix: str, max_rows: int) -> None:
        self._cls, self._store, self._prefix, self._max_rows = cls, Store(out), prefix, max_rows
        self._records: list[Any] = []

    def start_bundle(self) -> None:
        self._records = []

    def process(self, record: Any) -> Iterator[RowFile]:
        self._records.append(record)
        if len(self._records) >= self._max_rows:
            yield self._write()

    def finish_bundle(self) -> Iterator[Any]:
        if self._records:
            window = GlobalWindow()
            yield WindowedValue(self._write(), window.max_timestamp(), (window,))

    def _write(self) -> RowFile:
        row_file = write_rows(self._records, self._cls, self._store, self._prefix)
        self._records = []
        return row_file


class Finish(beam.PTransform[Any, Any]):
    """Call a function once, when everything that it is given is complete.

    The function gets its own arguments, then each collection as a list in no order, then the sums
    of the ledger as a dict.
    """

    def __init__(self, fn: Callable[..., None], *args: Any, after: list[PCollection[Any]], ledger: Ledger) -> None:
        """Name the function, its arguments, and what it waits for."""
        super().__init__()
        self._fn, self._args, self._after, self._ledger = fn, args, after, ledger

    def expand(self, root: Any) -> PCollection[Any]:
        """Take the start of a pipeline; give nothing of use."""
        sides = [AsList(collection) for collection in self._after]
        return (
            root.pipeline
            | "Once" >> beam.Create([None])
            | "Call" >> beam.Map(_call, self._fn, self._args, AsDict(self._ledger.tallies), *sides)
        )


def _call(_: None, fn: Callable[..., None], args: tuple[Any, ...], tallies: dict[str, int], *lists: list[Any]) -> None:
    fn(*args, *lists, tallies)
