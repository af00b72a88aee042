"""The tensors that a weights file of a graph holds: by path as Keras 3 saves them, by layer as older files do."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from cnnkit.course.submissions.graph import INPUT, Graph, Part
from cnnkit.layers.cost import Weight

Weights = Mapping[int, tuple[Weight, ...]]
"""The weights of each part, by its identity."""


@dataclass(frozen=True)
class LayerWeights:
    """The tensors of one layer in a legacy H5 file, which lists them by layer and loads them by order.

    Attributes:
        name: The layer's name, and that of its group.
        weights: First those that train, then the others; of a nested model those of all its layers.
    """

    name: str
    weights: tuple[Weight, ...]


def parts_of(graph: Graph) -> Iterator[Part]:
    """All layers, operations and nested models, inner ones included."""
    for part in graph.parts:
        yield part
        if part.graph is not None:
            yield from parts_of(part.graph)


def _layers(graph: Graph) -> Iterator[Part]:
    """As `model.layers` has them: no operations, and no input of a Sequential."""
    for part in graph.parts:
        if (part.row is None or part.row.layer) and not (graph.sequential and part.class_name == INPUT):
            yield part


def saved_tensors(graph: Graph, weights: Weights, prefix: str = "") -> Iterator[tuple[str, Weight]]:
    """Paths as Keras 3 saves them: layers are called by their class and numbered within their model."""
    count: Counter[str] = Counter()
    for part in _layers(graph):
        class_name = part.class_name if part.graph is None or part.graph.sequential else "Functional"
        stem = _snake_case(class_name)
        path = f"{prefix}layers/{stem}" + (f"_{count[stem]}" if count[stem] else "")
        count[stem] += 1
        if part.graph is not None:
            yield from saved_tensors(part.graph, weights, f"{path}/")
        for weight in weights.get(id(part), ()):
            yield f"{path}/{weight.path}", weight


def _snake_case(name: str) -> str:
    """`to_snake_case` of Keras: `PReLU` is `p_re_lu`.

    >>> _snake_case("DepthwiseConv2D")
    'depthwise_conv2d'
    """
    name = re.sub("(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub("([a-z])([A-Z])", r"\1_\2", name).lower()


def legacy_layers(graph: Graph, weights: Weights) -> tuple[LayerWeights, ...]:
    """Every layer in order, those without weights included."""
    return tuple(LayerWeights(part.name, _trained_first(part, graph.trainable, weights)) for part in _layers(graph))


def _trained_first(part: Part, trainable: bool, weights: Weights) -> tuple[Weight, ...]:
    every = list(_flagged(part, trainable, weights))
    return tuple(
        [weight for weight, trained in every if trained] + [weight for weight, trained in every if not trained]
    )


def _flagged(part: Part, trainable: bool, weights: Weights) -> Iterator[tuple[Weight, bool]]:
    """The weights of a layer, each with whether it trains; a model that does not train freezes its layers."""
    trainable = trainable and part.trainable
    for weight in weights.get(id(part), ()):
        yield weight, weight.trained and trainable
    if part.graph is not None:
        for inner in _layers(part.graph):
            yield from _flagged(inner, trainable, weights)
