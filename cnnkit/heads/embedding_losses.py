"""The losses that an embedding may be trained by."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from cnnkit.losses.margins import arcface, cosface, sphereface
from cnnkit.losses.pairs import contrastive, triplet

EmbeddingLoss = Literal["arcface", "cosface", "sphereface", "softmax", "triplet", "contrastive"]


@dataclass(frozen=True)
class LossKind:
    """A loss by its name.

    Attributes:
        function: Of labels and cosines with all identities, or of labels and vectors; with `margin`.
        margin: The default, of the paper.
        identities: Whether each identity has a vector of its own, which pictures are compared with.
    """

    function: Callable[..., Any]
    margin: float
    identities: bool = True


LOSSES: dict[str, LossKind] = {
    "arcface": LossKind(arcface, 0.5),
    "cosface": LossKind(cosface, 0.35),
    "sphereface": LossKind(sphereface, 4),
    "softmax": LossKind(cosface, 0.0),
    "triplet": LossKind(triplet, 0.2, identities=False),
    "contrastive": LossKind(contrastive, 1.0, identities=False),
}
