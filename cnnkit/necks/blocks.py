"""What necks and decoders are made of: a convolution, batch normalization and a ReLU."""

from __future__ import annotations

from typing import Literal, get_args

import keras

from cnnkit.backbones.graph import named
from cnnkit.errors import unknown_name

Kind = Literal["convolution", "separable", "transposed"]
Border = Literal["zeros", "mirror"]


def check_border(border: object) -> None:
    """Refuses a border that does not exist.

    Raises:
        UnknownNameError: The names there are are given.
    """
    if border not in get_args(Border):
        raise unknown_name("a border", str(border), get_args(Border))


def block(
    x: keras.KerasTensor,
    width: int,
    *,
    name: str,
    kernel: int = 3,
    dilation: int = 1,
    kind: Kind = "convolution",
    border: Border = "zeros",
    seed: int = 0,
) -> keras.KerasTensor:
    """A convolution that keeps the size, batch normalization and a ReLU.

    Args:
        x: (n, h, w, c).
        width: Channels of the result.
        name: Of the layers: `NAME_conv`, `NAME_norm`, `NAME_relu`.
        kernel: Its side, an odd number.
        dilation: From pixel to pixel inside the kernel ("atrous" convolution).
        kind: `"separable"`: depthwise, then 1×1; `"transposed"`: the deconvolution of stride 1.
        border: What stands outside of the map: zeros, or its mirror image without the border itself, as the U-Net paper
            extrapolates (section 3); the map has to be larger than half a kernel.
        seed: Of the initial weights.

    Returns:
        (n, h, w, width).

    Raises:
        UnknownNameError: Another border.
    """
    check_border(border)
    padding = "same"
    if border == "mirror" and kernel > 1:
        reach = dilation * (kernel - 1) // 2
        x = named(keras.ops.pad(x, [[0, 0], [reach, reach], [reach, reach], [0, 0]], mode="reflect"), f"{name}_mirror")
        padding = "valid"
    layer = {
        "convolution": keras.layers.Conv2D,
        "separable": keras.layers.SeparableConv2D,
        "transposed": keras.layers.Conv2DTranspose,
    }[kind]
    initial = keras.initializers.HeNormal(seed=seed)
    kernels = {"depthwise_initializer": initial, "pointwise_initializer": initial}
    x = layer(
        width,
        kernel,
        padding=padding,
        dilation_rate=dilation,
        use_bias=False,
        name=f"{name}_conv",
        **(kernels if kind == "separable" else {"kernel_initializer": initial}),
    )(x)
    return normalized(x, name)


def normalized(x: keras.KerasTensor, name: str) -> keras.KerasTensor:
    """Batch normalization and a ReLU, `NAME_norm` and `NAME_relu`."""
    # Keras's momentum of .99 lags hundreds of steps behind, more than a head of few pictures trains.
    x = keras.layers.BatchNormalization(momentum=0.9, name=f"{name}_norm")(x)
    return keras.layers.ReLU(name=f"{name}_relu")(x)


def of_means(x: keras.KerasTensor, width: int, *, name: str, seed: int = 0) -> keras.KerasTensor:
    """A 1×1 convolution and a ReLU, of means over large regions of a picture.

    Without the batch normalization of a block: of one place a picture, its statistics are those of as many values as a
    step has pictures, and of a step with one picture nothing is left.
    """
    initial = keras.initializers.HeNormal(seed=seed)
    return keras.layers.Conv2D(width, 1, activation="relu", kernel_initializer=initial, name=name)(x)
