from __future__ import annotations

from collections import Counter

import keras
import numpy as np
import pytest
import tensorflow as tf

from cnnkit.engines.folded_graph import fold, session, trace
from cnnkit.engines.forward import Forward
from tests.transfer.worlds import GRAPHS, SIZE

PICTURES = np.random.default_rng(0).integers(0, 256, (3, SIZE, SIZE, 3)).astype(np.float32)
layers = keras.layers


def lively(model: keras.Model) -> keras.Model:
    """Gives every weight, statistics included, numbers of its own: what a fresh network has hides mistakes."""
    random = np.random.default_rng(1)
    for variable in model.weights:
        low = 0.5 if "variance" in variable.name or "gamma" in variable.name else -0.5
        variable.assign(random.uniform(low, 1.0, variable.shape))
    return model


def build(*stack) -> keras.Model:
    image = x = keras.Input((SIZE, SIZE, 3))
    for layer in stack:
        x = layer(x)
    return lively(keras.Model(image, x))


def operations(model: keras.Model) -> Counter[str]:
    return Counter(node.op for node in fold(trace(model)).definition.node)


def assert_same(model: keras.Model) -> None:
    expected = model(PICTURES, training=False)
    graph = fold(trace(model))
    with session(graph.definition, fuse=True) as running:
        received = running.run(graph.outputs, {graph.inputs[0]: PICTURES})
    for one, other in zip(received, expected if isinstance(expected, list) else [expected], strict=True):
        np.testing.assert_allclose(one, other, rtol=0, atol=1e-5 * float(np.abs(other).max()))


@pytest.mark.parametrize("graph", GRAPHS)
def test_a_folded_network_gives_the_numbers_of_keras(graph: str) -> None:
    assert_same(lively(GRAPHS[graph]()))


STACKS = {
    "biased convolution": [layers.Conv2D(4, 3), layers.BatchNormalization(), layers.ReLU()],
    "depthwise": [layers.DepthwiseConv2D(3, depth_multiplier=2, use_bias=False), layers.BatchNormalization()],
    "separable": [layers.SeparableConv2D(5, 3), layers.BatchNormalization()],
    "no scale": [layers.Conv2D(6, 3, strides=2), layers.BatchNormalization(scale=False)],
    "dense": [layers.Flatten(), layers.Dense(4), layers.BatchNormalization(), layers.Activation("silu")],
    "two normalizations": [layers.Conv2D(4, 1), layers.BatchNormalization(), layers.BatchNormalization(center=False)],
}


@pytest.mark.parametrize("name", STACKS)
def test_what_follows_a_linear_layer_becomes_its_weights_and_bias(name: str) -> None:
    model = build(*STACKS[name])
    assert_same(model)
    found = operations(model)
    linear = found["Conv2D"] + found["DepthwiseConv2dNative"] + found["MatMul"]
    assert found["BiasAdd"] >= 1
    assert found["AddV2"] + found["Rsqrt"] + found["Identity"] - 1 == 0  # the one Identity is the output
    assert found["Mul"] == (1 if name == "dense" else 0)  # x · σ(x)
    assert found["BiasAdd"] <= linear


def test_what_is_not_linear_or_read_twice_stays() -> None:
    before = build(layers.BatchNormalization(), layers.ReLU(), layers.Conv2D(4, 3, use_bias=False))
    assert_same(before)
    assert operations(before)["BiasAdd"] == 0
    assert_same(build(layers.Conv2D(4, 3, dilation_rate=2), layers.BatchNormalization()))  # space to batch and back
    image = keras.Input((SIZE, SIZE, 3))
    raw = layers.Conv2D(4, 3, use_bias=False)(image)
    twice = lively(keras.Model(image, layers.Add()([raw, layers.BatchNormalization()(raw)])))
    assert_same(twice)
    assert operations(twice)["BiasAdd"] == 0


def test_one_layer_in_two_places_is_scaled_in_each_for_itself() -> None:
    shared = layers.Conv2D(3, 3, padding="same")
    assert_same(build(shared, layers.BatchNormalization(), shared, layers.ReLU()))


def test_constants_that_a_layer_holds_itself() -> None:
    # The ONNX file that Keras 3.15 exports of these has the constants as inputs, which nobody gives.
    normalization = layers.Normalization(mean=[1.0, 2.0, 3.0], variance=[4.0, 5.0, 6.0])
    assert_same(build(normalization, layers.Conv2D(4, 3), layers.Activation("silu"), layers.GlobalAveragePooling2D()))


def test_a_layer_that_computes_in_a_function_is_refused_and_runs_as_keras_traces_it() -> None:
    model = build(layers.Conv2D(6, 3, groups=3), layers.BatchNormalization())
    with pytest.raises(NotImplementedError, match="function of its own"):
        fold(trace(model))
    expected = model(PICTURES, training=False)
    np.testing.assert_allclose(Forward(model)(PICTURES)[0], expected, atol=1e-4)


def test_several_outputs_in_their_order_also_where_others_read_them() -> None:
    image = keras.Input((SIZE, SIZE, 3))
    first = layers.Conv2D(4, 3)(image)
    second = layers.ReLU()(first)
    model = lively(keras.Model(image, [second, layers.GlobalMaxPooling2D()(second), first]))
    graph = fold(trace(model))
    assert graph.outputs == ("output_0:0", "output_1:0", "output_2:0")
    assert_same(model)


def test_a_graph_keeps_the_weights_that_it_was_folded_with() -> None:
    model = build(layers.Conv2D(2, 3))
    before = model(PICTURES, training=False)
    graph = fold(trace(model))
    model.set_weights([0 * weight for weight in model.get_weights()])
    with session(graph.definition, fuse=True) as running:
        np.testing.assert_allclose(running.run(graph.outputs[0], {graph.inputs[0]: PICTURES}), before, rtol=1e-5)
    assert not any(node.op == "VarHandleOp" or node.attr["dtype"].type == tf.resource for node in graph.definition.node)
