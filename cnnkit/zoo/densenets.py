"""DenseNet (Huang, Liu, van der Maaten and Weinberger, "Densely Connected Convolutional Networks", 2016), Table 1.

Every layer of a dense block reads the maps of all layers before it and adds 32 of its own (growth rate k = 32).

    layer        output    DenseNet-121   DenseNet-169   DenseNet-201
    conv1        112×112         7×7, 64, stride 2
    pool1        56×56           max 3×3, stride 2
    conv2        56×56     1×1, 128 and 3×3, 32: × 6          × 6            × 6
    pool2        28×28           1×1 to half the maps, mean 2×2
    conv3        28×28         × 12           × 12           × 12
    pool3        14×14           as pool2
    conv4        14×14         × 24           × 32           × 48
    pool4        7×7             as pool2
    conv5        7×7           × 16           × 32           × 32
    avg_pool     1×1
    predictions  1000
    parameters              8,062,504     14,307,880     20,242,984
    maps at the end             1,024          1,664          1,920

A convolution here is normalization, ReLU, convolution, in this order. The layers are called as in
`keras.applications`, whose weights fit.
"""

from __future__ import annotations

from typing import Any

import keras
from keras import layers

from cnnkit.zoo.building import (
    IMAGENET_DEVIATION,
    IMAGENET_MEAN,
    Shape,
    Weights,
    assembled,
    image,
    normalized,
    predictions,
)

GROWTH = 32  # k of the paper


def densenet121(
    *, input_shape: Shape = (224, 224, 3), classes: int | None = 1000, weights: Weights = None
) -> keras.Model:
    """The densely connected network of 121 layers.

    Args:
        input_shape: Height, width (at least 32 each), 3 channels; RGB 0…255.
        classes: Number of classes; None for the last map, `relu`.
        weights: A weights file, or None for random ones.

    Raises:
        InputError: A shape or number that does not fit.
        WeightsError: A missing file, or one of another network.
    """
    return _densenet("densenet121", (6, 12, 24, 16), input_shape, classes, weights)


def densenet169(
    *, input_shape: Shape = (224, 224, 3), classes: int | None = 1000, weights: Weights = None
) -> keras.Model:
    """The densely connected network of 169 layers; arguments as of `densenet121`."""
    return _densenet("densenet169", (6, 12, 32, 32), input_shape, classes, weights)


def densenet201(
    *, input_shape: Shape = (224, 224, 3), classes: int | None = 1000, weights: Weights = None
) -> keras.Model:
    """The densely connected network of 201 layers; arguments as of `densenet121`."""
    return _densenet("densenet201", (6, 12, 48, 32), input_shape, classes, weights)


def _densenet(
    name: str, counts: tuple[int, int, int, int], input_shape: Shape, classes: int | None, weights: Weights
) -> keras.Model:
    inputs = image(input_shape, least=32)
    x = normalized(inputs, mean=IMAGENET_MEAN, deviation=IMAGENET_DEVIATION)

    # --- stride 2 and 4
    x = layers.ZeroPadding2D(3, name="conv1_pad")(x)
    x = layers.Conv2D(64, 7, 2, use_bias=False, name="conv1_conv")(x)  # 112 × 112
    x = _activated(x, name="conv1")
    x = layers.ZeroPadding2D(1, name="pool1_pad")(x)
    x = layers.MaxPooling2D(3, 2, name="pool1")(x)  # 56 × 56

    # --- stride 4, 8, 16, 32: dense blocks, with a transition between two of them
    for stage, count in enumerate(counts, start=2):
        if stage > 2:
            x = _transition(x, name=f"pool{stage - 1}")
        for number in range(1, count + 1):
            x = _dense_layer(x, name=f"conv{stage}_block{number}")
    x = layers.BatchNormalization(epsilon=1.001e-5, name="bn")(x)
    x = layers.ReLU(name="relu")(x)

    # --- classifier
    if classes is not None:
        x = layers.GlobalAveragePooling2D(name="avg_pool")(x)
        x = predictions(x, classes)
    return assembled(inputs, x, name=name, weights=weights)


def _activated(x: Any, *, name: str) -> Any:
    x = layers.BatchNormalization(epsilon=1.001e-5, name=f"{name}_bn")(x)
    return layers.ReLU(name=f"{name}_relu")(x)


def _dense_layer(x: Any, *, name: str) -> Any:
    """All maps so far, and 32 new ones that a 1×1 and a 3×3 convolution make of them."""
    y = _activated(x, name=f"{name}_0")
    y = layers.Conv2D(4 * GROWTH, 1, use_bias=False, name=f"{name}_1_conv")(y)
    y = _activated(y, name=f"{name}_1")
    y = layers.Conv2D(GROWTH, 3, padding="same", use_bias=False, name=f"{name}_2_conv")(y)
    return layers.Concatenate(name=f"{name}_concat")([x, y])


def _transition(x: Any, *, name: str) -> Any:
    """Half the maps and half the side."""
    x = _activated(x, name=name)
    x = layers.Conv2D(x.shape[-1] // 2, 1, use_bias=False, name=f"{name}_conv")(x)
    return layers.AveragePooling2D(2, name=f"{name}_pool")(x)
