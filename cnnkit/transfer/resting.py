"""Random layers that lie in the frozen part of a network: it runs as in prediction, so they are off."""

from __future__ import annotations

import warnings

import keras

from cnnkit.backbones.picture_layers import is_augmentation
from cnnkit.transfer.freeze import leaves


def resting_layers(prefix: keras.Model) -> list[keras.layers.Layer]:
    """The layers that would draw random numbers in training: augmentation, dropout, noise, stochastic depth."""
    return [leaf for _, leaf in leaves(prefix) if any(_is_seed(variable) for variable in leaf.variables)]


def say_what_rests(prefix: keras.Model, *, augmented: bool) -> str:
    """What is off, as a part of a sentence; empty where nothing is.

    Augmentation inside a model is meant to run, so a training that has no other one warns of it. Dropout of a frozen
    network is off because its features are to be the same in each epoch.

    Args:
        prefix: The frozen part.
        augmented: Whether the training has an `augment=` of its own.
    """
    resting = resting_layers(prefix)
    pictures = [layer for layer in resting if is_augmentation(layer)]
    if pictures and not augmented:
        warnings.warn(
            f"The network's own random versions of pictures, {_listed(pictures)}, are off while it is frozen: it then "
            "runs as in prediction, so that its features can be kept. To vary the training pictures pass augment="
            "ck.data.Augmentation(horizontal_flip=True), for example.",
            stacklevel=2,
        )
    return f"; off in the frozen part: {_listed(resting)}" if resting else ""


def _listed(layers: list[keras.layers.Layer], most: int = 4) -> str:
    names = [f"{layer.name} ({type(layer).__name__})" for layer in layers[:most]]
    return ", ".join(names) + (f" and {len(layers) - most} more" if len(layers) > most else "")


def _is_seed(variable: keras.Variable) -> bool:
    return str(variable.path).endswith("seed_generator_state")
