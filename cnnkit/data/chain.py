"""Several augmentations, one after the other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray


class Augmenter(Protocol):
    """What makes a random view of a picture.

    A value: its `repr` says all that the view depends on beside the picture and chance, and names what is kept of it.
    """

    def apply(
        self, image: NDArray[np.uint8] | NDArray[np.float32], generator: np.random.Generator
    ) -> NDArray[np.float32]:
        """A view of the picture (h, w, 3), 0…255: float32 of the same shape. The picture itself may not be changed."""


@dataclass(frozen=True)
class Chain:
    """Views of views: `Chain((Augmentation.gentle(), RandomErasing()))`.

    Args:
        steps: What is applied, in this order.
    """

    steps: tuple[Augmenter, ...]

    def apply(
        self, image: NDArray[np.uint8] | NDArray[np.float32], generator: np.random.Generator
    ) -> NDArray[np.float32]:
        """One view of the picture (h, w, 3), float32; all steps draw from one generator, in turn."""
        view = image.astype(np.float32)
        for step in self.steps:
            view = step.apply(view, generator)
        return view
