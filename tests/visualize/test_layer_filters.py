from __future__ import annotations

from pathlib import Path

import h5py
import keras
import numpy as np
import pytest
import scipy.special
from matplotlib.figure import Figure

import cnnkit as ck
from cnnkit.errors import InputError, UnknownNameError
from cnnkit.visualize.layer_filters import filter_pictures, filters, layer_kernel
from tests.visualize.small_networks import network, randomized


def test_lecture_004_standard_deviation_1_through_a_sigmoid() -> None:
    kernel = np.random.default_rng(0).normal(0, 0.02, (7, 7, 3, 64)).astype(np.float32)
    drawn = filter_pictures(kernel)
    assert drawn.shape == (64, 7, 7, 3)
    before = np.log(drawn / (1 - drawn))  # the sigmoid undone
    assert before.std() == pytest.approx(1, abs=1e-4)
    np.testing.assert_allclose(before[5] * kernel.std(), kernel[..., 5], atol=1e-5)


def test_the_first_convolution_in_colour() -> None:
    net = network(["no", "yes"])
    made = filters(net)
    kernel = net.model.get_layer("conv1").get_weights()[0]
    shown = np.stack([axes.get_images()[0].get_array() for axes in made.axes])
    np.testing.assert_allclose(shown, filter_pictures(kernel), rtol=1e-6)
    assert made.get_suptitle() == "conv1: 6 filters of 3 × 3 × 3"


def test_lecture_004_a_filter_by_hand() -> None:
    """Weights −2, 0, 2, 0 have standard deviation √2: rescaled they are −√2, 0, √2, 0."""
    kernel = np.array([[-2, 0], [2, 0]], np.float32).reshape(2, 2, 1, 1)
    expected = scipy.special.expit([[-np.sqrt(2), 0], [np.sqrt(2), 0]])
    np.testing.assert_allclose(filter_pictures(kernel)[0, ..., 0], expected, rtol=1e-6)


def test_lecture_004_a_bgr_network_shows_its_first_filters_in_rgb(tmp_path: Path) -> None:
    original = keras.applications.VGG16(weights=None, include_top=False, input_shape=(32, 32, 3))
    wants_blue = np.zeros((3, 3, 3, 64), np.float32)
    wants_blue[:, :, 0, 0] = 1  # VGG16's published weights take BGR
    original.get_layer("block1_conv1").set_weights([wants_blue, np.zeros(64)])
    original.save_weights(tmp_path / "bgr.weights.h5")
    body = ck.backbone("vgg16", weights=tmp_path / "bgr.weights.h5", input_shape=(32, 32, 3))
    made = filters(body)
    picture = np.asarray(made.axes[0].get_images()[0].get_array())
    assert picture.shape == (3, 3, 3)
    assert (picture[..., :2] == 0.5).all()
    assert (picture[..., 2] > 0.99).all()
    assert made.get_suptitle() == "block1_conv1: 64 filters of 3 × 3 × 3"


