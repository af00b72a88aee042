"""What every head offers; `transfer` knows nothing else about a task."""

from __future__ import annotations

from typing import Any, Protocol, runtime_checkable

import keras
import numpy as np
from numpy.typing import NDArray


@runtime_checkable
class Head(Protocol):
    """Layers on the features of a backbone, and all that belongs to their task."""

    @property
    def classes(self) -> tuple[str, ...]:
        """Class names, in the order of the output units."""

    def build(self, features: keras.KerasTensor) -> keras.KerasTensor:
        """Puts new layers on features, (batch, h, w, c) or (batch, c), and returns the output tensor."""

    def loss(self) -> keras.losses.Loss:
        """The loss between `encode`d targets and the output."""

    def metrics(self) -> list[keras.metrics.Metric]:
        """Fresh metrics; the first is the one that a person asks for."""

    def encode(self, labels: NDArray[Any]) -> NDArray[np.float32]:
        """Labels of a source → targets of the loss."""

    def sample_weights(self, labels: NDArray[Any], counts: NDArray[np.int64]) -> NDArray[np.float32] | None:
        """The weight of each example in the loss, given how often each class occurs in training; None = 1."""

    def probabilities(self, outputs: NDArray[np.float32]) -> NDArray[np.float32]:
        """Model outputs → one column a class, (batch, classes)."""

    def decide(self, probabilities: NDArray[np.float32]) -> list[str]:
        """The label of each row of `probabilities`."""

    def settings(self) -> dict[str, Any]:
        """The head as JSON values, with its `kind`; `heads.from_settings` is the way back."""


@runtime_checkable
class ScoringHead(Protocol):
    """A head whose decisions can be scored: what it gives, `ck.evaluate` gives too."""

    def decisions(self, probabilities: NDArray[Any]) -> NDArray[np.bool_]:
        """(n, classes) which classes are decided for."""

    def scores(self, labels: NDArray[Any], probabilities: NDArray[Any]) -> dict[str, float]:
        """Name → score of all pictures of a source, whose labels these are."""
