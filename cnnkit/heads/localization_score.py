"""The scores of a localization: how much boxes overlap, and whether their labels are right."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cnnkit.data.targets.boxes import Boxes
from cnnkit.errors import DataError
from cnnkit.metrics.box_overlap import box_iou

# From which IoU on a box counts as right (Everingham et al. 2010, "The Pascal VOC Challenge", section 4.2).
RIGHT = 0.5


class LocalizationScore:
    """What `ck.evaluate` gives beside the loss of a localizer.

    Each true box is held against a predicted one of its picture: the pair that overlaps most first, then the best of
    those that are left. A true box that is left alone has an IoU of 0 and no label.

    Args:
        classes: Names in the order of the labels.
    """

    def __init__(self, classes: Sequence[str]) -> None:
        self._classes = tuple(classes)
        self._ious: list[NDArray[np.float64]] = []
        self._labels: list[NDArray[np.int64]] = []
        self._right: list[NDArray[np.bool_]] = []

    def add(self, truth: Any, predictions: Any) -> NDArray[np.float64]:
        """Counts `Boxes`.

        Returns:
            (n,) 1 − the mean IoU of the boxes of each picture, where one with a wrong label counts as 0; 0 where the
            picture has no box.

        Raises:
            DataError: Another number of predictions, or another kind of truth.
        """
        if not isinstance(truth, Boxes) or not isinstance(predictions, Boxes) or len(truth) != len(predictions):
            raise DataError(
                "boxes and the predicted boxes of as many pictures",
                f"{len(truth)} {getattr(truth, 'kind', '')} and {len(predictions)} {getattr(predictions, 'kind', '')}",
                "Give what decode returns for the pictures of this truth.",
            )
        wrong = np.zeros(len(truth))
        for index in range(len(truth)):
            mine, theirs = truth.span(index), predictions.span(index)
            ious, partners = _pairs(box_iou(truth.boxes[mine], predictions.boxes[theirs]))
            labels, given = truth.labels[mine], predictions.labels[theirs]
            right = np.array([p >= 0 and given[p] == label for p, label in zip(partners, labels, strict=True)], bool)
            self._ious.append(ious)
            self._labels.append(labels)
            self._right.append(right)
            wrong[index] = 1 - (ious * right).mean() if len(ious) else 0.0
        return wrong

    def result(self) -> dict[str, float]:
        """Of all boxes.

        Returns:
            `mean_iou`; `above_half`, the share of boxes with an IoU above .5; of several classes `label_accuracy`, the
            share of right labels, and `localized`, the share with both; then `mean_iou/CLASS` and `above_half/CLASS` of
            each class that occurs. Nothing where there is no box.
        """
        if not sum(map(len, self._ious)):
            return {}
        ious, labels, right = np.concatenate(self._ious), np.concatenate(self._labels), np.concatenate(self._right)
        above = ious > RIGHT
        scores = {"mean_iou": float(ious.mean()), "above_half": float(above.mean())}
        if len(self._classes) == 1:
            return scores
        scores |= {"label_accuracy": float(right.mean()), "localized": float((above & right).mean())}
        of_class = {name: labels == label for label, name in enumerate(self._classes)}
        for score, values in (("mean_iou", ious), ("above_half", above)):
            scores |= {f"{score}/{name}": float(values[mine].mean()) for name, mine in of_class.items() if mine.any()}
        return scores


def _pairs(ious: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Of each row its IoU and the column that it is paired with, −1 for none: the largest IoU of all first."""
    found, partners = np.zeros(len(ious)), np.full(len(ious), -1)
    left = ious.copy()
    for _ in range(min(left.shape)):
        row, column = np.unravel_index(left.argmax(), left.shape)
        found[row], partners[row] = ious[row, column], column
        left[row], left[:, column] = -1, -1
    return found, partners
