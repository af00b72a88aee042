"""The scores of a segmentation: of all pixels, of each class, near borders, and how wrong each picture is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cnnkit.data.targets.masks import Masks
from cnnkit.data.targets.stored import in_threads
from cnnkit.errors import DataError
from cnnkit.metrics.boundaries import BoundaryOverlap
from cnnkit.metrics.segmentation import PixelConfusion

OF_CLASS = ("iou", "accuracy", "dice")
"""Scores of each class that `ck.evaluate` gives, as `"iou/car"`."""


class SegmentationScore:
    """What `ck.evaluate` gives beside the loss of a head of masks, in constant memory; void pixels are left out.

    Args:
        classes: Names in the order of the pixel values.
        distance: In pixels, from which border on a pixel counts for `boundary_iou`; None for 2 % of the diagonal.
    """

    def __init__(self, classes: Sequence[str], *, distance: int | None = None) -> None:
        self._classes = tuple(classes)
        self._distance = distance
        self._confusion, self._boundaries = self._fresh()

    def add(self, truth: Any, predictions: Any) -> NDArray[np.float64]:
        """Counts `Masks`; several threads read them.

        Returns:
            (n,) the share of the known pixels that is wrong; 0 where none is known.

        Raises:
            DataError: Another number of predictions, another size of a mask, or another kind of truth.
        """
        if not isinstance(truth, Masks) or not isinstance(predictions, Masks) or len(truth) != len(predictions):
            raise DataError(
                "masks and as many predicted masks",
                f"{len(truth)} {getattr(truth, 'kind', '')} and {len(predictions)} {getattr(predictions, 'kind', '')}",
                "Give what decode returns for the pictures of this truth.",
            )

        def counted(index: int) -> tuple[PixelConfusion, BoundaryOverlap, float]:
            confusion, boundaries = self._fresh()
            true, predicted = truth.mask(index), predictions.mask(index)
            wrong = confusion.add(true, predicted)
            boundaries.add(true, predicted)
            return confusion, boundaries, wrong

        parts = in_threads(counted, len(truth))
        for confusion, boundaries, _ in parts:
            self._confusion.merge(confusion)
            self._boundaries.merge(boundaries)
        return np.array([wrong for _, _, wrong in parts], np.float64)

    def result(self) -> dict[str, float]:
        """Of all pictures.

        Returns:
            `mean_iou`, `pixel_accuracy`, `mean_accuracy`, `frequency_weighted_iou`, `dice` and `boundary_iou`, as
            `ck.metrics` has them; then `iou/CLASS`, `accuracy/CLASS` and `dice/CLASS` of each class that has them: one
            that neither occurs nor was predicted has none. Nothing where no pixel is known.
        """
        confusion = self._confusion
        if not confusion.pixels.any():
            return {}
        scores = {
            "mean_iou": confusion.mean_iou,
            "pixel_accuracy": confusion.pixel_accuracy,
            "mean_accuracy": confusion.mean_accuracy,
            "frequency_weighted_iou": confusion.frequency_weighted_iou,
            "dice": confusion.mean_dice,
            "boundary_iou": self._boundaries.mean_iou,
        }
        of_class = confusion.table(self._classes)
        return scores | {
            f"{name}/{known}": row[name] for name in OF_CLASS for known, row in of_class.items() if name in row
        }

    def _fresh(self) -> tuple[PixelConfusion, BoundaryOverlap]:
        """Nothing counted."""
        count = len(self._classes)
        return PixelConfusion(count), BoundaryOverlap(count, distance=self._distance)
