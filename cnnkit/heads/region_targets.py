"""What regions show: truth padded to one number of boxes per picture, matched with regions wherever they came from.

Girshick, "Fast R-CNN", ICCV 2015 (arXiv:1504.08083), section 2.3: a region has the class of the box that it meets
best, with an IoU of at least .5, and its box to say; any other is background. Here that is decided in the loss, so that
it is the same for sampled regions and for proposals, in training and in evaluation.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from cnnkit.data.targets.boxes import Boxes
from cnnkit.heads.cells import BACKGROUND, IGNORED
from cnnkit.heads.detection import not_counted
from cnnkit.losses.boxes import intersection_over_union, smooth_l1
from cnnkit.metrics.box_overlap import box_iou

# From which IoU on a region shows a box.
SHOWS = 0.5
# A picture teaches so many of its boxes, the largest.
MOST_TRUE = 50
# A region shows no background where it lies by so much in something that is not taught.
INSIDE = 0.5
# What offsets of regions are divided by, so that they vary as much as the logits do (the code of Fast R-CNN).
SCALES = (0.1, 0.1, 0.2, 0.2)


def largest(truth: Boxes, index: int) -> NDArray[np.int64]:
    """Which boxes of a picture teach, at most `MOST_TRUE`."""
    own = np.arange(truth.starts[index], truth.starts[index + 1])
    areas = np.prod(truth.boxes[own, 2:] - truth.boxes[own, :2], axis=1)
    return np.sort(own[np.argsort(-areas, kind="stable")[:MOST_TRUE]])


def padded(truth: Boxes) -> dict[str, NDArray[Any]]:
    """`true_boxes` (n, `MOST_TRUE`, 4), 0 of none, and `true_labels`, −1 of none and −2 of what does not count.

    `untaught` (n, `MOST_TRUE`, 4) are the largest boxes of things that no class is learned of, of crowds, difficult
    ones and those that are too many.
    """
    boxes = np.zeros((len(truth), MOST_TRUE, 4), np.float32)
    labels = np.full((len(truth), MOST_TRUE), BACKGROUND, np.int32)
    untaught = np.zeros_like(boxes)
    passed_over = not_counted(truth)
    for index in range(len(truth)):
        own = largest(truth, index)
        boxes[index, : len(own)] = truth.boxes[own]
        labels[index, : len(own)] = np.where(passed_over[own], IGNORED, truth.labels[own])
        every = np.arange(truth.starts[index], truth.starts[index + 1])
        others = truth.boxes[every[passed_over[every] | ~np.isin(every, own)]]
        order = np.argsort(-np.prod(others[:, 2:] - others[:, :2], axis=1), kind="stable")[:MOST_TRUE]
        untaught[index, : len(order)] = others[order]
    return {"true_boxes": boxes, "true_labels": labels, "untaught": untaught}


def sample(proposals: NDArray[Any], encoded: Any, *, count: int, positive: float) -> NDArray[np.float32]:
    """(n, count, 4) some of the proposals and of the true boxes: at most a part that shows one, the rest background.

    Which of them is decided by chance, whose seed are the numbers themselves: the same proposals give the same sample,
    in a training that was interrupted too.

    Args:
        proposals: (n, k, 4).
        encoded: With `padded`.
        count: Regions per picture; where there are too few, the rest has no area.
        positive: The largest part that shows a box.
    """
    chance = np.random.default_rng(zlib.crc32(np.ascontiguousarray(proposals, np.float32).tobytes()))
    found = np.zeros((len(proposals), count, 4), np.float32)
    for index, own in enumerate(proposals):
        labels = encoded["true_labels"][index]
        boxes = encoded["true_boxes"][index][labels > BACKGROUND]
        regions = np.concatenate([boxes, own[(own[:, 2:] > own[:, :2]).all(axis=1)]])
        shows = box_iou(regions, boxes).max(axis=1, initial=0) >= SHOWS
        ones, others = (chance.permutation(np.flatnonzero(side)) for side in (shows, ~shows))
        chosen = np.concatenate([ones[: max(1, int(positive * count))], others])[:count]
        found[index, : len(chosen)] = regions[chosen]
    return found


def matched(encoded: Any, regions: Any) -> tuple[Any, Any]:
    """What each region shows, in `keras.ops`.

    Args:
        encoded: With `padded`.
        regions: (n, k, 4).

    Returns:
        (n, k) the place of a box in `encoded`, and (n, k) its label, −1 of background, −2 of what does not count: a
        region without area, one on a crowd or a difficult thing, or one that shows no box and lies by half in a thing
        that is not taught.
    """
    ops = keras.ops
    boxes, labels = ops.convert_to_tensor(encoded["true_boxes"]), ops.cast(encoded["true_labels"], "int32")
    overlap = intersection_over_union(boxes[:, None], regions[:, :, None])  # (n, k, boxes)
    owners = ops.argmax(overlap, axis=-1)
    shown = ops.where(ops.max(overlap, axis=-1) >= SHOWS, ops.take_along_axis(labels, owners, axis=1), BACKGROUND)
    inside = ops.any(_share_in(regions, ops.convert_to_tensor(encoded["untaught"])) >= INSIDE, axis=-1)
    counted = has_area(regions) & ((shown > BACKGROUND) | ~inside)
    return owners, ops.where(counted, shown, IGNORED)


def _share_in(regions: Any, boxes: Any) -> Any:
    """(n, k, boxes) the share of each region (n, k, 4) that lies in each box (n, boxes, 4)."""
    ops = keras.ops
    low = ops.maximum(regions[:, :, None, :2], boxes[:, None, :, :2])
    high = ops.minimum(regions[:, :, None, 2:], boxes[:, None, :, 2:])
    areas = ops.prod(regions[..., 2:] - regions[..., :2], axis=-1)
    return ops.divide_no_nan(ops.prod(ops.maximum(high - low, 0), axis=-1), areas[..., None])


def has_area(regions: Any) -> Any:
    """(…) of (…, 4)."""
    return keras.ops.all(regions[..., 2:] > regions[..., :2], axis=-1)


def region_losses(encoded: Any, outputs: Any) -> dict[str, Any]:
    """`classes` and `offsets`, (n,) each, of equation 1: of cross-entropy and smooth L1, per region that counts.

    Args:
        encoded: With `padded`.
        outputs: `regions` (n, k, 4), `classes` (n, k, classes + 1) logits, the last one of the background, and
            `offsets` (n, k, 4).
    """
    ops = keras.ops
    regions = ops.stop_gradient(outputs["regions"])
    owners, labels = matched(encoded, regions)
    background = outputs["classes"].shape[-1] - 1
    shown, counted = (ops.cast(labels > less, "float32") for less in (BACKGROUND, IGNORED))
    targets = ops.one_hot(ops.where(labels >= 0, labels, background), background + 1, dtype="float32")
    entropy = -ops.sum(targets * ops.log_softmax(outputs["classes"], axis=-1), axis=-1)
    true = offsets_to(regions, of_owners(encoded["true_boxes"], owners), SCALES)
    boxes = smooth_l1(true, outputs["offsets"])
    number = ops.maximum(ops.sum(counted, axis=1), 1.0)
    return {
        "classes": ops.sum(counted * entropy, axis=1) / number,
        "offsets": ops.sum(shown * boxes, axis=1) / number,
    }


def of_owners(values: Any, owners: Any) -> Any:
    """(n, boxes, …) and (n, k) places of boxes → (n, k, …)."""
    one_of = keras.ops.one_hot(owners, MOST_TRUE, dtype="float32")
    return keras.ops.einsum("nkb,nb...->nk...", one_of, keras.ops.cast(values, "float32"))


def offsets_to(regions: Any, boxes: Any, scales: Sequence[float]) -> Any:
    """`anchors.offsets_of` in `keras.ops`, finite also for regions without area."""
    ops = keras.ops
    sides = ops.maximum(regions[..., 2:] - regions[..., :2], 1e-3)
    steps = (boxes[..., :2] + boxes[..., 2:] - regions[..., :2] - regions[..., 2:]) / 2 / sides
    ratios = ops.log(ops.maximum(boxes[..., 2:] - boxes[..., :2], 1e-3) / sides)
    return ops.concatenate([steps, ratios], axis=-1) / ops.convert_to_tensor(np.asarray(scales, np.float32))
