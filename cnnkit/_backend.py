"""Keras on TensorFlow: cnnkit's graphs, engines and gradients are TensorFlow's, whatever else Keras can run on."""

from __future__ import annotations

import importlib
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from cnnkit._quiet import quietly
from cnnkit.errors import BackendError

TENSORFLOW = "tensorflow"

T = TypeVar("T")


def with_tensorflow(load: Callable[[], T]) -> T:
    """What `load` gives, which may import Keras.

    Raises:
        BackendError: Keras runs on another backend, or would if that were installed.
    """
    try:
        loaded = load()
    except ImportError as error:
        if configured() != TENSORFLOW:
            raise _another(configured()) from error
        raise
    keras = sys.modules.get("keras")
    backend = keras.config.backend() if keras is not None else TENSORFLOW
    if backend != TENSORFLOW:
        raise _another(backend)
    return loaded


def import_keras() -> None:
    """Imports Keras without TensorFlow's remarks, for what will need it.

    Raises:
        BackendError: As of `with_tensorflow`.
    """
    with_tensorflow(lambda: quietly(lambda: importlib.import_module("keras")))


def configured() -> str:
    """The backend that Keras would load: of KERAS_BACKEND, else of keras.json."""
    if named := os.environ.get("KERAS_BACKEND"):
        return named
    try:
        settings = json.loads((_home() / "keras.json").read_text(encoding="utf-8"))
        return str(settings.get("backend", TENSORFLOW))
    except (OSError, ValueError, AttributeError):
        return TENSORFLOW


def _home() -> Path:
    return Path(os.environ.get("KERAS_HOME") or Path.home() / ".keras").expanduser()


def _another(backend: str) -> BackendError:
    return BackendError(
        "Keras on TensorFlow, which cnnkit's training and prediction are written for",
        f"the backend {backend!r}, from KERAS_BACKEND or {_home() / 'keras.json'}",
        'Set KERAS_BACKEND="tensorflow" before Python starts, or restart the kernel of a notebook after setting it.',
    )
