"""What is wrong with wrong boxes: place, class, both, a thing found twice, nothing there; and what was missed.

Bolya et al., "TIDE: A General Toolbox for Identifying Object Detection Errors", ECCV 2020
(arXiv:2008.08115), section 2.2.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cnnkit.arguments import Argument, check_arguments
from cnnkit.metrics.box_overlap import box_iou
from cnnkit.metrics.coco_truth import BoxColumn, box_columns
from cnnkit.metrics.given_arrays import real

# The place in this tuple is the number of the kind.
KINDS = ("right", "place", "class", "both", "duplicate", "background", "passed over")
RIGHT, PLACE, CLASS, BOTH, DUPLICATE, BACKGROUND, PASSED_OVER = range(len(KINDS))

ARGUMENTS = (
    Argument("iou", lambda value: real(value, 0, 1), "iou as a number from 0 to 1", "0.5 is the paper's."),
    Argument("least", lambda value: real(value, 0, 1), "least as a number from 0 to 1", "0.1 is the paper's."),
)


@dataclass(frozen=True, eq=False)
class DetectionErrors:
    """What became of predictions and things.

    Attributes:
        names: Of the classes.
        kinds: (predictions,) the place of its kind in `KINDS`.
        labels: (predictions,) the class of each.
        ranks: (predictions,) how many predictions of its class are better.
        things: (classes,) how many things of each class count.
        missed: (classes,) how many of them no prediction comes near: none finds it, and none is wrong in class or place
            alone because of it.
    """

    names: tuple[str, ...]
    kinds: NDArray[np.int64]
    labels: NDArray[np.int64]
    ranks: NDArray[np.int64]
    things: NDArray[np.int64]
    missed: NDArray[np.int64]

    def best(self) -> dict[str, NDArray[np.int64]]:
        """Kind → (classes,) how many of the best predictions of each class are of it.

        As many as there are things of the class, so that no threshold of the score is needed (Hoiem et al. 2012,
        "Diagnosing Error in Object Detectors", section 2).
        """
        among = self.ranks < self.things[self.labels]
        rows = np.bincount(self.labels[among] * len(KINDS) + self.kinds[among], minlength=len(self.names) * len(KINDS))
        return dict(zip(KINDS, rows.reshape(-1, len(KINDS)).T, strict=True))


def detection_errors(
    truth: BoxColumn, predictions: BoxColumn, *, iou: float = 0.5, least: float = 0.1
) -> DetectionErrors:
    """Why predictions of boxes are wrong.

    From the best prediction on, each finds the free thing of its class that it overlaps most, by at least `iou`. Of the
    others, in this order:

    * `place`: it overlaps a thing of its class, by `least` … `iou`;
    * `class`: it overlaps a thing of another class by at least `iou`;
    * `duplicate`: it overlaps a thing of its class, which another one found, by at least `iou`;
    * `background`: it overlaps no thing by more than `least`;
    * `both`: what is left: too far from a thing of another class.

    A prediction that is not right and overlaps a crowd or a difficult thing by at least `iou` is passed over.

    Args:
        truth: `Boxes`.
        predictions: `Boxes` with scores for the same pictures and classes.
        iou: From which overlap on a thing is found.
        least: Up to which overlap a prediction is of the background.

    Raises:
        DataError: Boxes that do not belong together, or predictions without scores.
        InputError: A setting out of its range.
    """
    check_arguments(ARGUMENTS, {"iou": iou, "least": least})
    true, said = box_columns(truth, predictions)
    scores = np.asarray(said.scores, np.float64)
    order = np.argsort(-scores, kind="stable")
    ranks = np.zeros(len(scores), np.int64)
    for label in range(len(true.names)):
        mine = order[said.labels[order] == label]
        ranks[mine] = np.arange(len(mine))
    counts = ~(_flag(true.crowd, true.labels) | _flag(true.difficult, true.labels))
    kinds, near = np.full(len(scores), BACKGROUND), np.zeros(len(true.labels), np.bool_)
    for picture in range(len(true)):
        theirs, mine = order[said.owners[order] == picture], np.flatnonzero(true.owners == picture)
        overlap = box_iou(said.boxes[theirs], true.boxes[mine])
        same = said.labels[theirs][:, None] == true.labels[mine]
        kinds[theirs], near[mine] = _of_picture(overlap, same, counts[mine], iou, least)
    size = len(true.names)
    things = np.bincount(true.labels[counts], minlength=size)
    missed = np.bincount(true.labels[counts & ~near], minlength=size)
    return DetectionErrors(tuple(true.names), kinds, said.labels, ranks, things, missed)


def _of_picture(
    overlap: NDArray[np.float64], same: NDArray[np.bool_], counts: NDArray[np.bool_], iou: float, least: float
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """The kinds of (p,) predictions in order, and which of (t,) things one of them comes near."""
    kinds, near = np.full(len(overlap), BACKGROUND), np.zeros(len(counts), np.bool_)
    if not len(counts):
        return kinds, near
    found = np.zeros(len(counts), np.bool_)
    for row, (values, own) in enumerate(zip(overlap, same, strict=True)):
        free = np.where(own & counts & ~found, values, -1.0)
        if free.max() >= iou:
            found[free.argmax()] = near[free.argmax()] = True
            kinds[row] = RIGHT
    for row in np.flatnonzero(kinds != RIGHT).tolist():
        values, own = np.where(counts, overlap[row], -1.0), same[row]
        mine, others = np.where(own, values, -1.0), np.where(own, -1.0, values)
        if np.where(counts, -1.0, overlap[row]).max() >= iou:
            kinds[row] = PASSED_OVER
        elif least <= mine.max() < iou:
            kinds[row], near[mine.argmax()] = PLACE, True
        elif others.max() >= iou:
            kinds[row], near[others.argmax()] = CLASS, True
        elif mine.max() >= iou:
            kinds[row] = DUPLICATE
        elif values.max() > least:
            kinds[row] = BOTH
    return kinds, near


def _flag(values: NDArray[np.bool_] | None, labels: NDArray[np.int64]) -> NDArray[np.bool_]:
    return np.zeros(len(labels), np.bool_) if values is None else values
