"""A model built once more of copies of its layers, some of them changed or replaced on the way."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras

from cnnkit.backbones.graph import Node, nodes

Tensors = dict[int, Any]


def rebuilt(model: keras.Model, image: Any, call: Callable[[int, Node, Tensors], Any]) -> keras.Model:
    """A model of the same calls on another input.

    Args:
        model: Functional, one input and one output; every call gives one tensor.
        image: The new input.
        call: Gives the new output of a call, from its position in `graph.nodes`, the call, and the new tensors by the
            identity of the old ones. `copied` is what changes nothing.
    """
    tensors: Tensors = {}
    for index, node in enumerate(nodes(model)):
        tensors[id(node.outputs[0])] = call(index, node, tensors) if node.parents else image
    return keras.Model(image, tensors[id(model.outputs[0])], name=model.name)


class Copies:
    """Copies of layers with the same names and weights, one of each."""

    def __init__(self) -> None:
        self._made: dict[int, Any] = {}

    def called(self, node: Node, tensors: Tensors, **changes: Any) -> Any:
        """The output of a layer's copy with the arguments of the call.

        Args:
            node: The call.
            tensors: New tensors by the identity of the old ones.
            **changes: What is different in the layer's configuration.
        """
        args, kwargs = node.filled_in(tensors)
        if not isinstance(node.layer, keras.Layer):  # an operation has no weights and no place of its own
            return node.layer(*args, **kwargs)
        if id(node.layer) in self._made:
            return self._made[id(node.layer)](*args, **kwargs)
        copy = type(node.layer).from_config({**node.layer.get_config(), **changes})
        output = copy(*args, **kwargs)
        copy.set_weights(node.layer.get_weights())
        copy.trainable = node.layer.trainable
        self._made[id(node.layer)] = copy
        return output
