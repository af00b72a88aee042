"""MobileNet (Howard et al., "MobileNets: Efficient CNNs for Mobile Vision Applications", 2017).

A 3×3 convolution in two steps: one kernel a map (depthwise, dw), then 1×1 across the maps (pointwise, pw). Table 1:

    layer              output       parameters    layer               output       parameters
    image              224×224×3             0    conv_dw/pw_6   /2   14×14×512        136,448
    conv1         /2   112×112×32          992    conv_dw/pw_7…11     14×14×512     1,354,240
    conv_dw/pw_1       112×112×64        2,720    conv_dw/pw_12  /2   7×7×1024        535,040
    conv_dw/pw_2  /2   56×56×128         9,536    conv_dw/pw_13       7×7×1024      1,065,984
    conv_dw/pw_3       56×56×128        18,560    avg_pool            1×1×1024              0
    conv_dw/pw_4  /2   28×28×256        35,456    conv_preds          1000          1,025,000
    conv_dw/pw_5       28×28×256        69,888                                      4,253,864

569 million multiply-adds, a ninth of what ordinary convolutions would cost. The layers are called as in
`keras.applications`, whose weights fit.
"""

from __future__ import annotations

from typing import Any

import keras
from keras import layers

from cnnkit.zoo.building import Shape, Weights, assembled, class_count, image, normalized

# Table 1: maps and stride of the thirteen pairs of a depthwise and a pointwise convolution.
PAIRS = (
    (64, 1),
    *((128, 2), (128, 1)),
    *((256, 2), (256, 1)),
    *((512, 2), (512, 1), (512, 1), (512, 1), (512, 1), (512, 1)),
    *((1024, 2), (1024, 1)),
)


def mobilenet(
    *,
    input_shape: Shape = (224, 224, 3),
    classes: int | None = 1000,
    weights: Weights = None,
    alpha: float = 1.0,
) -> keras.Model:
    """MobileNet, the first.

    Args:
        input_shape: Height, width (at least 32 each), 3 channels; RGB 0…255.
        classes: Number of classes; None for the last map, `conv_pw_13_relu`.
        weights: A weights file, or None for random ones.
        alpha: Width: the factor of every layer's maps.

    Raises:
        InputError: A shape or number that does not fit.
        WeightsError: A missing file, or one of another network.
    """
    inputs = image(input_shape, least=32)
    x = normalized(inputs, mean=127.5, deviation=127.5)

    # --- features
    x = layers.Conv2D(int(32 * alpha), 3, 2, padding="same", use_bias=False, name="conv1")(x)
    x = _activated(x, name="conv1")
    for number, (filters, stride) in enumerate(PAIRS, start=1):
        x = _pair(x, int(filters * alpha), stride=stride, number=number)

    # --- classifier
    if classes is not None:
        x = layers.GlobalAveragePooling2D(keepdims=True, name="avg_pool")(x)
        x = layers.Dropout(0.001, name="dropout")(x)
        x = layers.Conv2D(class_count(classes), 1, name="conv_preds")(x)
        x = layers.Flatten(name="flatten")(x)
        x = layers.Softmax(name="predictions")(x)
    return assembled(inputs, x, name="mobilenet", weights=weights)


def _pair(x: Any, filters: int, *, stride: int, number: int) -> Any:
    """Figure 3, right: depthwise, then pointwise, each with normalization and ReLU."""
    x = layers.DepthwiseConv2D(3, stride, padding="same", use_bias=False, name=f"conv_dw_{number}")(x)
    x = _activated(x, name=f"conv_dw_{number}")
    x = layers.Conv2D(filters, 1, use_bias=False, name=f"conv_pw_{number}")(x)
    return _activated(x, name=f"conv_pw_{number}")


def _activated(x: Any, *, name: str) -> Any:
    x = layers.BatchNormalization(name=f"{name}_bn")(x)
    return layers.ReLU(6.0, name=f"{name}_relu")(x)
