"""How far apart two sets of pictures are as a whole: the Fréchet distance of their features."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cnnkit.errors import InputError


@dataclass(frozen=True)
class FrechetDistance:
    """The distance, and what it was measured on: it depends on all of that.

    Attributes:
        value: Squared, as it is quoted; 0 for equal moments.
        counts: How many samples each set had. Of few samples it is too large, so that only distances of the same
            counts can be compared.
        dimensions: Of a feature vector.
    """

    value: float
    counts: tuple[int, int]
    dimensions: int

    def __float__(self) -> float:
        return self.value

    def __repr__(self) -> str:
        """With its sample sizes."""
        one, other = self.counts
        return f"Fréchet distance {self.value:.4g} ({one} and {other} samples of {self.dimensions} numbers)"


def frechet_distance(features: ArrayLike, others: ArrayLike) -> FrechetDistance:
    """The squared Fréchet distance of two normal distributions with the moments of two sets of features.

    |μ₁ − μ₂|² + tr(Σ₁ + Σ₂ − 2 (Σ₁ Σ₂)^½) (Dowson & Landau 1982; Heusel et al. 2017, arXiv:1706.08500, equation 6),
    with the covariances of n − 1. No square root of a matrix is needed: with Σ₁ = AᵀA and Σ₂ = BᵀB the trace of
    (Σ₁ Σ₂)^½ is the sum of the singular values of A Bᵀ, also where there are fewer samples than dimensions.

    The "FID" of papers is that of 2,048 features of an InceptionV3 and of 50,000 pictures; `ck.feature_vectors` gives
    those of any backbone, whose distances are numbers of their own.

    Args:
        features: (n, d) of one set of pictures, n ≥ 2.
        others: (m, d) of the other one, m ≥ 2.

    Raises:
        InputError: Other shapes, or NaN or infinity.

    >>> frechet_distance([[0.0], [2.0]], [[3.0], [5.0]])
    Fréchet distance 9 (2 and 2 samples of 1 numbers)
    """
    one, other = _features(features), _features(others)
    if one.shape[1] != other.shape[1]:
        received = f"{one.shape[1]} and {other.shape[1]}"
        raise InputError("as many numbers in each vector of both sets", received, "Use one backbone for both.")
    means = one.mean(axis=0), other.mean(axis=0)
    roots = [_root(values - mean) for values, mean in zip((one, other), means, strict=True)]
    traces = sum(float((root**2).sum()) for root in roots)
    shared = float(np.linalg.svd(roots[0] @ roots[1].T, compute_uv=False).sum())
    value = float(((means[0] - means[1]) ** 2).sum()) + traces - 2 * shared
    return FrechetDistance(max(value, 0.0), (len(one), len(other)), one.shape[1])


def _root(centred: NDArray[np.float64]) -> NDArray[np.float64]:
    """A of few rows with AᵀA the covariance."""
    rows = np.linalg.qr(centred, mode="r") if len(centred) > centred.shape[1] else centred
    return np.asarray(rows / np.sqrt(len(centred) - 1), np.float64)


def _features(value: ArrayLike) -> NDArray[np.float64]:
    try:
        array = np.asarray(value, np.float64)
    except (TypeError, ValueError):
        array = np.empty(())
    if array.ndim != 2 or len(array) < 2 or not array.shape[1]:
        received = f"shape {array.shape}" if array.ndim else repr(value)[:100]
        raise InputError("features of shape (n, d), at least two rows", received, "ck.feature_vectors makes them.")
    if not np.isfinite(array).all():
        raise InputError("finite features", "NaN or infinity", "Look at the pictures that they are of.")
    return array
