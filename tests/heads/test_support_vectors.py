"""R-CNN's linear fits against scikit-learn on all examples at once."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from sklearn.linear_model import Ridge
from sklearn.svm import LinearSVC

from cnnkit.errors import MissingExtraError
from cnnkit.heads.support_vectors import FIRST, machines, regressions

CHANCE = np.random.default_rng(0)


def features(count: int, width: int = 12) -> np.ndarray:
    values = CHANCE.normal(size=(count, width))
    return np.float32(20 * values / np.linalg.norm(values, axis=1, keepdims=True))


def test_mined_machines_are_those_of_all_negatives() -> None:
    """The optimum depends on the negatives inside of the margin alone, and those are all found."""
    x = features(4 * FIRST)
    positive = np.stack([x[:, 0] > 9, x[:, 1] - x[:, 2] > 14], axis=1)
    neither = np.arange(len(x)) % 7 == 0
    kernel, bias = machines(x, positive, ~positive & ~neither[:, None], seed=0)
    assert kernel.shape == (12, 2)
    for label in range(2):
        rows = positive[:, label] | ~neither
        expected = LinearSVC(
            C=1e-3, loss="hinge", class_weight={1: 2.0}, intercept_scaling=10.0, max_iter=100_000, random_state=0
        ).fit(x[rows], positive[rows, label])
        np.testing.assert_allclose(kernel[:, label], expected.coef_[0], atol=5e-3)
        assert bias[label] == pytest.approx(expected.intercept_[0], abs=2e-2)


def test_a_class_that_nothing_shows_is_never_said() -> None:
    x = features(30)
    kernel, bias = machines(x, np.zeros((30, 1), bool), np.ones((30, 1), bool), seed=0)
    assert (x @ kernel + bias < -5).all()


@pytest.mark.parametrize("count", [8, 50])
def test_regression_is_ridge_of_each_class(count: int) -> None:
    x, targets = features(count), CHANCE.normal(size=(count, 2, 4)).astype(np.float32)
    shown = np.stack([np.arange(count) % 2 == 0, np.zeros(count, bool)], axis=1)
    kernel, bias = regressions(x, targets, shown)
    expected = Ridge(alpha=1000.0).fit(x[shown[:, 0]].astype(float), targets[shown[:, 0], 0].astype(float))
    np.testing.assert_allclose(kernel[:, :4], expected.coef_.T, atol=1e-6)
    np.testing.assert_allclose(bias[:4], expected.intercept_, atol=1e-5)
    assert (kernel[:, 4:] == 0).all()
    assert (bias[4:] == 0).all()


def test_without_scikit_learn_its_install_line_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sklearn.svm", None)
    shown = np.array([[True], [False]])
    with pytest.raises(MissingExtraError, match=r"pip install '.\[rcnn\]'"):
        machines(features(2), shown, ~shown, seed=0)
