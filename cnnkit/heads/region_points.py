"""Points of regions: where a region shows those of its box, and the way back to the picture.

He et al., "Mask R-CNN", ICCV 2017 (arXiv:1703.06870), section 5: the map of a point is a one-hot mask of m × m, whose
loss is the cross-entropy of a softmax over all places.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax

from cnnkit.data.targets.boxes import Boxes
from cnnkit.data.targets.points import VISIBLE, Points
from cnnkit.heads.box_stage import with_regions_told
from cnnkit.heads.cells import BACKGROUND
from cnnkit.heads.heatmap_peaks import local, mass_at_peak
from cnnkit.heads.region_targets import MOST_TRUE, largest, matched, of_owners


def true_points(truth: Boxes, points: Points) -> dict[str, NDArray[np.float32]]:
    """`true_points` (n, `MOST_TRUE`, k, 2) in pixels and `shown` (n, `MOST_TRUE`, k), 0 or 1, in the order of `padded`.

    Args:
        truth: The boxes.
        points: Of each box.
    """
    values = np.zeros((len(truth), MOST_TRUE, len(points.names), 2), np.float32)
    shown = np.zeros(values.shape[:3], np.float32)
    for index in range(len(truth)):
        own = largest(truth, index)
        values[index, : len(own)] = points.values[own]
        shown[index, : len(own)] = points.shown[own] > 0
    return {"true_points": values, "shown": shown}


def point_losses(encoded: Any, regions: Any, logits: Any, side: int) -> Any:
    """(n,) the cross-entropy of the places of points, their mean over those that lie in the region of their box.

    Args:
        encoded: With `padded` and `true_points`.
        regions: (n, r, 4).
        logits: (n, r, side · side, k).
        side: Cells along each side of a region.
    """
    ops = keras.ops
    regions = ops.stop_gradient(regions)
    owners, labels = matched(encoded, regions)
    places = of_owners(encoded["true_points"], owners)  # (n, r, k, 2)
    sides = ops.maximum(regions[..., 2:] - regions[..., :2], 1e-3)
    cells = ops.floor((places - regions[..., None, :2]) / sides[..., None, :] * side)
    inside = ops.all((cells >= 0) & (cells < side), axis=-1) & (labels > BACKGROUND)[..., None]
    counted = of_owners(encoded["shown"], owners) * ops.cast(inside, "float32")
    cells = ops.cast(ops.clip(cells, 0, side - 1), "int32")
    maps = ops.log_softmax(ops.transpose(logits, (0, 1, 3, 2)), axis=-1)  # (n, r, k, side · side)
    at_place = ops.take_along_axis(maps, (cells[..., 1] * side + cells[..., 0])[..., None], axis=-1)[..., 0]
    return -ops.sum(counted * at_place, axis=(1, 2)) / ops.maximum(ops.sum(counted, axis=(1, 2)), 1.0)


def sure_maps(encoded: Mapping[str, NDArray[Any]], side: int, sure: float) -> NDArray[np.float32]:
    """(n, `MOST_TRUE`, side · side, k) logits that are sure of the cell of each point in its own box."""
    boxes, places = encoded["true_boxes"][:, :, None], encoded["true_points"]
    sides = np.maximum(boxes[..., 2:] - boxes[..., :2], 1e-3)
    cells = np.clip(np.floor((places - boxes[..., :2]) / sides * side), 0, side - 1).astype(int)
    ours = cells[..., 1] * side + cells[..., 0] == np.arange(side**2)[:, None, None, None]
    return np.where(ours, sure, -sure).astype(np.float32).transpose(1, 2, 0, 3)


def with_points(
    boxes: Boxes, logits: NDArray[np.float32], names: tuple[str, ...], mirror: tuple[int, ...], side: int
) -> Boxes:
    """Boxes with their points, the mean places of 5 × 5 cells around the peaks; those without maps are left out.

    Args:
        boxes: Of n pictures.
        logits: (n, r, side · side, k) of the first r boxes of each picture, in order.
        names: Of the points.
        mirror: Their partners.
        side: Cells along each side of a box.
    """
    boxes, owners, places = with_regions_told(boxes, logits.shape[1])
    own = np.asarray(logits, np.float64)[owners, places].reshape(-1, side, side, len(names))
    maps = softmax(own, axis=(1, 2))
    low, sides = boxes.boxes[:, None, :2], (boxes.boxes[:, 2:] - boxes.boxes[:, :2])[:, None]
    values = np.round(low + local(maps) / side * sides, 3)
    scores = mass_at_peak(maps).astype(np.float32)
    shown = np.full(scores.shape, VISIBLE, np.uint8)
    return replace(boxes, points=Points(names, values, shown, scores, mirror))
