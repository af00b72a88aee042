"""Channel shuffle: lets the groups of a group convolution hear from each other (ShuffleNet, lecture 003)."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from cnnkit.errors import InputError
from cnnkit.primitives.arrays import Array


def channel_shuffle(x: ArrayLike, groups: int) -> Array:
    """Deals the channels out like cards: the first of each group, then the second of each, and so on.

    Args:
        x: (..., channels).
        groups: Must divide the channels.

    Returns:
        (..., channels).

    Raises:
        InputError: The groups do not divide the channels.

    >>> channel_shuffle(["a1", "a2", "a3", "b1", "b2", "b3"], groups=2).tolist()
    ['a1', 'b1', 'a2', 'b2', 'a3', 'b3']
    """
    x = np.asarray(x)
    if groups < 1 or x.shape[-1] % groups:
        raise InputError("groups that divide the channels", f"{groups} groups, {x.shape[-1]} channels", "Choose both.")
    return x.reshape(*x.shape[:-1], groups, -1).swapaxes(-1, -2).reshape(x.shape)


def channel_shuffle_backward(upstream: ArrayLike, groups: int) -> Array:
    """The gradient of `channel_shuffle`: the cards are collected again.

    >>> channel_shuffle_backward(["a1", "b1", "a2", "b2", "a3", "b3"], groups=2).tolist()
    ['a1', 'a2', 'a3', 'b1', 'b2', 'b3']
    """
    return channel_shuffle(upstream, np.shape(upstream)[-1] // groups)
