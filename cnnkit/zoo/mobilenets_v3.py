"""MobileNetV3 (Howard et al., "Searching for MobileNetV3", 2019), Tables 1 and 2.

    large                                          small
    output     kernel  exp  out  SE  NL  s          output     kernel  exp  out  SE  NL  s
    112²×16    3×3       –   16   –  HS  2          112²×16    3×3       –   16   –  HS  2
    112²×16    3×3      16   16   –  RE  1          56²×16     3×3      16   16   ✓  RE  2
    56²×24     3×3      64   24   –  RE  2          28²×24     3×3      72   24   –  RE  2
    56²×24     3×3      72   24   –  RE  1          28²×24     3×3      88   24   –  RE  1
    28²×40     5×5      72   40   ✓  RE  2          14²×40     5×5      96   40   ✓  HS  2
    28²×40     5×5     120   40   ✓  RE  1          14²×40     5×5     240   40   ✓  HS  1
    28²×40     5×5     120   40   ✓  RE  1          14²×40     5×5     240   40   ✓  HS  1
    14²×80     3×3     240   80   –  HS  2          14²×48     5×5     120   48   ✓  HS  1
    14²×80     3×3     200   80   –  HS  1          14²×48     5×5     144   48   ✓  HS  1
    14²×80     3×3     184   80   –  HS  1          7²×96      5×5     288   96   ✓  HS  2
    14²×80     3×3     184   80   –  HS  1          7²×96      5×5     576   96   ✓  HS  1
    14²×112    3×3     480  112   ✓  HS  1          7²×96      5×5     576   96   ✓  HS  1
    14²×112    3×3     672  112   ✓  HS  1          7²×576     1×1       –  576   –  HS  1
    7²×160     5×5     672  160   ✓  HS  2          1²×1024    1×1, no normalization HS  1
    7²×160     5×5     960  160   ✓  HS  1          1000       1×1, no normalization
    7²×160     5×5     960  160   ✓  HS  1
    7²×960     1×1       –  960   –  HS  1
    1²×1280    1×1, no normalization HS  1
    1000       1×1, no normalization
    5,507,432 parameters                           2,554,968 parameters

SE: squeeze-and-excite, a factor a map from the mean of all maps. RE: ReLU. HS: hard swish, x · relu6(x + 3) / 6. The
layers are called as in `keras.applications`, whose weights fit.
"""

from __future__ import annotations

from typing import Any, Literal

import keras
from keras import layers

from cnnkit.zoo.building import Shape, Weights, assembled, class_count, image, normalized
from cnnkit.zoo.mobilenets_v2 import divisible

Activation = Literal["relu", "hard_swish"]
RE: Activation = "relu"
HS: Activation = "hard_swish"
Rows = tuple[tuple[int, int, int, bool, Activation, int], ...]

# Kernel, expanded maps, maps, squeeze-and-excite, activation, stride.
LARGE: Rows = (
    (3, 16, 16, False, RE, 1),
    (3, 64, 24, False, RE, 2),
    (3, 72, 24, False, RE, 1),
    (5, 72, 40, True, RE, 2),
    (5, 120, 40, True, RE, 1),
    (5, 120, 40, True, RE, 1),
    (3, 240, 80, False, HS, 2),
    (3, 200, 80, False, HS, 1),
    (3, 184, 80, False, HS, 1),
    (3, 184, 80, False, HS, 1),
    (3, 480, 112, True, HS, 1),
    (3, 672, 112, True, HS, 1),
    (5, 672, 160, True, HS, 2),
    (5, 960, 160, True, HS, 1),
    (5, 960, 160, True, HS, 1),
)
SMALL: Rows = (
    (3, 16, 16, True, RE, 2),
    (3, 72, 24, False, RE, 2),
    (3, 88, 24, False, RE, 1),
    (5, 96, 40, True, HS, 2),
    (5, 240, 40, True, HS, 1),
    (5, 240, 40, True, HS, 1),
    (5, 120, 48, True, HS, 1),
    (5, 144, 48, True, HS, 1),
    (5, 288, 96, True, HS, 2),
    (5, 576, 96, True, HS, 1),
    (5, 576, 96, True, HS, 1),
)


