"""A model's layers called once more: on another input, and with the layers of inner models in their place.

The layers and so the weights are shared with the model. A flat graph can be cut, tapped and frozen at every layer by
its name.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

import keras

from cnnkit.backbones.graph import Node, functional, nodes

Between = Mapping[int, Callable[[Any], Any]]


def recalled(model: keras.Model, image: Any, between: Between | None = None) -> keras.Model:
    """The same layers on another input.

    Args:
        model: Functional, one input and one output.
        image: The new input.
        between: What comes between a call and the next ones, by the call's position in `graph.nodes`: a function from
            its output to what they take.
    """
    return keras.Model(image, _output(model, image, between or {}, set()), name=model.name)


def flattened(model: keras.Model) -> tuple[keras.Model, dict[str, str]]:
    """The model with the layers of inner models in their place.

    An inner model stays closed where it is called twice, takes or gives several tensors, is subclassed, or holds a
    layer that has the name of another one.

    Args:
        model: Functional, one input and one output.

    Returns:
        The flat model, the given one if there is nothing to open, and the last layer of each model that was opened.
    """
    ends: dict[str, str] = {}
    while opened := _openable(model):
        ends |= {call.name: end_of(functional(call.layer)).name for call in opened}
        entry = model.inputs[0]
        image = keras.Input(entry.shape[1:], name=entry.name, dtype=entry.dtype)
        model = keras.Model(image, _output(model, image, {}, {id(call.layer) for call in opened}), name=model.name)
    for name in ends:
        while ends[name] in ends:  # it ended with a model in its turn
            ends[name] = ends[ends[name]]
    return model, ends


def end_of(model: keras.Model) -> Node:
    """The call that gives the model's first output."""
    tensor = model.outputs[0]
    return next(call for call in nodes(model) if any(output is tensor for output in call.outputs))


def _output(model: keras.Model, image: Any, between: Between, opened: set[int]) -> Any:
    """What the layers of a model give for an image; an opened one is not called, its layers are."""
    tensors: dict[int, Any] = {}
    for index, call in enumerate(nodes(model)):
        if not call.parents:
            outputs = [image]
        else:
            args, kwargs = call.filled_in(tensors)
            if id(call.layer) in opened:
                outputs = [_output(functional(call.layer), tensors[id(call.inputs[0])], {}, set())]
            else:
                outputs = keras.tree.flatten(call.layer(*args, **kwargs))
        if index in between:
            outputs = [between[index](output) for output in outputs]
        tensors |= {id(old): new for old, new in zip(call.outputs, outputs, strict=True)}
    return tensors[id(model.outputs[0])]


def _openable(model: keras.Model) -> list[Node]:
    """The calls of inner models that can be opened without two layers of one name."""
    calls = nodes(model)
    times = Counter(id(call.layer) for call in calls)
    inner = {
        call.name: [part.name for part in nodes(functional(call.layer)) if part.parents]
        for call in calls
        if times[id(call.layer)] == 1 and len(call.inputs) == len(call.outputs) == 1 and _is_graph(call.layer)
    }
    taken = Counter(name for names in inner.values() for name in names)
    taken.update(call.name for call in calls if call.name not in inner)
    return [call for call in calls if call.name in inner and all(taken[name] == 1 for name in inner[call.name])]


def _is_graph(layer: Any) -> bool:
    """Whether what a layer does is a graph of layers, and not code of a subclass."""
    return isinstance(layer, keras.Model) and type(layer).__name__ in ("Functional", "Sequential")
