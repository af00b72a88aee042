"""The fully connected layer, and maxout, which takes the largest of several."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from cnnkit.errors import InputError
from cnnkit.primitives.arrays import Array
from cnnkit.primitives.convolution import Gradients


def dense(x: ArrayLike, kernel: ArrayLike, bias: ArrayLike | None = None) -> Array:
    """Every output sees every input: x·W + b.

    Args:
        x: (..., inputs).
        kernel: (inputs, units).
        bias: (units,).

    Returns:
        (..., units).

    Raises:
        InputError: Another number of inputs.

    >>> dense([1, 2, 3], [[1, 0], [10, 0], [100, 1]], bias=[0, 5])
    array([321,   8])
    """
    x, kernel = np.asarray(x), np.asarray(kernel)
    if kernel.ndim != 2 or x.ndim < 1 or x.shape[-1] != kernel.shape[0]:
        raise InputError("inputs (..., n) and a kernel (n, units)", f"{x.shape} and {kernel.shape}", "Flatten first.")
    y: Array = x @ kernel
    return y if bias is None else y + np.asarray(bias)


def dense_backward(upstream: ArrayLike, x: ArrayLike, kernel: ArrayLike) -> Gradients:
    """The gradients of `dense`, two matrix products."""
    upstream, x, kernel = np.asarray(upstream), np.asarray(x), np.asarray(kernel)
    flow = upstream.reshape(-1, kernel.shape[1])
    return Gradients(upstream @ kernel.T, x.reshape(-1, kernel.shape[0]).T @ flow, flow.sum(axis=0))


def maxout(x: ArrayLike, kernel: ArrayLike, bias: ArrayLike) -> Array:
    """The largest of several dense layers: max(w₁ᵀx + b₁, w₂ᵀx + b₂, …) (Goodfellow et al. 2013).

    Args:
        x: (..., inputs).
        kernel: (pieces, inputs, units).
        bias: (pieces, units).

    Returns:
        (..., units).

    >>> maxout([-3.0], kernel=[[[1.0]], [[-1.0]]], bias=[[0.0], [0.0]])  # max(x, −x) = |x|
    array([3.])
    """
    return np.asarray(_pieces(np.asarray(x), np.asarray(kernel), np.asarray(bias)).max(axis=0))


def maxout_backward(upstream: ArrayLike, x: ArrayLike, kernel: ArrayLike, bias: ArrayLike) -> Gradients:
    """The gradients of `maxout`: only the winning piece of each unit gets them."""
    upstream, x, kernel = np.asarray(upstream), np.asarray(x), np.asarray(kernel)
    winner = _pieces(x, kernel, np.asarray(bias)).argmax(axis=0)
    shares = [dense_backward(upstream * (winner == piece), x, weights) for piece, weights in enumerate(kernel)]
    for_x, for_kernel, for_bias = zip(*shares, strict=True)
    return Gradients(np.sum(for_x, axis=0), np.stack(for_kernel), np.stack(for_bias))


def _pieces(x: Array, kernel: Array, bias: Array) -> Array:
    """(pieces, ..., units)."""
    return np.stack([dense(x, weights, shift) for weights, shift in zip(kernel, bias, strict=True)])
