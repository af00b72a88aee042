"""Losses of boxes: how far a predicted box is from the true one, in the unit of its sides or in overlap.

Boxes are x1, y1, x2, y2 with x1 ≤ x2 and y1 ≤ y2, in any unit. Both losses are of each box, (…, 4) → (…): of one box
per picture one number per picture, of several the caller says how they count.
"""

from __future__ import annotations

from typing import Any

from keras import ops

from cnnkit.errors import InputError
from cnnkit.losses.given_numbers import at_least

Tensor = Any  # whatever keras.ops computes with: a tensor of the backend, or an array


def smooth_l1(true: Tensor, predicted: Tensor, *, beta: float = 1.0) -> Tensor:
    """Σ over the last axis of d² / 2β where |d| < β, else |d| − β / 2; d is predicted − true.

    Girshick, "Fast R-CNN", ICCV 2015 (arXiv:1504.08083), equations 2 and 3, where β is 1 and the sum is over the four
    numbers of a box. A squared error would be ruled by the boxes that are far off.

    Args:
        true: (…, k).
        predicted: The same shape.
        beta: Where the loss turns from squared to absolute, above 0, in the unit of the numbers: 1 suits those that
            are scaled to a variance of 1, as the paper's; of shares of a picture, 0…1, less than .1 does.

    Returns:
        (…) one number for each k.

    Raises:
        InputError: Other shapes, or no such β.
    """
    at_least("beta", beta, 0, excluded=True)
    true, predicted = _pair(true, predicted)
    far = ops.abs(predicted - true)
    return ops.sum(ops.where(far < beta, ops.square(far) / (2 * beta), far - beta / 2), axis=-1)


def giou(true: Tensor, predicted: Tensor) -> Tensor:
    """1 − GIoU: 1 − IoU + the share of the smallest box around both that neither covers.

    Rezatofighi et al., "Generalized Intersection over Union", CVPR 2019 (arXiv:1902.09630), algorithm 2. Unlike
    1 − IoU it has a slope where the boxes do not touch.

    Args:
        true: (…, 4).
        predicted: The same shape. A box whose corners are swapped has no area.

    Returns:
        (…) from 0, where both are the same, to 2, where they are points infinitely far apart.

    Raises:
        InputError: Other shapes.

    >>> round(float(giou([0.0, 0, 2, 2], [1.0, 0, 3, 2])), 3)  # 1 − 1/3, the hull is covered
    0.667
    """
    true, predicted = _corners(true, predicted)
    both, union = _both_and_union(true, predicted)
    least, most = ops.minimum(true[..., :2], predicted[..., :2]), ops.maximum(true[..., 2:], predicted[..., 2:])
    hull = _area(least, most)
    return 1 - ops.divide_no_nan(both, union) + ops.divide_no_nan(hull - union, hull)


def intersection_over_union(true: Tensor, predicted: Tensor) -> Tensor:
    """IoU of each pair: what YOLO takes for a true confidence.

    Args:
        true: (…, 4).
        predicted: The same shape.

    Returns:
        (…) from 0 to 1; 0 of two boxes without area.

    Raises:
        InputError: Other shapes.
    """
    return ops.divide_no_nan(*_both_and_union(*_corners(true, predicted)))


def _both_and_union(true: Tensor, predicted: Tensor) -> tuple[Tensor, Tensor]:
    """The areas that both boxes cover, and that either does."""
    low, high = ops.maximum(true[..., :2], predicted[..., :2]), ops.minimum(true[..., 2:], predicted[..., 2:])
    both = _area(low, high)
    return both, _area(true[..., :2], true[..., 2:]) + _area(predicted[..., :2], predicted[..., 2:]) - both


def _corners(true: Tensor, predicted: Tensor) -> tuple[Tensor, Tensor]:
    """Both as boxes of one shape and type."""
    true, predicted = _pair(true, predicted)
    if true.shape[-1] != 4:
        raise InputError("boxes of shape (…, 4)", f"shape {tuple(true.shape)}", "Give x1, y1, x2, y2.")
    return true, predicted


def _area(low: Tensor, high: Tensor) -> Tensor:
    return ops.prod(ops.maximum(high - low, 0), axis=-1)


def _pair(true: Tensor, predicted: Tensor) -> tuple[Tensor, Tensor]:
    """Both as tensors of one shape and type.

    Raises:
        InputError: Other shapes.
    """
    predicted = ops.convert_to_tensor(predicted)
    true = ops.cast(true, predicted.dtype)
    if len(true.shape) != len(predicted.shape) or true.shape[-1] != predicted.shape[-1]:
        received = f"shapes {tuple(true.shape)} and {tuple(predicted.shape)}"
        raise InputError("true and predicted boxes of one shape", received, "Give one prediction for each true box.")
    return true, predicted
