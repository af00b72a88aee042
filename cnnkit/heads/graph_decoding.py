"""Decoding inside the graph: what a detector offers so that its boxes can be computed without cnnkit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol, runtime_checkable

import keras

from cnnkit.heads.head import Size


@runtime_checkable
class GraphDecoder(Protocol):
    """A detector that says in `keras.ops` what its `decode` says in NumPy, up to the suppression, which all share."""

    @property
    def names(self) -> tuple[str, ...]:
        """Of the classes, in the order of the labels."""

    @property
    def iou(self) -> float:
        """Of two boxes of one class that overlap by more, the better one stays."""

    @property
    def most(self) -> int:
        """Boxes per picture."""

    def candidates(self, outputs: Any, size: Size) -> tuple[Any, Any]:
        """Every box that the outputs say, and how sure they are of each class.

        Operations of `keras.ops` between tensors and plain numbers alone, so that plain Keras loads them: an array of
        NumPy as an argument of one is not written to JSON.

        Args:
            outputs: Of `build`, as tensors.
            size: Of the input.

        Returns:
            (n, candidates, 4) x1, y1, x2, y2 in pixels of the input, and (n, candidates, classes) scores, 0…1.
        """


def cell_places(like: Any, taps: Sequence[str], size: Size) -> tuple[Any, Any]:
    """Centres and strides of the cells of a pyramid, in `keras.ops`: those of `cells_of`, counted by sums of ones.

    Args:
        like: (n, cells, k) any tensor with a row for each cell, level by level, row by row.
        taps: Levels such as `("P3", "P4", "P5")`.
        size: Of the input.

    Returns:
        (n, cells, 2) x and y in pixels of the input, and (n, cells, 1) pixels.
    """
    ops = keras.ops
    ones, start = ops.ones_like(like[..., :1]), 0
    centres, strides = [], []
    for tap in taps:
        stride = 2 ** int(tap[1:])
        rows, columns = (-(-side // stride) for side in size)
        grid = ops.reshape(ones[:, start : start + rows * columns], (-1, rows, columns, 1))
        places = [(ops.cumsum(grid, axis=axis) - 0.5) * stride for axis in (2, 1)]
        centres.append(ops.reshape(ops.concatenate(places, axis=-1), (-1, rows * columns, 2)))
        strides.append(ops.reshape(grid * stride, (-1, rows * columns, 1)))
        start += rows * columns
    return ops.concatenate(centres, axis=1), ops.concatenate(strides, axis=1)
