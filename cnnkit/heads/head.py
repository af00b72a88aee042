"""What every head offers: all that the rest of cnnkit knows of a task."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import keras
import numpy as np
from numpy.typing import NDArray

from cnnkit.data.targets.boxes import Boxes
from cnnkit.data.targets.targets import Targets

Arrays = NDArray[Any] | Mapping[str, NDArray[Any]]
"""What a head makes of truth: one array, or several by name; the first axis is the picture."""
Features = keras.KerasTensor | Mapping[str, keras.KerasTensor]
"""What a head is put on: the cut, or its taps by name."""
Outputs = Any
"""A tensor or a dictionary of tensors, as the model gives them; NumPy arrays where a head decodes."""
Size = tuple[int, int]
"""Height and width of the input in pixels."""


class Score(Protocol):
    """How good predictions are, over many pictures."""

    def add(self, truth: Targets, predictions: Targets) -> NDArray[np.float64]:
        """Counts some pictures; (n,) how wrong each is, 0 for right."""

    def result(self) -> dict[str, float]:
        """Name → number, of all pictures that were added."""


@runtime_checkable
class Head(Protocol):
    """Layers on the features of a backbone, and all that belongs to their task."""

    @property
    def names(self) -> tuple[str, ...]:
        """Of the classes or points, in the order of the truth; () where nothing has a name."""

    @property
    def target(self) -> type[Targets]:
        """The kind of truth that it learns from and predicts; of an `OpenSetHead` what it predicts."""

    @property
    def taps(self) -> tuple[str, ...]:
        """Where it takes features: () for the cut, or levels of the backbone's pyramid, `("P3", "P4", "P5")`."""

    def build(self, features: Any) -> keras.KerasTensor | Mapping[str, keras.KerasTensor]:
        """Puts new layers on the tensor of the cut, (batch, h, w, c) or (batch, c), or on the taps by name.

        Returns:
            The output, or several by name.
        """

    def encode(self, truth: Any, size: Size) -> Arrays:
        """Truth in the pixels of an input of `size` → what `loss` takes. Called from several threads."""

    def loss(self, encoded: Any, outputs: Outputs) -> Any:
        """(n,) one number for each picture, in `keras.ops`."""

    def weights(self, truth: Any) -> NDArray[np.float32] | None:
        """(n,) of each example in the loss, given the truth of all training examples; None for the same for all."""

    def decode(self, outputs: Any, size: Size) -> Targets:
        """Outputs as arrays → what they say, in the pixels of an input of `size`, with scores."""

    def score(self) -> Score:
        """A fresh score."""

    def settings(self) -> dict[str, Any]:
        """The head as JSON values, with its `kind`; `heads.from_settings` is the way back."""


@runtime_checkable
class MapHead(Protocol):
    """A head whose outputs are maps over the whole input, (n, h, w, …) each.

    They mirror with it, and those of neighbouring windows can be joined.
    """

    def answer_map(self, outputs: Any) -> NDArray[np.float32]:
        """(n, h, w, c) the one that is decoded; `decode` takes it alone too, and of any size."""


@runtime_checkable
class MirrorHead(Protocol):
    """A head whose outputs for a mirrored picture say what it thinks of the picture itself, once they are put right."""

    def mirrored(self, outputs: Any) -> Any:
        """Outputs for mirrored pictures → for the pictures themselves: their mean with the others is decoded."""


@runtime_checkable
class StagedHead(Protocol):
    """A head that answers several times, each time better."""

    @property
    def stages(self) -> int:
        """How many answers there are."""

    def at_stage(self, stage: int) -> Head:
        """The head that decodes the answer of a stage, from 1 on."""


@runtime_checkable
class BoxHead(Protocol):
    """A head of boxes that can join what it says of one photograph in several looks: mirrored, or part by part."""

    def joined(self, looks: Sequence[Boxes], cut: Sequence[NDArray[np.bool_]] | None = None) -> Boxes:
        """The boxes of n photographs.

        Args:
            looks: Each of all n photographs, in their pixels.
            cut: Of each look which of its boxes end where it does and the photograph does not; None: none does.
        """


@runtime_checkable
class MeasuredHead(Protocol):
    """A head with measures so cheap that every training step takes them, and a loss that plain Keras knows."""

    def metrics(self) -> list[keras.metrics.Metric]:
        """Fresh metrics of encoded truth and outputs; the first is the one that a person asks for."""

    def keras_loss(self) -> keras.losses.Loss:
        """The mean of `loss` over pictures, as `model.compile` takes it."""


def metrics_of(head: Head) -> list[keras.metrics.Metric]:
    """The cheap measures of a head, fresh; none of one that has none."""
    return head.metrics() if isinstance(head, MeasuredHead) else []


@dataclass(frozen=True)
class CrossEntropy:
    """A loss that is convex for a linear layer, so that its optimum can be solved for.

    Attributes:
        softmax: One distribution over the units; else each unit is a sigmoid of its own.
        smoothing: Part of the target that is spread over all classes.
    """

    softmax: bool
    smoothing: float = 0.0


@runtime_checkable
class ConvexHead(Protocol):
    """A head whose output layer can be solved for exactly where it is linear on frozen features."""

    @property
    def cross_entropy(self) -> CrossEntropy | None:
        """The loss as a solver needs it; None where it is another one."""


@runtime_checkable
class OpenSetHead(Protocol):
    """A head that compares pictures with each other, whoever they show: of other classes than it was trained on too."""

    @property
    def truth(self) -> type[Targets]:
        """The kind of truth that it learns from and is scored on, which is another one than it predicts."""

    @property
    def group(self) -> int:
        """Pictures of one class that stand side by side in a training batch; 1 where that does not matter."""

    def judges(self, truth: Any) -> bool:
        """Whether the loss says anything of pictures with this truth."""


def truth_kind(head: Head) -> type[Targets]:
    """The kind of truth that a head learns from."""
    return head.truth if isinstance(head, OpenSetHead) else head.target


@runtime_checkable
class ClosedFormHead(Protocol):
    """A head whose layers can be solved for at once where they are put on frozen features."""

    def closed_form(self, features: NDArray[np.float32], encoded: Any) -> Mapping[str, Sequence[NDArray[Any]]]:
        """Layer → its weights in order.

        Args:
            features: (n, d) of the training pictures, as the first layer with weights gets them.
            encoded: From `encode`.
        """
