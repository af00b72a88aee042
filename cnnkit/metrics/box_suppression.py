"""Non-maximum suppression: of boxes that show the same thing the best one stays.

>>> boxes = [[0, 0, 10, 10], [1, 0, 11, 10], [20, 0, 30, 10]]
>>> non_maximum_suppression(boxes, [0.8, 0.9, 0.7]).tolist()
[1, 2]
>>> non_maximum_suppression(boxes, [0.8, 0.9, 0.7], labels=[0, 1, 0]).tolist()  # two classes
[1, 0, 2]
"""

from __future__ import annotations

from functools import partial
from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cnnkit.arguments import Argument, check_arguments, whole
from cnnkit.errors import DataError, InputError
from cnnkit.metrics.box_conflicts import Integers, Numbers, conflicts, shelved
from cnnkit.metrics.box_overlap import area, box_array, ratio, shared_area
from cnnkit.metrics.given_arrays import array_of, real

Decay = Literal["gaussian", "linear"]

# How many of the best boxes are compared with all others at once; the first few tell how many others a box drops.
BLOCK, FIRST_BLOCK = 128, 16
# Others at a time: a comparison stays in the processor's cache.
COLUMNS = 512
# How much dearer a pair is that has to be found than one of a block.
PAIR_WORK = 4

ARGUMENTS = (
    Argument("iou", lambda value: real(value, 0, 1), "iou as a number from 0 to 1", "0.5 suits most."),
    Argument("least", lambda value: value is None or real(value), "least as a score, or None", "None keeps all."),
    Argument("most", lambda value: value is None or whole(value, 1), "most as a number of boxes, or None", "100, say."),
    Argument(
        "decay",
        lambda value: isinstance(value, str) and value in get_args(Decay),
        f"decay as one of {list(get_args(Decay))}",
        "Both are in the paper.",
    ),
    Argument("sigma", lambda value: real(value, 0) and value > 0, "sigma as a number above 0", "The paper's is 0.5."),
)


def non_maximum_suppression(
    boxes: ArrayLike,
    scores: ArrayLike,
    *,
    labels: ArrayLike | None = None,
    pictures: ArrayLike | None = None,
    iou: float = 0.5,
    least: float | None = None,
    most: int | None = None,
) -> Integers:
    """Goes through boxes from the best one on, and drops those that overlap one that stays.

    Of equal scores the first one in order counts as better.

    Args:
        boxes: (n, 4) x1, y1, x2, y2.
        scores: (n,)
        labels: (n,) the class of each; boxes of different classes do not suppress each other. None: all do.
        pictures: (n,) the index of the picture of each, where boxes of several are given at once.
        iou: A box that overlaps a better one by more than this is dropped.
        least: Boxes with a lower score are dropped first.
        most: How many may stay in each picture.

    Returns:
        (k,) the indices of those that stay, picture by picture, the best ones first.

    Raises:
        DataError: Other shapes, NaN, swapped corners, or labels and pictures that are no whole numbers from 0 on.
        InputError: A setting out of its range.
    """
    check_arguments(ARGUMENTS, {"iou": iou, "least": least, "most": most})
    corners, rating, classes, owners = _given(boxes, scores, labels, pictures)
    order = np.argsort(-rating, kind="stable")
    order = order if least is None else order[rating[order] >= least]
    # A group is a class of a picture.
    _, groups = np.unique(owners * (int(classes.max(initial=0)) + 1) + classes, return_inverse=True)
    stays = order[_greedy(np.ascontiguousarray(corners[order].T), groups[order], iou)]
    stays = stays[np.lexsort((stays, -rating[stays], owners[stays]))]
    return stays if most is None else stays[_ranks(owners[stays]) < most]


def soft_non_maximum_suppression(
    boxes: ArrayLike,
    scores: ArrayLike,
    *,
    labels: ArrayLike | None = None,
    decay: Decay = "gaussian",
    sigma: float = 0.5,
    iou: float = 0.3,
    least: float = 0.001,
) -> tuple[Integers, Numbers]:
    """Lowers the scores of boxes that overlap a better one, and does not drop them.

    Bodla et al., "Soft-NMS: Improving Object Detection With One Line of Code", ICCV 2017 (arXiv:1704.04503): a score
    is multiplied by exp(−IoU² / sigma) (`"gaussian"`), or by 1 − IoU where the IoU is above `iou` (`"linear"`).

    Args:
        boxes: (n, 4) x1, y1, x2, y2.
        scores: (n,), at least 0.
        labels: As of `non_maximum_suppression`.
        decay: `"gaussian"` or `"linear"`.
        sigma: Of the Gaussian.
        iou: From which overlap on linear decay begins.
        least: What is lowered below this is dropped.

    Returns:
        (k,) the indices of those that stay, the best ones first, and their new scores.

    Raises:
        DataError: As of `non_maximum_suppression`.
        InputError: A setting out of its range.
    """
    check_arguments(ARGUMENTS, {"decay": decay, "sigma": sigma, "iou": iou})
    if not real(least):
        raise InputError("least as a score", repr(least)[:200], "0.001 is the paper's.")
    corners, rating, classes, _ = _given(boxes, scores, labels, None)
    indices, values = [np.zeros(0, np.int64)], [np.zeros(0)]
    for label in np.unique(classes):
        own = np.flatnonzero(classes == label)
        while len(own):
            best = int(rating[own].argmax())
            if rating[own[best]] < least:
                break
            chosen, own = own[best], np.delete(own, best)
            indices.append(np.array([chosen]))
            values.append(rating[[chosen]])
            overlap = _overlap(corners[[chosen]].T, corners[own].T)[0]
            linear = np.where(overlap > iou, 1 - overlap, 1)
            rating[own] *= np.exp(-(overlap**2) / sigma) if decay == "gaussian" else linear
    stays, lowered = np.concatenate(indices), np.concatenate(values)
    order = np.lexsort((stays, -lowered))
    return stays[order], lowered[order]


