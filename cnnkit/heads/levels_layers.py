"""Layers that all levels of a pyramid share, and levels beyond the backbone's last."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import keras
import numpy as np

from cnnkit.heads.detector import PRIOR, SPREAD
from cnnkit.necks.blocks import normalized
from cnnkit.necks.levels import Levels

# The logit of a class at the start.
PRIOR_LOGIT = float(np.log(PRIOR / (1 - PRIOR)))


def tower(
    maps: Mapping[str, keras.KerasTensor], width: int, depth: int, *, name: str, seed: int
) -> dict[str, keras.KerasTensor]:
    """3×3 convolutions that all levels share, each with a batch normalization per level and a ReLU.

    Statistics differ from level to level, so that one normalization for all would be another in training, where it sees
    one level at a time, than afterwards.
    """
    towers = dict(maps)
    for place in range(1, depth + 1):
        shared = keras.layers.Conv2D(
            width,
            3,
            padding="same",
            use_bias=False,
            kernel_initializer=keras.initializers.HeNormal(seed=seed + place),
            name=f"{name}{place}",
        )
        towers = {level: normalized(shared(x), f"{level}_{name}{place}") for level, x in towers.items()}
    return towers


def prediction(name: str, channels: int, *, kernel: int = 3, bias: float = 0.0, seed: int) -> keras.layers.Conv2D:
    """A convolution that begins near `bias`."""
    return keras.layers.Conv2D(
        channels,
        kernel,
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


def on_levels(maps: Mapping[str, keras.KerasTensor], layer: keras.layers.Layer) -> dict[str, keras.KerasTensor]:
    """One layer on the map of each level."""
    return {level: layer(x) for level, x in maps.items()}


def normalized_levels(maps: Mapping[str, keras.KerasTensor]) -> dict[str, keras.KerasTensor]:
    """Each level with a batch normalization and a ReLU of its own."""
    return {level: normalized(x, level) for level, x in maps.items()}


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
