"""U-Net (Ronneberger, Fischer and Brox, "U-Net", MICCAI 2015, arXiv:1505.04597): a class for each pixel.

contracting half                                  expanding half
layer             output          parameters      layer             output         parameters
image             572×572×1                0      up1 2×2, ×2       56×56×512       2,097,664
conv1 3×3 twice   568×568×64          37,568      conv6, joined     52×52×512       7,078,912
pool1 2×2, /2     284×284×64               0      up2               104×104×256       524,544
conv2             280×280×128        221,440      conv7             100×100×256     1,769,984
conv3             136×136×256        885,248      up3               200×200×128       131,200
conv4             64×64×512        3,539,968      conv8             196×196×128       442,624
conv5             28×28×1024      14,157,824      up4               392×392×64         32,832
                                                  conv9             388×388×64        110,720
                                                  logits 1×1        388×388×2             130
                                                                                   31,030,658
"""

from __future__ import annotations

from typing import Any, Literal, get_args

import keras
from keras import layers

from cnnkit.errors import InputError
from cnnkit.zoo.building import Shape, Weights, assembled, class_count, image, normalized

Padding = Literal["valid", "same"]
SCALES = 4  # poolings, and as many transposed convolutions


def unet(
    *,
    input_shape: Shape = (572, 572, 1),
    classes: int = 2,
    weights: Weights = None,
    padding: Padding = "valid",
    width: int = 64,
) -> keras.Model:
    """The network of the paper: 31,030,658 parameters for one channel and two classes.

    Args:
        input_shape: Height, width, 1 or 3 channels, in 0…255. For `"valid"` convolutions sides are 16 n + 60, at least
            188, 572 in the paper; for `"same"` multiples of 16.
        classes: Number of classes.
        weights: A weights file, or None for random ones (section 3: normal, deviation √(2 / N)).
        padding: `"valid"`, as in the paper: the map is 184 pixels smaller than the picture, which a tile shows with its
            surroundings, mirrored at the border; `"same"`: of its size.
        width: Channels of the first convolutions.

    Returns:
        (n, h, w, channels) → (n, h', w', classes) logits, called `logits`.

    Raises:
        InputError: A shape or number that does not fit.
        WeightsError: A missing file, or one of another network.
    """
    inputs = image(input_shape, least=16, channels=(1, 3))
    _check_sides(inputs.shape[1:3], padding)
    if not isinstance(width, int) or width < 1:
        raise InputError("a width of at least 1, a whole number", repr(width), "64 is the paper's.")
    x = normalized(inputs, mean=127.5, deviation=127.5)

    # --- contracting half
    skips = []
    for scale in range(1, SCALES + 1):
        x = _twice(x, width * 2 ** (scale - 1), padding, name=f"conv{scale}")
        skips.append(x)
        if scale == SCALES:
            x = layers.Dropout(0.5, name="drop4")(x)
        x = layers.MaxPooling2D(2, name=f"pool{scale}")(x)
    x = _twice(x, width * 2**SCALES, padding, name="conv5")
    x = layers.Dropout(0.5, name="drop5")(x)

    # --- expanding half
    for number, skip in enumerate(reversed(skips), start=1):
        x = layers.Conv2DTranspose(skip.shape[-1], 2, 2, kernel_initializer="he_normal", name=f"up{number}")(x)
        border = [((side - own) // 2,) * 2 for side, own in zip(skip.shape[1:3], x.shape[1:3], strict=True)]
        cropped = layers.Cropping2D(border, name=f"crop{number}")(skip) if border != [(0, 0)] * 2 else skip
        x = layers.Concatenate(name=f"join{number}")([cropped, x])
        x = _twice(x, skip.shape[-1], padding, name=f"conv{SCALES + 1 + number}")
    x = layers.Conv2D(class_count(classes), 1, name="logits", dtype="float32")(x)
    return assembled(inputs, x, name="unet", weights=weights)


def _twice(x: Any, filters: int, padding: str, *, name: str) -> Any:
    """Two 3×3 convolutions, each with a ReLU."""
    for number in (1, 2):
        x = layers.Conv2D(
            filters, 3, padding=padding, activation="relu", kernel_initializer="he_normal", name=f"{name}_{number}"
        )(x)
    return x


def _check_sides(sides: tuple[int, int], padding: str) -> None:
    """Refuses sides that a pooling would not halve."""
    if padding not in get_args(Padding):
        raise InputError('padding="valid" or padding="same"', repr(padding), '"valid" is the paper\'s.')
    lost, least = (60, 188) if padding == "valid" else (0, 16)
    if any(side < least or (side - lost) % 16 for side in sides):
        fitting = tuple(max(least, side + (lost - side) % 16) for side in sides)
        form = f"16 n + {lost} pixels, at least {least}" if lost else "a multiple of 16 pixels"
        raise InputError(
            f'sides of {form}, for padding="{padding}"', f"{sides[0]}×{sides[1]}", f"Use {fitting[0]}×{fitting[1]}."
        )
