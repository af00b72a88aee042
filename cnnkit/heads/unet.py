"""U-Net: the contracting half is the backbone, the expanding one joins each scale with its skip.

Ronneberger, Fischer and Brox, "U-Net", MICCAI 2015 (arXiv:1505.04597).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import keras

from cnnkit.errors import InputError
from cnnkit.heads.segmentation import Scores, Segmenter, levels, scores_of, segmenter, widths_of
from cnnkit.losses.overlap import Over
from cnnkit.necks.blocks import Border, check_border
from cnnkit.necks.levels import Levels
from cnnkit.necks.u_shape import unet as neck

FOUR = "Three end at stride 4: (128, 64, 48)."


@dataclass(frozen=True)
class UNet:
    """The decoder of `unet`, which documents the fields."""

    widths: tuple[int, ...] = (128, 64, 48)
    border: Border = "zeros"
    kind: ClassVar[str] = "unet"

    def __post_init__(self) -> None:
        widths_of(self.widths, FOUR)
        check_border(self.border)
        if len(self.widths) > 4:
            raise InputError("one to four widths", f"{len(self.widths)}", FOUR)

    @property
    def taps(self) -> tuple[str, ...]:
        """One level above P5 for each width."""
        return levels(2 ** (5 - len(self.widths)), 32)

    def build(self, features: Levels, scores: Scores) -> dict[str, keras.KerasTensor]:
        """The scores of each scale of the expanding half."""
        scales = neck(features, widths=self.widths, border=self.border, seed=scores.seed)
        return scores_of(scales, scores)


def unet(
    classes: Sequence[str],
    *,
    widths: Sequence[int] = (128, 64, 48),
    border: Border = "zeros",
    class_weight: Sequence[float] | None = None,
    dice_weight: float = 1.0,
    dice_over: Over = "picture",
    deep_supervision: float = 0.0,
    seed: int = 0,
) -> Segmenter:
    """The expanding half of a U-Net on P5, one scale for each width; three widths end at P2, stride 4.

    See `ck.necks.unet`; `ck.zoo.unet` is the network of the paper, with its own contracting half.

    Args:
        classes: Names in the order of the masks' numbers.
        widths: Channels of each scale, from P4 on upwards; up to four.
        border: `"zeros"` or `"mirror"`: what convolutions see outside of the maps.
        class_weight: As of `fcn`.
        dice_weight: As of `fcn`.
        dice_over: As of `fcn`.
        deep_supervision: As of `fcn`.
        seed: Of the initial weights.

    Raises:
        InputError: More than four widths or none, or a setting out of its range.
        UnknownNameError: Another border.
    """
    decoder = UNet(widths_of(widths, FOUR), border)
    return segmenter(classes, decoder, class_weight, dice_weight, dice_over, deep_supervision, seed)
