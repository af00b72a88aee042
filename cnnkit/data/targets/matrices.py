"""Affine matrices: their way back and their area."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]


def inverse(positions: ArrayLike) -> Floats:
    """The matrices (..., 3, 3) of the way back.

    Written out, because the last bits of LAPACK's depend on the machine, and with them which pixel is nearest.
    """
    matrices = np.asarray(positions, np.float64)
    (a, b, x), (c, d, y) = (tuple(matrices[..., row, column] for column in range(3)) for row in range(2))
    determinant = determinants(matrices)
    back = np.zeros_like(matrices)
    back[..., 0, 0], back[..., 0, 1], back[..., 0, 2] = d / determinant, -b / determinant, (b * y - d * x) / determinant
    back[..., 1, 0], back[..., 1, 1], back[..., 1, 2] = -c / determinant, a / determinant, (c * x - a * y) / determinant
    back[..., 2, 2] = 1.0
    return back


def determinants(positions: Floats) -> Floats:
    """(...) by how much each matrix (..., 3, 3) enlarges areas; below 0 where it mirrors."""
    return np.asarray(positions[..., 0, 0] * positions[..., 1, 1] - positions[..., 0, 1] * positions[..., 1, 0])
