"""Affine moves of n pictures: checked matrices and sizes, points moved, and the pixels that a result takes from.

Every matrix maps a column (x, y, 1) of a picture to its place in the result, in continuous pixels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cnnkit.data.arguments import said
from cnnkit.data.targets.bends import Bend, Bends, bent_points
from cnnkit.data.targets.column import read_only
from cnnkit.data.targets.matrices import Floats, determinants
from cnnkit.errors import InputError

Integers = NDArray[np.int64]

# Below this determinant a result has no area: a picture of 100,000 pixels a side would be narrower than one.
LEAST_DETERMINANT = 1e-10
# A position this near below a whole number counts as that number: rounding does not choose between two pixels.
TIE = 1e-6


@dataclass(frozen=True, eq=False)
class Move:
    """One move of n examples.

    Attributes:
        positions: (n, 3, 3), the matrix of each example.
        sizes: (n, 2), height and width of each result in pixels.
        bends: Of each example what follows its matrix, in the pixels of its result; () where all are straight.
    """

    positions: Floats
    sizes: Integers
    bends: tuple[Bends, ...] = ()

    @classmethod
    def of(cls, positions: ArrayLike, sizes: ArrayLike, count: int, bends: Sequence[Bends] | None = None) -> Move:
        """The move of `count` examples.

        Args:
            positions: (count, 3, 3), or (3, 3) for all.
            sizes: (count, 2), or one (height, width) for all.
            count: The number of examples.
            bends: A tuple for each example, perhaps empty; or None.

        Raises:
            InputError: Another shape, a matrix that is not affine or has no inverse, a size below 1 × 1, or no bends.
        """
        return cls(_matrices(positions, count), _sizes(sizes, count), _bends(bends, count))

    def take(self, rows: Integers) -> Move:
        """The move of the examples at `rows`."""
        bends = tuple(self.bends[row] for row in rows.tolist()) if self.bends else ()
        return Move(self.positions[rows], self.sizes[rows], bends)

    def bends_of(self, index: int) -> Bends:
        """Those of one example."""
        return self.bends[index] if self.bends else ()

    def moved(self, points: Floats) -> Floats:
        """Points after the move: (n, k, 2), x and y of k points of each example."""
        moved = moved_points(self.positions, points)
        for row, bends in enumerate(self.bends):
            moved[row] = bent_points(bends, moved[row])
        return moved


def moved_points(positions: Floats, points: Floats) -> Floats:
    """Points after a move.

    Args:
        positions: (n, 3, 3).
        points: (n, k, 2), x and y of k points per matrix.
    """
    moved: Floats = np.einsum("nij,nkj->nki", positions[:, :2, :2], points) + positions[:, None, :2, 2]
    return moved


def mirrored(positions: Floats) -> NDArray[np.bool_]:
    """(...) whether each matrix (..., 3, 3) swaps left and right."""
    return determinants(positions) < 0


def source_pixels(back: Floats, size: tuple[int, int]) -> tuple[Integers, Integers]:
    """The row and the column of the pixel in which the centre of each pixel of a result lies, perhaps outside.

    Args:
        back: (3, 3), from the result to the picture that it is taken from.
        size: (height, width) of the result.

    Returns:
        Rows and columns that broadcast to (height, width): where the axes stay apart (height, 1) and (1, width).
    """
    x, y = np.arange(size[1])[None] + 0.5, np.arange(size[0])[:, None] + 0.5
    (xx, xy, x0), (yx, yy, y0) = back[:2]
    across = xx * x + x0 if xy == 0 else xx * x + xy * y + x0
    down = yy * y + y0 if yx == 0 else yy * y + yx * x + y0
    limit = 2.0**31  # beyond any picture
    rows, columns = (np.floor(np.clip(place + TIE, -limit, limit)).astype(np.int64) for place in (down, across))
    return rows, columns


def _matrices(positions: ArrayLike, count: int) -> Floats:
    expected = f"affine matrices of shape ({count}, 3, 3) or (3, 3)"
    try:
        matrices = np.asarray(positions, np.float64)
    except (TypeError, ValueError):
        matrices = np.empty(0)
    if matrices.shape not in ((3, 3), (count, 3, 3)):
        raise InputError(expected, said(positions), "np.eye(3) leaves every point where it is.")
    flat = matrices.reshape(-1, 9)
    affine = np.isfinite(flat).all(axis=1) & (np.abs(flat[:, 6:] - (0, 0, 1)) < 1e-9).all(axis=1)
    if not affine.all():
        received = str(flat[~affine][0].reshape(3, 3).tolist())
        raise InputError(expected, received, "The last row of an affine matrix is 0, 0, 1.")
    flattening = np.abs(determinants(flat.reshape(-1, 3, 3))) < LEAST_DETERMINANT
    if flattening.any():
        received = str(flat[flattening][0].reshape(3, 3).tolist())
        raise InputError("matrices with an inverse", received, "A zoom of 0 leaves nothing of a picture.")
    matrices = np.array(np.broadcast_to(matrices, (count, 3, 3)))
    matrices[:, 2] = (0, 0, 1)
    return read_only(matrices)


def _sizes(sizes: ArrayLike, count: int) -> Integers:
    try:
        pairs = np.asarray(sizes)
    except ValueError:
        pairs = np.empty(0)
    fine = pairs.shape in ((2,), (count, 2)) and (pairs.dtype.kind in "iu" or not pairs.size)
    if not fine or not (pairs >= 1).all():
        raise InputError(
            f"sizes as (height, width), or of shape ({count}, 2), whole numbers of at least 1",
            said(sizes),
            "For example (224, 224).",
        )
    return read_only(np.array(np.broadcast_to(pairs, (count, 2)), np.int64))


def _bends(bends: Sequence[Bends] | None, count: int) -> tuple[Bends, ...]:
    each = tuple(bends or ())
    fine = all(isinstance(some, tuple) and all(isinstance(bend, Bend) for bend in some) for some in each)
    if not fine or len(each) not in (0, count):
        raise InputError(f"a tuple of bends for each of {count} examples, or None", said(bends), "view.bends is one.")
    return each if any(each) else ()
