"""Canonical layer names: the same in every build and in every process.

Keras numbers unnamed layers by a counter of the whole process, so the second InceptionV3 of a session has
other names than the first (297 of its 311). A canonical name is the one that a fresh process would give:
the automatic names of one kind are renumbered from the first, in the order of creation. Given names stay.
"""

from __future__ import annotations

import itertools
import json
import re
from collections import defaultdict
from typing import Any

import keras

from cnnkit.errors import InputError


def automatic_stem(class_name: str) -> str:
    """The stem of Keras's automatic names for a class.

    >>> [automatic_stem(name) for name in ("Conv2D", "BatchNormalization", "ReLU")]
    ['conv2d', 'batch_normalization', 're_lu']
    """
    name = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", re.sub(r"\W+", "", class_name))
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", name).lower()


def canonical_names(classes: dict[str, str]) -> dict[str, str]:
    """The canonical name of each layer.

    Args:
        classes: Layer name → class name.

    >>> canonical_names({"conv2d_17": "Conv2D", "conv2d_9": "Conv2D", "block1_conv1": "Conv2D"})
    {'conv2d_17': 'conv2d_1', 'conv2d_9': 'conv2d', 'block1_conv1': 'block1_conv1'}
    """
    numbers: dict[str, list[tuple[int, str]]] = defaultdict(list)
    for name, class_name in classes.items():
        stem = automatic_stem(class_name)
        match = re.fullmatch(rf"{re.escape(stem)}(?:_(\d+))?", name)
        if match:
            numbers[stem].append((int(match[1] or 0), name))
    automatic = {name for found in numbers.values() for _, name in found}
    taken = set(classes) - automatic
    renamed = {name: name for name in classes}
    for stem, found in numbers.items():
        numbered = (f"{stem}_{count}" if count else stem for count in itertools.count())
        free = (candidate for candidate in numbered if candidate not in taken)
        for _, name in sorted(found):
            renamed[name] = next(free)
    return renamed


def rename_config(config: dict[str, Any]) -> dict[str, Any]:
    """A functional or Sequential model's configuration with canonical layer names, nested models included."""
    layers = config["layers"]
    # The classes of a Sequential's layers stand beside their configuration, as those of a functional model do.
    mapping = canonical_names({layer["config"]["name"]: layer["class_name"] for layer in layers})
    renamed = dict(config)
    renamed["layers"] = [_rename_layer(layer, mapping) for layer in layers]
    for key in ("input_layers", "output_layers"):
        if key in config:
            renamed[key] = _rename_history(config[key], mapping)
    return renamed


def _rename_layer(layer: dict[str, Any], mapping: dict[str, str]) -> dict[str, Any]:
    name = layer["config"]["name"]
    inner = layer["config"]
    inner = rename_config(inner) if isinstance(inner.get("layers"), list) else dict(inner)
    inner["name"] = mapping[name]
    renamed = {**layer, "config": inner}
    if "name" in layer:
        renamed["name"] = mapping[name]
    if "inbound_nodes" in layer:
        renamed["inbound_nodes"] = _rename_tensors(layer["inbound_nodes"], mapping)
    return renamed


def _rename_tensors(value: Any, mapping: dict[str, str]) -> Any:
    """Arguments of a call, where a tensor is written as the history [layer name, call, output]."""
    if isinstance(value, dict):
        return {
            key: _rename_history(part, mapping) if key == "keras_history" else _rename_tensors(part, mapping)
            for key, part in value.items()
        }
    if isinstance(value, (list, tuple)):
        return [_rename_tensors(part, mapping) for part in value]
    return value


def _rename_history(value: Any, mapping: dict[str, str]) -> Any:
    """A history [layer name, call, output], or lists and dictionaries of them."""
    if isinstance(value, dict):
        return {key: _rename_history(part, mapping) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        if len(value) == 3 and isinstance(value[0], str):
            return [mapping[value[0]], *value[1:]]
        return [_rename_history(part, mapping) for part in value]
    return value


def canonical(model: keras.Model) -> keras.Model:
    """The model with canonical layer names and variable paths: itself where it has them already.

    Otherwise a new model is built from the renamed configuration and takes over the weights: a layer's new
    name would not reach the paths of its variables, which optimizers and bundles go by. Nor do names say all: Keras
    builds NASNet in name scopes, which stand in the paths of the first build of a process.

    Raises:
        InputError: Something else than a model.
    """
    if not isinstance(model, keras.Model):
        raise InputError("a keras.Model", f"{type(model).__name__}: {model!r}"[:200], "Pass the .model of a backbone.")
    config = model.get_config()
    renamed = rename_config(config)
    if _text(renamed) == _text(config) and _paths_begin_with_names(model):
        return model
    rebuilt = type(model).from_config(renamed)
    rebuilt.set_weights(model.get_weights())
    return rebuilt


def _paths_begin_with_names(model: keras.Model) -> bool:
    own = (layer for layer in model.layers if not isinstance(layer, keras.Model))
    return all(weight.path.startswith(f"{layer.name}/") for layer in own for weight in layer.weights)


def _text(config: dict[str, Any]) -> str:
    """A configuration to compare by: tuples and lists are one."""
    return json.dumps(config, default=str)
