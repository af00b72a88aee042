"""Spatial pyramid pooling: a vector of one length from a picture of any size (He et al. 2014, lecture 003)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from cnnkit.errors import InputError
from cnnkit.primitives.arrays import Array
from cnnkit.primitives.global_pooling import global_max_pool2d, global_max_pool2d_backward


def spatial_pyramid_pool(x: ArrayLike, levels: Sequence[int] = (1, 2, 4)) -> Array:
    """The largest value of each channel in each cell of a 1×1, a 2×2, a 4×4, … grid over the picture.

    Cell i of n spans ⌊i·W/n⌋ to ⌈(i + 1)·W/n⌉; neighbours share a row where the size does not divide.

    Args:
        x: (..., height, width, channels), each side at least the largest level.
        levels: Cells along a side.

    Returns:
        (..., channels · Σ level²): level by level, row by row.

    Raises:
        InputError: A level is below 1 or has more cells than the picture pixels.

    >>> spatial_pyramid_pool(np.arange(9).reshape(3, 3, 1), levels=(1, 2))
    array([8, 4, 5, 7, 8])
    """
    x = np.asarray(x)
    return np.concatenate([global_max_pool2d(x[cell]) for cell in _cells(x.shape, levels)], axis=-1)


def spatial_pyramid_pool_backward(upstream: ArrayLike, x: ArrayLike, levels: Sequence[int] = (1, 2, 4)) -> Array:
    """The gradient of `spatial_pyramid_pool` for x: each cell's goes to its largest value, overlaps add up."""
    upstream, x = np.asarray(upstream), np.asarray(x)
    for_x = np.zeros(x.shape, upstream.dtype)
    cells = list(_cells(x.shape, levels))
    for cell, flow in zip(cells, np.split(upstream, len(cells), axis=-1), strict=True):
        for_x[cell] += global_max_pool2d_backward(flow, x[cell])
    return for_x


def _cells(shape: tuple[int, ...], levels: Sequence[int]) -> Iterator[Any]:
    """Slices of the cells of a picture (..., height, width, channels)."""
    sides = shape[-3:-1]
    if len(sides) < 2 or not 1 <= min(levels) <= max(levels) <= min(sides):
        raise InputError(
            "levels from 1 to the picture's shorter side",
            f"levels {tuple(levels)}, picture {shape}",
            "Use fewer cells.",
        )
    for level in levels:
        for cell in np.ndindex(level, level):
            spans = [slice(i * side // level, -(-(i + 1) * side // level)) for i, side in zip(cell, sides, strict=True)]
            yield (..., *spans, slice(None))
