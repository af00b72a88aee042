"""MixUp and CutMix: pictures of a batch blended with others of it, their targets alike. Keras's layers do the work."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from cnnkit.data.arguments import number
from cnnkit.errors import InputError


class Mixer(Protocol):
    """What blends the pictures of a batch."""

    def apply(
        self, images: NDArray[Any], targets: NDArray[np.float32], generator: np.random.Generator
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """The blended pictures (n, h, w, 3) and targets (n, k), float32, as a function of the generator's state."""


@dataclass(frozen=True)
class MixUp:
    """Weighted means of two pictures, by Zhang et al. 2018, "mixup: Beyond Empirical Risk Minimization".

    Args:
        alpha: The weight is drawn from Beta(α, α): small ones leave most pictures nearly as they are.

    Raises:
        InputError: α is not above 0.
    """

    alpha: float = 0.2

    def __post_init__(self) -> None:
        expected, remedy = "alpha above 0", "The paper uses 0.1 to 0.4; None mixes nothing."
        if number(self.alpha, "alpha", expected, remedy) <= 0:
            raise InputError(expected, str(self.alpha), remedy)

    def apply(
        self, images: NDArray[Any], targets: NDArray[np.float32], generator: np.random.Generator
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """The blended pictures and targets of a batch.

        Args:
            images: (n, h, w, 3).
            targets: (n, k), one-hot or numbers.
            generator: Gives the seed of Keras's layer.
        """
        import keras

        return _mixed(keras.layers.MixUp(self.alpha, seed=_seed(generator)), images, targets)


@dataclass(frozen=True)
class CutMix:
    """A rectangle of another picture, by Yun et al. 2019, "CutMix"; the targets are weighted by area.

    Args:
        alpha: The area left is drawn from Beta(α, α), 0 < α ≤ 1; 1 is uniform, the paper's choice.

    Raises:
        InputError: α out of range.
    """

    alpha: float = 1.0

    def __post_init__(self) -> None:
        expected, remedy = "alpha above 0 and up to 1", "1 is the paper's; None mixes nothing."
        if not 0 < number(self.alpha, "alpha", expected, remedy) <= 1:
            raise InputError(expected, str(self.alpha), remedy)

    def apply(
        self, images: NDArray[Any], targets: NDArray[np.float32], generator: np.random.Generator
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """The blended pictures and targets of a batch, as for `MixUp`."""
        import keras

        return _mixed(keras.layers.CutMix((self.alpha, self.alpha), seed=_seed(generator)), images, targets)


def _seed(generator: np.random.Generator) -> int:
    return int(generator.integers(2**31))


def _mixed(
    layer: Any, images: NDArray[Any], targets: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    mixed = layer({"images": images.astype(np.float32), "labels": targets}, training=True)
    return np.asarray(mixed["images"]), np.asarray(mixed["labels"])
