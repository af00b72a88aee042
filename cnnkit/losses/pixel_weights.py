"""Weights of classes and of pixels, as `pixel_cross_entropy` takes them: rare classes and borders count more."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Literal

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import ndimage

from cnnkit.errors import DataError, unknown_name
from cnnkit.losses.given_numbers import at_least
from cnnkit.metrics.given_arrays import array_of
from cnnkit.metrics.label_maps import VOID

Balance = Literal["inverse", "square_root", "median_frequency"]

# From the pixels of each class that occurs, and the pixels of all classes in the pictures that show it, to its weight.
BALANCES: dict[Balance, Callable[[NDArray[np.float64], NDArray[np.float64]], NDArray[np.float64]]] = {
    "inverse": lambda pixels, around: pixels.sum() / (len(pixels) * pixels),
    "square_root": lambda pixels, around: np.sqrt(_median_frequency(pixels, around)),
    "median_frequency": lambda pixels, around: _median_frequency(pixels, around),
}


def balance_weights(counts: ArrayLike, *, by: Balance = "square_root") -> NDArray[np.float64]:
    """Weights of classes by their numbers of pixels; a class without any weighs as much as the rarest that has some.

    Args:
        counts: (classes,) pixels of each class, as `Masks.pixels` has them; or (n, classes) of each picture.
        by: `"inverse"`, Σ n / (classes · n_c), with which all classes weigh the same in total and a pixel 1 on average;
            `"median_frequency"`, median f / f_c (Eigen & Fergus 2015, arXiv:1411.4734), where f_c is the
            share of the class among the pixels of those pictures that show it: counts of each picture tell, else all
            count; `"square_root"`, the root of that, between it and equal weights.

    Returns:
        (classes,) weights above 0.

    Raises:
        DataError: Counts that are none, or no pixels at all.
        UnknownNameError: Another balance.

    >>> balance_weights([90, 9, 1], by="inverse").round(2).tolist()
    [0.37, 3.7, 33.33]
    >>> balance_weights([90, 9, 1], by="median_frequency").round(2).tolist()
    [0.1, 1.0, 9.0]
    >>> balance_weights([90, 9, 1]).round(2).tolist()
    [0.32, 1.0, 3.0]
    """
    if by not in BALANCES:
        raise unknown_name("a balance", str(by), BALANCES)
    table = array_of(counts)
    numbers = table.dtype.kind in "iuf" and table.ndim in (1, 2) and table.size
    if not numbers or not (np.isfinite(table) & (table >= 0)).all() or not table.any():  # type: ignore[operator]
        raise DataError(
            "(classes,) or (n, classes) numbers of pixels, one above 0",
            repr(counts)[:100],
            "photos.train.targets.pixels() has them.",
        )
    of_each = np.atleast_2d(table.astype(np.float64))
    pixels = of_each.sum(axis=0)
    around = ((of_each > 0) * of_each.sum(axis=1, keepdims=True)).sum(axis=0)
    shown = pixels > 0
    weights = BALANCES[by](pixels[shown], around[shown])
    balanced = np.full(len(pixels), weights.max())
    balanced[shown] = weights
    return balanced


def edge_weights(mask: ArrayLike, *, width: float = 5.0, strength: float = 10.0) -> NDArray[np.float32]:
    """1 + strength · exp(−d² / 2 width²), d the distance of a pixel from the nearest border between two classes.

    A pixel with another class to its left, right, above or below has d = 0. What is void (255) has weight 0; borders
    that it covers are taken to lie where the nearest known classes meet.

    Args:
        mask: (h, w) class indices, 255 for void.
        width: σ in pixels, above 0.
        strength: The additional weight at a border, at least 0.

    Returns:
        (h, w), for `pixel_weights` of `pixel_cross_entropy`.

    Raises:
        DataError: No label map.
        InputError: Another width or strength.

    >>> edge_weights([[0, 0, 0, 1]], width=1, strength=1).astype(float).round(2).tolist()
    [[1.14, 1.61, 2.0, 2.0]]
    """
    _check_shape(width, strength)
    labels = _whole_map(mask, "a label map (h, w), whole numbers from 0 to 255", highest=VOID).astype(np.uint8)
    void = labels == VOID
    if void.all():
        return np.zeros(labels.shape, np.float32)
    classes = _filled(labels, void) if void.any() else labels
    beside = np.zeros(labels.shape, bool)
    for view, here in ((classes, beside), (classes.T, beside.T)):
        change = view[1:] != view[:-1]
        here[1:] |= change
        here[:-1] |= change
    if not beside.any():
        return np.where(void, np.float32(0), np.float32(1))
    weights = 1 + strength * np.exp(-np.square(_distance(beside)) / (2 * width**2))
    return np.where(void, 0, weights).astype(np.float32)


def instance_edge_weights(instances: ArrayLike, *, width: float = 5.0, strength: float = 10.0) -> NDArray[np.float32]:
    """1 + w0 · exp(−(d1 + d2)² / 2σ²): narrow gaps between things count more (U-Net, Ronneberger et al. 2015, eq. 2).

    d1 and d2 are the distances of a pixel from the borders of the nearest and of the second nearest thing, each from
    centre to centre of the nearest pixel beyond the border, so at least 1. With class weights w_c of a mask,
    `w_c[mask] + instance_edge_weights(...) - 1` is the weight map of the paper (arXiv:1505.04597).

    Args:
        instances: (h, w) whole numbers: 0 for the ground, another number for each thing.
        width: σ in pixels, above 0; 5 in the paper.
        strength: w0, at least 0; 10 in the paper.

    Returns:
        (h, w), for `pixel_weights` of `pixel_cross_entropy`.

    Raises:
        DataError: No map of things.
        InputError: Another width or strength.

    >>> instance_edge_weights([[1, 0, 2]], width=2, strength=1).astype(float).round(2).tolist()
    [[1.32, 1.61, 1.32]]
    """
    _check_shape(width, strength)
    things = _whole_map(instances, "a map of things (h, w), whole numbers from 0 on")
    numbers = np.unique(things, return_inverse=True)[1].reshape(things.shape)
    numbers = numbers if (things == 0).any() else numbers + 1
    nearest, second = np.full((2, *things.shape), np.inf, np.float32)
    reach = math.ceil(6 * width)  # beyond, the weight differs from 1 by less than strength · e^−18
    for number, box in enumerate(ndimage.find_objects(numbers), start=1):
        around = tuple(slice(max(0, side.start - reach), side.stop + reach) for side in box)
        thing = numbers[around] == number
        if thing.all():
            continue  # no border
        distance = np.where(thing, _distance(~thing), _distance(thing))
        first = nearest[around]
        second[around] = np.minimum(second[around], np.maximum(first, distance))
        nearest[around] = np.minimum(first, distance)
    return np.asarray(1 + strength * np.exp(-np.square(nearest + second) / (2 * width**2)), np.float32)


def _median_frequency(pixels: NDArray[np.float64], around: NDArray[np.float64]) -> NDArray[np.float64]:
    frequencies = pixels / around
    return np.asarray(np.median(frequencies) / frequencies, np.float64)


def _distance(places: NDArray[np.bool_]) -> NDArray[np.float32]:
    """(h, w) the Euclidean distance from the centre of the nearest of some pixels."""
    return np.asarray(cv2.distanceTransform((~places).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE))


def _filled(labels: NDArray[np.uint8], void: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """(h, w) the classes, where void that of the nearest known pixel (by 5 × 5 steps, which are within 2 %)."""
    _, places = cv2.distanceTransformWithLabels(
        void.astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_5, labelType=cv2.DIST_LABEL_PIXEL
    )
    classes = np.zeros(int(places.max()) + 1, np.uint8)
    classes[places[~void]] = labels[~void]
    return np.asarray(classes[places])


def _whole_map(values: ArrayLike, expected: str, highest: float = math.inf) -> NDArray[np.int64]:
    array = array_of(values)
    if array.ndim != 2 or not array.size or array.dtype.kind not in "biu" or array.min() < 0 or array.max() > highest:
        received = f"{array.dtype} of shape {array.shape}"
        raise DataError(expected, received, "Give one map at a time, a number for each pixel.")
    return array.astype(np.int64)


def _check_shape(width: float, strength: float) -> None:
    at_least("width", width, 0, excluded=True)
    at_least("strength", strength, 0)
