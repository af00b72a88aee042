"""How good decisions and probabilities are: accuracy with its interval, confusion, ROC AUC, Brier loss, calibration."""

from __future__ import annotations

import math
from dataclasses import dataclass
from numbers import Real
from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cnnkit.errors import DataError, InputError
from cnnkit.metrics.given_arrays import binary_scores, pair_of, probabilities_of, whole, whole_number


def accuracy_score(labels: ArrayLike, decisions: ArrayLike) -> float:
    """The share of decisions that equal their label, 0…1.

    Args:
        labels: (n,) the true classes.
        decisions: (n,) the decided ones.

    Raises:
        DataError: Different shapes, or nothing to compare.

    >>> accuracy_score([0, 1, 1, 0], [0, 1, 0, 0])
    0.75
    """
    truth, decided = pair_of(labels, decisions)
    if (truth.dtype.kind in "biuf") != (decided.dtype.kind in "biuf"):
        raise DataError(
            "labels and decisions of one kind, names or numbers",
            f"{truth.dtype} and {decided.dtype}",
            "np.array(classes)[labels] turns class indices into names.",
        )
    return float((truth == decided).mean())


def wilson_interval(correct: int, count: int, *, confidence: float = 0.95) -> tuple[float, float]:
    """Between which accuracies the true one lies, after `correct` of `count` independent examples.

    Unlike the normal approximation it stays within 0…1 and is right near the ends and for few examples (Wilson
    1927; method 3 of Newcombe 1998, "Two-sided confidence intervals for the single proportion", Stat. Med. 17).

    Args:
        correct: Right decisions.
        count: All decisions, at least 1.
        confidence: How often such an interval holds the true accuracy.

    Returns:
        (lowest, highest), each 0…1.

    Raises:
        InputError: Not 0 <= correct <= count, no examples, or a confidence outside 0…1.

    >>> [round(end, 4) for end in wilson_interval(81, 263)]
    [0.2553, 0.3662]
    """
    numbers = all(isinstance(value, Real) for value in (correct, count, confidence))
    if not (numbers and count >= 1 and 0 <= correct <= count and 0 < confidence < 1):
        raise InputError(
            "0 <= correct <= count, count >= 1 and 0 < confidence < 1",
            f"correct={correct}, count={count}, confidence={confidence}",
            "Count right decisions among all decisions.",
        )
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    share = correct / count
    middle = share + z * z / (2 * count)
    half = z * math.sqrt(share * (1 - share) / count + (z / (2 * count)) ** 2)
    whole = 1 + z * z / count
    return max(0.0, (middle - half) / whole), min(1.0, (middle + half) / whole)


def confusion(labels: ArrayLike, decisions: ArrayLike, *, classes: int = 2) -> NDArray[np.int64]:
    """How often each class was taken for each.

    Args:
        labels: (n,) integers 0…classes - 1, or booleans: the truth.
        decisions: (n,) the same: what was decided.
        classes: How many there are.

    Returns:
        (classes, classes): row the true class, column the decided one.

    Raises:
        DataError: Different shapes, nothing to compare, or a class that does not exist.

    >>> confusion([0, 0, 1, 1, 1], [0, 1, 1, 1, 0])
    array([[1, 1],
           [1, 2]])
    """
    whole_number("classes", classes)
    truth, decided = (whole(array) for array in pair_of(labels, decisions))
    if min(truth.min(), decided.min()) < 0 or max(truth.max(), decided.max()) >= classes:
        raise DataError(
            f"classes from 0 to {classes - 1}",
            f"{min(truth.min(), decided.min())} to {max(truth.max(), decided.max())}",
            "Number the classes from 0, or say how many there are.",
        )
    return np.bincount(truth * classes + decided, minlength=classes * classes).reshape(classes, classes)


def roc_auc_score(labels: ArrayLike, scores: ArrayLike) -> float:
    """How often a positive example scores higher than a negative one, ties counting half: the area under the ROC.

    Counted exactly, as the Mann-Whitney statistic over the number of pairs (Hanley & McNeil 1982).

    Args:
        labels: (n,) 0 and 1, or booleans.
        scores: (n,) any finite numbers.

    Returns:
        0…1; 0.5 is guessing.

    Raises:
        DataError: Different shapes, a score that is not finite, or one class only.

    >>> roc_auc_score([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8])
    0.75
    """
    positive, values = binary_scores(labels, scores)
    positives = int(positive.sum())
    negatives = len(positive) - positives
    if not positives or not negatives:
        raise DataError("examples of both classes", f"{positives} positive of {len(positive)}", "AUC compares pairs.")
    _, place, sizes = np.unique(values, return_inverse=True, return_counts=True)
    # Twice the number of (negative, positive) pairs that are in order, ties once: integers, so exact.
    below = np.concatenate([[0], np.cumsum(np.bincount(place, weights=~positive, minlength=len(sizes)))])
    twice = below[place[positive]].sum() + below[place[positive] + 1].sum()
    return float(twice / (2 * positives * negatives))


def brier_loss(labels: ArrayLike, probabilities: ArrayLike) -> float:
    """The mean squared distance between the probability of class 1 and what was so, 0…1 (Brier 1950).

    Args:
        labels: (n,) 0 and 1, or booleans.
        probabilities: (n,) of class 1, each 0…1.

    Raises:
        DataError: Different shapes, or a probability outside 0…1.

    >>> brier_loss([1, 0], [0.5, 0.0])
    0.125
    """
    truth, values = probabilities_of(labels, probabilities)
    return float(((values - truth) ** 2).mean())


@dataclass(frozen=True, eq=False)
class Calibration:
    """Whether of all that was called 80 % likely, 80 % was so: a bin of probabilities a row; empty bins are absent.

    Attributes:
        counts: (bins,) examples.
        confidence: (bins,) their mean probability.
        frequency: (bins,) the share of them that is of class 1.
    """

    counts: NDArray[np.int64]
    confidence: NDArray[np.float64]
    frequency: NDArray[np.float64]

    @property
    def expected_error(self) -> float:
        """The expected calibration error, 0…1: the mean distance of confidence and frequency, weighed by examples."""
        return float((self.counts * np.abs(self.confidence - self.frequency)).sum() / self.counts.sum())


def calibration(labels: ArrayLike, probabilities: ArrayLike, *, bins: int = 15) -> Calibration:
    """Confidence against frequency in bins of equal width (Naeini et al. 2015; Guo et al. 2017, arXiv:1706.04599).

    Args:
        labels: (n,) 0 and 1, or booleans.
        probabilities: (n,) of class 1, each 0…1.
        bins: How many; each holds its lower end, the last also 1.

    Raises:
        DataError: Different shapes, or a probability outside 0…1.
        InputError: No bins.

    >>> calibration([0, 1, 1, 1], [0.25, 0.25, 0.75, 0.75], bins=2).expected_error
    0.25
    """
    whole_number("bins", bins)
    truth, values = probabilities_of(labels, probabilities)
    place = np.minimum((values * bins).astype(np.int64), bins - 1)
    counts = np.bincount(place, minlength=bins)
    used = counts > 0
    confidence = np.bincount(place, weights=values, minlength=bins)[used] / counts[used]
    frequency = np.bincount(place, weights=truth, minlength=bins)[used] / counts[used]
    return Calibration(counts[used], confidence, frequency)
