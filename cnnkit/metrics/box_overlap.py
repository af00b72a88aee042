"""How much boxes share: intersection over union, of all pairs or row by row, and its generalized form.

>>> box_iou([[0, 0, 2, 2]], [[1, 0, 3, 2], [5, 5, 6, 6]]).round(3).tolist()
[[0.333, 0.0]]
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cnnkit.arguments import Argument, check_arguments
from cnnkit.errors import DataError, InputError
from cnnkit.metrics.given_arrays import array_of, flags_of

Numbers = NDArray[np.float64]
PixelRule = Literal["coco", "voc"]

# What a rule adds to x2 − x1 and y2 − y1. COCO's corners lie between pixels, those of Pascal VOC are pixels themselves,
# and the last one belongs to the box (VOCevaldet.m of its development kit).
PIXEL_RULES: dict[PixelRule, float] = {"coco": 0.0, "voc": 1.0}

ARGUMENTS = (
    Argument("paired", lambda value: isinstance(value, bool), "paired True or False", "True compares row by row."),
    Argument(
        "generalized", lambda value: isinstance(value, bool), "generalized True or False", "True gives values from −1."
    ),
    Argument(
        "pixels",
        lambda value: isinstance(value, str) and value in PIXEL_RULES,
        f"pixels as one of {list(PIXEL_RULES)}",
        '"voc" counts the last pixel, x2 − x1 + 1.',
    ),
)


def box_iou(
    boxes: ArrayLike,
    others: ArrayLike,
    *,
    paired: bool = False,
    generalized: bool = False,
    crowd: ArrayLike | None = None,
    pixels: PixelRule = "coco",
) -> Numbers:
    """Intersection over union of boxes.

    Args:
        boxes: (n, 4) x1, y1, x2, y2 with x1 ≤ x2 and y1 ≤ y2.
        others: (m, 4), as many as boxes where they are `paired`.
        paired: Compares row by row, not each with each.
        generalized: Subtracts the share of the smallest box around both that neither covers, which tells how far apart
            boxes are that do not touch (Rezatofighi et al. 2019, algorithm 1).
        crowd: (m,) which of the others surround many things. What counts of such a one is the share of the box that it
            covers, as COCO does.
        pixels: `"coco"`: a box is x2 − x1 wide. `"voc"`: x2 is its last pixel, so that it is x2 − x1 + 1 wide.

    Returns:
        (n, m), or (n,) where they are paired, in [0, 1]; generalized in [−1, 1]. Boxes without an area have an IoU of 0
        with all others, themselves too.

    Raises:
        DataError: No boxes of this shape, NaN, infinity, or corners that are swapped.
        InputError: Crowds of generalized overlap, which has no such rule, or another argument's type.
    """
    check_arguments(ARGUMENTS, {"paired": paired, "generalized": generalized, "pixels": pixels})
    first, second = box_array(boxes), box_array(others)
    if paired and len(first) != len(second):
        raise DataError("as many others as boxes, to pair them", f"{len(second)} and {len(first)}", "Or paired=False.")
    if crowd is not None and generalized:
        raise InputError("crowds, or the generalized overlap", "both", "Leave one of them out.")
    marks = None if crowd is None else crowd_marks(crowd, len(second))
    extra = PIXEL_RULES[pixels]
    # (4, n, 1) and (4, 1, m): each coordinate is a row of its own, four times as fast as a last axis of 4.
    one, two = (first.T, second.T) if paired else (first.T[:, :, None], second.T[:, None])
    both = shared_area(one, two, extra)
    union = area(one, extra) + area(two, extra) - both
    if marks is not None:
        union = np.where(marks, area(one, extra), union)
    iou = ratio(both, union)
    if not generalized:
        return iou
    low, high = np.minimum(one[:2], two[:2]), np.maximum(one[2:], two[2:])
    hull = area(np.concatenate([low, high]), extra)
    return np.asarray(iou - ratio(hull - union, hull))


def box_array(boxes: ArrayLike) -> Numbers:
    """(n, 4) boxes, [] as none.

    Raises:
        DataError: Another shape, NaN, infinity, or swapped corners.
    """
    array = array_of(boxes)
    if array.shape == (0,):
        return np.zeros((0, 4))
    remedy = "COCO's x, y, width, height are x, y, x + width, y + height."
    if array.ndim != 2 or array.shape[1] != 4 or array.dtype.kind not in "biuf":
        received = f"{array.dtype} of shape {array.shape}"
        raise DataError("boxes of shape (n, 4): x1, y1, x2, y2", received, remedy)
    corners = array.astype(np.float64)
    wrong = ~np.isfinite(corners).all(axis=1) | (corners[:, :2] > corners[:, 2:]).any(axis=1)
    if wrong.any():
        received = f"{corners[wrong][0].tolist()} at {int(np.argmax(wrong))}"
        raise DataError("finite boxes with x1 ≤ x2 and y1 ≤ y2", received, remedy)
    return corners


def crowd_marks(crowd: ArrayLike, count: int) -> NDArray[np.bool_]:
    """(count,) which boxes are crowds.

    Raises:
        DataError: Another number of them, or others than True and False.
    """
    marks = array_of(crowd)
    if marks.shape != (count,):
        raise DataError(f"True or False for each of {count} others", f"shape {marks.shape}", "1 marks a crowd.")
    return flags_of(marks)


def area(corners: Numbers, extra: float) -> Numbers:
    """The areas of (4, …) corners."""
    return np.asarray((corners[2] - corners[0] + extra) * (corners[3] - corners[1] + extra))


def shared_area(one: Numbers, two: Numbers, extra: float = 0.0) -> Numbers:
    """The areas that (4, …) corners share."""
    width, height = (_shared_side(one, two, axis, extra) for axis in (0, 1))
    return np.asarray(np.multiply(width, height, out=width))


def _shared_side(one: Numbers, two: Numbers, axis: int, extra: float) -> Numbers:
    side = np.asarray(np.minimum(one[axis + 2], two[axis + 2]))
    side -= np.maximum(one[axis], two[axis])
    side += extra
    return np.asarray(np.maximum(side, 0, out=side))


def ratio(part: Numbers, whole: Numbers) -> Numbers:
    """Part ÷ whole, 0 where there is no whole."""
    return np.divide(part, whole, out=np.zeros_like(part), where=whole > 0)
