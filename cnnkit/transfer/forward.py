"""Running a model forward, batch after batch, as one traced graph."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray


class Forward:
    """A model in inference mode as a function of arrays.

    Traced once for every batch size: `model.predict` in a loop traces anew and grows (keras#13118), and Keras's
    default, XLA, is nine times slower on depthwise convolutions on a processor.

    Args:
        model: One input, (batch, height, width, 3); one output or several.
    """

    def __init__(self, model: keras.Model) -> None:
        def run(images: Any) -> Any:
            return model(tf.cast(images, tf.float32), training=False)

        shape = tuple(model.input.shape)
        self._functions = {
            dtype: tf.function(run, input_signature=[tf.TensorSpec(shape, dtype)], jit_compile=False)
            for dtype in ("uint8", "float32")
        }

    def __call__(self, images: NDArray[np.uint8] | NDArray[np.float32]) -> list[NDArray[np.float32]]:
        """One array for each output of the model."""
        outputs = self._functions[images.dtype.name](tf.constant(images))
        return [output.numpy() for output in (outputs if isinstance(outputs, list | tuple) else [outputs])]
