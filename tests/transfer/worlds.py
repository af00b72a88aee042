"""A small world to train in: pictures whose class is their colour, and small networks of every graph shape."""

from __future__ import annotations

import keras
import numpy as np

SIZE = 16


def pictures(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Noise that is redder in class 1."""
    random = np.random.default_rng(seed)
    labels = np.arange(count) % 2
    images = random.integers(0, 120, (count, SIZE, SIZE, 3))
    images[labels == 1, :, :, 0] += 120
    return images.astype(np.uint8), labels


def _convolution(x, filters: int, strides: int, name: str):
    x = keras.layers.Conv2D(filters, 3, strides, padding="same", use_bias=False, name=f"{name}_conv")(x)
    x = keras.layers.BatchNormalization(name=f"{name}_bn")(x)
    return keras.layers.ReLU(name=f"{name}_relu")(x)


def residual() -> keras.Model:
    """Two stages, a residual block and a dropout, as in EfficientNet."""
    image = keras.Input((SIZE, SIZE, 3), name="image")
    x = keras.layers.Rescaling(1 / 127.5, -1, name="preprocessing")(image)
    x = _convolution(x, 8, 2, "stem")
    y = _convolution(x, 8, 1, "block1")
    y = keras.layers.Dropout(0.2, name="block1_drop")(y)
    x = keras.layers.Add(name="block1_add")([x, y])
    x = _convolution(x, 12, 2, "block2")
    return keras.Model(image, x, name="residual")


def inception() -> keras.Model:
    """Two branches that join at the end: a boundary inside them has two tensors."""
    image = keras.Input((SIZE, SIZE, 3), name="image")
    x = keras.layers.Rescaling(1 / 255, name="preprocessing")(image)
    x = _convolution(x, 8, 2, "stem")
    left = _convolution(_convolution(x, 6, 1, "left1"), 6, 2, "left2")
    right = _convolution(_convolution(x, 4, 1, "right1"), 4, 2, "right2")
    return keras.Model(image, keras.layers.Concatenate(name="mixed")([left, right]), name="inception")


GRAPHS = {"residual": residual, "inception": inception}
