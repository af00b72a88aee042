"""A Keras 2 model config, Sequential or functional, nested as deep as it goes, in Keras 3 form.

Keras 2 wrote a call as `[[layer, node, tensor, kwargs], …]`; Keras 3 writes `{"args": …, "kwargs": …}` with each
tensor as a `__keras_tensor__`. A nested model began with a node of its own in Keras 2, so its calls count from 1
there and from 0 here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from cnnkit.errors import InputError
from cnnkit.export.keras2_layers import convert_input, convert_layer, keras3_name, stock

FUNCTIONAL = ("Functional", "Model")
SEQUENTIAL = "Sequential"
_MAXIMUM_DEPTH = 50


def convert_model(class_name: str, config: Any, *, depth: int = 0) -> dict[str, Any]:
    """The Keras 3 form of a whole model.

    Args:
        class_name: `"Sequential"`, `"Functional"` or, before Keras 2.4, `"Model"`.
        config: Its Keras 2 config; for a Sequential of Keras ≤ 2.2 this is the bare list of layers.
        depth: How many models hold this one.

    Raises:
        InputError: The config is not of stock layers, or its graph does not add up.
    """
    if depth > _MAXIMUM_DEPTH:
        raise InputError(f"models nested at most {_MAXIMUM_DEPTH} deep", f"depth {depth}", "Flatten the model.")
    if class_name == SEQUENTIAL:
        return _convert_sequential(config, depth)
    if class_name in FUNCTIONAL:
        if not isinstance(config, dict) or not {"layers", "input_layers", "output_layers"} <= set(config):
            raise InputError(
                "a functional model's config with layers, input_layers and output_layers",
                f"{sorted(config) if isinstance(config, dict) else type(config).__name__} of a {class_name}",
                "A subclassed model has no architecture in its file: rebuild it from code and load its weights.",
            )
        return _convert_functional(config, depth)
    raise InputError(
        "a Sequential or functional model",
        f"class {class_name!r}",
        "A subclassed model has no architecture in its file: rebuild it from code and load its weights.",
    )


def _is_model(class_name: str) -> bool:
    return class_name == SEQUENTIAL or class_name in FUNCTIONAL


def _convert_part(class_name: str, config: Any, depth: int) -> dict[str, Any]:
    if class_name == "InputLayer":
        return convert_input(config)
    if _is_model(class_name):
        return convert_model(class_name, config, depth=depth + 1)
    return convert_layer(class_name, config)


def _convert_sequential(config: Any, depth: int) -> dict[str, Any]:
    settings: dict[str, Any] = {"layers": config} if isinstance(config, list) else dict(config)
    name = str(settings.get("name", "sequential"))
    parts = [(str(part["class_name"]), part["config"]) for part in settings["layers"]]
    layers = [_convert_part(class_name, part, depth) for class_name, part in parts]
    if parts and parts[0][0] != "InputLayer" and not _is_model(parts[0][0]):
        # Keras ≤ 2.3 kept the input's shape in the first layer.
        first = parts[0][1]
        shape = first.get("batch_input_shape") or settings.get("build_input_shape")
        if shape is None:
            raise InputError(
                f"the input shape of Sequential {name!r}",
                "neither an InputLayer nor batch_input_shape nor build_input_shape",
                "The model was saved before it was built: call it once and save it again.",
            )
        layers.insert(0, convert_input({"name": f"{first['name']}_input", "batch_input_shape": shape}))
    _unique(layers, name)
    return stock("keras", SEQUENTIAL, {"name": keras3_name(name), "layers": layers})


def _convert_functional(config: Mapping[str, Any], depth: int) -> dict[str, Any]:
    name = str(config.get("name", "model"))
    offsets = {str(part["name"]): _first_call(part) for part in config["layers"]}
    calls = {str(part["name"]): len(part["inbound_nodes"]) for part in config["layers"]}

    def position(reference: list[Any]) -> list[Any]:
        """`[layer, node, tensor]` with nodes counted as Keras 3 does, from 0."""
        layer, node, tensor = str(reference[0]), int(reference[1]), int(reference[2])
        if layer not in offsets:
            raise InputError(f"a layer of model {name!r}", repr(layer), "The file is damaged: save it again.")
        node -= offsets[layer]
        if not 0 <= node < max(calls[layer], 1):
            raise InputError(
                f"one of the {calls[layer]} calls of layer {layer!r} in model {name!r}",
                f"call {reference[1]}",
                "The file is damaged: save it again.",
            )
        return [keras3_name(layer), node, tensor]

    layers = []
    for part in config["layers"]:
        converted = _convert_part(str(part["class_name"]), part["config"], depth)
        converted["name"] = converted["config"]["name"] = keras3_name(str(part["name"]))
        converted["inbound_nodes"] = [
            _convert_call(node, position, str(part["name"])) for node in part["inbound_nodes"]
        ]
        layers.append(converted)
    _unique(layers, name)

    functional = {keras3_name(str(part["name"])) for part in config["layers"] if part["class_name"] in FUNCTIONAL}

    def end(reference: list[Any]) -> list[Any]:
        # At its ends (and only there) Keras 3 counts the calls of a functional model from 1, as Keras 2 did.
        layer, node, tensor = position(reference)
        return [layer, node + (layer in functional), tensor]

    return stock(
        "keras",
        "Model",
        {
            "name": keras3_name(name),
            "trainable": bool(config.get("trainable", True)),
            "layers": layers,
            "input_layers": _map_references(config["input_layers"], end),
            "output_layers": _map_references(config["output_layers"], end),
        },
    )


def _first_call(part: Mapping[str, Any]) -> int:
    """The number that Keras 2 gave to the first call of this layer inside its parent: 1 for a model with inputs."""
    if part["class_name"] in FUNCTIONAL:
        return 1
    if part["class_name"] != SEQUENTIAL:
        return 0
    inner = part["config"] if isinstance(part["config"], list) else part["config"]["layers"]
    if not inner:
        return 0
    # Keras ≤ 2.3 left the InputLayer out of the config, not out of the model.
    return int(inner[0]["class_name"] == "InputLayer" or "batch_input_shape" in inner[0]["config"])


def _is_reference(value: Any) -> bool:
    return (
        isinstance(value, list)
        and len(value) in (3, 4)
        and isinstance(value[0], str)
        and all(isinstance(number, int) for number in value[1:3])
    )


def _map_references(value: Any, change: Callable[[list[Any]], list[Any]]) -> Any:
    """The model's ends: one tensor stands alone, several keep their list or dict."""
    if _is_reference(value):
        return change(value)
    if isinstance(value, dict):
        return {key: _map_references(item, change) for key, item in value.items()}
    if not isinstance(value, list):
        raise TypeError(f"the end {value!r}")
    mapped = [_map_references(item, change) for item in value]
    return mapped[0] if len(mapped) == 1 else mapped


