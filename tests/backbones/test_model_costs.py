"""Costs of Keras models: Keras's own counts, TensorFlow's profiler, the published numbers."""

from __future__ import annotations

import math
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

import cnnkit as ck
from cnnkit.backbones.extractor import build
from cnnkit.backbones.graph import functional, nodes
from cnnkit.backbones.keras_layers import Unknown, calls, inputs_of, row_of, settings_of
from cnnkit.backbones.table import APPLICATIONS, find_row
from tests.weightless import weightless

# Millions of parameters: the table of https://keras.io/api/applications.
MILLIONS = {
    "xception": 22.9,
    "vgg16": 138.4,
    "vgg19": 143.7,
    "resnet50": 25.6,
    "resnet50_v2": 25.6,
    "resnet101": 44.7,
    "resnet101_v2": 44.7,
    "resnet152": 60.4,
    "resnet152_v2": 60.4,
    "inception_v3": 23.9,
    "inception_resnet_v2": 55.9,
    "mobilenet": 4.3,
    "mobilenet_v2": 3.5,
    "densenet121": 8.1,
    "densenet169": 14.3,
    "densenet201": 20.2,
    "nasnet_mobile": 5.3,
    "nasnet_large": 88.9,
    "efficientnet_b0": 5.3,
    "efficientnet_b1": 7.9,
    "efficientnet_b2": 9.2,
    "efficientnet_b3": 12.3,
    "efficientnet_b4": 19.5,
    "efficientnet_b5": 30.6,
    "efficientnet_b6": 43.3,
    "efficientnet_b7": 66.7,
    "efficientnet_v2_b0": 7.2,
    "efficientnet_v2_b1": 8.2,
    "efficientnet_v2_b2": 10.2,
    "efficientnet_v2_b3": 14.5,
    "efficientnet_v2_s": 21.6,
    "efficientnet_v2_m": 54.4,
    "efficientnet_v2_l": 119.0,
    "convnext_tiny": 28.6,
    "convnext_small": 50.2,
    "convnext_base": 88.5,
    "convnext_large": 197.7,
    "convnext_xlarge": 350.1,
}
# Not in that table: Howard et al. 2019, table 3, which leaves the moving statistics out.
MOBILENET_V3 = {"mobilenet_v3_small": 2.5, "mobilenet_v3_large": 5.4}
QUICK = {"mobilenet", "mobilenet_v2", "mobilenet_v3_small", "resnet50"}


def published(name: str) -> Any:
    return pytest.param(name, marks=() if name in QUICK else pytest.mark.slow)


def test_every_application_has_a_published_number() -> None:
    assert {*MILLIONS, *MOBILENET_V3} == {row.name for row in APPLICATIONS}


