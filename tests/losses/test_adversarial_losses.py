"""The adversarial losses: the formulas of the papers, patch by patch."""

from __future__ import annotations

import numpy as np
import pytest

from cnnkit.errors import UnknownNameError
from cnnkit.losses import adversarial

LOGITS = np.random.default_rng(2).normal(0, 3, (3, 4, 5, 1))


def test_cross_entropy() -> None:
    """Goodfellow et al. 2014: −log D of real pictures, −log(1 − D) of others."""
    probabilities = 1 / (1 + np.exp(-LOGITS))
    for real, expected in ((True, -np.log(probabilities)), (False, -np.log(1 - probabilities))):
        np.testing.assert_allclose(adversarial(LOGITS, real=real), expected.mean(axis=(1, 2, 3)), rtol=1e-5)


def test_least_squares() -> None:
    """Mao et al. 2017, equation 9 without its half, as in CycleGAN: a = 0, b = c = 1."""
    for real in (True, False):
        expected = ((LOGITS - real) ** 2).mean(axis=(1, 2, 3))
        np.testing.assert_allclose(adversarial(LOGITS, real=real, objective="squares"), expected, rtol=1e-5)


def test_another_objective_is_refused() -> None:
    with pytest.raises(UnknownNameError, match="squares"):
        adversarial(LOGITS, real=True, objective="hinge")  # type: ignore[arg-type]
