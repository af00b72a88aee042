"""Fully convolutional networks: scores of each class at every stride, summed from the deepest map up.

Long, Shelhamer and Darrell, "Fully Convolutional Networks for Semantic Segmentation", CVPR 2015 (arXiv:1411.4038).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import keras

from cnnkit.heads.segmentation import Scores, Segmenter, check_stride, levels, segmenter
from cnnkit.losses.overlap import Over
from cnnkit.necks.levels import Levels, deepest_first, enlarged


@dataclass(frozen=True)
class FCN:
    """The decoder of `fcn`, which documents the fields."""

    stride: int = 8
    kind: ClassVar[str] = "fcn"

    def __post_init__(self) -> None:
        check_stride("a stride", self.stride, (8, 16, 32), "8 is the finest of the paper.")

    @property
    def taps(self) -> tuple[str, ...]:
        """From the stride of the finest map to P5."""
        return levels(self.stride, 32)

    def build(self, features: Levels, scores: Scores) -> dict[str, keras.KerasTensor]:
        """The scores at each stride: of the coarser map, enlarged, plus those of the skip."""
        sums: dict[str, keras.KerasTensor] = {}
        below: keras.KerasTensor | None = None
        for name, level in deepest_first(features):
            # A skip begins at zero, so that the network starts as the coarser one (section 4.3 of the paper).
            own = scores.of(level, f"score_{name}", zeros=below is not None)
            if below is not None:
                own = keras.layers.Add(name=f"sum_{name}")([own, enlarged(below, own, f"up_{name}")])
            sums[name] = below = own
        return sums


def fcn(
    classes: Sequence[str],
    *,
    stride: int = 8,
    class_weight: Sequence[float] | None = None,
    dice_weight: float = 1.0,
    dice_over: Over = "picture",
    deep_supervision: float = 0.0,
    seed: int = 0,
) -> Segmenter:
    """A fully convolutional network: scores of each class at stride 32, summed with those of finer maps.

    Figure 3 of the paper: FCN-32s, FCN-16s and FCN-8s.

    Args:
        classes: Names in the order of the masks' numbers.
        stride: Of the finest map: 32 takes P5 alone, 16 adds P4, 8 adds P3.
        class_weight: One per class in the cross-entropy; `ck.losses.balance_weights` makes them of pixel counts.
        dice_weight: Of the Dice loss, which every class counts alike in; 0 leaves it out.
        dice_over: Which pixels make the area of a class in it: those of a `"picture"`, or of the `"batch"`, which is
            steadier where a picture shows few pixels of a class; then the loss of a picture depends on the others.
        deep_supervision: How much the loss of each coarser map of the decoder counts, with scores of its own (Lee et
            al. 2015, arXiv:1409.5185); above 0 the model has several outputs, of which `"logits"` is decoded.
        seed: Of the initial weights.

    Raises:
        InputError: Another stride, or a setting out of its range.
    """
    return segmenter(classes, FCN(stride), class_weight, dice_weight, dice_over, deep_supervision, seed)
