"""The layer graph of a functional model: cuts, ancestors and freeze boundaries.

A *legal cut* is a layer that every path from the input to the output passes through: a dominator of the
output. Only there is one tensor all that the rest of the network needs, so only there can a network be cut.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import keras

from cnnkit.errors import InputError, unknown_name


@dataclass(frozen=True, eq=False)
class Node:
    """One call of a layer inside a model.

    Attributes:
        layer: The layer (or operation) that is called.
        inputs: The KerasTensors that it takes.
        outputs: The KerasTensors that it gives.
        parents: Positions of the nodes that give its inputs; empty for an input layer.
        arguments: All that it is called with, as Keras keeps it; see `filled_in`.
    """

    layer: Any
    inputs: tuple[Any, ...]
    outputs: tuple[Any, ...]
    parents: tuple[int, ...]
    arguments: Any = None

    @property
    def name(self) -> str:
        """The layer's name."""
        return str(self.layer.name)

    def filled_in(self, tensors: Mapping[int, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """The arguments of the call with other tensors, by the identity of those that stood there."""
        args, kwargs = self.arguments.fill_in(tensors)
        return args, kwargs


def functional(model: keras.Model) -> keras.Model:
    """The model as a functional one: a built Sequential becomes one that shares its layers.

    Raises:
        InputError: A subclassed model has no graph; a Sequential without input shape has none yet.
    """
    if not isinstance(model, keras.Model):
        if isinstance(model, str):
            remedy = f"ck.backbone({model!r}).model is one, and with weights=None it needs no file."
        elif hasattr(model, "model"):
            remedy = "Pass its .model."
        else:
            remedy = "Pass a functional model."
        raise InputError("a keras.Model", type(model).__name__, remedy)
    if isinstance(model, keras.Sequential):
        if not model.built:
            raise InputError(
                "a Sequential model whose input shape is known",
                f"{model.name!r}, not built",
                "Put keras.Input(shape=...) first, or call model.build((None, height, width, channels)).",
            )
        return keras.Model(model.inputs, model.outputs[0], name=model.name)
    if not hasattr(model, "operations"):
        raise InputError(
            "a functional or Sequential keras.Model",
            f"{model.name!r}, a subclassed {type(model).__name__}: its graph is Python code",
            "Build it with keras.Model(inputs, outputs).",
        )
    return model


def named(tensor: Any, name: str) -> Any:
    """The same tensor, its operation under a name of its own: `keras.ops` would number it by the process."""
    tensor._keras_history.operation.name = name
    return tensor


def nodes(model: keras.Model) -> list[Node]:
    """Every layer call of a functional model, each after the calls that it depends on.

    With `named` the one place of cnnkit that looks behind Keras's public interface: the nodes of a model by depth and
    the arguments of each, whose configuration form (`get_config()["layers"][…]["inbound_nodes"]`) is public but
    serializes every layer.
    """
    by_depth = model._nodes_by_depth
    ordered = [node for depth in sorted(by_depth, reverse=True) for node in by_depth[depth]]
    position = {id(tensor): index for index, node in enumerate(ordered) for tensor in node.outputs}
    return [
        Node(
            layer=node.operation,
            inputs=tuple(node.input_tensors),
            outputs=tuple(node.outputs),
            parents=tuple(position[id(tensor)] for tensor in node.input_tensors),
            arguments=node.arguments,
        )
        for node in ordered
    ]


def cut_nodes(model: keras.Model) -> list[Node]:
    """The nodes that every path from any input to any output passes through, the input's side first.

    In an order in which each node comes after its parents, a node is such a one if all sources come before
    it and no edge jumps over it.
    """
    calls = nodes(model)
    times_called = Counter(id(call.layer) for call in calls)
    produced_by = {id(tensor): index for index, call in enumerate(calls) for tensor in call.outputs}
    furthest = [index for index, _ in enumerate(calls)]  # the last node that reads node i's output
    for index, call in enumerate(calls):
        for parent in call.parents:
            furthest[parent] = max(furthest[parent], index)
    for tensor in model.outputs:
        furthest[produced_by[id(tensor)]] = len(calls)
    last_source = max(index for index, call in enumerate(calls) if not call.parents)
    found, reach = [], 0
    for index, call in enumerate(calls):
        whole = len(call.outputs) == 1 and times_called[id(call.layer)] == 1
        if index >= last_source and reach <= index and whole:
            found.append(call)
        reach = max(reach, furthest[index])
    return found


def dominators(model: keras.Model) -> list[str]:
    """Names of the layers that every input→output path passes through, the input's side first: the legal cuts.

    A layer that is called twice, or that gives several tensors, is left out: it is no single tensor.
    """
    return [call.name for call in cut_nodes(functional(model))]


def ancestors(model: keras.Model, layer_name: str) -> list[str]:
    """Names of the layers that a layer's output depends on, itself included, the input's side first.

    Raises:
        UnknownNameError: The model has no such layer.
    """
    calls = nodes(functional(model))
    wanted = {index for index, call in enumerate(calls) if call.name == layer_name}
    if not wanted:
        raise unknown_name("a layer", layer_name, [call.name for call in calls], "model.summary()")
    for index in range(len(calls) - 1, -1, -1):
        if index in wanted:
            wanted.update(calls[index].parents)
    return list(dict.fromkeys(call.name for index, call in enumerate(calls) if index in wanted))


def boundary(model: keras.Model, frozen_layer_names: Collection[str]) -> list[Any]:
    """The tensors that cross from a frozen prefix to the rest of the network.

    The prefix is every call of a named layer whose inputs all come from the prefix; inputs belong to it. Cached
    for a data set, these tensors replace it: `keras.Model(model.inputs, boundary)` computes them once and
    `keras.Model(boundary, model.outputs)` trains the rest. At a legal cut it is one tensor, elsewhere several.

    Args:
        model: A functional model.
        frozen_layer_names: Layers that will not change. Name layers without weights too where they are to be
            on the cached side; never a Dropout or an augmentation, which differ at each pass.

    Returns:
        KerasTensors in the order of their layers.

    Raises:
        UnknownNameError: A name is no layer of the model.
        InputError: No list of names.
    """
    model = functional(model)
    if isinstance(frozen_layer_names, str) or not isinstance(frozen_layer_names, Collection):
        received = f"{type(frozen_layer_names).__name__}: {frozen_layer_names!r}"[:200]
        raise InputError("a list of layer names", received, 'Give ["conv1", "bn1"]; model.summary() lists them.')
    calls = nodes(model)
    known = {call.name for call in calls}
    for name in frozen_layer_names:
        if name not in known:
            raise unknown_name("a layer", name, known, "model.summary()")
    frozen = set(frozen_layer_names)
    prefix: set[int] = set()
    for index, call in enumerate(calls):
        if not call.parents or (call.name in frozen and prefix.issuperset(call.parents)):
            prefix.add(index)
    crossing = {id(tensor) for index, call in enumerate(calls) if index not in prefix for tensor in call.inputs} | {
        id(tensor) for tensor in model.outputs
    }
    return [tensor for index in sorted(prefix) for tensor in calls[index].outputs if id(tensor) in crossing]
