"""From heatmaps to points: where the peak of each map is, finer than its cells, and how sure it is.

Maps are (n, h, w, k) weights of at least 0. Places are counted in cells: the middle of the upper left one is (.5, .5).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Decoding = Literal["local", "quarter", "peak", "mean"]
Floats = NDArray[np.float64]

# Cells on each side of a peak whose mean is taken.
REACH = 2


def spatial_softmax(logits: Any) -> Floats:
    """(n, h, w, k) logits → probabilities of the places of a map, beside "nowhere", whose logit is 0."""
    z = np.asarray(logits, np.float64)
    highest = np.maximum(z.max(axis=(1, 2), keepdims=True, initial=0), 0)
    weights = np.exp(z - highest)
    return np.asarray(weights / (weights.sum(axis=(1, 2), keepdims=True) + np.exp(-highest)))


def peak_cells(maps: Floats) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """(n, k) row and column of the largest weight of each map."""
    n, height, width, k = maps.shape
    rows, columns = np.divmod(maps.transpose(0, 3, 1, 2).reshape(n, k, height * width).argmax(axis=2), width)
    return rows, columns


def windows(
    maps: Floats,
    rows: NDArray[np.int64],
    columns: NDArray[np.int64],
    reach: int,
    outside: Literal["constant", "reflect"] = "constant",
) -> Floats:
    """(n, k, 2r + 1, 2r + 1) the surroundings of cells (n, k); outside of a map 0, or its mirror image."""
    n, _, _, k = maps.shape
    padded = np.pad(maps, ((0, 0), (reach, reach), (reach, reach), (0, 0)), mode=outside)
    steps = np.arange(2 * reach + 1)
    picture, point = np.arange(n)[:, None, None, None], np.arange(k)[:, None, None]
    return np.asarray(
        padded[picture, rows[..., None, None] + steps[:, None], columns[..., None, None] + steps[None], point]
    )


def peak(maps: Floats) -> Floats:
    """(n, k, 2) x and y of the middle of the cell with the largest weight."""
    rows, columns = peak_cells(maps)
    return np.asarray(np.stack([columns, rows], axis=-1) + 0.5, np.float64)


def quarter(maps: Floats) -> Floats:
    """The same, a quarter of a cell towards the larger neighbour on each axis (Newell et al. 2016, section 3.3)."""
    rows, columns = peak_cells(maps)
    around = windows(maps, rows, columns, 1, "reflect")  # at a border there is nothing to go towards
    towards = np.stack([around[..., 1, 2] - around[..., 1, 0], around[..., 2, 1] - around[..., 0, 1]], axis=-1)
    return peak(maps) + np.sign(towards) / 4


def local(maps: Floats) -> Floats:
    """The mean place of the 5 × 5 cells around the largest weight: a soft arg-max that no second peak disturbs."""
    rows, columns = peak_cells(maps)
    around = windows(maps, rows, columns, REACH)
    total = around.sum(axis=(2, 3))
    total = np.where(total > 0, total, 1)
    steps = np.arange(-REACH, REACH + 1)
    shift = np.stack([(around.sum(axis=2) * steps).sum(axis=2), (around.sum(axis=3) * steps).sum(axis=2)], axis=-1)
    return peak(maps) + shift / total[..., None]


def mean(maps: Floats) -> Floats:
    """The mean place of the whole map: soft-argmax (Sun et al. 2018, arXiv:1711.08229, equation 2)."""
    height, width = maps.shape[1:3]
    total = maps.sum(axis=(1, 2))
    total = np.where(total > 0, total, 1)
    across = (maps.sum(axis=1) * (np.arange(width) + 0.5)[:, None]).sum(axis=1)
    down = (maps.sum(axis=2) * (np.arange(height) + 0.5)[:, None]).sum(axis=1)
    return np.stack([across, down], axis=-1) / total[..., None]


DECODINGS: dict[Decoding, Callable[[Floats], Floats]] = {
    "local": local,
    "quarter": quarter,
    "peak": peak,
    "mean": mean,
}
"""Name → from weights (n, h, w, k) to places (n, k, 2) in cells."""


def mass_at_peak(maps: Floats) -> Floats:
    """(n, k) the weight in the 5 × 5 cells around the peak."""
    rows, columns = peak_cells(maps)
    return np.asarray(windows(maps, rows, columns, REACH).sum(axis=(2, 3)))
