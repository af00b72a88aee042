"""How `ck.finetune` trains where nobody asks for something else: the kind of truth decides."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from cnnkit.data.source import Source
from cnnkit.data.views.augmentation import Augmentation
from cnnkit.data.views.chain import Chain
from cnnkit.data.views.framing import Framing
from cnnkit.data.views.random_crop import RandomCrop
from cnnkit.data.views.view import Augmenter
from cnnkit.transfer.plan import Plan
from cnnkit.transfer.plans import freeze_then_finetune, together

Size = tuple[int, int]

# Both sides of an input of masks are multiples of this, so that each scale is exactly half of the one before.
STRIDE = 32
# Photographs with more pixels are framed smaller: 384 × 512 is what a laptop trains in minutes.
MOST_PIXELS = 384 * 512


@dataclass(frozen=True)
class DefaultTraining:
    """What suits one kind of truth.

    Attributes:
        plan: Given whether there are pictures of validation.
        augment: Given height and width of the input.
        views: As in `fit`.
        batch_size: Pictures a step.
        framing: How a picture meets the input; None as the backbone's published accuracy was measured.
        input_shape: Of the input for the training pictures; None what the weights were trained at.
    """

    plan: Callable[[bool], Plan]
    augment: Callable[[Size], Augmenter]
    views: int | None
    batch_size: int
    framing: Framing | None = None
    input_shape: Callable[[Source], tuple[int, int, int]] | None = None


def whole_photographs(source: Source) -> tuple[int, int, int]:
    """(height, width, 3) of an input that shows photographs of the usual shape whole and in their own pixels.

    The medians of their heights and widths, made smaller where they are large, then up to a multiple of 32: what is
    left over is a border of padding.
    """
    shapes = np.array([source.shape(index) for index in range(len(source))], np.float64)
    height, width = np.median(shapes, axis=0)
    smaller = min(1.0, math.sqrt(MOST_PIXELS / (height * width)))
    return _up(smaller * height), _up(smaller * width), 3


def parts_of_photographs(size: Size) -> Augmenter:
    """Parts of photographs at scales from .6 to 2, mirrored, in other colours; what lies outside them is void."""
    parts = RandomCrop(size, scale=(0.6, 2.0), whole=size, horizontal_flip=True)
    return Chain((parts, Augmentation(channel_shift=20, brightness=(0.7, 1.3))))


def default_training(kind: str) -> DefaultTraining:
    """That of a kind of truth; that of labels where none is known for it."""
    return OF_KINDS.get(kind, OF_LABELS)


def _up(side: float) -> int:
    return STRIDE * math.ceil(round(side) / STRIDE)


OF_LABELS = DefaultTraining(
    plan=lambda validated: freeze_then_finetune(patience=4 if validated else None),
    augment=lambda size: Augmentation.gentle(),
    views=8,
    batch_size=32,
)
OF_KINDS = {
    "masks": DefaultTraining(
        plan=lambda validated: together(),
        augment=parts_of_photographs,
        views=None,
        batch_size=4,
        framing=Framing("pad"),
        input_shape=whole_photographs,
    )
}
"""Kind of truth → how it is trained."""
