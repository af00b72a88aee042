"""MobileFaceNet (Chen, Liu, Gao and Han, "MobileFaceNets: Efficient CNNs for … Face Verification", 2018), Table 1.

A picture of a face in, 128 numbers out, as lecture 003 shows it:

    input         operator             t     c    n   s
    112×112×3     conv 3×3             –    64    1   2
    56×56×64      depthwise conv 3×3   –    64    1   1
    56×56×64      bottleneck           2    64    5   2
    28×28×64      bottleneck           4   128    1   2
    14×14×128     bottleneck           2   128    6   1
    14×14×128     bottleneck           4   128    1   2
    7×7×128       bottleneck           2   128    2   1
    7×7×128       conv 1×1             –   512    1   1
    7×7×512       linear GDConv 7×7    –   512    1   1
    1×1×512       linear conv 1×1      –   128    1   1

GDConv: a depthwise convolution as large as the map. A mean would weigh the corners of a face like its middle; this
one learns a weight for every place. The non-linearity is PReLU; "linear" layers have none. 1,003,136 trained
parameters, 0.99 million and 4.0 MB once normalization is part of the convolutions; 221 million multiply-adds.
"""

from __future__ import annotations

from typing import Any

import keras
from keras import layers

from cnnkit.zoo.building import Shape, Weights, assembled, image, normalized, predictions

# Table 1, the bottlenecks: expansion t, maps c, repetitions n, stride s.
BOTTLENECKS = ((2, 64, 5, 2), (4, 128, 1, 2), (2, 128, 6, 1), (4, 128, 1, 2), (2, 128, 2, 1))


def mobilefacenet(
    *, input_shape: Shape = (112, 112, 3), classes: int | None = None, weights: Weights = None
) -> keras.Model:
    """MobileFaceNet: faces of one person are near in its 128 numbers, by their angle.

    Args:
        input_shape: Height, width (at least 16 each), 3 channels; RGB 0…255, the face upright and centred.
        classes: None for the 128-d embedding, what it is made for; a number of persons adds a softmax over them.
        weights: A weights file, or None for random ones.

    Raises:
        InputError: A shape or number that does not fit.
        WeightsError: A missing file, or one of another network.
    """
    inputs = image(input_shape, least=16)
    x = normalized(inputs, mean=127.5, deviation=128.0)

    # --- features
    x = _convolution(x, 64, 3, stride=2, name="conv1")  # 56 × 56
    x = _depthwise(x, 3, name="dwconv1")
    for number, (expansion, filters, repetitions, stride) in enumerate(BOTTLENECKS, start=1):
        for repetition in range(1, repetitions + 1):
            block = f"bottleneck{number}_{repetition}"
            x = _bottleneck(x, expansion, filters, stride=stride if repetition == 1 else 1, name=block)
    x = _convolution(x, 512, 1, name="conv2")  # 7 × 7

    # --- embedding
    x = _normalization(layers.DepthwiseConv2D(x.shape[1:3], use_bias=False, name="gdconv")(x), name="gdconv")
    x = _linear(x, 128, name="linear_conv")
    x = layers.Flatten(name="embedding")(x)

    # --- classifier
    if classes is not None:
        x = predictions(x, classes)
    return assembled(inputs, x, name="mobilefacenet", weights=weights)


def _bottleneck(x: Any, expansion: int, filters: int, *, stride: int, name: str) -> Any:
    """MobileNetV2's inverted residual with PReLU."""
    y = _convolution(x, expansion * x.shape[-1], 1, name=f"{name}_expand")
    y = _depthwise(y, 3, stride=stride, name=f"{name}_depthwise")
    y = _linear(y, filters, name=f"{name}_project")
    return layers.Add(name=f"{name}_add")([x, y]) if stride == 1 and x.shape[-1] == filters else y


def _convolution(x: Any, filters: int, kernel: int, *, stride: int = 1, name: str) -> Any:
    x = layers.Conv2D(filters, kernel, stride, padding="same", use_bias=False, name=name)(x)
    return _activated(x, name=name)


def _depthwise(x: Any, kernel: int, *, stride: int = 1, name: str) -> Any:
    x = layers.DepthwiseConv2D(kernel, stride, padding="same", use_bias=False, name=name)(x)
    return _activated(x, name=name)


def _linear(x: Any, filters: int, *, name: str) -> Any:
    return _normalization(layers.Conv2D(filters, 1, use_bias=False, name=name)(x), name=name)


def _activated(x: Any, *, name: str) -> Any:
    return layers.PReLU(shared_axes=[1, 2], name=f"{name}_prelu")(_normalization(x, name=name))


def _normalization(x: Any, *, name: str) -> Any:
    return layers.BatchNormalization(name=f"{name}_bn")(x)
