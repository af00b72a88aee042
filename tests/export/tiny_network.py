"""A network of a few hundred weights, for what does not depend on size."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
from PIL import Image

import cnnkit as ck
from cnnkit.data.views.framing import Framing
from cnnkit.transfer.network import Network


def tiny_model() -> keras.Model:
    """Two branches, BatchNorm with statistics of its own, two layers of one shape that a mix-up would exchange."""
    layers = keras.layers
    image = keras.Input((16, 16, 3), name="image")
    x = layers.Rescaling(1 / 127.5, offset=-1.0, name="preprocessing")(image)
    x = layers.Conv2D(4, 3, strides=2, padding="same", name="conv1")(x)
    x = layers.BatchNormalization(name="bn1")(x)
    left = layers.Conv2D(4, 3, padding="same", name="left")(x)
    right = layers.Conv2D(4, 3, padding="same", name="right")(layers.ReLU(name="relu")(x))
    x = layers.Subtract(name="minus")([left, right])
    model = keras.Model(image, layers.Conv2D(6, 3, strides=2, name="conv2")(x), name="tiny")
    generator = np.random.default_rng(1)
    for variable in model.weights:
        variable.assign(generator.uniform(0.1, 1.0, variable.shape))
    return model


def network(classes: tuple[str, ...] = ("ant", "bee"), model: keras.Model | None = None) -> Network:
    head = ck.heads.classifier(classes, hidden=(5,), dropout=0.25, class_weight="balanced")
    body = ck.backbone(model if model is not None else tiny_model())
    return ck.attach(body, head, framing=Framing("pad", "area"))


def noise(folder: Path, count: int) -> Path:
    """A new folder of so many pictures of 20 × 20, each different."""
    folder.mkdir()
    random = np.random.default_rng(0)
    for index in range(count):
        Image.fromarray(random.integers(0, 256, (20, 20, 3), np.uint8)).save(folder / f"{index}.png")
    return folder
