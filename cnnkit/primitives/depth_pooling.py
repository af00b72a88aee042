"""Pooling over depth: which of several features is at a pixel no longer matters, only that one is (lecture 004)."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from cnnkit.errors import InputError
from cnnkit.primitives.arrays import Array


def max_pool_depth(x: ArrayLike, size: int | None = None) -> Array:
    """The largest value over neighbouring channels at each pixel: whichever of these features is there.

    Args:
        x: (..., channels).
        size: Channels in a group; None: all.

    Returns:
        (..., channels / size).

    Raises:
        InputError: The size does not divide the channels.

    >>> max_pool_depth([[[2, 10, 5], [5, 8, 0]]]).tolist()
    [[[10], [8]]]
    """
    return np.asarray(_channel_groups(np.asarray(x), size).max(axis=-1))


def max_pool_depth_backward(upstream: ArrayLike, x: ArrayLike, size: int | None = None) -> Array:
    """The gradient of `max_pool_depth` for x: only the largest channel gets it; of equals, the first."""
    upstream, x = np.asarray(upstream), np.asarray(x)
    seen = _channel_groups(x, size)
    shares = np.zeros(seen.shape, upstream.dtype)
    np.put_along_axis(shares, seen.argmax(axis=-1)[..., None], upstream[..., None], axis=-1)
    return shares.reshape(x.shape)


def _channel_groups(x: Array, size: int | None) -> Array:
    channels = x.shape[-1]
    size = channels if size is None else size
    if size < 1 or channels % size:
        raise InputError("a size that divides the channels", f"size {size}, {channels} channels", "Choose another.")
    return x.reshape(*x.shape[:-1], channels // size, size)
