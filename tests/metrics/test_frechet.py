"""The Fréchet distance: against SciPy's square root of a matrix and the closed form of two Gaussians."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.linalg import sqrtm

from cnnkit.errors import InputError
from cnnkit.metrics import frechet_distance


def by_square_root(one: np.ndarray, other: np.ndarray) -> float:
    """Heusel et al. 2017, equation 6, as it stands."""
    covariances = np.cov(one, rowvar=False), np.cov(other, rowvar=False)
    root = sqrtm(covariances[0] @ covariances[1]).real
    means = one.mean(axis=0) - other.mean(axis=0)
    return float(means @ means + np.trace(covariances[0] + covariances[1] - 2 * root))


def test_it_is_the_formula() -> None:
    chance = np.random.default_rng(0)
    one = chance.normal(0, 1, (50, 6)) @ chance.normal(0, 1, (6, 6))
    other = chance.normal(1, 2, (40, 6)) @ chance.normal(0, 1, (6, 6))
    assert float(frechet_distance(one, other)) == pytest.approx(by_square_root(one, other), rel=1e-6)


def test_two_gaussians_of_known_moments() -> None:
    """With diagonal covariances: |μ₁ − μ₂|² + Σ (σ₁ − σ₂)², deviation by deviation."""
    corners = np.stack(np.meshgrid(*[[-1.0, 1.0]] * 3), axis=-1).reshape(-1, 3) * np.sqrt(7 / 8)  # covariance 1
    one, other = corners * (1, 2, 3) + (0, 0, 5), corners * (2, 2, 7) + (1, 0, 5)
    assert float(frechet_distance(one, other)) == pytest.approx(1 + (1 + 0 + 16))


@pytest.mark.parametrize("samples", [4, 30])
def test_fewer_samples_than_dimensions(samples: int) -> None:
    """Turning and moving both sets, which changes no distance, does not change it; that of a set from itself is 0."""
    chance = np.random.default_rng(1)
    one, other = chance.normal(0, 1, (samples, 12)), chance.normal(0.5, 2, (5, 12))
    rotation = np.linalg.qr(chance.normal(0, 1, (12, 12)))[0]
    distance = frechet_distance(one, other)
    assert float(frechet_distance(one @ rotation + 3, other @ rotation + 3)) == pytest.approx(float(distance))
    assert float(frechet_distance(one, one)) == pytest.approx(0, abs=1e-9)
    assert (distance.counts, distance.dimensions) == ((samples, 5), 12)
    assert f"{samples} and 5 samples of 12 numbers" in repr(distance)


def test_other_features_are_refused() -> None:
    for given in ([[1.0]], [1.0, 2.0], "features", [[1.0], [2.0, 3.0]]):
        with pytest.raises(InputError, match=r"\(n, d\)"):
            frechet_distance(given, [[1.0], [2.0]])
    with pytest.raises(InputError, match="1 and 2"):
        frechet_distance([[1.0], [2.0]], [[1.0, 2.0], [2.0, 4.0]])
    with pytest.raises(InputError, match="NaN"):
        frechet_distance([[np.nan], [2.0]], [[1.0], [2.0]])
