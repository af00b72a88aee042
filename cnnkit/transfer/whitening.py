"""Features and heads in coordinates that a solver likes: scaled to variance 1, then whitened.

L-BFGS takes about ten steps where the loss is as curved in one direction as in another, and a hundred where it is not,
as on the features of a network. The curvature of a cross-entropy by the kernel is that by the logits, p (1 − p), times
the covariance of the features, here with the mean of p (1 − p) over all pictures in the place of each one's own.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]

# Features that hardly vary are not blown up: a standard deviation counts as at least this part of the largest.
SMALLEST_DEVIATION = 1e-4
# Directions in which examples vary by less than rounding does, as a part of the largest square, are none.
SMALLEST_SQUARE = 1e-12
ROWS = 2048


@dataclass(frozen=True, eq=False)
class Linear:
    """A linear head.

    Attributes:
        kernel: (d, units).
        bias: (units,).
        strength: The L2 strength that it is the optimum for.
    """

    kernel: Doubles
    bias: Doubles
    strength: float

    def logits(self, features: Floats | Doubles) -> Doubles:
        """(n, units) from features (n, d)."""
        return np.asarray(features @ self.kernel.astype(features.dtype) + self.bias, np.float64)


@dataclass(frozen=True, eq=False)
class Scaling:
    """What shifts and scales features to mean 0 and variance 1.

    Attributes:
        mean: (d,).
        deviation: (d,).
    """

    mean: Doubles
    deviation: Doubles

    @classmethod
    def of(cls, x: Floats | Doubles) -> Scaling:
        """That of features (n, d)."""
        mean, squares = x.mean(axis=0, dtype=np.float64), np.zeros(x.shape[1])
        for start in range(0, len(x), ROWS):  # of few rows at a time: `std` makes float64 of all of them at once
            squares += ((x[start : start + ROWS] - mean) ** 2).sum(axis=0)
        deviation = np.sqrt(squares / len(x))
        return cls(mean, np.maximum(deviation, SMALLEST_DEVIATION * deviation.max(initial=0.0) or 1.0))

    @classmethod
    def none(cls, features: int) -> Scaling:
        """That of features (n, d) which stay as they are."""
        return cls(np.zeros(features), np.ones(features))

    def row_space(self, x: Floats | Doubles) -> tuple[Doubles, Doubles]:
        """The space that the scaled features of n examples span.

        Returns:
            An orthonormal basis (d, r) of it, r < n, and the scaled features in its coordinates (n, r).
        """
        scaled = (x - self.mean) / self.deviation
        squares, turned = np.linalg.eigh(scaled @ scaled.T)
        spans = squares > SMALLEST_SQUARE * squares.max(initial=0.0)
        lengths = np.sqrt(squares[spans])
        return scaled.T @ (turned[:, spans] / lengths), turned[:, spans] * lengths

    def covariance(self, x: Floats | Doubles) -> Doubles:
        """(d, d), of the scaled features."""
        products = np.zeros((x.shape[1], x.shape[1]))
        for start in range(0, len(x), ROWS):  # in float64, of few rows at a time: what rounding adds has no factor
            scaled = (x[start : start + ROWS] - self.mean) / self.deviation
            products += scaled.T @ scaled
        return products / len(x)

    def linear(self, bias: Doubles, kernel: Doubles, strength: float) -> Linear:
        """A head on scaled features as one on features as they are."""
        unscaled = kernel / self.deviation[:, None]
        return Linear(unscaled, bias - self.mean @ unscaled, strength)


@dataclass(frozen=True, eq=False)
class Whitening:
    """Coordinates (1 + d, units) of a bias and a kernel in which the loss is about as curved everywhere.

    Attributes:
        factor: (d, d), lower triangular; times its transpose it is about the curvature. None: the kernel as it is.
        of_bias: The root of the curvature by the bias.
    """

    factor: Doubles | None
    of_bias: float

    @classmethod
    def of(cls, covariance: Doubles | None, curvature: float, strength: float, features: int) -> Whitening:
        """That of curvature × covariance + strength.

        Args:
            covariance: (d, d), of the scaled features; None for no whitening.
            curvature: Of the loss by its logits, above 0.
            strength: Of the L2 penalty.
            features: d.
        """
        if covariance is None:
            return cls(None, 1.0)
        whole = curvature * covariance + strength * np.eye(features)
        return cls(np.asarray(np.linalg.cholesky(whole), np.float64), max(curvature, strength) ** 0.5)

    def whitened(self, bias: Doubles, kernel: Doubles) -> Doubles:
        """The coordinates of a bias and a kernel."""
        return np.vstack([bias * self.of_bias, kernel if self.factor is None else self.factor.T @ kernel])

    def coloured(self, coordinates: Doubles) -> tuple[Doubles, Doubles]:
        """The bias and the kernel at some coordinates."""
        return coordinates[0] / self.of_bias, self._solved(coordinates[1:], transposed=True)

    def gradient(self, of_bias: Doubles, of_kernel: Doubles) -> Doubles:
        """The derivatives by the coordinates, from those by bias and kernel."""
        return np.vstack([of_bias / self.of_bias, self._solved(of_kernel, transposed=False)])

    def _solved(self, right: Doubles, *, transposed: bool) -> Doubles:
        from scipy.linalg import solve_triangular

        if self.factor is None:
            return right
        return np.asarray(solve_triangular(self.factor, right, lower=True, trans="T" if transposed else "N"))
