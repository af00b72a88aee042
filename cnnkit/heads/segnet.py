"""SegNet: the decoder is the encoder backwards, and knows where its max pooling took each maximum.

Badrinarayanan, Kendall and Cipolla, "SegNet: A Deep Convolutional Encoder-Decoder Architecture for Image Segmentation",
PAMI 2017 (arXiv:1511.00561), figure 2.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import keras

from cnnkit.heads.segmentation import Scores, Segmenter, check_stride, levels, scores_of, segmenter, widths_of
from cnnkit.losses.overlap import Over
from cnnkit.necks.levels import Levels
from cnnkit.necks.unpooling import unpooling

OUTPUT_STRIDE = "32 is P5, the last of VGG; 16 is P4, the last of SqueezeNet."
STRIDE = "2 is the finest."
CONVOLUTIONS = "2 is usual."


@dataclass(frozen=True)
class SegNet:
    """The decoder of `segnet`, which documents the fields."""

    stride: int = 4
    output_stride: int = 32
    width: int = 64
    convolutions: int = 2
    kind: ClassVar[str] = "segnet"

    def __post_init__(self) -> None:
        check_stride("an output_stride", self.output_stride, (8, 16, 32), OUTPUT_STRIDE)
        check_stride("a stride", self.stride, [s for s in (2, 4, 8, 16) if s < self.output_stride], STRIDE)
        widths_of(self.width, "64 is the paper's.")
        widths_of(self.convolutions, CONVOLUTIONS)

    @property
    def taps(self) -> tuple[str, ...]:
        """All levels from the finest map to the deepest."""
        return levels(self.stride, self.output_stride)

    def build(self, features: Levels, scores: Scores) -> dict[str, keras.KerasTensor]:
        """The scores of each scale of the decoder."""
        scales = unpooling(features, width=self.width, convolutions=self.convolutions, seed=scores.seed)
        return scores_of(scales, scores)


def segnet(
    classes: Sequence[str],
    *,
    stride: int = 4,
    output_stride: int = 32,
    width: int = 64,
    convolutions: int = 2,
    class_weight: Sequence[float] | None = None,
    dice_weight: float = 1.0,
    dice_over: Over = "picture",
    deep_supervision: float = 0.0,
    seed: int = 0,
) -> Segmenter:
    """The deepest map unpooled, scale by scale, by the arg-maxima of the encoder, with convolutions behind each.

    For backbones that go from scale to scale by max pooling: VGG, SqueezeNet (output_stride=16). See
    `ck.necks.unpooling`.

    Args:
        classes: Names in the order of the masks' numbers.
        stride: Of the finest map, where it ends: 2, 4 or 8; the paper goes to 1.
        output_stride: Of the deepest map, where it begins: 32 is P5, 16 is P4.
        width: Channels of the finest map; the others have those of the encoder.
        convolutions: At each scale; 2 or 3 in the paper.
        class_weight: As of `fcn`.
        dice_weight: As of `fcn`.
        dice_over: As of `fcn`.
        deep_supervision: As of `fcn`.
        seed: Of the initial weights.

    Raises:
        InputError: A setting out of its range. On `ck.attach`: a backbone without the max pooling.
    """
    decoder = SegNet(stride, output_stride, width, convolutions)
    return segmenter(classes, decoder, class_weight, dice_weight, dice_over, deep_supervision, seed)
