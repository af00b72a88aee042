"""Networks small enough to compute by hand what they see."""

from __future__ import annotations

import keras
import numpy as np

import cnnkit as ck


def pooled(units: int, activation: str | None, *, seed: int = 0) -> keras.Model:
    """Convolution → global average → dense: the case in which Grad-CAM is CAM."""
    image = keras.Input((8, 8, 3), name="image")
    x = keras.layers.Conv2D(4, 3, padding="same", activation="relu", name="maps")(image)
    x = keras.layers.GlobalAveragePooling2D(name="pool")(x)
    model = keras.Model(image, keras.layers.Dense(units, activation=activation, name="answer")(x), name="pooled")
    return randomized(model, seed)


def randomized(model: keras.Model, seed: int = 0) -> keras.Model:
    random = np.random.default_rng(seed)
    model.set_weights([random.normal(size=weight.shape) for weight in model.get_weights()])
    return model


def images(count: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(count, 8, 8, 3)).astype(np.float32)


def network(classes: list[str], size: int = 16) -> ck.Network:
    """A backbone of two convolutions with a head."""
    image = keras.Input((size, size, 3), name="image")
    x = keras.layers.Rescaling(1 / 255, name="scale")(image)
    x = keras.layers.Conv2D(6, 3, 2, padding="same", activation="relu", name="conv1")(x)
    x = keras.layers.Conv2D(8, 3, padding="same", activation="relu", name="conv2")(x)
    body = ck.backbone(randomized(keras.Model(image, x, name="small")))
    return ck.attach(body, ck.heads.classifier(classes))
