"""Losses against the formulas of the papers, written out in NumPy, and their gradients against differences."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf

import cnnkit as ck
from cnnkit.data.targets.labels import Labels
from cnnkit.errors import DataError, InputError

RANDOM = np.random.default_rng(0)
LOGITS = RANDOM.normal(size=(6, 3))
SIGMOIDS = 1 / (1 + np.exp(-LOGITS))
SOFTMAX = np.exp(LOGITS) / np.exp(LOGITS).sum(axis=1, keepdims=True)
YES_NO = RANDOM.integers(0, 2, (6, 3)).astype(float)
ONE_HOT = np.eye(3)[RANDOM.integers(0, 3, 6)]


def binary_by_definition(p: np.ndarray, gamma: float, alpha: float | None) -> np.ndarray:
    """Equations 2, 3 and 5 of Lin et al. for each decision: p_t, alpha_t, then the loss."""
    p_t = np.where(YES_NO == 1, p, 1 - p)
    alpha_t = 1 if alpha is None else np.where(YES_NO == 1, alpha, 1 - alpha)
    return (-alpha_t * (1 - p_t) ** gamma * np.log(p_t)).mean(axis=1)


def categorical_by_definition(p: np.ndarray, gamma: float) -> np.ndarray:
    p_t = p[np.arange(6), ONE_HOT.argmax(axis=1)]
    return -((1 - p_t) ** gamma) * np.log(p_t)


@pytest.mark.parametrize("gamma", [0.0, 0.5, 2.0, 5.0])
@pytest.mark.parametrize("alpha", [None, 0.25])
def test_binary_focal_is_equation_5(gamma: float, alpha: float | None) -> None:
    found = ck.losses.binary_focal(YES_NO, SIGMOIDS, gamma=gamma, alpha=alpha)
    np.testing.assert_allclose(found, binary_by_definition(SIGMOIDS, gamma, alpha), rtol=1e-5)


@pytest.mark.parametrize("gamma", [0.0, 2.0])
def test_categorical_focal_is_that_of_the_true_class(gamma: float) -> None:
    found = ck.losses.categorical_focal(ONE_HOT, SOFTMAX, gamma=gamma)
    np.testing.assert_allclose(found, categorical_by_definition(SOFTMAX, gamma), rtol=1e-5)


@pytest.mark.parametrize(
    ("function", "targets", "p", "definition"),
    [
        (ck.losses.binary_focal, YES_NO, SIGMOIDS, lambda p: binary_by_definition(p, 2.0, None)),
        (ck.losses.categorical_focal, ONE_HOT, SOFTMAX, lambda p: categorical_by_definition(p, 2.0)),
    ],
)
def test_gradients_are_those_of_the_formula(function, targets, p, definition) -> None:
    given = tf.constant(p)
    with tf.GradientTape() as tape:
        tape.watch(given)
        total = tf.reduce_sum(function(targets, given))
    step = 1e-6
    expected = np.zeros_like(p)
    for place in np.ndindex(p.shape):
        moved = np.zeros_like(p)
        moved[place] = step
        expected[place] = (definition(p + moved).sum() - definition(p - moved).sum()) / (2 * step)
    np.testing.assert_allclose(tape.gradient(total, given), expected, atol=1e-5)


def test_certainty_and_error_stay_finite() -> None:
    losses = ck.losses.binary_focal([[1.0], [1.0]], [[1.0], [0.0]])
    assert np.isfinite(losses).all()
    assert float(losses[0]) == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("name", ["focal", "class_balanced", "class_balanced_focal"])
@pytest.mark.parametrize(("classes", "targets", "p"), [(2, YES_NO[:, :1], SIGMOIDS[:, :1]), (3, ONE_HOT, SOFTMAX)])
def test_a_head_has_the_loss_of_its_name(name: str, classes: int, targets: np.ndarray, p: np.ndarray) -> None:
    head = ck.heads.classifier([str(number) for number in range(classes)], loss=name, label_smoothing=0.2)
    smoothed = targets * 0.8 + 0.2 / max(2, classes)
    gamma = 2.0 if "focal" in name else 0.0
    of_unit = smoothed * (1 - p) ** gamma * np.log(p)
    if classes == 2:
        of_unit += (1 - smoothed) * p**gamma * np.log(1 - p)
    np.testing.assert_allclose(head.loss(targets, p), -of_unit.sum(axis=1), rtol=1e-5)
    counts = np.array([10, 1000, 20])[:classes]
    weights = head.weights(Labels(head.classes, np.repeat(np.arange(classes), counts)))
    if name == "focal":
        assert weights is None
    else:
        np.testing.assert_allclose(weights[np.cumsum(counts) - 1], ck.losses.class_balanced_weights(counts), rtol=1e-6)


def test_effective_numbers_by_their_recursion() -> None:
    """Cui et al., proof of proposition 1: the next example adds the chance that it is new, E_n = 1 + beta E_(n-1)."""
    beta, counts = 0.97, [1, 5, 60]
    effective = []
    for count in counts:
        expected = 0.0
        for _ in range(count):
            expected = 1 + beta * expected
        effective.append(expected)
    inverse = 1 / np.array(effective)
    found = ck.losses.class_balanced_weights(counts, beta=beta)
    np.testing.assert_allclose(found, 3 * inverse / inverse.sum())
    assert ck.losses.class_balanced_weights([3, 300], beta=0).tolist() == [1, 1]


@pytest.mark.parametrize("counts", [None, "ab", [], [[1, 2]], [-1, 2], [np.nan, 1]])
def test_counts_that_are_none(counts) -> None:
    with pytest.raises(DataError, match="numbers of examples"):
        ck.losses.class_balanced_weights(counts)


@pytest.mark.parametrize("beta", [1, -0.1, "a", None])
def test_a_beta_that_is_none(beta) -> None:
    with pytest.raises(InputError, match="beta"):
        ck.losses.class_balanced_weights([1, 2], beta=beta)


def test_a_focal_loss_compiles_in_plain_keras() -> None:
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1, activation="sigmoid")])
    model.compile(loss=ck.losses.binary_focal, optimizer="sgd")
    assert np.isfinite(model.train_on_batch(LOGITS, YES_NO[:, :1]))
