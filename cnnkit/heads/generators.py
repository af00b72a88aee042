"""The decoders of the generators of Pix2Pix and CycleGAN, on the encoders that `ck.tasks` makes.

Isola et al., "Image-to-Image Translation with Conditional Adversarial Networks", CVPR 2017 (arXiv:1611.07004), section
6.1; Zhu et al., "Unpaired Image-to-Image Translation", ICCV 2017 (arXiv:1703.10593), section 7.2.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal, get_args

import keras

from cnnkit.backbones.graph import named
from cnnkit.data.arguments import one_of
from cnnkit.heads.segmentation import levels, widths_of
from cnnkit.heads.translation import painted
from cnnkit.necks.levels import Levels, deepest_first

Upsampling = Literal["resized", "transposed"]

SPREAD = 0.02
"""Standard deviation of all initial weights (Isola et al., section 6.2)."""
DROPPED = 3
"""Scales of Pix2Pix's decoder with dropout."""


def instance_norm(x: keras.KerasTensor, name: str, *, affine: bool, seed: int = 0) -> keras.KerasTensor:
    """Each channel of each picture with mean 0 and deviation 1, then a learned scale and offset where `affine`.

    It is batch normalization for batches of one picture (Isola et al., section 3), whatever the batch.
    """
    initial = keras.initializers.RandomNormal(1.0, SPREAD, seed=seed)
    layer = keras.layers.GroupNormalization(
        groups=-1, epsilon=1e-5, center=affine, scale=affine, gamma_initializer=initial, name=f"{name}_norm"
    )
    return layer(x)


def normal(seed: int) -> keras.initializers.Initializer:
    """The initial weights of a convolution."""
    return keras.initializers.RandomNormal(0.0, SPREAD, seed=seed)


@dataclass(frozen=True)
class Pix2PixPainter:
    """CD512-CD512-CD512-C512-C256-C128-C64: each scale twice as large as the one before and joined with its skip.

    Attributes:
        depth: Halvings of the encoder: 8 for 256 × 256 pixels.
        dropout: In the first three scales, but for the last one.
        upsampling: As of `ck.tasks.unet_generator`.
    """

    depth: int = 8
    dropout: float = 0.5
    upsampling: Upsampling = "resized"
    kind: ClassVar[str] = "pix2pix"

    def __post_init__(self) -> None:
        one_of(self.upsampling, "an upsampling", get_args(Upsampling))

    @property
    def taps(self) -> tuple[str, ...]:
        """From P1 to the map of one pixel."""
        return levels(2, 2**self.depth)

    def build(self, features: Levels, seed: int) -> keras.KerasTensor:
        """Scale by scale, each with the width of its skip; then three channels."""
        (_, x), *skips = deepest_first(features)
        for number, (name, skip) in enumerate(skips):
            x = keras.layers.ReLU(name=f"up_{name}_relu")(x)
            x = self._enlarged(x, skip.shape[-1], f"up_{name}", seed + number, bias=False)
            x = instance_norm(x, f"up_{name}", affine=True, seed=seed + number)
            if number < DROPPED and self.dropout:
                x = keras.layers.Dropout(self.dropout, seed=seed + number, name=f"up_{name}_drop")(x)
            x = keras.layers.Concatenate(name=f"up_{name}_join")([skip, x])
        x = keras.layers.ReLU(name="paint_relu")(x)
        x = self._enlarged(x, 3, "paint", seed, bias=True)
        return keras.layers.Activation("tanh", name="paint_tanh", dtype="float32")(x)

    def _enlarged(self, x: keras.KerasTensor, width: int, name: str, seed: int, *, bias: bool) -> keras.KerasTensor:
        """A map of twice the height and width, by a convolution."""
        settings = {"padding": "same", "use_bias": bias, "kernel_initializer": normal(seed), "name": f"{name}_conv"}
        if self.upsampling == "transposed":
            return keras.layers.Conv2DTranspose(width, 4, 2, **settings)(x)
        return keras.layers.Conv2D(width, 3, **settings)(keras.layers.UpSampling2D(2, name=f"{name}_resized")(x))


@dataclass(frozen=True)
class CycleGANPainter:
    """u128, u64, c7s1-3: transposed 3×3 convolutions of stride 2 on the cut, and a 7×7 convolution.

    Attributes:
        widths: Channels after each enlargement, one for each halving of the encoder.
    """

    widths: tuple[int, ...] = (128, 64)
    kind: ClassVar[str] = "cyclegan"

    def __post_init__(self) -> None:
        object.__setattr__(self, "widths", widths_of(self.widths, "The paper has (128, 64)."))

    @property
    def taps(self) -> tuple[str, ...]:
        """(): the cut."""
        return ()

    def build(self, features: keras.KerasTensor, seed: int) -> keras.KerasTensor:
        """Enlarged once per width, then three channels of a mirrored border."""
        x = features
        for number, width in enumerate(self.widths, start=1):
            name = f"up{number}"
            x = keras.layers.Conv2DTranspose(
                width, 3, 2, padding="same", kernel_initializer=normal(seed + number), name=f"{name}_conv"
            )(x)
            x = instance_norm(x, name, affine=False)
            x = keras.layers.ReLU(name=f"{name}_relu")(x)
        return painted(mirrored(x, 3, "paint"), kernel=7, seed=seed, padding="valid")


def mirrored(x: keras.KerasTensor, pixels: int, name: str) -> keras.KerasTensor:
    """A map with a border of its mirror image, without the edge itself."""
    border = [[0, 0], [pixels, pixels], [pixels, pixels], [0, 0]]
    return named(keras.ops.pad(x, border, mode="reflect"), f"{name}_mirror")
