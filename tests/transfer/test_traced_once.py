"""A step is traced once for batches of any size, and gives what Keras's own gives."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from cnnkit.heads.classification import classifier
from cnnkit.transfer.tail import Tail
from cnnkit.transfer.traced_once import TracedOnce

SIZES = (8, 8, 3)


def graph() -> tuple[Any, Any]:
    """Input and output of a small network with normalization, whose statistics are those of a batch."""
    keras.utils.set_random_seed(0)
    given = keras.Input((6,))
    x = keras.layers.BatchNormalization()(keras.layers.Dense(5, activation="relu")(given))
    return given, keras.layers.Dense(3, activation="softmax")(x)


def batches(*, weighted: bool) -> list[tuple[np.ndarray, np.ndarray, np.ndarray | None]]:
    random = np.random.default_rng(1)
    return [
        (
            random.normal(size=(size, 6)).astype(np.float32),
            np.eye(3, dtype=np.float32)[random.integers(0, 3, size)],
            random.uniform(0.5, 2, size).astype(np.float32) if weighted else None,
        )
        for size in SIZES
    ]


@pytest.mark.parametrize("weighted", [False, True])
def test_weights_and_losses_are_those_of_keras(weighted: bool) -> None:
    head = classifier(["a", "b", "c"])
    plain, tail = keras.Model(*graph()), Tail(*graph())
    tail.head = head
    tail.set_weights(plain.get_weights())
    plain.compile(optimizer=keras.optimizers.Adam(1e-2), loss=head.keras_loss(), metrics=["accuracy"])
    tail.compile(optimizer=keras.optimizers.Adam(1e-2), metrics=["accuracy"])
    for x, y, weights in batches(weighted=weighted):
        logs = [model.train_on_batch(x, y, sample_weight=weights, return_dict=True) for model in (plain, tail)]
        assert logs[0] == logs[1]
        np.testing.assert_array_equal(plain.predict_on_batch(x), tail.predict_on_batch(x))
    for theirs, ours in zip(plain.get_weights(), tail.get_weights(), strict=True):
        np.testing.assert_array_equal(theirs, ours)


def test_one_trace_for_each_structure() -> None:
    traces = []

    def step(batch: Any) -> Any:
        x, (y, weights) = batch
        traces.append(None)
        return {
            "sum": tf.reduce_sum(x) + tf.reduce_sum(y["labels"]) + (0 if weights is None else tf.reduce_sum(weights))
        }

    once = TracedOnce(step)
    for size in (4, 2, 1, 4):
        ones = np.ones((size, 3), np.float32)
        assert float(once((ones, ({"labels": ones}, None)))["sum"]) == 6 * size
    assert len(traces) == 1
    assert float(once((ones, ({"labels": ones}, np.ones(4, np.float32))))["sum"]) == 28
    assert float(once((ones, ({"labels": ones}, None)))["sum"]) == 24
    assert len(traces) == 2


def test_tensorflow_does_not_warn_of_retracing(caplog: pytest.LogCaptureFixture) -> None:
    """It counts the traces of functions with the same code, and the steps of all trainings have."""
    logger = tf.get_logger()
    logger.addHandler(caplog.handler)
    try:
        for _ in range(8):
            TracedOnce(tf.reduce_sum)(np.ones((2, 3), np.float32))
    finally:
        logger.removeHandler(caplog.handler)
    assert "retracing" not in caplog.text