def mobilenet_v3_large(
    *,
    input_shape: Shape = (224, 224, 3),
    classes: int | None = 1000,
    weights: Weights = None,
    alpha: float = 1.0,
) -> keras.Model:
    """MobileNetV3-Large.

    Args:
        input_shape: Height, width (at least 32 each), 3 channels; RGB 0…255.
        classes: Number of classes; None for the last map, `conv_1_hard_swish`.
        weights: A weights file, or None for random ones.
        alpha: Width: the factor of the blocks' maps.

    Raises:
        InputError: A shape or number that does not fit.
        WeightsError: A missing file, or one of another network.
    """
    return _mobilenet_v3("mobilenet_v3_large", LARGE, 1280, input_shape, classes, weights, alpha)


def mobilenet_v3_small(
    *,
    input_shape: Shape = (224, 224, 3),
    classes: int | None = 1000,
    weights: Weights = None,
    alpha: float = 1.0,
) -> keras.Model:
    """MobileNetV3-Small; arguments as of `mobilenet_v3_large`."""
    return _mobilenet_v3("mobilenet_v3_small", SMALL, 1024, input_shape, classes, weights, alpha)


def _mobilenet_v3(
    name: str, rows: Rows, hidden: int, input_shape: Shape, classes: int | None, weights: Weights, alpha: float
) -> keras.Model:
    inputs = image(input_shape, least=32)
    x = normalized(inputs, mean=127.5, deviation=127.5)

    # --- features
    x = layers.Conv2D(16, 3, 2, padding="same", use_bias=False, name="conv")(x)
    x = _activated(x, HS, name="conv")
    before = 16  # maps that the table's row reads at width 1
    for number, (kernel, expanded, filters, excited, activation, stride) in enumerate(rows):
        block = f"expanded_conv_{number}" if number else "expanded_conv"
        expansion = expanded / before
        x = _bottleneck(x, expansion, divisible(filters * alpha), kernel, excited, activation, stride, name=block)
        before = filters
    x = layers.Conv2D(divisible(6 * x.shape[-1]), 1, use_bias=False, name="conv_1")(x)
    x = _activated(x, HS, name="conv_1")

    # --- classifier
    if classes is not None:
        x = layers.GlobalAveragePooling2D(keepdims=True, name="avg_pool")(x)
        x = layers.Conv2D(divisible(hidden * max(alpha, 1.0)), 1, activation=HS, name="conv_2")(x)
        x = layers.Dropout(0.2, name="dropout")(x)
        x = layers.Conv2D(class_count(classes), 1, name="logits")(x)
        x = layers.Flatten(name="flatten")(x)
        x = layers.Softmax(name="predictions")(x)
    return assembled(inputs, x, name=name, weights=weights)


def _bottleneck(
    x: Any,
    expansion: float,
    filters: int,
    kernel: int,
    excited: bool,
    activation: Activation,
    stride: int,
    *,
    name: str,
) -> Any:
    """Figure 4: MobileNetV2's inverted residual with squeeze-and-excite on its expanded maps."""
    y = x
    if name != "expanded_conv":  # the first block has no maps to expand
        y = layers.Conv2D(divisible(expansion * x.shape[-1]), 1, use_bias=False, name=f"{name}_expand")(y)
        y = _activated(y, activation, name=f"{name}_expand")
    y = layers.DepthwiseConv2D(kernel, stride, padding="same", use_bias=False, name=f"{name}_depthwise")(y)
    y = _activated(y, activation, name=f"{name}_depthwise")
    if excited:
        y = _excited(y, name=f"{name}_squeeze_excite")
    y = layers.Conv2D(filters, 1, use_bias=False, name=f"{name}_project")(y)
    y = _normalization(y, name=f"{name}_project_bn")
    return layers.Add(name=f"{name}_add")([x, y]) if stride == 1 and x.shape[-1] == filters else y


def _excited(x: Any, *, name: str) -> Any:
    """Each map times a factor in [0, 1] that two small layers find from the means of all maps."""
    factor = layers.GlobalAveragePooling2D(keepdims=True, name=f"{name}_avg_pool")(x)
    factor = layers.Conv2D(divisible(x.shape[-1] / 4), 1, activation="relu", name=f"{name}_conv")(factor)
    factor = layers.Conv2D(x.shape[-1], 1, activation="hard_sigmoid", name=f"{name}_conv_1")(factor)
    return layers.Multiply(name=f"{name}_mul")([x, factor])


def _activated(x: Any, activation: Activation, *, name: str) -> Any:
    x = _normalization(x, name=f"{name}_bn")
    return layers.Activation(activation, name=f"{name}_{activation}")(x)


def _normalization(x: Any, *, name: str) -> Any:
    return layers.BatchNormalization(epsilon=1e-3, momentum=0.999, name=name)(x)
