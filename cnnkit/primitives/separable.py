"""Depthwise and pointwise convolution: what MobileNet splits a convolution into.

A depthwise convolution looks around in each channel by itself; a pointwise one (1×1) mixes the channels of each
pixel. Together they cost about 1/f² of the convolution that does both at once.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from cnnkit.errors import InputError
from cnnkit.primitives.arrays import Array, Sides, check_upstream
from cnnkit.primitives.convolution import Gradients, check_channels
from cnnkit.primitives.padding import Border, Padding
from cnnkit.primitives.windows import Windows


def depthwise_conv2d(
    x: ArrayLike,
    kernel: ArrayLike,
    bias: ArrayLike | None = None,
    *,
    stride: Sides = 1,
    padding: Padding = 0,
    border: Border = "zero",
    dilation: Sides = 1,
) -> Array:
    """Each channel is convolved with kernels of its own: a convolution with as many groups as channels.

    Args:
        x: (..., height, width, channels).
        kernel: (f, f, channels, multiplier): `multiplier` outputs a channel.
        bias: (channels · multiplier,).
        stride: As for `conv2d`.
        padding: As for `conv2d`.
        border: As for `conv2d`.
        dilation: As for `conv2d`.

    Returns:
        (..., rows, columns, channels · multiplier), the outputs of one channel side by side.

    Raises:
        InputError: The kernel has another number of channels.

    >>> depthwise_conv2d(np.ones((3, 3, 2)), np.ones((3, 3, 2, 1)) * [[1], [10]])
    array([[[ 9., 90.]]])
    """
    x, kernel = _fitting(x, kernel)
    seen = Windows(kernel.shape[:2], stride, padding, border, dilation).of(x)
    y: Array = np.einsum("...cuv,uvcm->...cm", seen, kernel)
    y = y.reshape(*y.shape[:-2], -1)
    return y if bias is None else y + np.asarray(bias)


def depthwise_conv2d_backward(
    upstream: ArrayLike,
    x: ArrayLike,
    kernel: ArrayLike,
    *,
    stride: Sides = 1,
    padding: Padding = 0,
    border: Border = "zero",
    dilation: Sides = 1,
) -> Gradients:
    """The gradients of `depthwise_conv2d`, arguments as there; `upstream` has the shape of its output."""
    upstream = np.asarray(upstream)
    x, kernel = _fitting(x, kernel)
    sliding = Windows(kernel.shape[:2], stride, padding, border, dilation)
    seen = sliding.of(x)  # (..., rows, columns, c, f, f)
    check_upstream(upstream, (*seen.shape[:-3], kernel.shape[2] * kernel.shape[3]))
    flow = upstream.reshape(*upstream.shape[:-1], *kernel.shape[2:])  # (..., rows, columns, c, m)
    rows = seen.reshape(-1, *seen.shape[-3:])
    for_kernel = np.einsum("ncuv,ncm->uvcm", rows, flow.reshape(-1, *kernel.shape[2:]))
    for_x = sliding.back(np.einsum("...cm,uvcm->...cuv", flow, kernel), x.shape)
    return Gradients(for_x, for_kernel, upstream.sum(axis=tuple(range(upstream.ndim - 1))))


def pointwise_conv2d(x: ArrayLike, kernel: ArrayLike, bias: ArrayLike | None = None) -> Array:
    """A 1×1 convolution: the same matrix at every pixel, from the channels to the filters.

    Args:
        x: (..., height, width, channels).
        kernel: (1, 1, channels, filters).
        bias: (filters,).

    Returns:
        (..., height, width, filters).

    Raises:
        InputError: The kernel is not 1×1 or has another number of channels.

    >>> pointwise_conv2d([[[1, 2, 3]]], np.reshape([1, 10, 100], (1, 1, 3, 1)))
    array([[[321]]])
    """
    x, kernel = np.asarray(x), np.asarray(kernel)
    check_channels(x, kernel, rank=2)
    if kernel.shape[:2] != (1, 1):
        raise InputError("a kernel (1, 1, channels, filters)", f"{kernel.shape}", "Larger kernels: conv2d.")
    y: Array = x @ kernel[0, 0]
    return y if bias is None else y + np.asarray(bias)


def pointwise_conv2d_backward(upstream: ArrayLike, x: ArrayLike, kernel: ArrayLike) -> Gradients:
    """The gradients of `pointwise_conv2d`: two matrix products."""
    upstream, x, kernel = np.asarray(upstream), np.asarray(x), np.asarray(kernel)
    flow = upstream.reshape(-1, kernel.shape[3])  # (pixels, filters)
    matrix = x.reshape(-1, kernel.shape[2]).T @ flow
    return Gradients(upstream @ kernel[0, 0].T, matrix.reshape(kernel.shape), flow.sum(axis=0))


def _fitting(x: ArrayLike, kernel: ArrayLike) -> tuple[Array, Array]:
    x, kernel = np.asarray(x), np.asarray(kernel)
    if x.ndim < 3 or kernel.ndim != 4 or x.shape[-1] != kernel.shape[2]:
        raise InputError(
            "a picture (..., height, width, channels) and a kernel (f, f, channels, multiplier)",
            f"a picture {x.shape} and a kernel {kernel.shape}",
            "Both have the same number of channels.",
        )
    return x, kernel
