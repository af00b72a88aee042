"""What every network of the zoo begins and ends with: a checked input, a classifier, weights from a file."""

from __future__ import annotations

import operator
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras
from keras import layers

from cnnkit.errors import InputError, WeightsError
from cnnkit.layers.input_shape import check_input_shape

Shape = tuple[int, int, int]  # height, width, channels
Weights = str | Path | None

# Of ImageNet's training pictures, RGB in 0…255: the mean as VGG published it, then as the later networks state both.
VGG_MEAN = (123.68, 116.779, 103.939)
IMAGENET_MEAN = (123.675, 116.28, 103.53)
IMAGENET_DEVIATION = (58.395, 57.12, 57.375)


def image(input_shape: Shape, *, least: int, channels: Sequence[int] = (3,)) -> Any:
    """The input of every network: `image`, float32 in 0…255, shape (n, height, width, channels).

    Args:
        input_shape: Height and width in pixels, then channels.
        least: The smallest side that leaves a pixel to the last layer.
        channels: The numbers of channels that the network takes.

    Raises:
        InputError: The shape does not fit.
    """
    remedy = "Pictures are RGB, as in (224, 224, 3); the networks for handwriting also take one channel of grey."
    shape = check_input_shape(input_shape, least=least, channels=channels, remedy=remedy)
    return keras.Input(shape=shape, name="image", dtype="float32")


def normalized(x: Any, *, mean: Sequence[float] | float, deviation: Sequence[float] | float = 1.0) -> Any:
    """(x − mean) / deviation, the paper's preprocessing as a layer: pictures go in raw, RGB 0…255.

    It stays in float32 under mixed precision: half precision has no room for 255 steps and a mean.

    Args:
        x: Pictures.
        mean: One number, or one a channel.
        deviation: As many.
    """
    means = [mean] if isinstance(mean, float) else mean
    deviations = [deviation] * len(means) if isinstance(deviation, float) else deviation
    scale = [1 / each for each in deviations]
    offset = [-each * factor for each, factor in zip(means, scale, strict=True)]
    if len(scale) == 1:
        return layers.Rescaling(scale[0], offset=offset[0], name="preprocessing", dtype="float32")(x)
    return layers.Rescaling(scale, offset=offset, name="preprocessing", dtype="float32")(x)


def class_count(classes: int) -> int:
    """The number of classes as Keras takes it: a Python `int`, where labels often give a NumPy one.

    Raises:
        InputError: It is no whole number of at least 1.
    """
    try:
        count = operator.index(classes)
    except TypeError:
        count = 0
    if count < 1:
        raise InputError("classes as a whole number of at least 1, or None for the features", repr(classes), "1000")
    return count


def predictions(x: Any, classes: int) -> Any:
    """The last layer of most networks: probabilities of `classes` classes, from a vector of features."""
    return layers.Dense(class_count(classes), activation="softmax", name="predictions")(x)


def assembled(inputs: Any, outputs: Any, *, name: str, weights: Weights) -> keras.Model:
    """The functional model, with the weights of a file where one is given.

    Args:
        inputs: What `image` gave.
        outputs: The last tensor, or several.
        name: Of the model.
        weights: A weights file of Keras, `.weights.h5` or the older `.h5`, of this network built with the same
            arguments; for the features alone a `.weights.h5` with the classifier serves too. None: random weights.

    Raises:
        WeightsError: There is no such file, or it holds another network.
    """
    model = keras.Model(inputs, outputs, name=name)
    if weights is None:
        return model
    file = Path(weights).expanduser()
    if not file.is_file():
        raise WeightsError("weights=None or the path of a weights file", repr(str(weights)), "Check the path.")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", UserWarning)  # Keras warns of a layer without weights, and goes on
            model.load_weights(str(file))
    except (OSError, ValueError, KeyError, UserWarning) as error:
        raise WeightsError(
            f"a file with the weights of {name!r}",
            f"{file}: {error}",
            "Build the network with the arguments that it was saved with: classes, width, input_shape.",
        ) from error
    return model
