"""Weights of a legacy H5 file put into a model by name, each with its shape proved, none left over.

Keras loads such a file by order. Here every tensor of the file finds the one variable that its name denotes: the
layer by its group, inside a nested model the layer by the path in the tensor's name, the variable by the last part.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import h5py
import keras
import numpy as np
from numpy.typing import NDArray

from cnnkit.errors import WeightsError
from cnnkit.export.keras2_layers import keras3_name

# (class, name in Keras 3) → name in Keras 2, where they differ.
_KERAS_2_NAMES = {
    ("DepthwiseConv1D", "kernel"): "depthwise_kernel",
    ("DepthwiseConv2D", "kernel"): "depthwise_kernel",
}


@dataclass(frozen=True, eq=False)
class _Slot:
    """A variable of the model and the names that lead to it inside its top layer."""

    owner: str  # the layer inside nested models; "" where the top layer itself holds the variable
    chain: tuple[str, ...]  # all names between the top layer and the variable
    name: str  # e.g. "kernel"
    variable: Any
    layer: Any

    @property
    def path(self) -> str:
        return "/".join((*self.chain, self.name))


def load_by_name(model: keras.Model, weights: h5py.Group) -> None:
    """Fill all variables of a model from a group in the legacy layout.

    Args:
        model: A built Sequential or functional model.
        weights: The file's root, or its group `model_weights`.

    Raises:
        WeightsError: A layer or tensor is missing, left over, ambiguous, or has another shape.
    """
    groups = {keras3_name(name): name for name in _names(weights, "layer_names")}
    layers = {layer.name: layer for layer in model.layers}
    filled = {name for name, original in groups.items() if _names(_child(weights, original), "weight_names")}
    needed = {name for name, layer in layers.items() if layer.weights}
    if missing := sorted(needed - filled):
        raise WeightsError(
            f"weights for layer {missing[0]!r} in {weights.file.filename}",
            f"weights for {_some(sorted(filled))}" if filled else "no weights at all",
            "Pass the H5 file that was saved from this very model.",
        )
    if left := sorted(filled - needed):
        raise WeightsError(
            f"weights for the layers of model {model.name!r} only",
            f"weights for {_some(left)} as well",
            "Pass the JSON that was saved from this very model.",
        )
    pairs = [pair for name in sorted(needed) for pair in _pairs(layers[name], weights, groups[name])]
    for slot, values in pairs:  # Nothing is assigned before everything is proved.
        slot.variable.assign(values)
    for layer in {id(slot.layer): slot.layer for slot, _ in pairs}.values():
        if isinstance(layer, keras.layers.Normalization):
            layer.finalize_state()  # It computes with copies of its mean and variance.


def _pairs(layer: Any, weights: h5py.Group, group_name: str) -> list[tuple[_Slot, NDArray[Any]]]:
    """The variables of one top layer, each with the tensor of the file that its name denotes."""
    group = _child(weights, group_name)
    slots = list(_slots(layer))
    taken: dict[int, str] = {}
    pairs = []
    for tensor_name in _names(group, "weight_names"):
        slot = _find(tensor_name, slots, group_name)
        if id(slot) in taken:
            raise WeightsError(
                f"one tensor for {slot.path!r} of layer {group_name!r}",
                f"{taken[id(slot)]!r} and {tensor_name!r}",
                "Their names do not tell them apart: give the inner layers different names, save again.",
            )
        taken[id(slot)] = tensor_name
        pairs.append((slot, _read(group, tensor_name, slot, group_name)))
    for slot in slots:
        if id(slot) not in taken:
            raise WeightsError(
                f"a tensor for {slot.path!r} of layer {group_name!r}",
                f"only {_some(sorted(taken.values()))}",
                "Pass the H5 file that was saved from this very model.",
            )
    return pairs


def _slots(layer: Any, chain: tuple[str, ...] = (), owner: str = "") -> Iterator[_Slot]:
    if isinstance(layer, keras.Model):
        seen: set[int] = set()
        for inner in layer.layers:
            if id(inner) not in seen:
                seen.add(id(inner))
                yield from _slots(inner, (*chain, inner.name), inner.name)
        return
    for variable in layer.weights:
        # "bidirectional/forward_lstm/lstm_cell/kernel": what stands between the layer and the variable.
        before = variable.path.split("/")[:-1]
        if layer.name in before:
            before = before[before.index(layer.name) + 1 :]
        name = _KERAS_2_NAMES.get((type(layer).__name__, variable.name), variable.name)
        yield _Slot(owner, (*chain, *before), name, variable, layer)


def _find(tensor_name: str, slots: list[_Slot], group_name: str) -> _Slot:
    *path, name = re.sub(r":\d+$", "", tensor_name).split("/")
    for names, components in (
        (name, path),
        # TensorFlow 1 numbered a name that it had seen before: dense_1_1/kernel_1.
        (re.sub(r"_\d+$", "", name), [re.sub(r"_\d+$", "", part) for part in path]),
    ):
        candidates = [
            slot for slot in slots if slot.name == names and (not slot.owner or _length(slot.owner, components))
        ]
        scores = [sum(_length(part, components) for part in slot.chain) for slot in candidates]
        best = [slot for slot, score in zip(candidates, scores, strict=True) if score == max(scores)]
        if len(best) == 1:
            return best[0]
        if best:
            raise WeightsError(
                f"a name that denotes one variable of layer {group_name!r}",
                f"{tensor_name!r}, which may be {' or '.join(repr(slot.path) for slot in best[:3])}",
                "Give the inner layers different names in Keras 2 and save again.",
            )
    raise WeightsError(
        f"one of the variables {_some(sorted(slot.path for slot in slots))} of layer {group_name!r}",
        f"tensor {tensor_name!r}",
        "JSON and H5 do not belong together: pass the two files that were saved from one model.",
    )


def _length(name: str, components: list[str]) -> int:
    """1 if neighbours in the path, joined, are this layer's name: ("conv1", "bn") is `conv1_bn`."""
    return int(
        any(
            "_".join(components[start:stop]) == name
            for start in range(len(components))
            for stop in range(start + 1, len(components) + 1)
        )
    )


