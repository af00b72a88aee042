"""DeepLab v3+: atrous spatial pyramid pooling, then a small decoder that sees fine edges.

Chen, Zhu, Papandreou, Schroff and Adam, "Encoder-Decoder with Atrous Separable Convolution for Semantic Image
Segmentation", ECCV 2018 (arXiv:1802.02611), figure 2.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import keras

from cnnkit.heads.pspnet import OUTPUT_STRIDE
from cnnkit.heads.segmentation import Scores, Segmenter, check_stride, levels, segmenter, widths_of
from cnnkit.losses.overlap import Over
from cnnkit.necks.atrous_pyramid import aspp
from cnnkit.necks.blocks import block
from cnnkit.necks.levels import Levels, deepest_first, enlarged

WIDTH = "256 is the paper's, 128 suits small backbones."
RATES = "(6, 12, 18) are those of the paper at stride 16."


@dataclass(frozen=True)
class DeepLab:
    """The decoder of `deeplab`, which documents the fields."""

    output_stride: int = 16
    rates: tuple[int, ...] = (6, 12, 18)
    width: int = 128
    skip_width: int = 48
    kind: ClassVar[str] = "deeplab"

    def __post_init__(self) -> None:
        check_stride("an output_stride", self.output_stride, (8, 16, 32), OUTPUT_STRIDE)
        widths_of(self.rates, RATES)
        widths_of(self.width, WIDTH)
        widths_of(self.skip_width, "48 is the paper's.")

    @property
    def taps(self) -> tuple[str, ...]:
        """P2 and the deepest level."""
        return ("P2", *levels(self.output_stride, self.output_stride))

    def build(self, features: Levels, scores: Scores) -> dict[str, keras.KerasTensor]:
        """The scores at stride 4; the coarser ones are those of the pyramid pooling.

        The 1×1 convolution to scores stands before the last enlargement: both are linear, so the result is the same
        and costs a quarter.
        """
        ((name, x),) = aspp(features, rates=self.rates, width=self.width, seed=scores.seed).items()
        low_name, low = deepest_first(features)[-1]
        skip = block(low, self.skip_width, kernel=1, name=f"deeplab_{low_name}", seed=scores.seed)
        joined = [enlarged(x, low, "deeplab_up"), skip]
        y = keras.layers.Concatenate(name="deeplab_join")(joined)
        for number in (1, 2):
            y = block(y, self.width, kind="separable", name=f"deeplab_{number}", seed=scores.seed + number)
        return {name: scores.of(x, f"score_{name}"), low_name: scores.of(y, "logits")}


def deeplab(
    classes: Sequence[str],
    *,
    output_stride: int = 16,
    rates: Sequence[int] = (6, 12, 18),
    width: int = 128,
    skip_width: int = 48,
    class_weight: Sequence[float] | None = None,
    dice_weight: float = 1.0,
    dice_over: Over = "picture",
    deep_supervision: float = 0.0,
    seed: int = 0,
) -> Segmenter:
    """The deepest map seen at several reaches, enlarged to P2, joined with that, and two separable convolutions.

    `ck.backbone(..., dilate=16)` keeps the last maps of a backbone at stride 16, so that P4 is its deepest; of one that
    is not dilated, P4 is the end of the last stage but one.

    Args:
        classes: Names in the order of the masks' numbers.
        output_stride: Of the deepest map: 16 is P4, 8 is P3, 32 is P5.
        rates: Of the atrous convolutions; the paper doubles them at stride 8. Its pictures have a side of 513; on the
            smaller maps of pictures of 384 × 480, (2, 4, 8) were better.
        width: Channels of each branch and of the decoder; 256 in the paper.
        skip_width: Channels to which P2 is brought, few against those of the deep map (table 1 of the paper).
        class_weight: As of `fcn`.
        dice_weight: As of `fcn`.
        dice_over: As of `fcn`.
        deep_supervision: As of `fcn`.
        seed: Of the initial weights.

    Raises:
        InputError: A setting out of its range.
    """
    decoder = DeepLab(output_stride, widths_of(rates, RATES), width, skip_width)
    return segmenter(classes, decoder, class_weight, dice_weight, dice_over, deep_supervision, seed)
