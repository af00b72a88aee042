"""Pyramid pooling: what whole regions of the picture show, beside what each place shows.

Zhao et al., "Pyramid Scene Parsing Network", CVPR 2017 (arXiv:1612.01105), section 3.2 and figure 3.
"""

from __future__ import annotations

from collections.abc import Sequence

import keras

from cnnkit.errors import InputError
from cnnkit.necks.blocks import block, of_means
from cnnkit.necks.levels import Levels, deepest_first, sized


def psp(
    levels: Levels, *, bins: Sequence[int] = (1, 2, 3, 6), width: int = 128, seed: int = 0
) -> dict[str, keras.KerasTensor]:
    """Means over 1×1, 2×2, 3×3 and 6×6 regions, each enlarged to the map again and joined with it; a 3×3 convolution.

    A map with fewer places than bins along a side has as many regions as places.

    Args:
        levels: Feature maps by name; the deepest is taken. Its size is known.
        bins: Regions along each side; as many 1×1 convolutions share the channels of the map.
        width: Channels of the result; 512 in the paper.
        seed: Of the initial weights.

    Returns:
        The deepest level alone, (n, h, w, width).

    Raises:
        InputError: No level, a name that is none, or bins that are no positive numbers.
    """
    name, x = deepest_first(levels)[0]
    if not bins or not all(isinstance(side, int) and side > 0 for side in bins):
        raise InputError("bins above 0, whole numbers", repr(bins), "(1, 2, 3, 6) are those of the paper.")
    size, channels = x.shape[1:3], x.shape[3]
    parts = [x]
    for number, side in enumerate(bins, start=1):
        pooled = keras.layers.AveragePooling2D(*_windows(size, side), name=f"psp_{name}_pool{number}")(x)
        part = of_means(pooled, max(1, channels // len(bins)), name=f"psp_{name}_region{number}", seed=seed + number)
        parts.append(sized(part, size, f"psp_{name}_up{number}"))
    joined = keras.layers.Concatenate(name=f"psp_{name}_join")(parts)
    return {name: block(joined, width, name=f"psp_{name}", seed=seed)}


def _windows(size: Sequence[int], bins: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Windows and steps of a pooling that gives `bins` regions along each side and leaves no pixel out."""
    counts = [min(side, bins) for side in size]
    steps = tuple(side // count for side, count in zip(size, counts, strict=True))
    windows = tuple(side - (count - 1) * step for side, count, step in zip(size, counts, steps, strict=True))
    return windows, steps
