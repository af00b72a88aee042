"""The arrays that a caller gives, checked: what is compared, what is a class, what is a probability."""

from __future__ import annotations

from numbers import Integral, Real

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cnnkit.errors import DataError, InputError


def pair_of(labels: ArrayLike, others: ArrayLike) -> tuple[NDArray[np.generic], NDArray[np.generic]]:
    """Labels and what is held against them, as arrays.

    Raises:
        DataError: They differ in length, have more than one dimension, or there are none.
    """
    truth, values = array_of(labels), array_of(others)
    if truth.shape != values.shape or truth.ndim != 1 or not len(truth):
        raise DataError(
            "as many labels as predictions, in one dimension, at least one",
            f"shapes {truth.shape} and {values.shape}",
            "Give one value an example, in the same order.",
        )
    return truth, values


def flags_of(labels: NDArray[np.generic]) -> NDArray[np.bool_]:
    """Labels of two classes as booleans.

    Raises:
        DataError: There are others than 0 and 1.
    """
    if labels.dtype.kind not in "biuf" or not np.isin(labels, (0, 1)).all():
        received = f"{str(labels.ravel()[:3].tolist())[1:-1]} …"
        raise DataError("0 and 1, or booleans", received, "Of more classes, ask for one: labels == 2.")
    return labels.astype(bool)


def binary_scores(labels: ArrayLike, scores: ArrayLike) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    """Labels of two classes, and a finite score for each.

    Raises:
        DataError: As `pair_of` and `flags_of`, or a score is no finite number.
    """
    truth, values = pair_of(labels, scores)
    if values.dtype.kind not in "biuf" or not np.isfinite(values).all():
        raise DataError(
            "finite scores", "others among them", "NaN and infinity come from a network that did not converge."
        )
    return flags_of(truth), values.astype(np.float64)


def array_of(values: ArrayLike) -> NDArray[np.generic]:
    """Values as an array.

    Raises:
        DataError: Rows of unequal lengths.
    """
    try:
        return np.asarray(values)
    except ValueError as error:
        raise DataError("rows of one length", type(values).__name__, "Give an array, or a list of numbers.") from error


def whole_number(name: str, value: object) -> None:
    """Refuses what is no whole number of at least 1.

    Raises:
        InputError: It is not.
    """
    if not isinstance(value, Integral) or isinstance(value, bool) or value < 1:
        raise InputError(f"{name} as a whole number of at least 1", repr(value), "The default suits most.")


def whole(array: NDArray[np.generic]) -> NDArray[np.int64]:
    """Class indices.

    Raises:
        DataError: Fractions or names.
    """
    if array.dtype.kind not in "biu":
        raise DataError(
            "class indices, whole numbers", f"{array.dtype}", "names become indices by classes.index(name)."
        )
    return array.astype(np.int64)


def probabilities_of(labels: ArrayLike, probabilities: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Labels of two classes, and a probability for each.

    Raises:
        DataError: As `pair_of` and `flags_of`, or one is not from 0 to 1.
    """
    truth, values = pair_of(labels, probabilities)
    if values.dtype.kind not in "biuf" or not ((values >= 0) & (values <= 1)).all():  # type: ignore[operator]
        raise DataError("probabilities from 0 to 1", "others among them", "Give the sigmoid's output, not its logit.")
    return flags_of(truth).astype(np.float64), values.astype(np.float64)


def real(value: object, least: float = -np.inf, most: float = np.inf) -> bool:
    """Whether a value is a finite number in a range; True and False are none."""
    number = isinstance(value, Real) and not isinstance(value, bool)
    return number and bool(np.isfinite(float(value))) and least <= float(value) <= most  # type: ignore[arg-type]
