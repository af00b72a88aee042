"""Transposed convolution: a convolution run backwards, from its small output to its large input.

Three ways to see it, one result. Each pixel *stamps* the kernel (`loops.transposed_conv2d_loops`); zeros are
*inserted* between the pixels and an ordinary convolution with the flipped kernel follows; the convolution is written
as a *matrix*, and the matrix is transposed: hence the name.

The kernel is the one of the convolution that is run backwards: (*sides, channels out, channels in), as in Keras.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from cnnkit.errors import InputError
from cnnkit.primitives.arrays import Array, Sides, check_upstream, each
from cnnkit.primitives.convolution import Gradients, convolve, convolve_backward, flipped
from cnnkit.primitives.counting import Padding, effective_kernel, transposed_crop, transposed_side
from cnnkit.primitives.padding import pad
from cnnkit.primitives.windows import Windows


def transposed_conv1d(
    x: ArrayLike,
    kernel: ArrayLike,
    bias: ArrayLike | None = None,
    *,
    stride: Sides = 1,
    padding: Padding = "valid",
    dilation: Sides = 1,
) -> Array:
    """Transposed convolution of a sequence (..., length, channels) or (length,), see `transposed_conv2d`.

    >>> transposed_conv1d([1, 2, 3], [1, 10, 100], stride=2)  # stamps 1 10 100, 2 20 200 and 3 30 300
    array([  1,  10, 102,  20, 203,  30, 300])
    """
    return _transposed(x, kernel, bias, _Undone(np.shape(kernel)[:1], stride, padding, dilation))


def transposed_conv2d(
    x: ArrayLike,
    kernel: ArrayLike,
    bias: ArrayLike | None = None,
    *,
    stride: Sides = 1,
    padding: Padding = "valid",
    dilation: Sides = 1,
) -> Array:
    """Enlarges the picture: zeros are inserted, then the flipped kernel slides over it with stride 1.

    Args:
        x: (..., height, width, channels), or one picture without channels (height, width).
        kernel: (f, f, filters, channels), or (f, f).
        bias: (filters,).
        stride: How many times larger; stride − 1 zeros are inserted between neighbours.
        padding: Of the convolution run backwards: pixels that are cut off each side, `"valid"`, or `"same"`.
        dilation: Pixels from tap to tap of the kernel.

    Returns:
        (..., (H − 1)·S + F − 2P, (W − 1)·S + F − 2P, filters).

    Raises:
        InputError: Kernel and picture do not fit, or the padding leaves nothing.

    >>> transposed_conv2d([[1, 2]], np.ones((2, 2)), stride=2)
    array([[1., 1., 2., 2.],
           [1., 1., 2., 2.]])
    """
    return _transposed(x, kernel, bias, _Undone(np.shape(kernel)[:2], stride, padding, dilation))


def transposed_conv1d_backward(
    upstream: ArrayLike,
    x: ArrayLike,
    kernel: ArrayLike,
    *,
    stride: Sides = 1,
    padding: Padding = "valid",
    dilation: Sides = 1,
) -> Gradients:
    """The gradients of `transposed_conv1d`, see `transposed_conv2d_backward`."""
    return _transposed_backward(upstream, x, kernel, _Undone(np.shape(kernel)[:1], stride, padding, dilation))


def transposed_conv2d_backward(
    upstream: ArrayLike,
    x: ArrayLike,
    kernel: ArrayLike,
    *,
    stride: Sides = 1,
    padding: Padding = "valid",
    dilation: Sides = 1,
) -> Gradients:
    """The gradients of `transposed_conv2d`: backwards twice is forwards, so x gets an ordinary convolution.

    Arguments as for `transposed_conv2d`; `upstream` has the shape of its output.
    """
    return _transposed_backward(upstream, x, kernel, _Undone(np.shape(kernel)[:2], stride, padding, dilation))


def insert_zeros(x: ArrayLike, stride: Sequence[int]) -> Array:
    """Puts S − 1 zeros between neighbours, along each of the axes before the channels.

    >>> insert_zeros([[1], [2], [3]], (2,))[:, 0].tolist()
    [1, 0, 2, 0, 3]
    """
    x = np.asarray(x)
    lead, sides = x.shape[: -len(stride) - 1], x.shape[-len(stride) - 1 : -1]
    spread = np.zeros(
        (*lead, *((side - 1) * s + 1 for side, s in zip(sides, stride, strict=True)), x.shape[-1]), x.dtype
    )
    there: Any = (..., *(slice(None, None, s) for s in stride), slice(None))
    spread[there] = x
    return spread


def convolution_matrix(
    kernel: ArrayLike, sides: Sequence[int], *, stride: Sides = 1, padding: Padding = 0, dilation: Sides = 1
) -> Array:
    """The matrix that a convolution is: flattened output = matrix @ flattened picture.

    A column is what the convolution makes of a picture that is 0 but for a single 1. Each row holds the kernel
    once, one place further: a dense layer with few and shared weights.

    Args:
        kernel: (*taps, channels, filters), or (*taps,).
        sides: Of the picture, (length,) or (height, width).
        stride: As for `conv2d`.
        padding: As for `conv2d`.
        dilation: As for `conv2d`.

    Returns:
        (places · filters, pixels · channels).

    >>> convolution_matrix([1, 2, 3], (5,)).astype(int)
    array([[1, 2, 3, 0, 0],
           [0, 1, 2, 3, 0],
           [0, 0, 1, 2, 3]])
    """
    kernel, rank = np.asarray(kernel), len(sides)
    if kernel.ndim == rank:
        kernel = kernel[..., None, None]
    pixels = math.prod(sides) * kernel.shape[-2]
    single_ones = np.eye(pixels).reshape(pixels, *sides, kernel.shape[-2])
    columns = convolve(single_ones, kernel, None, Windows(kernel.shape[:rank], stride, padding, dilation=dilation))
    return columns.reshape(pixels, -1).T


def transposed_conv_by_matrix(
    x: ArrayLike, kernel: ArrayLike, *, stride: Sides = 1, padding: Padding = "valid", dilation: Sides = 1
) -> Array:
    """`transposed_conv1d` or `transposed_conv2d` of one picture, by the transposed matrix of the convolution.

    Args:
        x: (*sides, channels) with a kernel (*taps, filters, channels), or (*sides,) with a kernel (*taps,).
        kernel: See x.
        stride: As for `transposed_conv2d`.
        padding: As for `transposed_conv2d`.
        dilation: As for `transposed_conv2d`.

    Returns:
        (*larger sides, filters), or (*larger sides,).

    >>> transposed_conv_by_matrix([1, 2, 3], [1, 10, 100], stride=2)
    array([  1.,  10., 102.,  20., 203.,  30., 300.])
    """
    x, kernel = np.asarray(x), np.asarray(kernel)
    plain = x.ndim == kernel.ndim
    rank = x.ndim if plain else x.ndim - 1
    undone = _Undone(kernel.shape[:rank], stride, padding, dilation)
    sides = undone.sides(x.shape[:rank])
    matrix = convolution_matrix(kernel, sides, stride=stride, padding=padding, dilation=dilation)
    y: Array = matrix.T @ x.ravel()
    return y.reshape(sides if plain else (*sides, kernel.shape[-2]))


@dataclass(frozen=True)
class _Undone:
    """The convolution that is run backwards."""

    size: tuple[int, ...]
    stride: Sides
    padding: Padding
    dilation: Sides

    @property
    def rank(self) -> int:
        return len(self.size)

    @property
    def windows(self) -> Windows:
        """Its windows over the whole stamps."""
        return Windows(self.size, self.stride, dilation=self.dilation)

    def steps(self) -> list[tuple[int, int, int]]:
        """Kernel, stride and dilation along each side."""
        return list(zip(self.size, each(self.stride, self.rank), each(self.dilation, self.rank), strict=True))

    def crop(self) -> list[tuple[int, int]]:
        """What is cut off the stamps along each side, before and after."""
        return [transposed_crop(f, stride=s, padding=self.padding, dilation=d) for f, s, d in self.steps()]

    def around(self) -> list[tuple[int, int]]:
        """The border that the spread pixels need, so that the kernel reaches all that is not cut off."""
        reaches = [effective_kernel(f, d) - 1 for f, _, d in self.steps()]
        return [(reach - before, reach - after) for reach, (before, after) in zip(reaches, self.crop(), strict=True)]

    def sides(self, sides: Sequence[int]) -> tuple[int, ...]:
        """The output's sides."""
        along = zip(sides, self.steps(), strict=True)
        return tuple(transposed_side(w, f, stride=s, padding=self.padding, dilation=d) for w, (f, s, d) in along)


