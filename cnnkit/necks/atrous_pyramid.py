"""Atrous spatial pyramid pooling: one map seen with kernels of several reaches, and as a whole.

Chen et al., "Encoder-Decoder with Atrous Separable Convolution", ECCV 2018 (arXiv:1802.02611), section 3.1; the mean of
the whole picture is of "Rethinking Atrous Convolution" (arXiv:1706.05587), section 3.3.
"""

from __future__ import annotations

from collections.abc import Sequence

import keras

from cnnkit.errors import InputError
from cnnkit.necks.blocks import block, normalized, of_means
from cnnkit.necks.levels import Levels, deepest_first


def aspp(
    levels: Levels, *, rates: Sequence[int] = (6, 12, 18), width: int = 128, seed: int = 0
) -> dict[str, keras.KerasTensor]:
    """A 1×1 convolution, separable 3×3 ones with gaps, and the mean of the map, joined by a 1×1 convolution.

    Args:
        levels: Feature maps by name; the deepest is taken. Its size is known.
        rates: Steps between the pixels of each 3×3 kernel; the paper takes (6, 12, 18) at stride 16 and twice as much
            at stride 8.
        width: Channels of each branch and of the result; 256 in the paper.
        seed: Of the initial weights.

    Returns:
        The deepest level alone, (n, h, w, width).

    Raises:
        InputError: No level, a name that is none, or rates that are no positive numbers.
    """
    name, x = deepest_first(levels)[0]
    if not rates or not all(isinstance(rate, int) and rate > 0 for rate in rates):
        raise InputError(
            "rates above 0, whole numbers", repr(rates), "(6, 12, 18) are those of the paper at stride 16."
        )
    parts = [block(x, width, kernel=1, name=f"aspp_{name}_place", seed=seed)]
    for number, rate in enumerate(rates, start=1):
        parts.append(
            block(x, width, dilation=rate, kind="separable", name=f"aspp_{name}_rate{number}", seed=seed + number)
        )
    mean = keras.layers.GlobalAveragePooling2D(keepdims=True, name=f"aspp_{name}_mean")(x)
    mean = of_means(mean, width, name=f"aspp_{name}_whole", seed=seed + len(parts))
    # A 1×1 convolution of the joined maps is the sum of those of each: that of the mean, alike everywhere, is computed
    # once, and the layers know no size.
    joined = keras.layers.Concatenate(name=f"aspp_{name}_join")(parts)
    sides = [
        keras.layers.Conv2D(
            width, 1, use_bias=False, kernel_initializer=keras.initializers.HeNormal(seed=seed + number), name=each
        )(part)
        for number, (part, each) in enumerate([(joined, f"aspp_{name}_conv"), (mean, f"aspp_{name}_whole_conv2")])
    ]
    return {name: normalized(keras.layers.Add(name=f"aspp_{name}_sum")(sides), f"aspp_{name}")}
