"""Several augmentations, one after the other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from cnnkit.data.arguments import augmenter, said
from cnnkit.errors import InputError


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

    Raises:
        InputError: One of them makes no views.
    """

    steps: tuple[Augmenter, ...]

    def __post_init__(self) -> None:
        if not isinstance(self.steps, tuple | list):
            raise InputError("the steps of a chain as a tuple", said(self.steps), "For example Chain((first, second)).")
        for step in self.steps:
            augmenter(step)
        object.__setattr__(self, "steps", tuple(self.steps))

    def apply(
        self, image: NDArray[np.uint8] | NDArray[np.float32], generator: np.random.Generator
    ) -> NDArray[np.float32]:
        """One view of the picture (h, w, 3), float32; all steps draw from one generator, in turn."""
        view = image.astype(np.float32)
        for step in self.steps:
            view = step.apply(view, generator)
        return view
