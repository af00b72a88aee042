"""Keras 2 files, which Keras 3 does not read, as Keras 3 models that give the same numbers."""

from __future__ import annotations

import json as json_module
from pathlib import Path
from typing import Any

import h5py
import keras

from cnnkit.backbones.initial_weights import seeded
from cnnkit.errors import InputError, WeightsError
from cnnkit.export.keras2_config import convert_model
from cnnkit.export.keras2_weights import load_by_name


def import_keras2(json: str | Path | None, h5: str | Path) -> keras.Model:
    """Read a model that Keras 2 saved.

    Args:
        json: What `model.to_json()` wrote. None for a full H5 file, which holds the architecture itself.
        h5: What `model.save_weights("….h5")` or `model.save("….h5")` wrote.

    Returns:
        A Sequential or functional Keras 3 model of stock layers with the file's weights, not compiled. It takes
        what the old model took: its preprocessing is not in the file.

    Raises:
        InputError: The architecture has a layer or an argument that Keras 3 cannot express; it is named.
        WeightsError: A file is missing or damaged, or a tensor does not fit; layer and shapes are named.

    Example:
        model = import_keras2(None, "keras_model.h5")                # Teachable Machine
        model = import_keras2("model.json", "model_weights.h5")
    """
    path = Path(h5)
    try:
        file = h5py.File(path, "r")
    except OSError as error:
        raise WeightsError(
            f"an H5 file at {path}",
            str(error) if path.is_file() else "no such file",
            "Pass the file that Keras 2 wrote with model.save or model.save_weights.",
        ) from error
    with file:
        _check_version(file, path)
        text = _embedded_config(file, path) if json is None else _read_text(Path(json))
        model = build_keras2(text)
        weights = file.get("model_weights", file)
        if "layer_names" not in weights.attrs and "layer_names0" not in weights.attrs:
            raise WeightsError(
                f"the legacy layout with layer_names in {path}",
                f"groups {sorted(file)[:5]}",
                "A .weights.h5 file has no names to check by: save again with model.save_weights('weights.h5').",
            )
        load_by_name(model, weights)
    return model


def build_keras2(text: str) -> keras.Model:
    """The architecture alone, with fresh weights, from a Keras 2 JSON text.

    Raises:
        InputError: The text is not a Keras 2 model of stock layers.
    """
    try:
        described = json_module.loads(text)
        class_name, config = str(described["class_name"]), described["config"]
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise InputError(
            "the JSON of a Keras 2 model, with class_name and config",
            f"{text[:60]!r}",
            "Pass what model.to_json() of Keras 2 returned.",
        ) from error
    try:
        converted = convert_model(class_name, config)
    except (KeyError, TypeError, AttributeError, IndexError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(
            "a complete Keras 2 config",
            f"one in which {error} is missing or of another type",
            "The file is damaged: save the model again.",
        ) from error
    try:
        with seeded(0):
            model: keras.Model = keras.models.model_from_json(json_module.dumps(converted))
    except (ValueError, TypeError, KeyError, IndexError, RuntimeError) as error:
        raise InputError(
            f"a {class_name} that Keras {keras.version()} can build",
            str(error).splitlines()[0][:300],
            "The layer's arguments do not fit its input: check the model in Keras 2.",
        ) from error
    return model


def _check_version(file: h5py.File, path: Path) -> None:
    holder: Any = file if "keras_version" in file.attrs else file.get("model_weights", file)
    version = holder.attrs.get("keras_version", b"2")
    version = version.decode() if isinstance(version, bytes) else str(version)
    if not version.startswith("2."):
        remedy = (
            f"keras.models.load_model({str(path)!r}) reads it."
            if version.startswith("3.")
            else "Save the model with Keras 2 first."
        )
        if version != "2":
            raise WeightsError("a file of Keras 2", f"{path} of Keras {version}", remedy)


def _embedded_config(file: h5py.File, path: Path) -> str:
    config = file.attrs.get("model_config")
    if config is None:
        raise WeightsError(
            f"the architecture in {path} (attribute model_config)",
            "weights only",
            "Pass the JSON that model.to_json() wrote as the first argument.",
        )
    return config.decode() if isinstance(config, bytes) else str(config)


def _read_text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise WeightsError(
            f"a JSON file at {path}", str(error), "Pass what model.to_json() of Keras 2 wrote."
        ) from error
