"""What runs isolated to reproduce predictions: a student's model in plain Keras, pictures in, probabilities out.

It gets two open files, the architecture and the weights, and two pipes. First it says `begun`, then a line of JSON
with the shape that the model takes; then for each array of pictures, as raw float32, it answers with raw float32.
"""

from __future__ import annotations

import json
import os
import resource
import struct
import sys
import tempfile
from pathlib import Path
from typing import Any

LENGTH = struct.Struct("<Q")
BEGUN = b"begun\n"
OPEN_FILES = 256  # the shared libraries of TensorFlow among them, a few at a time


def main(
    model: int, weights: int, weights_name: str, seconds: int, memory_bytes: int, file_bytes: int, batch: int
) -> None:
    """Answers until its input ends.

    Args:
        model: Descriptor of the architecture.
        weights: Descriptor of the weights.
        weights_name: The name that they were handed in with: Keras goes by its ending.
        seconds: Of CPU time.
        memory_bytes: Of address space.
        file_bytes: Of a file that it writes: it needs a copy of the weights.
        batch: Pictures at a time.
    """
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb", buffering=0)
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    limits = {
        resource.RLIMIT_CPU: seconds,
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_AS: memory_bytes,
        resource.RLIMIT_FSIZE: file_bytes,
        resource.RLIMIT_NOFILE: OPEN_FILES,
    }
    for what, amount in limits.items():
        resource.setrlimit(what, (amount, amount))
    answers.write(BEGUN)
    network = _load(model, weights, weights_name)
    import numpy as np

    shape = network.input_shape[1:]
    answers.write(json.dumps({"shape": shape}).encode() + b"\n")
    while header := sys.stdin.buffer.read(LENGTH.size):
        pictures = np.frombuffer(sys.stdin.buffer.read(LENGTH.unpack(header)[0]), "<f4").reshape(-1, *shape)
        parts = [pictures[start : start + batch] for start in range(0, len(pictures), batch)]
        found = np.concatenate([np.asarray(network(part, training=False)).reshape(-1) for part in parts])
        answers.write(found.astype("<f4").tobytes())


def architecture(text: str) -> str:
    """A model's JSON without how it was compiled, at every depth: Keras would build what is named there as it loads."""
    return json.dumps(json.loads(text, object_hook=_uncompiled))


def _uncompiled(node: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in node.items() if key != "compile_config"}


def _load(model: int, weights: int, name: str) -> Any:
    """The model in plain Keras, which refuses code in safe mode; in cnnkit's reading where Keras 2 saved it."""
    import keras

    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder, name)
        with os.fdopen(weights, "rb") as source, place.open("wb") as copy:
            while part := source.read(1 << 20):
                copy.write(part)
        with os.fdopen(model, encoding="utf-8") as file:
            text = architecture(file.read())
        if str(json.loads(text).get("keras_version", "")).startswith("2."):
            from cnnkit.export.keras2_import import import_keras2

            path = Path(folder, "model.json")
            path.write_text(text, encoding="utf-8")
            return import_keras2(path, place)
        network = keras.models.model_from_json(text)
        network.load_weights(place)
        return network
