"""What a model's JSON may not hold anywhere: code, files, vocabularies, and objects that are not Keras's own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cnnkit.course.submissions.findings import RefusedError, shown
from cnnkit.course.submissions.json_form import form_error
from cnnkit.layers.carriers import CARRIERS

# What a carrier carries → the check that refuses it.
_CHECKS = {"code": "layer-code", "a file": "layer-file", "a vocabulary": "layer-vocabulary"}
_COMPILE_MODULES = ("keras.losses", "keras.metrics", "keras.optimizers", "keras.optimizers.schedules")
_FUNCTION = ("builtins", "function")  # one's own loss or metric: its name alone


def refuse_foreign(document: Any) -> None:
    """Refuses code, files, vocabularies and objects that are not Keras's own, each with its explanation.

    Args:
        document: What `parse_json` gave.

    Raises:
        RefusedError: `layer-code`, `layer-file`, `layer-vocabulary`, `layer-custom`, `compile-config`.
    """
    waiting = [(document, "the model")]
    while waiting:
        node, layer = waiting.pop()
        if isinstance(node, list):
            waiting += [(item, layer) for item in node]
        elif isinstance(node, dict):
            if isinstance(node.get("config"), dict) and "class_name" in node:
                layer = shown(node["config"].get("name", layer))
            _refuse_class(node, layer)
            for key, item in node.items():
                if key == "compile_config":
                    _check_compile(item)
                else:
                    waiting.append((item, layer))


def _refuse_class(node: Mapping[str, Any], layer: str) -> None:
    class_name, module = node.get("class_name"), node.get("module")
    if isinstance(class_name, str) and class_name in CARRIERS:
        carrier = CARRIERS[class_name]
        raise RefusedError(
            _CHECKS[carrier.load],
            f"stock layers without {carrier.load}",
            f"{class_name} in {layer}",
            f"Use {carrier.instead} in its place and train again.",
        )
    if "__lambda__" in node:
        raise RefusedError("layer-code", "stock layers without code", f"__lambda__ in {layer}", "Use a stock layer.")
    if class_name is None:
        return
    registered = node.get("registered_name")
    known = registered in (None, class_name, node.get("config") if class_name == "function" else class_name)
    if not known or not (module is None or (isinstance(module, str) and _of_keras(module, class_name))):
        raise RefusedError(
            "layer-custom",
            "objects of Keras itself",
            f"{shown(class_name)} of module {shown(module)}, registered as {shown(registered)}, in {layer}",
            "Build the model from keras.layers: a grader has none of your own classes.",
        )


def _of_keras(module: str, class_name: Any) -> bool:
    return module == "keras" or module.startswith("keras.") or (module == "builtins" and class_name == "function")


def _check_compile(config: Any) -> None:
    """Optimizer, losses and metrics of Keras and nothing that could be a layer: loading a model builds them all."""
    if not isinstance(config, dict | None):
        raise form_error("an object for compile_config", shown(config))
    waiting: list[Any] = [config]
    while waiting:
        node = waiting.pop()
        if isinstance(node, list):
            waiting += node
        elif isinstance(node, dict):
            module, class_name = node.get("module"), node.get("class_name")
            registered = node.get("registered_name")
            if "class_name" in node and (
                not (module in _COMPILE_MODULES or (module, class_name) == _FUNCTION)
                or registered not in (None, class_name, node.get("config") if class_name == "function" else None)
            ):
                raise RefusedError(
                    "compile-config",
                    "a compile_config with optimizer, loss and metrics of Keras, or none",
                    f"{shown(class_name)} of module {shown(module)}",
                    "Write the JSON before model.compile(), or of keras.Model(model.inputs, model.outputs).",
                )
            waiting += node.values()
        elif not (node is None or isinstance(node, str | int | float)):
            raise form_error("plain values in compile_config", shown(node))
