"""Losses of pairs and triplets: pictures of a batch are compared with each other, no class has a weight of its own."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

Tensor = Any  # whatever keras.ops computes with: a tensor of the backend, or an array


def triplet(labels: Tensor, vectors: Tensor, *, margin: float | None = 0.2) -> Tensor:
    """Batch-hard triplets: m + the largest distance to the own class − the least to another, at least 0.

    Hermans et al. 2017, arXiv:1703.07737, equation 5, with the distances themselves, not their squares; the triplets
    are those of Schroff et al. 2015 (FaceNet), whose margin is 0.2. A picture without another one of its class in the
    batch, or without one of another class, has loss 0.

    Args:
        labels: (n,) the class of each picture.
        vectors: (n, d) of the pictures.
        margin: m; None is the soft margin, log(1 + exp(…)), which never ends to pull.

    Returns:
        (n,) the loss of each picture.
    """
    distances, same, other = _pairs(labels, vectors)
    farthest = ops.max(ops.where(same, distances, 0), axis=1)
    nearest = ops.min(ops.where(other, distances, ops.max(distances)), axis=1)
    loss = ops.softplus(farthest - nearest) if margin is None else ops.relu(farthest - nearest + margin)
    complete = ops.logical_and(ops.any(same, axis=1), ops.any(other, axis=1))
    return ops.where(complete, loss, 0)


def contrastive(labels: Tensor, vectors: Tensor, *, margin: float = 1.0) -> Tensor:
    """½ D² of pairs of one class, ½ max(0, m − D)² of others (Hadsell, Chopra and LeCun 2006, equation 4).

    Each picture has the mean over its pairs of one class plus the mean over its other pairs, so that both count alike
    whatever their numbers are.

    Args:
        labels: (n,) the class of each picture.
        vectors: (n, d) of the pictures.
        margin: m, the distance from which on pictures of two classes are far enough apart.

    Returns:
        (n,) the loss of each picture.
    """
    distances, same, other = _pairs(labels, vectors)
    together = _mean(ops.square(distances) / 2, same)
    return together + _mean(ops.square(ops.relu(margin - distances)) / 2, other)


def _pairs(labels: Tensor, vectors: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """(n, n) Euclidean distances, and which pairs are of two pictures of one class, and of two classes."""
    vectors, labels = ops.convert_to_tensor(vectors), ops.convert_to_tensor(labels)
    squares = ops.sum(ops.square(vectors[:, None] - vectors[None]), axis=2)
    # Away from 0, where a root has no derivative: of a picture with itself, say.
    distances = ops.sqrt(ops.maximum(squares, keras.config.epsilon() ** 2))
    alike = labels[:, None] == labels[None]
    itself = ops.eye(ops.shape(labels)[0], dtype="bool")
    return distances, ops.logical_and(alike, ops.logical_not(itself)), ops.logical_not(alike)


def _mean(values: Tensor, pairs: Tensor) -> Tensor:
    """(n,) of each row over the pairs that count; 0 where there are none."""
    counted = ops.cast(pairs, values.dtype)
    return ops.sum(values * counted, axis=1) / ops.maximum(ops.sum(counted, axis=1), 1)
