"""The form of a model's JSON: objects, lists and flags where Keras writes them, and the finding for anything else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cnnkit.course.submissions.findings import RefusedError, shown
from cnnkit.layers.configuration import LARGEST, REQUIRED, Arguments, Kind, Settings
from cnnkit.layers.cost import Shape

TO_JSON = "Write the file with model.to_json()."


def form_error(expected: str, received: str) -> RefusedError:
    """The finding for what Keras would not have written."""
    return RefusedError("json-form", expected, received, TO_JSON)


def as_object(value: Any, what: str) -> Mapping[str, Any]:
    """The value, which has to be an object.

    Raises:
        RefusedError: `json-form`.
    """
    if not isinstance(value, dict):
        raise form_error(f"an object for {what}", shown(value))
    return value


def as_list(value: Any, what: str) -> list[Any]:
    """The value, which has to be a list.

    Raises:
        RefusedError: `json-form`.
    """
    if not isinstance(value, list):
        raise form_error(f"a list for {what}", shown(value))
    return value


def as_flag(value: Any, what: str) -> bool:
    """The value, which has to be true or false.

    Raises:
        RefusedError: `json-form`.
    """
    if not isinstance(value, bool):
        raise form_error(f"true or false for {what}", shown(value))
    return value


def as_shape(value: Any, what: str) -> Shape:
    """The value, which has to be a shape of 2 to 5 sides, open ones (null) included.

    Raises:
        RefusedError: `json-form`.
    """
    if (
        not isinstance(value, list)
        or not 2 <= len(value) <= 5
        or any(side is not None and (type(side) is not int or not 1 <= side <= LARGEST) for side in value)
    ):
        raise form_error(f"a shape of 2 to 5 sides for {what}", shown(value))
    return tuple(value)


def check_keys(entry: Mapping[str, Any], more: set[str], what: str) -> None:
    """Refuses keys that Keras does not write: neither those of every object nor `more`.

    Raises:
        RefusedError: `json-form`.
    """
    known = {"module", "class_name", "config", "registered_name", "build_config", "compile_config"} | more
    if unknown := sorted(entry.keys() - known):
        raise form_error(f"the keys of Keras's JSON in {what}", shown(unknown[0]))


def check_kind(kind: Kind, value: Any, what: str) -> None:
    """Refuses a value of another kind.

    Raises:
        RefusedError: `layer-argument`.
    """
    try:
        kind.read(value)
    except ValueError as error:
        raise RefusedError("layer-argument", f"{what} to be {kind.words}", shown(value), TO_JSON) from error


def read_arguments(config: Mapping[str, Any], arguments: Arguments, *, layer: str, class_name: str) -> Settings:
    """The arguments of a layer that its shape arithmetic needs.

    Args:
        config: From the file.
        arguments: Those that the class has.
        layer: Its name, for the finding.
        class_name: Its class, for the finding.

    Raises:
        RefusedError: `layer-argument`: one is missing, unknown or of another kind.
    """
    settings: Settings = {}
    for name, value in config.items():
        if name not in arguments:
            raise RefusedError(
                "layer-argument",
                f"arguments of {class_name} in layer {layer!r}",
                f"{shown(name)}",
                "Write the architecture with model.to_json() of a stock model.",
            )
        try:
            settings[name] = arguments[name].read(value)
        except ValueError as error:
            raise RefusedError(
                "layer-argument",
                f"{name} of {class_name} {layer!r} to be {arguments[name].words}",
                shown(value),
                "Use a value that Keras's documentation of the layer names.",
            ) from error
    for name, kind in arguments.items():
        if name not in settings:
            if kind.default is REQUIRED:
                raise RefusedError(
                    "layer-argument", f"{name} of {class_name} {layer!r}", "nothing", "Write it with model.to_json()."
                )
            settings[name] = kind.default
    return settings
