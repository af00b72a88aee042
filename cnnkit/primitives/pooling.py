"""Pooling: one value for each window, the largest or the mean. No parameters; each channel by itself.

A border never counts: it is no maximum, and a mean is over the pixels of the picture, as in Keras.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from cnnkit.primitives.arrays import Array, Sides, check_upstream, each
from cnnkit.primitives.padding import Padding
from cnnkit.primitives.windows import Windows


def max_pool1d(x: ArrayLike, size: Sides = 2, *, stride: Sides | None = None, padding: Padding = 0) -> Array:
    """The largest value of each window of a sequence (..., length, channels) or (length,), see `max_pool2d`.

    >>> max_pool1d([1, 5, 2, 0, 3], 3, stride=2)
    array([5, 3])
    """
    return _max_pool(x, _windows(1, size, stride, padding))


def max_pool2d(x: ArrayLike, size: Sides = 2, *, stride: Sides | None = None, padding: Padding = 0) -> Array:
    """The largest value of each window: whether a feature is there, less exactly where.

    Args:
        x: (..., height, width, channels), or one picture without channels (height, width).
        size: The window's sides, one number or (down, across).
        stride: Pixels from window to window; None: the size, windows side by side.
        padding: As for `conv2d`.

    Returns:
        (..., ⌊(H − F + 2P)/S⌋ + 1, ⌊(W − F + 2P)/S⌋ + 1, channels).

    Raises:
        InputError: The window is larger than the padded picture.

    >>> max_pool2d([[1, 1, 2, 4], [5, 6, 7, 8], [3, 2, 1, 0], [1, 2, 3, 4]])
    array([[6, 8],
           [3, 4]])
    """
    return _max_pool(x, _windows(2, size, stride, padding))


def max_pool3d(x: ArrayLike, size: Sides = 2, *, stride: Sides | None = None, padding: Padding = 0) -> Array:
    """The largest value of each window of a volume (..., depth, height, width, channels), see `max_pool2d`."""
    return _max_pool(x, _windows(3, size, stride, padding))


def average_pool1d(x: ArrayLike, size: Sides = 2, *, stride: Sides | None = None, padding: Padding = 0) -> Array:
    """The mean of each window of a sequence (..., length, channels) or (length,), see `average_pool2d`.

    >>> average_pool1d([1, 5, 3, 0, 3], 3, stride=2)
    array([3., 2.])
    """
    return _average_pool(x, _windows(1, size, stride, padding))


def average_pool2d(x: ArrayLike, size: Sides = 2, *, stride: Sides | None = None, padding: Padding = 0) -> Array:
    """The mean of each window; arguments as for `max_pool2d`.

    >>> average_pool2d([[1, 3, 2, 4], [5, 7, 6, 8]])
    array([[4., 5.]])
    """
    return _average_pool(x, _windows(2, size, stride, padding))


def average_pool3d(x: ArrayLike, size: Sides = 2, *, stride: Sides | None = None, padding: Padding = 0) -> Array:
    """The mean of each window of a volume (..., depth, height, width, channels), see `average_pool2d`."""
    return _average_pool(x, _windows(3, size, stride, padding))


def max_pool1d_backward(
    upstream: ArrayLike, x: ArrayLike, size: Sides = 2, *, stride: Sides | None = None, padding: Padding = 0
) -> Array:
    """The gradient of `max_pool1d` for x, see `max_pool2d_backward`."""
    return _max_pool_backward(upstream, x, _windows(1, size, stride, padding))


def max_pool2d_backward(
    upstream: ArrayLike, x: ArrayLike, size: Sides = 2, *, stride: Sides | None = None, padding: Padding = 0
) -> Array:
    """The gradient of `max_pool2d` for x: only the largest value of each window gets it; of equals, the first.

    >>> max_pool2d_backward([[10, 20]], [[1, 3, 2, 4], [5, 7, 6, 8]])
    array([[ 0,  0,  0,  0],
           [ 0, 10,  0, 20]])
    """
    return _max_pool_backward(upstream, x, _windows(2, size, stride, padding))


def max_pool3d_backward(
    upstream: ArrayLike, x: ArrayLike, size: Sides = 2, *, stride: Sides | None = None, padding: Padding = 0
) -> Array:
    """The gradient of `max_pool3d` for x, see `max_pool2d_backward`."""
    return _max_pool_backward(upstream, x, _windows(3, size, stride, padding))


def average_pool1d_backward(
    upstream: ArrayLike, x: ArrayLike, size: Sides = 2, *, stride: Sides | None = None, padding: Padding = 0
) -> Array:
    """The gradient of `average_pool1d` for x, see `average_pool2d_backward`."""
    return _average_pool_backward(upstream, x, _windows(1, size, stride, padding))


def average_pool2d_backward(
    upstream: ArrayLike, x: ArrayLike, size: Sides = 2, *, stride: Sides | None = None, padding: Padding = 0
) -> Array:
    """The gradient of `average_pool2d` for x: every pixel of a window gets the same share.

    >>> average_pool2d_backward([[4.0, 8.0]], np.zeros((2, 4)))
    array([[1., 1., 2., 2.],
           [1., 1., 2., 2.]])
    """
    return _average_pool_backward(upstream, x, _windows(2, size, stride, padding))


def average_pool3d_backward(
    upstream: ArrayLike, x: ArrayLike, size: Sides = 2, *, stride: Sides | None = None, padding: Padding = 0
) -> Array:
    """The gradient of `average_pool3d` for x, see `average_pool2d_backward`."""
    return _average_pool_backward(upstream, x, _windows(3, size, stride, padding))


def _windows(rank: int, size: Sides, stride: Sides | None, padding: Padding) -> Windows:
    return Windows(each(size, rank), size if stride is None else stride, padding, "lowest")


def _max_pool(x: ArrayLike, sliding: Windows) -> Array:
    x = np.asarray(x)
    if x.ndim == sliding.rank:
        return _max_pool(x[..., None], sliding)[..., 0]
    return np.asarray(sliding.of(x).max(axis=tuple(range(-sliding.rank, 0))))


def _max_pool_backward(upstream: ArrayLike, x: ArrayLike, sliding: Windows) -> Array:
    upstream, x = np.asarray(upstream), np.asarray(x)
    if x.ndim == sliding.rank:
        return _max_pool_backward(upstream[..., None], x[..., None], sliding)[..., 0]
    seen = sliding.of(x)  # (..., *places, c, *taps)
    check_upstream(upstream, seen.shape[: -sliding.rank])
    rows = seen.reshape(*upstream.shape, -1)
    shares = np.zeros(rows.shape, upstream.dtype)
    np.put_along_axis(shares, rows.argmax(axis=-1)[..., None], upstream[..., None], axis=-1)
    return sliding.back(shares.reshape(seen.shape), x.shape)


def _average_pool(x: ArrayLike, sliding: Windows) -> Array:
    x = np.asarray(x)
    if x.ndim == sliding.rank:
        return _average_pool(x[..., None], sliding)[..., 0]
    inside = np.isfinite(sliding.of(np.ones(x.shape)))  # the border is the lowest number there is: −∞
    seen = np.where(inside, sliding.of(x), 0)
    taps = tuple(range(-sliding.rank, 0))
    return np.asarray(seen.sum(axis=taps) / inside.sum(axis=taps), np.result_type(x, np.float32))


def _average_pool_backward(upstream: ArrayLike, x: ArrayLike, sliding: Windows) -> Array:
    upstream, x = np.asarray(upstream), np.asarray(x)
    if x.ndim == sliding.rank:
        return _average_pool_backward(upstream[..., None], x[..., None], sliding)[..., 0]
    inside = np.isfinite(sliding.of(np.ones(x.shape)))
    check_upstream(upstream, inside.shape[: -sliding.rank])
    count = inside.sum(axis=tuple(range(-sliding.rank, 0)), keepdims=True)
    return sliding.back(inside * upstream[(..., *(None,) * sliding.rank)] / count, x.shape)
