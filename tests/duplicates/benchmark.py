"""Hashes of originals and of their transforms, and what of them lies near what."""

from collections import Counter
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pmc15m.curate.near import Hashes, is_comparable, pack_hashes
from pmc15m.images.hashes import grey_std, hash_pair
from pmc15m.images.light import white_cells_fraction
from tests.duplicates.families import NUM_SHARING, Original, make_originals
from tests.duplicates.transforms import TRANSFORMS

SEED = 1
FAR = 257
"""Distance of what is not compared."""

DROP, SPLIT = 12, 24
"""Bits up to which an image is a copy, and up to which it stays in the same split."""

_BLOCK = 512

Distances = NDArray[np.int64]
Print = tuple[bytes, bytes, float, int, float]
"""Both hashes, standard deviation of grey, number of pixels, share of white cells."""


@dataclass(frozen=True, slots=True)
class Features:
    """What is known of some images, a row each."""

    hashes: tuple[Hashes, Hashes]  # of the whole, of the content box
    usable: tuple[NDArray[np.bool_], NDArray[np.bool_]]
    num_pixels: NDArray[np.int64]
    white_cells_fraction: NDArray[np.float64]

    def take(self, rows: NDArray[np.int64]) -> "Features":
        """Return some of the rows."""
        (first, second), (is_usable, is_other) = self.hashes, self.usable
        hashes, usable = (first[rows], second[rows]), (is_usable[rows], is_other[rows])
        return Features(hashes, usable, self.num_pixels[rows], self.white_cells_fraction[rows])


@dataclass(frozen=True, slots=True)
class Benchmark:
    """Originals and, of some of them, every transform."""

    originals: list[Original]
    features: Features
    chosen: NDArray[np.int64]  # originals that were transformed
    transformed: dict[str, Features]  # by transform, a row for each of the chosen

    @property
    def families(self) -> NDArray[np.str_]:
        """The family of each original."""
        return np.array([original.family.name for original in self.originals])


def fingerprint(image: Image.Image) -> Print:
    """Return what is compared of an image."""
    grey = image.convert("L")
    return (
        *hash_pair(grey),
        grey_std(grey.histogram()),
        grey.width * grey.height,
        white_cells_fraction(np.asarray(grey)),
    )


def gather(prints: Sequence[Print]) -> Features:
    """Return the rows of some images."""
    first, second, std, num_pixels, white_cells = zip(*prints, strict=True)
    hashes = pack_hashes(first), pack_hashes(second)
    stds = np.array(std)
    usable = is_comparable(hashes[0], stds), is_comparable(hashes[1], stds)
    return Features(hashes, usable, np.array(num_pixels), np.array(white_cells))


