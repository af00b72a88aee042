"""Layers that all levels of a pyramid share, and levels beyond the backbone's last."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import keras
import numpy as np

from cnnkit.heads.detector import PRIOR, SPREAD
from cnnkit.necks.levels import Levels

# The logit of a class at the start.
PRIOR_LOGIT = float(np.log(PRIOR / (1 - PRIOR)))


def tower(width: int, depth: int, *, name: str, seed: int) -> list[keras.layers.Layer]:
    """3×3 convolutions with ReLU, called `NAME1`, `NAME2` and so on."""
    return [
        keras.layers.Conv2D(
            width,
            3,
            padding="same",
            activation="relu",
            kernel_initializer=keras.initializers.HeNormal(seed=seed + place),
            name=f"{name}{place}",
        )
        for place in range(1, depth + 1)
    ]


def prediction(name: str, channels: int, *, bias: float = 0.0, seed: int) -> keras.layers.Conv2D:
    """A 3×3 convolution that begins near `bias`."""
    return keras.layers.Conv2D(
        channels,
        3,
        padding="same",
        kernel_initializer=keras.initializers.RandomNormal(stddev=SPREAD, seed=seed),
        bias_initializer=keras.initializers.Constant(bias),
        name=name,
        dtype="float32",
    )


def joined(maps: Mapping[str, keras.KerasTensor], numbers: int, *, name: str) -> keras.KerasTensor:
    """Predictions of each level, (n, h, w, k · numbers), as (n, all of them, numbers), level by level."""
    parts = [
        keras.layers.Reshape((-1, numbers), name=f"{level}_{name}", dtype="float32")(x) for level, x in maps.items()
    ]
    return keras.layers.Concatenate(axis=1, name=name, dtype="float32")(parts)


def through(x: keras.KerasTensor, layers: Sequence[keras.layers.Layer]) -> keras.KerasTensor:
    """One map through layers, one after the other."""
    for layer in layers:
        x = layer(x)
    return x


def deeper(features: Levels, levels: Sequence[str], width: int, *, seed: int) -> dict[str, keras.KerasTensor]:
    """Those of `levels` that are deeper than all of the features: 3×3 convolutions of stride 2, one after the other.

    P6 and P7 of Lin et al. 2017 (arXiv:1708.02002), footnote 2: the first on the backbone's last map, without a ReLU.
    """
    x, made = features[max(features)], dict[str, keras.KerasTensor]()
    for level in levels:
        if level not in features:
            x = keras.layers.ReLU(name=f"{level}_before")(x) if made else x
            made[level] = x = keras.layers.Conv2D(
                width,
                3,
                strides=2,
                padding="same",
                kernel_initializer=keras.initializers.GlorotUniform(seed=seed),
                name=f"{level}_down",
            )(x)
    return made
