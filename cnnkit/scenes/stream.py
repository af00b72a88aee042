"""Scenes as a `tf.data.Dataset`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from cnnkit.scenes.scene_drawing import render_scenes

if TYPE_CHECKING:
    import tensorflow as tf


def as_tf_data(n: int, seed: int = 0, *, size: int = 160) -> tf.data.Dataset:
    """The first n scenes as a `tf.data.Dataset` of (image uint8 (size, size, 3), label int64 0 or 1)."""
    import tensorflow as tf  # heavy: only who asks for tf.data waits for it

    def pairs() -> Iterator[tuple[npt.NDArray[np.uint8], np.int64]]:
        for scene in render_scenes(n, seed, size=size):
            yield scene.image, np.int64(scene.person)

    signature = (tf.TensorSpec((size, size, 3), tf.uint8), tf.TensorSpec((), tf.int64))
    return tf.data.Dataset.from_generator(pairs, output_signature=signature)
