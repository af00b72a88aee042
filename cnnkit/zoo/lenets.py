"""LeNet-5 (LeCun, Bottou, Bengio and Haffner, "Gradient-Based Learning Applied to Document Recognition", 1998).

    layer  what it does                                       output     parameters
    image  grey, the digit in its middle                      32×32×1             0
    C1     convolution 5×5                                    28×28×6           156
    S2     mean of 2×2, times a weight, plus a bias, a map    14×14×6            12
    C3     convolution 5×5, each map of some of S2's          10×10×16        1,516
    S4     as S2                                              5×5×16             32
    C5     convolution 5×5                                    1×1×120        48,120
    F6     fully connected                                    84             10,164
                                                                             60,000

60,000 is the paper's own count (section II.B). Two things differ from it: the output layer, fixed bitmaps of the ten
digits compared by Gaussian units there, is a softmax here (850 parameters); and its squashing 1.7159·tanh(2a/3) is a
plain tanh, the same up to the scale of the weights around it.
"""

from __future__ import annotations

from typing import Any

import keras
from keras import layers

from cnnkit.zoo.building import Shape, Weights, assembled, image, normalized, predictions
from cnnkit.zoo.channels import some

# The paper's Table I: the maps of S2 that each of the sixteen maps of C3 reads, so that no two learn the same.
TABLE_1 = (
    *((0, 1, 2), (1, 2, 3), (2, 3, 4), (3, 4, 5), (4, 5, 0), (5, 0, 1)),
    *((0, 1, 2, 3), (1, 2, 3, 4), (2, 3, 4, 5), (3, 4, 5, 0), (4, 5, 0, 1), (5, 0, 1, 2)),
    *((0, 1, 3, 4), (1, 2, 4, 5), (0, 2, 3, 5)),
    (0, 1, 2, 3, 4, 5),
)


def lenet5(*, input_shape: Shape = (32, 32, 1), classes: int | None = 10, weights: Weights = None) -> keras.Model:
    """LeNet-5 with the paper's subsampling and its table of connections.

    Args:
        input_shape: Height, width (at least 32 each), 1 or 3 channels; ink is 255 and paper 0, as in MNIST.
        classes: Number of classes; None for the last map, C5.
        weights: A weights file, or None for random ones.

    Raises:
        InputError: A shape or number that does not fit.
        WeightsError: A missing file, or one of another network.
    """
    inputs = image(input_shape, least=32, channels=(1, 3))
    x = normalized(inputs, mean=20.0, deviation=200.0)  # ink 1.175 and paper −0.1, so that the mean is about 0

    # --- features
    x = layers.Conv2D(6, 5, activation="tanh", name="C1")(x)
    x = _subsampled(x, name="S2")
    x = _connected(x, TABLE_1, name="C3")
    x = _subsampled(x, name="S4")
    x = layers.Conv2D(120, 5, activation="tanh", name="C5")(x)

    # --- classifier
    if classes is not None:
        x = layers.Flatten(name="flatten")(x)
        x = layers.Dense(84, activation="tanh", name="F6")(x)
        x = predictions(x, classes)
    return assembled(inputs, x, name="lenet5", weights=weights)


def _subsampled(x: Any, *, name: str) -> Any:
    """The mean of 2×2 places, times a trained weight, plus a trained bias, squashed."""
    x = layers.AveragePooling2D(2, name=f"{name}_mean")(x)
    return layers.DepthwiseConv2D(1, activation="tanh", name=name)(x)  # one weight and one bias a map


def _connected(x: Any, table: tuple[tuple[int, ...], ...], *, name: str) -> Any:
    """A 5×5 convolution, each of whose maps reads the maps that its row of the table lists."""
    maps = [some(x, index, index + 1, name=f"{name}_in{index}") for index in range(x.shape[-1])]
    read = [
        layers.Concatenate(name=f"{name}_read{number}")([maps[index] for index in row])
        for number, row in enumerate(table)
    ]
    parts = [layers.Conv2D(1, 5, activation="tanh", name=f"{name}_{number}")(y) for number, y in enumerate(read)]
    return layers.Concatenate(name=name)(parts)
