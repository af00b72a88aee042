"""MixUp and CutMix: pictures of a batch blended with others of it, their targets alike. Keras's layers do the work.

They blend encoded columns, one row a picture, so they are for labels and tags. Boxes, masks and points lie somewhere in
a picture, and no weighted mean of two of them is the truth of the blended picture; `Mosaic` is for boxes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from cnnkit.data.arguments import number
from cnnkit.errors import InputError

# The kinds of truth that every mixer blends: rows of numbers between 0 and 1, without a place.
BLENDED_KINDS = ("labels", "tags")


class Mixer(Protocol):
    """What blends the pictures of a batch, and the targets of labels and tags.

    One that blends truth of other kinds names all of its kinds in an attribute `kinds`, for example
    `("labels", "tags", "vectors")`. One with an attribute `of_truth` that is true is given the truth of the pictures
    itself instead of its encoded columns, `Boxes` of `ck.data.targets` say, and returns such.
    """

    def apply(self, images: NDArray[Any], targets: Any, generator: np.random.Generator) -> tuple[Any, Any]:
        """The blended pictures (n, h, w, 3) and targets (n, k), float32, as a function of the generator's state."""


def require_mixable(mix: Mixer, kind: str) -> None:
    """Refuses truth that a mixer does not blend.

    Args:
        mix: What blends.
        kind: Of truth, as `Targets.kind` names it: `"labels"`, `"boxes"`, ….

    Raises:
        InputError: The mixer does not blend this kind.
    """
    kinds: tuple[str, ...] = tuple(getattr(mix, "kinds", BLENDED_KINDS))
    if kind not in kinds:
        raise InputError(
            f"{' or '.join(kinds)} as the truth of pictures that {type(mix).__name__} blends",
            kind,
            "Leave mix out: ck.data.Augmentation and ck.data.RandomErasing change pictures one by one.",
        )


@dataclass(frozen=True)
class MixUp:
    """Weighted means of two pictures, by Zhang et al. 2018, "mixup: Beyond Empirical Risk Minimization".

    Args:
        alpha: The weight is drawn from Beta(α, α): small ones leave most pictures nearly as they are.

    Raises:
        InputError: α is not above 0.
    """

    alpha: float = 0.2
    kinds: ClassVar[tuple[str, ...]] = BLENDED_KINDS

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
            targets: (n, k), the encoded columns of labels or tags.
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
    kinds: ClassVar[tuple[str, ...]] = BLENDED_KINDS

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
