"""What a classifier is trained to lower: the hinge loss of the SVM, the cross-entropy of the softmax classifier.

Each is a mean over the examples; each `…_backward` is its gradient for the scores, of their shape.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from cnnkit.errors import InputError
from cnnkit.primitives.activations import sigmoid, softmax
from cnnkit.primitives.arrays import Array


def hinge_loss(scores: ArrayLike, labels: ArrayLike, *, margin: float = 1.0) -> float:
    """The SVM's loss for several classes: Σ max(0, sⱼ − s_right + margin) over the wrong classes j.

    0 once the right class leads every other by the margin (Weston and Watkins 1999).

    Args:
        scores: (n, classes).
        labels: (n,), the right class of each, from 0.
        margin: The lead that is asked for.

    Raises:
        InputError: Shapes or labels that do not fit.

    >>> hinge_loss([[3, 5, -2]], [0])  # max(0, 5 − 3 + 1) + max(0, −2 − 3 + 1)
    3.0
    """
    return float(_violations(*_examples(scores, labels), margin).sum(axis=1).mean())


def hinge_loss_backward(scores: ArrayLike, labels: ArrayLike, *, margin: float = 1.0) -> Array:
    """Each wrong class inside the margin is pushed down by 1, the right one up by their number.

    >>> hinge_loss_backward([[3, 5, -2]], [0])
    array([[-1.,  1.,  0.]])
    """
    scores, labels = _examples(scores, labels)
    gradient = np.asarray(_violations(scores, labels, margin) > 0, np.result_type(scores, np.float32))
    gradient[np.arange(len(labels)), labels] = -gradient.sum(axis=1)
    return np.asarray(gradient / len(labels))


def binary_hinge_loss(scores: ArrayLike, signs: ArrayLike) -> float:
    """The SVM's loss for two classes: max(0, 1 − sign·score).

    Args:
        scores: Of any shape.
        signs: Of the same shape, −1 or +1.

    >>> binary_hinge_loss([0.5, -3.0], [1, -1])
    0.25
    """
    return float(np.maximum(0, 1 - np.asarray(signs) * np.asarray(scores)).mean())


def binary_hinge_loss_backward(scores: ArrayLike, signs: ArrayLike) -> Array:
    """−sign where the margin is violated, else 0; divided by the number of examples."""
    scores, signs = np.asarray(scores), np.asarray(signs)
    return np.asarray(np.where(signs * scores < 1, -signs, 0) / scores.size)


def cross_entropy_loss(scores: ArrayLike, labels: ArrayLike) -> float:
    """The softmax classifier's loss: −log of the probability of the right class.

    Args:
        scores: (n, classes), before the softmax.
        labels: (n,), the right class of each, from 0.

    Raises:
        InputError: Shapes or labels that do not fit.

    >>> round(cross_entropy_loss([[0.0, 0.0]], [1]), 4)  # guessing between two: log 2
    0.6931
    """
    scores, labels = _examples(scores, labels)
    above = scores - scores.max(axis=1, keepdims=True)
    log_probability = above - np.log(np.exp(above).sum(axis=1, keepdims=True))
    return float(-log_probability[np.arange(len(labels)), labels].mean())


def cross_entropy_loss_backward(scores: ArrayLike, labels: ArrayLike) -> Array:
    """What is predicted minus what is right: softmax − one-hot, divided by the number of examples.

    >>> cross_entropy_loss_backward([[0.0, 0.0]], [1])
    array([[ 0.5, -0.5]])
    """
    scores, labels = _examples(scores, labels)
    gradient = softmax(scores)
    gradient[np.arange(len(labels)), labels] -= 1
    return np.asarray(gradient / len(labels))


def binary_cross_entropy_loss(scores: ArrayLike, targets: ArrayLike) -> float:
    """The loss of a yes or no: −t·log σ(s) − (1 − t)·log(1 − σ(s)), computed so that nothing overflows.

    Args:
        scores: Of any shape, before the sigmoid.
        targets: Of the same shape, in [0, 1].

    >>> binary_cross_entropy_loss([1000.0, -1000.0], [1, 0])
    0.0
    """
    scores, targets = np.asarray(scores), np.asarray(targets)
    return float((np.maximum(scores, 0) - scores * targets + np.log1p(np.exp(-np.abs(scores)))).mean())


def binary_cross_entropy_loss_backward(scores: ArrayLike, targets: ArrayLike) -> Array:
    """What is predicted minus what is right: σ(s) − t, divided by the number of examples."""
    scores = np.asarray(scores)
    return np.asarray((sigmoid(scores) - np.asarray(targets)) / scores.size)


def _violations(scores: Array, labels: Array, margin: float) -> Array:
    """(n, classes): by how much each wrong class is inside the margin; 0 for the right one."""
    right = np.arange(len(labels)), labels
    violations = np.maximum(0, scores - scores[right][:, None] + margin)
    violations[right] = 0
    return np.asarray(violations)


def _examples(scores: ArrayLike, labels: ArrayLike) -> tuple[Array, Array]:
    scores, labels = np.asarray(scores), np.asarray(labels)
    fit = scores.ndim == 2 and labels.shape == scores.shape[:1] and np.issubdtype(labels.dtype, np.integer)
    if not fit or not len(labels) or labels.min() < 0 or labels.max() >= scores.shape[1]:
        raise InputError(
            "scores (n, classes) and labels (n,), whole numbers from 0 to classes − 1",
            f"scores {scores.shape}, labels {labels.shape} of {labels.dtype}",
            "One-hot labels become numbers with .argmax(axis=1).",
        )
    return scores, labels
