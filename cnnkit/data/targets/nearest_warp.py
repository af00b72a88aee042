"""A mask after several moves, warped once: each pixel has the class of the pixel in which its centre was."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from cnnkit.data.targets.bends import Bends, bent_origins, centres
from cnnkit.data.targets.matrices import Floats
from cnnkit.data.targets.moves import TIE, source_pixels
from cnnkit.metrics.label_maps import VOID

# OpenCV counts pixels in 16 bits.
LONGEST_SIDE = 1 << 15
# Pixels by which rounding may move a centre.
ROUNDING = 1e-2


def nearest_warp(mask: NDArray[np.uint8], moves: Sequence[tuple[Floats, Sequence[int]]]) -> NDArray[np.uint8]:
    """A mask after several moves, warped once.

    Args:
        mask: (h, w).
        moves: In order: the (3, 3) matrix of the way back, and (height, width) of the result.

    Returns:
        (height, width) of the last move, `VOID` where any picture on the way does not reach.
    """
    size = int(moves[-1][1][0]), int(moves[-1][1][1])
    # From the last move to the first: each composed way back leads into the picture that the move takes from.
    ways = [moves[-1][0]]
    for matrix, _ in reversed(moves[:-1]):
        ways.append(matrix @ ways[-1])
    result = _taken(mask, ways.pop(), size)
    for way, (_, shape) in zip(ways, reversed(moves[:-1]), strict=True):
        height, width = int(shape[0]), int(shape[1])
        if not _shows_all(way, size, (height, width)):
            result = result | _taken(np.zeros((height, width), np.uint8), way, size)
    return result


def bent_warp(
    mask: NDArray[np.uint8], moves: Sequence[tuple[Floats, Sequence[int]]], bends: Sequence[Bends]
) -> NDArray[np.uint8]:
    """A mask after moves of which some bend, warped once.

    Args:
        mask: As of `nearest_warp`.
        moves: As of `nearest_warp`.
        bends: Of each move, what follows its matrix.
    """
    height, width = moves[-1][1]
    points = centres((height, width))
    outside = np.zeros((height, width), np.bool_)
    sources = [mask.shape, *(shape for _, shape in moves[:-1])]
    for (back, _), some, shape in zip(reversed(moves), reversed(bends), reversed(sources), strict=True):
        points = bent_origins(back, some, points)
        places = np.floor(points + TIE)
        outside |= ((places < 0) | (places >= [shape[1], shape[0]])).any(axis=-1)
    columns, rows = np.where(outside[..., None], 0, places).astype(np.int64).transpose(2, 0, 1)
    return np.where(outside, np.uint8(VOID), mask[rows, columns])


def _taken(mask: NDArray[np.uint8], back: Floats, size: tuple[int, int]) -> NDArray[np.uint8]:
    """The nearest pixels of one picture, void outside it."""
    upright = back[0, 1] == 0 and back[1, 0] == 0
    if not upright and max(*mask.shape, *size) < LONGEST_SIDE:
        # A quarter of the time of NumPy. Centres of a turned view that lie within 1e-4 of the border of two pixels, one
        # in 10,000, may count to either.
        origins = back[:2].copy()
        origins[:, 2] += (back[:2, :2].sum(axis=1) - 1) / 2  # OpenCV counts from the centres of pixels
        warped = cv2.warpAffine(
            mask,
            origins,
            (size[1], size[0]),
            flags=cv2.INTER_NEAREST | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_CONSTANT,
            borderValue=VOID,
        )
        return np.asarray(warped, np.uint8)
    rows, columns = source_pixels(back, size)
    inside_rows, inside_columns = (rows >= 0) & (rows < mask.shape[0]), (columns >= 0) & (columns < mask.shape[1])
    if upright:
        result = np.full(size, VOID, np.uint8)
        down, across = np.flatnonzero(inside_rows), np.flatnonzero(inside_columns)
        if len(down) and len(across):  # one block, as both axes are monotonic
            part = mask[rows[down, 0]].take(columns[0, across], axis=1)
            result[down[0] : down[-1] + 1, across[0] : across[-1] + 1] = part
        return result
    values = mask[np.clip(rows, 0, mask.shape[0] - 1), np.clip(columns, 0, mask.shape[1] - 1)]
    return np.where(inside_rows & inside_columns, values, np.uint8(VOID))


def _shows_all(back: Floats, size: tuple[int, int], shape: tuple[int, int]) -> bool:
    """Whether all of a result of `size` lies in the picture of `shape` that it is taken from."""
    height, width = size
    corners = back[:2, :2] @ np.array([[0, width, 0, width], [0, 0, height, height]]) + back[:2, 2:]
    limits = np.array([[shape[1]], [shape[0]]]) - ROUNDING
    return bool((corners >= ROUNDING).all() and (corners <= limits).all())
