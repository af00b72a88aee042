"""Convolution: the same small dot product at every place of the picture.

The N-dimensional definition is `convolve`, two steps: take the windows, multiply each with the kernel and sum. What
networks call convolution is cross-correlation; the convolution of mathematics turns the kernel first, `flipped`.

Pictures are (..., *sides, channels), kernels (*sides, channels in / groups, channels out), as in Keras. A picture
without channels takes a kernel without channels: `conv2d(image, kernel)` of (5, 5) and (3, 3) is (3, 3).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from cnnkit.errors import InputError
from cnnkit.primitives.arrays import Array, Sides, check_upstream
from cnnkit.primitives.padding import Border, Padding
from cnnkit.primitives.windows import Windows


class Gradients(NamedTuple):
    """Gradients of the loss, each of the shape of what it is named after."""

    x: Array
    kernel: Array
    bias: Array


def conv1d(
    x: ArrayLike,
    kernel: ArrayLike,
    bias: ArrayLike | None = None,
    *,
    stride: Sides = 1,
    padding: Padding = 0,
    border: Border = "zero",
    dilation: Sides = 1,
    groups: int = 1,
) -> Array:
    """Convolution along one axis: sound, text, any sequence. Arguments as in `conv2d`.

    Args:
        x: (..., length, channels), or (length,).
        kernel: (f, channels / groups, filters), or (f,).
        bias: (filters,).
        stride: Steps from place to place.
        padding: Values added on each side.
        border: What is added: `"zero"` or `"mirror"`.
        dilation: Steps from tap to tap.
        groups: Parts of the channels.

    Returns:
        (..., ⌊(W − F + 2P)/S⌋ + 1, filters).

    >>> conv1d([1, 2, 4, 8, 16], [-1, 1])  # each value minus the one before
    array([1, 2, 4, 8])
    """
    return convolve(x, kernel, bias, Windows(np.shape(kernel)[:1], stride, padding, border, dilation), groups)


def conv2d(
    x: ArrayLike,
    kernel: ArrayLike,
    bias: ArrayLike | None = None,
    *,
    stride: Sides = 1,
    padding: Padding = 0,
    border: Border = "zero",
    dilation: Sides = 1,
    groups: int = 1,
) -> Array:
    """Slides the kernel over the picture; each output is the dot product of the kernel and what it covers.

    Args:
        x: Pictures (..., height, width, channels), or one without channels (height, width).
        kernel: (f, f, channels / groups, filters), or (f, f).
        bias: (filters,), added everywhere.
        stride: Pixels from place to place; one number or (down, across).
        padding: Pixels on each side, `"same"` (output side ⌈W/S⌉), `"valid"` (none), or for each axis (before, after).
        border: What the padding shows: `"zero"`, or `"mirror"`, the picture reflected at its edge.
        dilation: Pixels from tap to tap of the kernel; 2 turns a 3×3 into a 5×5 with holes.
        groups: The channels are split into so many parts, each with filters of its own.

    Returns:
        (..., ⌊(H − F + 2P)/S⌋ + 1, ⌊(W − F + 2P)/S⌋ + 1, filters).

    Raises:
        InputError: Kernel and picture do not fit.

    >>> image = [[1, 2, 3], [4, 5, 6], [7, 8, 9]]
    >>> conv2d(image, [[10, 20], [30, 40]])  # 1·10 + 2·20 + 4·30 + 5·40 = 370, lecture 004
    array([[370, 470],
           [670, 770]])
    >>> conv2d(np.zeros((227, 227, 3)), np.zeros((11, 11, 3, 96)), stride=4).shape  # AlexNet, CONV1
    (55, 55, 96)
    """
    return convolve(x, kernel, bias, Windows(np.shape(kernel)[:2], stride, padding, border, dilation), groups)


def conv3d(
    x: ArrayLike,
    kernel: ArrayLike,
    bias: ArrayLike | None = None,
    *,
    stride: Sides = 1,
    padding: Padding = 0,
    border: Border = "zero",
    dilation: Sides = 1,
    groups: int = 1,
) -> Array:
    """Convolution along three axes: a volume (lecture 003: MRI), a film. Arguments as in `conv2d`.

    Args:
        x: (..., depth, height, width, channels), or (depth, height, width).
        kernel: (f, f, f, channels / groups, filters), or (f, f, f).
        bias: (filters,).
        stride: Voxels from place to place.
        padding: Voxels added on each side.
        border: What is added: `"zero"` or `"mirror"`.
        dilation: Voxels from tap to tap.
        groups: Parts of the channels.

    Returns:
        (..., depth, height, width, filters), each side ⌊(W − F + 2P)/S⌋ + 1.

    >>> conv3d(np.ones((3, 3, 3)), np.ones((2, 2, 2)))[0, 0, 0].item()
    8.0
    """
    return convolve(x, kernel, bias, Windows(np.shape(kernel)[:3], stride, padding, border, dilation), groups)


def conv1d_backward(
    upstream: ArrayLike,
    x: ArrayLike,
    kernel: ArrayLike,
    *,
    stride: Sides = 1,
    padding: Padding = 0,
    border: Border = "zero",
    dilation: Sides = 1,
    groups: int = 1,
) -> Gradients:
    """The gradients of `conv1d`, see `conv2d_backward`."""
    return convolve_backward(
        upstream, x, kernel, Windows(np.shape(kernel)[:1], stride, padding, border, dilation), groups
    )


def conv2d_backward(
    upstream: ArrayLike,
    x: ArrayLike,
    kernel: ArrayLike,
    *,
    stride: Sides = 1,
    padding: Padding = 0,
    border: Border = "zero",
    dilation: Sides = 1,
    groups: int = 1,
) -> Gradients:
    """The gradients of `conv2d`, by the chain rule.

    A weight multiplied what its tap saw at every place, so its gradient sums upstream × what it saw. A pixel was
    multiplied by every tap that covered it, so upstream × kernel is laid back to the windows' places.

    Args:
        upstream: Gradient for the output, of its shape.
        x: As for `conv2d`.
        kernel: As for `conv2d`.
        stride: As for `conv2d`.
        padding: As for `conv2d`.
        border: As for `conv2d`.
        dilation: As for `conv2d`.
        groups: As for `conv2d`.

    Returns:
        Gradients for x, kernel and bias.

    >>> image = [[1, 2, 3], [4, 5, 6], [7, 8, 9]]
    >>> conv2d_backward(np.ones((2, 2)), image, [[10, 20], [30, 40]]).kernel  # 1 + 2 + 4 + 5 = 12 …
    array([[12., 16.],
           [24., 28.]])
    """
    return convolve_backward(
        upstream, x, kernel, Windows(np.shape(kernel)[:2], stride, padding, border, dilation), groups
    )


def conv3d_backward(
    upstream: ArrayLike,
    x: ArrayLike,
    kernel: ArrayLike,
    *,
    stride: Sides = 1,
    padding: Padding = 0,
    border: Border = "zero",
    dilation: Sides = 1,
    groups: int = 1,
) -> Gradients:
    """The gradients of `conv3d`, see `conv2d_backward`."""
    return convolve_backward(
        upstream, x, kernel, Windows(np.shape(kernel)[:3], stride, padding, border, dilation), groups
    )


def flipped(kernel: ArrayLike, *, rank: int = 2) -> Array:
    """The kernel turned around along its first `rank` axes: with it, cross-correlation is true convolution.

    >>> conv2d(np.pad([[1]], 2), flipped([[1, 2, 3], [4, 5, 6], [7, 8, 9]]))  # a single 1 gives back the kernel
    array([[1, 2, 3],
           [4, 5, 6],
           [7, 8, 9]])
    """
    return np.flip(np.asarray(kernel), axis=tuple(range(rank)))


def convolve(x: ArrayLike, kernel: ArrayLike, bias: ArrayLike | None, sliding: Windows, groups: int = 1) -> Array:
    """Convolution along any number of axes: the one definition behind `conv1d`, `conv2d` and `conv3d`.

    Args:
        x: (..., *sides, channels), or (*sides,) with a kernel of as many axes.
        kernel: (*taps, channels / groups, filters).
        bias: (filters,).
        sliding: Windows of the kernel's size.
        groups: Each convolves its own part of the channels; the results are put side by side.

    Returns:
        (..., *places, filters).

    Raises:
        InputError: Kernel and picture do not fit.
    """
    x, kernel = np.asarray(x), np.asarray(kernel)
    if x.ndim == kernel.ndim == sliding.rank:
        return convolve(x[..., None], kernel[..., None, None], bias, sliding, groups)[..., 0]
    check_channels(x, kernel, sliding.rank, groups)
    taps = "uvw"[: sliding.rank]
    parts = [
        np.einsum(f"...c{taps},{taps}co->...o", sliding.of(part), weights, optimize=True)
        for part, weights in zip(np.split(x, groups, axis=-1), np.split(kernel, groups, axis=-1), strict=True)
    ]
    y: Array = np.concatenate(parts, axis=-1)
    return y if bias is None else y + np.asarray(bias)


def convolve_backward(
    upstream: ArrayLike, x: ArrayLike, kernel: ArrayLike, sliding: Windows, groups: int = 1
) -> Gradients:
    """The gradients of `convolve`, arguments as there; `upstream` has the shape of its output."""
    upstream, x, kernel = np.asarray(upstream), np.asarray(x), np.asarray(kernel)
    if x.ndim == kernel.ndim == sliding.rank:
        plain = convolve_backward(upstream[..., None], x[..., None], kernel[..., None, None], sliding, groups)
        return Gradients(plain.x[..., 0], plain.kernel[..., 0, 0], plain.bias)
    check_channels(x, kernel, sliding.rank, groups)
    taps = "uvw"[: sliding.rank]
    for_x, for_kernel = [], []
    for part, weights, flow in zip(*(np.split(array, groups, axis=-1) for array in (x, kernel, upstream)), strict=True):
        seen = sliding.of(part)  # (..., *places, c, *taps)
        check_upstream(flow, (*seen.shape[: -sliding.rank - 1], weights.shape[-1]))
        rows = seen.reshape(-1, *seen.shape[-sliding.rank - 1 :])
        for_kernel.append(np.einsum(f"nc{taps},no->{taps}co", rows, flow.reshape(-1, flow.shape[-1]), optimize=True))
        shares = np.einsum(f"...o,{taps}co->...c{taps}", flow, weights, optimize=True)
        for_x.append(sliding.back(shares, part.shape))
    bias = upstream.sum(axis=tuple(range(upstream.ndim - 1)))
    return Gradients(np.concatenate(for_x, axis=-1), np.concatenate(for_kernel, axis=-1), bias)


def check_channels(x: Array, kernel: Array, rank: int, groups: int = 1) -> None:
    """Refuses a kernel (*sides, channels / groups, filters) that does not fit a picture (..., *sides, channels).

    Raises:
        InputError: With both shapes.
    """
    axes = x.ndim > rank and kernel.ndim == rank + 2
    if not axes or x.shape[-1] != kernel.shape[-2] * groups or kernel.shape[-1] % groups:
        raise InputError(
            "a picture (..., *sides, channels) and a kernel (*sides, channels / groups, filters)",
            f"a picture {x.shape}, a kernel {kernel.shape}, {groups} groups",
            "The kernel's last axis but one times the groups is the picture's last axis.",
        )