def run(seed: int = SEED, *, step: int = 3, processes: int = 1) -> Benchmark:
    """Draw the originals, transform every `step`-th, and hash them all.

    Args:
        seed: of all drawings.
        step: 3 transforms a third of them.
        processes: how many to work in; the result is the same.
    """
    originals, names = make_originals(seed), tuple(TRANSFORMS)
    chosen = np.arange(step // 2, len(originals), step)
    wanted = set(chosen.tolist())
    tasks = [(original, names if index in wanted else ()) for index, original in enumerate(originals)]
    if processes > 1:
        with ProcessPoolExecutor(processes) as pool:
            prints = list(pool.map(_prints_of, tasks, chunksize=20))
    else:
        prints = list(map(_prints_of, tasks))
    transformed = {name: gather([prints[index][rank] for index in chosen]) for rank, name in enumerate(names, start=1)}
    return Benchmark(originals, gather([found[0] for found in prints]), chosen, transformed)


def _prints_of(task: tuple[Original, Sequence[str]]) -> list[Print]:
    original, names = task
    image = original.draw()
    return [fingerprint(image), *(fingerprint(TRANSFORMS[name](image)) for name in names)]


def row_distances(left: Features, right: Features) -> Distances:
    """Return the distance of each row of one, `[N]`, to the same row of the other."""
    found = np.full(len(left.num_pixels), FAR)
    for kind in (0, 1):
        num_bits = np.bitwise_count(left.hashes[kind] ^ right.hashes[kind]).sum(axis=1)
        found = np.minimum(found, np.where(left.usable[kind] & right.usable[kind], num_bits, FAR))
    return found


def table_distances(left: Features, right: Features) -> Distances:
    """Return the distance of every row of one to every row of the other, `[N, M]`."""
    found = np.full((len(left.num_pixels), len(right.num_pixels)), FAR)
    for kind in (0, 1):
        one, other, num_bits = left.hashes[kind], right.hashes[kind], np.zeros(found.shape, np.uint16)
        for word in range(one.shape[1]):
            num_bits += np.bitwise_count(one[:, word, None] ^ other[None, :, word])
        is_usable = left.usable[kind][:, None] & right.usable[kind][None, :]
        np.minimum(found, np.where(is_usable, num_bits, FAR), out=found)
    return found


def near_pairs(features: Features, max_distance: int) -> tuple[NDArray[np.int64], NDArray[np.int64], Distances]:
    """Return left, right and distance of all pairs up to a distance, compared one with each other."""
    parts = []
    for start in range(0, len(features.num_pixels), _BLOCK):
        rows = np.arange(start, min(start + _BLOCK, len(features.num_pixels)))
        table = table_distances(features.take(rows), features)
        left, right = np.nonzero(table <= max_distance)
        is_upper = left + start < right
        left, right = left[is_upper], right[is_upper]
        parts.append((left + start, right, table[left, right]))
    first, second, distance = (np.concatenate(column) for column in zip(*parts, strict=True))
    return first, second, distance


@dataclass(frozen=True, slots=True)
class Matches:
    """Pairs of different originals that match, and how many pairs there are."""

    num_pairs: dict[str, int]  # of one family, by family
    num_matches: dict[str, int]
    num_different: int  # pairs of two families
    matches_different: list[tuple[Original, Original]]

    def rate(self, families: Iterable[str]) -> float:
        """Return the share of look-alike pairs of some families that match."""
        names = list(families)
        return sum(map(self.num_matches.__getitem__, names)) / sum(map(self.num_pairs.__getitem__, names))


def match_originals(bench: Benchmark, max_distance: int) -> Matches:
    """Compare all pairs of originals."""
    families, counts = bench.families, Counter(bench.families.tolist())
    left, right, _ = near_pairs(bench.features, max_distance)
    is_same = families[left] == families[right]
    found = Counter(families[left[is_same]].tolist())
    pairs = {name: count * (count - 1) // 2 for name, count in counts.items()}
    strangers = zip(left[~is_same].tolist(), right[~is_same].tolist(), strict=True)
    total = len(families) * (len(families) - 1) // 2 - sum(pairs.values())
    return Matches(
        pairs,
        {name: found[name] for name in pairs},
        total,
        [(bench.originals[one], bench.originals[other]) for one, other in strangers],
    )


def recall(bench: Benchmark, transform: str, max_distance: int) -> float:
    """Return the share of transformed originals that are found by a transform of theirs."""
    distances = row_distances(bench.features.take(bench.chosen), bench.transformed[transform])
    return float(np.mean(distances <= max_distance))


def mean_recall(bench: Benchmark, transforms: Sequence[str], max_distance: int) -> float:
    """Return the mean recall over transforms."""
    return float(np.mean([recall(bench, name, max_distance) for name in transforms]))


def match_sharing(bench: Benchmark, max_distance: int = SPLIT) -> float:
    """Return the share of pairs of figures with half of their panels in common that match."""
    sharing = [
        index
        for index, original in enumerate(bench.originals)
        if original.family.name == "panels" and original.member < NUM_SHARING
    ]
    left, right, _ = near_pairs(bench.features.take(np.array(sharing)), max_distance)
    series = [bench.originals[index].series for index in sharing]
    num_pairs = len(sharing) * (NUM_SHARING - 1) // 2
    num_matches: int = sum(
        series[one] == series[other] for one, other in zip(left.tolist(), right.tolist(), strict=True)
    )
    return num_matches / num_pairs