def tile(figure: Figure, row: int, column: int, height: int, width: int) -> np.ndarray:
    """A tile of the mosaic as numbers, one for each weight."""
    axes = figure.axes[0]
    mosaic = np.asarray(axes.get_images()[0].get_array().filled(np.nan))
    down, right = mosaic.shape[0] // len(axes.get_yticks()), mosaic.shape[1] // len(axes.get_xticks())
    inside = mosaic[row * down + 1 : (row + 1) * down - 1, column * right + 1 : (column + 1) * right - 1]
    assert np.isnan(mosaic[row * down]).all()  # paper between the tiles
    return inside[:: inside.shape[0] // height, :: inside.shape[1] // width]


def test_a_deeper_convolution_is_a_row_of_tiles_for_each_filter() -> None:
    net = network(["no", "yes"])
    kernel = net.model.get_layer("conv2").get_weights()[0]
    made = filters(net, "conv2", count=5)
    for number, channel in ((0, 0), (4, 3), (2, 5)):
        expected = filter_pictures(kernel)[number, :, :, channel]
        np.testing.assert_allclose(tile(made, number, channel, 3, 3), expected, rtol=1e-6)
    assert made.get_suptitle() == "conv2: 5 of 8 filters of 3 × 3 × 6"


def test_of_many_channels_the_strongest_are_shown_in_their_order() -> None:
    image = keras.Input((8, 8, 40))
    model = keras.Model(image, keras.layers.Conv2D(20, 1, name="mix")(image))
    kernel = np.full((1, 1, 40, 20), 0.01, np.float32)
    kernel[0, 0, 30, :] = -1
    kernel[0, 0, 2::2, 0] = 0.5  # nineteen, the sixteenth of which is 32
    model.get_layer("mix").set_weights([kernel, np.zeros(20)])
    made = filters(model, "mix")
    labels = [label.get_text() for label in made.axes[0].get_xticklabels()]
    assert labels == [str(channel) for channel in range(2, 33, 2)]
    assert made.get_suptitle() == "mix: 10 of 20 filters of 1 × 1 × 40, the 16 strongest channels"
    expected = scipy.special.expit(-1 / kernel.std())
    np.testing.assert_allclose(tile(made, 3, labels.index("30"), 1, 1), expected, rtol=1e-6)


def kernel_of(layer: keras.Layer, shape: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """The layer's own kernel, and as it is drawn."""
    image = keras.Input(shape)
    model = randomized(keras.Model(image, layer(image)))
    return layer.get_weights()[0], layer_kernel(model)[1]


def test_the_kernels_of_other_convolutions() -> None:
    layers = keras.layers
    own, drawn = kernel_of(layers.DepthwiseConv2D(3, depth_multiplier=2), (8, 8, 4))
    np.testing.assert_array_equal(drawn[:, :, 0, 5], own[:, :, 2, 1])
    own, drawn = kernel_of(layers.SeparableConv2D(7, 3), (8, 8, 4))
    np.testing.assert_array_equal(drawn[:, :, 0, 3], own[:, :, 3, 0])
    own, drawn = kernel_of(layers.Conv2DTranspose(7, 3), (8, 8, 4))
    np.testing.assert_array_equal(drawn[:, :, 2, 6], own[:, :, 6, 2])
    assert drawn.shape == (3, 3, 4, 7)
    own, drawn = kernel_of(layers.Conv1D(5, 3), (8, 4))
    np.testing.assert_array_equal(drawn[:, :, 0, 1], own[:, :, 1])  # steps down, channels across
    own, drawn = kernel_of(layers.Conv3D(5, (2, 3, 4)), (8, 8, 8, 3))
    np.testing.assert_array_equal(drawn[:, :, 3 + 1, 2], own[1, :, :, 1, 2])
    assert drawn.shape == (3, 4, 6, 5)


def test_the_units_of_a_first_dense_layer_are_filters_of_the_pictures_size() -> None:
    image = keras.Input((5, 4, 3))
    layer = keras.layers.Dense(6, name="units")
    model = randomized(keras.Model(image, layer(keras.layers.Flatten()(keras.layers.Rescaling(1 / 255)(image)))))
    made = filters(model)
    assert made.get_suptitle() == "units: 6 filters of 5 × 4 × 3"
    only_green_at_2_1 = np.zeros((1, 5, 4, 3), np.float32)
    only_green_at_2_1[0, 2, 1, 1] = 255
    answer = np.asarray(model(only_green_at_2_1))[0, 3] - layer.get_weights()[1][3]
    assert layer_kernel(model)[1][2, 1, 1, 3] == pytest.approx(answer, rel=1e-5)


def test_a_depthwise_convolution() -> None:
    image = keras.Input((8, 8, 4))
    model = randomized(keras.Model(image, keras.layers.DepthwiseConv2D(3, name="depthwise")(image)))
    assert len(filters(model).axes) == 4


def test_layers_without_filters() -> None:
    with pytest.raises(UnknownNameError, match="conv2"):
        filters(network(["no", "yes"]), "conv3")
    with pytest.raises(InputError, match="'head_pool'"):
        filters(network(["no", "yes"]), "head_pool")
    image = keras.Input((4,))
    with pytest.raises(InputError, match="without any"):
        filters(keras.Model(image, keras.layers.Dense(2)(keras.layers.Flatten()(image))))


def test_learned_filters_of_a_real_network_are_those_of_the_published_file(keras_home: Path) -> None:
    with h5py.File(keras_home / "models" / "mobilenet_7_5_224_tf.h5") as file:
        kernel = file["conv1/conv1/kernel"][:]  # of an RGB network
    made = filters(ck.backbone("mobilenet", alpha=0.75))
    for number, axes in enumerate(made.axes[:24]):
        expected = scipy.special.expit(kernel[..., number] / kernel.std())
        np.testing.assert_allclose(axes.get_images()[0].get_array(), expected, rtol=1e-5)
    assert made.get_suptitle() == "conv1: 24 filters of 3 × 3 × 3"
