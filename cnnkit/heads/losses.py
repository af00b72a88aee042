"""The losses of a classifier by name: what is computed for a picture, and how much its class weighs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import keras

from cnnkit.losses.focal import binary_focal, categorical_focal

LossName = Literal["cross_entropy", "focal", "class_balanced", "class_balanced_focal"]

FOCAL = ("focal", "class_balanced_focal")
"""Those that depend on `gamma`."""
BALANCED = ("class_balanced", "class_balanced_focal")
"""Those that weigh a picture by the effective number of its class, which depends on `beta`."""


class FocalLoss(keras.losses.Loss):
    """`ck.losses.binary_focal` or `categorical_focal` of targets that are smoothed first.

    Args:
        softmax: One distribution over the units, else each unit is a sigmoid of its own.
        gamma: As in the functions.
        label_smoothing: Part of the target spread over all classes.
    """

    def __init__(self, *, softmax: bool, gamma: float, label_smoothing: float) -> None:
        super().__init__(name="focal")
        self.softmax = softmax
        self.gamma = gamma
        self.label_smoothing = label_smoothing

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """(n, units) targets and outputs → (n,)."""
        classes = y_pred.shape[-1] if self.softmax else 2
        smoothed = y_true * (1 - self.label_smoothing) + self.label_smoothing / classes
        function: Callable[..., Any] = categorical_focal if self.softmax else binary_focal
        return function(smoothed, y_pred, gamma=self.gamma)


def make_loss(name: LossName, *, softmax: bool, gamma: float, label_smoothing: float) -> keras.losses.Loss:
    """The loss of a name, without the weights of pictures."""
    if name in FOCAL:
        return FocalLoss(softmax=softmax, gamma=gamma, label_smoothing=label_smoothing)
    kind = keras.losses.CategoricalCrossentropy if softmax else keras.losses.BinaryCrossentropy
    return kind(label_smoothing=label_smoothing)
