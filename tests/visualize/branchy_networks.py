"""Networks whose graphs are no chain, small enough to draw in a test."""

from __future__ import annotations

import keras
from keras import layers


def unet(depth: int = 3) -> keras.Model:
    """Down and up again, a shortcut at each size."""
    x = image = keras.Input((64, 64, 3), name="image")
    skips = []
    for level in range(depth):
        x = _twice(x, 8 * 2**level)
        skips.append(x)
        x = layers.MaxPooling2D(2)(x)
    x = _twice(x, 8 * 2**depth)
    for level in reversed(range(depth)):
        x = layers.Conv2DTranspose(8 * 2**level, 2, 2)(x)
        x = _twice(layers.Concatenate()([skips[level], x]), 8 * 2**level)
    return keras.Model(image, layers.Conv2D(2, 1, activation="softmax", name="masks")(x), name="unet")


def _twice(x: keras.KerasTensor, filters: int) -> keras.KerasTensor:
    for _ in range(2):
        x = layers.Conv2D(filters, 3, padding="same", activation="relu")(x)
    return x


def three_inputs() -> keras.Model:
    """A photo, a depth map and five facts to two answers."""
    photo, depth = keras.Input((64, 64, 3), name="photo"), keras.Input((64, 64, 1), name="depth")
    facts = keras.Input((5,), name="facts")
    x = layers.Conv2D(16, 3, 2, padding="same", activation="relu", name="photo1")(photo)
    x = layers.Conv2D(32, 3, 2, padding="same", name="photo2")(x)
    y = layers.Conv2D(32, 5, 4, padding="same", name="depth1")(depth)
    x = layers.Concatenate(name="both")([layers.BatchNormalization()(x), y])
    x = layers.GlobalAveragePooling2D(name="pool")(x)
    x = layers.Concatenate(name="all")([x, layers.Dense(16, activation="relu", name="facts1")(facts)])
    answers = [layers.Dense(3, activation="softmax", name="what")(x), layers.Dense(1, name="how_much")(x)]
    return keras.Model([photo, depth, facts], answers, name="three_inputs")


def residual(blocks: int = 2) -> keras.Model:
    """A convolution and residual blocks with normalization and activation."""
    image = keras.Input((32, 32, 3), name="image")
    x = layers.Conv2D(16, 3, 2, padding="same", name="first")(image)
    for number in range(1, blocks + 1):
        y = layers.Conv2D(16, 3, padding="same", use_bias=False, name=f"block{number}_conv1")(x)
        y = layers.ReLU(name=f"block{number}_relu")(layers.BatchNormalization(name=f"block{number}_norm1")(y))
        y = layers.Conv2D(16, 3, padding="same", use_bias=False, name=f"block{number}_conv2")(y)
        y = layers.BatchNormalization(name=f"block{number}_norm2")(y)
        x = layers.Activation("relu", name=f"block{number}_out")(layers.Add(name=f"block{number}_add")([x, y]))
    x = layers.GlobalAveragePooling2D(name="pool")(x)
    return keras.Model(image, layers.Dense(4, activation="softmax", name="answer")(x), name="residual")


def inception() -> keras.Model:
    """GoogLeNet's module 3a (Szegedy et al., 2014, Table 1)."""
    image = keras.Input((28, 28, 192), name="image")
    one = layers.Conv2D(64, 1, name="one")(image)
    three = layers.Conv2D(128, 3, padding="same", name="three")(layers.Conv2D(96, 1, name="three_reduce")(image))
    five = layers.Conv2D(32, 5, padding="same", name="five")(layers.Conv2D(16, 1, name="five_reduce")(image))
    pool = layers.Conv2D(32, 1, name="projected")(layers.MaxPooling2D(3, 1, padding="same", name="pool")(image))
    return keras.Model(image, layers.Concatenate(name="joined")([one, three, five, pool]), name="inception_3a")
