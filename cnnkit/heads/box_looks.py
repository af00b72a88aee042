"""Boxes that several looks at one photograph gave, the mirrored picture or windows of it, joined to one answer."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray

from cnnkit.data.targets.boxes import Boxes
from cnnkit.data.targets.column import all_or_none
from cnnkit.data.targets.masks import Masks
from cnnkit.data.targets.points import Points
from cnnkit.data.targets.stored import joined_stored
from cnnkit.metrics.box_suppression import non_maximum_suppression

# Two looks never say the same box twice to the pixel: boxes of one class that overlap by more are one, also of a head
# that needs no suppression within a look.
ONE = 0.6
# A cut box is part of another one that covers more than this of it, and that is sure enough in comparison.
COVERED, SURE = 0.5, 0.5


def joined_looks(
    looks: Sequence[Boxes],
    cut: Sequence[NDArray[np.bool_]] | None = None,
    *,
    iou: float,
    most: int,
    class_agnostic: bool = False,
) -> Boxes:
    """All boxes of all looks after suppression, so that a thing that two looks show is said once.

    A box at the inner border of a window is that of a part of a thing, whose overlap with the whole may be small. It is
    left out first where a larger box of its class, from any look, covers more than half of it with at least half of
    its score. Masks and points go along where all looks have some.

    Args:
        looks: Each of the same n photographs, in their pixels.
        cut: Of each look (boxes,) whether a box ends where the look does and the photograph does not; None: none does.
        iou: Of two boxes that overlap by more the better one stays, and by more than .6 in any case.
        most: Boxes per picture.
        class_agnostic: Whether a box suppresses those of other classes too.
    """
    boxes, labels = (np.concatenate([getattr(look, name) for look in looks]) for name in ("boxes", "labels"))
    owners = np.concatenate([look.owners for look in looks])
    scores = np.concatenate([look.scores for look in looks if look.scores is not None])
    groups = np.zeros_like(labels) if class_agnostic else labels
    left = np.arange(len(labels))
    if cut is not None:
        parts = np.flatnonzero(np.concatenate(cut))
        left = np.setdiff1d(left, parts[_covered(parts, boxes, scores, owners, groups)])
    rules = {"labels": groups[left], "pictures": owners[left], "iou": min(iou, ONE), "most": most}
    stays = left[non_maximum_suppression(boxes[left], scores[left], **rules)]  # type: ignore[arg-type]  # as they are named
    starts = np.searchsorted(owners[stays], np.arange(len(looks[0]) + 1))
    masks = _joined_masks([look.masks for look in looks])
    kept = None if masks is None else masks.take(stays)
    points = all_or_none(looks, "points")
    told = Points.joined(points).take(stays) if points else None
    return Boxes(looks[0].names, boxes[stays], labels[stays], starts, scores=scores[stays], masks=kept, points=told)


def _joined_masks(looks: Sequence[Masks | None]) -> Masks | None:
    """The masks of all boxes of all looks, read on demand."""
    columns = [masks for masks in looks if masks is not None]
    if len(columns) < len(looks):
        return None
    return Masks(columns[0].names, joined_stored([(masks.stored, partial(_thing, masks)) for masks in columns]))


def _thing(masks: Masks, index: int) -> NDArray[np.uint8]:
    """(h, w) 1 in the pixels of a thing, 0 in all others: what lies outside of a window, void there, is none of it."""
    return np.asarray(masks.mask(index) == 1, np.uint8)


def _covered(
    parts: NDArray[np.int64],
    boxes: NDArray[np.float64],
    scores: NDArray[np.float32],
    owners: NDArray[np.int64],
    groups: NDArray[np.int64],
) -> NDArray[np.bool_]:
    """(parts,) whether a larger box covers a part of the same thing."""
    low = np.maximum(boxes[parts, None, :2], boxes[None, :, :2])
    high = np.minimum(boxes[parts, None, 2:], boxes[None, :, 2:])
    shared = np.maximum(high - low, 0).prod(axis=2)
    areas = (boxes[:, 2:] - boxes[:, :2]).prod(axis=1)
    over = (shared > COVERED * areas[parts, None]) & (areas > areas[parts, None])
    over &= (owners == owners[parts, None]) & (groups == groups[parts, None])
    return np.asarray((over & (scores >= SURE * scores[parts, None])).any(axis=1))
