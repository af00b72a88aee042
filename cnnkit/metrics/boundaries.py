"""Boundary IoU: overlap near the borders of classes alone, where large areas cannot hide what is wrong.

Cheng et al. 2021, "Boundary IoU: Improving object-centric image segmentation evaluation", arXiv:2103.16562.
"""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from cnnkit.errors import InputError
from cnnkit.metrics.given_arrays import whole_number
from cnnkit.metrics.label_maps import VOID, Map, class_count, joint_counts, map_pair
from cnnkit.metrics.segmentation import mean_of, share

# The distance where none is asked for, as a share of a picture's diagonal: that of the authors.
DISTANCE = 0.02


class BoundaryOverlap:
    """The IoU of the pixels of each class that are near its border, over any number of label maps.

    A pixel is near the border of its class where the square of ±`distance` pixels around it holds another class or
    reaches beyond the picture. Void (255) is left out of both maps, and what lies beside it is near a border in both,
    so that a prediction that equals the truth where something is known has IoU 1.

    Args:
        classes: How many there are, at most 255.
        distance: In pixels, at least 1; None for 2 % of the diagonal of each picture.

    Raises:
        InputError: No such numbers.
    """

    def __init__(self, classes: int, *, distance: int | None = None) -> None:
        if distance is not None:
            whole_number("distance", distance)
        self._distance = distance
        self._both, self._either = np.zeros((2, class_count(classes)), np.int64)

    def add(self, true: ArrayLike, predicted: ArrayLike) -> None:
        """Counts one label map, or several of one size.

        Args:
            true: (h, w) or (n, h, w) class indices, 255 for void.
            predicted: The same shape.

        Raises:
            DataError: Maps of different shapes, or a class that does not exist.
        """
        truth, said = map_pair(true, predicted)
        for labels, answer in zip(
            truth.reshape(-1, *truth.shape[-2:]), said.reshape(-1, *said.shape[-2:]), strict=True
        ):
            known = np.where(labels == VOID, np.uint8(VOID), answer)
            joint = joint_counts(self._borders(labels), self._borders(known), len(self._both))
            both = joint.diagonal()[1:]
            self._both += both
            self._either += joint.sum(axis=1)[1:] + joint.sum(axis=0)[1:] - both

    def merge(self, other: BoundaryOverlap) -> None:
        """Adds what another one has counted.

        Raises:
            InputError: It has other classes or another distance.
        """
        same = isinstance(other, BoundaryOverlap) and other._distance == self._distance
        if not same or len(other._both) != len(self._both):
            raise InputError(
                f"a BoundaryOverlap of {len(self._both)} classes and distance={self._distance}",
                repr(other)[:100],
                "Count the same classes at the same distance.",
            )
        self._both += other._both
        self._either += other._either

    @property
    def iou(self) -> NDArray[np.float64]:
        """(classes,) the IoU near borders; NaN for a class that is near none in truth and prediction."""
        return share(self._both, self._either)

    @property
    def mean_iou(self) -> float:
        """Its mean over the classes that have one.

        Raises:
            DataError: None has.
        """
        return mean_of(self.iou)

    def _borders(self, labels: Map) -> Map:
        """(h, w) the labels that are near a border, void elsewhere."""
        distance = self._distance or max(1, round(DISTANCE * math.hypot(*labels.shape)))
        # All around are of one class where the lowest and the highest number are one: all classes in two passes.
        square = np.ones((2 * distance + 1, 2 * distance + 1), np.uint8)
        near = cv2.erode(labels, square) != cv2.dilate(labels, square)
        near[:distance] = near[-distance:] = True
        near[:, :distance] = near[:, -distance:] = True
        return np.where(near, labels, np.uint8(VOID))


def boundary_iou(true: ArrayLike, predicted: ArrayLike, classes: int, *, distance: int | None = None) -> float:
    """The mean over the classes of the IoU near their borders, 0…1.

    The inside of large things does not count, so it is stricter than `mean_iou`; where every pixel is near a border
    both are equal. `BoundaryOverlap` documents what is near, and counts many pictures.

    Args:
        true: (h, w) or (n, h, w) class indices, 255 for void.
        predicted: The same shape.
        classes: How many there are, at most 255.
        distance: In pixels, at least 1; None for 2 % of the picture's diagonal.

    Raises:
        DataError: Maps of different shapes, a class that does not exist, or no pixel whose class is known.
        InputError: No such number of classes or distance.

    >>> true = [[0, 0, 0, 1, 1, 1]] * 6
    >>> boundary_iou(true, true, classes=2), boundary_iou(true, [[0, 0, 0, 0, 1, 1]] * 6, classes=2) < 1
    (1.0, True)
    """
    overlap = BoundaryOverlap(classes, distance=distance)
    overlap.add(true, predicted)
    return overlap.mean_iou
