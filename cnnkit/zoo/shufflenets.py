"""ShuffleNet (Zhang, Zhou, Lin and Sun, "ShuffleNet: An Extremely Efficient CNN for Mobile Devices", 2017), Table 1.

    layer     output     stride  repeat         maps, for g groups
                                           g=1   g=2   g=3   g=4   g=8
    image     224×224                        3     3     3     3     3
    conv1     112×112         2       1     24    24    24    24    24
    pool1     56×56           2       1
    stage2    28×28           2       1    144   200   240   272   384
              28×28           1       3    144   200   240   272   384
    stage3    14×14           2       1    288   400   480   544   768
              14×14           1       7    288   400   480   544   768
    stage4    7×7             2       1    576   800   960  1088  1536
              7×7             1       3    576   800   960  1088  1536
    avg_pool  1×1
    millions of multiply-adds              143   140   137   133   137

1×1 convolutions in groups cost g times less, so that there can be more maps; the shuffle lets the groups meet.
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
from cnnkit.zoo.channels import shuffled

MAPS = {1: 144, 2: 200, 3: 240, 4: 272, 8: 384}  # groups → maps of stage 2 (Table 1)


def shufflenet(
    *,
    input_shape: Shape = (224, 224, 3),
    classes: int | None = 1000,
    weights: Weights = None,
    groups: int = 3,
) -> keras.Model:
    """ShuffleNet 1×, the first.

    Args:
        input_shape: Height, width (at least 32 each), 3 channels; RGB 0…255.
        classes: Number of classes; None for the last map, `stage4_unit4_out`.
        weights: A weights file, or None for random ones.
        groups: Of the 1×1 convolutions: 1, 2, 3, 4 or 8.

    Raises:
        InputError: A shape or number that does not fit.
        WeightsError: A missing file, or one of another network.
    """
    if groups not in MAPS:
        raise InputError("groups=1, 2, 3, 4 or 8", repr(groups), "Those are the columns of the paper's Table 1.")
    inputs = image(input_shape, least=32)
    x = normalized(inputs, mean=IMAGENET_MEAN, deviation=IMAGENET_DEVIATION)

    # --- stride 2 and 4
    x = layers.Conv2D(24, 3, 2, padding="same", use_bias=False, name="conv1")(x)  # 112 × 112
    x = layers.BatchNormalization(name="conv1_bn")(x)
    x = layers.ReLU(name="conv1_relu")(x)
    x = layers.MaxPooling2D(3, 2, padding="same", name="pool1")(x)  # 56 × 56

    # --- stride 8, 16, 32
    for stage, units in ((2, 4), (3, 8), (4, 4)):
        for unit in range(1, units + 1):
            maps = MAPS[groups] * 2 ** (stage - 2)
            # 24 maps are too few to divide among groups
            first_groups = 1 if (stage, unit) == (2, 1) else groups
            x = _unit(x, maps, groups, first_groups, stride=2 if unit == 1 else 1, name=f"stage{stage}_unit{unit}")

    # --- classifier
    if classes is not None:
        x = layers.GlobalAveragePooling2D(name="avg_pool")(x)
        x = predictions(x, classes)
    return assembled(inputs, x, name="shufflenet", weights=weights)


def _unit(x: Any, filters: int, groups: int, first_groups: int, *, stride: int, name: str) -> Any:
    """Figure 2: (b) adds the input, (c) with stride 2 stacks its mean beside the new maps."""
    new = filters - x.shape[-1] if stride == 2 else filters
    y = layers.Conv2D(filters // 4, 1, groups=first_groups, use_bias=False, name=f"{name}_gconv1")(x)
    y = layers.BatchNormalization(name=f"{name}_bn1")(y)
    y = layers.ReLU(name=f"{name}_relu1")(y)
    y = shuffled(y, groups, name=f"{name}_shuffle")
    y = layers.DepthwiseConv2D(3, stride, padding="same", use_bias=False, name=f"{name}_dwconv")(y)
    y = layers.BatchNormalization(name=f"{name}_bn2")(y)
    y = layers.Conv2D(new, 1, groups=groups, use_bias=False, name=f"{name}_gconv3")(y)
    y = layers.BatchNormalization(name=f"{name}_bn3")(y)
    if stride == 2:
        x = layers.AveragePooling2D(3, 2, padding="same", name=f"{name}_avg_pool")(x)
        x = layers.Concatenate(name=f"{name}_concat")([x, y])
    else:
        x = layers.Add(name=f"{name}_add")([x, y])
    return layers.ReLU(name=f"{name}_out")(x)
