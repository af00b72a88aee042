"""A step of training or prediction as one graph for batches of any size."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

Signature = tuple[tuple[tuple[int, ...], str] | None, ...]


class TracedOnce:
    """A function of a batch, traced once for each structure of its arrays and not for each number of pictures.

    The last batch of an epoch is smaller than the others. Keras learns that from the second trace, which takes as long
    as the first: seconds of each phase where all layers of a large network train.

    Args:
        function: Of a batch: arrays, None among them, in tuples, lists and dictionaries; the first axis of each is
            the picture.
    """

    def __init__(self, function: Callable[[Any], Any]) -> None:
        self._function = function
        self._traced: dict[Signature, Callable[..., Any]] = {}

    def __call__(self, batch: Any) -> Any:
        """What the function gives, as tensors."""
        leaves = [leaf if leaf is None or tf.is_tensor(leaf) else np.asarray(leaf) for leaf in tf.nest.flatten(batch)]
        signature = tuple(None if leaf is None else (tuple(leaf.shape[1:]), _type(leaf).name) for leaf in leaves)
        if signature not in self._traced:
            self._traced[signature] = self._graph(batch, leaves)
        return self._traced[signature](*(leaf for leaf in leaves if leaf is not None))

    def _graph(self, batch: Any, leaves: list[Any]) -> Callable[..., Any]:
        specs = [tf.TensorSpec((None, *leaf.shape[1:]), _type(leaf)) for leaf in leaves if leaf is not None]

        def of_arrays(*arrays: Any) -> Any:
            given = iter(arrays)
            return self._function(
                tf.nest.pack_sequence_as(batch, [None if leaf is None else next(given) for leaf in leaves])
            )

        # The graph itself: behind `tf.function` a call takes twice as long, and after five trainings TensorFlow, which
        # takes their steps for one function, warns of retracing.
        step = tf.function(of_arrays, input_signature=specs, autograph=False)
        return step.get_concrete_function()  # type: ignore[no-any-return]


def _type(leaf: Any) -> Any:
    return tf.as_dtype(leaf.dtype)
