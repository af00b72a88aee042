"""AlexNet (Krizhevsky, Sutskever and Hinton, "ImageNet Classification with Deep Convolutional Neural Networks", 2012).

                                                   weights without biases
    layer    what it does              output      one column    two columns
    image    RGB                       227×227×3            0              0
    conv1    11×11, stride 4           55×55×96        34,848         34,848
    pool1    max 3×3, stride 2         27×27×96             0              0
    conv2    5×5, padding 2            27×27×256      614,400        307,200
    pool2    max 3×3, stride 2         13×13×256            0              0
    conv3    3×3, padding 1            13×13×384      884,736        884,736
    conv4    3×3, padding 1            13×13×384    1,327,104        663,552
    conv5    3×3, padding 1            13×13×256      884,736        442,368
    pool5    max 3×3, stride 2         6×6×256              0              0
    fc6                                4096        37,748,736     37,748,736
    fc7                                4096        16,777,216     16,777,216
    fc8                                1000         4,096,000      4,096,000
    with biases                                    62,378,344     60,965,224

In the paper the network spreads over two graphics cards of 3 GB, which meet in conv3 and in the fully connected
layers: a column of its own on each is a convolution in two groups. "One column" is what lectures 000 and 001 draw.

The paper's response normalization after conv1 and conv2 is left out, as the lecture's simplified version leaves it
out: Keras has no such layer, and VGG's authors measured that it "does not improve the performance" (section 4.1).
Trained with momentum 0.9, batches of 128 and a rate of 0.01 that was divided by ten three times.
"""

from __future__ import annotations

import keras
from keras import layers

from cnnkit.zoo.building import VGG_MEAN, Shape, Weights, assembled, image, normalized, predictions


def alexnet(*, input_shape: Shape = (227, 227, 3), classes: int | None = 1000, weights: Weights = None) -> keras.Model:
    """AlexNet as one column, every filter seeing all maps.

    Args:
        input_shape: Height, width (at least 67 each), 3 channels; RGB 0…255.
        classes: Number of classes; None for the last map, `pool5`.
        weights: A weights file, or None for random ones.

    Raises:
        InputError: A shape or number that does not fit.
        WeightsError: A missing file, or one of another network.
    """
    return _alexnet("alexnet", 1, input_shape, classes, weights)


def alexnet_two_columns(
    *, input_shape: Shape = (227, 227, 3), classes: int | None = 1000, weights: Weights = None
) -> keras.Model:
    """AlexNet as in the paper: conv2, conv4 and conv5 in two groups, one of each card.

    Args:
        input_shape: Height, width (at least 67 each), 3 channels; RGB 0…255.
        classes: Number of classes; None for the last map, `pool5`.
        weights: A weights file, or None for random ones.

    Raises:
        InputError: A shape or number that does not fit.
        WeightsError: A missing file, or one of another network.
    """
    return _alexnet("alexnet_two_columns", 2, input_shape, classes, weights)


def _alexnet(name: str, columns: int, input_shape: Shape, classes: int | None, weights: Weights) -> keras.Model:
    inputs = image(input_shape, least=67)
    x = normalized(inputs, mean=VGG_MEAN)

    # --- features; conv1 sees all of the picture, conv3 is where the columns meet
    x = layers.Conv2D(96, 11, 4, activation="relu", name="conv1")(x)  # 55 × 55
    x = layers.MaxPooling2D(3, 2, name="pool1")(x)  # 27 × 27
    x = layers.Conv2D(256, 5, padding="same", groups=columns, activation="relu", name="conv2")(x)
    x = layers.MaxPooling2D(3, 2, name="pool2")(x)  # 13 × 13
    x = layers.Conv2D(384, 3, padding="same", activation="relu", name="conv3")(x)
    x = layers.Conv2D(384, 3, padding="same", groups=columns, activation="relu", name="conv4")(x)
    x = layers.Conv2D(256, 3, padding="same", groups=columns, activation="relu", name="conv5")(x)
    x = layers.MaxPooling2D(3, 2, name="pool5")(x)  # 6 × 6

    # --- classifier
    if classes is not None:
        x = layers.Flatten(name="flatten")(x)
        x = layers.Dense(4096, activation="relu", name="fc6")(x)
        x = layers.Dropout(0.5, name="drop6")(x)
        x = layers.Dense(4096, activation="relu", name="fc7")(x)
        x = layers.Dropout(0.5, name="drop7")(x)
        x = predictions(x, classes)
    return assembled(inputs, x, name=name, weights=weights)
