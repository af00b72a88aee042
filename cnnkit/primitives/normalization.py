"""Batch normalization (Ioffe and Szegedy 2015), in its two modes.

In training each channel is normalized by the mean and variance of the *batch*, and moving averages of them are kept;
in inference by these averages. The two give different outputs for the same input: a network that is fine-tuned in the
wrong mode forgets what it learned.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from cnnkit.primitives.arrays import Array


class NormGradients(NamedTuple):
    """Gradients of the loss, each of the shape of what it is named after."""

    x: Array
    scale: Array
    shift: Array


def batch_statistics(x: ArrayLike) -> tuple[Array, Array]:
    """Mean and variance of each channel, over the batch and all places; the variance divides by n.

    Args:
        x: (..., channels).

    Returns:
        Mean and variance, (channels,) each.

    >>> batch_statistics([[1.0, 0.0], [3.0, 0.0]])
    (array([2., 0.]), array([1., 0.]))
    """
    x = np.asarray(x)
    axes = tuple(range(x.ndim - 1))
    return np.asarray(x.mean(axis=axes)), np.asarray(x.var(axis=axes))


def batch_norm_training(x: ArrayLike, scale: ArrayLike, shift: ArrayLike, *, epsilon: float = 1e-3) -> Array:
    """Normalizes by the batch's own statistics: γ·(x − μ)/√(σ² + ε) + β.

    Args:
        x: (..., channels), a batch.
        scale: γ (channels,).
        shift: β (channels,).
        epsilon: Keeps a constant channel from dividing by zero; 0.001 in Keras.

    Returns:
        (..., channels): with γ = 1 and β = 0 of mean 0 and variance 1.

    >>> batch_norm_training([[1.0], [3.0]], [1.0], [0.0], epsilon=0)[:, 0]
    array([-1.,  1.])
    """
    return batch_norm_inference(x, scale, shift, *batch_statistics(x), epsilon=epsilon)


def batch_norm_training_backward(
    upstream: ArrayLike, x: ArrayLike, scale: ArrayLike, *, epsilon: float = 1e-3
) -> NormGradients:
    """The gradients of `batch_norm_training`.

    Every value moves the mean and the variance of its channel, so the gradient for x loses its own mean and the
    part along the normalized values.
    """
    upstream, x = np.asarray(upstream), np.asarray(x)
    axes = tuple(range(x.ndim - 1))
    mean, variance = batch_statistics(x)
    deviation = np.sqrt(variance + epsilon)
    normal = (x - mean) / deviation
    along = (upstream * normal).mean(axis=axes) * normal
    for_x = np.asarray(scale) / deviation * (upstream - upstream.mean(axis=axes) - along)
    return NormGradients(for_x, (upstream * normal).sum(axis=axes), upstream.sum(axis=axes))


def batch_norm_inference(
    x: ArrayLike, scale: ArrayLike, shift: ArrayLike, mean: ArrayLike, variance: ArrayLike, *, epsilon: float = 1e-3
) -> Array:
    """Normalizes by given statistics: one multiplication and one addition a channel, whatever else is in the batch.

    Args:
        x: (..., channels).
        scale: γ (channels,).
        shift: β (channels,).
        mean: (channels,), the moving average.
        variance: (channels,), the moving average.
        epsilon: As for `batch_norm_training`.

    Returns:
        (..., channels).
    """
    deviation = np.sqrt(np.asarray(variance) + epsilon)
    normal = (np.asarray(x) - np.asarray(mean)) / deviation
    return np.asarray(np.asarray(scale) * normal + np.asarray(shift))


def batch_norm_inference_backward(
    upstream: ArrayLike, x: ArrayLike, scale: ArrayLike, mean: ArrayLike, variance: ArrayLike, *, epsilon: float = 1e-3
) -> NormGradients:
    """The gradients of `batch_norm_inference`: the statistics are constants."""
    upstream, x = np.asarray(upstream), np.asarray(x)
    axes = tuple(range(x.ndim - 1))
    deviation = np.sqrt(np.asarray(variance) + epsilon)
    normal = (x - np.asarray(mean)) / deviation
    return NormGradients(
        upstream * np.asarray(scale) / deviation, (upstream * normal).sum(axis=axes), upstream.sum(axis=axes)
    )


def moving_average(old: ArrayLike, new: ArrayLike, *, momentum: float = 0.99) -> Array:
    """What is kept of a statistic after a training step: momentum·old + (1 − momentum)·new.

    >>> float(moving_average(0.0, 10.0, momentum=0.75))
    2.5
    """
    return np.asarray(momentum * np.asarray(old) + (1 - momentum) * np.asarray(new))
