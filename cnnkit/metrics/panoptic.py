"""Panoptic quality: every pixel has a class, and every thing is told from the other things of its class."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cnnkit.errors import DataError, InputError, unknown_name
from cnnkit.metrics.given_arrays import array_of
from cnnkit.metrics.label_maps import VOID

# Two segments that overlap by more than this cannot both overlap a third by more: matches are unique.
MATCH = 0.5
# Instances of a class in one picture; more would run into the next class.
INSTANCES = 2**32

Segments = NDArray[np.int64]


def panoptic_quality(
    true: Sequence[ArrayLike], predicted: Sequence[ArrayLike], names: Sequence[str], *, things: Sequence[str]
) -> dict[str, float]:
    """Kirillov et al., "Panoptic segmentation", CVPR 2019, arXiv:1801.00868, section 4.

    A segment is all pixels of one class and, of things, of one instance in a picture. A true and a predicted segment of
    one class match where their IoU is above one half. For each class the panoptic quality is the sum of the IoUs of the
    matches, over all pictures, divided by the matches + ½ of the predicted segments without a match + ½ of the true
    ones: the mean IoU of the matches ("segmentation quality") times an F1 score ("recognition quality"). True pixels
    that are void (255) do not count, nor does a predicted segment that is mostly on them. Give crowds as void.

    Args:
        true: One picture after the other, each (h, w, 2) whole numbers: the class of each pixel, as a place in
            `names`, or 255; and the number of its instance from 0 on, which is only read where the class is a thing.
        predicted: The same pictures; a pixel may be void too.
        names: All classes.
        things: Which of them are counted one by one; the others are "stuff": one segment per picture.

    Returns:
        `pq`, `sq` and `rq`, means over the classes that occur; `pq_things` and `pq_stuff`, over those of a kind; and
        `pq/NAME` of each class that occurs. What has no class is NaN.

    Raises:
        InputError: Names that are no list of texts.
        DataError: No pictures, another number of predictions, another shape, a class that does not exist, or a
            thing's instance below 0.
        UnknownNameError: A thing that is no class.

    >>> truth = np.array([[[0, 0], [0, 0], [1, 1], [1, 2]]])  # two pixels of floor, two balls of one pixel
    >>> said = np.array([[[0, 0], [0, 0], [1, 1], [1, 1]]])  # the balls are taken for one
    >>> panoptic_quality([truth], [said], ["floor", "ball"], things=["ball"])["pq/ball"]
    0.0
    """
    for texts in (names, things):
        if not isinstance(texts, list | tuple) or not all(isinstance(name, str) for name in texts):
            raise InputError("a list of class names", repr(texts)[:80], 'For example ["sky", "person"].')
    for name in things:
        if name not in names:
            raise unknown_name("a class", name, names)
    many = [isinstance(maps, list | tuple | np.ndarray) for maps in (true, predicted)]
    if not all(many) or len(true) != len(predicted) or not len(true):
        received = f"{len(true)} and {len(predicted)}" if all(many) else f"{type(true)} and {type(predicted)}"
        raise DataError("as many predictions as true pictures, at least one", received, "Give one per picture.")
    countable = np.array([name in things for name in names])
    overlaps = np.zeros(len(names))
    matches, wrong, missed = (np.zeros(len(names), np.int64) for _ in range(3))
    for pair in zip(true, predicted, strict=True):
        truth, said = (_segments(picture, countable) for picture in pair)
        if truth.shape != said.shape:
            received = f"shapes {truth.shape} and {said.shape}"
            raise DataError("maps of one shape", received, "Bring predictions to the size of the truth.")
        _count(truth, said, overlaps, matches, wrong, missed)
    return _scores(overlaps, matches, wrong, missed, names, countable)


def _segments(picture: ArrayLike, countable: NDArray[np.bool_]) -> Segments:
    """(h, w) one number per segment, class · INSTANCES + instance; −1 where the class is void."""
    maps = array_of(picture)
    if maps.ndim != 3 or maps.shape[2] != 2 or maps.dtype.kind not in "iu" or not maps.size:
        received = f"{maps.dtype} of shape {maps.shape}"
        raise DataError(
            "whole numbers (h, w, 2), class and instance", received, "np.stack([classes, instances], axis=-1)."
        )
    classes, instances = maps[..., 0].astype(np.int64), maps[..., 1].astype(np.int64)
    known = classes != VOID
    bad = known & ((classes < 0) | (classes >= len(countable)))
    if bad.any():
        raise DataError(
            f"classes from 0 to {len(countable) - 1}, or {VOID} for void",
            f"{np.unique(classes[bad])[:5].tolist()} among them",
            "A class is the place of its name.",
        )
    single = known & countable[np.where(known, classes, 0)]
    if (strange := single & ((instances < 0) | (instances >= INSTANCES))).any():
        received = f"{np.unique(instances[strange])[:5].tolist()} among them"
        raise DataError(f"instances of things from 0, below {INSTANCES}", received, "Number them from 0.")
    return np.where(known, classes * INSTANCES + np.where(single, instances, 0), -1)


def _count(
    truth: Segments,
    said: Segments,
    overlaps: NDArray[np.float64],
    matches: NDArray[np.int64],
    wrong: NDArray[np.int64],
    missed: NDArray[np.int64],
) -> None:
    """Adds the matches of one picture to the sums of each class."""
    (true_keys, rows), (said_keys, columns) = (np.unique(keys, return_inverse=True) for keys in (truth, said))
    shape = (len(true_keys), len(said_keys))
    both = np.bincount(rows.ravel() * shape[1] + columns.ravel(), minlength=shape[0] * shape[1]).reshape(shape)
    void = both[true_keys == -1].sum(axis=0)  # pixels of each predicted segment that lie on void
    areas = both.sum(axis=0)
    union = both.sum(axis=1)[:, None] + (areas - void)[None] - both
    same = (true_keys[:, None] // INSTANCES == said_keys[None] // INSTANCES) & (true_keys[:, None] >= 0)
    iou = np.where(same, both / np.maximum(union, 1), 0.0)
    match = iou > MATCH
    row, column = np.nonzero(match)
    number = true_keys[row] // INSTANCES
    np.add.at(overlaps, number, iou[row, column])
    np.add.at(matches, number, 1)
    np.add.at(missed, true_keys[(true_keys >= 0) & ~match.any(axis=1)] // INSTANCES, 1)
    alone = (said_keys >= 0) & ~match.any(axis=0) & (void <= MATCH * areas)
    np.add.at(wrong, said_keys[alone] // INSTANCES, 1)


def _scores(
    overlaps: NDArray[np.float64],
    matches: NDArray[np.int64],
    wrong: NDArray[np.int64],
    missed: NDArray[np.int64],
    names: Sequence[str],
    countable: NDArray[np.bool_],
) -> dict[str, float]:
    segments = matches + (wrong + missed) / 2
    occurs = segments > 0
    recognition = np.divide(matches, segments, out=np.full(len(names), np.nan), where=occurs)
    segmentation = np.divide(overlaps, matches, out=np.zeros(len(names)), where=matches > 0)
    quality = segmentation * recognition

    def mean(values: NDArray[np.float64], chosen: NDArray[np.bool_]) -> float:
        return float(values[chosen].mean()) if chosen.any() else float("nan")

    return {
        "pq": mean(quality, occurs),
        "sq": mean(segmentation, occurs),
        "rq": mean(recognition, occurs),
        "pq_things": mean(quality, occurs & countable),
        "pq_stuff": mean(quality, occurs & ~countable),
    } | {f"pq/{names[number]}": float(quality[number]) for number in np.flatnonzero(occurs).tolist()}
