"""Dropout: in training, each value is dropped by chance, so that no unit can rely on another."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from cnnkit.errors import InputError
from cnnkit.primitives.arrays import Array


def dropout_mask(shape: tuple[int, ...], rate: float, generator: np.random.Generator) -> Array:
    """Draws what stays: 0 with probability `rate`, else 1/(1 − rate), so that the mean stays the same.

    Args:
        shape: Of the values.
        rate: Part that is dropped, 0 ≤ rate < 1; the lecture's p is 1 − rate.
        generator: Where chance comes from.

    Raises:
        InputError: Another rate.

    >>> dropout_mask((6,), 0.5, np.random.default_rng(0))
    array([2., 0., 0., 0., 2., 2.])
    """
    if not 0 <= rate < 1:
        raise InputError("a rate from 0 up to but not 1", f"{rate}", "It is the part that is dropped.")
    return (generator.random(shape) >= rate) / (1 - rate)


def dropout(x: ArrayLike, mask: ArrayLike) -> Array:
    """Training: x·mask. In inference nothing is dropped and nothing is scaled: there is nothing to call.

    >>> dropout([1.0, 2.0, 3.0], mask=[2, 0, 2])
    array([2., 0., 6.])
    """
    return np.asarray(np.asarray(x) * np.asarray(mask))


def dropout_backward(upstream: ArrayLike, mask: ArrayLike) -> Array:
    """The gradient for x: only what stayed gets it."""
    return np.asarray(np.asarray(upstream) * np.asarray(mask))
