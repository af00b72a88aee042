"""The expanding half of a U-Net: from the deepest map upwards, each scale joined by the skip of its own size.

Ronneberger et al., "U-Net", MICCAI 2015 (arXiv:1505.04597), figure 1; with bilinear enlargement, which costs a
seventh of a transposed convolution and leaves no checkerboard.
"""

from __future__ import annotations

from collections.abc import Sequence

import keras

from cnnkit.errors import InputError
from cnnkit.necks.blocks import Border, block
from cnnkit.necks.levels import Levels, deepest_first, enlarged


def unet(
    levels: Levels, *, widths: Sequence[int] = (128, 64, 48), border: Border = "zeros", seed: int = 0
) -> dict[str, keras.KerasTensor]:
    """Enlarged, joined with the skip, two 3×3 convolutions with batch normalization and ReLU, scale by scale.

    A map with more than twice the channels of the scale above it is first narrowed to those by a 1×1 convolution, as
    the up-convolution of the paper narrows to half: the last maps of a large backbone would cost most of the time.

    Args:
        levels: Feature maps by name; the deepest is where it begins.
        widths: Channels of each scale above the deepest, deep to fine; one per scale.
        border: What stands outside of the maps: `"zeros"`, or `"mirror"`, as the paper extrapolates pictures.
        seed: Of the initial weights.

    Returns:
        The scales above the deepest, fine to coarse: (n, h, w, width) each.

    Raises:
        InputError: Another number of widths than scales above the deepest, or names that are no levels.
        UnknownNameError: Another border.
    """
    (_, x), *skips = deepest_first(levels)
    if not skips or len(widths) != len(skips):
        raise InputError(
            f"one width for each of the {len(skips)} scales above the deepest, at least one",
            f"widths={tuple(widths)}",
            "Give as many as there are skips: (128, 64, 48) for P5 with P4, P3 and P2.",
        )
    merged: dict[str, keras.KerasTensor] = {}
    for (name, skip), width in zip(skips, widths, strict=True):
        if x.shape[-1] > 2 * width:
            initial = keras.initializers.HeNormal(seed=seed)
            x = keras.layers.Conv2D(2 * width, 1, kernel_initializer=initial, name=f"unet_{name}_narrow")(x)
        x = keras.layers.Concatenate(name=f"unet_{name}_join")([enlarged(x, skip, f"unet_{name}_up"), skip])
        for number in (1, 2):
            x = block(x, width, name=f"unet_{name}_{number}", border=border, seed=seed + number)
        merged[name] = x
    return dict(reversed(merged.items()))
