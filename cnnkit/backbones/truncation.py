"""Cutting a network: everything up to one layer, with the layers and the weights shared."""

from __future__ import annotations

import keras

from cnnkit.backbones.graph import Node, cut_nodes, functional, nodes
from cnnkit.errors import InputError, UnknownNameError, unknown_name

WHERE = "ck.backbone(...).cuts() or `cnnkit cuts NAME`"


def truncate(model: keras.Model, cut: str) -> keras.Model:
    """The part of a functional or Sequential model that ends with the layer `cut`.

    Layers and weights are shared with the original: training one trains the other.

    Args:
        model: Any functional or built Sequential model, with one input or several.
        cut: Name of a legal cut, a layer that every path to the output passes through
            (`backbones.dominators(model)` lists them).

    Returns:
        A functional model of the same inputs, whose output is that layer's.

    Raises:
        UnknownNameError: There is no such layer; the nearest names are given.
        InputError: The layer is no legal cut; the nearest legal ones and the reason are given.
    """
    model = functional(model)
    inputs = model.inputs if len(model.inputs) > 1 else model.inputs[0]
    return keras.Model(inputs, cut_node(model, cut).outputs[0], name=model.name)


def check_cut(cut: object) -> None:
    """Refuses a cut that is no name.

    Raises:
        InputError: A position, most often: there are libraries that count layers.
    """
    if not isinstance(cut, str):
        raise InputError(
            "a cut as the name of a layer or stage",
            repr(cut)[:200],
            f'"stage4" ends where the stride is 16. All cuts: {WHERE}.',
        )


def cut_node(model: keras.Model, cut: str) -> Node:
    """The node of a legal cut of a functional model.

    Raises:
        UnknownNameError: There is no such layer.
        InputError: The layer is no legal cut.
    """
    check_cut(cut)
    legal = {call.name: call for call in cut_nodes(model)}
    if cut in legal:
        return legal[cut]
    calls = nodes(model)
    positions = [index for index, call in enumerate(calls) if call.name == cut]
    if positions:
        raise _illegal(calls, positions, list(legal))
    raise _nowhere(model, cut, list(legal))


def _illegal(calls: list[Node], positions: list[int], legal: list[str]) -> InputError:
    """The error for a layer that exists and is no legal cut: why, and which legal ones are nearest."""
    call = calls[positions[0]]
    before = [other.name for other in calls[: positions[0]] if other.name in legal][-1:]
    after = [other.name for other in calls[positions[-1] + 1 :] if other.name in legal][:1]
    if len(positions) > 1:
        reason = f"{call.name!r}, which is called {len(positions)} times"
    elif len(call.outputs) > 1:
        reason = f"{call.name!r}, which gives {len(call.outputs)} tensors"
    else:
        others = " and ".join(repr(name) for name in before + after)
        reason = f"{call.name!r}, inside a branch: other paths run beside it between {others}"
    nearest = " or ".join(repr(name) for name in before + after)
    return InputError(
        "a layer that every path to the output passes through", reason, f"Cut at {nearest}. All cuts: {WHERE}."
    )


def _nowhere(model: keras.Model, cut: str, legal: list[str]) -> UnknownNameError | InputError:
    """The error for a name that is no layer of the model itself."""
    for layer in model.layers:
        if isinstance(layer, keras.Model) and any(inner.name == cut for inner in layer.layers):
            return InputError(
                "a layer of the model itself",
                f"{cut!r}, a layer inside the nested model {layer.name!r}",
                f"Cut that one: ck.truncate(model.get_layer({layer.name!r}), {cut!r}), or cut at {layer.name!r}.",
            )
    return unknown_name("a cut", cut, legal, WHERE)
