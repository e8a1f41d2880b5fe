"""Whether a release is what its manifest says: every file, every member, every sum.

One shard is read at a time for each thread, and what holds between shards is held in a few numbers a
shard and an article: memory does not grow with the samples.
"""

import itertools
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

from pmc15m.release.checksums import CHECKSUMS
from pmc15m.release.closing import MANIFEST
from pmc15m.release.members import Seen, check_shard
from pmc15m.release.reading import DamagedError, Release, check_file, open_release, read_checked
from pmc15m.release.shards import table_name, tar_name
from pmc15m.release.sums import (
    check_between,
    check_sums,
    count_rejects,
    read_article_splits,
    read_numbers,
    short_side_of,
)
from pmc15m.store import Store

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of looking at a release."""

    release: Release | None  # None: its manifest is damaged
    problems: tuple[DamagedError, ...]


def verify_release(uri: str, is_fast: bool = False, num_threads: int = 1) -> Verdict:
    """Look at all of a release.

    Args:
        uri: its folder.
        is_fast: only at the manifest, and at names and sizes of files.
        num_threads: files that are looked at at the same time.

    Raises:
        OutputError: there is no release.
    """
    try:
        release = open_release(uri)
    except DamagedError as error:
        return Verdict(None, (error,))
    problems = list(_check_listing(release))
    if is_fast:
        return Verdict(release, tuple(problems))
    broken = {problem.path for problem in problems}
    of_shards = [name for shard in release.shards for name in (table_name(shard), tar_name(shard))]
    small = sorted(release.files.keys() - set(of_shards) - broken)
    with ThreadPoolExecutor(num_threads, thread_name_prefix="verify") as pool:

        def each(check: Callable[..., T], items: Iterable[object]) -> list[T]:
            """Return what a check says of each of some things; where it raises, that is noted."""
            done = []
            for future in [pool.submit(check, item) for item in items]:
                try:
                    done.append(future.result())
                except DamagedError as error:
                    problems.append(error)
            return done

        each(lambda path: check_file(release, path), small)
        if problems:  # nothing can be held against what is damaged itself
            each(lambda path: check_file(release, path), [path for path in of_shards if path not in broken])
        else:
            problems += _check_content(release, each)
    return Verdict(release, tuple(problems))


def _check_content(release: Release, each: Callable[..., list[Seen]]) -> Iterator[DamagedError]:
    """Yield what is wrong with files that are those of the manifest; `each` notes what is wrong with one shard."""
    try:
        splits, numbers = read_article_splits(release), read_numbers(release)
        short_side_px, columns = short_side_of(release), tuple(numbers.composition)
        rejects = count_rejects(release)
    except DamagedError as error:
        yield error
        return
    seen = each(lambda shard: check_shard(release, shard, splits, short_side_px, columns), release.shards)
    if len(seen) == len(release.shards):
        yield from check_between(release, seen)
        yield from check_sums(release, numbers, rejects, seen)
        yield from _check_checksums(release)


def _check_listing(release: Release) -> Iterator[DamagedError]:
    """Yield what is not there, is there and not listed, or has another size than its manifest says."""
    found = dict(_walk(release.store))
    found.pop(MANIFEST, None)
    for path, file in release.files.items():
        if path not in found:
            yield DamagedError(path, "is not there, the manifest lists it")
        elif found[path] != file.num_bytes:
            yield DamagedError(path, f"has {found[path]:,} bytes, wanted {file.num_bytes:,}")
    for path in sorted(found.keys() - release.files.keys()):
        yield DamagedError(path, "is there, but the manifest does not list it")


def _walk(store: Store, folder: str = "") -> Iterator[tuple[str, int]]:
    """Yield the path and size of every file."""
    for entry in list(store.list(folder)):
        path = f"{folder}/{entry.name}" if folder else entry.name
        if entry.is_folder:
            yield from _walk(store, path)
        else:
            yield path, entry.num_bytes


def _check_checksums(release: Release) -> Iterator[DamagedError]:
    """Yield where the sums that `sha256sum -c` reads are not those of the manifest."""
    if CHECKSUMS not in release.files:
        yield DamagedError(CHECKSUMS, "the manifest does not list it")
        return
    files = sorted(release.files.values(), key=lambda file: file.path)
    wanted = [f"{file.sha256}  {file.path}" for file in files if file.path != CHECKSUMS]
    got = read_checked(release, CHECKSUMS).decode(errors="backslashreplace").splitlines()
    for line, other in itertools.zip_longest(got, wanted):
        if line != other:
            yield DamagedError(CHECKSUMS, f"says {line!r}, wanted {other!r}")
            return
