"""From what cells say to boxes in `keras.ops`: on arrays for `decode`, and in a graph that plain Keras loads.

Operations are between tensors and plain numbers alone, since an array of NumPy as an argument of one is not written to
JSON: places are counted by sums of ones, and other constants are the scale of a `Rescaling`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras

from cnnkit.heads.anchors import MOST_LOG_SIDE
from cnnkit.heads.head import Size

Shapes = Sequence[Sequence[float]]


def cell_corners(ones: Any) -> Any:
    """(n, rows, columns, 1) of ones → (n, rows, columns, 2): x and y of each cell's upper left corner, in cells."""
    ops = keras.ops
    return ops.concatenate([ops.cumsum(ones, axis=axis) - 1.0 for axis in (2, 1)], axis=-1)


def cell_places(like: Any, taps: Sequence[str], size: Size) -> tuple[Any, Any]:
    """Centres and strides of the cells of a pyramid: those of `cells_of`.

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
        stride, (rows, columns) = 2 ** int(tap[1:]), grid_of(tap, size)
        grid = ops.reshape(ones[:, start : start + rows * columns], (-1, rows, columns, 1))
        centres.append(ops.reshape((cell_corners(grid) + 0.5) * stride, (-1, rows * columns, 2)))
        strides.append(ops.reshape(grid * stride, (-1, rows * columns, 1)))
        start += rows * columns
    return ops.concatenate(centres, axis=1), ops.concatenate(strides, axis=1)


def boxes_on_anchors(
    offsets: Any, levels: Sequence[str], shapes: Sequence[Shapes], size: Size, *, scales: Sequence[float]
) -> Any:
    """`boxes_of` of `anchor_grid`: boxes from their offsets from the anchors of all cells.

    Args:
        offsets: (n, anchors, 4), level by level, row by row, in a cell in the order of `shapes`.
        levels: Of the pyramid.
        shapes: Of each level the (width, height) of its anchors in pixels.
        size: Of the input.
        scales: What offsets are multiplied by.

    Returns:
        (n, anchors, 4) x1, y1, x2, y2 in pixels of the input.
    """
    ops = keras.ops
    parts, start = [], 0
    for level, sides in zip(levels, shapes, strict=True):
        (rows, columns), kinds = grid_of(level, size), len(sides)
        stop = start + rows * columns * kinds
        mine = ops.reshape(offsets[:, start:stop], (-1, rows, columns, kinds, 4))
        centres = (cell_corners(ops.ones_like(mine[..., 0, :1])) + 0.5) * 2 ** int(level[1:])
        steps = times(mine[..., :2], [[w * scales[0], h * scales[1]] for w, h in sides])
        halves = times(grown(times(mine[..., 2:], scales[2:])), [[w / 2, h / 2] for w, h in sides])
        boxes = around(ops.reshape(centres, (-1, rows, columns, 1, 2)) + steps, halves)
        parts.append(ops.reshape(boxes, (-1, rows * columns * kinds, 4)))
        start = stop
    return ops.concatenate(parts, axis=1)


def grid_of(level: str, size: Size) -> tuple[int, int]:
    """Rows and columns of a level of an input of `size`."""
    stride = 2 ** int(level[1:])
    return -(-size[0] // stride), -(-size[1] // stride)


def around(middle: Any, half: Any) -> Any:
    """(…, 2) x and y and (…, 2) half of width and height → (…, 4) x1, y1, x2, y2."""
    return keras.ops.concatenate([middle - half, middle + half], axis=-1)


def grown(logarithms: Any) -> Any:
    """The exponential of a side's logarithm, which is no longer than the largest that counts."""
    return keras.ops.exp(keras.ops.minimum(logarithms, MOST_LOG_SIDE))


def times(values: Any, factors: Sequence[Any]) -> Any:
    """Values times constants, which may be lists of lists, along the last axes."""
    return keras.layers.Rescaling(factors, dtype="float32")(values)
