"""What a map shows inside of regions, each brought to one size: RoIAlign, RoIPool and spatial pyramid pooling.

A region is x1, y1, x2, y2 in pixels of the input; of a map of stride s, cell i covers the pixels from s · i to
s · (i + 1). Regions are clipped to the map first. All of it is `keras.ops` between tensors and plain numbers, which
JSON holds: cells are counted by sums of ones, since an array of NumPy as an argument of an operation is not written.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from keras import ops

Tensor = Any  # a tensor of the backend, an array, or a KerasTensor


def roi_align(maps: Tensor, regions: Tensor, *, size: int = 7, stride: float, samples: int = 2) -> Tensor:
    """The mean of bilinear samples in each bin of each region, at its true place.

    He et al., "Mask R-CNN", ICCV 2017 (arXiv:1703.06870), section 3. A bin has `samples`² samples, evenly, whose
    weights along both axes are independent: all of them are two products with a matrix of weights, and so is the way
    back.

    Args:
        maps: (n, h, w, c).
        regions: (n, k, 4).
        size: Bins along each side.
        stride: Pixels of the input per cell of the map.
        samples: Along each side of a bin.

    Returns:
        (n, k, size, size, c).
    """
    corners = ops.cast(regions, maps.dtype) / stride
    rows, columns = (
        _bilinear(corners[..., low], corners[..., low + 2], cells, size, samples)
        for low, cells in ((1, _cells(maps[:, :, 0, 0])), (0, _cells(maps[:, 0, :, 0])))
    )
    of_rows = ops.einsum("nkyh,nhwc->nkywc", rows, maps)
    # As a product per row of bins, which as one `einsum` would move the largest tensor about first.
    return ops.matmul(columns[:, :, None], of_rows)


def roi_pool(maps: Tensor, regions: Tensor, *, size: int = 7, stride: float) -> Tensor:
    """The maximum in each bin of each region, both rounded to whole cells.

    Girshick, "Fast R-CNN", ICCV 2015 (arXiv:1504.08083), section 2.1, with the borders of its code: a region reaches
    from the rounded first to the rounded last cell, and bin i of k from ⌊i · side / k⌋ to ⌈(i + 1) · side / k⌉, so that
    neighbours may share a cell. A bin outside of the map is 0.

    Args:
        maps: (n, h, w, c).
        regions: (n, k, 4).
        size: Bins along each side.
        stride: Pixels of the input per cell of the map.

    Returns:
        (n, k, size, size, c).
    """
    return _pooled(maps, _maxima(maps), regions, size, stride)


def spatial_pyramid(maps: Tensor, regions: Tensor, *, sizes: Sequence[int] = (1, 2, 3, 6), stride: float) -> Tensor:
    """The maxima in the bins of grids of several sizes, one after the other.

    He et al., "Spatial Pyramid Pooling in Deep Convolutional Networks", ECCV 2014 (arXiv:1406.4729), section 4.1: 50
    bins per region.

    Args:
        maps: (n, h, w, c).
        regions: (n, k, 4).
        sizes: Bins along each side, of each grid.
        stride: Pixels of the input per cell of the map.

    Returns:
        (n, k, bins, c).
    """
    maxima = _maxima(maps)
    grids = [_pooled(maps, maxima, regions, size, stride) for size in sizes]
    return ops.concatenate([grid[:, :, row] for grid in grids for row in range(grid.shape[2])], axis=2)


def bilinear_shares(places: Tensor, cells: Tensor) -> Tensor:
    """(…, s) places and (…, h) middles of cells, one cell apart, → (…, s, h) how much of each cell a sample takes."""
    return ops.relu(1.0 - ops.abs(places[..., :, None] - cells[..., None, :]))


def _bilinear(low: Tensor, high: Tensor, cells: Tensor, size: int, samples: int) -> Tensor:
    """(n, k, size, cells): what each cell counts in the mean of a bin, along one axis."""
    last = cells[:, None, -1:]
    low, high = (_between(0.0, side[..., None], last + 0.5) for side in (low, high))
    bins = ops.cumsum(ops.ones_like(ops.repeat(low, size, axis=-1)), axis=-1) - 1.0
    shares = []
    for sample in range(samples):
        places = low + (bins + (sample + 0.5) / samples) * (high - low) / size
        # Beyond the middle of the outermost cell there is nothing to interpolate with.
        shares.append(bilinear_shares(_between(0.5, places, last), cells[:, None]))
    return sum(shares[1:], start=shares[0]) / samples


def _between(least: Any, values: Tensor, most: Tensor) -> Tensor:
    """`ops.clip` takes no tensors as borders."""
    return ops.minimum(ops.maximum(values, least), most)


def _maxima(maps: Tensor) -> Tensor:
    """(n, rows, columns, h, w, c): the maxima of 2^i × 2^j cells from each cell on, where they lie in the map.

    Any rectangle is the union of four such blocks that overlap (Bender and Farach-Colton, "The LCA Problem Revisited",
    LATIN 2000, section 3, along two axes), so that a bin costs four look-ups, however large it is.
    """
    found = [maps]
    while len(found) < _levels(maps.shape[1]):
        found.append(_doubled(found[-1], 2 ** (len(found) - 1), axis=1))
    by_columns = []
    for rows in found:
        wider = [rows]
        while len(wider) < _levels(maps.shape[2]):
            wider.append(_doubled(wider[-1], 2 ** (len(wider) - 1), axis=2))
        by_columns.append(ops.stack(wider, axis=1))
    return ops.stack(by_columns, axis=1)


def _levels(cells: int | None) -> int:
    """Blocks of 1, 2, 4 … cells that fit in an axis; of one of unknown length up to 512."""
    return 10 if cells is None else cells.bit_length()


def _doubled(maxima: Tensor, reach: int, axis: int) -> Tensor:
    """The maxima of blocks that are twice as long; those at the end, which do not fit, stay as they are."""
    if axis == 1:
        return ops.concatenate([ops.maximum(maxima[:, :-reach], maxima[:, reach:]), maxima[:, -reach:]], axis=1)
    return ops.concatenate([ops.maximum(maxima[:, :, :-reach], maxima[:, :, reach:]), maxima[:, :, -reach:]], axis=2)


def _pooled(maps: Tensor, maxima: Tensor, regions: Tensor, size: int, stride: float) -> Tensor:
    """`roi_pool`, of maxima that are known."""
    corners = ops.floor(ops.cast(regions, maps.dtype) / stride + 0.5)
    lines = _cells(maps[:, :, 0, 0]), _cells(maps[:, 0, :, 0])
    height, width = (ops.cast(line[:, -1:, None] + 0.5, "int32") for line in lines)  # (n, 1, 1)
    rows, columns = (
        _Bins(corners[..., low], corners[..., low + 2], line, size) for low, line in zip((1, 0), lines, strict=True)
    )
    picture = ops.cumsum(ops.ones_like(height), axis=0) - 1
    row_levels, column_levels = maxima.shape[1:3]
    block = (picture * row_levels + rows.level)[..., :, None] * column_levels + columns.level[..., None, :]
    block = block * (height * width)[..., None]  # (n, k, size, size)
    flat = ops.reshape(maxima, (-1, maps.shape[-1]))
    parts = [
        ops.take(flat, block + (row * width)[..., :, None] + column[..., None, :], axis=0)
        for row in rows.starts
        for column in columns.starts
    ]
    largest = ops.maximum(ops.maximum(parts[0], parts[1]), ops.maximum(parts[2], parts[3]))
    shown = ops.logical_and(rows.shown[..., :, None], columns.shown[..., None, :])
    return largest * ops.cast(shown, maps.dtype)[..., None]


class _Bins:
    """Along one axis the cells of each bin of (n, k) first and last cells, as two blocks of 2^`level`: (n, k, size)."""

    def __init__(self, first: Tensor, last: Tensor, cells: Tensor, size: int) -> None:
        side = ops.maximum(last - first + 1.0, 1.0)
        count = cells[:, -1:, None] + 0.5
        borders = [
            ops.stack([first + rounded((number + after) * side / size) for number in range(size)], axis=-1)
            for after, rounded in ((0, ops.floor), (1, ops.ceil))
        ]
        start, stop = (_between(0.0, border, count) for border in borders)
        length = stop - start
        self.shown = length > 0
        self.level = sum(
            (ops.cast(length >= 2.0**power, "int32") for power in range(1, _levels(cells.shape[1]))),
            start=ops.zeros_like(ops.cast(length, "int32")),
        )
        block = 2**self.level
        # Of a bin that shows nothing any cell will do.
        starts = (start, stop - ops.cast(block, start.dtype))
        self.starts = [ops.cast(_between(0.0, place, count - 1.0), "int32") for place in starts]


def _cells(line: Tensor) -> Tensor:
    """(n, cells) the middles of cells along one axis, in cells: .5, 1.5 and so on."""
    return ops.cumsum(ops.ones_like(line), axis=1) - 0.5
