"""Seeded draws: everything random in an article comes from here, so article n is a function of (seed, n)."""

import hashlib
from collections.abc import Sequence
from typing import TypeVar

import numpy as np

T = TypeVar("T")


def make_rng(seed: int, number: int, purpose: str) -> np.random.Generator:
    """Return the generator of one purpose of one article: the same in every process."""
    digest = hashlib.sha256(f"{seed}:{number}:{purpose}".encode()).digest()
    return np.random.Generator(np.random.PCG64(int.from_bytes(digest[:16], "big")))


class Dice:
    """Draws of single values from one generator."""

    __slots__ = ("rng",)

    def __init__(self, seed: int, number: int, purpose: str) -> None:
        """Start the draws of one purpose of one article."""
        self.rng = make_rng(seed, number, purpose)

    def pick(self, items: Sequence[T]) -> T:
        """Return one of the items, all alike in weight."""
        return items[int(self.rng.random() * len(items))]

    def weigh(self, weights: Sequence[tuple[T, float]]) -> T:
        """Return one of the items by its weight."""
        point = self.rng.random() * sum(weight for _, weight in weights)
        for item, weight in weights:
            point -= weight
            if point < 0:
                return item
        return weights[-1][0]

    def between(self, low: int, high: int) -> int:
        """Return a whole number from low to high, both included."""
        return low + int(self.rng.random() * (high - low + 1))

    def uniform(self, low: float, high: float) -> float:
        """Return a number in [low, high)."""
        return low + self.rng.random() * (high - low)

    def chance(self, fraction: float) -> bool:
        """Return whether an event of this probability happens."""
        return self.rng.random() < fraction

    def sample(self, items: Sequence[T], count: int) -> list[T]:
        """Return some of the items in random order, none twice."""
        order = self.rng.permutation(len(items))[:count]
        return [items[int(i)] for i in order]
