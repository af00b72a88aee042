"""Whether a model loads in plain Keras: stock layers and stock functions only, named where not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import keras

from cnnkit.errors import BundleError
from cnnkit.layers.carriers import CARRIERS


def check_stock(model: keras.Model, architecture: dict[str, Any]) -> None:
    """Refuses a model that a process without cnnkit could not load.

    Args:
        model: A functional or Sequential model.
        architecture: What `model.to_json()` describes.

    Raises:
        BundleError: It names the layer or function, and what to use in its place.
    """
    for operation in _operations(model):
        kind = type(operation)
        if kind.__name__ in CARRIERS:
            raise _refused(kind.__name__, operation.name, CARRIERS[kind.__name__].instead)
        if kind.__module__.split(".")[0] != "keras":
            raise _refused(f"{kind.__module__}.{kind.__name__}", operation.name, "a composition of keras.layers")
    for layer, found in _foreign(architecture, "the model"):
        raise _refused(found, layer, "one of keras.activations, keras.initializers or keras.regularizers by name")


def _operations(model: keras.Model) -> Iterator[Any]:
    if isinstance(model, keras.Sequential):
        parts = model.layers
    elif hasattr(model, "operations"):
        parts = model.operations
    else:
        raise BundleError(
            "a functional or Sequential model",
            f"{model.name!r}, a subclassed {type(model).__name__}",
            "Its graph is Python code: build it with keras.Model(inputs, outputs).",
        )
    for part in parts:
        if isinstance(part, keras.Model):
            yield from _operations(part)
        else:
            yield part


def _foreign(node: Any, layer: str) -> Iterator[tuple[str, str]]:
    """Objects of the architecture that are not Keras's own, with the layer that holds them."""
    if isinstance(node, list):
        for item in node:
            yield from _foreign(item, layer)
    elif isinstance(node, dict):
        if isinstance(node.get("config"), dict) and "inbound_nodes" in node:
            layer = str(node.get("name", layer))
        kind, module = node.get("class_name"), node.get("module", "keras")
        if kind in ("__lambda__", "function") or (kind is not None and str(module).split(".")[0] != "keras"):
            yield layer, f"the function or class {node.get('config') if kind == 'function' else kind!r}"
            return
        for value in node.values():
            yield from _foreign(value, layer)


def _refused(what: str, layer: str, instead: str) -> BundleError:
    return BundleError(
        "a network that loads in plain Keras", f"layer {layer!r} with {what}", f"Use {instead}, then save again."
    )
