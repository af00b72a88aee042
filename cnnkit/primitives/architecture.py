"""A network as a list of layer calls, and the one walk through it that counts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from cnnkit.primitives.layers import Layer, Parallel, Shape, View
from cnnkit.primitives.receptive_field import Field, meet


@dataclass(frozen=True)
class Call:
    """One layer at its place in a network.

    Attributes:
        name: In the table.
        kind: In the table.
        layer: What is called.
        parents: Positions of the calls that give its inputs; empty: the network's input.
        output: Its output's shape, where something else knows it (Keras); None: by the layer's own arithmetic.
        parameters: Its parameters, where something else knows them.
        multiply_adds: Of one picture, where something else knows them.
    """

    name: str
    kind: str
    layer: Layer
    parents: tuple[int, ...]
    output: Shape | None = None
    parameters: int | None = None
    multiply_adds: int | None = None


@dataclass(frozen=True)
class Count:
    """What one call gives, costs and sees.

    Attributes:
        name: Of the call.
        kind: Of the layer.
        shape: Of the output.
        parameters: Moving statistics included.
        multiply_adds: Of one picture.
        activations: Values held in memory for one picture.
        view: What an output value sees, along each side of the input.
        note: What a reader should know.
    """

    name: str
    kind: str
    shape: Shape
    parameters: int
    multiply_adds: int
    activations: int
    view: View
    note: str


def written(layers: Sequence[Layer | Parallel]) -> list[Call]:
    """The calls of a hand-written network, its input first."""
    calls = [Call("input", "Input", Layer(), ())]
    _append(calls, layers, parent=0, prefix="")
    return calls


def _append(calls: list[Call], layers: Sequence[Layer | Parallel], parent: int, prefix: str) -> int:
    """Adds a chain of layers after `parent`; gives the position of the last."""
    for layer in layers:
        if isinstance(layer, Parallel):
            inside = f"{prefix}{layer.name}/" if layer.name else prefix
            parents = tuple(_append(calls, branch, parent, inside) for branch in layer.branches)
            join, name = layer.join, layer.name
        else:
            parents, join, name = (parent,), layer, layer.name
        kind = type(join).__name__
        number = 1 + sum(call.kind == kind for call in calls)
        calls.append(Call(prefix + (name or f"{kind.lower()}{number}"), kind, join, parents))
        parent = len(calls) - 1
    return parent


def walk(calls: Iterable[Call], shape: Shape, view: View | None = None) -> list[Count]:
    """Counts every call of a network.

    Args:
        calls: Each after the calls that it depends on.
        shape: Of the input, (*sides, channels).
        view: What the input's values see; None: themselves.
    """
    counts: list[Count] = []
    for call in calls:
        before = [counts[parent] for parent in call.parents]
        given = call.layer.meet([count.shape for count in before] or [shape])
        start = (Field(),) * (len(call.output or shape) - 1) if view is None else view
        views = [count.view for count in before] or [start]
        seen = tuple(meet(fields) for fields in zip(*views, strict=False))
        counts.append(_count(call, given, seen))
    return counts


def _count(call: Call, given: Shape, seen: View) -> Count:
    output = call.layer.output(given) if call.output is None else call.output
    return Count(
        name=call.name,
        kind=call.kind,
        shape=output,
        parameters=call.layer.parameters(given) if call.parameters is None else call.parameters,
        multiply_adds=call.layer.multiply_adds(given, output) if call.multiply_adds is None else call.multiply_adds,
        activations=call.layer.activations(output),
        view=call.layer.sees(seen, given, output),
        note=call.layer.note(given),
    )
