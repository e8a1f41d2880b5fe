"""Writing generated articles to a folder, in one process or several."""

import json
import multiprocessing
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from pmc15m.synth.articles import SynthArticle, make_article
from pmc15m.synth.config import SynthConfig
from pmc15m.synth.verdicts import curation_truth

TRUTH_NAME = "truth.jsonl"
CURATION_NAME = "curation.jsonl"
_CHUNK = 25


@dataclass(frozen=True, slots=True)
class Written:
    """What writing one article, all its versions, gave."""

    number: int
    lines: tuple[str, ...]  # of truth.jsonl, oldest version first
    num_files: int
    num_bytes: int
    num_figures: int
    num_pairs: int


def write_article(article: SynthArticle, root: Path) -> None:
    """Write the files of one article version to its folder."""
    folder = root / article.folder
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in article.files.items():
        (folder / name).write_bytes(data)


def _write_number(config: SynthConfig, number: int, root: Path) -> Written:
    newest = make_article(config, number)
    versions = (*newest.older, newest)
    for article in versions:
        write_article(article, root)
    return Written(
        number=number,
        lines=tuple(article.expected.to_json() for article in versions),
        num_files=sum(len(article.files) for article in versions),
        num_bytes=sum(len(data) for article in versions for data in article.files.values()),
        num_figures=len(newest.expected.figures),
        num_pairs=len(newest.expected.pairs),
    )


def _write_chunk(config: SynthConfig, numbers: list[int], root: Path) -> list[Written]:
    return [_write_number(config, number, root) for number in numbers]


def _chunks(numbers: list[int]) -> Iterator[list[int]]:
    for start in range(0, len(numbers), _CHUNK):
        yield numbers[start : start + _CHUNK]


def _run(config: SynthConfig, numbers: list[int], root: Path, jobs: int) -> Iterator[list[Written]]:
    """Write the articles chunk by chunk, in order."""
    if jobs == 1:
        for chunk in _chunks(numbers):
            yield _write_chunk(config, chunk, root)
        return
    with ProcessPoolExecutor(jobs, multiprocessing.get_context("spawn")) as executor:
        futures = [executor.submit(_write_chunk, config, chunk, root) for chunk in _chunks(numbers)]
        for future in futures:
            yield future.result()


def write_all(
    config: SynthConfig,
    numbers: Iterable[int],
    root: Path,
    jobs: int = 1,
    on_progress: Callable[[int, int], None] | None = None,
) -> list[Written]:
    """Write articles and truth.jsonl, sorted by pmcid and version; jobs change the time, not the bytes.

    Where articles are there to be curated, curation.jsonl has the verdicts on the whole set, sorted by key.

    Args:
        config: of the set.
        numbers: of the articles.
        root: the folder, made if absent.
        jobs: processes.
        on_progress: told how many articles are done, and of how many.
    """
    wanted = sorted(set(numbers))
    root.mkdir(parents=True, exist_ok=True)
    written: list[Written] = []
    for rows in _run(config, wanted, root, jobs):
        written += rows
        if on_progress:
            on_progress(len(written), len(wanted))
    text = "".join(f"{line}\n" for row in written for line in row.lines)
    (root / TRUTH_NAME).write_text(text, encoding="utf-8")
    if config.curation_every:
        verdicts = curation_truth(config, wanted)
        text = "".join(f"{verdicts[key].to_json()}\n" for key in sorted(verdicts))
        (root / CURATION_NAME).write_text(text, encoding="utf-8")
    return written


def write_articles(config: SynthConfig, numbers: Iterable[int], root: Path) -> Path:
    """Write articles to ROOT/PMC80000000.1/... and the right answers to ROOT/truth.jsonl; return that file's path."""
    write_all(config, numbers, root)
    return root / TRUTH_NAME


def read_truth(path: Path) -> list[dict[str, object]]:
    """Return the rows of a truth.jsonl."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
