"""The entries of a model's JSON: a layer or an operation with its arguments, an input with its shape."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from cnnkit.course.submissions.findings import RefusedError, shown
from cnnkit.course.submissions.graph import Part
from cnnkit.course.submissions.json_form import (
    TO_JSON,
    as_flag,
    as_object,
    as_shape,
    check_kind,
    form_error,
    read_arguments,
)
from cnnkit.errors import nearest
from cnnkit.layers.cost import Shape
from cnnkit.layers.stock_objects import POLICY, REGULARIZER
from cnnkit.layers.table import LAYERS, find_row

INPUT_MODULES = (None, "keras.layers")
_OF_EVERY_LAYER = {"name", "trainable", "dtype", "activity_regularizer", "batch_input_shape", "autocast"}
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.\-/]{0,199}")


def read_layer(entry: Mapping[str, Any], name: str, built: tuple[Shape, ...]) -> Part:
    """A layer or an operation that the tables know.

    Args:
        entry: Of the JSON.
        name: The layer's.
        built: What its `build_config` says.

    Raises:
        RefusedError: `layer-unknown`, `layer-argument`, `json-form`.
    """
    class_name, module, config = entry.get("class_name"), entry.get("module"), entry["config"]
    row = find_row(class_name, module)
    registered = entry.get("registered_name")
    if row is None or (registered is not None and row.registered != (registered == class_name)):
        raise unknown_layer(class_name, module, name)
    arguments = {**row.arguments, **row.others}
    own = {key: value for key, value in config.items() if key in arguments or key not in _OF_EVERY_LAYER}
    settings = read_arguments(own, arguments, layer=name, class_name=str(class_name))
    for key, kind in (("dtype", POLICY), ("activity_regularizer", REGULARIZER)):
        if key not in arguments and config.get(key) is not None:
            check_kind(kind, config[key], f"{key} of layer {name!r}")
    trainable = as_flag(config.get("trainable", True), f"trainable of layer {name!r}")
    return Part(name, str(class_name), row, settings, trainable=trainable, built=built)


def check_name(value: Any) -> str:
    """A name of letters, digits and `_ . - /`, without `..`: it becomes a path in the weights file.

    Raises:
        RefusedError: `name-characters`.
    """
    if not isinstance(value, str) or not _NAME.fullmatch(value) or ".." in value or "//" in value or value[-1] == "/":
        raise RefusedError(
            "name-characters",
            "names of at most 200 letters, digits, '_', '-', '.' and '/', without '..'",
            shown(value),
            "Give the layer another name: layer.name = ...",
        )
    return value


def check_unique(parts: list[Part], model: str) -> None:
    """Refuses two layers of one name in one model.

    Raises:
        RefusedError: `name-duplicate`.
    """
    seen: set[str] = set()
    for part in parts:
        if part.name in seen:
            raise RefusedError(
                "name-duplicate", f"layers of model {model!r} with different names", f"{part.name!r} twice", TO_JSON
            )
        seen.add(part.name)


def input_shape(config: Mapping[str, Any], name: str) -> Shape:
    """The shape that an input declares, batch included.

    Raises:
        RefusedError: `json-form`, `layer-argument`.
    """
    known = {"batch_shape", "batch_input_shape", "dtype", "sparse", "ragged", "name", "optional"}
    if unknown := sorted(config.keys() - known):
        raise form_error(f"the arguments of input {name!r}", shown(unknown[0]))
    for argument in ("sparse", "ragged", "optional"):
        if config.get(argument) not in (None, False):
            raise form_error(f"a plain input {name!r}", f"{argument}={shown(config[argument])}")
    dtype = config.get("dtype")
    if dtype not in (None, "float32", "uint8", "int32") and not isinstance(dtype, dict):
        raise form_error(f"a dtype of float32, uint8 or int32 for input {name!r}", shown(dtype))
    if isinstance(dtype, dict):
        check_kind(POLICY, dtype, f"the dtype of input {name!r}")
    return as_shape(config.get("batch_shape", config.get("batch_input_shape")), f"input {name!r}")


def built_shapes(build_config: Any, name: str) -> tuple[Shape, ...]:
    """The shapes in a build_config: Keras would build for them before it looks at the graph.

    Raises:
        RefusedError: `json-form`.
    """
    if build_config is None:
        return ()
    config = as_object(build_config, f"build_config of layer {name!r}")
    if not config.keys() <= {"input_shape", "shapes_dict"}:
        raise form_error(f"input_shape or shapes_dict in build_config of {name!r}", shown(sorted(config)[0]))
    stated = [config.get("input_shape")]
    if "shapes_dict" in config:
        stated += as_object(config["shapes_dict"], f"shapes_dict of layer {name!r}").values()
    shapes: list[Shape] = []
    for value in stated:
        if isinstance(value, list) and value and isinstance(value[0], list):
            shapes += [as_shape(item, f"build_config of layer {name!r}") for item in value]
        elif value is not None:
            shapes.append(as_shape(value, f"build_config of layer {name!r}"))
    return tuple(shapes)


def unknown_layer(class_name: Any, module: Any, where: str) -> RefusedError:
    """The finding for a class that no row of the tables names."""
    close = nearest(str(class_name)[:60], LAYERS)
    hint = f"Did you mean {close[0]}? " if close and close[0] != class_name else ""
    return RefusedError(
        "layer-unknown",
        "the stock layers of image classifiers",
        f"{shown(class_name)} of module {shown(module)} in {where!r}",
        f"{hint}ck.layers.LAYERS lists the layers that may be handed in.",
    )
