"""ShuffleNet V2 (Ma, Zhang, Zheng and Sun, "Practical Guidelines for Efficient CNN Architecture …", 2018), Table 5.

    layer     output    kernel  stride  repeat      maps, for the width
                                               0.5×      1×    1.5×      2×
    image     224×224                             3       3       3       3
    conv1     112×112   3×3          2       1   24      24      24      24
    pool1     56×56     3×3          2       1   24      24      24      24
    stage2    28×28                  2       1   48     116     176     244
              28×28                  1       3
    stage3    14×14                  2       1   96     232     352     488
              14×14                  1       7
    stage4    7×7                    2       1  192     464     704     976
              7×7                    1       3
    conv5     7×7       1×1          1       1 1024    1024    1024    2048
    avg_pool  1×1
    millions of multiply-adds                    41     146     299     591
    trained     1,366,792 · 2,278,604 · 3,503,624 · 7,393,996 parameters

No groups and no adding, which cost memory traffic: half of the channels pass by untouched, then all are shuffled.
"""

from __future__ import annotations

from typing import Any

import keras
from keras import layers

from cnnkit.errors import InputError
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
from cnnkit.zoo.channels import shuffled, some

# Width → maps of stages 2, 3 and 4 and of conv5 (Table 5; 2× has 244, as in the authors' code).
MAPS = {
    0.5: (48, 96, 192, 1024),
    1.0: (116, 232, 464, 1024),
    1.5: (176, 352, 704, 1024),
    2.0: (244, 488, 976, 2048),
}


def shufflenet_v2(
    *,
    input_shape: Shape = (224, 224, 3),
    classes: int | None = 1000,
    weights: Weights = None,
    alpha: float = 1.0,
) -> keras.Model:
    """ShuffleNet V2.

    Args:
        input_shape: Height, width (at least 32 each), 3 channels; RGB 0…255.
        classes: Number of classes; None for the last map, `conv5_relu`.
        weights: A weights file, or None for random ones.
        alpha: Width: 0.5, 1, 1.5 or 2.

    Raises:
        InputError: A shape or number that does not fit.
        WeightsError: A missing file, or one of another network.
    """
    if alpha not in MAPS:
        raise InputError("alpha=0.5, 1, 1.5 or 2", repr(alpha), "Those are the columns of the paper's Table 5.")
    *stages, last = MAPS[alpha]
    inputs = image(input_shape, least=32)
    x = normalized(inputs, mean=IMAGENET_MEAN, deviation=IMAGENET_DEVIATION)

    # --- stride 2 and 4
    x = _convolution(x, 24, 3, stride=2, name="conv1")  # 112 × 112
    x = layers.MaxPooling2D(3, 2, padding="same", name="pool1")(x)  # 56 × 56

    # --- stride 8, 16, 32
    for stage, (filters, units) in enumerate(zip(stages, (4, 8, 4), strict=True), start=2):
        x = _halving_unit(x, filters, name=f"stage{stage}_unit1")
        for unit in range(2, units + 1):
            x = _unit(x, name=f"stage{stage}_unit{unit}")
    x = _convolution(x, last, 1, name="conv5")

    # --- classifier
    if classes is not None:
        x = layers.GlobalAveragePooling2D(name="avg_pool")(x)
        x = predictions(x, classes)
    return assembled(inputs, x, name="shufflenet_v2", weights=weights)


def _unit(x: Any, *, name: str) -> Any:
    """Figure 3(c): one half as it is, the other through three convolutions."""
    half = x.shape[-1] // 2
    kept = some(x, 0, half, name=f"{name}_kept")
    y = some(x, half, 2 * half, name=f"{name}_worked")
    y = _branch(y, half, stride=1, name=f"{name}_right")
    y = layers.Concatenate(name=f"{name}_concat")([kept, y])
    return shuffled(y, 2, name=f"{name}_out")


def _halving_unit(x: Any, filters: int, *, name: str) -> Any:
    """Figure 3(d): half the side, and both branches work on all channels."""
    left = _depthwise(x, stride=2, name=f"{name}_left_dwconv")
    left = _convolution(left, filters // 2, 1, name=f"{name}_left_conv")
    right = _branch(x, filters // 2, stride=2, name=f"{name}_right")
    y = layers.Concatenate(name=f"{name}_concat")([left, right])
    return shuffled(y, 2, name=f"{name}_out")


def _branch(x: Any, filters: int, *, stride: int, name: str) -> Any:
    x = _convolution(x, filters, 1, name=f"{name}_conv1")
    x = _depthwise(x, stride=stride, name=f"{name}_dwconv2")
    return _convolution(x, filters, 1, name=f"{name}_conv3")


def _convolution(x: Any, filters: int, kernel: int, *, stride: int = 1, name: str) -> Any:
    x = layers.Conv2D(filters, kernel, stride, padding="same", use_bias=False, name=name)(x)
    x = layers.BatchNormalization(name=f"{name}_bn")(x)
    return layers.ReLU(name=f"{name}_relu")(x)


def _depthwise(x: Any, *, stride: int, name: str) -> Any:
    x = layers.DepthwiseConv2D(3, stride, padding="same", use_bias=False, name=name)(x)
    return layers.BatchNormalization(name=f"{name}_bn")(x)
