"""Losses of boxes against the formulas of the papers, and against the overlap that `ck.metrics` computes."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

import cnnkit as ck
from cnnkit.errors import InputError

RANDOM = np.random.default_rng(0)


def boxes(count: int) -> np.ndarray:
    low = RANDOM.uniform(0, 0.7, (count, 2))
    return np.concatenate([low, low + RANDOM.uniform(0.05, 0.5, (count, 2))], axis=1)


TRUE, PREDICTED = boxes(40), boxes(40)


def test_giou_is_one_minus_the_metric() -> None:
    expected = 1 - ck.metrics.box_iou(TRUE, PREDICTED, paired=True, generalized=True)
    np.testing.assert_allclose(ck.losses.giou(TRUE, PREDICTED), expected, rtol=1e-5)
    several = ck.losses.giou(TRUE.reshape(10, 4, 4), PREDICTED.reshape(10, 4, 4))
    np.testing.assert_allclose(several, expected.reshape(10, 4), rtol=1e-5)


def test_giou_of_boxes_apart_has_a_slope_towards_each_other() -> None:
    """Hull 4 × 1, union 2: GIoU is −½; the predicted box lies to the right, and its left border is pulled left."""
    predicted = tf.constant([[3.0, 0, 4, 1]])
    with tf.GradientTape() as tape:
        tape.watch(predicted)
        loss = ck.losses.giou([[0.0, 0, 1, 1]], predicted)
    assert float(loss[0]) == pytest.approx(1.5)
    assert float(tape.gradient(loss, predicted)[0, 0]) > 0


def test_equal_boxes_cost_nothing_and_points_stay_finite() -> None:
    np.testing.assert_allclose(ck.losses.giou(TRUE, TRUE), 0, atol=1e-6)
    point = np.array([[0.5, 0.5, 0.5, 0.5]])
    assert np.isfinite(ck.losses.giou(point, point)).all()


@pytest.mark.parametrize("beta", [0.05, 1.0])
def test_smooth_l1_is_equation_3(beta: float) -> None:
    """Of Fast R-CNN, with its slope turned at β as in its later code; the values meet there."""
    far = np.abs(PREDICTED - TRUE)
    expected = np.where(far < beta, far**2 / (2 * beta), far - beta / 2).sum(axis=1)
    np.testing.assert_allclose(ck.losses.smooth_l1(TRUE, PREDICTED, beta=beta), expected, rtol=1e-5)


def test_what_is_refused() -> None:
    with pytest.raises(InputError, match="beta"):
        ck.losses.smooth_l1(TRUE, PREDICTED, beta=0)
    with pytest.raises(InputError, match="one shape"):
        ck.losses.smooth_l1(TRUE, PREDICTED[:, :3])
    with pytest.raises(InputError, match=r"\(…, 4\)"):
        ck.losses.giou(TRUE[:, :3], PREDICTED[:, :3])
