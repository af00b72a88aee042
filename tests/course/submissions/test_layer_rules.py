"""Each row of the tables against Keras itself: shapes, parameters and the tensors of a saved file."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers, ops

from cnnkit.course.submissions.architecture import Architecture, measure
from cnnkit.course.submissions.assignment import Limits
from cnnkit.course.submissions.findings import RefusedError
from cnnkit.layers import stock_objects
from cnnkit.layers.table import LAYERS, OPERATIONS
from cnnkit.primitives import counting
from tests.course.submissions.saved_tensors import tensors_of
from tests.layers.cases import (
    CASES,
    EXPRESSIONS,
    MAP,
    OF_KERAS_2,
    PLACES,
    PREPROCESSING,
    SLICES,
    VECTOR,
    model_of,
)

# Keras 3.15.1 reads TensorFlow variables in a way that NumPy 2 deprecates; `save_weights` cannot avoid it.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

LIMITS = Limits()


def measured(model: keras.Model) -> Architecture:
    return measure(model.to_json().encode(), LIMITS)


def assert_same(model: keras.Model, folder: Path) -> None:
    found = measured(model)
    assert found.outputs == (model.output_shape,)
    assert found.parameters == model.count_params()
    model.save_weights(folder / "model.weights.h5")
    assert {path: weight.shape for path, weight in found.tensors.items()} == tensors_of(folder / "model.weights.h5")
    legacy = [
        (layer.name, [tuple(weight.shape) for weight in layer.trainable_weights + layer.non_trainable_weights])
        for layer in model.layers
    ]
    assert [(layer.name, [weight.shape for weight in layer.weights]) for layer in found.legacy] == legacy


def test_every_layer_has_a_case() -> None:
    assert CASES.keys() | OF_KERAS_2 == LAYERS.keys()


@pytest.mark.parametrize("name", CASES)
def test_a_layer_is_as_in_keras(name: str, tmp_path: Path) -> None:
    for call, shapes in CASES[name]:
        model = model_of(call, shapes)
        assert name in [type(layer).__name__ for layer in model.layers]
        assert_same(model, tmp_path)


def test_every_operation_has_a_case() -> None:
    assert EXPRESSIONS.keys() == {name for _, name in OPERATIONS}


@pytest.mark.parametrize("name", EXPRESSIONS)
def test_an_operation_is_as_in_keras(name: str, tmp_path: Path) -> None:
    model = model_of(EXPRESSIONS[name], ((12, 10, 3),))
    assert name in {type(operation).__name__ for operation in model.operations} | {"Abs", "Negative"}
    assert_same(model, tmp_path)


@pytest.mark.parametrize("number", range(len(SLICES)))
def test_a_slice_is_as_in_keras(number: int, tmp_path: Path) -> None:
    assert_same(model_of(SLICES[number], ((12, 10, 3),)), tmp_path)


@pytest.mark.parametrize("preprocess", PREPROCESSING)
def test_preprocessing_within_the_model(preprocess: Callable[..., Any], tmp_path: Path) -> None:
    assert_same(model_of(lambda x: layers.Conv2D(4, 3)(preprocess(x)), ((12, 10, 3),)), tmp_path)


@pytest.mark.parametrize(
    "expression",
    [
        lambda x: ops.mean(x, axis=0),
        lambda x: ops.mean(x),
        lambda x: ops.reshape(x, (2, -1)),
        lambda x: x[0],
        lambda x: x[::2, ...],
        lambda x: ops.concatenate([x, x], axis=0),
        lambda x: ops.stack([x, x], axis=0),
        lambda x: ops.cumsum(x, axis=0),
        lambda x: ops.cumsum(x),
        lambda x: ops.take_along_axis(x, ops.cast(x, "int32"), axis=0),
        lambda x: ops.triu(x[:, :, 0, 0]),
    ],
)
def test_what_mixes_pictures_of_a_batch_is_refused(expression: Callable[[Any], Any]) -> None:
    with pytest.raises(RefusedError) as refused:
        measured(model_of(expression, ((12, 10, 3),)))
    assert refused.value.check in ("layer-shape", "layer-argument")


def test_stock_words_are_those_of_keras() -> None:
    for name in stock_objects.ACTIVATIONS:
        assert callable(keras.activations.get(name))
    x = keras.Input((4, 6))
    for name in stock_objects.ACTIVATIONS:
        assert layers.Activation(name)(x).shape == x.shape, name


@pytest.mark.parametrize("policy", ["float32", "mixed_float16", "mixed_bfloat16"])
def test_mixed_precision_keeps_its_variables_in_float32(policy: str, tmp_path: Path) -> None:
    dense = layers.Dense(4, dtype=policy)
    assert_same(model_of(dense, (VECTOR,)), tmp_path)
    assert {weight.dtype for weight in dense.weights} == {"float32"}


def multiplications(model: keras.Model) -> int:
    """A slow definition for linear layers: how many inputs each output depends on, products counted one by one."""
    (shape,) = (tensor.shape[1:] for tensor in model.inputs)
    basis = np.eye(math.prod(shape), dtype=np.float32).reshape(-1, *shape)
    for weight in model.weights:
        weight.assign(np.ones(weight.shape, np.float32))
    rows = model.predict(basis, verbose=0, batch_size=512)
    return int(np.count_nonzero(rows))


@pytest.mark.parametrize(
    ("layer", "shape"),
    [
        (layers.Conv2D(2, 3, padding="valid", groups=2, use_bias=False), (6, 5, 4)),
        (layers.Conv2D(2, 2, dilation_rate=2, use_bias=False), (6, 5, 2)),
        (layers.Conv2D(3, (1, 4), strides=2, use_bias=False), (6, 7, 2)),
        (layers.DepthwiseConv2D(3, depth_multiplier=2, use_bias=False), (6, 5, 2)),
        (layers.Conv1D(3, 3, use_bias=False), (7, 2)),
        (layers.Conv3D(2, 2, use_bias=False), (3, 4, 3, 2)),
        (layers.Conv2DTranspose(2, 2, strides=2, use_bias=False), (4, 3, 2)),
        (layers.Conv2DTranspose(2, 2, strides=3, use_bias=False), (4, 3, 2)),
        (layers.Dense(3, use_bias=False), (4, 5)),
    ],
)
def test_multiply_adds_are_the_products_that_are_made(layer: Any, shape: tuple[int, ...]) -> None:
    model = model_of(layer, (shape,))
    assert measured(model).multiply_adds == multiplications(model)


def test_attention_counts_its_matrices() -> None:
    """Vaswani et al. 2017, section 3.2: projections of 5 and 4 places, two products of 5 × 4 scores a head."""
    found = measured(model_of(lambda x, y: layers.MultiHeadAttention(2, 3, value_dim=4)(x, y), (PLACES, (4, 7))))
    query, key, value, output = 5 * 8 * 2 * 3, 4 * 7 * 2 * 3, 4 * 7 * 2 * 4, 5 * 2 * 4 * 8
    assert found.multiply_adds == query + key + value + output + 2 * 5 * 4 * (3 + 4)


def test_counts_agree_with_the_primitives() -> None:
    found = measured(model_of(layers.Conv2D(4, 3, padding="same", groups=2), (MAP,)))
    assert found.multiply_adds == counting.conv_multiply_adds(3, (12, 10), 6, 4, groups=2)
    assert found.parameters == counting.conv_parameters(3, 6, 4, groups=2)
    found = measured(model_of(layers.DepthwiseConv2D(3, padding="same", depth_multiplier=2), (MAP,)))
    assert found.multiply_adds == counting.depthwise_multiply_adds(3, (12, 10), 6, multiplier=2)
    assert found.parameters == counting.depthwise_parameters(3, 6, multiplier=2)
    found = measured(model_of(layers.MaxPooling2D(2), (MAP,)))
    assert (found.multiply_adds, found.operations) == (0, counting.pooling_operations(2, (6, 5), 6))
    found = measured(model_of(layers.Dense(4), (MAP,)))
    assert found.multiply_adds == counting.dense_multiply_adds(6, 4, positions=120)