def _transposed(x: ArrayLike, kernel: ArrayLike, bias: ArrayLike | None, undone: _Undone) -> Array:
    x, kernel = np.asarray(x), np.asarray(kernel)
    if x.ndim == kernel.ndim == undone.rank:
        return _transposed(x[..., None], kernel[..., None, None], bias, undone)[..., 0]
    _output(x, kernel, undone)  # raises where they do not fit
    spread = pad(insert_zeros(x, each(undone.stride, undone.rank)), undone.around())
    turned = flipped(kernel, rank=undone.rank).swapaxes(-1, -2)  # (*taps, channels, filters)
    return convolve(spread, turned, bias, Windows(undone.size, dilation=undone.dilation))


def _transposed_backward(upstream: ArrayLike, x: ArrayLike, kernel: ArrayLike, undone: _Undone) -> Gradients:
    upstream, x, kernel = np.asarray(upstream), np.asarray(x), np.asarray(kernel)
    if x.ndim == kernel.ndim == undone.rank:
        plain = _transposed_backward(upstream[..., None], x[..., None], kernel[..., None, None], undone)
        return Gradients(plain.x[..., 0], plain.kernel[..., 0, 0], plain.bias)
    check_upstream(upstream, _output(x, kernel, undone))
    stamps = pad(upstream, undone.crop())  # what was cut off had no effect: its gradient is 0
    for_x = convolve(stamps, kernel, None, undone.windows)
    swapped = convolve_backward(x, stamps, kernel, undone.windows)  # input and output change places
    return Gradients(for_x, swapped.kernel, upstream.sum(axis=tuple(range(upstream.ndim - 1))))


def _output(x: Array, kernel: Array, undone: _Undone) -> tuple[int, ...]:
    """The output's shape, or why there is none."""
    if kernel.ndim != undone.rank + 2 or x.ndim <= undone.rank or x.shape[-1] != kernel.shape[-1]:
        raise InputError(
            "a picture (..., *sides, channels) and a kernel (*sides, filters, channels)",
            f"a picture {x.shape} and a kernel {kernel.shape}",
            "In a transposed convolution the picture's channels are the kernel's last axis.",
        )
    lead, sides = x.shape[: -undone.rank - 1], x.shape[-undone.rank - 1 : -1]
    return (*lead, *undone.sides(sides), kernel.shape[-2])
