"""What predictions are worth against the secret labels: tier 1, which needs no network and no TensorFlow."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cnnkit.metrics.classification import brier_loss, calibration, confusion, roc_auc_score, wilson_interval

DECIMALS = 6
"""Digits of the numbers that no grade depends on: their last ones differ between processors."""


@dataclass(frozen=True)
class Score:
    """How good a submission's predictions are; the grade is made of `correct` alone.

    Attributes:
        true_negatives: Rows that are not of the class and were not said to be.
        false_positives: Rows that are not, and were said to be.
        false_negatives: Rows that are, and were not said to be.
        true_positives: Rows that are, and were said to be.
        auc: Area under the ROC, 0…1.
        brier: Brier loss, 0…1, lower is better.
        calibration_error: Expected calibration error in 15 bins, 0…1, lower is better.
        public_rows: Rows whose accuracy students may see before the grades are out.
        public_correct: How many of those are right.
    """

    true_negatives: int
    false_positives: int
    false_negatives: int
    true_positives: int
    auc: float
    brier: float
    calibration_error: float
    public_rows: int
    public_correct: int

    @property
    def rows(self) -> int:
        """All rows."""
        return self.true_negatives + self.false_positives + self.false_negatives + self.true_positives

    @property
    def correct(self) -> int:
        """Rows that were decided right: what passing and rank are computed from."""
        return self.true_negatives + self.true_positives

    @property
    def accuracy(self) -> float:
        """Correct rows over all, 0…1, for people."""
        return self.correct / self.rows

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson's 95 % interval of the accuracy."""
        return wilson_interval(self.correct, self.rows)


def score(
    probabilities: NDArray[np.float32], truth: NDArray[np.bool_], public: NDArray[np.bool_], *, threshold: float
) -> Score:
    """Scores predictions.

    Args:
        probabilities: (n,) of the assignment's class, each 0…1.
        truth: (n,) whether each row is of that class.
        public: (n,) which rows are public.
        threshold: A probability of at least this decides for the class; compared in double precision.

    Raises:
        DataError: Different numbers of rows, probabilities outside 0…1, or labels of one class only.
    """
    values = probabilities.astype(np.float64)
    decisions = values >= threshold
    (tn, fp), (fn, tp) = confusion(truth, decisions).tolist()
    return Score(
        true_negatives=tn,
        false_positives=fp,
        false_negatives=fn,
        true_positives=tp,
        auc=round(roc_auc_score(truth, values), DECIMALS),
        brier=round(brier_loss(truth, values), DECIMALS),
        calibration_error=round(calibration(truth, values).expected_error, DECIMALS),
        public_rows=int(public.sum()),
        public_correct=int((decisions == truth)[public].sum()),
    )
