"""Enlarging without a transposed convolution: sub-pixel convolution and resize convolution (lecture 003).

A transposed convolution whose kernel is no multiple of its stride stamps unevenly and leaves a checkerboard
(Odena et al. 2016). Sub-pixel convolution computes the s² pixels of each place as channels (Shi et al. 2016);
resize convolution enlarges first and convolves then.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from cnnkit.errors import InputError, unknown_name
from cnnkit.primitives.arrays import Array
from cnnkit.primitives.convolution import Gradients, conv2d, conv2d_backward
from cnnkit.primitives.padding import Padding

Interpolation = Literal["nearest", "bilinear"]


def depth_to_space(x: ArrayLike, factor: int) -> Array:
    """Lays the channels of a pixel out as a square: (..., h, w, s²·c) → (..., s·h, s·w, c).

    The order is TensorFlow's: the channels of the upper left pixel first, then of the one to its right.

    Raises:
        InputError: s² does not divide the channels.

    >>> depth_to_space([[[1, 2, 3, 4]]], 2)[..., 0]
    array([[1, 2],
           [3, 4]])
    """
    x = np.asarray(x)
    *lead, height, width, channels = x.shape
    if factor < 1 or channels % factor**2:
        raise InputError(f"channels that {factor}² divides", f"{channels} channels", "Choose filters = factor² · c.")
    squares = x.reshape(*lead, height, width, factor, factor, -1)
    return np.moveaxis(squares, -3, -4).reshape(*lead, height * factor, width * factor, -1)


def space_to_depth(x: ArrayLike, factor: int) -> Array:
    """The reverse of `depth_to_space`, and its gradient: (..., s·h, s·w, c) → (..., h, w, s²·c).

    Raises:
        InputError: The factor does not divide the sides.

    >>> space_to_depth([[[1], [2]], [[3], [4]]], 2).tolist()
    [[[1, 2, 3, 4]]]
    """
    x = np.asarray(x)
    *lead, height, width, channels = x.shape
    if factor < 1 or height % factor or width % factor:
        raise InputError(f"sides that {factor} divides", f"{height} × {width}", "Crop or pad the picture.")
    squares = x.reshape(*lead, height // factor, factor, width // factor, factor, channels)
    return np.moveaxis(squares, -4, -3).reshape(*lead, height // factor, width // factor, -1)


def subpixel_conv2d(
    x: ArrayLike, kernel: ArrayLike, bias: ArrayLike | None = None, *, factor: int = 2, padding: Padding = "same"
) -> Array:
    """Sub-pixel convolution: a convolution to s²·c channels, whose s² pixels are then laid out.

    Args:
        x: (..., height, width, channels).
        kernel: (f, f, channels, s²·filters).
        bias: (s²·filters,).
        factor: s, how many times larger.
        padding: As for `conv2d`.

    Returns:
        (..., s·height, s·width, filters).

    >>> subpixel_conv2d(np.ones((5, 5, 3)), np.ones((3, 3, 3, 4))).shape
    (10, 10, 1)
    """
    return depth_to_space(conv2d(x, kernel, bias, padding=padding), factor)


def subpixel_conv2d_backward(
    upstream: ArrayLike, x: ArrayLike, kernel: ArrayLike, *, factor: int = 2, padding: Padding = "same"
) -> Gradients:
    """The gradients of `subpixel_conv2d`, arguments as there."""
    return conv2d_backward(space_to_depth(upstream, factor), x, kernel, padding=padding)


def enlarging_matrix(side: int, factor: int, interpolation: Interpolation = "nearest") -> Array:
    """The matrix (s·side, side) that enlarges a row of pixels; each of its rows mixes one new pixel.

    Bilinear: the middle of new pixel i is at (i + ½)/s − ½; the two pixels around it count by their nearness.

    Raises:
        UnknownNameError: Another interpolation.

    >>> enlarging_matrix(2, 2, "bilinear")
    array([[1.  , 0.  ],
           [0.75, 0.25],
           [0.25, 0.75],
           [0.  , 1.  ]])
    """
    if interpolation == "nearest":
        return np.eye(side).repeat(factor, axis=0)
    if interpolation != "bilinear":
        raise unknown_name("an interpolation", interpolation, ["nearest", "bilinear"])
    middles = (np.arange(side * factor) + 0.5) / factor - 0.5
    distance = np.abs(middles.clip(0, side - 1)[:, None] - np.arange(side))
    return np.asarray(np.maximum(1 - distance, 0))


def resize2d(x: ArrayLike, factor: int = 2, interpolation: Interpolation = "nearest") -> Array:
    """Enlarges pictures (..., h, w, c) to (..., s·h, s·w, c), along the height and along the width.

    >>> resize2d([[[1], [3]]], 2)[..., 0]
    array([[1., 1., 3., 3.],
           [1., 1., 3., 3.]])
    """
    x = np.asarray(x)
    down, across = (enlarging_matrix(side, factor, interpolation) for side in x.shape[-3:-1])
    return _of_type(np.einsum("ih,jw,...hwc->...ijc", down, across, x, optimize=True), x)


def resize2d_backward(
    upstream: ArrayLike, x: ArrayLike, factor: int = 2, interpolation: Interpolation = "nearest"
) -> Array:
    """The gradient of `resize2d` for x: the same two matrices, transposed."""
    upstream, x = np.asarray(upstream), np.asarray(x)
    down, across = (enlarging_matrix(side, factor, interpolation) for side in x.shape[-3:-1])
    return _of_type(np.einsum("ih,jw,...ijc->...hwc", down, across, upstream, optimize=True), upstream)


def resize_conv2d(
    x: ArrayLike,
    kernel: ArrayLike,
    bias: ArrayLike | None = None,
    *,
    factor: int = 2,
    interpolation: Interpolation = "nearest",
    padding: Padding = "same",
) -> Array:
    """Resize convolution: the picture is enlarged, then convolved; no checkerboard.

    Args:
        x: (..., height, width, channels).
        kernel: (f, f, channels, filters).
        bias: (filters,).
        factor: s, how many times larger.
        interpolation: `"nearest"` or `"bilinear"`.
        padding: As for `conv2d`.

    Returns:
        (..., s·height, s·width, filters).
    """
    return conv2d(resize2d(x, factor, interpolation), kernel, bias, padding=padding)


def resize_conv2d_backward(
    upstream: ArrayLike,
    x: ArrayLike,
    kernel: ArrayLike,
    *,
    factor: int = 2,
    interpolation: Interpolation = "nearest",
    padding: Padding = "same",
) -> Gradients:
    """The gradients of `resize_conv2d`, arguments as there."""
    enlarged = conv2d_backward(upstream, resize2d(x, factor, interpolation), kernel, padding=padding)
    return enlarged._replace(x=resize2d_backward(enlarged.x, x, factor, interpolation))


def _of_type(array: Array, model: Array) -> Array:
    """In the type of `model`, where that has fractions."""
    return array.astype(np.result_type(model, np.float32), copy=False)
