"""Where chance comes from: streams of random bits, each a pure function of a seed and of what it is for.

No two of them meet, whatever thread asks and in whatever order, so one thread and sixteen give the same bytes. Orders
are sorted raw bits: NumPy promises that the stream of a bit generator stays, but not how it shuffles.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cnnkit.data.arguments import seed_of

# What a seed is used for in an epoch: visiting order, views of pictures, mixing of batches.
ORDER, PICTURE, BATCH = 0, 1, 2


def picture_bits(seed: int, epoch: int, index: int) -> np.random.Philox:
    """The random bits of one picture in one epoch, or in one view of it."""
    return _bits(seed, PICTURE, epoch, index)


def batch_bits(seed: int, epoch: int, step: int) -> np.random.Philox:
    """The random bits of one batch of an epoch."""
    return _bits(seed, BATCH, epoch, step)


def epoch_order(count: int, *, seed: int, epoch: int) -> NDArray[np.int64]:
    """(count,) the order in which a shuffled epoch visits its examples."""
    return _shuffled(count, _bits(seed, ORDER, epoch))


def stratum_order(count: int, *, seed: int, stratum: int) -> NDArray[np.int64]:
    """(count,) the order in which the examples of one stratum go to the parts of a split."""
    return _shuffled(count, _bits(seed, stratum))


def _bits(seed: int, *place: int) -> np.random.Philox:
    """The stream of a place in a tree: keys of another length, or with another number in them, give another stream."""
    return np.random.Philox(np.random.SeedSequence(seed_of(seed), spawn_key=place))


def _shuffled(count: int, bits: np.random.Philox) -> NDArray[np.int64]:
    return np.argsort(bits.random_raw(count), kind="stable")
