"""How far predicted points are from the true ones: PCK, of the box or of the torso, and COCO's keypoint similarity.

Average precision of people found by their points is `ck.metrics.coco(truth, predictions, kind="points")`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, Protocol, get_args, runtime_checkable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cnnkit.errors import DataError, InputError, unknown_name
from cnnkit.metrics.coco_things import sigmas_of
from cnnkit.metrics.given_arrays import real

Numbers = NDArray[np.float64]
Scale = Literal["box", "torso"]

# The diagonal of the trunk (Sapp and Taskar, "MODEC", CVPR 2013, section 5).
TORSO = ("left_shoulder", "right_hip")


@runtime_checkable
class PointColumn(Protocol):
    """What the metrics know of `Points`, the truth of a dataset and what a network predicts."""

    @property
    def names(self) -> tuple[str, ...]:
        """Of the k points."""

    @property
    def values(self) -> Numbers:
        """(n, k, 2) x and y."""

    @property
    def shown(self) -> NDArray[np.uint8]:
        """(n, k) 0 where a point is absent."""

    @property
    def areas(self) -> Numbers | None:
        """(n,) of what has the points."""


def point_errors(truth: Any, predictions: Any, *, scale: Scale = "torso") -> Numbers:
    """The distance of each predicted point from the true one, as a share of the size of the body.

    Args:
        truth: `Points`.
        predictions: `Points` of the same examples.
        scale: `"box"`: the longer side of the box around the points that the truth shows (Yang and Ramanan,
            "Articulated Human Detection with Flexible Mixtures of Parts", TPAMI 2013, section 6.2); `"torso"`: from the
            left shoulder to the right hip (Sapp and Taskar, CVPR 2013).

    Returns:
        (n, k), NaN where the truth does not show the point or the scale is not known or 0. A predicted point that is
        absent is infinitely far off.

    Raises:
        DataError: Other columns, or points without a torso.
        UnknownNameError: Another scale.
    """
    truth, predictions = point_columns(truth, predictions)
    if scale not in get_args(Scale):
        raise unknown_name("a scale", str(scale), get_args(Scale))
    known = truth.shown > 0
    if scale == "box":
        sizes = _sides(truth).max(axis=1)
    else:
        if missing := [name for name in TORSO if name not in truth.names]:
            raise DataError(f"points called {' and '.join(TORSO)}", f"none called {missing[0]}", 'Take scale="box".')
        ends = [truth.names.index(name) for name in TORSO]
        trunks = np.linalg.norm(truth.values[:, ends[0]] - truth.values[:, ends[1]], axis=1)
        sizes = np.where(known[:, ends].all(axis=1), trunks, 0)
    distances = np.linalg.norm(predictions.values - truth.values, axis=2)
    distances[predictions.shown == 0] = np.inf
    counted = known & (sizes > 0)[:, None]
    return np.where(counted, distances / np.where(sizes > 0, sizes, 1)[:, None], np.nan)


def pck(truth: Any, predictions: Any, *, scale: Scale = "torso", threshold: float = 0.2) -> float:
    """The percentage of correct keypoints, as a share: points that are no further off than a part of the body's size.

    A threshold of .2 of the box says little: the mean pose of people in their boxes reaches .87 on drawn scenes.

    Args:
        truth: `Points`.
        predictions: `Points` of the same examples.
        scale: As in `point_errors`.
        threshold: The part of it, above 0.

    Returns:
        0…1 of all points that the truth shows, NaN of none. For each point alone it is
        `np.nanmean(np.where(np.isnan(errors), np.nan, errors <= threshold), axis=0)` of `point_errors`.

    Raises:
        DataError: As of `point_errors`.
        UnknownNameError: Another scale.
        InputError: A threshold that is none.
    """
    if not real(threshold, 0) or not threshold:
        raise InputError("a threshold above 0", repr(threshold), "0.2 of the torso is the usual one.")
    errors = point_errors(truth, predictions, scale=scale)
    counted = ~np.isnan(errors)
    return float((errors[counted] <= threshold).mean()) if counted.any() else float("nan")


def oks(truth: Any, predictions: Any, *, sigmas: ArrayLike | None = None) -> Numbers:
    """COCO's object keypoint similarity: the mean of exp(−d² / (2 s² (2σ)²)) over the points that the truth shows.

    s² is the area of what has the points, `areas` of the truth; where it is not known, of the box around them. A
    predicted point that is absent counts 0.

    Args:
        truth: `Points`.
        predictions: `Points` of the same examples.
        sigmas: (k,) how far people who mark a point disagree, as a share of s. None takes COCO's for the 17 points of
            its person, and their mean for the points of anything else, for which none are known (cocoapi#264).

    Returns:
        (n,) 0…1, NaN where the truth shows no point, or where its area is not known and the box has none: of one point
        alone, or of points on an upright or level line.

    Raises:
        DataError: Other columns, or sigmas that are not k numbers above 0.
    """
    truth, predictions = point_columns(truth, predictions)
    variances = (2 * sigmas_of(sigmas, len(truth.names))) ** 2
    areas = _sides(truth).prod(axis=1) if truth.areas is None else truth.areas
    squares = ((predictions.values - truth.values) ** 2).sum(axis=2)
    likeness = np.exp(-squares / variances / (areas[:, None] + np.spacing(1)) / 2) * (predictions.shown > 0)
    known = truth.shown > 0
    counts = known.sum(axis=1)
    similarity = (likeness * known).sum(axis=1) / np.maximum(counts, 1)
    measured = counts > 0 if truth.areas is not None else areas > 0
    return np.where(measured, similarity, np.nan)


def point_columns(truth: object, predictions: object) -> tuple[PointColumn, PointColumn]:
    """Two columns of points for the same examples.

    Raises:
        DataError: They are none, or differ in names or number.
    """
    if (
        isinstance(truth, PointColumn)
        and isinstance(predictions, PointColumn)
        and truth.names == predictions.names
        and truth.values.shape == predictions.values.shape
    ):
        return truth, predictions
    received = [
        f"{len(points.values)} × {list(points.names)}" if isinstance(points, PointColumn) else type(points).__name__
        for points in (truth, predictions)
    ]
    raise DataError(
        "points of a truth and predicted points, for the same examples, with the same names",
        " and ".join(received)[:300],
        "Give what a head decodes for the pictures of this truth.",
    )


def _sides(truth: PointColumn) -> Numbers:
    """(n, 2) width and height of the box around the points that are shown, 0 where none is."""
    known = (truth.shown > 0)[..., None]
    low = np.where(known, truth.values, np.inf).min(axis=1, initial=np.inf)
    high = np.where(known, truth.values, -np.inf).max(axis=1, initial=-np.inf)
    any_known = known.any(axis=1)
    return np.where(any_known, np.where(any_known, high, 0) - np.where(any_known, low, 0), 0)


def shares_within(errors: Numbers, thresholds: Sequence[float] | Numbers) -> Numbers:
    """(thresholds, k) of each point the share that is no further off, NaN of a point that is never counted.

    Args:
        errors: (n, k) as `point_errors` gives them.
        thresholds: Parts of the size of the body.
    """
    counts = (~np.isnan(errors)).sum(axis=0)
    within = (errors[None] <= np.asarray(thresholds, np.float64)[:, None, None]).sum(axis=1)
    return np.where(counts > 0, within / np.maximum(counts, 1), np.nan)
