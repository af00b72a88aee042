"""Losses of angular margins: a picture has to be nearer to its own class than it would need to be.

All of them are a cross-entropy of scale · cosine, in which the cosine between a picture's vector and its own class is
made smaller first. So vectors of one class end up closer together than those of two classes, also of classes that are
new.
"""

from __future__ import annotations

import math
from typing import Any

import keras
from keras import ops

Tensor = Any  # whatever keras.ops computes with: a tensor of the backend, or an array


def arcface(labels: Tensor, cosines: Tensor, *, margin: float = 0.5, scale: float = 64.0) -> Tensor:
    """An additive margin of the angle: cos(θ + m) of the own class (Deng et al. 2019, arXiv:1801.07698, equation 3).

    Beyond θ = π − m, where the cosine would rise again, it goes on falling as cos θ − m sin m, as the authors' code
    does.

    Args:
        labels: (n,) the class of each picture, 0 … classes − 1.
        cosines: (n, classes) of the angles between the vectors of pictures and classes.
        margin: m in radians; 0.5 in the paper.
        scale: s; 64 in the paper.

    Returns:
        (n,) the loss of each picture.
    """
    cosine = _own(labels, cosines)
    sine = ops.sqrt(1 - ops.square(cosine))
    moved = cosine * math.cos(margin) - sine * math.sin(margin)
    beyond = cosine - margin * math.sin(margin)
    return _cross_entropy(labels, cosines, ops.where(cosine > -math.cos(margin), moved, beyond), scale)


def cosface(labels: Tensor, cosines: Tensor, *, margin: float = 0.35, scale: float = 64.0) -> Tensor:
    """An additive margin of the cosine: cos θ − m of the own class (Wang et al. 2018, arXiv:1801.09414, equation 4).

    Args:
        labels: As of `arcface`.
        cosines: As of `arcface`.
        margin: m; 0.35 in the paper. 0 is a softmax of cosines.
        scale: s; 64 in the paper.

    Returns:
        (n,) the loss of each picture.
    """
    return _cross_entropy(labels, cosines, _own(labels, cosines) - margin, scale)


def sphereface(labels: Tensor, cosines: Tensor, *, margin: int = 4, scale: Tensor = 64.0) -> Tensor:
    """A multiple of the angle: ψ(θ) = (−1)^k cos(m θ) − 2k with θ in [kπ/m, (k + 1)π/m] for the own class.

    Liu et al. 2017, arXiv:1704.08063, equation 7, whose scale is the norm of the picture's vector.

    Args:
        labels: As of `arcface`.
        cosines: As of `arcface`.
        margin: m, a whole number; 4 in the paper. 1 is a softmax of cosines.
        scale: A number, or (n,) the norms.

    Returns:
        (n,) the loss of each picture.
    """
    angle = ops.arccos(_own(labels, cosines))
    k = ops.floor(angle * (margin / math.pi))
    sign = 1 - 2 * (k - 2 * ops.floor(k / 2))
    return _cross_entropy(labels, cosines, sign * ops.cos(margin * angle) - 2 * k, scale)


def _own(labels: Tensor, cosines: Tensor) -> Tensor:
    """(n,) the cosine with the own class, away from ±1, where the angle has no derivative."""
    cosines = ops.convert_to_tensor(cosines)
    own = ops.take_along_axis(cosines, ops.cast(labels, "int32")[:, None], axis=1)[:, 0]
    return ops.clip(own, keras.config.epsilon() - 1, 1 - keras.config.epsilon())


def _cross_entropy(labels: Tensor, cosines: Tensor, own: Tensor, scale: Tensor) -> Tensor:
    """(n,) that of scale · cosines, `own` in the place of the own class's."""
    cosines = ops.convert_to_tensor(cosines)
    scale = ops.reshape(ops.cast(scale, cosines.dtype), (-1, 1))
    right = ops.one_hot(ops.cast(labels, "int32"), cosines.shape[1], dtype=cosines.dtype)
    logits = scale * ops.where(right > 0, own[:, None], cosines)
    return ops.logsumexp(logits, axis=1) - ops.sum(right * logits, axis=1)
