"""The student: nano with three heads that are thrown away, what they learn from, and their losses.

Knowledge comes from the teacher's logits (Hinton, Vinyals and Dean, "Distilling the Knowledge in a Neural Network",
2015) and from its last map (Romero et al., "FitNets", 2015).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import cv2
import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from cnnkit.tasks.nano.teaching import DIMENSIONS, STUDENT_SIDE, windows

WEIGHT_DECAY = 0.03
TEMPERATURE = 2.0

Batch = tuple[NDArray[np.float32], list[NDArray[np.float32]]]


def build_student(backbone: keras.Model) -> keras.Model:
    """The backbone with three linear heads: projected map, projected pooled features, logits; compiled."""
    # Adam moves every weight alike: scaled inputs keep 512 of them from moving an output too far at once.
    # From zero on, a head says nothing before it knows something.
    features = keras.layers.Rescaling(0.2, name="scaled")(backbone.output)
    pooled = keras.layers.GlobalAveragePooling2D(name="pool")(features)
    maps = keras.layers.Conv2D(DIMENSIONS, 1, kernel_initializer="zeros", name="maps")(features)
    vector = keras.layers.Dense(DIMENSIONS, kernel_initializer="zeros", name="pooled")(pooled)
    logits = keras.layers.Dense(1000, kernel_initializer="zeros", name="logits")(pooled)
    student = keras.Model(backbone.input, [maps, vector, logits], name="student")

    optimizer = keras.optimizers.AdamW(1e-3, weight_decay=WEIGHT_DECAY, clipnorm=5.0)
    optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    losses = [feature_loss, feature_loss, logit_loss]
    student.compile(optimizer, loss=losses, loss_weights=[2.0, 4.0, 0.15], jit_compile=False)
    return student


def feature_loss(taught: Any, learned: Any) -> Any:
    """Mean squared error; projected features have mean square 1, so what is left is the share not explained."""
    return ops.mean(ops.square(learned - taught), axis=-1)


def logit_loss(taught: Any, learned: Any) -> Any:
    """Kullback-Leibler divergence of softened probabilities, times T² (Hinton et al., section 2.1)."""
    target = ops.softmax(taught / TEMPERATURE)
    difference = ops.log_softmax(taught / TEMPERATURE) - ops.log_softmax(learned / TEMPERATURE)
    return TEMPERATURE**2 * ops.sum(target * difference, axis=-1)


def draw_batch(
    chunks: Sequence[NDArray[np.void]], *, size: int, seed: tuple[int, int], side: int = STUDENT_SIDE
) -> Batch:
    """A batch of crops of all chunks with what the teacher said, flipped and tinted; it depends on the seed alone.

    Args:
        chunks: What to draw from.
        size: How many crops.
        seed: Of the whole work, and the step.
        side: Pixels; at 64 the teacher's 3×3 maps are averaged to the student's 2×2.
    """
    chance = np.random.default_rng(seed)
    places = np.sort(chance.choice(sum(len(chunk) for chunk in chunks), size, replace=False))
    starts = np.cumsum([0, *(len(chunk) for chunk in chunks)])
    parts = np.split(places, np.searchsorted(places, starts[1:-1]))
    records = [chunk[part - start] for chunk, part, start in zip(chunks, parts, starts[:-1], strict=True)]
    crops = np.concatenate(records)

    flipped = chance.random(size) < 0.5
    for mirrored in (crops["images"], crops["maps"]):
        mirrored[flipped] = mirrored[flipped, :, ::-1]
    images, maps = crops["images"], crops["maps"].astype(np.float32)
    if side != STUDENT_SIDE:
        images = np.stack([cv2.resize(image, (side, side), interpolation=cv2.INTER_AREA) for image in images])
        maps = windows(maps)
    return _varied(images, chance), [maps, crops["pooled"].astype(np.float32), crops["logits"].astype(np.float32)]


def _varied(images: NDArray[np.uint8], chance: np.random.Generator) -> NDArray[np.float32]:
    """Light changes that the teacher did not see: gain and offset of a channel, sometimes grey."""
    n = len(images)
    pixels = images.astype(np.float32)
    grey = chance.random(n) < 0.05
    pixels[grey] = pixels[grey].mean(axis=-1, keepdims=True)
    gain = np.exp(chance.normal(0, 0.15, (n, 1, 1, 1)) + chance.normal(0, 0.05, (n, 1, 1, 3))).astype(np.float32)
    offset = chance.normal(0, 10, (n, 1, 1, 1)).astype(np.float32)
    pixels -= 128
    pixels *= gain
    pixels += 128 + offset
    return np.clip(pixels, 0, 255, out=pixels)
