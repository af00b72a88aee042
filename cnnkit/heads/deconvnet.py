"""DeconvNet: SegNet's unpooling with transposed convolutions, behind layers that see 7×7 of the deepest map at once.

Noh, Hong and Han, "Learning Deconvolution Network for Semantic Segmentation", ICCV 2015 (arXiv:1505.04366), figure 2.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import keras

from cnnkit.heads.segmentation import Scores, Segmenter, scores_of, segmenter, widths_of
from cnnkit.heads.segnet import SegNet
from cnnkit.losses.overlap import Over
from cnnkit.necks.blocks import normalized
from cnnkit.necks.levels import Levels, deepest_first
from cnnkit.necks.unpooling import unpooling

SIDE = 7  # of fc6 in the paper, at the 7×7 map of a VGG16 at 224×224


@dataclass(frozen=True)
class DeconvNet(SegNet):
    """The decoder of `deconvnet`, which documents the fields."""

    hidden: int = 512
    kind: ClassVar[str] = "deconvnet"

    def __post_init__(self) -> None:
        super().__post_init__()
        widths_of(self.hidden, "4096 is the paper's.")

    def build(self, features: Levels, scores: Scores) -> dict[str, keras.KerasTensor]:
        """The scores of each scale of the decoder."""
        name, deepest = deepest_first(features)[0]
        x = self._seen_as_a_whole(deepest, scores.seed)
        scales = unpooling(
            {**features, name: x},
            width=self.width,
            convolutions=self.convolutions,
            transposed=True,
            seed=scores.seed,
        )
        return scores_of(scales, scores)

    def _seen_as_a_whole(self, x: keras.KerasTensor, seed: int) -> keras.KerasTensor:
        """fc6, fc7 and deconv-fc6: 7×7 places to one and back; on a smaller map all of it."""
        window = tuple(min(SIDE, side) for side in x.shape[1:3])
        channels = x.shape[-1]
        for name, layer, width, kernel in (
            ("fc6", keras.layers.Conv2D, self.hidden, window),
            ("fc7", keras.layers.Conv2D, self.hidden, 1),
            ("deconv_fc6", keras.layers.Conv2DTranspose, channels, window),
        ):
            initial = keras.initializers.HeNormal(seed=seed)
            x = layer(width, kernel, use_bias=False, kernel_initializer=initial, name=f"deconvnet_{name}_conv")(x)
            x = normalized(x, f"deconvnet_{name}")
        return x


def deconvnet(
    classes: Sequence[str],
    *,
    stride: int = 4,
    output_stride: int = 32,
    width: int = 64,
    convolutions: int = 2,
    hidden: int = 512,
    class_weight: Sequence[float] | None = None,
    dice_weight: float = 1.0,
    dice_over: Over = "picture",
    deep_supervision: float = 0.0,
    seed: int = 0,
) -> Segmenter:
    """A 7×7 convolution of the deepest map and its transpose, then unpooling and transposed convolutions.

    For backbones that go from scale to scale by max pooling: VGG, SqueezeNet (output_stride=16). On a map larger than
    7×7 the paper's network slides, as a fully convolutional one does.

    Args:
        classes: Names in the order of the masks' numbers.
        stride: As of `segnet`.
        output_stride: As of `segnet`.
        width: As of `segnet`.
        convolutions: At each scale.
        hidden: Channels of fc6 and fc7; 4,096 in the paper.
        class_weight: As of `fcn`.
        dice_weight: As of `fcn`.
        dice_over: As of `fcn`.
        deep_supervision: As of `fcn`.
        seed: Of the initial weights.

    Raises:
        InputError: A setting out of its range. On `ck.attach`: a backbone without the max pooling.
    """
    decoder = DeconvNet(stride, output_stride, width, convolutions, hidden)
    return segmenter(classes, decoder, class_weight, dice_weight, dice_over, deep_supervision, seed)