def _read(group: h5py.Group, tensor_name: str, slot: _Slot, layer: str) -> NDArray[Any]:
    dataset = _child(group, tensor_name)
    if not isinstance(dataset, h5py.Dataset) or dataset.is_virtual or dataset.external:
        raise WeightsError(f"a tensor at {tensor_name!r} of layer {layer!r}", "something else", "Save the file again.")
    expected = tuple(slot.variable.shape)
    if dataset.shape != expected or dataset.dtype.kind not in "fiub":
        raise WeightsError(
            f"shape {expected} for {slot.path!r} of layer {layer!r}",
            f"{tensor_name!r} with shape {dataset.shape} and dtype {dataset.dtype}",
            "JSON and H5 do not belong together: pass the two files that were saved from one model.",
        )
    return np.asarray(dataset[()])


def _child(group: h5py.Group, path: str) -> Any:
    """What lies at a path, through hard links only: a link could lead to another file of the machine."""
    node: Any = group
    for part in path.split("/"):
        link = node.get(part, getlink=True) if isinstance(node, h5py.Group) else None
        if not isinstance(link, h5py.HardLink):
            raise WeightsError(
                f"{path!r} in {group.file.filename}",
                "nothing of that name" if link is None else f"a {type(link).__name__}",
                "The file is damaged or was changed: save it again.",
            )
        node = node[part]
    return node


def _names(group: h5py.Group, attribute: str) -> list[str]:
    """A list of names in the attributes, which Keras splits into numbered pieces beyond 64 KB."""
    if attribute in group.attrs:
        pieces = [group.attrs[attribute]]
    else:
        pieces = []
        while f"{attribute}{len(pieces)}" in group.attrs:
            pieces.append(group.attrs[f"{attribute}{len(pieces)}"])
    return [name.decode() if isinstance(name, bytes) else str(name) for piece in pieces for name in piece]


def _some(names: list[str], limit: int = 6) -> str:
    shown = ", ".join(repr(name) for name in names[:limit])
    return shown + (f" and {len(names) - limit} more" if len(names) > limit else "")
