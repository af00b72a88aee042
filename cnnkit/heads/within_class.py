"""Linear maps of features that are solved for at once: principal components, and whitening within classes.

Pictures of one person differ in light, pose and expression, and features differ with them along few directions. A map
under which all these differences have variance 1 leaves between two pictures what is not usual within a person
(Belhumeur, Hespanha and Kriegman 1997, "Eigenfaces vs. Fisherfaces").
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cnnkit.errors import DataError

Doubles = NDArray[np.float64]
Floats = NDArray[Any]

# Part of the covariance within classes that is replaced by the same variance in all directions. Of a few hundred
# pictures most directions are not known better (Ledoit and Wolf 2004).
SHRINKAGE = 0.03


@dataclass(frozen=True, eq=False)
class Affine:
    """A map of features.

    Attributes:
        kernel: (d, size).
        bias: (size,).
    """

    kernel: Doubles
    bias: Doubles

    def directions(self, features: Floats) -> Doubles:
        """(n, size) what features are mapped to, each row at unit length."""
        vectors = features @ self.kernel + self.bias
        return np.asarray(vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12))


def principal_components(features: Floats, size: int) -> Affine:
    """Centred features in the directions in which they vary most (Turk and Pentland 1991, "Eigenfaces")."""
    centred, mean = _centred(features)
    return _affine(mean, _leading(centred.T @ centred / len(centred), size))


def within_class_whitening(
    features: Floats, labels: NDArray[np.integer[Any]], size: int, *, shrinkage: float
) -> Affine:
    """Centred features in coordinates in which they vary by 1 within a class, those first that vary most in all.

    With as many coordinates as classes less one it is Fisher's discriminant analysis; more of them keep what may tell
    other people apart.

    Args:
        features: (n, d).
        labels: (n,) the class of each.
        size: Coordinates, at most d.
        shrinkage: s, 0 < s ≤ 1: the covariance within is (1 − s) S + s tr(S) / d · I.

    Raises:
        DataError: No class has two pictures.
    """
    centred, mean = _centred(features)
    classes, place, counts = np.unique(labels, return_inverse=True, return_counts=True)
    if len(labels) == len(classes):
        raise DataError("two pictures of a class", f"{len(labels)} of {len(classes)} classes", "Give each several.")
    means = np.zeros((len(classes), features.shape[1]))
    np.add.at(means, place, centred)
    apart = centred - (means / counts[:, None])[place]
    within = apart.T @ apart / (len(labels) - len(classes))
    within = (1 - shrinkage) * within + shrinkage * np.trace(within) / len(within) * np.eye(len(within))
    variances, axes = np.linalg.eigh(within)
    whitening = axes / np.sqrt(np.maximum(variances, np.finfo(np.float64).tiny))
    white = centred @ whitening
    return _affine(mean, whitening @ _leading(white.T @ white / len(white), size))


def _centred(features: Floats) -> tuple[Doubles, Doubles]:
    values = np.asarray(features, np.float64)
    mean = values.mean(axis=0)
    return values - mean, mean


def _leading(covariance: Doubles, size: int) -> Doubles:
    """(d, size) its first eigenvectors; the largest number of each is positive, so that they have one sign."""
    _, axes = np.linalg.eigh(covariance)
    axes = axes[:, ::-1][:, :size]
    return np.asarray(axes * np.sign(axes[np.abs(axes).argmax(axis=0), np.arange(axes.shape[1])]))


def _affine(mean: Doubles, kernel: Doubles) -> Affine:
    return Affine(kernel, -mean @ kernel)
