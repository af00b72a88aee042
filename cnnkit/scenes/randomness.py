"""Random choices that are the same on every machine: raw PCG64 words, turned into numbers here.

NumPy promises that the words of a bit generator never change; it does not promise so for the methods of
`Generator`. Everything random in a drawing therefore comes from `Dice`, and from `Dice` only.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import numpy as np

from cnnkit.errors import InputError

T = TypeVar("T")
_BATCH = 512


class Dice:
    """A stream of random choices, keyed by whole numbers; equal keys give equal streams.

    Args:
        key: Whole numbers ≥ 0, for example a seed and the index of a picture.

    >>> Dice(1, 2).below(1000) == Dice(1, 2).below(1000)
    True
    """

    def __init__(self, *key: int) -> None:
        if any(isinstance(part, bool) or part < 0 for part in key):
            raise InputError("a key of whole numbers ≥ 0", repr(key), "Use a seed and an index from 0 on.")
        self._bits = np.random.PCG64(np.random.SeedSequence((len(key), *key)))
        self._words: list[int] = []

    def _word(self) -> int:
        if not self._words:
            self._words = self._bits.random_raw(_BATCH).tolist()
        return self._words.pop()

    def unit(self) -> float:
        """A number in [0, 1) with 53 random bits."""
        return (self._word() >> 11) * 2.0**-53

    def uniform(self, low: float, high: float) -> float:
        """A number in [low, high)."""
        return low + (high - low) * self.unit()

    def around(self, center: float, spread: float) -> float:
        """A number within `spread` of `center`, near it more often (a triangle)."""
        return center + spread * (self.unit() + self.unit() - 1.0)

    def chance(self, probability: float) -> bool:
        """True with the given probability."""
        return self.unit() < probability

    def sign(self) -> int:
        """−1 or 1."""
        return 1 if self._word() >> 63 else -1

    def below(self, count: int) -> int:
        """A whole number in 0 … count − 1."""
        return int(self.unit() * count)

    def between(self, low: int, high: int) -> int:
        """A whole number in low … high, both possible."""
        return low + self.below(high - low + 1)

    def pick(self, options: Sequence[T]) -> T:
        """One of the options, all equally likely."""
        return options[self.below(len(options))]

    def weighted(self, options: Sequence[T], weights: Sequence[float]) -> T:
        """One of the options, in proportion to its weight (≥ 0, not all 0)."""
        left = self.unit() * sum(weights)
        for option, weight in zip(options, weights, strict=True):
            left -= weight
            if left < 0:
                return option
        return options[max(i for i, weight in enumerate(weights) if weight > 0)]

    def bytes(self, count: int) -> np.ndarray[tuple[int], np.dtype[np.uint8]]:
        """`count` random bytes, in the same order on little- and big-endian machines."""
        words = self._bits.random_raw((count + 7) // 8).astype("<u8")
        return words.view(np.uint8)[:count]
