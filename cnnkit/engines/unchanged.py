"""Whether a model is still what it was when something was made of it: its layers' settings and its weights.

Nothing is hashed and no number is compared, so it takes a few milliseconds for a network of any size.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from operator import is_
from typing import Any

import keras
import numpy as np
import tensorflow as tf


class LayerSettings:
    """What the layers of a model were set to: all of their attributes but `trainable`.

    Another value, `layer.activation = …`, another weight, as `enable_lora` adds them, or another number in an attribute
    of a layer of the user's own make another graph. What is compared is the identity of the values, which this object
    holds, so that no other value can take their place in memory.

    Args:
        model: Any Keras model; the layers of models and layers inside of it count.
    """

    def __init__(self, model: keras.Model) -> None:
        # A model's own attributes, its optimizer say, are no part of what it computes.
        layers = [layer for layer in model._flatten_layers() if not isinstance(layer, keras.Model)]
        self._attributes = [vars(layer) for layer in layers]
        self._values = [_settings(attributes) for attributes in self._attributes]
        self._remember()

    def same(self) -> bool:
        """Whether all attributes still have the values that they had."""
        # The usual case makes no objects and runs in C: `ck.predict` of one picture asks it every time.
        if list(map(len, self._attributes)) == self._lengths and all(map(is_, self._in_order(), self._objects)):
            return True
        if any(
            len(now) != len(before) or any(now.get(name) is not value for name, value in before.items())
            for now, before in zip(map(_settings, self._attributes), self._values, strict=True)
        ):
            return False
        self._remember()  # other flags
        return True

    def _remember(self) -> None:
        self._lengths = list(map(len, self._attributes))
        self._objects = list(self._in_order())

    def _in_order(self) -> Iterator[Any]:
        return chain.from_iterable(map(dict.values, self._attributes))


def _settings(attributes: dict[str, Any]) -> dict[str, Any]:
    """Without the flag that changes nothing in inference."""
    return {name: value for name, value in attributes.items() if name != "_trainable"}


class WeightValues:
    """The weights that a model had at one moment.

    A tensor of TensorFlow never changes: where somebody holds what was read from a variable, whoever writes to the
    variable, an optimizer, `assign`, `load_weights`, has to give it other memory. The tensors are held here, so a
    variable that reads from the same memory as then has the same numbers as then.

    Args:
        model: Any Keras model.
    """

    def __init__(self, model: keras.Model) -> None:
        self._variables = [variable.value for variable in model.variables]
        self._tensors = self._read()
        self._places = [_place(tensor) for tensor in self._tensors]

    def same(self) -> bool:
        """Whether no weight was written to since; False too where that cannot be known, on a GPU say."""
        return None not in self._places and [_place(tensor) for tensor in self._read()] == self._places

    def _read(self) -> list[Any]:
        return [
            tf.raw_ops.ReadVariableOp(resource=variable.handle, dtype=variable.dtype) for variable in self._variables
        ]


def _place(tensor: Any) -> int | None:
    """Where in memory the numbers of a tensor are; None where they are in no memory that Python sees."""
    if not tensor.backing_device.endswith("/device:CPU:0"):
        return None
    try:
        return int(np.asarray(memoryview(tensor)).__array_interface__["data"][0])
    except (BufferError, RuntimeError, TypeError, ValueError):  # a type that NumPy does not have, bfloat16
        return None
