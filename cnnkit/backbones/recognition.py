"""Which application of Keras a model is, or begins with: told by its layers, not by its name.

`keras.applications.MobileNetV2(...)` takes [-1, 1], but neither its name nor its input says so. What says so is its
graph: the digest of a layer holds its own class, kernel, stride and activation and the digests of the layers that it
takes its input from, so it is the same in a cut network, in a larger one, without weights and under other names.
`FAMILIES` holds the digests of each architecture's first legal cuts, as far as ten convolutions deep. There an
architecture is unmistakable. Before, a layer must have its published name too: two convolutions of 64 filters begin
VGG16 and many a network of a first lesson.
"""

from __future__ import annotations

import hashlib
from typing import Any

import keras

from cnnkit.backbones.families import FAMILIES, Family
from cnnkit.backbones.graph import Node, cut_nodes, nodes
from cnnkit.backbones.naming import canonical_names
from cnnkit.backbones.picture_layers import front_calls

UNMISTAKABLE = 10
"""Convolutions behind a layer from which on its name does not matter."""

# What a digest holds of a layer, beside its class. Sides, padding in pixels and rates of dropout vary by the input.
SETTINGS = (
    "kernel_size",
    "strides",
    "pool_size",
    "padding",
    "dilation_rate",
    "groups",
    "use_bias",
    "max_value",
    "scale",
    "center",
)


def recognised(model: keras.Model) -> Family | None:
    """The family of applications that a model begins with; None for any other model.

    Args:
        model: Functional, flat.
    """
    calls = nodes(model)
    front, behind = front_calls(calls), convolutions_behind(calls)
    names = canonical_names({call.name: type(call.layer).__name__ for call in calls})
    of_widths = {widths: layer_digests(calls, front, widths=widths) for widths in (True, False)}
    for index in sorted(range(len(calls)), key=behind.__getitem__, reverse=True):
        for family in FAMILIES.values():
            digest = of_widths[family.widths][index]
            if digest in family.deep or named(digest, names[calls[index].name]) in family.early:
                return family
    return None


def layer_digests(calls: list[Node], front: set[int], *, widths: bool) -> list[str]:
    """The digest of each call of a graph: eight hexadecimal digits for it and all that it depends on.

    Args:
        calls: As `graph.nodes` gives them.
        front: Positions of the calls that count as the picture itself.
        widths: Whether numbers of filters count: they tell networks apart that have no width α.
    """
    digests: list[str] = []
    for index, call in enumerate(calls):
        parts = ["picture"] if index in front else [_described(call.layer, widths=widths)]
        # The order of parents says nothing: what an addition takes first differs between versions of Keras.
        parts += [] if index in front else sorted(digests[parent] for parent in call.parents)
        digests.append(hashlib.blake2b(" ".join(parts).encode(), digest_size=4).hexdigest())
    return digests


def _described(layer: Any, *, widths: bool) -> str:
    values = {name: getattr(layer, name, None) for name in (*SETTINGS, *(("filters",) if widths else ()))}
    if not isinstance(values["padding"], str):
        del values["padding"]
    activation = getattr(getattr(layer, "activation", None), "__name__", None)
    return f"{type(layer).__name__} {activation} {values}"


def openings(model: keras.Model, *, widths: bool) -> tuple[list[str], list[str]]:
    """What `FAMILIES` holds of an application: named digests of its first legal cuts, and where it is unmistakable.

    Args:
        model: The application, flat.
        widths: As in `layer_digests`.
    """
    calls = nodes(model)
    legal = {id(call.layer) for call in cut_nodes(model)}
    digests = layer_digests(calls, front_calls(calls), widths=widths)
    names = canonical_names({call.name: type(call.layer).__name__ for call in calls})
    behind = convolutions_behind(calls)
    cuts = [index for index, call in enumerate(calls) if id(call.layer) in legal and behind[index]]
    deep = [index for index in cuts if behind[index] >= UNMISTAKABLE][:1]
    early = [index for index in cuts if behind[index] < UNMISTAKABLE]
    # One convolution says little, but NASNet's stem is all that it has before its end.
    early = [index for index in early if behind[index] > 1] or early[-1:]
    return [named(digests[index], names[calls[index].name]) for index in early], [digests[index] for index in deep]


def convolutions_behind(calls: list[Node]) -> list[int]:
    """How many convolutions each call depends on, itself included."""
    behind: list[set[int]] = []
    for index, call in enumerate(calls):
        own = {index} if "Conv" in type(call.layer).__name__ else set()
        behind.append(own.union(*(behind[parent] for parent in call.parents)))
    return [len(positions) for positions in behind]


def named(digest: str, name: str) -> str:
    """The digest of a layer together with its name."""
    return hashlib.blake2b(f"{digest} {name}".encode(), digest_size=4).hexdigest()
