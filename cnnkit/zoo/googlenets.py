"""GoogLeNet (Szegedy et al., "Going Deeper with Convolutions", 2014): 22 layers, nine inception modules, one FC layer.

    layer           output        1×1  3×3↓  3×3  5×5↓  5×5  pool  parameters
    image           224×224×3                                               0
    conv1           112×112×64         7×7, stride 2                    9,472
    pool1           56×56×64           max 3×3, stride 2                    0
    conv2           56×56×192           64   192                      114,944
    pool2           28×28×192          max 3×3, stride 2                    0
    inception_3a    28×28×256      64   96   128    16   32    32     163,696
    inception_3b    28×28×480     128  128   192    32   96    64     388,736
    pool3           14×14×480          max 3×3, stride 2                    0
    inception_4a    14×14×512     192   96   208    16   48    64     376,176
    inception_4b    14×14×512     160  112   224    24   64    64     449,160
    inception_4c    14×14×512     128  128   256    24   64    64     510,104
    inception_4d    14×14×528     112  144   288    32   64    64     605,376
    inception_4e    14×14×832     256  160   320    32  128   128     868,352
    pool4           7×7×832            max 3×3, stride 2                    0
    inception_5a    7×7×832       256  160   320    32  128   128   1,043,456
    inception_5b    7×7×1024      384  192   384    48  128   128   1,444,080
    avg_pool        1024               mean of 7×7                          0
    predictions     1000                                            1,025,000
                                                                    6,998,552

↓ is a 1×1 convolution that makes the maps few before a large kernel sees them. The paper's two response
normalizations are left out: Keras has no such layer, and the networks since have done without.
"""

from __future__ import annotations

from typing import Any

import keras
from keras import layers

from cnnkit.zoo.building import VGG_MEAN, Shape, Weights, assembled, class_count, image, normalized, predictions


def googlenet(
    *,
    input_shape: Shape = (224, 224, 3),
    classes: int | None = 1000,
    weights: Weights = None,
    auxiliary: bool = False,
) -> keras.Model:
    """GoogLeNet; for training from scratch with its two auxiliary heads.

    `auxiliary=True` gives three outputs, `[predictions, auxiliary1, auxiliary2]`, whose losses the paper weights
    1, 0.3 and 0.3. After training, `keras.Model(net.input, net.outputs[0])` is the network without them:

        net.compile("sgd", ["sparse_categorical_crossentropy"] * 3, loss_weights=[1, 0.3, 0.3])

    Args:
        input_shape: Height, width (at least 32 each, 65 with auxiliary heads), 3 channels; RGB 0…255.
        classes: Number of classes; None for the last map, `inception_5b`.
        weights: A weights file, or None for random ones.
        auxiliary: With the heads on 4a and 4d, 13,378,280 parameters in all; features alone have none.

    Raises:
        InputError: A shape or number that does not fit.
        WeightsError: A missing file, or one of another network.
    """
    inputs = image(input_shape, least=65 if auxiliary else 32)
    x = normalized(inputs, mean=VGG_MEAN)

    # --- stride 2 and 4
    x = _convolution(x, 64, 7, stride=2, name="conv1")  # 112 × 112
    x = layers.MaxPooling2D(3, 2, padding="same", name="pool1")(x)  # 56 × 56
    x = _convolution(x, 64, 1, name="conv2_reduce")
    x = _convolution(x, 192, 3, name="conv2")

    # --- stride 8
    x = layers.MaxPooling2D(3, 2, padding="same", name="pool2")(x)  # 28 × 28
    x = _inception(x, 64, (96, 128), (16, 32), 32, name="inception_3a")
    x = _inception(x, 128, (128, 192), (32, 96), 64, name="inception_3b")

    # --- stride 16
    x = layers.MaxPooling2D(3, 2, padding="same", name="pool3")(x)  # 14 × 14
    x = after_4a = _inception(x, 192, (96, 208), (16, 48), 64, name="inception_4a")
    x = _inception(x, 160, (112, 224), (24, 64), 64, name="inception_4b")
    x = _inception(x, 128, (128, 256), (24, 64), 64, name="inception_4c")
    x = after_4d = _inception(x, 112, (144, 288), (32, 64), 64, name="inception_4d")
    x = _inception(x, 256, (160, 320), (32, 128), 128, name="inception_4e")

    # --- stride 32
    x = layers.MaxPooling2D(3, 2, padding="same", name="pool4")(x)  # 7 × 7
    x = _inception(x, 256, (160, 320), (32, 128), 128, name="inception_5a")
    x = _inception(x, 384, (192, 384), (48, 128), 128, name="inception_5b")

    # --- classifier
    if classes is not None:
        x = layers.GlobalAveragePooling2D(name="avg_pool")(x)
        x = layers.Dropout(0.4, name="dropout")(x)
        x = predictions(x, classes)
        if auxiliary:
            x = [x, _auxiliary(after_4a, classes, name="auxiliary1"), _auxiliary(after_4d, classes, name="auxiliary2")]
    return assembled(inputs, x, name="googlenet", weights=weights)


def _convolution(x: Any, filters: int, kernel: int, *, stride: int = 1, name: str) -> Any:
    return layers.Conv2D(filters, kernel, stride, padding="same", activation="relu", name=name)(x)


def _inception(x: Any, ones: int, threes: tuple[int, int], fives: tuple[int, int], projected: int, *, name: str) -> Any:
    """Figure 2(b): 1×1, 3×3, 5×5 and a pooling side by side, their maps stacked."""
    one = _convolution(x, ones, 1, name=f"{name}_1x1")
    three = _convolution(x, threes[0], 1, name=f"{name}_3x3_reduce")
    three = _convolution(three, threes[1], 3, name=f"{name}_3x3")
    five = _convolution(x, fives[0], 1, name=f"{name}_5x5_reduce")
    five = _convolution(five, fives[1], 5, name=f"{name}_5x5")
    pool = layers.MaxPooling2D(3, 1, padding="same", name=f"{name}_pool")(x)
    pool = _convolution(pool, projected, 1, name=f"{name}_pool_proj")
    return layers.Concatenate(name=name)([one, three, five, pool])


def _auxiliary(x: Any, classes: int, *, name: str) -> Any:
    """A classifier half-way up (section 5): what it asks for reaches the early layers without fading."""
    x = layers.AveragePooling2D(5, 3, name=f"{name}_pool")(x)  # 4 × 4 of 14 × 14
    x = _convolution(x, 128, 1, name=f"{name}_conv")
    x = layers.Flatten(name=f"{name}_flatten")(x)
    x = layers.Dense(1024, activation="relu", name=f"{name}_fc")(x)
    x = layers.Dropout(0.7, name=f"{name}_dropout")(x)
    return layers.Dense(class_count(classes), activation="softmax", name=name)(x)
