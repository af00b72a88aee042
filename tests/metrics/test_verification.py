"""Verification against scikit-learn and slow definitions: every threshold tried, one pair at a time."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.interpolate import interp1d
from scipy.optimize import brentq
from sklearn.metrics import roc_curve

from cnnkit import metrics
from cnnkit.errors import DataError, InputError

RANDOM = np.random.default_rng(5)
SAME = RANDOM.random(400) < 0.3
# Rounded, so that many pairs are equally similar.
SIMILAR = np.round(RANDOM.normal(size=400) + 1.5 * SAME, 1)


def rates(threshold: float) -> tuple[float, float]:
    """False and true accept rate by definition."""
    accepted = np.greater_equal(SIMILAR, threshold)
    return accepted[~SAME].mean(), accepted[SAME].mean()


def test_the_curve_is_scikit_learns() -> None:
    false, true, thresholds = roc_curve(SAME, SIMILAR, drop_intermediate=False)
    curve = metrics.roc(SAME, SIMILAR)
    np.testing.assert_allclose(curve.false_accept_rate, false, rtol=1e-12)
    np.testing.assert_allclose(curve.true_accept_rate, true, rtol=1e-12)
    np.testing.assert_array_equal(curve.thresholds, thresholds)


def test_equal_errors_are_where_the_curve_crosses_the_diagonal() -> None:
    false, true, _ = roc_curve(SAME, SIMILAR)
    expected = brentq(lambda x: 1 - x - interp1d(false, true)(x), 0, 1, xtol=1e-14)
    assert metrics.equal_error_rate(SAME, SIMILAR) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize(
    ("similar", "expected"), [([0.1, 0.2, 0.8, 0.9], 0.0), ([0.9, 0.8, 0.2, 0.1], 1.0), ([1] * 4, 0.5)]
)
def test_equal_errors_of_no_error_of_only_errors_and_of_a_guess(similar: list[float], expected: float) -> None:
    assert metrics.equal_error_rate([0, 0, 1, 1], similar) == expected


@pytest.mark.parametrize("far", [0, 1e-3, 0.05, 0.5, 1])
def test_true_accepts_are_the_most_that_a_threshold_has(far: float) -> None:
    tried = (rates(threshold) for threshold in [*np.unique(SIMILAR), np.inf])
    expected = max(true for false, true in tried if false <= far)
    assert metrics.true_accept_rate(SAME, SIMILAR, far=far) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("far", [0, 0.004, 0.05, 0.5])
def test_a_threshold_for_strangers_is_the_lowest_that_keeps_the_rate(far: float) -> None:
    strangers = SIMILAR[~SAME]
    threshold = metrics.accept_threshold(strangers, far=far)
    assert (strangers >= threshold).mean() <= far
    lower = strangers[strangers < threshold].max()
    assert (strangers >= lower).mean() > far


def test_pairs_of_one_kind_have_no_curve() -> None:
    with pytest.raises(DataError, match="pairs of two"):
        metrics.roc([1, 1], [0.1, 0.2])


@pytest.mark.parametrize("far", [-0.1, 1.1, True])
def test_a_rate_is_a_number_from_0_to_1(far: float) -> None:
    with pytest.raises(InputError, match="far"):
        metrics.true_accept_rate(SAME, SIMILAR, far=far)


def test_a_threshold_that_accepts_everyone_is_none() -> None:
    with pytest.raises(InputError, match="below 1"):
        metrics.accept_threshold([0.1, 0.2], far=1)
