"""The loss of a segmentation head: cross-entropy of pixels and Dice, over a picture or over the batch."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import cnnkit as ck
from cnnkit.errors import InputError

CLASSES = ("ground", "disc", "ring")


def slow_dice(labels: np.ndarray, logits: np.ndarray) -> float:
    """Over all pixels given, of the classes that they show."""
    p = np.exp(logits) / np.exp(logits).sum(axis=-1, keepdims=True)
    losses = []
    for number in range(len(CLASSES)):
        g = labels == number
        if g.any():
            losses.append(1 - (2 * (p[..., number] * g).sum() + 1) / (p[..., number].sum() + g.sum() + 1))
    return float(np.mean(losses))


@pytest.mark.parametrize("over", ["picture", "batch"])
def test_areas_of_a_picture_or_of_the_batch(over: Any) -> None:
    random = np.random.default_rng(0)
    labels = random.integers(0, 2, (3, 4, 4)).astype(np.uint8)
    labels[1, 0, 0] = 2  # a class that one picture shows in one pixel
    logits = random.normal(size=(3, 4, 4, 3)).astype(np.float32)
    with_dice, without = (
        np.asarray(ck.heads.fcn(CLASSES, dice_weight=weight, dice_over=over).loss(labels, logits)) for weight in (2, 0)
    )
    expected = [slow_dice(labels, logits) if over == "batch" else slow_dice(labels[[n]], logits[[n]]) for n in range(3)]
    np.testing.assert_allclose((with_dice - without) / 2, expected, rtol=1e-5)


def test_other_areas_are_refused() -> None:
    with pytest.raises(InputError, match="'picture' or 'batch'"):
        ck.heads.unet(CLASSES, dice_over="class")  # type: ignore[arg-type]
