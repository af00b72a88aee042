"""What runs isolated to reproduce predictions: a student's model in plain Keras, pictures in, probabilities out.

It gets two open files, the architecture and the weights, and two pipes. First it says `begun`, then a line of JSON
with the shape that the model takes; then for each way of bringing pictures to it, a line of JSON and the pictures as
they are, it answers with raw float32. Framing, whatever size a student chose for the input, happens in here.
"""

from __future__ import annotations

import json
import os
import resource
import struct
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cnnkit.data.views.framing import Framing

SHAPE = struct.Struct("<II")
FRAMINGS = {"crop": Framing("crop"), "squash": Framing("squash"), "pad": Framing("pad")}
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
    shape = network.input_shape[1:]
    answers.write(json.dumps({"shape": shape}).encode() + b"\n")
    predict = _predictor(network)
    while line := sys.stdin.buffer.readline():
        answers.write(_answer(Way(**json.loads(line)), shape, predict, batch).astype("<f4").tobytes())


@dataclass(frozen=True)
class Way:
    """A way of bringing pictures to a model's input.

    Attributes:
        framing: A key of `FRAMINGS`.
        factor: Of the values 0…255.
        offset: Added to that.
        count: How many pictures follow.
    """

    framing: str
    factor: float
    offset: float
    count: int


def send_picture(picture: NDArray[np.uint8]) -> bytes:
    """A picture (h, w, 3) as `main` reads it."""
    return SHAPE.pack(*picture.shape[:2]) + np.ascontiguousarray(picture).tobytes()


def _read_picture() -> NDArray[np.uint8]:
    height, width = SHAPE.unpack(sys.stdin.buffer.read(SHAPE.size))
    data = sys.stdin.buffer.read(height * width * 3)
    return np.frombuffer(data, np.uint8).reshape(height, width, 3)


def _answer(way: Way, shape: tuple[int, int, int], predict: Callable[[Any], Any], batch: int) -> NDArray[np.float32]:
    """Probabilities of the pictures that follow; no more than a batch of them is in memory."""
    found = []
    for start in range(0, way.count, batch):
        pictures = [_read_picture() for _ in range(min(batch, way.count - start))]
        framed = np.stack([FRAMINGS[way.framing].apply(picture, shape[:2]) for picture in pictures])
        inputs = framed.astype(np.float32) * np.float32(way.factor) + np.float32(way.offset)
        found.append(np.asarray(predict(inputs), np.float32).reshape(-1))
    return np.concatenate(found)


def _predictor(network: Any) -> Callable[[Any], Any]:
    """The network as one graph: run eagerly, Keras keeps every array of a pass to its end."""
    import tensorflow as tf

    graph = tf.function(
        lambda pictures: network(pictures, training=False),
        input_signature=[tf.TensorSpec((None, *network.input_shape[1:]), tf.float32)],
    )
    return lambda pictures: graph(tf.constant(pictures)).numpy()


def architecture(text: str) -> str:
    """A model's JSON without how it was compiled, at every depth: Keras would build what is named there as it loads."""
    return json.dumps(json.loads(text, object_hook=_uncompiled))


def _uncompiled(node: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in node.items() if key != "compile_config"}


def _load(model: int, weights: int, name: str) -> Any:
    """The model in plain Keras, which refuses code in safe mode; in cnnkit's reading where Keras 2 saved it."""
    import keras

    with tempfile.TemporaryDirectory() as folder:
        for descriptor in (model, weights):
            os.lseek(descriptor, 0, os.SEEK_SET)  # the gate has read the same open files
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
