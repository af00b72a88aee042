from __future__ import annotations

import numpy as np
import pytest

from cnnkit.transfer import exact_head
from cnnkit.transfer.exact_head import Examples, path
from cnnkit.transfer.whitening import Scaling, Whitening

RANDOM = np.random.default_rng(0)
FEATURES = RANDOM.normal(3, [1, 5, 0.1, 2], (60, 4)) @ RANDOM.normal(0, 1, (4, 4))


def test_the_covariance_is_that_of_scaled_features() -> None:
    scaled = (FEATURES - FEATURES.mean(axis=0)) / FEATURES.std(axis=0)
    np.testing.assert_allclose(Scaling.of(FEATURES).covariance(FEATURES), np.cov(scaled.T, bias=True), atol=1e-12)


def test_a_head_on_scaled_features_gives_the_logits_on_features_as_they_are() -> None:
    bias, kernel = RANDOM.normal(size=2), RANDOM.normal(size=(4, 2))
    scaled = (FEATURES - FEATURES.mean(axis=0)) / FEATURES.std(axis=0)
    linear = Scaling.of(FEATURES).linear(bias, kernel, 0.1)
    np.testing.assert_allclose(linear.logits(FEATURES), scaled @ kernel + bias, atol=1e-12)


@pytest.mark.parametrize("covariance", [None, np.cov(FEATURES.T)])
def test_coordinates_lead_back_and_their_gradient_is_the_chain_rule(covariance) -> None:
    whitening = Whitening.of(covariance, 0.25, 0.01, 4)
    bias, kernel = RANDOM.normal(size=2), RANDOM.normal(size=(4, 2))
    coordinates = whitening.whitened(bias, kernel)
    for found, expected in zip(whitening.coloured(coordinates), (bias, kernel), strict=True):
        np.testing.assert_allclose(found, expected, atol=1e-12)
    of_bias, of_kernel = RANDOM.normal(size=2), RANDOM.normal(size=(4, 2))
    linear_function = (of_bias * bias).sum() + (of_kernel * kernel).sum()
    assert (whitening.gradient(of_bias, of_kernel) * coordinates).sum() == pytest.approx(linear_function)


def test_too_many_features_to_whiten_have_the_same_optimum(monkeypatch) -> None:
    targets = (FEATURES[:, :1] + RANDOM.normal(0, 3, (60, 1)) > FEATURES[:, 0].mean()).astype(np.float32)
    data = Examples(FEATURES.astype(np.float32), targets)
    (whitened,) = path(data, softmax=False, strengths=(0.01,))
    monkeypatch.setattr(exact_head, "WHITENED_FEATURES", 3)
    (plain,) = path(data, softmax=False, strengths=(0.01,))
    np.testing.assert_allclose(plain.logits(FEATURES), whitened.logits(FEATURES), atol=1e-4)
