from __future__ import annotations

import random

import numpy as np
import pytest

from cnnkit.backbones.extractor import backbone


@pytest.mark.parametrize("name", ["mobilenet", "efficientnet_b0"])  # the second one holds dropouts
def test_one_seed_one_network(name) -> None:
    """It shouts when Keras stops taking default seeds from Python's generator."""

    def build(seed: int) -> list[np.ndarray]:
        return backbone(name, weights=None, input_shape=(32, 32, 3), seed=seed).model.get_weights()

    first, again, other = build(1), build(1), build(2)
    for one, two in zip(first, again, strict=True):
        np.testing.assert_array_equal(one, two)
    assert any(not np.array_equal(one, two) for one, two in zip(first, other, strict=True))


def test_the_generator_of_others_is_left_alone() -> None:
    state = random.getstate()
    backbone("mobilenet", weights=None, alpha=0.25, input_shape=(32, 32, 3))
    assert random.getstate() == state
