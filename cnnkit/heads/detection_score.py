"""The score of a detector: COCO's average precision, over all and per class, and how wrong each picture is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cnnkit.data.targets.boxes import Boxes
from cnnkit.errors import DataError
from cnnkit.heads.detection import not_counted
from cnnkit.metrics.box_overlap import box_iou
from cnnkit.metrics.coco import coco
from cnnkit.metrics.coco_things import Kind

# From which IoU on a picture counts a box as found.
RIGHT = 0.5


class DetectionScore:
    """What `ck.evaluate` gives beside the loss of a detector.

    Args:
        classes: Names in the order of the labels.
        kinds: What is scored beside the boxes, where both truth and predictions have some: `"masks"`, `"points"`.
    """

    def __init__(self, classes: Sequence[str], *, kinds: Sequence[Kind] = ()) -> None:
        self._classes = tuple(classes)
        self._kinds = tuple(kinds)
        self._truth: list[Boxes] = []
        self._predictions: list[Boxes] = []

    def add(self, truth: Any, predictions: Any) -> NDArray[np.float64]:
        """Counts `Boxes`.

        Returns:
            (n,) of a picture with k boxes, the share of them that its k best predictions miss: class and an IoU of at
            least .5 have to be right; of one without boxes the score of its best prediction.

        Raises:
            DataError: Another number of predictions, predictions without scores, or another kind of truth.
        """
        fits = isinstance(truth, Boxes) and isinstance(predictions, Boxes) and len(truth) == len(predictions)
        if not fits or predictions.scores is None:
            raise DataError(
                "boxes and the predicted boxes of as many pictures, with scores",
                f"{len(truth)} {getattr(truth, 'kind', '')} and {len(predictions)} {getattr(predictions, 'kind', '')}",
                "Give what decode returns for the pictures of this truth.",
            )
        both: dict[str, bool] = {
            kind: kind in self._kinds and getattr(truth, kind) is not None and getattr(predictions, kind) is not None
            for kind in ("masks", "points")
        }
        for given, kept in ((truth, self._truth), (predictions, self._predictions)):
            kept.append(replace(given, **{kind: None for kind, scored in both.items() if not scored}))
        counts = ~not_counted(truth)
        wrong = np.zeros(len(truth))
        for index in range(len(truth)):
            mine, theirs = truth.span(index), predictions.span(index)
            real = np.flatnonzero(counts[mine]) + mine.start
            order = np.argsort(-predictions.scores[theirs], kind="stable")
            if not len(real):
                wrong[index] = float(predictions.scores[theirs].max(initial=0)) if mine.start == mine.stop else 0
                continue
            best = order[: len(real)] + theirs.start
            fitting = box_iou(predictions.boxes[best], truth.boxes[real]) >= RIGHT
            fitting &= predictions.labels[best][:, None] == truth.labels[real]
            wrong[index] = 1 - _pairs(fitting) / len(real)
        return wrong

    def result(self) -> dict[str, float]:
        """Of all pictures.

        Returns:
            COCO's numbers, `AP` (mean over IoU .5 … .95), `AP50`, `AP75`, `AP_small` … `AR_large`, without those of
            sizes that do not occur, of masks with `mask_` before them, of points with `point_`; then `AP/CLASS` and
            `AP50/CLASS` of each class that occurs. Nothing where there is no box.
        """
        if not self._truth or not sum(len(truth.boxes) for truth in self._truth):
            return {}
        truth, predictions = _together(self._truth), _together(self._predictions)
        found = coco(truth, predictions)
        scores = {name: value for name, value in found.numbers.items() if value >= 0}
        for kind in self._kinds:
            if getattr(truth, kind) is not None:
                numbers = coco(truth, predictions, kind=kind).numbers
                scores |= {f"{kind.removesuffix('s')}_{name}": value for name, value in numbers.items() if value >= 0}
        of_class = {name: found.of_category(name) for name in self._classes}
        return scores | {
            f"{score}/{name}": row[score]
            for score in ("AP", "AP50")
            for name, row in of_class.items()
            if row["AP"] >= 0
        }


def _pairs(fitting: NDArray[np.bool_]) -> int:
    """How many of the predictions find a box that none before took."""
    free, number = np.ones(fitting.shape[1], np.bool_), 0
    for row in fitting:
        candidates = np.flatnonzero(row & free)
        if len(candidates):
            free[candidates[0]] = False
            number += 1
    return number


def _together(parts: Sequence[Boxes]) -> Boxes:
    """One column; flags that only some parts have are False in the others."""
    crowd, difficult = (
        any(flag is not None for flag in flags)
        for flags in ([part.crowd for part in parts], [part.difficult for part in parts])
    )

    def filled(part: Boxes) -> Boxes:
        none = np.zeros(len(part.boxes), np.bool_)
        return replace(
            part,
            crowd=none if crowd and part.crowd is None else part.crowd,
            difficult=none if difficult and part.difficult is None else part.difficult,
        )

    return Boxes.joined([filled(part) for part in parts])
