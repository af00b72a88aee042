"""A frozen prefix as what its features depend on: configuration, weights, engine, and the versions of packages."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from typing import Any

import cv2
import keras
import numpy as np
import PIL
import tensorflow as tf

import cnnkit
from cnnkit.engines.forward import Forward
from cnnkit.layers.carriers import CARRIERS


@dataclass(frozen=True)
class Prefix:
    """What is known of a frozen prefix.

    Attributes:
        digest: A hash of its configuration, its weights and the engine: all that features depend on beside pictures,
            but for code of the user's own.
        shapes: Of its outputs, of one picture.
        portable: Whether there is no such code.
    """

    digest: str
    shapes: tuple[tuple[int | None, ...], ...]
    portable: bool

    @classmethod
    def of(cls, forward: Forward) -> Prefix:
        """That of a model that is run."""
        model = forward.model
        config, portable = portable_config(json.loads(model.to_json()))
        digest = hashlib.sha256(json.dumps(config, sort_keys=True).encode())
        for weight in model.weights:
            digest.update(f"{weight.dtype}{tuple(weight.shape)}".encode())
            digest.update(np.ascontiguousarray(weight.numpy()).tobytes())
        digest.update(f"{forward.numbers} {forward.engine.versions()}".encode())
        return cls(digest.hexdigest(), tuple(tuple(tensor.shape[1:]) for tensor in model.outputs), portable)


@cache
def software() -> dict[str, str]:
    """The versions of what decodes, warps and computes."""
    modules = (cnnkit, keras, tf, cv2, PIL)
    return {"simplejpeg": version("simplejpeg"), **{module.__name__: module.__version__ for module in modules}}


def portable_config(value: Any) -> tuple[Any, bool]:
    """A configuration without the flags that do not change what it computes, and whether it is all Keras's own.

    Code of the user's own, in a layer or an activation, is named in a configuration but not contained; so is what a
    class of `layers.carriers` holds, a Lambda for example.
    """
    if isinstance(value, list):
        parts = [portable_config(part) for part in value]
        return [part for part, _ in parts], all(own for _, own in parts)
    if isinstance(value, dict):
        module = value.get("module")
        keras_own = not isinstance(module, str) or module.split(".")[0] == "keras"
        own = keras_own and value.get("class_name") not in CARRIERS
        named = {name: portable_config(part) for name, part in value.items() if name != "trainable"}
        return {name: part for name, (part, _) in named.items()}, own and all(part for _, part in named.values())
    return value, True
