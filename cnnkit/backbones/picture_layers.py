"""What a model does to a picture before its first layer with weights: scaling, random versions, other sizes."""

from __future__ import annotations

from typing import Any

import keras

from cnnkit.backbones.graph import Node

# Layers and operations that bring values to another range. Of operations `x / 127.5 - 1` makes two.
SCALING = frozenset({"Rescaling", "Normalization", "TrueDivide", "Divide", "Subtract", "Multiply", "Add"})
# Random versions of pictures, made in training only.
AUGMENTING = frozenset(name for name in dir(keras.layers) if name.startswith("Rand")) | {"AugMix", "MixUp", "CutMix"}
# Those that leave the range as it is.
PASSING = AUGMENTING | {
    "AutoContrast",
    "CenterCrop",
    "Cropping2D",
    "Dropout",
    "Equalization",
    "Flip",
    "GaussianNoise",
    "GetItem",
    "Identity",
    "Resizing",
}


def front_calls(calls: list[Node]) -> set[int]:
    """Positions of the calls that still give pictures: the input and what only scales, crops or varies it."""
    front: set[int] = set()
    for index, call in enumerate(calls):
        pictures = type(call.layer).__name__ in SCALING | PASSING and len(call.inputs) == 1
        if not call.parents or (pictures and front.issuperset(call.parents)):
            front.add(index)
    return front


def scales(calls: list[Node], front: set[int]) -> bool:
    """Whether preprocessing stands among the front calls."""
    return any(type(calls[index].layer).__name__ in SCALING for index in front)


def is_augmentation(layer: Any) -> bool:
    """Whether a layer makes random versions of pictures."""
    return type(layer).__name__ in AUGMENTING
