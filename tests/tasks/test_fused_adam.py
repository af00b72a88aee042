"""Steps of the fused optimizer are those of Keras's, eagerly and in a graph, and so is what it keeps."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf

from cnnkit.tasks.fused_adam import FusedAdam

SHAPES = ((3, 3, 2, 4), (4,))


def state_after(optimizer: keras.optimizers.Optimizer, *, in_a_graph: bool) -> list[np.ndarray]:
    """Two variables after 20 steps at falling rates, and what the optimizer keeps."""
    chance = np.random.default_rng(0)
    variables = [keras.Variable(chance.normal(size=shape).astype(np.float32)) for shape in SHAPES]
    optimizer.build(variables)

    def step(*gradients: tf.Tensor) -> None:
        optimizer.apply(gradients, variables)

    run = tf.function(step) if in_a_graph else step
    for number in range(20):
        optimizer.learning_rate = 1e-2 / (1 + number)
        run(*(tf.constant(chance.normal(size=shape), tf.float32) for shape in SHAPES))
    return [np.array(value) for value in (*variables, *optimizer.variables)]


@pytest.mark.parametrize("in_a_graph", [False, True])
def test_steps_are_those_of_keras(in_a_graph: bool) -> None:
    expected = state_after(keras.optimizers.Adam(1e-2, beta_1=0.5), in_a_graph=in_a_graph)
    found = state_after(FusedAdam(1e-2, beta_1=0.5), in_a_graph=in_a_graph)
    assert len(found) == len(expected)
    for value, of_keras in zip(found, expected, strict=True):
        # Rounded in another order: 3e-8 apart after five steps.
        np.testing.assert_allclose(value, of_keras, rtol=1e-5, atol=1e-6)
