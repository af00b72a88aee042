"""Likeness of pictures: against TensorFlow, against the formula, and what a blur does."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from cnnkit import metrics
from cnnkit.errors import InputError

CHANCE = np.random.default_rng(3)
TRUTH = CHANCE.integers(0, 256, (3, 20, 17, 3)).astype(np.uint8)
OTHER = np.clip(TRUTH + CHANCE.normal(0, 40, TRUTH.shape), 0, 255).astype(np.uint8)


def test_structural_similarity_is_that_of_tensorflow() -> None:
    expected = tf.image.ssim(TRUTH, OTHER, 255).numpy()
    np.testing.assert_allclose(metrics.structural_similarity(TRUTH, OTHER), expected, atol=1e-5)


def test_peak_signal_to_noise_is_that_of_tensorflow() -> None:
    np.testing.assert_allclose(
        metrics.peak_signal_to_noise(TRUTH, OTHER), tf.image.psnr(TRUTH, OTHER, 255).numpy(), rtol=1e-5
    )


def test_equal_pictures() -> None:
    assert metrics.absolute_error(TRUTH, TRUTH).tolist() == [0, 0, 0]
    np.testing.assert_allclose(metrics.structural_similarity(TRUTH, TRUTH), 1)
    assert np.isinf(metrics.peak_signal_to_noise(TRUTH, TRUTH)).all()


def test_absolute_error_is_a_part_of_white() -> None:
    assert metrics.absolute_error(np.zeros((1, 2, 2, 3)), np.full((1, 2, 2, 3), 51)).tolist() == pytest.approx([0.2])


def test_a_blur_has_less_gradient_energy() -> None:
    step = np.zeros((1, 4, 6, 1))
    step[:, :, 3:] = 255
    ramp = np.broadcast_to(np.linspace(0, 255, 6)[None, None, :, None], (1, 4, 6, 1))
    # One edge of height 1 in five differences; five of a fifth each.
    assert metrics.gradient_energy(step).tolist() == pytest.approx([1 / 5])
    assert metrics.gradient_energy(ramp).tolist() == pytest.approx([1 / 25])


def test_other_arrays_are_refused() -> None:
    for given in (TRUTH[0], [], "pictures"):
        with pytest.raises(InputError, match=r"\(n, h, w, c\)"):
            metrics.gradient_energy(given)
    with pytest.raises(InputError, match="as the truth"):
        metrics.absolute_error(TRUTH, OTHER[:2])
    with pytest.raises(InputError, match="11 × 11"):
        metrics.structural_similarity(TRUTH[:, :8], OTHER[:, :8])
    with pytest.raises(InputError, match="2 × 2"):
        metrics.gradient_energy(TRUTH[:, :1])
