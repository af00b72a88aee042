"""PSPNet: each place knows what whole regions of the picture show.

Zhao, Shi, Qi, Wang and Jia, "Pyramid Scene Parsing Network", CVPR 2017 (arXiv:1612.01105).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import keras

from cnnkit.heads.segmentation import Scores, Segmenter, check_stride, levels, segmenter, widths_of
from cnnkit.losses.overlap import Over
from cnnkit.necks.levels import Levels
from cnnkit.necks.pyramid_pooling import psp

WIDTH = "512 is the paper's, 128 suits small backbones."
OUTPUT_STRIDE = "16 and 8 are those of ck.backbone(..., dilate=16) and dilate=8."


@dataclass(frozen=True)
class PSPNet:
    """The decoder of `pspnet`, which documents the fields."""

    output_stride: int = 32
    bins: tuple[int, ...] = (1, 2, 3, 6)
    width: int = 128
    kind: ClassVar[str] = "pspnet"

    def __post_init__(self) -> None:
        check_stride("an output_stride", self.output_stride, (8, 16, 32), OUTPUT_STRIDE)
        widths_of(self.bins, "(1, 2, 3, 6) are those of the paper.")
        widths_of(self.width, WIDTH)

    @property
    def taps(self) -> tuple[str, ...]:
        """The deepest level alone."""
        return levels(self.output_stride, self.output_stride)

    def build(self, features: Levels, scores: Scores) -> dict[str, keras.KerasTensor]:
        """The scores behind the pyramid pooling; the coarser ones are those of the map before it."""
        ((name, pooled),) = psp(features, bins=self.bins, width=self.width, seed=scores.seed).items()
        return {"features": scores.of(features[name], "score_features"), name: scores.of(pooled, "logits")}


def pspnet(
    classes: Sequence[str],
    *,
    output_stride: int = 32,
    bins: Sequence[int] = (1, 2, 3, 6),
    width: int = 128,
    class_weight: Sequence[float] | None = None,
    dice_weight: float = 1.0,
    dice_over: Over = "picture",
    deep_supervision: float = 0.0,
    seed: int = 0,
) -> Segmenter:
    """The deepest map joined with its means over regions of four sizes, then one convolution and the scores.

    The paper's backbone is dilated: `ck.backbone(..., dilate=8)` with `output_stride=8` gives logits at stride 8.

    Args:
        classes: Names in the order of the masks' numbers.
        output_stride: Of the deepest map, which is taken: 32 is P5, 16 is P4, 8 is P3.
        bins: Regions along each side.
        width: Channels behind the pooling; 512 in the paper.
        class_weight: As of `fcn`.
        dice_weight: As of `fcn`.
        dice_over: As of `fcn`.
        deep_supervision: As of `fcn`: the loss of scores of the map before the pooling, weighed .4 in the paper, where
            it is taken one stage earlier.
        seed: Of the initial weights.

    Raises:
        InputError: A setting out of its range.
    """
    decoder = PSPNet(output_stride, widths_of(bins, "(1, 2, 3, 6)"), width)
    return segmenter(classes, decoder, class_weight, dice_weight, dice_over, deep_supervision, seed)
