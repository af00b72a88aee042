"""Unpooling: a map enlarged by putting each value where the encoder's own max pooling took its maximum.

Badrinarayanan, Kendall and Cipolla, "SegNet" (arXiv:1511.00561), figure 3; Noh, Hong and Han, "Learning Deconvolution
Network for Semantic Segmentation", ICCV 2015 (arXiv:1505.04366), section 3.2.1.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import product
from typing import Any

import keras

from cnnkit.backbones.graph import Node, named, nodes
from cnnkit.errors import InputError
from cnnkit.layers.views import Window
from cnnkit.necks.blocks import Kind, block
from cnnkit.necks.levels import Levels, deepest_first
from cnnkit.primitives.layers import Step


def unpooling(
    levels: Levels, *, width: int = 64, convolutions: int = 2, transposed: bool = False, seed: int = 0
) -> dict[str, keras.KerasTensor]:
    """The encoder backwards: unpooled by its arg-maxima, then convolutions of its widths, scale by scale.

    Args:
        levels: Feature maps by name, of a graph in which a max pooling takes a map of the size of each but the deepest.
        width: Channels of the finest result; the others have those of the next finer level.
        convolutions: How many stand behind each unpooling.
        transposed: Whether they are transposed ones ("deconvolution").
        seed: Of the initial weights.

    Returns:
        The scales above the deepest, fine to coarse.

    Raises:
        InputError: No max pooling takes a map of the size of one of the levels, or the names are no levels.
    """
    (_, x), *skips = deepest_first(levels)
    pools = _poolings(x, skips)
    widths = [call.inputs[0].shape[-1] for call in pools]
    scales: dict[str, keras.KerasTensor] = {}
    for number, (name, _) in enumerate(skips):
        if x.shape[-1] != widths[number]:  # a place of the maximum belongs to a channel: as many are needed
            x = block(x, widths[number], name=f"unpool_{name}_match", kind=_kind(transposed), seed=seed + 100)
        x = unpooled(x, pools[number], f"unpool_{name}")
        after = [*widths[1:], width][number]
        for place in range(1, convolutions + 1):
            channels = after if place == convolutions else widths[number]
            x = block(x, channels, name=f"unpool_{name}_{place}", kind=_kind(transposed), seed=seed + place)
        scales[name] = x
    return dict(reversed(scales.items()))


def unpooled(x: keras.KerasTensor, call: Node, name: str) -> keras.KerasTensor:
    """The values of a map at the places where a max pooling found its maxima, zeros elsewhere.

    A value goes to each place of its window that has the maximum: to several where they are equal, as in a window of
    zeros behind a ReLU. Where windows overlap and share a maximum, their values are summed, as its gradient is.

    Args:
        x: (n, h, w, c), of the size that the pooling gave.
        call: Of the `MaxPooling2D`, in the graph of the encoder.
        name: Of the new layers.

    Returns:
        (n, H, W, c), of the size that the pooling took.
    """
    before, after = call.inputs[0], call.outputs[0]
    layer = call.layer
    steps = Window(layer.pool_size, layer.strides, layer.padding).steps(tuple(before.shape[1:]))
    parts = []
    # Of a window 3×3 with steps of 2 each place belongs to up to 2×2 windows; of one of 2×2 to a single one.
    for number, shift in enumerate(product(*(range(math.ceil(step.kernel / step.stride)) for step in steps))):
        maxima, values = (
            _spread(part, steps, shift, f"{name}_{kind}{number}") for part, kind in ((after, "maxima"), (x, "values"))
        )
        here = named(keras.ops.equal(before, maxima), f"{name}_equal{number}")
        here = named(keras.ops.cast(here, x.dtype), f"{name}_here{number}")
        parts.append(keras.layers.Multiply(name=f"{name}_placed{number}")([here, values]))
    return parts[0] if len(parts) == 1 else keras.layers.Add(name=name)(parts)


def _spread(x: Any, steps: Sequence[Step], shift: Sequence[int], name: str) -> Any:
    """Each value at all places of a part of its window, the size that of the map before the pooling."""
    strides = tuple(step.stride for step in steps)
    x = keras.layers.UpSampling2D(strides, interpolation="nearest", name=f"{name}_up")(x)
    border = []
    for side, step, number in zip(x.shape[1:3], steps, shift, strict=True):
        first = step.stride * number - step.before
        border.append((first, step.side - side - first))
    for layer, sign, word in ((keras.layers.ZeroPadding2D, 1, "pad"), (keras.layers.Cropping2D, -1, "crop")):
        part = [tuple(max(0, sign * width) for width in pair) for pair in border]
        if any(map(any, part)):
            x = layer(part, name=f"{name}_{word}")(x)
    return x


def _poolings(deepest: keras.KerasTensor, levels: Sequence[tuple[str, keras.KerasTensor]]) -> list[Node]:
    """The max pooling of each level's size, on the way to the deepest one.

    It need not take the level itself, which may be a narrower map of its stage, as the squeezed ones of SqueezeNet.
    """
    calls = nodes(keras.Model(keras.utils.get_source_inputs(deepest), deepest))
    taken = {call.inputs[0].shape[1:3]: call for call in calls if isinstance(call.layer, keras.layers.MaxPooling2D)}
    without = [name for name, level in levels if level.shape[1:3] not in taken]
    if without:
        raise InputError(
            "a backbone that goes from each scale to the next by max pooling, whose places unpooling takes",
            f"one that pools no maxima of {' and '.join(without)}",
            "vgg16 and vgg19 do, and squeezenet1_1, which ends at P4 (output_stride=16); unet and deeplab need none.",
        )
    return [taken[level.shape[1:3]] for _, level in levels]


def _kind(transposed: bool) -> Kind:
    return "transposed" if transposed else "convolution"