@pytest.mark.parametrize("name", [published(name) for name in (*MILLIONS, *MOBILENET_V3)])
def test_published_parameters_by_keras_and_by_our_own_arithmetic(name: str) -> None:
    row = find_row(name)
    with weightless():
        model = build(row, (row.side, row.side, 3), None, top=True)
    assert ck.backbones.count(model)["parameters"].sum() == model.count_params()
    if name in MILLIONS:
        # ConvNeXt's rows are cut off after the decimal, the others rounded.
        assert MILLIONS[name] in {round(model.count_params() / 1e6, 1), model.count_params() // 100_000 / 10}
    else:
        assert model.count_params() / 1e6 == pytest.approx(MOBILENET_V3[name], rel=0.025)
    assert_our_arithmetic_is_that_of_keras(model)


def assert_our_arithmetic_is_that_of_keras(model: keras.Model) -> None:
    model = functional(model)
    for node, call in zip(nodes(model), calls(model), strict=True):
        assert type(call.layer) is not Unknown, call.kind
        if isinstance(node.layer, keras.Model):
            assert_our_arithmetic_is_that_of_keras(node.layer)
        elif node.parents:
            row = row_of(node.layer)
            assert row is not None
            cost = row.cost(settings_of(node.layer, row), inputs_of(node, row))
            assert cost.output[1:] == call.output, call.name
            parameters = node.layer.count_params() if isinstance(node.layer, keras.Layer) else 0
            assert sum(math.prod(weight.shape) for weight in cost.weights) == parameters, call.name


def profiled(model: keras.Model) -> int:
    """Multiply-adds as TensorFlow's own profiler has them: half the floating point operations of its products."""
    forward = tf.function(lambda image: model(image, training=False))
    graph = forward.get_concrete_function(tf.TensorSpec([1, *model.input_shape[1:]], tf.float32)).graph
    options = tf.compat.v1.profiler.ProfileOptionBuilder.float_operation()
    profile = tf.compat.v1.profiler.profile(graph, options={**options, "output": "none"}, cmd="op")
    products = {"Conv2D", "Conv3D", "DepthwiseConv2dNative", "Conv2DBackpropInput", "MatMul"}
    total = 0
    node = profile
    while node.children:
        node = node.children[0]
        if node.name in products:
            total += node.float_ops
    return total // 2


def test_multiply_adds_of_every_kind_against_the_profiler() -> None:
    layers = keras.layers
    image = keras.Input((20, 24, 6))
    x = layers.Conv2D(8, (3, 5), strides=2, padding="same")(image)
    x = layers.DepthwiseConv2D(3, depth_multiplier=2, dilation_rate=2)(x)
    x = layers.SeparableConv2D(12, 3, padding="same")(x)
    x = layers.Conv2DTranspose(4, 4, strides=2, padding="same")(x)
    x = layers.Concatenate()([layers.MaxPooling2D(2)(x), layers.AveragePooling2D(2)(x)])
    x = layers.Dense(3)(layers.Flatten()(layers.UpSampling2D(2)(x)))
    model = keras.Model(image, x)
    assert ck.backbones.count(model)["multiply_adds"].sum() == profiled(model)
    assert_our_arithmetic_is_that_of_keras(model)


@pytest.mark.parametrize(
    "name",
    [
        "mobilenet",
        "mobilenet_v3_small",
        *(pytest.param(name, marks=pytest.mark.slow) for name in ("vgg16", "resnet50")),
    ],
)
def test_multiply_adds_of_networks_against_the_profiler(name: str) -> None:
    model = build(find_row(name), (224, 224, 3), None, top=True)
    assert ck.backbones.count(model)["multiply_adds"].sum() == profiled(model)


def test_networks_of_one_and_of_three_axes() -> None:
    layers = keras.layers
    sound = keras.Sequential(
        [
            keras.Input((64, 2)),
            layers.Conv1D(4, 5, padding="causal", dilation_rate=2),
            layers.MaxPooling1D(4),
            layers.Conv1DTranspose(3, 4, strides=2),
            layers.ZeroPadding1D((1, 2)),
            layers.Cropping1D((2, 1)),
        ]
    )
    volume = keras.Sequential([keras.Input((8, 9, 10, 1)), layers.Conv3D(2, (1, 2, 3)), layers.AveragePooling3D(2)])
    for model in (sound, volume):
        assert_our_arithmetic_is_that_of_keras(model)
    table = ck.backbones.count(sound)
    assert table["receptive_field"].tolist()[:3] == [1, 9, 12]
    assert table["centre"].tolist()[:3] == [0, -4, -2.5]  # a causal kernel looks back only
    assert ck.backbones.count(volume)["multiply_adds"][1] == 8 * 8 * 8 * 2 * 6
    assert ck.backbones.count(volume)["note"][2] == ""


def pixels_that_matter(model: keras.Model, row: int, column: int) -> tuple[float, float]:
    """First and last row of the input that change one output value, by automatic differentiation."""
    image = tf.Variable(np.random.default_rng(0).normal(size=(1, *model.input_shape[1:])).astype(np.float32))
    with tf.GradientTape() as tape:
        value = tf.reduce_sum(model(image, training=False)[0, row, column])
    rows = np.flatnonzero(np.abs(tape.gradient(value, image)[0]).sum(axis=(1, 2)))
    return float(rows[0]), float(rows[-1])


@pytest.mark.parametrize("padding", ["same", "valid"])
@pytest.mark.parametrize("side", [64, 65])
def test_receptive_fields_and_centres_against_the_gradient(padding: str, side: int) -> None:
    layers = keras.layers
    image = keras.Input((side, side, 1))
    x = layers.Conv2D(2, 5, strides=2, padding=padding)(image)
    x = layers.AveragePooling2D(3, strides=2, padding=padding)(x)
    branch = layers.Conv2D(2, 3, padding="same", dilation_rate=2)(x)
    x = layers.Add()([branch, layers.Conv2D(2, 1)(x)])
    x = layers.Conv2D(1, 2, strides=1, padding=padding)(layers.ZeroPadding2D(((1, 0), (1, 0)))(x))
    model = keras.Model(image, x)
    last = ck.backbones.count(model).iloc[-1]
    place = 6
    middle = last["centre"] + place * last["stride"]
    reach = (last["receptive_field"] - 1) / 2
    assert (middle - reach, middle + reach) == pixels_that_matter(model, place, place)


def test_a_layer_that_cnnkit_does_not_know_says_so() -> None:
    image = keras.Input((8, 8, 3))
    x = keras.layers.Permute((2, 1, 3), name="turned")(keras.layers.Conv2D(2, 3)(image))
    table = ck.backbones.count(keras.Model(image, keras.layers.Conv2D(2, 3)(x))).set_index("name")
    assert "does not know" in table["note"]["turned"]
    assert table["receptive_field"].isna().tolist() == [False, False, True, True]
    assert table["multiply_adds"].iloc[-1] == 16 * 9 * 2 * 2


def test_a_layer_called_twice_has_its_parameters_once() -> None:
    image = keras.Input((8, 8, 3))
    layer = keras.layers.Conv2D(3, 3, padding="same")
    model = keras.Model(image, layer(layer(image)))
    table = ck.backbones.count(model)
    assert table["parameters"].tolist() == [0, model.count_params(), 0]
    assert table["multiply_adds"].tolist() == [0, 64 * 81, 64 * 81]


def test_open_sides_cost_nothing_and_reshaping_loses_the_view() -> None:
    image = keras.Input((None, None, 3))
    x = keras.layers.Conv2D(4, 3, strides=2, padding="same")(image)
    table = ck.backbones.count(keras.Model(image, x))
    assert table["shape"].tolist() == [(None, None, 3), (None, None, 4)]
    assert table["multiply_adds"].sum() == table["activations"].sum() == 0
    assert table["centre"].tolist() == [0, 1]  # on an even side, "same" pads after only
    image = keras.Input((4, 4, 3))
    reshaped = keras.layers.Reshape((16, 3))(keras.layers.Conv2D(3, 1)(image))
    assert ck.backbones.count(keras.Model(image, reshaped))["receptive_field"].isna().tolist() == [False, False, True]


def test_channels_shuffled_and_sliced_see_what_they_saw() -> None:
    layers = keras.layers
    image = keras.Input((8, 8, 3))
    x = layers.Reshape((6, 6, 2, 3))(layers.Conv2D(6, 3)(image))
    x = layers.Reshape((6, 6, 6))(layers.Permute((1, 2, 4, 3))(x))
    table = ck.backbones.count(keras.Model(image, layers.Conv2D(2, 3)(x[..., :4])))
    assert table["receptive_field"].tolist() == [1, 3, 3, 3, 3, 3, 5]
    assert table["activations"].tolist() == [192, 216, 0, 0, 0, 0, 32]


def test_inner_models_are_one_row() -> None:
    inner = keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Conv2D(4, 3, strides=2)], name="inner")
    image = keras.Input((8, 8, 3))
    table = ck.backbones.count(keras.Model(image, keras.layers.Conv2D(1, 2)(inner(image))))
    assert table.iloc[1][["name", "parameters", "multiply_adds", "activations"]].tolist() == ["inner", 112, 972, 36]
    assert table["receptive_field"].tolist() == [1, 3, 5]
