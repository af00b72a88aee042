"""Channels taken apart and shuffled, out of stock layers: no code of ours is in a saved network."""

from __future__ import annotations

from typing import Any

from keras import layers


def shuffled(x: Any, groups: int, *, name: str) -> Any:
    """The channels of all groups in turn: the first of each, then the second of each.

    After a convolution in groups each group knows a part of the maps only; shuffled, the next convolution's groups
    read from all of them (lecture 003; ShuffleNet, Figure 1).

    Args:
        x: Maps (n, height, width, channels), the channels of a group side by side.
        groups: How many groups.
        name: Of the last layer.
    """
    _, height, width, channels = x.shape
    x = layers.Reshape((height, width, groups, channels // groups), name=f"{name}_groups")(x)
    x = layers.Permute((1, 2, 4, 3), name=f"{name}_transposed")(x)
    return layers.Reshape((height, width, channels), name=name)(x)


def some(x: Any, start: int, stop: int, *, name: str) -> Any:
    """The channels from `start` up to `stop`: as a third side, where `Cropping3D` cuts them.

    Args:
        x: Maps (n, height, width, channels).
        start: The first channel that is kept, from 0.
        stop: The first one after it that is not.
        name: Of the last layer.
    """
    _, height, width, channels = x.shape
    x = layers.Reshape((height, width, channels, 1), name=f"{name}_side")(x)
    x = layers.Cropping3D(((0, 0), (0, 0), (start, channels - stop)), name=f"{name}_cropped")(x)
    return layers.Reshape((height, width, stop - start), name=name)(x)
