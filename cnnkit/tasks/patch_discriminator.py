"""The discriminator of Pix2Pix and CycleGAN: it says of each patch of 70 × 70 pixels whether it is real."""

from __future__ import annotations

import keras

from cnnkit.arguments import Argument, check_arguments, whole
from cnnkit.backbones.graph import named
from cnnkit.data.arguments import size_of
from cnnkit.errors import InputError
from cnnkit.heads.generators import instance_norm, normal
from cnnkit.heads.translation import HALF
from cnnkit.tasks.generators import COMMON, LEAK


def patch_discriminator(
    size: tuple[int, int], *, conditional: bool, width: int = 64, layers: int = 3, seed: int = 0
) -> keras.Model:
    """C64-C128-C256-C512 and one channel of logits: a PatchGAN (Isola et al., CVPR 2017, section 6.1.2).

    Three layers of stride 2 see 70 × 70 pixels. Conditional, as in Pix2Pix, it has 2,768,705 parameters: its
    normalization has scale and offset, its convolutions no bias. That of CycleGAN is the other way round and has
    2,764,737.

    Args:
        size: (height, width) of the pictures.
        conditional: Whether it sees the source too, as the channels 4 to 6.
        width: Channels of the first layer.
        layers: Of stride 2.
        seed: Of the initial weights.

    Returns:
        (n, h, w, 3 or 6) of RGB 0…255 → (n, h', w', 1) logits.

    Raises:
        InputError: A setting out of its range.
    """
    layers_argument = Argument("layers", lambda value: whole(value, 1), "layers from 1 on", "The papers have 3.")
    check_arguments((*COMMON, layers_argument), {"width": width, "layers": layers, "seed": seed})
    size, least = size_of(size), 3 * 2**layers
    if min(size) < least:
        received = f"{size[0]} × {size[1]}"
        raise InputError(f"pictures of at least {least} × {least} pixels for patches", received, "Give larger ones.")
    image = keras.Input((*size, 6 if conditional else 3), name="image")
    x = keras.layers.Rescaling(1 / HALF, offset=-1.0, name="preprocessing")(image)
    for number in range(layers + 1):
        name, plain = f"patch{number + 1}", number == 0
        x = keras.layers.ZeroPadding2D(1, name=f"{name}_pad")(x)
        x = keras.layers.Conv2D(
            width * min(2**number, 8),
            4,
            2 if number < layers else 1,
            use_bias=plain or not conditional,
            kernel_initializer=normal(seed + number),
            name=f"{name}_conv",
        )(x)
        if not plain:
            x = instance_norm(x, name, affine=conditional, seed=seed + number)
        # A leaky ReLU, but `LeakyReLU` behind a bias: TensorFlow 2.21 fails to fuse its gradient, with a line of error.
        x = named(keras.ops.maximum(x, LEAK * x), f"{name}_leaky")
    x = keras.layers.ZeroPadding2D(1, name="logits_pad")(x)
    x = keras.layers.Conv2D(1, 4, kernel_initializer=normal(seed + layers + 1), name="logits")(x)
    return keras.Model(image, x, name="patch_discriminator")
