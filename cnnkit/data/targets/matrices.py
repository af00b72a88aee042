"""Affine matrices: their way back and their area."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]


def inverse(positions: ArrayLike) -> Floats:
    """The matrices (..., 3, 3) of the way back.

    Written out, because the last bits of LAPACK's depend on the machine, and with them which pixel is nearest.
    """
    matrices = np.asarray(positions, np.float64)
    if matrices.ndim == 2 and determinants(matrices):
        (a, b, x), (c, d, y) = matrices[:2].tolist()  # a tenth of the time of arrays, and the same bits
        first, second = _way_back(a, b, x, c, d, y)
        return np.array([first, second, (0.0, 0.0, 1.0)])
    (a, b, x), (c, d, y) = (tuple(matrices[..., row, column] for column in range(3)) for row in range(2))
    back = np.zeros_like(matrices)
    for row, values in enumerate(_way_back(a, b, x, c, d, y)):
        for column, value in enumerate(values):
            back[..., row, column] = value
    back[..., 2, 2] = 1.0
    return back


def determinants(positions: Floats) -> Floats:
    """(...) by how much each matrix (..., 3, 3) enlarges areas; below 0 where it mirrors."""
    return np.asarray(positions[..., 0, 0] * positions[..., 1, 1] - positions[..., 0, 1] * positions[..., 1, 0])


def _way_back(a: Any, b: Any, x: Any, c: Any, d: Any, y: Any) -> tuple[tuple[Any, Any, Any], tuple[Any, Any, Any]]:
    """The first two rows of the inverse of [[a, b, x], [c, d, y], [0, 0, 1]], of numbers or of arrays."""
    size = a * d - b * c
    return (d / size, -b / size, (b * y - d * x) / size), (-c / size, a / size, (c * x - a * y) / size)
