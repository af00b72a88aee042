"""Global pooling: one value a channel, whatever the size of the picture; what stands before the last dense layer."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from cnnkit.primitives.arrays import Array
from cnnkit.primitives.pooling import max_pool2d_backward


def global_max_pool2d(x: ArrayLike) -> Array:
    """The largest value of each channel: (..., height, width, channels) → (..., channels).

    >>> global_max_pool2d([[[1, 20], [3, 4]]])
    array([ 3, 20])
    """
    return np.asarray(np.asarray(x).max(axis=(-3, -2)))


def global_max_pool2d_backward(upstream: ArrayLike, x: ArrayLike) -> Array:
    """The gradient of `global_max_pool2d` for x: one window as large as the picture."""
    upstream, (height, width) = np.asarray(upstream), np.shape(x)[-3:-1]
    return max_pool2d_backward(upstream[..., None, None, :], x, (height, width))


def global_average_pool2d(x: ArrayLike) -> Array:
    """The mean of each channel: (..., height, width, channels) → (..., channels).

    >>> global_average_pool2d([[[1, 20], [3, 4]]])
    array([ 2., 12.])
    """
    return np.asarray(np.asarray(x).mean(axis=(-3, -2)))


def global_average_pool2d_backward(upstream: ArrayLike, x: ArrayLike) -> Array:
    """The gradient of `global_average_pool2d` for x: the same share for every pixel."""
    upstream, shape = np.asarray(upstream), np.shape(x)
    return np.broadcast_to(upstream[..., None, None, :] / (shape[-3] * shape[-2]), shape).copy()
