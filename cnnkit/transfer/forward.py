"""Running a model forward, batch after batch, on the engine that suits."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from cnnkit.transfer.engines import (
    ENGINES,
    TOLERANCE,
    EngineName,
    Kind,
    Pictures,
    Precision,
    Run,
    deviation,
    find_engine,
    has_bfloat16,
)
from cnnkit.transfer.folded_graph import fold, trace

CHECKED_PICTURES = 2


def _nothing(_text: str) -> None: ...


class Forward:
    """A model in inference mode as a function of arrays, with the weights that it has when it starts.

    The first call, and that with the first float pictures, traces the model, folds it (`folded_graph`), starts the
    engine and compares its numbers on a few pictures with Keras's. Where they differ, or the engine fails, TensorFlow
    takes its place, in the end with the graph as it was traced.

    Args:
        model: One input, (batch, height, width, 3); one output or several.
        engine: `"tensorflow"`, `"onnx"`, `"openvino"`, or `"auto"`, the first of `AUTO` that is installed.
        precision: `"float32"`; or `"bfloat16"`, where the processor has it.
        kind: Of the pictures: `"uint8"`, of which a quarter is copied, as long as no others come; or `"float32"` from
            the beginning, which takes both.
        say: Is told in one line what runs. A runtime of the extra that failed is a warning too.

    Raises:
        UnknownNameError: No such engine or precision.
        InputError: The engine does not compute in that precision.
        MissingExtraError: A package of the engine is not installed.
    """

    def __init__(
        self,
        model: keras.Model,
        *,
        engine: EngineName = "tensorflow",
        precision: Precision = "float32",
        kind: Kind = "uint8",
        say: Callable[[str], None] = _nothing,
    ) -> None:
        self.model = model
        self._say = say
        self.engine = find_engine(engine, precision)
        self._precision: Precision = precision if has_bfloat16() else "float32"
        self._note = "" if self._precision == precision else ": this processor has no bfloat16"
        self._kind = kind
        self._run: Run | None = None

    @property
    def numbers(self) -> str:
        """What the numbers depend on beside model and pictures: engine and precision, e.g. `"tensorflow float32"`."""
        return f"{self.engine.name} {self._precision}"

    def __call__(self, images: Pictures) -> list[NDArray[np.float32]]:
        """One array for each output of the model, whatever the number of pictures."""
        if self._kind == "uint8" and images.dtype != np.uint8:
            self._kind, self._run = "float32", None
        if self._run is None:
            self._run = self._started(np.asarray(images[:CHECKED_PICTURES], self._kind))
        step = max(1, self.engine.at_once // math.prod(images.shape[1:3]))
        parts = [
            self._run(np.asarray(images[start : start + step], self._kind)) for start in range(0, len(images), step)
        ]
        return [np.concatenate(outputs) for outputs in zip(*parts, strict=True)]

    def _started(self, pictures: Pictures) -> Run:
        traced = trace(self.model)

        def keras_run(images: Pictures) -> list[NDArray[np.float32]]:
            return [output.numpy() for output in traced(tf.constant(images, tf.float32))]

        expected = keras_run(pictures)
        tolerance = TOLERANCE[self._precision]
        for engine in dict.fromkeys((self.engine, ENGINES["tensorflow"])):
            try:
                run = engine.start(fold(traced), self._precision, self._kind)
                off = deviation(run(pictures), expected)
            except Exception as error:  # converters fail in any way
                reason = " ".join([f"{type(error).__name__}:", *str(error).strip().splitlines()[:1]])
            else:
                if off <= tolerance:
                    self._say(f"engine: {engine.name} {self._precision}, {off:.0e} off Keras's numbers{self._note}")
                    return run
                reason = f"{off:.0e} off Keras's numbers, more than {tolerance:.0e}"
            self._failed(f"engine {engine.name} is not used: {reason}")
        self._say("engine: TensorFlow with the graph as Keras traces it")
        return keras_run

    def _failed(self, text: str) -> None:
        self._say(text)
        if self.engine is not ENGINES["tensorflow"]:
            warnings.warn(text, stacklevel=2)
