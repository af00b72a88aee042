"""The focal loss: examples that are easy already count less (Lin et al. 2017, arXiv:1708.02002)."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

Tensor = Any  # whatever keras.ops computes with: a tensor of the backend, or an array


def binary_focal(targets: Tensor, probabilities: Tensor, *, gamma: float = 2.0, alpha: float | None = None) -> Tensor:
    """Of independent yes/no decisions: the mean of −α_t (1 − p_t)^γ log p_t over the units (equation 5).

    p_t is the probability given to what is so. With γ = 0 it is cross-entropy. A target between 0 and 1, as label
    smoothing makes, mixes both terms as in cross-entropy.

    Args:
        targets: (n, units) of 0…1.
        probabilities: (n, units), of sigmoid units.
        gamma: How much less an easy example counts, at least 0; 2 in the paper.
        alpha: The weight of class 1, that of class 0 is 1 − α; 0.25 in the paper. None weighs both by 1.

    Returns:
        (n,) the loss of each picture.
    """
    p = _clipped(probabilities)
    y = ops.cast(targets, p.dtype)
    positive, negative = (1.0, 1.0) if alpha is None else (alpha, 1 - alpha)
    of_positive = positive * y * ops.power(1 - p, gamma) * ops.log(p)
    of_negative = negative * (1 - y) * ops.power(p, gamma) * ops.log(1 - p)
    return -ops.mean(of_positive + of_negative, axis=-1)


def categorical_focal(targets: Tensor, probabilities: Tensor, *, gamma: float = 2.0) -> Tensor:
    """Of one class of many: −(1 − p_t)^γ log p_t.

    Args:
        targets: (n, classes), each row a distribution: one 1 and zeros, or smoothed.
        probabilities: (n, classes), of a softmax.
        gamma: As in `binary_focal`.

    Returns:
        (n,) the loss of each picture.
    """
    p = _clipped(probabilities)
    return -ops.sum(ops.cast(targets, p.dtype) * ops.power(1 - p, gamma) * ops.log(p), axis=-1)


def _clipped(probabilities: Tensor) -> Tensor:
    """Away from 0 and 1, where the logarithm has no value, as Keras's cross-entropies do it."""
    p = ops.convert_to_tensor(probabilities)
    return ops.clip(p, keras.config.epsilon(), 1 - keras.config.epsilon())


def focal_of_logits(targets: Tensor, logits: Tensor, *, gamma: float = 2.0, alpha: float = 0.25) -> Tensor:
    """Equation 5 of each unit by itself, from logits, so that none is too sure for a logarithm.

    Args:
        targets: (…) 0 or 1.
        logits: The same shape.
        gamma: As in `binary_focal`.
        alpha: The weight of 1, that of 0 is 1 − α; 0.25 is the paper's.

    Returns:
        (…)
    """
    logits, so = ops.convert_to_tensor(logits), ops.cast(targets, "bool")
    signed = ops.where(so, logits, -logits)  # the logit of what is so
    weight = ops.cast(ops.where(so, alpha, 1 - alpha), logits.dtype)
    return weight * ops.power(ops.sigmoid(-signed), gamma) * ops.softplus(-signed)


def quality_focal_of_logits(targets: Tensor, logits: Tensor, *, gamma: float = 2.0) -> Tensor:
    """|y − p|^γ times the cross-entropy of each unit by itself: the focal loss of targets between 0 and 1.

    Li et al., "Generalized Focal Loss", NeurIPS 2020 (arXiv:2006.04388), equation 2, where y is the IoU of a box, so
    that a score says how good the box is too.

    Args:
        targets: (…) y, of 0…1.
        logits: The same shape; p is their sigmoid.
        gamma: How much less an easy example counts, at least 0; 2 in the paper, called β.

    Returns:
        (…)
    """
    logits = ops.convert_to_tensor(logits)
    y = ops.cast(targets, logits.dtype)
    cross_entropy = y * ops.softplus(-logits) + (1 - y) * ops.softplus(logits)
    return ops.power(ops.abs(y - ops.sigmoid(logits)), gamma) * cross_entropy
