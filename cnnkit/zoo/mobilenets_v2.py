"""MobileNetV2 (Sandler et al., "MobileNetV2: Inverted Residuals and Linear Bottlenecks", 2018), Table 2.

    input        operator     t     c     n   s
    224×224×3    conv 3×3     –    32     1   2
    112×112×32   bottleneck   1    16     1   1
    112×112×16   bottleneck   6    24     2   2
    56×56×24     bottleneck   6    32     3   2
    28×28×32     bottleneck   6    64     4   2
    14×14×64     bottleneck   6    96     3   1
    14×14×96     bottleneck   6   160     3   2
    7×7×160      bottleneck   6   320     1   1
    7×7×320      conv 1×1     –  1280     1   1
    7×7×1280     avg_pool     –     –     1   –
    1×1×1280     predictions  –  1000     –         3,538,984 parameters, 300 million multiply-adds

t expands the maps, c is how many come out, n blocks in a row, s the stride of the first. The layers are called as in
`keras.applications`, whose weights fit.
"""

from __future__ import annotations

from typing import Any

import keras
from keras import layers

from cnnkit.zoo.building import Shape, Weights, assembled, image, normalized, predictions

# Table 2, the bottlenecks: expansion t, maps c, repetitions n, stride s.
BOTTLENECKS = (
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)


def mobilenet_v2(
    *,
    input_shape: Shape = (224, 224, 3),
    classes: int | None = 1000,
    weights: Weights = None,
    alpha: float = 1.0,
) -> keras.Model:
    """MobileNetV2.

    Args:
        input_shape: Height, width (at least 32 each), 3 channels; RGB 0…255.
        classes: Number of classes; None for the last map, `out_relu`.
        weights: A weights file, or None for random ones.
        alpha: Width: the factor of the maps, the last 1280 only where it is above 1.

    Raises:
        InputError: A shape or number that does not fit.
        WeightsError: A missing file, or one of another network.
    """
    inputs = image(input_shape, least=32)
    x = normalized(inputs, mean=127.5, deviation=127.5)

    # --- features
    x = layers.Conv2D(divisible(32 * alpha), 3, 2, padding="same", use_bias=False, name="Conv1")(x)
    x = layers.ReLU(6.0, name="Conv1_relu")(_normalization(x, name="bn_Conv1"))
    number = 0
    for expansion, filters, repetitions, stride in BOTTLENECKS:
        for repetition in range(repetitions):
            x = _bottleneck(
                x, expansion, divisible(filters * alpha), stride=stride if repetition == 0 else 1, number=number
            )
            number += 1
    x = layers.Conv2D(divisible(1280 * max(alpha, 1.0)), 1, use_bias=False, name="Conv_1")(x)
    x = layers.ReLU(6.0, name="out_relu")(_normalization(x, name="Conv_1_bn"))

    # --- classifier
    if classes is not None:
        x = layers.GlobalAveragePooling2D(name="avg_pool")(x)
        x = predictions(x, classes)
    return assembled(inputs, x, name="mobilenet_v2", weights=weights)


def divisible(filters: float) -> int:
    """The nearest multiple of 8, never less than 90 % of the number: what hardware likes.

    >>> divisible(32 * 0.35), divisible(24 * 0.75), divisible(12)
    (16, 24, 16)
    """
    rounded = max(8, int(filters + 4) // 8 * 8)
    return rounded + 8 if rounded < 0.9 * filters else rounded


def _bottleneck(x: Any, expansion: int, filters: int, *, stride: int, number: int) -> Any:
    """Table 1: expand by 1×1, 3×3 depthwise, linear 1×1 to few maps; the shortcut joins the few."""
    name = f"block_{number}" if number else "expanded_conv"
    y = x
    if expansion > 1:
        y = layers.Conv2D(expansion * x.shape[-1], 1, use_bias=False, name=f"{name}_expand")(y)
        y = layers.ReLU(6.0, name=f"{name}_expand_relu")(_normalization(y, name=f"{name}_expand_BN"))
    y = layers.DepthwiseConv2D(3, stride, padding="same", use_bias=False, name=f"{name}_depthwise")(y)
    y = layers.ReLU(6.0, name=f"{name}_depthwise_relu")(_normalization(y, name=f"{name}_depthwise_BN"))
    y = layers.Conv2D(filters, 1, use_bias=False, name=f"{name}_project")(y)
    y = _normalization(y, name=f"{name}_project_BN")
    return layers.Add(name=f"{name}_add")([x, y]) if stride == 1 and x.shape[-1] == filters else y


def _normalization(x: Any, *, name: str) -> Any:
    return layers.BatchNormalization(epsilon=1e-3, momentum=0.999, name=name)(x)
