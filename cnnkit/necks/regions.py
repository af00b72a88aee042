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
    corners = ops.floor(ops.cast(regions, maps.dtype) / stride + 0.5)
    rows, columns = _cells(maps[:, :, 0, 0]), _cells(maps[:, 0, :, 0])
    bins = []
    for number in range(size):
        inside = _in_bin(corners[..., 1], corners[..., 3], rows, number, size)  # (n, k, h)
        bins.append(_largest(inside[..., None, None], maps[:, None], axis=2))  # (n, k, w, c)
    of_rows = ops.stack(bins, axis=2)  # (n, k, size, w, c)
    bins = []
    for number in range(size):
        inside = _in_bin(corners[..., 0], corners[..., 2], columns, number, size)  # (n, k, w)
        bins.append(_largest(inside[:, :, None, :, None], of_rows, axis=3))  # (n, k, size, c)
    return ops.stack(bins, axis=3)


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
    grids = [roi_pool(maps, regions, size=size, stride=stride) for size in sizes]
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


def _in_bin(first: Tensor, last: Tensor, cells: Tensor, number: int, size: int) -> Tensor:
    """(n, k, cells) which cells along one axis belong to bin `number` of (n, k) first and last cells."""
    side = ops.maximum(last - first + 1.0, 1.0)
    start, stop = first + ops.floor(number * side / size), first + ops.ceil((number + 1) * side / size)
    middles = cells[:, None]
    return ops.logical_and(middles > start[..., None], middles < stop[..., None])


def _largest(inside: Tensor, values: Tensor, axis: int) -> Tensor:
    """The maximum along an axis of what is inside; 0 of nothing."""
    low = ops.max(ops.where(inside, values, -1e30), axis=axis)
    return ops.where(low > -1e29, low, 0.0)


def _cells(line: Tensor) -> Tensor:
    """(n, cells) the middles of cells along one axis, in cells: .5, 1.5 and so on."""
    return ops.cumsum(ops.ones_like(line), axis=1) - 0.5
