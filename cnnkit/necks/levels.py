"""Levels of a pyramid by their names: P3 is 2³ = 8 times smaller than the input."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import keras

from cnnkit.errors import InputError

Levels = Mapping[str, keras.KerasTensor]


def deepest_first(levels: Levels) -> list[tuple[str, keras.KerasTensor]]:
    """Names and maps, the smallest map first.

    Raises:
        InputError: No level, or a name that is none.
    """
    if not levels or not all(name[:1] == "P" and name[1:].isdigit() for name in levels):
        raise InputError('levels by name, such as {"P3": tensor}', str(list(levels)), "body.pyramid() gives them.")
    return sorted(levels.items(), key=lambda level: -int(level[0][1:]))


def enlarged(x: keras.KerasTensor, like: keras.KerasTensor, name: str) -> keras.KerasTensor:
    """A map at the size of a finer one, bilinear; sizes that are no multiple of each other fit too (23 → 45)."""
    return sized(x, like.shape[1:3], name)


def sized(x: keras.KerasTensor, size: Sequence[int], name: str) -> keras.KerasTensor:
    """A map at another size, (height, width), bilinear; itself where it has the size."""
    height, width = size
    if tuple(x.shape[1:3]) == (height, width):
        return x
    if None not in x.shape[1:3] and not (height % x.shape[1] or width % x.shape[2]):
        factors = height // x.shape[1], width // x.shape[2]  # unlike `Resizing` right for inputs of other sizes too
        return keras.layers.UpSampling2D(factors, interpolation="bilinear", name=name)(x)
    return keras.layers.Resizing(height, width, interpolation="bilinear", name=name)(x)
