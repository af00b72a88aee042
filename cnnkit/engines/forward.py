"""Running a model forward, batch after batch, on the engine that suits."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from threading import Lock
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from cnnkit.engines.folded_graph import fold, trace
from cnnkit.engines.runtimes import (
    ENGINES,
    TOLERANCE,
    Kind,
    Pictures,
    Precision,
    Run,
    Runtime,
    deviation,
    has_bfloat16,
)
from cnnkit.engines.unchanged import WeightValues

CHECKED_PICTURES = 2
TENSORFLOW = Runtime()


def _nothing(_text: str) -> None: ...


class Forward:
    """A model in inference mode as a function of arrays, with the weights that it has when it starts.

    The first call, and that with the first float pictures, traces the model, folds it (`folded_graph`), starts the
    engine and compares its numbers on a few pictures with Keras's. Where they differ, or the engine fails, TensorFlow
    takes its place, in the end with the graph as it was traced. It may be called from several threads at once.

    Args:
        model: One input, (batch, height, width, 3); one output or several.
        runtime: The engine and its precision, which is float32 where the processor has no bfloat16.
        kind: Of the pictures: `"uint8"`, of which a quarter is copied, as long as no others come; or `"float32"` from
            the beginning, which takes both.
        folded: False runs the graph as Keras traces it, in TensorFlow: a start of no time, each picture up to twice as
            slow, and always with the weights of the moment.
        trace: Makes the traced graph of the model, as `folded_graph.trace` does.
        say: Is told in one line what runs. A runtime of the extra that failed is a warning too.
    """

    def __init__(
        self,
        model: keras.Model,
        runtime: Runtime = TENSORFLOW,
        *,
        kind: Kind = "uint8",
        folded: bool = True,
        trace: Callable[[keras.Model], Any] = trace,
        say: Callable[[str], None] = _nothing,
    ) -> None:
        self.model = model
        self.runtime = runtime
        self.engine = runtime.row
        self._precision: Precision = runtime.precision if has_bfloat16() else "float32"
        self._note = "" if self._precision == runtime.precision else ": this processor has no bfloat16"
        self._kind = kind
        self._folded = folded
        self._trace = trace
        self._say = say
        self._line = ""
        self._run: Run | None = None
        self._weights: WeightValues | None = None
        self._lock = Lock()

    @property
    def kind(self) -> Kind:
        """Of the pictures that it takes without making it anew."""
        return self._kind

    @property
    def numbers(self) -> str:
        """What the numbers depend on beside model and pictures: engine and precision, e.g. `"tensorflow float32"`."""
        return f"{self.engine.name} {self._precision}{'' if self._folded else ' as traced'}"

    def is_current(self) -> bool:
        """Whether the weights that it computes with are those of the model."""
        return self._weights is None or self._weights.same()

    def tell(self, say: Callable[[str], None]) -> None:
        """Tells what runs from now on to another listener, and at once if it runs already."""
        self._say = say
        if self._line:
            say(self._line)

    def __call__(self, images: Pictures) -> list[NDArray[np.float32]]:
        """One array for each output of the model, whatever the number of pictures."""
        run, kind = self._running(images)
        step = max(1, self.engine.at_once // math.prod(images.shape[1:3]))
        parts = [run(np.asarray(images[start : start + step], kind)) for start in range(0, len(images), step)]
        return [np.concatenate(outputs) for outputs in zip(*parts, strict=True)]

    def _running(self, images: Pictures) -> tuple[Run, Kind]:
        with self._lock:
            if self._kind == "uint8" and images.dtype != np.uint8:
                self._kind, self._run = "float32", None
            if self._run is None:
                self._run = self._started(np.asarray(images[:CHECKED_PICTURES], self._kind))
            return self._run, self._kind

    def _started(self, pictures: Pictures) -> Run:
        traced = self._trace(self.model)

        def keras_run(images: Pictures) -> list[NDArray[np.float32]]:
            return [output.numpy() for output in traced(tf.constant(images, tf.float32))]

        run = self._checked(traced, pictures, keras_run(pictures)) if self._folded else None
        if run is None:
            self._weights = None  # the traced graph reads them from the variables
            self._tell("engine: TensorFlow with the graph as Keras traces it")
        return run or keras_run

    def _checked(self, traced: Any, pictures: Pictures, expected: list[NDArray[np.float32]]) -> Run | None:
        """The engine, or TensorFlow in its place; None where neither gives the expected numbers."""
        tolerance = TOLERANCE[self._precision]
        for engine in dict.fromkeys((self.engine, ENGINES["tensorflow"])):
            try:
                self._weights = WeightValues(self.model)  # before they are read: what is written meanwhile is seen
                run = engine.start(fold(traced), self._precision, self._kind)
                off = deviation(run(pictures), expected)
            except Exception as error:  # converters fail in any way
                reason = " ".join([f"{type(error).__name__}:", *str(error).strip().splitlines()[:1]])
            else:
                if off <= tolerance:
                    self._tell(f"engine: {engine.name} {self._precision}, {off:.0e} off Keras's numbers{self._note}")
                    return run
                reason = f"{off:.0e} off Keras's numbers, more than {tolerance:.0e}"
            self._failed(f"engine {engine.name} is not used: {reason}")
        return None

    def _tell(self, line: str) -> None:
        self._line = line
        self._say(line)

    def _failed(self, text: str) -> None:
        self._say(text)
        if self.engine is not ENGINES["tensorflow"]:
            warnings.warn(text, stacklevel=2)
