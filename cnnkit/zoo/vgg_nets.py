"""VGG (Simonyan and Zisserman, "Very Deep Convolutional Networks for Large-Scale Image Recognition", 2014).

3×3 convolutions only: two of them see 5×5, three 7×7, with fewer weights and more non-linearities than one large one.

                                        convolutions a block            parameters
    layer           output         vgg11   vgg13   vgg16   vgg19         of vgg16
    image           224×224×3                                                   0
    block1 conv 64  224×224×64         1       2       2       2           38,720
    block1_pool     112×112×64                                                  0
    block2 conv 128 112×112×128        1       2       2       2          221,440
    block2_pool     56×56×128                                                   0
    block3 conv 256 56×56×256          2       2       3       4        1,475,328
    block3_pool     28×28×256                                                   0
    block4 conv 512 28×28×512          2       2       3       4        5,899,776
    block4_pool     14×14×512                                                   0
    block5 conv 512 14×14×512          2       2       3       4        7,079,424
    block5_pool     7×7×512                                                     0
    fc1             4096                                              102,764,544
    fc2             4096                                               16,781,312
    predictions     1000                                                4,097,000
    millions                       132.9   133.0   138.4   143.7      138,357,544

Configurations A, B, D and E of Table 1; the layers are called as in `keras.applications`, whose weights fit.
"""

from __future__ import annotations

import keras
from keras import layers

from cnnkit.zoo.building import VGG_MEAN, Shape, Weights, assembled, image, normalized, predictions


def vgg11(*, input_shape: Shape = (224, 224, 3), classes: int | None = 1000, weights: Weights = None) -> keras.Model:
    """VGG with 11 layers that have weights, configuration A.

    Args:
        input_shape: Height, width (at least 32 each), 3 channels; RGB 0…255.
        classes: Number of classes; None for the last map, `block5_pool`.
        weights: A weights file, or None for random ones.

    Raises:
        InputError: A shape or number that does not fit.
        WeightsError: A missing file, or one of another network.
    """
    return _vgg("vgg11", (1, 1, 2, 2, 2), input_shape, classes, weights)


def vgg13(*, input_shape: Shape = (224, 224, 3), classes: int | None = 1000, weights: Weights = None) -> keras.Model:
    """VGG with 13 layers that have weights, configuration B; arguments as of `vgg11`."""
    return _vgg("vgg13", (2, 2, 2, 2, 2), input_shape, classes, weights)


def vgg16(*, input_shape: Shape = (224, 224, 3), classes: int | None = 1000, weights: Weights = None) -> keras.Model:
    """VGG with 16 layers that have weights, configuration D; arguments as of `vgg11`."""
    return _vgg("vgg16", (2, 2, 3, 3, 3), input_shape, classes, weights)


def vgg19(*, input_shape: Shape = (224, 224, 3), classes: int | None = 1000, weights: Weights = None) -> keras.Model:
    """VGG with 19 layers that have weights, configuration E; arguments as of `vgg11`."""
    return _vgg("vgg19", (2, 2, 4, 4, 4), input_shape, classes, weights)


def _vgg(
    name: str, convolutions: tuple[int, ...], input_shape: Shape, classes: int | None, weights: Weights
) -> keras.Model:
    inputs = image(input_shape, least=32)
    x = normalized(inputs, mean=VGG_MEAN)

    # --- features: five blocks, each half the side of the one before
    for block, (count, filters) in enumerate(zip(convolutions, (64, 128, 256, 512, 512), strict=True), start=1):
        for number in range(1, count + 1):
            x = layers.Conv2D(filters, 3, padding="same", activation="relu", name=f"block{block}_conv{number}")(x)
        x = layers.MaxPooling2D(2, name=f"block{block}_pool")(x)

    # --- classifier
    if classes is not None:
        x = layers.Flatten(name="flatten")(x)
        x = layers.Dense(4096, activation="relu", name="fc1")(x)
        x = layers.Dropout(0.5, name="dropout1")(x)
        x = layers.Dense(4096, activation="relu", name="fc2")(x)
        x = layers.Dropout(0.5, name="dropout2")(x)
        x = predictions(x, classes)
    return assembled(inputs, x, name=name, weights=weights)
