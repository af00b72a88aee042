"""The generators of Pix2Pix and CycleGAN as networks: an encoder that is the backbone, a decoder that is the head."""

from __future__ import annotations

import keras

from cnnkit.arguments import Argument, check_arguments, whole
from cnnkit.backbones.extractor import Backbone, backbone
from cnnkit.data.arguments import size_of
from cnnkit.data.views.framing import Framing
from cnnkit.errors import InputError
from cnnkit.heads.generators import CycleGANPainter, Pix2PixPainter, Upsampling, instance_norm, mirrored, normal
from cnnkit.heads.translation import HALF, Translator
from cnnkit.transfer.network import Network, attach

LEAK = 0.2
"""Slope of the leaky ReLUs for negative values (Isola et al., section 6.1)."""
WIDEST = 8
"""Channels of Pix2Pix's deepest layers, in those of its first one."""
COMMON = (
    Argument("width", lambda value: whole(value, 1), "a width from 1 on, a whole number", "64 is the papers'."),
    Argument("seed", lambda value: whole(value, 0), "a seed: a whole number from 0 on", "0 is the default."),
)


def unet_generator(
    size: tuple[int, int] = (256, 256),
    *,
    width: int = 64,
    dropout: float = 0.5,
    upsampling: Upsampling = "resized",
    seed: int = 0,
) -> Network:
    """The U-Net generator of Pix2Pix.

    C64-C128-C256-C512-C512-C512-C512-C512, 4×4 convolutions of stride 2 down to one pixel along the short side, and
    back, each scale joined with its skip (Isola et al., CVPR 2017, arXiv:1611.07004, section 6.1.1). Normalization is
    that of a batch of one picture. Noise comes from dropout alone, which `ck.predict` leaves out. `ck.tasks.pix2pix`
    trains it; `ck.fit` trains it too, on the absolute error alone.

    Args:
        size: (height, width) of the pictures; the short side is a power of two from 4 on, the long one a multiple.
        width: Channels of the first layer; the deepest have up to eight times as many.
        dropout: In the first three scales of the decoder.
        upsampling: How the decoder enlarges. `"resized"`, each pixel twice along both sides and then a 3×3 convolution,
            leaves no grid (Odena et al. 2016, "Deconvolution and Checkerboard Artifacts"). `"transposed"`, 4×4
            convolutions of stride 2, is the paper's: 54,413,955 parameters at 256 × 256 pixels. A step takes as long.
        seed: Of the initial weights and of dropout.

    Raises:
        InputError: A setting out of its range.
        UnknownNameError: There is no such `upsampling`.
    """
    check_arguments(
        (
            *COMMON,
            Argument("dropout", lambda value: _part(value), "a dropout from 0 up to but not 1", "The paper has 0.5."),
        ),
        {"width": width, "seed": seed, "dropout": dropout},
    )
    size = size_of(size)
    side = min(size)
    if side < 4 or side & (side - 1) or max(size) % side:
        remedy = "256 × 256 is the paper's; 128 × 128 takes a quarter of the time."
        raise InputError("a short side of 4, 8, 16 … pixels, and a long one that is a multiple", f"{size}", remedy)
    depth = side.bit_length() - 1
    image, x = _picture(size)
    for level in range(1, depth + 1):
        name, channels = f"down{level}", width * min(2 ** (level - 1), WIDEST)
        x = keras.layers.Conv2D(
            channels, 4, 2, padding="same", use_bias=False, kernel_initializer=normal(seed + level), name=f"{name}_conv"
        )(x)
        if 1 < level < depth:
            x = instance_norm(x, name, affine=True, seed=seed + level)
        if level < depth:  # the decoder begins with a ReLU
            x = keras.layers.LeakyReLU(LEAK, name=f"{name}_leaky")(x)
    head = Translator(Pix2PixPainter(depth, float(dropout), upsampling), seed)
    return attach(_body(image, x, "unet_generator"), head, framing=Framing("squash"))


def resnet_generator(size: tuple[int, int] = (256, 256), *, width: int = 64, blocks: int = 9, seed: int = 0) -> Network:
    """The residual generator of CycleGAN: 11,378,179 parameters with nine blocks, for pictures of any size.

    c7s1-64, d128, d256, R256 nine times, u128, u64, c7s1-3, with instance normalization and mirrored borders (Zhu et
    al., ICCV 2017, arXiv:1703.10593, section 7.2, after Johnson et al. 2016). `ck.tasks.cyclegan` trains two of them.

    Args:
        size: (height, width) of the pictures, multiples of 4 from 16 on.
        width: Channels of the first layer; the residual blocks have four times as many.
        blocks: Six in the paper at 128 × 128 pixels, nine at 256 × 256.
        seed: Of the initial weights.

    Raises:
        InputError: A setting out of its range.
    """
    check_arguments(
        (
            *COMMON,
            Argument("blocks", lambda value: whole(value, 1), "blocks from 1 on, a whole number", "The paper has 9."),
        ),
        {"width": width, "seed": seed, "blocks": blocks},
    )
    size = size_of(size)
    if min(size) < 16 or size[0] % 4 or size[1] % 4:
        raise InputError("sides that are multiples of 4, 16 or more", f"{size}", "256 × 256 is the paper's.")
    image, x = _picture(size)
    x = _normed(mirrored(x, 3, "stem"), width, 7, "stem", seed)
    for level in (1, 2):
        x = keras.layers.ZeroPadding2D(1, name=f"down{level}_pad")(x)
        x = _normed(x, width * 2**level, 3, f"down{level}", seed + level, stride=2)
    for number in range(1, blocks + 1):
        name, before = f"block{number}", x
        x = _normed(mirrored(x, 1, f"{name}_1"), 4 * width, 3, f"{name}_1", seed + 2 + 2 * number)
        x = _normed(mirrored(x, 1, f"{name}_2"), 4 * width, 3, f"{name}_2", seed + 3 + 2 * number, relu=False)
        x = keras.layers.Add(name=f"{name}_add")([before, x])
    head = Translator(CycleGANPainter((2 * width, width)), seed)
    return attach(_body(image, x, "resnet_generator"), head, framing=Framing("squash"))


def _picture(size: tuple[int, int]) -> tuple[keras.KerasTensor, keras.KerasTensor]:
    """Raw RGB, and the same in −1 … 1."""
    image = keras.Input((*size, 3), name="image")
    return image, keras.layers.Rescaling(1 / HALF, offset=-1.0, name="preprocessing")(image)


def _body(image: keras.KerasTensor, x: keras.KerasTensor, name: str) -> Backbone:
    return backbone(keras.Model(image, x, name=name))


def _normed(
    x: keras.KerasTensor, channels: int, kernel: int, name: str, seed: int, *, stride: int = 1, relu: bool = True
) -> keras.KerasTensor:
    """A convolution without border, instance normalization and perhaps a ReLU."""
    x = keras.layers.Conv2D(channels, kernel, stride, kernel_initializer=normal(seed), name=f"{name}_conv")(x)
    x = instance_norm(x, name, affine=False)
    return keras.layers.ReLU(name=f"{name}_relu")(x) if relu else x


def _part(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 1
