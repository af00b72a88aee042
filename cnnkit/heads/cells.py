"""The cells of a pyramid that a single-stage detector predicts in, and which true box each of them owns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from cnnkit.heads.head import Size

# Labels of cells that own no box: nothing is there, or something that does not count.
BACKGROUND, IGNORED = -1, -2


@dataclass(frozen=True, eq=False)
class Cells:
    """The cells of all levels, level by level, row by row.

    Attributes:
        centres: (c, 2) x and y in pixels of the input.
        strides: (c,) how large each is, in pixels.
        levels: (c,) the place of its level, the finest is 0.
    """

    centres: NDArray[np.float64]
    strides: NDArray[np.float64]
    levels: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.strides)


@lru_cache(maxsize=32)
def cells_of(taps: Sequence[str], size: Size) -> Cells:
    """The cells of levels such as `("P3", "P4", "P5")` of an input of `size`."""
    centres, strides, levels = [], [], []
    for place, tap in enumerate(taps):
        stride = 2 ** int(tap[1:])
        rows, columns = (-(-side // stride) for side in size)
        grid = np.stack(np.meshgrid(np.arange(columns), np.arange(rows)), axis=-1).reshape(-1, 2)
        centres.append((grid + 0.5) * stride)
        strides.append(np.full(len(grid), float(stride)))
        levels.append(np.full(len(grid), place))
    return Cells(np.concatenate(centres), np.concatenate(strides), np.concatenate(levels))


def middle_cells(
    boxes: NDArray[np.float64], shape: tuple[int, int], size: Size
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """In which cell of one grid over the whole input the middle of each box lies.

    Args:
        boxes: (m, 4) x1, y1, x2, y2 in pixels.
        shape: Rows and columns of the grid.
        size: Of the input.

    Returns:
        (m,) rows, (m,) columns, and (m, 2) x and y from the upper left corner of the cell, as shares of it.
    """
    places = (boxes[:, :2] + boxes[:, 2:]) / 2 * shape[::-1] / size[::-1]
    columns, rows = np.clip(np.floor(places), 0, np.array(shape[::-1]) - 1).astype(np.int64).T
    return rows, columns, places - np.stack([columns, rows], axis=1)


def owned(cells: Cells, boxes: NDArray[np.float64], *, radius: float, reach: float) -> NDArray[np.int64]:
    """Which of the boxes of one picture each cell owns.

    A box belongs to the finest level where its longer side has at most `reach` strides. There it is owned by the cells
    whose centres are in it and within `radius` strides of its centre; where several boxes want a cell, the smallest one
    gets it (Tian et al., "FCOS", ICCV 2019, arXiv:1904.01355, section 3.1, with the sampling of its journal version). A
    box that would be left with nothing gets the nearest cell of its level that another can spare, or of any level.

    Args:
        cells: All of the pyramid.
        boxes: (k, 4) x1, y1, x2, y2 in pixels.
        radius: In strides.
        reach: In strides.

    Returns:
        (c,) the index of a box; −1 for none. Each box has a cell, as long as there are as many cells as boxes.
    """
    middles, sides = (boxes[:, :2] + boxes[:, 2:]) / 2, boxes[:, 2:] - boxes[:, :2]
    strides = np.unique(cells.strides)
    homes = np.minimum((sides.max(axis=1, initial=0)[:, None] > reach * strides).sum(axis=1), len(strides) - 1)
    away = np.abs(cells.centres[:, None] - middles)  # (c, k, 2)
    near = (away <= np.minimum(sides / 2, radius * cells.strides[:, None, None])).all(axis=2)
    near &= cells.levels[:, None] == homes
    areas = np.where(near, sides.prod(axis=1), np.inf)
    owners = np.where(near.any(axis=1), areas.argmin(axis=1, keepdims=False) if len(boxes) else 0, -1)
    counts = np.bincount(owners[owners >= 0], minlength=len(boxes))
    for box in np.flatnonzero(counts == 0):
        spare = (owners < 0) | (counts[owners] > 1)
        if not spare.any():
            break
        # Whole levels come after each other: the farthest cell of its own is nearer than any other.
        distance = away[:, box].max(axis=1) + np.where(cells.levels == homes[box], 0, away.max() + 1)
        cell = int(np.where(spare, distance, np.inf).argmin())
        if owners[cell] >= 0:
            counts[owners[cell]] -= 1
        owners[cell], counts[box] = box, 1
    return owners
