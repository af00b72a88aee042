"""What the layers of a live Keras model cost and see: each call by the row of its class in `cnnkit.layers`.

A class without a row works for all that Keras knows itself, shapes and parameters; its multiply-adds count 0, and what
its outputs see is unknown from there on.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from cnnkit.backbones.graph import Node, functional, nodes
from cnnkit.layers import views
from cnnkit.layers.configuration import Settings
from cnnkit.layers.cost import Operand, Shape
from cnnkit.layers.row import Row
from cnnkit.layers.table import LAYERS, OPERATIONS
from cnnkit.primitives.architecture import Call, walk
from cnnkit.primitives.layers import Activation, Layer, View


class Unknown(views.Unknown):
    """A layer of which cnnkit knows only what Keras says."""

    def note(self, shape: Shape) -> str:
        """That it has no row."""
        return "cnnkit does not know this layer: multiply-adds left out, receptive field unknown"


@dataclass(frozen=True)
class Nested(Layer):
    """A model inside a model, counted as one layer."""

    calls: tuple[Call, ...]

    def activations(self, output: Shape) -> int:
        """Of all its layers but its input, which is the output of the layer before."""
        return sum(call.layer.activations(call.output or ()) for call in self.calls if call.parents)

    def sees(self, view: View, shape: Shape, output: Shape) -> View:
        """What its last layer sees."""
        return walk(self.calls, shape, view)[-1].view


def calls(model: keras.Model) -> list[Call]:
    """Every layer call of a functional model, in the order of `graph.nodes`, shapes and parameters from Keras.

    A layer that is called twice has its parameters counted once.
    """
    seen: set[int] = set()
    counted = []
    for node in nodes(model):
        first = isinstance(node.layer, keras.Layer) and id(node.layer) not in seen
        seen.add(id(node.layer))
        parameters = node.layer.count_params() if first else 0
        kind, shape = type(node.layer).__name__, tuple(node.outputs[0].shape[1:])
        layer, multiply_adds = _arithmetic(node)
        counted.append(Call(node.name, kind, layer, node.parents, shape, parameters, multiply_adds))
    return counted


def _arithmetic(node: Node) -> tuple[Layer, int]:
    """What a call sees, and its multiply-adds for one picture; where a side is open they count 0."""
    if not node.parents:
        return Activation(), 0
    if isinstance(node.layer, keras.Model):
        inner = tuple(calls(functional(node.layer)))
        return Nested(inner), sum(call.multiply_adds or 0 for call in inner)
    row = row_of(node.layer)
    try:
        if row is None:
            return Unknown(), 0
        settings = settings_of(node.layer, row)
        view = row.view(settings)
        if any(None in tensor.shape[1:] for tensor in node.inputs):
            return view, 0
        return view, row.cost(settings, inputs_of(node, row)).multiply_adds
    except ValueError:  # channels first, say: the row does not know that
        return Unknown(), 0


def row_of(layer: Any) -> Row | None:
    """The row of a live layer or operation; None of what is not Keras's own or has none."""
    name, module = type(layer).__name__, type(layer).__module__
    if not isinstance(layer, keras.Layer):
        return OPERATIONS.get((module, name))
    return LAYERS.get(name) if module.split(".")[0] == "keras" else None


def settings_of(layer: Any, row: Row) -> Settings:
    """The settings of a live layer: its attributes, which are quicker by far than its configuration, where they do.

    Raises:
        ValueError: An argument of a kind that the arithmetic does not know.
    """
    try:
        return row.settings({name: _plain(getattr(layer, name)) for name in row.arguments})
    except (AttributeError, ValueError):
        return row.settings(layer.get_config())


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value


def inputs_of(node: Node, row: Row) -> list[Any]:
    """What a call takes, as the arithmetic wants it: shapes, and for operations operands and lists too."""
    arguments = node.arguments
    named = [arguments.kwargs[name] for name in row.keywords if name in arguments.kwargs]
    if not row.layer:
        return [_described(value) for value in arguments.args]
    tensors = _tensors([*arguments.args, *named]) if named else node.inputs
    return [_described(tensor) for tensor in tensors]


def _tensors(value: Any) -> Iterator[Any]:
    if isinstance(value, keras.KerasTensor):
        yield value
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _tensors(item)


def _described(value: Any) -> Any:
    """A tensor as its shape with an open batch, anything else as an operand."""
    if isinstance(value, keras.KerasTensor):
        return (None, *value.shape[1:])
    if isinstance(value, list | tuple) and not all(isinstance(item, int | float) for item in value):
        return [_described(item) for item in value]
    shape = np.shape(value) if isinstance(value, int | float | list | tuple) else getattr(value, "shape", None)
    return Operand(value, None if shape is None else tuple(shape))
