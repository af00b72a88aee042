"""Pascal VOC's evaluation of boxes: precision–recall curves, and average precision by 11 points or by all.

Everingham et al., "The Pascal Visual Object Classes (VOC) Challenge", IJCV 2010, section 4.2; all points since VOC 2010
(section 3.4.1 of its development kit).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cnnkit.arguments import Argument, check_arguments
from cnnkit.errors import DataError
from cnnkit.metrics.box_overlap import PIXEL_RULES, Numbers, PixelRule, box_iou
from cnnkit.metrics.coco_truth import BoxColumn, box_columns
from cnnkit.metrics.given_arrays import array_of, real

Points = Literal["all", 11]

ARGUMENTS = (
    Argument("iou", lambda value: real(value, 0, 1), "iou as a number from 0 to 1", "VOC's is 0.5."),
    Argument(
        "points",
        lambda value: isinstance(value, str | int) and not isinstance(value, bool) and value in ("all", 11),
        'points "all" or 11',
        "11 is VOC's until 2009.",
    ),
    Argument(
        "pixels",
        lambda value: isinstance(value, str) and value in PIXEL_RULES,
        f"pixels as one of {list(PIXEL_RULES)}",
        '"voc" counts the last pixel, x2 − x1 + 1.',
    ),
)


@dataclass(frozen=True, eq=False)
class PrecisionRecall:
    """What is right of the best 1, 2, … predictions of a class.

    Attributes:
        recall: (n,) the share of its things that they find.
        precision: (n,) the share of them that is right.
        scores: (n,) of the last one of each, falling.
    """

    recall: Numbers
    precision: Numbers
    scores: Numbers


@dataclass(frozen=True, eq=False)
class VocResult:
    """What VOC's evaluation found.

    Attributes:
        curves: Class → its curve; classes without a thing that counts have none.
        average_precision: Class → its AP.
    """

    curves: dict[str, PrecisionRecall]
    average_precision: dict[str, float]

    @property
    def mean(self) -> float:
        """Mean AP of the classes that have one; NaN where none has."""
        return float(np.mean(list(self.average_precision.values()))) if self.average_precision else float("nan")


def voc(
    truth: BoxColumn,
    predictions: BoxColumn,
    *,
    iou: float = 0.5,
    points: Points = "all",
    pixels: PixelRule = "coco",
) -> VocResult:
    """Evaluates predicted boxes as Pascal VOC does: all of them, however low their scores are.

    From the best prediction on, each is held against the thing of its class and picture that it overlaps most. It is
    right if that overlap is at least `iou` and the thing was not found before; twice found is wrong. Difficult things
    and crowds count neither way.

    Args:
        truth: `Boxes`.
        predictions: `Boxes` with scores, for the same pictures and classes.
        iou: From which overlap on.
        points: `"all"`: the area under the curve. 11: the mean of the precision at the recalls 0, .1, … 1.
        pixels: `"coco"`: a box is x2 − x1 wide, which suits `ck.data.voc`, where x2 is behind the last pixel.
            `"voc"`: x2 − x1 + 1, for corners as VOC's files have them.

    Raises:
        DataError: Boxes that do not belong together, or predictions without scores.
        InputError: A setting out of its range.
    """
    check_arguments(ARGUMENTS, {"iou": iou, "points": points, "pixels": pixels})
    true, said = box_columns(truth, predictions)
    curves = {}
    for label, name in enumerate(true.names):
        things, found = np.flatnonzero(true.labels == label), np.flatnonzero(said.labels == label)
        passed_over = _flag(true.crowd, things) | _flag(true.difficult, things)
        positives = int((~passed_over).sum())
        if positives:
            scores = np.asarray(said.scores, np.float64)[found]
            order = np.argsort(-scores, kind="stable")
            hits, counted = _matched(true, said, things, found[order], passed_over, iou, pixels)
            curves[name] = _curve(hits[counted], scores[order][counted], positives)
    areas = {name: average_precision(curve.recall, curve.precision, points=points) for name, curve in curves.items()}
    return VocResult(curves, areas)


def average_precision(recall: ArrayLike, precision: ArrayLike, *, points: Points = "all") -> float:
    """The area under a precision–recall curve, whose precision is the best at each recall or beyond.

    Args:
        recall: (n,) rising, 0…1.
        precision: (n,) 0…1.
        points: `"all"` or 11, as in `voc`.

    Raises:
        DataError: Other shapes or values.
        InputError: Other points.

    >>> average_precision([0.5, 0.5, 1.0], [1.0, 0.5, 0.6666666666666666])
    0.8333333333333333
    """
    check_arguments(ARGUMENTS, {"points": points})
    recalls, precisions = array_of(recall), array_of(precision)
    for values in (recalls, precisions):
        if values.ndim != 1 or values.shape != recalls.shape or values.dtype.kind not in "biuf":
            received = f"{recalls.dtype} of shape {recalls.shape} and {precisions.dtype} of shape {precisions.shape}"
            raise DataError("recall and precision as two lists of one length", received, "One pair per prediction.")
    x, y = recalls.astype(np.float64), precisions.astype(np.float64)
    if not ((np.diff(x, prepend=0) >= 0).all() and (x <= 1).all() and ((y >= 0) & (y <= 1)).all()):
        raise DataError("recall that rises, both from 0 to 1", f"{x[:4]} and {y[:4]}", "From the best prediction on.")
    best = np.maximum.accumulate(y[::-1])[::-1]
    if points == "all":
        return float((np.diff(x, prepend=0) * best).sum())
    # Recalls are quotients: .3 is reached by 3 of 10, though 3 / 10 is less than 3 · .1.
    at = np.searchsorted(x, np.arange(11) / 10)
    return float(np.append(best, 0)[at].mean())


def _matched(
    true: BoxColumn,
    said: BoxColumn,
    things: NDArray[np.int64],
    found: NDArray[np.int64],
    passed_over: NDArray[np.bool_],
    iou: float,
    pixels: PixelRule,
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Of predictions in order: which are right, and which count."""
    best, overlap = np.full(len(found), -1), np.full(len(found), -1.0)
    for picture in np.unique(true.owners[things]):
        rows = np.flatnonzero(said.owners[found] == picture)
        columns = np.flatnonzero(true.owners[things] == picture)
        if len(rows):
            ious = box_iou(said.boxes[found[rows]], true.boxes[things[columns]], pixels=pixels)
            best[rows], overlap[rows] = columns[ious.argmax(axis=1)], ious.max(axis=1)
    near = overlap >= iou
    # The first one in order that comes near a thing finds it.
    hits = np.zeros(len(found), np.bool_)
    hits[np.flatnonzero(near)[np.unique(best[near], return_index=True)[1]]] = True
    skipped = near & passed_over[best]
    return hits & ~skipped, ~skipped


def _curve(hits: NDArray[np.bool_], scores: Numbers, positives: int) -> PrecisionRecall:
    right = np.cumsum(hits)
    return PrecisionRecall(right / positives, right / np.arange(1, len(hits) + 1), scores)


def _flag(values: NDArray[np.bool_] | None, rows: NDArray[np.int64]) -> NDArray[np.bool_]:
    return np.zeros(len(rows), np.bool_) if values is None else values[rows]
