"""Gradient ascent on a picture, octave by octave, with a gradient whose bands are equally strong."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from cnnkit.errors import InputError
from cnnkit.visualize.dream_settings import DreamSettings

Pixels = NDArray[np.float32]

LEAST_SIDE = 8
"""Pixels of a gradient that is not halved any more."""


def ascend(
    tap: keras.Model, start: Pixels, channels: NDArray[np.int32], settings: DreamSettings, seed: int
) -> Iterator[tuple[Any, Any]]:
    """Every step of the ascent, from the smallest octave to the largest.

    Args:
        tap: From pictures to the maps or units whose answer is raised.
        start: (n, h, w, channels) in 0…255.
        channels: (n,) one channel per picture; () raises all of them alike, by their mean square.
        settings: How.
        seed: Of the jitter.

    Yields:
        Tensors: the pictures (n, h', w', channels) in 0…255 at the size of the octave, and (n,) whether each had a
        gradient.

    Raises:
        InputError: A size that the network cannot take.
    """
    step = _stepper(tap, channels, settings)
    random = np.random.default_rng(seed)
    change = tf.zeros_like(start)  # of the octave before
    for size in settings.sizes(*start.shape[1:3]):
        own = resized(start, size)  # with the detail that enlarging cannot give
        pixels = tf.clip_by_value(own + resized(change, size), 0, 255)
        for _ in range(settings.steps):
            shift = random.integers(-settings.jitter, settings.jitter, size=2, endpoint=True)
            try:
                pixels, moved = step(pixels, tf.constant(shift, tf.int32))
            except (ValueError, tf.errors.InvalidArgumentError) as error:
                raise InputError(
                    f"pictures of a size that the network takes as far as {tap.name!r}",
                    f"{size[0]} × {size[1]}: {str(error).strip().splitlines()[0]}",
                    "Use fewer octaves, and octaves=1 for a network that flattens its maps: it takes one size only.",
                ) from error
            yield pixels, moved
        change = pixels - own


def _stepper(
    tap: keras.Model, channels: NDArray[np.int32], settings: DreamSettings
) -> Callable[[Any, Any], tuple[Any, Any]]:
    """One step of gradient ascent, traced once for each size."""
    low, high = settings.limits

    def step(pixels: Any, shift: Any) -> tuple[Any, Any]:
        with tf.GradientTape(persistent=True) as tape:
            tape.watch(pixels)
            seen = low + (high - low) / 255 * tf.roll(pixels, shift, axis=(1, 2))
            # `call`, unlike calling, does not insist on the size that the input was declared with.
            answers = _answers(tap.call(seen, training=False), channels)
            roughness = tf.image.total_variation(pixels)
        gradient = tape.gradient(answers, pixels, unconnected_gradients="zero")  # pictures do not influence each other
        uphill = normalized(gradient, settings.bands)
        if settings.total_variation:
            uphill -= settings.total_variation * tape.gradient(roughness, pixels)
        moved = tf.reduce_any(gradient != 0, axis=(1, 2, 3))
        return tf.clip_by_value(pixels + settings.rate * uphill, 0, 255), moved

    traced: Callable[[Any, Any], tuple[Any, Any]] = tf.function(step)
    return traced


def _answers(maps: Any, channels: NDArray[np.int32]) -> Any:
    """(n,) what is raised: each picture's own channel, or all channels alike."""
    maps = tf.cast(maps, tf.float32)  # (n, ..., channels)
    places = list(range(1, len(maps.shape) - 1))
    if not len(channels):
        return tf.reduce_mean(tf.square(maps), axis=[*places, -1])
    return tf.gather(tf.reduce_mean(maps, axis=places), channels, axis=1, batch_dims=1)


def normalized(gradient: Any, bands: int) -> Any:
    """A gradient (n, h, w, channels) whose mean absolute value is 1 in each picture, in equal parts from each band.

    Args:
        gradient: A tensor.
        bands: 1 only scales it. More split it first: what is lost by halving its size, again and again, are bands of
            an octave each, the levels of a Laplacian pyramid (Burt and Adelson, 1983). 0 leaves it as it is.
    """
    if bands == 0:
        return gradient
    parts: list[Any] = []
    while len(parts) < bands - 1 and min(gradient.shape[1:3]) >= LEAST_SIDE:
        height, width = gradient.shape[1:3]
        coarse = resized(gradient, (height // 2, width // 2))
        parts.append(gradient - resized(coarse, (height, width)))
        gradient = coarse
    joint = _scaled(gradient)
    for part in reversed(parts):
        joint = resized(joint, part.shape[1:3]) + _scaled(part)
    return _scaled(joint)


def _scaled(gradient: Any) -> Any:
    """Mean absolute value 1; zeros stay zeros."""
    return gradient / (tf.reduce_mean(tf.abs(gradient), axis=(1, 2, 3), keepdims=True) + 1e-20)


def resized(pictures: Any, size: tuple[int, int]) -> Any:
    """(n, h, w, channels) at another size; of the same size unchanged."""
    return tf.image.resize(pictures, size, antialias=True)
