"""What all primitives share: arrays, one number for all axes, a check."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cnnkit.errors import InputError

Array = NDArray[Any]
Sides = int | Sequence[int]


def each(value: Sides, rank: int) -> tuple[int, ...]:
    """One number for each of `rank` axes; a single number stands for all.

    >>> each(3, 2), each((1, 7), 2)
    ((3, 3), (1, 7))

    Raises:
        InputError: Another count of numbers, or one below 1.
    """
    given: Sequence[Any] = (value,) * rank if isinstance(value, int | np.integer) else value
    whole = isinstance(given, Sequence | np.ndarray) and all(isinstance(side, int | np.integer) for side in given)
    numbers = tuple(map(int, given)) if whole else ()
    if len(numbers) != rank or min(numbers, default=1) < 1:
        raise InputError(f"a number or {rank} numbers, at least 1", f"{value}", "Give one number for all axes.")
    return numbers


def check_upstream(upstream: Array, output: tuple[int, ...]) -> None:
    """Refuses a gradient that is not of the output's shape.

    Raises:
        InputError: With both shapes.
    """
    if upstream.shape != output:
        raise InputError(
            f"an upstream gradient of the output's shape {output}",
            f"{upstream.shape}",
            "Give the backward function the options that the forward one had.",
        )
