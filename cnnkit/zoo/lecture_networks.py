"""The two networks of lecture 000, for handwritten digits: a perceptron with one hidden layer, and a small ConvNet.

    mlp                                         convnet
    layer        output       parameters        layer      output         parameters
    image        28×28×1               0        image      28×28×1                 0
    flatten      784                   0        conv1      24×24×32  5×5         832
    hidden       256             200,960        pool1      12×12×32  2×2           0
    predictions  10                2,570        conv2      10×10×64  3×3      18,496
                                 203,530        pool2      5×5×64    2×2           0
                                                flatten    1600                    0
                                                hidden     256               409,856
                                                predictions 10                 2,570
                                                                             431,754

"Spatial organization of the input is destroyed by Flatten": the ConvNet keeps it up to there.
"""

from __future__ import annotations

import keras
from keras import layers

from cnnkit.zoo.building import Shape, Weights, assembled, image, normalized, predictions


def mlp(*, input_shape: Shape = (28, 28, 1), classes: int | None = 10, weights: Weights = None) -> keras.Model:
    """The fully connected network of lecture 000.

    Args:
        input_shape: Height, width, 1 or 3 channels; pictures in 0…255.
        classes: Number of classes; None for the 256 hidden features.
        weights: A weights file, or None for random ones.

    Raises:
        InputError: A shape or number that does not fit.
        WeightsError: A missing file, or one of another network.
    """
    inputs = image(input_shape, least=1, channels=(1, 3))
    x = normalized(inputs, mean=0.0, deviation=255.0)
    x = layers.Flatten(name="flatten")(x)
    x = layers.Dense(256, activation="relu", name="hidden")(x)
    if classes is not None:
        x = predictions(x, classes)
    return assembled(inputs, x, name="mlp", weights=weights)


def convnet(*, input_shape: Shape = (28, 28, 1), classes: int | None = 10, weights: Weights = None) -> keras.Model:
    """The convolutional network of lecture 000.

    Args:
        input_shape: Height, width (at least 12 each), 1 or 3 channels; pictures in 0…255.
        classes: Number of classes; None for the last map, `pool2`.
        weights: A weights file, or None for random ones.

    Raises:
        InputError: A shape or number that does not fit.
        WeightsError: A missing file, or one of another network.
    """
    inputs = image(input_shape, least=12, channels=(1, 3))
    x = normalized(inputs, mean=0.0, deviation=255.0)

    # --- features
    x = layers.Conv2D(32, 5, activation="relu", name="conv1")(x)  # 24 × 24
    x = layers.MaxPooling2D(2, name="pool1")(x)  # 12 × 12
    x = layers.Conv2D(64, 3, activation="relu", name="conv2")(x)  # 10 × 10
    x = layers.MaxPooling2D(2, name="pool2")(x)  # 5 × 5

    # --- classifier
    if classes is not None:
        x = layers.Flatten(name="flatten")(x)
        x = layers.Dense(256, activation="relu", name="hidden")(x)
        x = predictions(x, classes)
    return assembled(inputs, x, name="convnet", weights=weights)
