"""The definitions, written out: one loop for each index of the formula, one multiplication a line.

Slow on purpose. `conv2d`, `max_pool2d` and `transposed_conv2d` compute the same and are hundreds of times faster:
`python tests/benchmarks/bench_primitives.py` prints how many.
"""

from __future__ import annotations

import numpy as np

from cnnkit.primitives.arrays import Array
from cnnkit.primitives.counting import output_side


def conv2d_loops(x: Array, kernel: Array, *, stride: int = 1, padding: int = 0, dilation: int = 1) -> Array:
    """The definition of `conv2d` for one picture.

        y[r, s, o] = Σᵢ Σⱼ Σ_c x[r·S + i·D − P, s·S + j·D − P, c] · kernel[i, j, c, o]

    Args:
        x: (height, width, channels).
        kernel: (f, f, channels, filters).
        stride: S.
        padding: P zeros on each side.
        dilation: D.

    Returns:
        (rows, columns, filters).

    >>> image = np.arange(1.0, 10).reshape(3, 3, 1)
    >>> conv2d_loops(image, np.array([[10, 20], [30, 40]])[..., None, None])[..., 0]  # lecture 004
    array([[370., 470.],
           [670., 770.]])
    """
    x = np.pad(x, ((padding, padding), (padding, padding), (0, 0)))
    height, width, channels, filters = kernel.shape
    rows = output_side(x.shape[0], height, stride=stride, dilation=dilation)
    columns = output_side(x.shape[1], width, stride=stride, dilation=dilation)
    y = np.zeros((rows, columns, filters))
    for row, column, out in np.ndindex(y.shape):
        total = 0.0
        for i in range(height):
            for j in range(width):
                for c in range(channels):
                    pixel = x[row * stride + i * dilation, column * stride + j * dilation, c]
                    total += pixel * kernel[i, j, c, out]
        y[row, column, out] = total
    return y


def max_pool2d_loops(x: Array, size: int = 2, *, stride: int | None = None) -> Array:
    """The definition of `max_pool2d` for one picture (height, width, channels): the largest value of each window.

    >>> max_pool2d_loops(np.arange(16.0).reshape(4, 4, 1))[..., 0]
    array([[ 5.,  7.],
           [13., 15.]])
    """
    stride = stride or size
    sides = [output_side(side, size, stride=stride) for side in x.shape[:2]]
    y = np.full((*sides, x.shape[2]), -np.inf)
    for row, column, c in np.ndindex(y.shape):
        for i in range(size):
            for j in range(size):
                y[row, column, c] = max(y[row, column, c], x[row * stride + i, column * stride + j, c])
    return y


def transposed_conv2d_loops(x: Array, kernel: Array, *, stride: int = 1) -> Array:
    """The definition of `transposed_conv2d` for one picture: each pixel stamps the kernel, overlaps add up.

        y[r·S + i, s·S + j, o] += x[r, s, c] · kernel[i, j, o, c]

    Args:
        x: (height, width, channels).
        kernel: (f, f, filters, channels).
        stride: S, at most f.

    Returns:
        ((height − 1)·S + f, (width − 1)·S + f, filters).

    >>> transposed_conv2d_loops(np.array([[1, 2]])[..., None], np.ones((2, 2, 1, 1)))[..., 0]
    array([[1., 3., 2.],
           [1., 3., 2.]])
    """
    height, width, filters, _ = kernel.shape
    rows, columns, _ = x.shape
    y = np.zeros(((rows - 1) * stride + height, (columns - 1) * stride + width, filters))
    for row, column, c in np.ndindex(x.shape):
        for i, j, out in np.ndindex(height, width, filters):
            y[row * stride + i, column * stride + j, out] += x[row, column, c] * kernel[i, j, out, c]
    return y