def _convert_call(node: Any, position: Callable[[list[Any]], list[Any]], layer: str) -> dict[str, Any]:
    """One call of a layer: positional tensors, and keyword arguments that may hold tensors too."""
    keywords: dict[str, Any] = {}

    def tensor(reference: list[Any]) -> dict[str, Any]:
        # Keras replaces this by the tensor of that layer, so that shape and dtype are never looked at.
        history = position(reference)
        return {
            "class_name": "__keras_tensor__",
            "config": {"shape": [None], "dtype": "float32", "keras_history": history},
        }

    def first(value: Any) -> Any:
        if isinstance(value, list) and value and value[0] == "_CONSTANT_VALUE":
            raise InputError(
                f"tensors as the inputs of layer {layer!r}",
                f"the constant {value[2]!r}",
                "Rebuild the model with Rescaling or another stock layer for the constant.",
            )
        if _is_reference(value):
            if len(value) == 4:
                keywords.update(value[3] or {})
            return tensor(value)
        if isinstance(value, dict):
            return {key: first(item) for key, item in value.items()}
        if not isinstance(value, list):
            raise TypeError(f"the input {value!r} of layer {layer!r}")
        return [first(item) for item in value]

    def keyword(value: Any) -> Any:
        if _is_reference(value):
            return tensor(value)
        if isinstance(value, dict):
            return {key: keyword(item) for key, item in value.items()}
        if isinstance(value, list):
            return [keyword(item) for item in value]
        return value

    inputs = first(node)
    if isinstance(inputs, list) and len(inputs) == 1:
        inputs = inputs[0]
    return {
        "args": [inputs],
        "kwargs": {key: keyword(value) for key, value in keywords.items() if value is not None},
    }


def _unique(layers: list[dict[str, Any]], model: str) -> None:
    seen: set[str] = set()
    for layer in layers:
        name = str(layer["config"]["name"])
        if name in seen:
            raise InputError(
                f"layer names of model {model!r} that differ when '/' is written '_'",
                f"{name!r} twice",
                "Rename one of the two layers and save the model again.",
            )
        seen.add(name)