def _greedy(corners: Numbers, groups: Integers, iou: float) -> Integers:
    """The indices of (4, n) boxes in order that stay.

    Many boxes on one thing: a block of the best ones drops most. Boxes here and there: pairs that overlap are few, and
    found fast. As much work as seems to be the smaller one is done, until nothing is left.
    """
    kept, left, block, work = [np.zeros(0, np.int64)], np.arange(len(groups)), FIRST_BLOCK, 0.0
    areas = area(corners, 0.0)
    compare = partial(_covers, corners, areas, groups if len(groups) and groups.min() < groups.max() else None, iou)
    while len(left):
        shelves = shelved(corners[:, left], groups[left], iou) if work else None
        if shelves is not None and PAIR_WORK * shelves.pairs <= work:
            pairs = conflicts(corners[:, left], groups[left], iou, shelves)
            kept.append(left[_undisputed(pairs, len(left))])
            break
        head, rest = left[:block], left[block:]
        pairs = np.array(np.nonzero(compare(head, head)))
        best = head[_undisputed(pairs[:, pairs[0] != pairs[1]], len(head))]
        parts = [rest[start : start + COLUMNS] for start in range(0, len(rest), COLUMNS)]
        left = np.concatenate([part[~compare(best, part).any(axis=0)] for part in parts] or [rest])
        kept.append(best)
        # If each box goes on to drop the same share of those left, this many pairs have yet to be compared.
        share = 1 - len(left) / (len(head) + len(rest))
        work = len(left) * len(head) / -np.log1p(-share) if len(left) else 0.0
        block = BLOCK
    return np.concatenate(kept)


def _undisputed(pairs: Integers, count: int) -> NDArray[np.bool_]:
    """(count,) which stay, given (2, k) pairs of indices in order of rank of which only one may stay."""
    better, worse = pairs.min(axis=0), pairs.max(axis=0)
    order = np.argsort(better, kind="stable")
    firsts, starts = np.unique(better[order], return_index=True)
    worse, edges = worse[order], [*starts.tolist(), len(worse)]
    stays = np.ones(count, np.bool_)
    for first, start, stop in zip(firsts.tolist(), edges[:-1], edges[1:], strict=True):
        if stays[first]:
            stays[worse[start:stop]] = False
    return stays


def _covers(
    corners: Numbers, areas: Numbers, groups: Integers | None, iou: float, ones: Integers, others: Integers
) -> NDArray[np.bool_]:
    """(ones, others) which overlap within a group by more than `iou`; None: all are of one group."""
    one, two = corners[:, ones][:, :, None], corners[:, others][:, None]
    width, side = np.minimum(one[2], two[2]), np.maximum(one[0], two[0])
    width -= side
    np.maximum(width, 0, out=width)
    height = np.minimum(one[3], two[3])
    np.maximum(one[1], two[1], out=side)
    height -= side
    # Where the height is below 0 so is the product, and the answer is no as with 0.
    shared = np.multiply(width, height, out=width)
    union = np.add(areas[ones][:, None], areas[others], out=side)
    union -= shared
    union *= iou
    above = np.asarray(shared > union)
    return above if groups is None else above & (groups[ones][:, None] == groups[others])


def _overlap(one: Numbers, two: Numbers) -> Numbers:
    one, two = one[:, :, None], two[:, None]
    shared = shared_area(one, two)
    return ratio(shared, area(one, 0.0) + area(two, 0.0) - shared)


def _ranks(owners: Integers) -> Integers:
    """(k,) the place of each row among those of its owner, which stand together."""
    _, starts, counts = np.unique(owners, return_index=True, return_counts=True)
    return np.arange(len(owners)) - np.repeat(starts, counts)


def _given(
    boxes: ArrayLike, scores: ArrayLike, labels: ArrayLike | None, pictures: ArrayLike | None
) -> tuple[Numbers, Numbers, Integers, Integers]:
    """Boxes, scores, classes and pictures as arrays of one length; scores are a copy."""
    corners = box_array(boxes)
    rating = array_of(scores)
    if rating.shape != (len(corners),) or rating.dtype.kind not in "biuf" or not np.isfinite(rating).all():
        received = f"{rating.dtype} of shape {rating.shape}"
        raise DataError(f"a finite score for each of {len(corners)} boxes", received, "Scores may be logits too.")
    count = len(corners)
    return corners, rating.astype(np.float64), _groups("label", labels, count), _groups("picture", pictures, count)


def _groups(name: str, values: ArrayLike | None, count: int) -> Integers:
    if values is None:
        return np.zeros(count, np.int64)
    numbers = array_of(values)
    empty = numbers.shape == (0,) and not count
    if not empty and (numbers.shape != (count,) or numbers.dtype.kind not in "iu" or numbers.min(initial=0) < 0):
        received = f"{numbers.dtype} of shape {numbers.shape}"
        raise DataError(f"a {name} from 0 on for each of {count} boxes", received, "Give whole numbers, or None.")
    return numbers.astype(np.int64)
