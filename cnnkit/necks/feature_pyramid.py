"""The feature pyramid network: maps of every scale that know what the deeper ones have seen.

Lin et al., "Feature Pyramid Networks for Object Detection", CVPR 2017 (arXiv:1612.03144), section 3 and figure 3.
"""

from __future__ import annotations

import keras

from cnnkit.necks.levels import Levels, deepest_first, enlarged


def fpn(levels: Levels, *, width: int = 256, seed: int = 0) -> dict[str, keras.KerasTensor]:
    """A 1×1 convolution of each level, plus the level below it enlarged, then a 3×3 convolution.

    Args:
        levels: Feature maps by name, `{"P3": (n, h, w, c), …}`.
        width: Channels of each result; 256 in the paper.
        seed: Of the initial weights.

    Returns:
        The same levels, fine to coarse, each (n, h, w, width).

    Raises:
        InputError: No level, or a name that is none.
    """
    merged: dict[str, keras.KerasTensor] = {}
    below: keras.KerasTensor | None = None
    for name, features in deepest_first(levels):
        x = _convolution(width, 1, f"fpn_{name}_lateral", seed)(features)
        if below is not None:
            x = keras.layers.Add(name=f"fpn_{name}_sum")([x, enlarged(below, x, f"fpn_{name}_up")])
        merged[name] = below = x
    return {name: _convolution(width, 3, f"fpn_{name}", seed)(merged[name]) for name in reversed(merged)}


def _convolution(width: int, side: int, name: str, seed: int) -> keras.layers.Conv2D:
    initializer = keras.initializers.GlorotUniform(seed=seed)
    return keras.layers.Conv2D(width, side, padding="same", kernel_initializer=initializer, name=name)
