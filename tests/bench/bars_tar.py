"""Shards: our tar with its sha256 against the TarWriter of webdataset."""

import random
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path

import webdataset

from pmc15m.release.tar import write_tar
from tests.bench.measure import Bar, Measurement, interleave

MIN_OF_WEBDATASET = 1.3
_IMAGE_BYTES = 120_000
_NUM_IMAGES = 64

Members = dict[str, bytes]  # of one sample, by extension


def make_bars(folder: Path, *, is_smoke: bool) -> list[Bar]:
    """Return the bar of the tar writer, once both were found to write the same members."""
    samples = make_samples(20 if is_smoke else 1_000)
    ours, theirs = folder / "ours.tar", folder / "theirs.tar"

    def write_ours() -> None:
        with ours.open("wb") as target:
            write_tar(target, _members(samples))

    def write_theirs() -> None:
        with theirs.open("wb") as target, webdataset.TarWriter(target, encoder=False, mtime=0) as writer:
            for key, members in samples.items():
                writer.write({"__key__": key, **members})

    write_ours()
    write_theirs()
    assert read_members(ours) == read_members(theirs)
    measure = _measure(samples, write_ours, write_theirs, rounds=2 if is_smoke else 9)
    return [Bar("write_tar with sha256", "webdataset.TarWriter", measure, limit=MIN_OF_WEBDATASET)]


def make_samples(count: int) -> dict[str, Members]:
    """Return samples by key: an image, a JSON and a text, of the size of real ones; images repeat, to save memory."""
    dice = random.Random(15)
    images = [dice.randbytes(dice.randint(_IMAGE_BYTES // 2, _IMAGE_BYTES * 3 // 2)) for _ in range(_NUM_IMAGES)]
    return {
        f"PMC{8_000_000 + number}_0001_01": {
            "jpg": images[number % _NUM_IMAGES],
            "json": dice.randbytes(650),
            "txt": dice.randbytes(400),
        }
        for number in range(count)
    }


def _members(samples: dict[str, Members]) -> Iterator[tuple[str, bytes]]:
    for key, members in samples.items():
        for extension, data in members.items():
            yield f"{key}.{extension}", data


def read_members(path: Path) -> dict[str, bytes]:
    """Return the members of a tar by name."""
    with tarfile.open(path) as tar:
        files = {member.name: tar.extractfile(member) for member in tar.getmembers()}
        return {name: file.read() for name, file in files.items() if file is not None}


def _measure(
    samples: dict[str, Members], ours: Callable[[], None], theirs: Callable[[], None], rounds: int
) -> Callable[[], Measurement]:
    def measure() -> Measurement:
        best = interleave({"peer": theirs, "ours": ours, "again": theirs}, rounds)
        return Measurement(
            ratio=best["peer"] / best["ours"],
            control=best["again"] / best["peer"],
            num_items=len(samples),
            num_bytes=sum(len(data) for _, data in _members(samples)),
            ours=best["ours"],
            peer=best["peer"],
        )

    return measure
