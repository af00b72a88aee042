"""Activations: what makes a network more than one large matrix. Each works value by value.

Each `…_backward(upstream, x)` is the upstream gradient times the slope at x.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from cnnkit.primitives.arrays import Array


def sigmoid(x: ArrayLike) -> Array:
    """Squashes to (0, 1): σ(x) = 1 / (1 + e⁻ˣ).

    Computed by tanh, σ(x) = ½ + ½·tanh(x/2), which no x overflows.

    >>> sigmoid([-1000.0, 0.0, 1000.0])
    array([0. , 0.5, 1. ])
    """
    return np.asarray(0.5 + 0.5 * np.tanh(0.5 * np.asarray(x)))


def sigmoid_backward(upstream: ArrayLike, x: ArrayLike) -> Array:
    """Slope σ(x)·(1 − σ(x)): at most ¼, and 0 where the sigmoid saturates.

    >>> sigmoid_backward(1, [0.0, 1000.0])
    array([0.25, 0.  ])
    """
    upstream, y = np.asarray(upstream), sigmoid(x)
    return np.asarray(upstream * y * (1 - y))


def tanh(x: ArrayLike) -> Array:
    """Squashes to (−1, 1), a sigmoid around zero: 2·σ(2x) − 1."""
    return np.asarray(np.tanh(x))


def tanh_backward(upstream: ArrayLike, x: ArrayLike) -> Array:
    """Slope 1 − tanh²(x)."""
    return np.asarray(np.asarray(upstream) * (1 - tanh(x) ** 2))


def relu(x: ArrayLike) -> Array:
    """Cuts off what is negative: max(0, x).

    >>> relu([-2.0, 3.0])
    array([0., 3.])
    """
    return np.maximum(x, 0)


def relu_backward(upstream: ArrayLike, x: ArrayLike) -> Array:
    """Slope 1 where x > 0, else 0."""
    return np.asarray(upstream) * (np.asarray(x) > 0)


def leaky_relu(x: ArrayLike, slope: float = 0.1) -> Array:
    """Lets a little of what is negative through: max(slope·x, x), lecture 001 with slope 0.1.

    >>> leaky_relu([-2.0, 3.0])
    array([-0.2,  3. ])
    """
    x = np.asarray(x)
    return np.where(x > 0, x, slope * x)


def leaky_relu_backward(upstream: ArrayLike, x: ArrayLike, slope: float = 0.1) -> Array:
    """Slope 1 where x > 0, else `slope`."""
    return np.asarray(upstream) * np.where(np.asarray(x) > 0, 1.0, slope)


def elu(x: ArrayLike, alpha: float = 1.0) -> Array:
    """Bends smoothly to −α: x where x ≥ 0, else α·(eˣ − 1).

    >>> elu([-1000.0, 3.0])
    array([-1.,  3.])
    """
    x = np.asarray(x)
    return np.where(x >= 0, x, alpha * np.expm1(np.minimum(x, 0)))


def elu_backward(upstream: ArrayLike, x: ArrayLike, alpha: float = 1.0) -> Array:
    """Slope 1 where x ≥ 0, else α·eˣ."""
    x = np.asarray(x)
    return np.asarray(upstream) * np.where(x >= 0, 1.0, alpha * np.exp(np.minimum(x, 0)))


def swish(x: ArrayLike, beta: float = 1.0) -> Array:
    """x·σ(βx) (Ramachandran et al. 2017): ReLU for β → ∞, x/2 for β = 0; also called SiLU.

    >>> swish([-2.0, 3.0], beta=1000)
    array([-0.,  3.])
    """
    x = np.asarray(x)
    return np.asarray(x * sigmoid(beta * x))


def swish_backward(upstream: ArrayLike, x: ArrayLike, beta: float = 1.0) -> Array:
    """Slope σ(βx) + βx·σ(βx)·(1 − σ(βx))."""
    upstream, x = np.asarray(upstream), np.asarray(x)
    gate = sigmoid(beta * x)
    slope = gate + beta * x * gate * (1 - gate)
    return np.asarray(upstream * slope)


def softmax(x: ArrayLike) -> Array:
    """Scores to probabilities, along the last axis: eˣ / Σ eˣ.

    The largest score is subtracted first, which changes nothing and lets nothing overflow.

    >>> softmax([1000.0, 1000.0])
    array([0.5, 0.5])
    """
    x = np.asarray(x)
    powers = np.exp(x - x.max(axis=-1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=-1, keepdims=True))


def softmax_backward(upstream: ArrayLike, x: ArrayLike) -> Array:
    """y·(upstream − Σ upstream·y): raising one probability lowers all others.

    >>> softmax_backward([1.0, 0.0], [0.0, 0.0])
    array([ 0.25, -0.25])
    """
    upstream, y = np.asarray(upstream), softmax(x)
    return np.asarray(y * (upstream - (upstream * y).sum(axis=-1, keepdims=True)))
