"""Anchors: boxes of set sizes and shapes around every cell, which of them own which true box, and offsets from them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import keras
import numpy as np
from numpy.typing import NDArray

from cnnkit.data.targets.boxes import Boxes
from cnnkit.heads.cells import BACKGROUND, IGNORED, Cells, cells_of
from cnnkit.heads.detection import not_counted
from cnnkit.heads.head import Size
from cnnkit.metrics.box_overlap import box_iou

Numbers = NDArray[np.float64]

# The largest logarithm of width or height ÷ the anchor's that is computed: a box of 1,000 / 16 anchors, as in the code
# of Detectron.
MOST_LOG_SIDE = float(np.log(1000 / 16))


def anchor_grid(cells: Cells, shapes: Sequence[Sequence[Sequence[float]]]) -> Numbers:
    """Anchors of all cells, cell by cell.

    Args:
        cells: Of all levels, which come one after the other.
        shapes: Of each level the (width, height) of its anchors in pixels.

    Returns:
        (anchors, 4) x1, y1, x2, y2 in pixels; they may reach beyond the input.
    """
    parts = []
    for level, sides in enumerate(shapes):
        middles, half = cells.centres[cells.levels == level][:, None], np.asarray(sides, np.float64) / 2
        parts.append(np.concatenate([middles - half, middles + half], axis=2).reshape(-1, 4))
    return np.concatenate(parts)


@runtime_checkable
class AnchorHead(Protocol):
    """A head whose boxes are shifts of anchors."""

    def anchor_maps(self, size: Size) -> dict[str, Numbers]:
        """Level → (rows, columns, anchors, 4) x1, y1, x2, y2 in pixels of an input of `size`."""


def anchor_maps(levels: Sequence[str], shapes: Sequence[Sequence[Sequence[float]]], size: Size) -> dict[str, Numbers]:
    """The anchors of each level as a map; `shapes` as of `anchor_grid`."""
    maps = {}
    for level, sides in zip(levels, shapes, strict=True):
        rows, columns = (-(-side // 2 ** int(level[1:])) for side in size)
        maps[level] = anchor_grid(cells_of((level,), size), [sides]).reshape(rows, columns, len(sides), 4)
    return maps


def ratio_shapes(side: float, ratios: Sequence[float]) -> list[list[float]]:
    """(width, height) of anchors of one area, side², and of different width / height."""
    return [[side * ratio**0.5, side / ratio**0.5] for ratio in ratios]


@dataclass(frozen=True)
class Matching:
    """Which anchors own a true box.

    Attributes:
        positive: From this IoU on an anchor owns the box that it meets best.
        negative: Below it an anchor shows nothing; in between it does not count.
    """

    positive: float
    negative: float

    def owners(self, anchors: Numbers, boxes: Numbers) -> NDArray[np.int64]:
        """(anchors,) the index of a box, `BACKGROUND` or `IGNORED`, of one picture.

        Each box has the anchor that meets it best, however badly; where two boxes want the same one, the second takes
        its next best (Liu et al. 2016, arXiv:1512.02325, section 2.2, "matching strategy").
        """
        if not len(boxes):
            return np.full(len(anchors), BACKGROUND)
        overlap = box_iou(anchors, boxes)
        best = overlap.max(axis=1)
        owners = np.where(best >= self.positive, overlap.argmax(axis=1), BACKGROUND)
        owners[(best >= self.negative) & (best < self.positive)] = IGNORED
        taken = np.zeros(len(anchors), np.bool_)
        for box in np.argsort(-overlap.max(axis=0), kind="stable")[: len(anchors)]:
            anchor = int(np.where(taken, -1, overlap[:, box]).argmax())
            owners[anchor], taken[anchor] = box, True
        return owners


def encoded_anchors(truth: Boxes, anchors: Numbers, matching: Matching, scales: Sequence[float]) -> dict[str, Any]:
    """`labels` (n, anchors), −1 of those that show nothing and −2 of those that do not count, and `offsets` (…, 4).

    An anchor whose middle lies in a crowd or a difficult thing does not count.
    """
    passed_over = not_counted(truth)
    labels = np.full((len(truth), len(anchors)), BACKGROUND, np.int32)
    offsets = np.zeros((len(truth), len(anchors), 4), np.float32)
    middles = (anchors[:, :2] + anchors[:, 2:]) / 2
    for index in range(len(truth)):
        own = np.arange(truth.starts[index], truth.starts[index + 1])
        for box in truth.boxes[own[passed_over[own]]]:
            labels[index, ((middles >= box[:2]) & (middles <= box[2:])).all(axis=1)] = IGNORED
        own = own[~passed_over[own]]
        owners = matching.owners(anchors, truth.boxes[own])
        labels[index, owners == IGNORED] = IGNORED
        taken = np.flatnonzero(owners >= 0)
        rows = own[owners[taken]]
        labels[index, taken] = truth.labels[rows]
        offsets[index, taken] = offsets_of(anchors[taken], truth.boxes[rows], scales)
    return {"labels": labels, "offsets": offsets}


def offsets_of(anchors: Numbers, boxes: Numbers, scales: Sequence[float]) -> Numbers:
    """(…, 4) of boxes from their anchors: the middle in widths and heights, and the logarithms of the sides' ratios.

    Girshick et al., "R-CNN", CVPR 2014 (arXiv:1311.2524), equations 6 to 9; each divided by its scale.
    """
    places, sides = _middles_and_sides(anchors)
    true_places, true_sides = _middles_and_sides(boxes)
    steps = (true_places - places) / sides
    return np.concatenate([steps, np.log(np.maximum(true_sides, 1e-3) / sides)], axis=-1) / scales


def boxes_of(anchors: Numbers, offsets: NDArray[Any], scales: Sequence[float]) -> Numbers:
    """(…, 4) x1, y1, x2, y2: the way back from `offsets_of`."""
    offsets = np.asarray(offsets, np.float64) * scales
    places, sides = _middles_and_sides(anchors)
    middles, half = places + offsets[..., :2] * sides, np.exp(np.minimum(offsets[..., 2:], MOST_LOG_SIDE)) * sides / 2
    return np.concatenate([middles - half, middles + half], axis=-1)


def per_box(values: Any, shown: Any) -> Any:
    """(n,) sums over what a picture has, divided by how many of it own a box; a picture without boxes by 1."""
    ops = keras.ops
    return ops.sum(values, axis=1) / ops.maximum(ops.sum(shown, axis=1), 1)


def _middles_and_sides(boxes: Numbers) -> tuple[Numbers, Numbers]:
    return (boxes[..., :2] + boxes[..., 2:]) / 2, boxes[..., 2:] - boxes[..., :2]
