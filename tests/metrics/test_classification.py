"""Metrics against scikit-learn, published values and slow definitions."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from cnnkit.errors import DataError, InputError
from cnnkit.metrics.classification import (
    accuracy_score,
    brier_loss,
    calibration,
    confusion,
    roc_auc_score,
    wilson_interval,
)

# Newcombe 1998, Statistics in Medicine 17, 857-872, Table I, method 3 ("score").
NEWCOMBE = [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)]


@pytest.mark.parametrize(("correct", "count", "low", "high"), NEWCOMBE)
def test_wilson_intervals_of_newcombe(correct: int, count: int, low: float, high: float) -> None:
    assert wilson_interval(correct, count) == pytest.approx((low, high), abs=5.1e-5)


def test_a_wilson_interval_stays_within_zero_and_one_and_grows_with_confidence() -> None:
    assert wilson_interval(5, 5)[1] == pytest.approx(1.0)
    assert wilson_interval(0, 5)[0] == pytest.approx(0.0)
    assert all(0 <= end <= 1 for count in range(1, 50) for hit in (0, count) for end in wilson_interval(hit, count))
    narrow, wide = wilson_interval(7, 9, confidence=0.5), wilson_interval(7, 9, confidence=0.99)
    assert wide[0] < narrow[0] < 7 / 9 < narrow[1] < wide[1]


@pytest.mark.parametrize("values", [(-1, 5, 0.95), (6, 5, 0.95), (0, 0, 0.95), (1, 2, 1.0)])
def test_intervals_of_nothing_are_refused(values: tuple[int, int, float]) -> None:
    with pytest.raises(InputError, match="correct"):
        wilson_interval(values[0], values[1], confidence=values[2])


@pytest.fixture(params=[0, 1, 2])
def predictions(request: pytest.FixtureRequest) -> tuple[np.ndarray, np.ndarray]:
    """Labels and probabilities with many ties."""
    generator = np.random.default_rng(request.param)
    labels = generator.integers(0, 2, 500)
    scores = np.clip(labels * 0.3 + generator.normal(0.35, 0.25, 500), 0, 1)
    return labels, scores.round(request.param + 1)


def test_scikit_learn_agrees(predictions: tuple[np.ndarray, np.ndarray]) -> None:
    reference = pytest.importorskip("sklearn.metrics")
    labels, scores = predictions
    decisions = scores >= 0.5
    assert accuracy_score(labels, decisions) == reference.accuracy_score(labels, decisions)
    assert confusion(labels, decisions).tolist() == reference.confusion_matrix(labels, decisions).tolist()
    assert roc_auc_score(labels, scores) == pytest.approx(reference.roc_auc_score(labels, scores), abs=1e-12)
    assert brier_loss(labels, scores) == pytest.approx(reference.brier_score_loss(labels, scores), abs=1e-12)


def test_auc_is_the_share_of_pairs_in_order(predictions: tuple[np.ndarray, np.ndarray]) -> None:
    labels, scores = (array[:60] for array in predictions)
    pairs = list(itertools.product(scores[labels == 0], scores[labels == 1]))
    slow = sum(1.0 if low < high else 0.5 if low == high else 0.0 for low, high in pairs) / len(pairs)
    assert roc_auc_score(labels, scores) == slow


def test_calibration_error_by_hand() -> None:
    # Bins of a half: three examples with mean 0.2 and one of class 1, two with mean 0.9 and both of class 1.
    found = calibration([0, 0, 1, 1, 1], [0.1, 0.2, 0.3, 0.8, 1.0], bins=2)
    assert found.counts.tolist() == [3, 2]
    assert found.confidence == pytest.approx([0.2, 0.9])
    assert found.frequency == pytest.approx([1 / 3, 1.0])
    assert found.expected_error == pytest.approx((3 * (1 / 3 - 0.2) + 2 * 0.1) / 5)


def test_calibration_leaves_out_empty_bins_and_is_zero_where_it_is_perfect() -> None:
    found = calibration([0, 0, 0, 1], [0.25] * 4)
    assert (found.counts.tolist(), found.expected_error) == ([4], 0.0)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: accuracy_score([0, 1], [0]), "shapes"),
        (lambda: accuracy_score([], []), "at least one"),
        (lambda: confusion([0, 2], [0, 1]), "0 to 1"),
        (lambda: confusion([0, 1], [-1, 1]), "-1 to 1"),
        (lambda: roc_auc_score([1, 1], [0.1, 0.2]), "both classes"),
        (lambda: roc_auc_score([0, 1], [0.1, np.nan]), "finite"),
        (lambda: brier_loss([0, 1], [0.1, np.nan]), "0 to 1"),
        (lambda: calibration([0, 1], [0.1, 1.1]), "0 to 1"),
    ],
)
def test_what_cannot_be_measured_is_refused(call, message: str) -> None:
    with pytest.raises(DataError, match=message):
        call()


def test_no_bins_are_refused() -> None:
    with pytest.raises(InputError, match="bin"):
        calibration([0, 1], [0, 1], bins=0)
