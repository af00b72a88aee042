"""What COCO's evaluation compares: things of pictures, each of a category, with an area and a form that overlaps."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cnnkit.errors import DataError
from cnnkit.metrics.run_lengths import Runs, shared_pixels

Numbers = NDArray[np.float64]
Integers = NDArray[np.int64]
Kind = Literal["boxes", "masks", "points"]

# How far the people who marked COCO's 17 points of a person disagree, as a share of the thing's scale (its `sigmas`).
PERSON_SIGMAS = (
    np.array([0.26, 0.25, 0.25, 0.35, 0.35, 0.79, 0.79, 0.72, 0.72, 0.62, 0.62, 1.07, 1.07, 0.87, 0.87, 0.89, 0.89])
    / 10.0
)


@dataclass(frozen=True, eq=False)
class Things:
    """The things of a truth, or those that a network predicts, in flat arrays.

    Attributes:
        pictures: (m,) the index of the picture of each.
        categories: (m,) the index of its category.
        areas: (m,) in pixels, which decide whether it is small, medium or large.
        boxes: (m, 4) x, y, width, height.
        scores: (m,) of predictions; zeros of truth.
        crowd: (m,) around many things; any number of predictions may match it.
        ignored: (m,) whose match counts neither as right nor as wrong; all crowds are.
        runs: m areas of pixels; () of boxes and points.
        points: (m, k, 3) x, y, visibility; (m, 0, 3) of boxes and masks.
    """

    pictures: Integers
    categories: Integers
    areas: Numbers
    boxes: Numbers
    scores: Numbers
    crowd: NDArray[np.bool_]
    ignored: NDArray[np.bool_]
    runs: tuple[Runs, ...] = ()
    points: Numbers | None = None


def of_one_category(things: Things) -> Things:
    """All in category 0: category by category, since of equal scores the first one counts as better in pycocotools."""
    order = np.argsort(things.categories, kind="stable")
    return Things(
        pictures=things.pictures[order],
        categories=np.zeros(len(order), np.int64),
        areas=things.areas[order],
        boxes=things.boxes[order],
        scores=things.scores[order],
        crowd=things.crowd[order],
        ignored=things.ignored[order],
        runs=tuple(things.runs[place] for place in order.tolist()) if things.runs else (),
        points=None if things.points is None else things.points[order],
    )


def box_overlap(truth: Things, said: Things, rows: Integers, columns: Integers) -> Numbers:
    """(p,) IoU of pairs of predictions `rows` and truth `columns`; of a crowd the share of the prediction in it."""
    one, two = said.boxes[rows].T, truth.boxes[columns].T
    width = np.minimum(one[2] + one[0], two[2] + two[0]) - np.maximum(one[0], two[0])
    height = np.minimum(one[3] + one[1], two[3] + two[1]) - np.maximum(one[1], two[1])
    shared = np.where((width > 0) & (height > 0), width * height, 0)
    own = one[2] * one[3]
    union = np.where(truth.crowd[columns], own, own + two[2] * two[3] - shared)
    return np.asarray(np.divide(shared, union, out=np.zeros(len(rows)), where=shared > 0))


def mask_overlap(truth: Things, said: Things, rows: Integers, columns: Integers) -> Numbers:
    """The same of masks."""
    sizes = [np.array([int((ends - starts).sum()) for starts, ends in things.runs]) for things in (truth, said)]
    shared = np.zeros(len(rows), np.int64)
    for column, pairs in _by_column(columns):
        shared[pairs] = shared_pixels([said.runs[row] for row in rows[pairs].tolist()], truth.runs[column])
    own = sizes[1][rows]
    union = np.where(truth.crowd[columns], own, own + sizes[0][columns] - shared)
    return np.divide(shared, union, out=np.zeros(len(rows)), where=shared > 0)


def sigmas_of(given: ArrayLike | None, count: int) -> Numbers:
    """(count,) the given sigmas; of None COCO's for the 17 points of its person, and their mean for any other points.

    Raises:
        DataError: Given ones that are not so many numbers above 0.
    """
    if given is None:
        return PERSON_SIGMAS if count == len(PERSON_SIGMAS) else np.full(count, PERSON_SIGMAS.mean())
    try:
        sigmas = np.asarray(given, np.float64)
    except (TypeError, ValueError):
        sigmas = np.zeros(0)
    if sigmas.shape != (count,) or not (np.isfinite(sigmas) & (sigmas > 0)).all():
        raise DataError(f"{count} sigmas above 0, one per point", repr(given)[:80], "0.05 is a twentieth of the size.")
    return sigmas


def point_overlap(truth: Things, said: Things, rows: Integers, columns: Integers, *, sigmas: Numbers) -> Numbers:
    """Object keypoint similarity: the mean of exp(−d² / (2 s² (2σ)²)) over the points that are marked, s² the area.

    Of a thing without a marked point, d is the distance from a box three times as large.
    """
    marked, predicted = truth.points, said.points
    similarity = np.zeros(len(rows))
    if marked is None or predicted is None:
        return similarity
    variances = (sigmas * 2) ** 2
    for column, pairs in _by_column(columns):
        known = marked[column, :, 2] > 0
        places = predicted[rows[pairs], :, :2]
        if known.any():
            distances = places - marked[column, :, :2]
        else:
            low, size = truth.boxes[column, :2], truth.boxes[column, 2:]
            outer = low - size, low + size * 2
            distances = np.maximum(0, outer[0] - places) + np.maximum(0, places - outer[1])
            known = np.ones_like(known)
        squares = distances[..., 0] ** 2 + distances[..., 1] ** 2
        errors = squares / variances / (truth.areas[column] + np.spacing(1)) / 2
        similarity[pairs] = np.ascontiguousarray(np.exp(-errors[:, known])).sum(axis=1) / known.sum()
    return similarity


Overlap = Callable[[Things, Things, Integers, Integers], Numbers]


def overlap_of(kind: Kind, truth: Things, sigmas: ArrayLike | None) -> Overlap:
    """How things of a kind overlap; `sigmas` are those of points.

    Raises:
        DataError: As of `sigmas_of`.
    """
    if truth.points is not None:
        return partial(point_overlap, sigmas=sigmas_of(sigmas, truth.points.shape[1]))
    return mask_overlap if kind == "masks" else box_overlap


def _by_column(columns: Integers) -> list[tuple[int, Integers]]:
    """Each truth with the pairs that it is in."""
    order = np.argsort(columns, kind="stable")
    values, starts = np.unique(columns[order], return_index=True)
    return list(zip(values.tolist(), np.split(order, starts[1:]), strict=True)) if len(values) else []
